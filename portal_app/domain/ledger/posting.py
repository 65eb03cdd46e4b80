"""Writing entries: by recipe, balanced, once for each source fact, in the transaction of the fact itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from peewee import IntegrityError

from portal_app import clock
from portal_app.db import db, transaction
from portal_app.domain import outbox
from portal_app.domain.ledger import chart
from portal_app.domain.ledger.chaining import follow, heads_to_follow, matters_of
from portal_app.domain.ledger.models import (
    Account,
    AlreadyPosted,
    JournalEntry,
    JournalSeal,
    Leg,
    Posting,
    Unbalanced,
)
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
    now = clock.now()
    who = {"firm_user" if isinstance(by, FirmUser) else "portal_user": by} if by is not None else {}
    with transaction():
        if JournalEntry.select().where(JournalEntry.source == source).exists():
            raise AlreadyPosted(source)
        try:
            with db.atomic():
                entry = JournalEntry.create(
                    posted_at=now, occurred_on=occurred_on, code=code, description=description[:200], source=source,
                    legs=len(legs), reverses=reverses, **who,
                )  # fmt: skip
        except IntegrityError:
            raise AlreadyPosted(source) from None
        heads = heads_to_follow(matters_of(legs))
        rows = [(entry.id, leg.account, leg.matter_id, leg.invoice_id, currency, leg.amount_cents) for leg in legs]
        fields = [
            Posting.entry, Posting.account, Posting.matter, Posting.invoice_id, Posting.currency, Posting.amount_cents,
        ]  # fmt: skip
        Posting.insert_many(rows, fields=fields).execute()
        follow(entry, legs, currency, heads)
        JournalSeal.create(entry_id=entry.id, sealed_at=now, force_insert=True)
        outbox.announce("ledger_posted", entry.id)
    return entry


def _refuse_misfit(code: str, legs: Sequence[Leg], reverses: JournalEntry | None) -> None:
    sides = [(leg.account, leg.amount_cents) for leg in legs]
    if sum(cents for _, cents in sides) or len(sides) < 2:
        raise Unbalanced(f"{code}: {sides}")
    query = Account.select(Account.code, Account.fund).where(Account.code.in_({leg.account for leg in legs}))
    problem = misfit(code, sides, dict(query.tuples()), reverses.code if reverses is not None else "")
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
