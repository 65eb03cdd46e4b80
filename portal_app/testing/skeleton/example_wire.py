"""Example Pay as its tests fake it: an HTTP API over books in memory, with every control of the conformance kit."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote

from portal_app.plugin_api import Delivery, Fund, Method
from portal_app.testing import Given, Says, Taken, Wire

ACCOUNTS: tuple[tuple[str, Fund, str], ...] = (
    ("acct-trust", Fund.TRUST, "USD"), ("acct-operating", Fund.OPERATING, "USD"),
    ("acct-tokyo", Fund.OPERATING, "JPY"), ("acct-kuwait", Fund.OPERATING, "KWD"),
)  # fmt: skip
STATUSES = {
    Says.APPROVED: "succeeded", Says.LESS: "succeeded", Says.DECLINED: "declined", Says.PENDING: "pending",
    Says.ACTION_REQUIRED: "requires_action", Says.UNMAPPED: "held_for_compliance",
}  # fmt: skip
MOVED = {"succeeded", "pending", "returned", "held_for_compliance"}
PAGE_SIZE = 10
Row = dict[str, Any]


class Refusal(Exception):
    """What the API answers instead: a status and a code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class ExampleWire(Wire):
    """The gateway's side. Rows are the JSON that the API tells."""

    lag_seconds = 60

    def __init__(self) -> None:
        self.clock = dt.datetime(2027, 1, 15, 12, tzinfo=dt.UTC)
        self.rows: dict[str, Row] = {}
        self.tokens: dict[str, tuple[Says, Method]] = {}
        self.answers: dict[str, tuple[str, Row]] = {}
        self.sent: list[Delivery] = []
        self.hidden_from: int | None = None
        self._lock = threading.RLock()

    def settings(self) -> Mapping[str, str]:
        return {
            "base_url": "https://api.example.test", "public_key": "pk_test_1234", "secret_key": "sk_test_wire_5678",
            "webhook_secret": "whsec_wire_9012",
        }  # fmt: skip

    def live_settings(self) -> Mapping[str, str]:
        return {**self.settings(), "public_key": "pk_live_1234", "secret_key": "sk_live_wire_5678"}

    def merchant_accounts(self) -> Mapping[Fund, str]:
        return {Fund.TRUST: "acct-trust", Fund.OPERATING: "acct-operating"}

    def now(self) -> dt.datetime:
        return self.clock

    # The API

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            with self._lock:
                status, told = self._answer(environ)
        except Refusal as refusal:
            status, told = refusal.status, {"error": {"code": refusal.code, "message": refusal.code}}
        start_response(f"{status} Said", [("Content-Type", "application/json")])
        return [json.dumps(told).encode()]

    def _answer(self, environ: dict[str, Any]) -> tuple[int, Row]:
        key = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        if key not in {self.settings()["secret_key"], self.live_settings()["secret_key"]}:
            raise Refusal(401, "bad_key")
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix("/v1/")
        asked = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        noun, _, rest = path.partition("/")
        if method == "GET":
            return 200, self._read(noun, unquote(rest), asked)
        body = environ["wsgi.input"].read()
        idempotency = environ.get("HTTP_IDEMPOTENCY_KEY", "")
        known = self.answers.get(idempotency)
        if known:
            if known[0] != f"{path} {body!r}":
                raise Refusal(409, "key_used_for_another_request")
            return 200, self._shown(self.rows[known[1]["id"]])
        row = self._write(noun, rest, json.loads(body))
        if idempotency:
            self.answers[idempotency] = (f"{path} {body!r}", row)
        return 201, self._shown(row)

    def _read(self, noun: str, id: str, asked: Mapping[str, str]) -> Row:
        if noun == "account":
            named = [{"id": id, "name": id.title(), "fund": fund, "currency": money} for id, fund, money in ACCOUNTS]
            return {"id": "firm", "accounts": named}
        if noun == "transactions":
            return self._list(asked)
        if id:
            return self._shown(self._row(id))
        wanted = [row for row in self._visible() if row["reference"] == asked.get("reference")]
        return {"items": [self._shown(row) for row in wanted if row["kind"] == noun.removesuffix("s")]}

    def _write(self, noun: str, rest: str, sent: Row) -> Row:
        if rest.endswith("/cancel"):
            return self._cancel(rest.removesuffix("/cancel"))
        if noun == "refunds":
            return self._refund(sent)
        account = next((row for row in ACCOUNTS if row[0] == (sent["account"] or ACCOUNTS[0][0])), None)
        if account is None or account[2] != sent["currency"]:
            raise Refusal(422, "no_such_account")
        if noun == "pages":
            return self._page(sent)
        if sent["token"] not in self.tokens:
            raise Refusal(422, "token_used")
        says, method = self.tokens.pop(sent["token"])
        return self._charge(sent | {"account": account[0]}, STATUSES[says], says, method)

    def _charge(self, sent: Row, status: str, says: Says, method: Method) -> Row:
        row = self._new(
            "charge", status, sent["amount"] - (says is Says.LESS), sent,
            code="card_declined" if status == "declined" else "", last4="4242",
            brand="Visa" if method is Method.CARD else "Bank", number="4242424242424242",
        )  # fmt: skip
        if status == "requires_action":
            row["action_url"] = f"https://pay.example.test/confirm/{row['id']}"
        self._post("charge.changed", row)
        return row

    def _page(self, sent: Row) -> Row:
        row = self._new("charge", "requires_action", sent["amount"], sent, last4="4242", brand="Visa")
        row["url"] = row["action_url"] = f"https://pay.example.test/pages/{row['id']}"
        return row

    def _refund(self, sent: Row) -> Row:
        charge = self._row(sent["charge"])
        given = sum(row["amount"] for row in self._of("refund", charge["id"]))
        if charge["status"] != "succeeded" or sent["amount"] > charge["amount"] - given:
            raise Refusal(422, "over_refund")
        sent = sent | {"account": charge["account"]}
        row = self._new("refund", "succeeded", sent["amount"], sent, charge=charge["id"])
        self._post("refund.changed", row)
        return row

    def _cancel(self, id: str) -> Row:
        row = self._row(id)
        if row["status"] in {"requires_action", "pending"}:
            self._set(row, "canceled")
        return row

    def _list(self, asked: Mapping[str, str]) -> Row:
        since, until = (dt.datetime.fromisoformat(asked[name]) for name in ("since", "until"))
        rows = [
            row for row in self._visible()
            if row["account"] == asked["account"] and row["status"] != "requires_action"
            and since <= dt.datetime.fromisoformat(row["created"]) <= until
        ]  # fmt: skip
        start = int(asked.get("cursor", "0"))
        more = str(start + PAGE_SIZE) if start + PAGE_SIZE < len(rows) else ""
        return {"items": [self._shown(row) for row in rows[start : start + PAGE_SIZE]], "next_cursor": more}

    # The books

    def _new(self, kind: str, status: str, amount: int, sent: Row, **more: Any) -> Row:
        id, fee = f"{kind[:2]}_{len(self.rows) + 1:04d}", 0
        if kind == "charge" and sent["account"] != "acct-trust":  # fees of trust money are billed to the firm
            fee = 30 + amount * 29 // 1000
        row = {
            "id": id, "kind": kind, "status": status, "amount": amount, "currency": sent["currency"], "fee": fee,
            "account": sent["account"], "reference": sent.get("reference", ""), "created": self.clock.isoformat(),
            "charge": "",
        } | more  # fmt: skip
        self.rows[id] = row
        return row

    def _shown(self, row: Row) -> Row:
        told = dict(row)
        if row["kind"] == "charge":
            told["refunds"] = self._of("refund", row["id"])
            told["disputes"] = self._of("dispute", row["id"])
        return told

    def _of(self, kind: str, charge: str) -> list[Row]:
        return [row for row in self.rows.values() if row["kind"] == kind and row["charge"] == charge]

    def _visible(self) -> list[Row]:
        return list(self.rows.values())[: self.hidden_from]

    def _row(self, id: str) -> Row:
        if id not in self.rows:
            raise Refusal(404, "not_found")
        return self.rows[id]

    def _set(self, row: Row, status: str) -> None:
        row["status"] = status
        self._post(f"{row['kind']}.changed", row)

    def _post(self, kind: str, row: Row) -> None:
        told = {name: row[name] for name in ("id", "status", "amount", "account", "reference")}
        body = json.dumps({"id": f"ev_{len(self.sent) + 1:04d}", "type": kind, "data": told}).encode()
        self.sent.append(Delivery(body=body, headers=self.sign(body, self.clock), received_at=self.clock))

    # What the kit asks and does

    def token(self, says: Says, method: Method) -> str:
        made = f"tok_{len(self.tokens)}_{len(self.rows)}_{says}"
        self.tokens[made] = (says, method)
        return made

    def charges(self) -> Sequence[Taken]:
        return [
            Taken(
                reference=row["reference"], gateway_reference=row["id"], amount_minor=row["amount"],
                currency=row["currency"], merchant_account=row["account"],
            )
            for row in list(self.rows.values())
            if row["kind"] == "charge" and row["status"] in MOVED
        ]  # fmt: skip

    def refunds(self) -> Sequence[Given]:
        return [
            Given(
                reference=row["reference"], gateway_reference=row["id"], charge_gateway_reference=row["charge"],
                amount_minor=row["amount"], is_void=row.get("is_void", False),
            )
            for row in list(self.rows.values())
            if row["kind"] == "refund"
        ]  # fmt: skip

    def deliveries(self) -> Sequence[Delivery]:
        return list(self.sent)

    def sign(self, body: bytes, at: dt.datetime, *, is_forged: bool = False) -> Mapping[str, str]:
        secret = "whsec_somebody_else" if is_forged else self.settings()["webhook_secret"]
        seconds = int(at.timestamp())
        made = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
        return {"x-example-signature": f"t={seconds},v1={made}"}

    def advance(self, by: dt.timedelta) -> None:
        self.clock += by

    def lag(self, is_lagging: bool) -> None:
        self.hidden_from = len(self.rows) if is_lagging else None

    def approve(self, gateway_reference: str) -> None:
        row = self.rows[gateway_reference]
        if row["status"] == "requires_action":
            self._set(row, "succeeded")

    def pay_page(self, url: str) -> None:
        self.approve(re.sub(r".*/", "", url))

    def settle(self, gateway_reference: str) -> None:
        self._set(self.rows[gateway_reference], "succeeded")

    def give_back_debit(self, gateway_reference: str) -> None:
        self._set(self.rows[gateway_reference], "returned")

    def open_dispute(self, gateway_reference: str) -> None:
        charge = self.rows[gateway_reference]
        self._post("dispute.changed", charge)
        self._new("dispute", "succeeded", charge["amount"], charge, charge=charge["id"], state="open", reason="fraud")

    def decide_dispute(self, gateway_reference: str, *, is_won: bool) -> None:
        self._of("dispute", gateway_reference)[0]["state"] = "won" if is_won else "lost"
        self._post("dispute.changed", self.rows[gateway_reference])

    def take_elsewhere(self, merchant_account: str, amount_minor: int) -> str:
        sent = {"account": merchant_account, "currency": "USD", "amount": amount_minor}
        return str(self._charge(sent, "succeeded", Says.APPROVED, Method.CARD)["id"])

    def pay_out(self) -> None:
        charges = [row for row in self.rows.values() if row["kind"] == "charge" and row["status"] == "succeeded"]
        for id, _, money in ACCOUNTS:
            held = sum(row["amount"] - row["fee"] for row in charges if row["account"] == id)
            if held:
                self._new("payout", "succeeded", held, {"account": id, "currency": money})

    def fail_payout(self) -> None:
        [row for row in self.rows.values() if row["kind"] == "payout"][-1]["status"] = "returned"
