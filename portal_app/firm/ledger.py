"""A matter's ledger and a client's, their journal entries, their export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Response, request

from portal_app.domain import access, clients, invoices, ledger, matters, payments
from portal_app.domain.ledger import Line, books
from portal_app.domain.matters import Matter
from portal_app.domain.payments import Payment
from portal_app.firm.blueprint import blueprint
from portal_app.firm.csv import day_of, table
from portal_app.firm.listing import number_of
from portal_app.tables import inert
from portal_app.web.fragments import render
from portal_app.web.login import firm_only, firm_user

PAGE = 100
KINDS = {
    "all": "All entries",
    "portal": "Paid from portal",
    "invoices": "Invoices",
    "back": "Refunds and returns",
    "reversals": "Reversals",
}
BACK = ("refund", "refund_failed", "payment_bounced", "dispute_won", "dispute_lost", "payment_kept")
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
        return cls(day_of("from"), day_of("to"), kind if kind in KINDS else "all")

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
    cells = (
        _cells(line, paid.get(line.entry.source), [numbers[number] for number in line.invoice_ids]) for line in lines
    )
    head = "Date,Entry,Description,Payer,Method,Invoices,Receipt,Debit,Credit,Balance"
    return table(f"ledger-{matter.number}.csv", head, cells)


def _cells(line: Line, payment: Payment | None, numbers: list[str]) -> list[str | int]:
    texts = [
        line.entry.description,
        line.payer_name,
        payment.method_summary if payment else "",
        " ".join(numbers),
        (payment.receipt_number or "") if payment else "",
    ]
    cents = (line.debit_cents, line.credit_cents, line.balance_cents)
    return [line.entry.occurred_on.isoformat(), str(line.entry.id), *map(inert, texts), *cents]


# A client's ledger, over the matters that the reader may see


@blueprint.get("/clients/<int:client_id>/ledger")
@firm_only("ledger.read")
def client_ledger(client_id: int) -> Response:
    who, before = firm_user(), number_of("before")
    client = clients.find(client_id)
    seen = {matter.id: matter for matter in matters.for_client(who, client)}
    found = books.for_matters(list(seen.values()), before=before, limit=PAGE + 1)
    lines = found[:PAGE]
    return render(
        "firm/clients/ledger.html", "entries", client=client, lines=lines, seen=seen,
        older=f"?before={lines[-1][0].entry.id}" if len(found) > PAGE else None,
        newest="?" if before is not None else None,
    )  # fmt: skip


@blueprint.get("/clients/<int:client_id>/ledger.csv")
@firm_only("ledger.read")
def export_client_ledger(client_id: int) -> Response:
    client = clients.find(client_id)
    seen = {matter.id: matter for matter in matters.for_client(firm_user(), client)}
    cells = (
        [
            line.entry.occurred_on.isoformat(), str(line.entry.id), inert(seen[of].number),
            inert(line.entry.description), inert(line.payer_name),
            line.debit_cents, line.credit_cents, line.balance_cents,
        ]
        for line, of in books.for_matters(list(seen.values()), limit=None)
    )  # fmt: skip
    return table(f"ledger-client-{client.id}.csv", "Date,Entry,Matter,Description,Payer,Debit,Credit,Balance", cells)


@blueprint.get("/ledger/<int:entry_id>")
@firm_only("ledger.read")
def journal_entry(entry_id: int) -> Response:
    who = firm_user()
    entry = books.find_entry(entry_id) if access.may(who, "books.read") else ledger.find(who, entry_id)
    postings = ledger.postings_of(entry)
    ids = {row.matter_id for row in postings if row.matter_id}
    return render(
        "firm/ledger/entry.html", entry=entry, postings=postings, reversal=ledger.reversal_of(entry),
        seen=matters.among(who, ids), numbers=invoices.numbers({row.invoice_id for row in postings if row.invoice_id}),
        links=ledger.links_of(entry), name=ledger.CODES[entry.code],
        payment=payments.of_entries([entry.source]).get(entry.source),
    )  # fmt: skip
