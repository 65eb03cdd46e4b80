"""Less is owed on an invoice: credit notes, write-offs, and unapplied money of the client that pays it.

Each is a linked entry; taking one back is its reversal. What payments under way have reserved cannot be taken off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect, fn

from portal_app import clock, money
from portal_app.db import locked, sum_of, transaction
from portal_app.domain import documents, firms, ledger, outbox, sharing
from portal_app.domain.documents import Document, DocumentShare, DocumentVersion
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import Invoice, InvoiceAdjustment
from portal_app.domain.ledger import (
    BAD_DEBT,
    CREDITS,
    RECEIVABLE,
    REFUNDS,
    UNAPPLIED,
    JournalEntry,
    Leg,
    Posting,
    RunningTotal,
)
from portal_app.domain.once import once
from portal_app.domain.payments.offers import held_on
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.prepared import prepared

ADJUSTMENTS = {"credit_note": "Credit note", "written_off": "Written off"}
_AGAINST = {"credit_note": CREDITS, "written_off": BAD_DEBT}
_UNDONE = {"credit_note": "credit_note_undone", "written_off": "write_off_undone"}
TAKES_OFF = ("credit_note", "credit_note_undone", "written_off", "write_off_undone", "unapplied_applied")


def adjustments_of(invoice: Invoice) -> list[InvoiceAdjustment]:
    """Credit notes and write-offs of an invoice with who made them, in order; also those taken back."""
    return _adjustments(invoice.id)


@prepared
def _adjustments(invoice_id: Any) -> ModelSelect:
    rows = InvoiceAdjustment.select(InvoiceAdjustment, FirmUser)
    query = rows.join(FirmUser, on=(InvoiceAdjustment.made_by == FirmUser.id))
    return query.where(InvoiceAdjustment.invoice == invoice_id).order_by(InvoiceAdjustment.id)


def find_adjustment(invoice: Invoice, adjustment_id: int) -> InvoiceAdjustment:
    return InvoiceAdjustment.get((InvoiceAdjustment.invoice == invoice.id) & (InvoiceAdjustment.id == adjustment_id))


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of an invoice, in cents: set against it by payments from the portal when they came; taken off
    otherwise, by the code of the entries; given back without being owed again; and the matter's unapplied money."""

    applied: int
    taken: dict[str, int]
    given_up: int
    unapplied: int

    @property
    def taken_cents(self) -> int:
        return sum(self.taken.values())


def sums_of(invoice: Invoice) -> Sums:
    """From the postings; one query."""
    rows = [(row.on_account, row.code, sum_of(row.cents)) for row in _sums_of(invoice.id, invoice.matter_id)]
    owed = {code: -cents for account, code, cents in rows if account == RECEIVABLE}
    return Sums(
        applied=owed.get("portal_payment", 0), taken={code: owed[code] for code in TAKES_OFF if code in owed},
        given_up=sum(cents for account, _, cents in rows if account == REFUNDS),
        unapplied=-sum(cents for account, _, cents in rows if account == UNAPPLIED),
    )  # fmt: skip


@prepared
def _sums_of(invoice_id: Any, matter_id: Any) -> ModelSelect:
    on_it = (Posting.invoice_id == invoice_id) & Posting.account.in_([RECEIVABLE, REFUNDS])
    unapplied = (Posting.matter == matter_id) & (Posting.account == UNAPPLIED)
    cents = fn.SUM(Posting.amount_cents).alias("cents")
    query = Posting.select(Posting.account.alias("on_account"), JournalEntry.code, cents).join(JournalEntry)
    return query.where(on_it | unapplied).group_by(Posting.account, JournalEntry.code).objects()


