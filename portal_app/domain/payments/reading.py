"""Reading payments: for the payer, for a matter, for the firm; and voiding with regard to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from peewee import JOIN, SQL, ModelSelect, fn

from portal_app.db import is_any, locked, sum_of, transaction
from portal_app.domain import invoices, matters
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import RECEIVABLE, REFUNDS, JournalEntry, Posting, RunningTotal
from portal_app.domain.matters import Matter
from portal_app.domain.payments.models import (
    FREEING,
    HOLDING,
    IS_HOLDING,
    PAID,
    REFUND_FREEING,
    REFUND_SHOWN,
    Allocation,
    Attempt,
    Dispute,
    Gateway,
    Payment,
    PaymentChange,
    Refund,
)
from portal_app.domain.payments.offers import held_on
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.domain.readers import prepared_for
from portal_app.plugin_api import BillingAddress
from portal_app.prepared import prepared, prepared_as, prepared_of_ids

# How the firm looks through its payments.
GROUPS: dict[str, frozenset[str]] = {
    "open": HOLDING - {"review"},
    "review": frozenset({"review"}),
    "paid": PAID,
    "refused": FREEING,
}


def visible_to(who: PortalUser) -> ModelSelect:
    """The payments that ``who`` made."""
    return Payment.select(Payment, Gateway).join(Gateway).where(Payment.portal_user == who.id)


def find_for(who: PortalUser, public_id: str) -> Payment:
    return visible_to(who).where(Payment.public_id == public_id).get()


def with_key(who: PortalUser, key: str) -> Payment | None:
    """The payment that ``who`` started with the form of this key, if any."""
    return visible_to(who).where(Payment.key == key).first()


def last_billing(who: PortalUser) -> BillingAddress | None:
    """The address that ``who`` gave last, to be offered again."""
    last: Payment | None = _last.first(who.id)
    return last.billing_address if last else None


@prepared
def _last(who_id: Any) -> ModelSelect:
    newest = Payment.select(fn.MAX(Payment.id)).where(Payment.portal_user == who_id)
    return Payment.select(Payment.id, Payment.billing).where(Payment.id == newest)


class Paid(NamedTuple):
    """A payment as its payer's list shows it. ``back_cents`` is what was given back or is on its way, ``lost_cents``
    what a lost dispute took; ``None`` for nothing."""

    public_id: str
    method: str
    method_summary: str
    state: str
    receipt_number: str | None
    amount_cents: int
    received_cents: int | None
    created_at: dt.datetime
    paid_at: dt.datetime | None
    back_cents: int | None
    lost_cents: int | None

    @property
    def paid_cents(self) -> int:
        return self.amount_cents if self.received_cents is None else self.received_cents


def recent(who: PortalUser, limit: int = 5) -> list[Paid]:
    """Paid, under way or refused lately, the newest first; what was left before sending is not shown."""
    return _recent(who.id, limit)


@prepared_as(Paid)
def _recent(who_id: Any, limit: Any) -> ModelSelect:
    is_shown = (Payment.portal_user == who_id) & ~is_any(Payment.state, ("not_submitted", "canceled", "ready"))
    refunds = Refund.select(fn.SUM(Refund.amount_cents)).where(
        (Refund.payment == Payment.id) & Refund.state.in_(sorted(REFUND_SHOWN))
    )
    lost = Dispute.select(fn.SUM(Dispute.amount_cents)).where(
        (Dispute.payment == Payment.id) & (Dispute.state == "lost")
    )
    rows = Payment.select(
        Payment.public_id, Payment.method, Payment.method_summary, Payment.state, Payment.receipt_number,
        Payment.amount_cents, Payment.received_cents, Payment.created_at, Payment.paid_at,
        refunds.alias("back_cents"), lost.alias("lost_cents"),
    )  # fmt: skip
    return rows.where(is_shown).order_by(Payment.id.desc()).limit(limit)


def open_ones(who: PortalUser) -> list[Payment]:
    """Payments of ``who`` that are not resolved."""
    return list(visible_to(who).where(IS_HOLDING).order_by(Payment.id.desc()))


def unfinished() -> list[Payment]:
    """Every payment whose outcome is still open at its gateway, the oldest first."""
    query = Payment.select().join(Attempt).where(Attempt.resolved_at.is_null())
    return list(query.order_by(Payment.id))


_DepositMatter = Matter.alias()


def allocations_of(payment: Payment) -> list[Allocation]:
    """What the payment is for: invoices, or a deposit request, with their matters."""
    return list(with_items().where(Allocation.payment == payment.id))


def with_items(*more: Any) -> ModelSelect:
    """Allocations, each with its invoice or deposit request (``.item``) and that one's matter."""
    query = Allocation.select(Allocation, *more, Invoice, Matter, DepositRequest, _DepositMatter)
    for item, matter in ((Invoice, Matter), (DepositRequest, _DepositMatter)):
        query = query.join_from(Allocation, item, JOIN.LEFT_OUTER)
        query = query.join(matter, JOIN.LEFT_OUTER, on=(item.matter == matter.id), attr="matter")
    return query.order_by(fn.COALESCE(Invoice.due_on, DepositRequest.due_on), Invoice.id, DepositRequest.id)


def is_on(who: FirmUser) -> Any:
    """Of :func:`with_items`: what is for a matter that ``who`` may see."""
    return matters.sees(who, Invoice.matter) | matters.sees(who, DepositRequest.matter)


def on_invoices(invoice_ids: Sequence[int]) -> list[Allocation]:
    """Everything paid, or being confirmed, on these invoices, with payments and payers, the oldest first."""
    return _on_invoices(invoice_ids)


