"""Writing entries: by recipe, balanced, once for each source fact, in the transaction of the fact itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from portal_app import clock
from portal_app.db import connect, rows_of, run, transaction
from portal_app.domain import outbox
from portal_app.domain.ledger import chart
from portal_app.domain.ledger.chaining import follow, heads_to_follow, matters_of
from portal_app.domain.ledger.models import Account, AlreadyPosted, JournalEntry, Leg, Unbalanced
from portal_app.domain.ledger.reading import postings_of
from portal_app.domain.ledger.recipes import misfit
from portal_app.domain.people import FirmUser, PortalUser


def post(
    code: str, legs: Sequence[Leg], *, occurred_on: dt.date, description: str, source: str, currency: str,
    by: FirmUser | PortalUser | None = None, reverses: JournalEntry | None = None,
) -> JournalEntry:  # fmt: skip
    """Write one balanced entry. Joins the caller's transaction, in which the fact itself is written.

    Raises:
        Unbalanced: the legs do not sum to zero (the database would refuse it too), or do not fit the code's recipe.
        AlreadyPosted: there is an entry for ``source``.
    """
    legs = [leg for leg in legs if leg.amount_cents]
    _refuse_misfit(code, legs, reverses)
    entry = JournalEntry(
        posted_at=clock.now(), occurred_on=occurred_on, code=code, description=description[:200], source=source,
        legs=len(legs), reverses=reverses,
        **{"firm_user" if isinstance(by, FirmUser) else "portal_user": by} if by is not None else {},
    )  # fmt: skip
    with transaction():
        _write(entry, legs, currency)
        outbox.announce("ledger_posted", entry.id)
    return entry


# The most frequent writing of all: statements of our own, since building them costs more than they do.
_ENTRY = """INSERT INTO journal_entry
    (posted_at, occurred_on, code, description, source, legs, reverses_id, firm_user_id, portal_user_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source) DO NOTHING RETURNING id"""
_LEGS = "INSERT INTO posting (entry_id, account_code, matter_id, invoice_id, currency, amount_cents) VALUES "
_SEAL = "INSERT INTO journal_seal (entry_id, sealed_at) VALUES (?, ?)"


def _write(entry: JournalEntry, legs: Sequence[Leg], currency: str) -> None:
    moment = str(entry.posted_at)
    made = rows_of(
        _ENTRY, moment, str(entry.occurred_on), entry.code, entry.description, entry.source, entry.legs,
        entry.reverses_id, entry.firm_user_id, entry.portal_user_id,
    )  # fmt: skip
    if not made:
        raise AlreadyPosted(entry.source)
    entry.id = made[0][0]
    heads = heads_to_follow(matters_of(legs))
    values = [(entry.id, leg.account, leg.matter_id, leg.invoice_id, currency, leg.amount_cents) for leg in legs]
    run(_LEGS + ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(legs)), *(value for row in values for value in row))
    follow(entry, legs, currency, heads)
    run(_SEAL, entry.id, moment)


def _refuse_misfit(code: str, legs: Sequence[Leg], reverses: JournalEntry | None) -> None:
    sides = [(leg.account, leg.amount_cents) for leg in legs]
    if sum(cents for _, cents in sides) or len(sides) < 2:
        raise Unbalanced(f"{code}: {sides}")
    connect()
    names = {account for account, _ in sides}
    query = f"SELECT code, fund FROM account WHERE code IN ({', '.join('?' * len(names))})"  # noqa: S608  marks alone
    funds = rows_of(query, *names)
    problem = misfit(code, sides, dict(funds), reverses.code if reverses is not None else "")
    if problem:
        raise Unbalanced(f"{problem}: {sides}")


def reverse(
    entry: JournalEntry, *, code: str, occurred_on: dt.date, description: str, by: FirmUser | None = None
) -> JournalEntry:
    """The linked opposite of ``entry``: how everything is corrected."""
    legs = [Leg(row.account_code, -row.amount_cents, row.matter_id, row.invoice_id) for row in postings_of(entry)]
    currency = postings_of(entry)[0].currency
    return post(
        code, legs, occurred_on=occurred_on, description=description, source=f"{entry.source}:reversed",
        currency=currency, by=by, reverses=entry,
    )  # fmt: skip


def open_account(code: str, *, name: str, kind: str, fund: str) -> None:
    """Make sure that an account exists: the clearing account of a gateway, the books of a bank account."""
    Account.insert(code=code, name=name, kind=kind, fund=fund).on_conflict_ignore().execute()


def open_bank(bank_account_id: int, *, name: str, fund: str) -> None:
    """Make sure that a bank account's books exist; a trust account's have the client money and the firm's float."""
    open_account(chart.bank(bank_account_id), name=name, kind="asset", fund=fund)
    if fund == "trust":
        owed, own = chart.client_money(bank_account_id), chart.firm_float(bank_account_id)
        open_account(owed, name=f"{name}: client money", kind="liability", fund=fund)
        open_account(own, name=f"{name}: the firm’s own money", kind="equity", fund=fund)
