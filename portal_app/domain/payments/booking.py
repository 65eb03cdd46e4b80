"""How payments, refunds, returns and disputes are booked. Each joins its caller's transaction.

Sources begin with ``payment:<id>:``, so that what a payment has come to can be read from the journal alone. Money for
invoices is the firm's and is booked here; deposits are their clients' and are booked by ``depositing``.
"""

from __future__ import annotations

from collections.abc import Sequence

from portal_app import clock, money
from portal_app.db import locked
from portal_app.domain import firms, ledger, trust
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import DISPUTED, RECEIVABLE, REFUNDS, SUSPENSE, UNAPPLIED, JournalEntry, Leg
from portal_app.domain.payments import depositing
from portal_app.domain.payments.models import Allocation, Dispute, Gateway, Payment, Refund
from portal_app.domain.people import FirmUser
from portal_app.plugin_api import Fund, Outcome

_BACK = frozenset({RECEIVABLE, UNAPPLIED, REFUNDS})  # where money that came from a payer is, or has gone back to


def clearing_of(payment: Payment) -> str:
    """The account of what the gateway holds, of the payment's fund."""
    return ledger.clearing(str(Gateway.get_by_id(payment.gateway_id).code), payment.fund)


def _post(
    code: str, payment: Payment, legs: Sequence[Leg], description: str, source: str, *, by: FirmUser | None = None
) -> JournalEntry:
    return ledger.post(
        code, legs, occurred_on=clock.today(firms.current().time_zone), description=description, source=source,
        currency=payment.currency, by=by or payment.portal_user,
    )  # fmt: skip


def _reverse(entry: JournalEntry, code: str, description: str, by: FirmUser | None = None) -> JournalEntry:
    today = clock.today(firms.current().time_zone)
    return ledger.reverse(entry, code=code, occurred_on=today, description=description, by=by)


def _bring_back(entry: JournalEntry, payment: Payment, code: str, description: str) -> None:
    """Reverse what took money of a payment away. Where its invoice was voided or paid otherwise meanwhile, it pays
    nothing there: it is kept for the client, unapplied."""
    back, legs = _reverse(entry, code, description), []
    for row in ledger.postings_of(back):
        if row.account_code == RECEIVABLE and row.amount_cents < 0:
            locked(Invoice.select().where(Invoice.id == row.invoice_id)).get()
            over = min(-row.amount_cents, max(-ledger.invoice_balance(row.invoice_id), 0))
            legs += [Leg(account, cents, row.matter_id, row.invoice_id)
                     for account, cents in ((RECEIVABLE, over), (UNAPPLIED, -over)) if over]  # fmt: skip
    if legs:
        _post(
            "payment_kept", payment, legs, "Kept for the client, on no invoice", f"payment:{payment.id}:kept:{back.id}"
        )


# Money comes


def paid_source(payment: Payment) -> str:
    return f"payment:{payment.id}:paid"


def mismatch_source(payment: Payment) -> str:
    return f"payment:{payment.id}:mismatch"


def post_paid(payment: Payment, *, debit: str = "", by: FirmUser | None = None) -> None:
    """Clearing (or ``debit``) against each invoice's receivable; what an invoice no longer owes, and what came beyond
    what was asked for, becomes unapplied client money. A deposit goes on its client's ledger."""
    if payment.is_deposit:
        return depositing.post_paid(payment)
    rows = list(
        locked(
            Allocation.select(Allocation, Invoice)
            .join(Invoice)
            .where(Allocation.payment == payment.id)
            .order_by(Allocation.invoice)
        )
    )
    left = payment.paid_cents
    legs = [Leg(debit or clearing_of(payment), left)]
    for number, row in enumerate(rows, 1):
        cents = left if number == len(rows) else min(row.amount_cents, left)
        applied = min(cents, max(ledger.invoice_balance(row.invoice_id), 0))
        legs.append(Leg(RECEIVABLE, -applied, row.invoice.matter_id, row.invoice_id))
        legs.append(Leg(UNAPPLIED, applied - cents, row.invoice.matter_id, row.invoice_id))
        left -= cents
    _post("portal_payment", payment, legs, "Paid from portal", paid_source(payment), by=by)
    return None


