"""The sandbox's side of the wire, as the conformance kit and the proof want it: its companion, in this process."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from portal_app.plugin_api import Delivery, Fund, Method
from portal_app.testing import Given, Says, Taken, Wire
from portal_sandbox.charges import Charge
from portal_sandbox.companion import create
from portal_sandbox.disputes import Dispute, Payout
from portal_sandbox.events import HEADER, key_of, signature
from portal_sandbox.refunds import Refund

KEY = "sk_sandbox_of_the_kit"
CARDS = {
    Says.APPROVED: "4242424242424242",
    Says.DECLINED: "4000000000000002",
    Says.ACTION_REQUIRED: "4000000000003220",
}
BANKS = {Says.APPROVED: "000123456789", Says.PENDING: "000123456789"}
MOVED = {"succeeded", "pending", "returned"}


class SandboxWire(Wire):
    most_minor = 99_999_999_999

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # its books are synced to the disk at each step, which is not what is tried here
        folder = tempfile.mkdtemp(dir=memory if memory.is_dir() else None)
        self.cleanup = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.seconds = 1_800_000_000
        self.posts: list[Delivery] = []
        self.app = create(folder, clock=lambda: self.seconds, sleep=lambda _: None, post=self.post)
        self.works = self.app.extensions["sandbox"]
        self.web = self.app.test_client()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self.app(environ, start_response)

    def post(self, _url: str, body: bytes, headers: Mapping[str, str]) -> int:
        lower = {name.lower(): value for name, value in headers.items()}
        self.posts.append(Delivery(body=body, headers=lower, received_at=self.now()))
        return 200

    def settings(self) -> Mapping[str, str]:
        return {"base_url": "https://sandbox.example.test", "secret_key": KEY}

    def token(self, says: Says, method: Method) -> str:
        number = (CARDS if method is Method.CARD else BANKS).get(says)
        if number is None:
            return super().token(says, method)
        typed = {"method": "card", "number": number, "expires": self._expires(), "code": "123"}
        if method is Method.BANK:
            typed = {"method": "bank", "routing": "110000000", "account": number}
        return str(self.web.post("/v1/tokens", json=typed).get_json()["id"])

    def _expires(self) -> str:
        """Some years on: a proof can last for decades of its clock."""
        return f"12/{(self.now().year + 3) % 100:02d}"

    def charges(self) -> Sequence[Taken]:
        with self.works.books.reading() as rows:
            found = rows.where(Charge, "1 = 1")
        return [
            Taken(
                reference=row.reference,
                gateway_reference=row.id,
                amount_minor=row.amount_minor,
                currency=row.currency,
                merchant_account=row.merchant_account,
            )
            for row in found
            if row.status in MOVED
        ]

    def refunds(self) -> Sequence[Given]:
        with self.works.books.reading() as rows:
            found = rows.where(Refund, "status <> 'declined'")
        return [
            Given(
                reference=row.reference,
                gateway_reference=row.told_id,
                charge_gateway_reference=row.charge_id,
                amount_minor=row.amount_minor,
                is_void=bool(row.is_void),
            )
            for row in found
        ]

    def deliveries(self) -> Sequence[Delivery]:
        self.works.postman.round()
        return list(self.posts)

    def sign(self, body: bytes, at: dt.datetime, *, is_forged: bool = False) -> Mapping[str, str]:
        key = "sk_sandbox_of_somebody_else" if is_forged else KEY
        return {HEADER: signature(body, key_of(key), int(at.timestamp()))}

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.seconds, dt.UTC)

    def advance(self, by: dt.timedelta) -> None:
        self.seconds += int(by.total_seconds())

    def approve(self, gateway_reference: str) -> None:
        self.works.till.answer(gateway_reference, is_approved=True)

    def pay_page(self, url: str) -> None:
        typed = {"method": "card", "number": CARDS[Says.APPROVED], "expires": self._expires(), "code": "123"}
        id = re.sub(r".*/", "", url)
        self.web.post(f"/pay/{id}", data=typed, headers={"Sec-Fetch-Site": "same-origin"})

    def settle(self, gateway_reference: str) -> None:
        self.works.office.settle(gateway_reference, is_done=True)

    def give_back_debit(self, gateway_reference: str) -> None:
        self.works.office.settle(gateway_reference, is_done=False)
        self.works.office.send_back(gateway_reference)

    def open_dispute(self, gateway_reference: str) -> None:
        self.works.office.dispute(gateway_reference)

    def decide_dispute(self, gateway_reference: str, *, is_won: bool) -> None:
        with self.works.books.reading() as rows:
            found = rows.one(Dispute, charge_id=gateway_reference)
        self.works.office.decide(found.id, "won" if is_won else "lost")

    def take_elsewhere(self, merchant_account: str, amount_minor: int) -> str:
        return str(self.works.office.take_elsewhere(merchant_account, amount_minor).id)

    def pay_out(self) -> None:
        for account in self.merchant_accounts().values():
            self.works.office.pay_out(account)

    def fail_payout(self) -> None:
        with self.works.books.reading() as rows:
            last = rows.where(Payout, "1 = 1 ORDER BY rowid DESC LIMIT 1")
        self.works.office.pay_out_failed(last[0].id)

    def merchant_accounts(self) -> Mapping[Fund, str]:
        return {fund: f"sandbox-{fund}" for fund in Fund}
