"""LawPay's side of the wire, as the conformance kit and the proof want it: the emulator, a plugin of its own."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from portal_app.plugin_api import Delivery, Method
from portal_app.testing import Given, Says, Taken, Wire
from portal_emulator import nights, webhooks
from portal_emulator.app import create, world_of

SECRET, PUBLIC = "sk_kit_for_tests", "m_kit_for_tests"
START = dt.datetime(2027, 1, 15, 15, tzinfo=dt.UTC)
CARD = {"type": "card", "number": "4242424242424242", "exp_month": 12, "cvv": "987"}
BANK = {"type": "bank", "routing_number": "000000013", "account_number": "1234567890", "account_type": "CHECKING"}
DECLINED = {Method.CARD: {"number": "4000000000000002"}, Method.BANK: {"account_number": "1000000001"}}
MOVED = {"AUTHORIZED", "COMPLETED", "PENDING", "VOIDED", "HELD"}


class LawPayWire(Wire):
    """The emulator; what LawPay never does (a state not listed, less taken than asked) is written into its books."""

    lag_seconds = 60

    def __init__(self) -> None:
        self.sent: list[Delivery] = []
        self.odd: dict[str, Says] = {}
        self.app = create(
            secret_key=SECRET, public_key=PUBLIC, clock=lambda: START, sleep=lambda _: None, post=self._post,
            webhook_addresses=("https://portal.example.test/webhook",),
        )  # fmt: skip
        self.world = world_of(self.app)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = self.app.wsgi_app(environ, start_response)
        if environ["REQUEST_METHOD"] != "POST" or not environ["PATH_INFO"].endswith("/v1/charges") or not self.odd:
            return answer
        return [self._twist(b"".join(answer))]

    def _twist(self, body: bytes) -> bytes:
        """The newest charge as it was to be; a same number of bytes, since the headers are out."""
        told = json.loads(body)
        says = self.odd.pop(next(iter(self.odd)))
        change = {"status": "HELD"} if says is Says.UNMAPPED else {"amount": told["amount"] - 1}
        record = self.world.store.get("transaction", told["id"])
        with self.world:
            self.world.store.put("transaction", {**(record or {}), **change})
        return json.dumps(told | change, separators=(",", ":")).encode().ljust(len(body))

    def settings(self) -> Mapping[str, str]:
        return {
            "base_url": "https://api.lawpay.test/v1", "secret_key": SECRET, "public_key": PUBLIC,
            "page_url": "https://secure.lawpay.test", "page_merchant": "rehearsal",
        }  # fmt: skip

    def unauthorized(self) -> tuple[int, bytes]:
        return 401, b'{"messages": [{"level": "error", "code": "not_authorized", "message": "Not authorized"}]}'

    def now(self) -> dt.datetime:
        return self.world.now()

    def token(self, says: Says, method: Method) -> str:
        if says is Says.ACTION_REQUIRED:
            return super().token(says, method)
        means = BANK if method is Method.BANK else self._card()
        change = DECLINED[method] if says is Says.DECLINED else {}
        answer = self.app.test_client().post("/v1/tokens", json=means | change, auth=(PUBLIC, ""))
        id = str(answer.get_json()["id"])
        if says in {Says.UNMAPPED, Says.LESS}:
            self.odd[id] = says
        return id

    def _card(self) -> dict[str, Any]:
        """It expires some years on: a proof can last for decades of the clock."""
        return CARD | {"exp_year": self.now().year + 3}

    def _rows(self, type: str) -> list[Any]:
        return [row for row in self.world.store.all("transaction") if row["type"] == type]

    def _account(self, id: str) -> str:
        """As the plugin names the pair that this account belongs to."""
        merchant = self.world.merchant
        lists = zip(merchant["merchant_accounts"], merchant["ach_accounts"], strict=True)
        return next(f"{card['id']}+{bank['id']}" for card, bank in lists if id in {card["id"], bank["id"]})

    def charges(self) -> Sequence[Taken]:
        with self.world:
            return [
                Taken(
                    reference=row.get("reference", ""), gateway_reference=row["id"], amount_minor=row["amount"],
                    currency=row["currency"], merchant_account=self._account(row["account_id"]),
                )
                for row in self._rows("CHARGE") if row["status"] in MOVED or "authorization_code" in row
            ]  # fmt: skip

    def refunds(self) -> Sequence[Given]:
        given = [
            Given(
                reference=row.get("reference", ""), gateway_reference=row["id"], amount_minor=row["amount"],
                charge_gateway_reference=row["charge_id"],
            )
            for row in self._rows("REFUND") if row["status"] not in {"VOIDED", "FAILED"}
        ]  # fmt: skip
        return given + [
            Given(
                reference=row.get("void_reference", ""), gateway_reference=row["id"], amount_minor=row["amount"],
                charge_gateway_reference=row["id"], is_void=True,
            )
            for row in self._rows("CHARGE") if row["status"] == "VOIDED"
        ]  # fmt: skip

    def _post(self, _address: str, body: bytes) -> int:
        headers = {"content-type": "application/json"}
        self.sent.append(Delivery(body=body, headers=headers, received_at=self.world.now()))
        return 200

    def deliveries(self) -> Sequence[Delivery]:
        webhooks.deliver(self.world)
        return list(self.sent)

    def advance(self, by: dt.timedelta) -> None:
        nights.advance(self.world, self.world.now() + by)

    def lag(self, is_lagging: bool) -> None:
        if is_lagging:
            self.world.faults.switch_on("lag")
        else:
            self.world.faults.switch_off("lag")

    def pay_page(self, url: str) -> None:
        typed = {name: str(value) for name, value in self._card().items()} | {"name": "Zoë"}
        path = url.removeprefix("https://secure.lawpay.test")
        answer = self.app.test_client().post(path, data=typed, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == 303, answer.get_data(as_text=True)

    def settle(self, gateway_reference: str) -> None:
        self.advance(dt.timedelta(days=3))

    def give_back_debit(self, gateway_reference: str) -> None:
        with self.world:
            record = self.world.store.get("transaction", gateway_reference)
            nights.give_back(self.world, record or {}, "ach_insufficient_funds")

    def take_elsewhere(self, merchant_account: str, amount_minor: int) -> str:
        asked = {"amount": amount_minor, "method": self._card(), "account_id": merchant_account.partition("+")[0]}
        return str(self.app.test_client().post("/v1/charges", json=asked, auth=(SECRET, "")).get_json()["id"])