def adjust(invoice: Invoice, *, kind: str, amount_cents: int, reason: str, key: str, by: FirmUser) -> InvoiceAdjustment:
    """Ask for less (``credit_note``: less income, numbered, the client is told) or expect less (``written_off``: bad
    debt). The same ``key`` gives the same one.

    Raises:
        Refused: a draft or void invoice, or more than is owed and not being paid just now.
    """

    def make() -> InvoiceAdjustment:
        fresh: Invoice = locked(Invoice.select().where(Invoice.id == invoice.id)).get()
        _refuse_more(fresh, amount_cents)
        now, today = clock.now(), clock.today(firms.current().time_zone)
        number = firms.credit_note_number(today.year) if kind == "credit_note" else None
        row: InvoiceAdjustment = InvoiceAdjustment.create(
            invoice=fresh, kind=kind, amount_cents=amount_cents, reason=reason, key=key, made_at=now, made_by=by,
            number=number, document=_paper(fresh, number, by) if number else None,
        )  # fmt: skip
        about = (fresh.matter_id, fresh.id)
        words = f"Credit note {row.number} on invoice" if row.number else "Written off: invoice"
        ledger.post(
            kind, [Leg(_AGAINST[kind], amount_cents, *about), Leg(RECEIVABLE, -amount_cents, *about)],
            occurred_on=today, description=f"{words} {fresh.number}", source=_source(row), currency=fresh.currency,
            by=by,
        )  # fmt: skip
        if kind == "credit_note":
            outbox.put("credit_note", row.id)
        return row

    return once(InvoiceAdjustment.key, key, make, {"invoice": invoice, "kind": kind, "amount_cents": amount_cents})


def _paper(invoice: Invoice, number: str, by: FirmUser) -> Document:
    """Where a credit note's paper will be kept, shared with those who have the invoice."""
    document = documents.create(invoice.matter, name=f"Credit note {number}", kind="invoice", by=by)
    _share_like(invoice.document, document, by)
    return document


def _share_like(paper: Document, document: Document, by: FirmUser) -> None:
    """Whoever has the invoice's paper has this one; nobody is told of it twice."""
    people = [share.portal_user for share in sharing.shares_of(DocumentShare, [paper]).get(paper.id, [])]
    sharing.set_people(DocumentShare, document, people, by=by)


def share_notes(paper: Document, *, by: FirmUser) -> None:
    """The invoice whose paper this is has been shared anew: its credit notes go with it."""
    query = InvoiceAdjustment.select(InvoiceAdjustment, Document).join_from(InvoiceAdjustment, Document)
    with transaction():
        mine = (Invoice.document == paper.id) & InvoiceAdjustment.undone_at.is_null()
        for row in query.join_from(InvoiceAdjustment, Invoice).where(mine):
            _share_like(paper, row.document, by)


def papers_for(who: PortalUser, rows: Sequence[InvoiceAdjustment]) -> dict[int, Document]:
    """The papers of credit notes that ``who`` can open now, by the note's id; no query where there is none."""
    wanted = {row.document_id: row.id for row in rows if row.document_id}
    if not wanted:
        return {}
    made = DocumentVersion.select(DocumentVersion.document).where(DocumentVersion.document.in_(list(wanted)))
    return {wanted[row.id]: row for row in documents.visible_to(who).where(Document.id.in_(made))}


def note_of(document: Document) -> InvoiceAdjustment | None:
    """The credit note whose paper this is."""
    found: InvoiceAdjustment | None = InvoiceAdjustment.get_or_none(InvoiceAdjustment.document == document.id)
    return found


def entry_of_adjustment(row: InvoiceAdjustment) -> JournalEntry:
    return ledger.entry_of(_source(row))


def owed_after(row: InvoiceAdjustment) -> int:
    """What was owed on the invoice right after a credit note or write-off, in cents."""
    upto = (Posting.entry <= entry_of_adjustment(row).id) & (Posting.account == RECEIVABLE)
    query = Posting.select(fn.SUM(Posting.amount_cents)).where(upto & (Posting.invoice_id == row.invoice_id))
    return sum_of(query.scalar())


def _source(row: InvoiceAdjustment) -> str:
    return f"adjustment:{row.id}"


def _refuse_more(invoice: Invoice, cents: int) -> None:
    if invoice.is_draft:
        raise Refused("A draft is not issued yet. Change its lines instead.")
    can = adjustable_cents(invoice)
    if not 0 < cents <= can:
        said = money.show(can, firms.current().money)
        raise Refused(f"At most {said} can be taken off: what is owed, less what is being paid just now.", "amount")


