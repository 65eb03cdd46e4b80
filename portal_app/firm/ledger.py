"""A matter's ledger and a client's, their journal entries, their export."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response

from portal_app.domain import access, clients, invoices, ledger, matters, payments
from portal_app.domain.ledger import Line, Sums, books, of_clients
from portal_app.domain.matters import Matter
from portal_app.domain.payments import Payment
from portal_app.firm.blueprint import blueprint
from portal_app.firm.book_filters import OWED_OR_HELD, Asked, key_of
from portal_app.firm.csv import table
from portal_app.tables import inert
from portal_app.web.fragments import render
from portal_app.web.login import firm_only, firm_user

PAGE = 100
HEAD = "Date,Entry,Description,Payer,Method,Invoices,Receipt,Debit,Credit,Balance"
CLIENT_HEAD = "Date,Entry,Matter,Description,Payer,Debit,Credit,Balance"


def _behind(lines: Sequence[Line]) -> tuple[dict[str, Payment], dict[int, str]]:
    """The payments and the invoice numbers that the lines tell of."""
    numbers = invoices.numbers({invoice_id for line in lines for invoice_id in line.invoice_ids})
    return payments.of_entries([line.entry.source for line in lines]), numbers


def _goes_by_day(asked: Asked) -> bool:
    """Whether a matter's own chain, which is in the order of its ledger, answers it."""
    return not asked.wanted.fund and not asked.wanted.text and asked.wanted.cents is None


def _of_matter(matter: Matter, asked: Asked, limit: int | None, before: Sequence[int] | None) -> list[Line]:
    """The matter's lines; what is asked for day by day goes the short way."""
    wanted = asked.wanted
    if not _goes_by_day(asked):
        return [line for line, _ in _of_matters([matter], asked, limit, before)]
    return ledger.for_matter(
        matter, limit=limit, before=before[0] if before else None, since=wanted.since, until=wanted.until,
        codes=wanted.codes,
    )  # fmt: skip


def _of_matters(
    found: Sequence[Matter], asked: Asked, limit: int | None, before: Sequence[int] | None
) -> list[tuple[Line, int]]:
    key = (before[0], before[-1]) if before else None
    read = of_clients.held if asked.wanted.fund else of_clients.owed
    return read(found, asked.wanted, limit=limit, before=key)


def _key(line: Line, matter_id: int, asked: Asked) -> str:
    """What the next page begins after."""
    return str(line.sequence) if asked.wanted.fund else f"{line.entry.id}-{matter_id}"


def _next(line: Line, matter: Matter, asked: Asked) -> str:
    """As :func:`_key`, in a matter's own ledger."""
    return str(line.sequence) if _goes_by_day(asked) else _key(line, matter.id, asked)


def _sums(found: Sequence[Matter], lines: Sequence[Line], asked: Asked, is_part: bool) -> Sums | None:
    """What all lines come to that are asked for; ``None`` where that is the ledger itself, page by page."""
    if not is_part:
        return Sums(len(lines), sum(line.debit_cents for line in lines), sum(line.credit_cents for line in lines))
    if asked.is_open:
        return None
    return (of_clients.held_sums if asked.wanted.fund else of_clients.owed_sums)(found, asked.wanted)


@blueprint.get("/matters/<int:matter_id>/ledger")
@firm_only("ledger.read")
def matter_ledger(matter_id: int) -> Response:
    matter, asked, before = matters.find(firm_user(), matter_id), Asked.of_client(), key_of()
    limit = asked.limit(PAGE)
    found = _of_matter(matter, asked, limit + 1, before)
    lines = found[:limit]
    paid, numbers = _behind(lines)
    is_part = len(found) > limit or before is not None
    return render(
        "firm/ledger/index.html", "entries", status=asked.status, matter=matter, lines=lines, payments=paid,
        numbers=numbers, asked=asked, funds=OWED_OR_HELD, sums=_sums([matter], lines, asked, is_part),
        older=f"?{asked.query(before=_next(lines[-1], matter, asked))}" if len(found) > limit else None,
        newest=f"?{asked.query()}" if before is not None else None,
    )  # fmt: skip


@blueprint.get("/matters/<int:matter_id>/ledger.csv")
@firm_only("ledger.read")
def export_ledger(matter_id: int) -> Response:
    """Every line that the filter leaves, as a table for other programs."""
    matter = matters.find(firm_user(), matter_id)
    lines = _of_matter(matter, Asked.of_client(), None, None)
    paid, numbers = _behind(lines)
    cells = (
        _cells(line, paid.get(line.entry.source), [numbers[number] for number in line.invoice_ids]) for line in lines
    )
    return table(f"ledger-{matter.number}.csv", HEAD, cells)


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
    who, asked, before = firm_user(), Asked.of_client(), key_of()
    client, limit = clients.find(client_id), asked.limit(PAGE)
    seen = {matter.id: matter for matter in matters.for_client(who, client)}
    found = _of_matters(list(seen.values()), asked, limit + 1, before)
    lines = found[:limit]
    is_part = len(found) > limit or before is not None
    return render(
        "firm/clients/ledger.html", "entries", status=asked.status, client=client, lines=lines, seen=seen, asked=asked,
        funds=OWED_OR_HELD, sums=_sums(list(seen.values()), [line for line, _ in lines], asked, is_part),
        older=f"?{asked.query(before=_key(*lines[-1], asked))}" if len(found) > limit else None,
        newest=f"?{asked.query()}" if before is not None else None,
    )  # fmt: skip


@blueprint.get("/clients/<int:client_id>/ledger.csv")
@firm_only("ledger.read")
def export_client_ledger(client_id: int) -> Response:
    client, asked = clients.find(client_id), Asked.of_client()
    seen = {matter.id: matter for matter in matters.for_client(firm_user(), client)}
    cells = (
        [
            line.entry.occurred_on.isoformat(), str(line.entry.id), inert(seen[of].number),
            inert(line.entry.description), inert(line.payer_name),
            line.debit_cents, line.credit_cents, line.balance_cents,
        ]
        for line, of in _of_matters(list(seen.values()), asked, None, None)
    )  # fmt: skip
    return table(f"ledger-client-{client.id}.csv", CLIENT_HEAD, cells)


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
