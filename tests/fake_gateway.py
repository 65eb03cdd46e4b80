"""A gateway whose every answer a test decides: the token says what happens, and it remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from portal_app.plugin_api import (
    BeginRequest,
    Capability,
    ChargeRequest,
    Check,
    Context,
    Delivery,
    Event,
    ExternalTransaction,
    Fields,
    Flow,
    Fund,
    Health,
    LedgerFact,
    LedgerLine,
    ListPage,
    ListQuery,
    LookupQuery,
    Manifest,
    MerchantAccount,
    Method,
    NeverSent,
    Outcome,
    OutcomeKind,
    Problem,
    Redirect,
    RefundRequest,
    Rejected,
    SettingField,
    Subject,
    Told,
    hookimpl,
)

ACCOUNTS = (
    MerchantAccount(id="fake-operating", name="Fake operating", fund=Fund.OPERATING, currency="USD"),
    MerchantAccount(id="fake-trust", name="Fake trust", fund=Fund.TRUST, currency="USD"),
)


class FakeGateway:
    """Takes a charge when the token is ``ok`` (``lost``: takes it, then the answer never comes)."""

    def __init__(self, *, is_rehearsal: bool = True) -> None:
        self.is_rehearsal = is_rehearsal
        self.charges: dict[str, ChargeRequest] = {}
        self.asked: list[str] = []
        self.before_answer: Callable[[], None] = lambda: None
        self.delay_seconds = 0
        self.instead: dict[str, Callable[[], Any]] = {}  # by hook: what it answers whatever it is asked
        self.refunds: dict[str, RefundRequest] = {}
        self.changes: dict[str, Any] = {}  # what a look-up of a charge says besides
        self.listed: list[ExternalTransaction] = []
        self.lines: Callable[[LedgerFact], Any] = lambda _fact: None
        self.told: list[tuple[str, Told]] = []
        self._lock = threading.Lock()

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        return Manifest(
            id="fake", title="Fake", summary="For tests", version="1", methods=(Method.CARD, Method.BANK),
            funds=(Fund.OPERATING, Fund.TRUST), flows=(Flow.FIELDS, Flow.REDIRECT), absence_horizon_seconds=60,
            is_rehearsal=self.is_rehearsal, capabilities=frozenset(Capability),
            settings=(SettingField(name="secret_key", label="Secret key", kind="secret"),),
        )  # fmt: skip

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        wrong = ctx.settings["secret_key"].startswith("bad")
        return [Problem(field="secret_key", message="This is not a key.")] if wrong else []

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        is_ok = ctx.settings["secret_key"] != "refused"
        return Health(checks=(Check(label="Secret key", is_ok=is_ok, detail="asked"),), accounts=ACCOUNTS)

    @hookimpl
    def gateway_begin(self, ctx: Context, request: BeginRequest) -> Fields | Redirect:
        if request.flow is Flow.FIELDS:
            return Fields(module="fields.js", frame_origins=("https://fields.example.com",))
        return Redirect(url=f"https://pay.example.com/{request.reference}", gateway_reference=f"s_{request.reference}")

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        self.asked.append("charge")
        time.sleep(self.delay_seconds)
        if "charge" in self.instead:
            return self.instead["charge"]()
        answers: dict[str, Callable[[], Any]] = {
            "ok": lambda: self.take(request),
            "lost": lambda: self._lose(request),
            "garbage": lambda: "money!",
            "less": lambda: self.take(request, amount_minor=request.amount_minor - 1),
            "elsewhere": lambda: self.take(request, merchant_account="fake-trust"),
        }
        if request.token == "unsent":
            raise NeverSent("connection refused")
        if request.token in answers:
            outcome = answers[request.token]()
            self.before_answer()
            return outcome
        return Outcome(kind=OutcomeKind(request.token), code=request.token, message=f"The bank said {request.token}.")

    def take(self, request: ChargeRequest, **changes: Any) -> Outcome:
        """Take the money, once for each reference."""
        with self._lock:
            self.charges.setdefault(request.reference, request)
        return self.succeeded(request.reference, **changes)

    def _lose(self, request: ChargeRequest) -> Outcome:
        self.take(request)
        raise TimeoutError("no answer")

    def succeeded(self, reference: str, **changes: Any) -> Outcome:
        taken = self.charges[reference]
        values: dict[str, Any] = {
            "gateway_reference": f"ch_{reference[:8]}", "amount_minor": taken.amount_minor, "currency": taken.currency,
            "merchant_account": taken.merchant_account, "method_summary": "Card ending 4242",
            "payload": {"id": reference[:8], "number": "secret"},
        }  # fmt: skip
        return Outcome(kind=OutcomeKind.SUCCEEDED, **values | changes)

    @hookimpl
    def gateway_return(self, ctx: Context, query: LookupQuery) -> Outcome:
        return self._find("return", query)

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return self._find("lookup", query)

    def _find(self, asked: str, query: LookupQuery) -> Outcome:
        self.asked.append(asked)
        if asked in self.instead:
            return self.instead[asked]()
        if query.subject is Subject.REFUND:
            found = self.refunds.get(query.reference)
            return self.refunded(found) if found else Outcome(kind=OutcomeKind.ABSENT)
        if query.reference in self.charges:
            return self.succeeded(query.reference, **self.changes)
        return Outcome(kind=OutcomeKind.ABSENT)

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        self.asked.append("refund")
        if "refund" in self.instead:
            return self.instead["refund"]()
        with self._lock:
            self.refunds.setdefault(request.reference, request)
        return self.refunded(request)

    def refunded(self, request: RefundRequest) -> Outcome:
        return Outcome(
            kind=OutcomeKind.SUCCEEDED, gateway_reference=f"re_{request.reference[:8]}",
            amount_minor=request.amount_minor, currency=request.currency,
        )  # fmt: skip

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        if delivery.headers.get("fake-signature") != "good":
            return Rejected(reason="no signature")
        told = json.loads(delivery.body)
        return [Event(payload=each, **each) for each in told]

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        """A line a page."""
        self.asked.append("list")
        at = int(query.cursor or 0)
        lines = [each for each in self.listed if each.merchant_account == query.merchant_account]
        return ListPage(transactions=tuple(lines[at : at + 1]), next_cursor=str(at + 1) if at + 1 < len(lines) else "")

    @hookimpl
    def gateway_ledger_lines(self, ctx: Context, fact: LedgerFact) -> list[LedgerLine] | None:
        return self.lines(fact)

    @hookimpl
    def payment_changed(self, told: Told) -> None:
        self.told.append(("payment", told))

    @hookimpl
    def ledger_posted(self, told: Told) -> None:
        self.told.append(("ledger", told))
        if "told" in self.instead:
            self.instead["told"]()

    @hookimpl
    def gateway_cancel(self, ctx: Context, query: LookupQuery) -> Outcome:
        self.asked.append("cancel")
        if "cancel" in self.instead:
            return self.instead["cancel"]()
        if query.reference in self.charges:
            return self.succeeded(query.reference)
        return Outcome(kind=OutcomeKind.CANCELED)

    @hookimpl
    def gateway_redact(self, ctx: Context, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        if "redact" in self.instead:
            return self.instead["redact"]()
        return {name: value for name, value in payload.items() if name != "number"}
