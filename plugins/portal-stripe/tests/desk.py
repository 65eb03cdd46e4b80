"""What the tests do at the desk: charge, look up, refund, and turn the clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from portal_app.plugin_api import (
    BeginRequest,
    BillingAddress,
    ChargeRequest,
    Context,
    Delivery,
    ExternalTransaction,
    Flow,
    Fund,
    ListQuery,
    LookupQuery,
    Method,
    Mode,
    Outcome,
    RefundRequest,
    Subject,
)
from portal_stripe import gateway
from portal_stripe.fake import Fake

BILLING = BillingAddress(name="Alice", address1="1 Sample Row", city="Springfield", state="IL", postal_code="62704")
SETTINGS = {
    "secret_key": "sk_test_firm", "publishable_key": "pk_test_firm", "webhook_secret": "whsec_new",
    "webhook_secret_before": "", "pays_into": "operating", "bank_debits": "yes",
}  # fmt: skip


@dataclass
class Desk:
    """One gateway of the portal on one fake."""

    fake: Fake
    http: Any
    settings: dict[str, str] = field(default_factory=lambda: dict(SETTINGS))
    mode: Mode = Mode.TEST

    @property
    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.fake.now, dt.UTC)

    def ctx(self, **settings: str) -> Context:
        addresses = {"base_url": self.fake.origin, "script_url": f"{self.fake.origin}/v3/"}
        return Context(
            settings=addresses | self.settings | settings,
            mode=self.mode,
            http=self.http,
            now=self.now,
            gateway="stripe",
        )

    def charge(self, token: str = "pm_card_visa", reference: str = "attempt-1", **more: Any) -> Outcome:
        return gateway.gateway_charge(self.ctx(), order(reference, token, **more))

    def token(self, method: str = "pm_usBankAccount") -> str:
        """A confirmation token, as the fields make one."""
        from portal_stripe.fake import Scope, means

        made = means.create_token(self.fake, Scope("acct_firm", False), {"payment_method": method})
        return str(made["id"])

    def debit(self, method: str = "pm_usBankAccount", reference: str = "attempt-1") -> Outcome:
        return self.charge(self.token(method), reference, method=Method.BANK)

    def begin(self, reference: str = "attempt-1", method: Method = Method.CARD, **more: Any) -> Any:
        request: dict[str, Any] = {
            "flow": Flow.REDIRECT, "method": method, "currency": "USD", "fund": Fund.OPERATING,
            "merchant_account": "acct_firm", "page_origin": "http://portal.test", "amount_minor": 5000,
            "reference": reference, "description": "Invoice 7", "return_url": "http://portal.test/back",
            "billing": BILLING,
        }  # fmt: skip
        return gateway.gateway_begin(self.ctx(), BeginRequest(**(request | more)))

    def look(self, reference: str = "attempt-1", id: str = "", **more: Any) -> Outcome:
        return gateway.gateway_lookup(self.ctx(), query(reference, id, **more))

    def cancel(self, reference: str = "attempt-1", id: str = "") -> Outcome:
        return gateway.gateway_cancel(self.ctx(), query(reference, id))

    def refund(self, charge: Outcome, amount_minor: int, reference: str = "refund-1", refunded: int = 0) -> Outcome:
        request = RefundRequest(
            reference=reference, amount_minor=amount_minor, currency="USD", charge_reference="attempt-1",
            charge_gateway_reference=charge.gateway_reference, merchant_account="acct_firm", method=Method.CARD,
            fund=Fund.OPERATING, charged_minor=charge.amount_minor or 0, refunded_minor=refunded, charged_at=self.now,
        )  # fmt: skip
        return gateway.gateway_refund(self.ctx(), request)

    def look_refund(self, charge: Outcome, reference: str = "refund-1", id: str = "") -> Outcome:
        return self.look(reference, id, subject=Subject.REFUND, charge_gateway_reference=charge.gateway_reference)

    def listed(self, cursor: str = "", **more: Any) -> Any:
        asked = ListQuery(
            since=self.now - dt.timedelta(days=30), until=self.now + dt.timedelta(seconds=1),
            merchant_account=more.pop("account", "acct_firm"), cursor=cursor,
        )  # fmt: skip
        return gateway.gateway_list(self.ctx(), asked)

    def swept(self) -> list[ExternalTransaction]:
        """All pages of the list."""
        page = self.listed()
        found = list(page.transactions)
        while page.next_cursor:
            page = self.listed(page.next_cursor)
            found += page.transactions
        return found

    def hear(self, body: bytes, header: str, at: dt.datetime | None = None, **settings: str) -> Any:
        delivery = Delivery(body=body, headers={"stripe-signature": header}, received_at=at or self.now)
        return gateway.gateway_webhook(self.ctx(**settings), delivery)


def query(reference: str, id: str = "", **more: Any) -> LookupQuery:
    return LookupQuery(reference=reference, merchant_account="acct_firm", gateway_reference=id, **more)


def order(reference: str, token: str, **more: Any) -> ChargeRequest:
    sent: dict[str, Any] = {
        "reference": reference, "amount_minor": 12_345, "currency": "USD", "token": token, "method": Method.CARD,
        "fund": Fund.OPERATING, "merchant_account": "acct_firm", "return_url": "http://portal.test/back",
        "description": "Quillfeather & Larkspur LLP, invoice 7", "billing": BILLING,
    }  # fmt: skip
    return ChargeRequest(**(sent | more))
