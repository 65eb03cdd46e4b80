"""Paying an invoice from trust: fees leave a client's ledger only against an issued, shared invoice (T05)."""

from __future__ import annotations

import datetime as dt

from portal_app import money
from portal_app.db import locked, transaction
from portal_app.domain import firms, ledger, payments, trust
from portal_app.domain.banks import BankAccount
from portal_app.domain.documents import DocumentShare
from portal_app.domain.invoices import Invoice
from portal_app.domain.people import FirmUser
from portal_app.domain.trust import TrustAuthorisation, TrustMovement


def payable(invoice: Invoice) -> int:
    """How much of an invoice trust money may still pay, in cents: what it owes, without payments being confirmed."""
    owed = ledger.invoice_balance(invoice.id) - payments.held_on([invoice.id]).get(invoice.id, 0)
    return max(owed, 0)


def authorise(
    invoice: Invoice, account: BankAccount, *, amount_cents: int, by: FirmUser, key: str | None = None
) -> TrustAuthorisation:
    """A lawyer's word that an invoice is paid from its matter's ledger. The same ``key`` is the same word.

    Raises:
        RuleRefused: it is not issued and shared, or does not owe as much (T05), or the ledger does not let it go.
    """
    with transaction():
        known: TrustAuthorisation | None = (
            TrustAuthorisation.get_or_none(TrustAuthorisation.key == key) if key else None
        )
        if known is not None:
            return known
        _check(invoice, amount_cents)
        return trust.authorise(
            invoice.matter, account, kind="application", amount_cents=amount_cents, payee=firms.current().name,
            purpose=f"Invoice {invoice.number}", by=by, invoice_id=invoice.id, key=key,
        )  # fmt: skip


def apply(word: TrustAuthorisation, operating: BankAccount, *, on: dt.date, by: FirmUser) -> TrustMovement:
    """Carry it out: out of the ledger and the trust account, into the operating account and onto the invoice, as one
    entry. Twice is once.

    Raises:
        RuleRefused: as :func:`authorise`, as things are now.
    """
    if operating.fund != "operating":
        raise trust.refused("T06", "Earned fees go into an operating account.", "operating")
    invoice: Invoice = Invoice.get_by_id(word.invoice_id)
    with transaction():
        done: TrustMovement | None = TrustMovement.get_or_none(TrustMovement.authorisation == word.id)
        if done is not None:
            return done
        _check(invoice, word.amount_cents)
        return trust.apply(word, trust.open_operating(operating), on=on, by=by)


def _check(invoice: Invoice, cents: int) -> None:
    """Under the invoice's lock, which payments take, too."""
    fresh: Invoice = locked(Invoice.select().where(Invoice.id == invoice.id)).get()
    if fresh.is_draft:
        raise trust.refused("T05", "A draft is not issued yet.")
    shares = DocumentShare.select().where((DocumentShare.item == fresh.document_id) & DocumentShare.ended_at.is_null())
    if not shares.exists():
        raise trust.refused("T05", "The client has not got this invoice: share it first.")
    most = payable(fresh)
    if cents > most:
        shown = money.show(most, firms.current().money)
        raise trust.refused("T05", f"Trust may pay at most {shown} of this invoice now.", "amount")


def pay(
    invoice: Invoice, account: BankAccount, operating: BankAccount, *, amount_cents: int, on: dt.date, by: FirmUser,
    key: str | None = None,
) -> TrustMovement:  # fmt: skip
    """A lawyer authorises and carries it out, at once. The same ``key`` is once."""
    with transaction():
        word = authorise(invoice, account, amount_cents=amount_cents, by=by, key=key)
        return apply(word, operating, on=on, by=by)


def waiting(invoice: Invoice) -> list[TrustAuthorisation]:
    """What a lawyer has authorised for this invoice, and nobody has carried out."""
    return [row for row in trust.to_carry_out(invoice.matter) if row.invoice_id == invoice.id]
