"""Invoices as LEDES 1998B, which clients' e-billing systems read: ASCII, 24 fields a line, each line ended by ``[]``.

Receivers check that INVOICE_TOTAL is the sum of the lines' totals, that units × unit cost + adjustment is each line's
total, and that every line of an invoice says the same about the invoice. A line is billed in whole cents, so what it
was rounded by stands as its adjustment, exactly.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby

from peewee import ModelSelect

from portal_app import clock, money
from portal_app.domain import firms, invoices
from portal_app.domain.errors import Refused
from portal_app.domain.exports.reading import Wanted
from portal_app.domain.firms import Firm
from portal_app.domain.invoices import Invoice, InvoiceAdjustment, InvoiceLine, InvoiceVoid
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser
from portal_app.domain.timekeeping import WorkItem

HEADER = (
    "INVOICE_DATE|INVOICE_NUMBER|CLIENT_ID|LAW_FIRM_MATTER_ID|INVOICE_TOTAL|BILLING_START_DATE|BILLING_END_DATE|"
    "INVOICE_DESCRIPTION|LINE_ITEM_NUMBER|EXP/FEE/INV_ADJ_TYPE|LINE_ITEM_NUMBER_OF_UNITS|LINE_ITEM_ADJUSTMENT_AMOUNT|"
    "LINE_ITEM_TOTAL|LINE_ITEM_DATE|LINE_ITEM_TASK_CODE|LINE_ITEM_EXPENSE_CODE|LINE_ITEM_ACTIVITY_CODE|TIMEKEEPER_ID|"
    "LINE_ITEM_DESCRIPTION|LAW_FIRM_ID|LINE_ITEM_UNIT_COST|TIMEKEEPER_NAME|TIMEKEEPER_CLASSIFICATION|CLIENT_MATTER_ID"
)
HEAD = f"LEDES1998B[]\r\n{HEADER}[]\r\n"
BATCH = 100
_TYPES = {"time": "F", "flat_fee": "F", "expense": "E"}
_ID, _NAME = 20, 30
_ASCII = {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "…": "...", "ß": "ss"}


def invoices_of(found: Sequence[Invoice]) -> str:
    """One file of these issued invoices (with their balances, matters and clients).

    Raises:
        Refused: one is a draft or void, or something that the format demands is missing.
    """
    return "".join([HEAD, *_records(found, _ready())])


def batch(wanted: Wanted) -> Iterator[str]:
    """One file of every invoice issued on these days and not void, in pieces.

    Raises:
        Refused: at once when no file can be made at all; while it is made, by an invoice that does not fit.
    """
    return _pieces(wanted, _ready())


def _pieces(wanted: Wanted, firm: Firm) -> Iterator[str]:
    yield HEAD
    after = 0
    while True:
        rows = list(_issued(wanted).where(Invoice.id > after).order_by(Invoice.id).limit(BATCH))
        yield from _records(rows, firm)
        wanted.moved(len(rows))
        if len(rows) < BATCH:
            return
        after = rows[-1].id


def _issued(wanted: Wanted) -> ModelSelect:
    query = invoices.with_balances() if wanted.who is None else invoices.firm_sees(wanted.who)
    query = query.where(Invoice.number.is_null(False) & InvoiceVoid.invoice.is_null())
    query = query.where(Invoice.issued_on >= wanted.since) if wanted.since else query
    return query.where(Invoice.issued_on <= wanted.until) if wanted.until else query


def count(wanted: Wanted) -> int:
    """How many invoices a batch has."""
    return int(_issued(wanted).count())


def _ready() -> Firm:
    firm = firms.current()
    if not firm.law_firm_id:
        raise Refused("LEDES files name the firm by an identifier, and there is none yet: Settings, E-billing.")
    if firm.currency != "USD":
        raise Refused("LEDES 1998B knows US dollars alone.")
    return firm


def _records(rows: Sequence[Invoice], firm: Firm) -> Iterator[str]:
    lines = (
        InvoiceLine.select(InvoiceLine, WorkItem, FirmUser)
        .join_from(InvoiceLine, WorkItem)
        .join_from(WorkItem, FirmUser, on=(WorkItem.timekeeper == FirmUser.id))
        .where(InvoiceLine.invoice.in_([row.id for row in rows]))
        .order_by(InvoiceLine.invoice, InvoiceLine.position)
    )
    groups = groupby(lines if rows else [], key=lambda line: line.invoice_id)
    of_invoice = {invoice_id: list(group) for invoice_id, group in groups}
    credits_of = _credit_notes(rows)
    for row in rows:
        yield _invoice(row, of_invoice.get(row.id, []), credits_of.get(row.id, []), firm)


def _credit_notes(rows: Sequence[Invoice]) -> dict[int, list[InvoiceAdjustment]]:
    """Those that stand, by their invoice. A write-off asks the client for no less."""
    stands = (InvoiceAdjustment.kind == "credit_note") & InvoiceAdjustment.undone_at.is_null()
    query = InvoiceAdjustment.select().where(stands & InvoiceAdjustment.invoice.in_([row.id for row in rows]))
    found: dict[int, list[InvoiceAdjustment]] = {}
    for row in query.order_by(InvoiceAdjustment.id) if rows else []:
        found.setdefault(row.invoice_id, []).append(row)
    return found


def _invoice(found: Invoice, lines: list[InvoiceLine], notes: list[InvoiceAdjustment], firm: Firm) -> str:
    if found.is_draft or found.is_void:
        raise Refused(f"Only an issued invoice that is not void can be sent as LEDES: {found.number or 'a draft'}.")
    head = [_day(found.issued_on), _id(found.number, "number of the invoice"), *_ids(found.matter)]
    days = [line.worked_on for line in lines]
    total = found.total_cents - sum(note.amount_cents for note in notes)
    head += [money.plain(total), _day(min(days)), _day(max(days)), _text(found.matter.name)]
    client_matter = _text(found.matter.client_matter_id)
    rows = [_line(head, line, firm, client_matter) for line in lines]
    kind = "IE" if all(line.kind == "expense" for line in lines) else "IF"
    for number, note in enumerate(notes, len(lines) + 1):
        rows.append([*head, str(number), kind, *_credit(note, firm), client_matter])
    return "".join("|".join(row) + "[]\r\n" for row in rows)


def _ids(matter: Matter) -> list[str]:
    client = matter.client
    return [_text(client.ledes_id) or str(client.id), _id(matter.number, "number of the matter")]


def _line(head: list[str], line: InvoiceLine, firm: Firm, client_matter: str) -> list[str]:
    item, who = line.work_item, line.work_item.timekeeper
    return [
        *head, str(line.position), _TYPES[line.kind], _hundredths(line.quantity_hundredths), _adjustment(line),
        money.plain(line.amount_cents), _day(line.worked_on), item.task_code, item.expense_code, item.activity_code,
        _text(who.timekeeper_id) or str(who.id), _text(line.description), _text(firm.law_firm_id),
        money.plain(line.rate_cents), _surname_first(line.timekeeper_name), who.timekeeper_class, client_matter,
    ]  # fmt: skip


def _credit(note: InvoiceAdjustment, firm: Firm) -> list[str]:
    """A credit note is a line of its own, of one unit that costs nothing and is adjusted downwards."""
    less, made_on = money.plain(-note.amount_cents), clock.local(note.made_at, firm.time_zone).date()
    about = _text(f"Credit note {note.number}: {note.reason}")
    return ["1.00", less, less, _day(made_on), "", "", "", "", about, _text(firm.law_firm_id), "0.00", "", ""]


def _hundredths(value: int) -> str:
    return f"{value // 100}.{value % 100:02d}"


def _adjustment(line: InvoiceLine) -> str:
    """What rounding to a cent added to units × unit cost, in ten-thousandths of a dollar: it fits exactly."""
    rest = line.amount_cents * 100 - line.quantity_hundredths * line.rate_cents
    whole, part = divmod(abs(rest), 10_000)
    return f"{'-' if rest < 0 else ''}{whole}.{part:04d}" if rest else "0.00"


def _day(day: dt.date) -> str:
    return f"{day:%Y%m%d}"


def _surname_first(name: str) -> str:
    first, _, last = _text(name).rpartition(" ")
    return (f"{last}, {first}" if first else last)[:_NAME]


def _id(text: str, what: str) -> str:
    """An identifier, never cut: two cut ones could be alike."""
    plain = _text(text)
    if len(plain) > _ID:
        raise Refused(f"LEDES takes at most {_ID} characters; this {what} has more: {plain}.")
    return plain


def _text(text: str) -> str:
    """ASCII on one line, without the signs that part fields and records."""
    spelled = unicodedata.normalize("NFKD", "".join(_ASCII.get(sign, sign) for sign in text))
    bare = "".join(sign for sign in spelled if not unicodedata.combining(sign))
    plain = bare.encode("ascii", "replace").decode()
    return re.sub(r"[\x00-\x20\x7f]+", " ", plain.translate(str.maketrans("|[]", "/()"))).strip()
