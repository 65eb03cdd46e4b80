"""A matter's ledger, its journal entries, its export."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, request

from portal_app import money
from portal_app.domain import invoices, ledger, matters, payments
from portal_app.domain.ledger import Line
from portal_app.domain.matters import Matter
from portal_app.domain.payments import Payment
from portal_app.firm.blueprint import blueprint
from portal_app.firm.listing import number_of
from portal_app.web.fragments import render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm

PAGE = 100
FORMULA = tuple(
    "=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}|"
)
KINDS = {
    "all": "All entries",
    "portal": "Paid from portal",
    "invoices": "Invoices",
    "back": "Refunds and returns",
    "reversals": "Reversals",
}
BACK = ("refund", "refund_failed", "payment_bounced", "dispute_won", "dispute_lost")
REVERSALS = ("invoice_voided", *BACK)
CODES = {
    "all": (),
    "portal": ("portal_payment",),
    "invoices": ("invoice_issued",),
    "back": BACK,
    "reversals": REVERSALS,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What the reader asks for; a day that is none is left out."""

    since: dt.date | None
    until: dt.date | None
    kind: str

    @classmethod
    def read(cls) -> Filter:
        kind = request.args.get("kind", "all")
        return cls(_day("from"), _day("to"), kind if kind in KINDS else "all")

    @property
    def is_open(self) -> bool:
        """Whether it leaves nothing out."""
        return self.since is None and self.until is None and self.kind == "all"

    def query(self, **more: object) -> str:
        days = {"from": self.since or "", "to": self.until or "", "kind": self.kind}
        return urlencode({name: value for name, value in (days | more).items() if value not in {"", "all"}})

    def lines(self, matter: Matter, *, limit: int | None, before: int | None = None) -> list[Line]:
        return ledger.for_matter(
            matter, limit=limit, before=before, since=self.since, until=self.until, codes=CODES[self.kind]
        )


def _day(name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _behind(lines: Sequence[Line]) -> tuple[dict[str, Payment], dict[int, str]]:
    """The payments and the invoice numbers that the lines tell of."""
    numbers = invoices.numbers({invoice_id for line in lines for invoice_id in line.invoice_ids})
    return payments.of_entries([line.entry.source for line in lines]), numbers


@blueprint.get("/matters/<int:matter_id>/ledger")
@firm_only("ledger.read")
def matter_ledger(matter_id: int) -> Response:
    matter = matters.find(firm_user(), matter_id)
    wanted = Filter.read()
    before = number_of("before")
    found = wanted.lines(matter, limit=PAGE + 1, before=before)
    lines = found[:PAGE]
    paid, numbers = _behind(lines)
    older = f"?{wanted.query(before=lines[-1].sequence)}" if len(found) > PAGE else None
    return render(
        "firm/ledger/index.html", "entries", matter=matter, lines=lines, payments=paid, numbers=numbers, wanted=wanted,
        kinds=KINDS, older=older, newest=f"?{wanted.query()}" if before is not None else None,
    )  # fmt: skip


@blueprint.get("/matters/<int:matter_id>/ledger.csv")
@firm_only("ledger.read")
def export_ledger(matter_id: int) -> Response:
    """Every line that the filter leaves, as a table for other programs."""
    matter = matters.find(firm_user(), matter_id)
    lines = Filter.read().lines(matter, limit=None)
    paid, numbers = _behind(lines)
    target = io.StringIO()
    table = csv.writer(target)
    table.writerow("Date,Entry,Description,Payer,Method,Invoices,Receipt,Debit,Credit,Balance".split(","))
    for line in lines:
        table.writerow(_cells(line, paid.get(line.entry.source), [numbers[number] for number in line.invoice_ids]))
    name = f"ledger-{matter.number}.csv".replace('"', "").replace("/", "-")
    headers = {"Content-Disposition": f'attachment; filename="{name.encode("ascii", "replace").decode()}"'}
    return Response(target.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _cells(line: Line, payment: Payment | None, numbers: list[str]) -> list[str]:
    texts = [
        line.entry.description,
        line.payer_name,
        payment.method_summary if payment else "",
        " ".join(numbers),
        (payment.receipt_number or "") if payment else "",
    ]
    cents = (line.debit_cents, line.credit_cents, line.balance_cents)
    return [line.entry.occurred_on.isoformat(), str(line.entry.id), *map(_inert, texts), *map(_figure, cents)]


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def _figure(cents: int) -> str:
    """1234.50: no signs that a program would stumble over."""
    return money.bare(cents, money.currency(current_firm().currency)).replace(",", "").replace("−", "-")


@blueprint.get("/ledger/<int:entry_id>")
@firm_only("ledger.read")
def journal_entry(entry_id: int) -> Response:
    who = firm_user()
    entry = ledger.find(who, entry_id)
    postings = ledger.postings_of(entry)
    ids = {row.matter_id for row in postings if row.matter_id}
    return render(
        "firm/ledger/entry.html", entry=entry, postings=postings, reversal=ledger.reversal_of(entry),
        seen=matters.among(who, ids), numbers=invoices.numbers({row.invoice_id for row in postings if row.invoice_id}),
        name=ledger.CODES[entry.code], payment=payments.of_entries([entry.source]).get(entry.source),
    )  # fmt: skip
