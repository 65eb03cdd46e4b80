"""How payments, refunds, returns and disputes are booked. Each joins its caller's transaction.

Sources begin with ``payment:<id>:``, so that what a payment has come to can be read from the journal alone. Which
accounts they touch is said in ``homes``: invoices and deposits never meet in an entry.
"""

from __future__ import annotations

from collections.abc import Sequence

from portal_app import clock, money
from portal_app.domain import firms, ledger
from portal_app.domain.ledger import DISPUTED, RECEIVABLE, REFUNDS, SUSPENSE, JournalEntry, Leg
from portal_app.domain.payments.homes import (
    CODES,
    clearing_at,
    clearing_of,
    client_ledger,
    codes_of,
    credits_of,
    left_of,
    matter_of,
    place_of,
    taken_back,
)
from portal_app.domain.payments.models import Dispute, Payment, Refund
from portal_app.domain.people import FirmUser
from portal_app.plugin_api import Fund, Outcome


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


# Money comes


def paid_source(payment: Payment) -> str:
    return f"payment:{payment.id}:paid"


def mismatch_source(payment: Payment) -> str:
    return f"payment:{payment.id}:mismatch"


def post_paid(payment: Payment, *, debit: str = "", by: FirmUser | None = None) -> None:
    """Clearing (or ``debit``) against what was paid: the invoices, or the client's trust ledger."""
    legs = [Leg(debit or clearing_of(payment), payment.paid_cents), *credits_of(payment)]
    description = "Deposit from portal" if payment.is_deposit else "Paid from portal"
    _post(codes_of(payment).paid, payment, legs, description, paid_source(payment), by=by)


def post_mismatch(payment: Payment, outcome: Outcome) -> None:
    """Money came that is not the money asked for: it is booked, and a person decides. In an operating account it is on
    suspense; in a trust account it is the client's, on the matter's ledger, like everything there (T01). An amount
    that cannot be is not booked."""
    cents = outcome.amount_minor or 0
    if not 0 < cents <= money.MAX_CENTS:
        return
    fund, bank_account_id = place_of(payment, outcome.merchant_account)
    home = Leg(SUSPENSE, -cents)
    if fund is Fund.TRUST:
        home = Leg(client_ledger(bank_account_id), -cents, matter_of(payment))
    legs = [Leg(clearing_at(payment.gateway_id, fund), cents), home]
    ledger.post(
        CODES[fund].held, legs, occurred_on=clock.today(firms.current().time_zone),
        description="Payment that differs from what was asked", source=mismatch_source(payment),
        currency=outcome.currency.upper() or payment.currency, by=payment.portal_user,
    )  # fmt: skip


def mismatch_of(payment: Payment) -> JournalEntry | None:
    """The journal entry that booked money other than that asked for."""
    return JournalEntry.get_or_none(JournalEntry.source == mismatch_source(payment))


def reverse_mismatch(entry: JournalEntry, *, by: FirmUser) -> None:
    code = next(codes.held_back for codes in CODES.values() if codes.held == entry.code)
    _reverse(entry, code, "Payment that differed, given back", by)


def take_mismatch(payment: Payment, entry: JournalEntry, *, by: FirmUser) -> None:
    """What was held becomes what was paid: off suspense, or off and on the client's ledger again as a deposit."""
    if payment.is_deposit:
        _reverse(entry, codes_of(payment).held_back, "Payment that differed, taken as the deposit", by)
    post_paid(payment, debit="" if payment.is_deposit else SUSPENSE, by=by)


# Money goes back


def post_refund(refund: Refund, payment: Payment) -> None:
    """Out of clearing: first what is not applied, then what the invoices were paid, the last one first; or a deposit,
    out of its own ledger."""
    legs = _back(payment, refund.amount_cents, REFUNDS if not refund.is_owed_again else RECEIVABLE)
    by = refund.made_by if refund.made_by_id else None
    _post(codes_of(payment).refund, payment, legs, "Refunded", refund_source(refund), by=by)


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
    _reverse(entries[-1], codes_of(payment).refund_failed, "Refund that did not arrive")


def post_returned(payment: Payment, cents: int) -> None:
    """The payer's bank has taken the money back: what it paid is owed again, or is no longer in trust."""
    legs, source = _back(payment, cents, RECEIVABLE), f"payment:{payment.id}:returned"
    _post(codes_of(payment).returned, payment, legs, "Payment returned by the bank", source)


def _back(payment: Payment, cents: int, owed: str, credit: str = "") -> list[Leg]:
    """``cents`` of a payment go out of ``credit`` (its clearing account). What goes beyond what is left of it is no
    money of this payer: suspense."""
    legs, beyond = taken_back(payment, cents, owed)
    return [*legs, Leg(SUSPENSE, beyond), Leg(credit or clearing_of(payment), -cents)]


def left_cents(payment: Payment) -> int:
    """How much of a payment is still there: not refunded, returned, disputed or lost. From the journal."""
    disputed = sum(leg.amount_cents for leg in ledger.totals_about(f"payment:{payment.id}") if leg.account == DISPUTED)
    return sum(leg.amount_cents for leg in left_of(payment)) - disputed


# Disputes


def post_dispute(dispute: Dispute, payment: Payment, before: str, after: str) -> None:
    """Book the way from one state of a dispute to another; an inquiry moves no money. Of an invoice's payment it is a
    claim of the firm until it is decided; a deposit is off its ledger as soon as the bank has it (T10)."""
    codes, cents = codes_of(payment), dispute.amount_cents
    if before == "lost":
        _undo(dispute, "dispute_lost")
    if before in {"open", "lost"} and after == "won":
        _undo(dispute, codes.disputed)
    if before in {"inquiry", "won", ""} and after in {"open", "lost"}:
        legs = [Leg(DISPUTED, cents), Leg(clearing_of(payment), -cents)]
        legs = _back(payment, cents, RECEIVABLE) if payment.is_deposit else legs
        _post(codes.disputed, payment, legs, "Payment disputed", _dispute_source(dispute, "opened"))
    if after == "lost" and not payment.is_deposit:
        legs = _back(payment, cents, RECEIVABLE, DISPUTED)
        _post("dispute_lost", payment, legs, "Dispute lost", _dispute_source(dispute, "lost"))


def _dispute_source(dispute: Dispute, step: str) -> str:
    base = f"payment:{dispute.payment_id}:dispute:{dispute.id}"
    return f"{base}:{step}:{len(ledger.entries_about(base))}"


def _undo(dispute: Dispute, code: str) -> None:
    """Reverse the last entry of this kind that stands."""
    entries = ledger.entries_about(f"payment:{dispute.payment_id}:dispute:{dispute.id}")
    undone = {entry.reverses_id for entry in entries}
    standing = [entry for entry in entries if entry.code == code and entry.id not in undone]
    if standing:
        _reverse(standing[-1], "dispute_won", "Dispute won")