def post_mismatch(payment: Payment, outcome: Outcome) -> None:
    """Money came that is not the money asked for: it is booked where it is, and a person decides. In an operating
    account it is on suspense, in a trust account on the client's ledger. An amount that cannot be is not booked."""
    cents = outcome.amount_minor or 0
    if not 0 < cents <= money.MAX_CENTS:
        return
    place = depositing.place_of(payment, outcome.merchant_account)
    if place is not None and place.fund == Fund.TRUST.value:
        depositing.post_mismatch(payment, outcome, place)
        return
    at = ledger.clearing(str(Gateway.get_by_id(payment.gateway_id).code))
    ledger.post(
        "payment_mismatch", [Leg(at, cents), Leg(SUSPENSE, -cents)],
        occurred_on=clock.today(firms.current().time_zone),
        description="Payment that differs from what was asked", source=mismatch_source(payment),
        currency=outcome.currency.upper() or payment.currency, by=payment.portal_user,
    )  # fmt: skip


def mismatch_of(payment: Payment) -> JournalEntry | None:
    """The journal entry that booked money other than that asked for."""
    return JournalEntry.get_or_none(JournalEntry.source == mismatch_source(payment))


def reverse_mismatch(entry: JournalEntry, *, by: FirmUser) -> None:
    """What was held has been given back, at the gateway."""
    reason = "Payment that differed, given back"
    if trust.receipt_of(entry.source) is not None:
        depositing.reverse(entry.source, reason=reason, by=by)
    else:
        _reverse(entry, "payment_returned", reason, by)


def take_mismatch(payment: Payment, entry: JournalEntry, *, by: FirmUser) -> None:
    """What was held becomes what was paid: off suspense; or the client's own, now as the deposit."""
    if payment.is_deposit:
        depositing.reverse(entry.source, reason="Payment that differed, taken as the deposit", by=by)
    post_paid(payment, debit=SUSPENSE, by=by)


# Money goes back


def post_refund(refund: Refund, payment: Payment) -> None:
    """Out of clearing: first what is not applied, then what the invoices were paid, the last one first; a deposit out
    of its client's ledger. When the firm gives the fee up, an invoice is owed again and forgiven in the same entry: the
    matter's ledger shows both."""
    if payment.is_deposit:
        depositing.post_refund(refund, payment, refund_source(refund))
        return
    legs = _taken_back(payment, refund.amount_cents)
    forgiven = [leg for leg in legs if leg.account == RECEIVABLE and not refund.is_owed_again]
    for leg in forgiven:
        legs.append(Leg(RECEIVABLE, -leg.amount_cents, leg.matter_id, leg.invoice_id))
        legs.append(Leg(REFUNDS, leg.amount_cents, leg.matter_id, leg.invoice_id))
    legs.append(Leg(clearing_of(payment), -refund.amount_cents))
    description = "Refunded, fee given up" if forgiven else "Refunded"
    by = refund.made_by if refund.made_by_id else None
    _post("refund", payment, legs, description, refund_source(refund), by=by)


def refund_source(refund: Refund) -> str:
    """A refund that failed and then arrived after all is booked a second time, under a name of its own."""
    base = f"payment:{refund.payment_id}:refund:{refund.id}"
    tries = len([entry for entry in ledger.entries_about(f"payment:{refund.payment_id}") if _is_of(entry, base)])
    return base if not tries else f"{base}:again:{tries}"


def _is_of(entry: JournalEntry, base: str) -> bool:
    return entry.reverses_id is None and (entry.source == base or str(entry.source).startswith(f"{base}:"))


def reverse_refund(refund: Refund, payment: Payment) -> None:
    """The refund did not arrive: the money is with the firm again."""
    base = f"payment:{refund.payment_id}:refund:{refund.id}"
    entries = [entry for entry in ledger.entries_about(f"payment:{refund.payment_id}") if _is_of(entry, base)]
    if payment.is_deposit:
        depositing.reverse(entries[-1].source, reason="Refund that did not arrive")
    else:
        _bring_back(entries[-1], payment, "refund_failed", "Refund that did not arrive")


def post_returned(payment: Payment, cents: int) -> None:
    """The payer's bank has taken the money back: what it paid is owed again, or is no longer in trust."""
    if payment.is_deposit:
        depositing.post_returned(payment, cents, f"payment:{payment.id}:returned", "Returned by the bank")
        return
    legs = [*_taken_back(payment, cents), Leg(clearing_of(payment), -cents)]
    _post("payment_bounced", payment, legs, "Payment returned by the bank", f"payment:{payment.id}:returned")


