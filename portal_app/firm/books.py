"""The firm's books: journal, accounts, trial balance; each as a page, on paper and as CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import invoices, ledger, matters
from portal_app.domain.ledger import Wanted, books
from portal_app.domain.ledger.chart import KINDS
from portal_app.firm.blueprint import blueprint
from portal_app.firm.book_filters import FUNDS, Asked
from portal_app.firm.csv import day_of, table
from portal_app.firm.listing import number_of
from portal_app.tables import inert
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user

PAGE = 50
ANY_FUND = {"": "Both funds", "operating": "Operating", "trust": "Trust"}
HEAD = "Entry,Date,Kind,Description,Account,Matter,Invoice,Debit,Credit"


@blueprint.get("/books")
@firm_only("books.read")
def books_journal() -> AnyResponse:
    asked, before = Asked.of_books(), number_of("before")
    if request.args.get("account"):
        account = quote(request.args["account"][:40], safe=":")
        return go(f"/firm/books/accounts/{account}?{asked.query(fund='')}")
    limit = asked.limit(PAGE)
    found = books.journal(asked.wanted, before=before, limit=limit + 1)
    rows = found[:limit]
    legs = books.legs_of([row.id for row in rows])
    every = [leg for row in rows for leg in legs[row.id]]
    return render(
        "firm/books/journal.html", "entries", status=asked.status, asked=asked, rows=rows, legs=legs,
        codes=ledger.CODES, funds=ANY_FUND,
        seen=matters.among(firm_user(), {leg.matter_id for leg in every if leg.matter_id}),
        numbers=invoices.numbers({leg.invoice_id for leg in every if leg.invoice_id}),
        accounts=[account for account, _ in books.accounts()],
        older=f"?{asked.query(before=rows[-1].id)}" if len(found) > limit else None,
        newest=f"?{asked.query()}" if before is not None else None,
    )  # fmt: skip


@blueprint.get("/books/journal.csv")
@firm_only("books.read")
def books_journal_csv() -> Response:
    """Every entry that the filter leaves, a line for each leg."""
    return table("journal.csv", HEAD, _journal_cells(Asked.of_books().wanted))


def _journal_cells(wanted: Wanted) -> Iterator[list[str | int | None]]:
    before = None
    while rows := books.journal(wanted, before=before, limit=100):
        legs = books.legs_of([row.id for row in rows])
        every = [leg for row in rows for leg in legs[row.id]]
        numbers = invoices.numbers({leg.invoice_id for leg in every if leg.invoice_id})
        for row in rows:
            for leg in legs[row.id]:
                about = [str(row.id), row.occurred_on.isoformat(), ledger.CODES[row.code], inert(row.description)]
                where = [leg.account_code, inert(leg.matter.number) if leg.matter_id else ""]
                sides = _sides(leg.amount_cents)
                yield [*about, *where, inert(numbers.get(leg.invoice_id, "")), *sides]
        before = rows[-1].id


def _sides(cents: int) -> tuple[int | None, int | None]:
    return cents if cents > 0 else None, -cents if cents < 0 else None


@blueprint.get("/books/accounts")
@firm_only("books.read")
def books_accounts() -> Response:
    return render("firm/books/accounts.html", rows=books.accounts(), funds=FUNDS, kinds=KINDS)


@blueprint.get("/books/accounts/<account_code>")
@firm_only("books.read")
def books_account(account_code: str) -> Response:
    account, asked, before = books.find_account(account_code), Asked.of_books(has_fund=False), number_of("before")
    wanted, limit = asked.wanted, asked.limit(2 * PAGE)
    found = books.for_account(account, wanted, before=before, limit=limit + 1)
    lines = found[:limit]
    until = wanted.until
    return render(
        "firm/books/account.html", "entries", status=asked.status, account=account, lines=lines, asked=asked,
        codes=ledger.CODES, kinds=KINDS, until=until,
        balance_cents=books.balance_on(account.code, until) if until else ledger.account_balance(account.code),
        sums=None if wanted.is_open else books.account_sums(account, wanted),
        seen=matters.among(firm_user(), {line.posting.matter_id for line in lines if line.posting.matter_id}),
        older=f"?{asked.query(before=lines[-1].posting.id)}" if len(found) > limit else None,
        newest=f"?{asked.query()}" if before is not None else None,
    )  # fmt: skip


@blueprint.get("/books/accounts/<account_code>/ledger.csv")
@firm_only("books.read")
def books_account_csv(account_code: str) -> Response:
    account, wanted = books.find_account(account_code), Asked.of_books(has_fund=False).wanted
    name = f"account-{account.code.replace(':', '-')}.csv"
    return table(name, "Entry,Date,Kind,Description,Matter,Debit,Credit,Balance", _account_cells(account, wanted))


def _account_cells(account: ledger.Account, wanted: Wanted) -> Iterator[list[str | int | None]]:
    before = None
    while lines := books.for_account(account, wanted, before=before, limit=500):
        for line in lines:
            row, entry = line.posting, line.posting.entry
            about = [str(entry.id), entry.occurred_on.isoformat(), ledger.CODES[entry.code], inert(entry.description)]
            yield [
                *about,
                inert(row.matter.number) if row.matter_id else "",
                *_sides(row.amount_cents),
                line.balance_cents,
            ]
        before = lines[-1].posting.id


@blueprint.get("/books/trial-balance")
@firm_only("books.read")
def books_trial_balance() -> Response:
    day, fund = _day_and_fund()
    given = {"on": day or "", "fund": fund}
    return render(
        "firm/books/trial_balance.html", "balances", rows=books.trial_balance(day, fund), day=day, fund=fund,
        funds=FUNDS, choices=ANY_FUND, kinds=KINDS,
        query=urlencode({name: value for name, value in given.items() if value}),
    )  # fmt: skip


def _day_and_fund() -> tuple[dt.date | None, str]:
    fund = request.args.get("fund", "")
    return day_of("on"), fund if fund in FUNDS else ""


@blueprint.get("/books/trial-balance.csv")
@firm_only("books.read")
def books_trial_balance_csv() -> Response:
    rows = books.trial_balance(*_day_and_fund())
    cells = ([row.fund, row.code, inert(row.name), row.kind, *_sides(cents)] for row, cents in rows)
    return table("trial-balance.csv", "Fund,Account,Name,Kind,Debit,Credit", cells)