@prepared_of_ids
def _on_invoices(ids: Any) -> ModelSelect:
    query = Allocation.select(Allocation, Payment, PortalUser).join(Payment).join(PortalUser)
    counts = Payment.state.in_(sorted(HOLDING | PAID))
    return query.where(Allocation.invoice.in_(ids) & counts).order_by(Payment.id)


def applied_on(invoice: Invoice) -> int:
    """Cents that payments were set against an invoice when they came, whatever went back since."""
    return -sum_of(_applied_on.one(invoice.id).cents)


@prepared
def _applied_on(invoice_id: Any) -> ModelSelect:
    of_payments = JournalEntry.select(JournalEntry.id).where(JournalEntry.code == "portal_payment")
    is_on_it = (Posting.account == RECEIVABLE) & (Posting.invoice_id == invoice_id) & Posting.entry.in_(of_payments)
    return Posting.select(fn.SUM(Posting.amount_cents).alias("cents")).where(is_on_it).objects()


def given_back_on(invoice: Invoice, applied_cents: int) -> int:
    """Of what payments were set against an invoice (``applied_on``), the cents that went back and that it was owed
    again, also if it was voided since."""
    charged_cents = 0 if invoice.is_void else invoice.total_cents
    return int(max(invoice.balance_cents - (charged_cents - applied_cents), 0))


def given_up_on(invoice: Invoice) -> int:
    """Cents that the payer got back of an invoice and does not owe again: the firm gave the fee up."""
    return sum_of(_given_up_on.one(invoice.id).cents)


@prepared
def _given_up_on(invoice_id: Any) -> ModelSelect:
    on_it = (RunningTotal.account_code == REFUNDS) & (RunningTotal.invoice_id == invoice_id)
    return RunningTotal.select(fn.SUM(RunningTotal.balance_cents).alias("cents")).where(on_it).objects()


def of_entries(sources: Sequence[str]) -> dict[str, Payment]:
    """The payments behind ledger entries, by the entry's source ("payment:17:paid"); one query."""
    ids = {source: int(source.split(":")[1]) for source in sources if source.startswith("payment:")}
    found = {row.id: row for row in _with_payers(ids.values())}
    return {source: found[payment_id] for source, payment_id in ids.items()}


@prepared_of_ids
def _with_payers(ids: Any) -> ModelSelect:
    shown = (
        Payment.id, Payment.public_id, Payment.portal_user, Payment.state, Payment.method, Payment.method_summary,
        Payment.receipt_number, Payment.amount_cents, Payment.received_cents, Payment.paid_at,
    )  # fmt: skip
    return Payment.select(*shown, PortalUser.id, PortalUser.name).join(PortalUser).where(Payment.id.in_(ids))


def payer_of(source: str) -> int:
    """The id of the portal user whose payment a source is about ("payment:17:paid"); 0 for any other."""
    row = of_entries([source]).get(source)
    return int(row.portal_user_id) if row is not None else 0


def changes_of(payment: Payment) -> list[PaymentChange]:
    return list(PaymentChange.select().where(PaymentChange.payment == payment.id).order_by(PaymentChange.id))


def firm_sees(who: FirmUser) -> ModelSelect:
    """Payments on matters that ``who`` may see, with payers and gateways."""
    query = Payment.select(Payment, PortalUser, Gateway).join_from(Payment, PortalUser).join_from(Payment, Gateway)
    if who.has_role("administrator"):
        return query
    theirs = Allocation.select(SQL("1")).join_from(Allocation, Invoice, JOIN.LEFT_OUTER)
    theirs = theirs.join_from(Allocation, DepositRequest, JOIN.LEFT_OUTER)
    return query.where(fn.EXISTS(theirs.where((Allocation.payment == Payment.id) & is_on(who))))


def search(who: FirmUser, *, group: str = "", limit: int = 50) -> list[Payment]:
    """Payments of one of ``GROUPS``, those of which something went ``back``, or all; the newest first."""
    return _found(who, limit, group=group)


@prepared_for
def _found(who: Any, limit: Any, *, group: str) -> ModelSelect:
    query = firm_sees(who)
    if group == "back":
        refunded = Refund.select(Refund.payment).where(Refund.state.not_in(REFUND_FREEING))
        disputed = Dispute.select(Dispute.payment)
        query = query.where((Payment.state == "returned") | Payment.id.in_(refunded) | Payment.id.in_(disputed))
    elif group:
        query = query.where(Payment.state.in_(GROUPS[group]))
    return query.order_by(Payment.id.desc()).limit(limit)


def find(who: FirmUser, payment_id: int) -> Payment:
    return firm_sees(who).where(Payment.id == payment_id).get()


def shown_allocations(who: FirmUser, rows: Sequence[Payment]) -> dict[int, list[Allocation]]:
    """What each payment is for, by its id, on the matters that ``who`` may see; one query."""
    found: dict[int, list[Allocation]] = {row.id: [] for row in rows}
    for item in with_items().where(Allocation.payment.in_(list(found)) & is_on(who)):
        found[item.payment_id].append(item)
    return found


def entry_of(payment: Payment) -> JournalEntry | None:
    """The journal entry that booked the payment; ``None`` until it is paid."""
    return JournalEntry.get_or_none(JournalEntry.source == f"payment:{payment.id}:paid")


def void_invoice(invoice: Invoice, *, reason: str, on: dt.date, by: FirmUser) -> None:
    """Void an invoice on which nothing is paid and nothing is being confirmed.

    Raises:
        Refused: with the reason.
    """
    with transaction():
        locked(Invoice.select().where(Invoice.id == invoice.id)).get()
        if held_on([invoice.id]):
            raise Refused("A payment for this invoice is being confirmed. Void it once that is settled.")
        invoices.void(invoice, reason=reason, on=on, by=by)