def _taken_back(payment: Payment, cents: int) -> list[Leg]:
    """Debits of ``cents`` over what is left of a payment: unapplied money, then what invoices were paid, the last
    first. What goes beyond it is no money of this payer: suspense."""
    left, legs = cents, []
    for leg in _left_of(payment):
        part = min(left, leg.amount_cents)
        if part:
            legs.append(Leg(leg.account, part, leg.matter_id, leg.invoice_id))
        left -= part
    return [*legs, Leg(SUSPENSE, left)]


def _left_of(payment: Payment) -> list[Leg]:
    """What of a payment is still where it was paid to, as positive amounts: unapplied money first, then invoices; or
    the deposit."""
    found: dict[tuple[bool, int | None, int | None], int] = {}
    totals = ledger.totals_about(f"payment:{payment.id}")
    if payment.is_deposit:
        home = ledger.client_money(depositing.deposit_of(payment).bank_account_id)
        return [Leg(home, -leg.amount_cents, leg.matter_id) for leg in totals if leg.account == home]
    for leg in totals:
        if leg.account in _BACK:
            key = (leg.account == UNAPPLIED, leg.matter_id, leg.invoice_id)
            found[key] = found.get(key, 0) - leg.amount_cents
    rows = [
        Leg(UNAPPLIED if is_unapplied else RECEIVABLE, cents, matter, invoice)
        for (is_unapplied, matter, invoice), cents in found.items()
        if cents > 0
    ]
    rows.reverse()
    return sorted(rows, key=lambda leg: leg.account != UNAPPLIED)


def left_cents(payment: Payment) -> int:
    """How much of a payment is still there: not refunded, returned, disputed or lost. From the journal."""
    disputed = sum(leg.amount_cents for leg in ledger.totals_about(f"payment:{payment.id}") if leg.account == DISPUTED)
    return sum(leg.amount_cents for leg in _left_of(payment)) - disputed


# Disputes


def post_dispute(dispute: Dispute, payment: Payment, before: str, after: str) -> None:
    """Book the way from one state of a dispute to another; an inquiry moves no money. Of an invoice's payment it is a
    claim of the firm until it is decided; a deposit is off its ledger as soon as the bank has it (T10)."""
    if before == "lost":
        _undo(dispute, payment, "dispute_lost")
    if before in {"open", "lost"} and after == "won":
        _undo(dispute, payment, "trust_disputed" if payment.is_deposit else "dispute_opened")
    if before in {"inquiry", "won", ""} and after in {"open", "lost"}:
        _open_dispute(dispute, payment)
    if after == "lost" and not payment.is_deposit:
        legs = [*_taken_back(payment, dispute.amount_cents), Leg(DISPUTED, -dispute.amount_cents)]
        _post("dispute_lost", payment, legs, "Dispute lost", _dispute_source(dispute, "lost"))


def _open_dispute(dispute: Dispute, payment: Payment) -> None:
    source, cents = _dispute_source(dispute, "opened"), dispute.amount_cents
    if payment.is_deposit:
        depositing.post_returned(payment, cents, source, dispute.reason or "Disputed", "dispute")
        return
    legs = [Leg(DISPUTED, cents), Leg(clearing_of(payment), -cents)]
    _post("dispute_opened", payment, legs, "Payment disputed", source)


def _dispute_source(dispute: Dispute, step: str) -> str:
    base = f"payment:{dispute.payment_id}:dispute:{dispute.id}"
    return f"{base}:{step}:{len(ledger.entries_about(base))}"


def _undo(dispute: Dispute, payment: Payment, code: str) -> None:
    """Reverse the last entry of this kind that stands."""
    entries = ledger.entries_about(f"payment:{dispute.payment_id}:dispute:{dispute.id}")
    undone = {entry.reverses_id for entry in entries}
    standing = [entry for entry in entries if entry.code == code and entry.id not in undone]
    if standing and code == "trust_disputed":
        depositing.post_dispute_won(standing[-1].source)
    elif standing:
        _bring_back(standing[-1], payment, "dispute_won", "Dispute won")