def adjustable_cents(invoice: Invoice) -> int:
    """What is owed on an issued invoice and not reserved by payments under way, in cents."""
    held = held_on([invoice.id]).get(invoice.id, 0)
    return max(ledger.invoice_balance(invoice.id) - held, 0)


def undo(row: InvoiceAdjustment, *, by: FirmUser) -> None:
    """Take a credit note or write-off back: it is owed again. Twice changes nothing."""
    with transaction():
        fresh: InvoiceAdjustment = locked(InvoiceAdjustment.select().where(InvoiceAdjustment.id == row.id)).get()
        if fresh.undone_at is not None:
            return
        InvoiceAdjustment.update(undone_at=clock.now(), undone_by=by).where(InvoiceAdjustment.id == row.id).execute()
        if fresh.document_id is not None:
            sharing.set_people(DocumentShare, fresh.document, [], by=by)
        what = f"Credit note {fresh.number}" if fresh.number else "Write-off"
        ledger.reverse(
            ledger.entry_of(_source(fresh)), code=_UNDONE[fresh.kind], by=by,
            occurred_on=clock.today(firms.current().time_zone), description=f"{what} taken back",
        )  # fmt: skip


# Unapplied money


def unapplied_on(matter_id: int) -> int:
    """Unapplied money of a matter in cents: paid, and on no invoice."""
    on_it = (RunningTotal.account_code == UNAPPLIED) & (RunningTotal.matter_id == matter_id)
    return -sum_of(RunningTotal.select(fn.SUM(RunningTotal.balance_cents)).where(on_it).scalar())


def apply_unapplied(invoice: Invoice, *, expected_cents: int, by: FirmUser) -> int:
    """Let the matter's unapplied money pay an invoice, the oldest payment first. ``expected_cents`` is the unapplied
    money that the form showed: pressed twice, it applies once. Returns the cents applied.

    Raises:
        Refused: there is another sum now, or nothing is owed that is not being paid just now.
    """
    with transaction():
        fresh: Invoice = locked(Invoice.select().where(Invoice.id == invoice.id)).get()
        found = unapplied_on(fresh.matter_id)
        if found != expected_cents or not found:
            raise Refused("The unapplied money of this matter has changed meanwhile. Look at it again.")
        left = wanted = min(adjustable_cents(fresh), found)
        if not wanted:
            raise Refused("Nothing is owed on this invoice that is not being paid just now.")
        for (payment_id, from_invoice), cents in _unapplied_by_payment(fresh.matter_id).items():
            part = min(cents, left)
            if part > 0:
                _move(fresh, payment_id, from_invoice, part, by)
                left -= part
        if left:
            raise Refused("This money did not come from a payment; the bookkeeper has to look at it.")
    return wanted


def _unapplied_by_payment(matter_id: int) -> Mapping[tuple[int, int | None], int]:
    """Cents by payment and by the invoice that they were paid for, the oldest payment first."""
    query = (
        Posting.select(JournalEntry.source, Posting.invoice_id, Posting.amount_cents)
        .join(JournalEntry)
        .where((Posting.account == UNAPPLIED) & (Posting.matter == matter_id))
        .order_by(Posting.id)
    )
    found: dict[tuple[int, int | None], int] = {}
    for source, invoice_id, cents in query.tuples():
        if source.startswith("payment:"):
            key = (int(source.split(":")[1]), invoice_id)
            found[key] = found.get(key, 0) - cents
    return found


def _move(invoice: Invoice, payment_id: int, from_invoice: int | None, cents: int, by: FirmUser) -> None:
    base = f"payment:{payment_id}:applied"
    source = f"{base}:{len(ledger.entries_about(base)) + 1}"
    about = invoice.matter_id
    legs = [Leg(UNAPPLIED, cents, about, from_invoice), Leg(RECEIVABLE, -cents, about, invoice.id)]
    ledger.post(
        "unapplied_applied", legs, occurred_on=clock.today(firms.current().time_zone), source=source, by=by,
        description=f"Unapplied money pays invoice {invoice.number}", currency=invoice.currency,
    )  # fmt: skip
