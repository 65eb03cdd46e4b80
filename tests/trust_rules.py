"""Writing around the rules of trust: entries in plain SQL, and what a refusal says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from peewee import DatabaseError

from portal_app import clock
from portal_app.db import db, transaction
from portal_app.domain import ledger
from portal_app.domain.ledger import JournalEntry, Leg, Posting
from portal_app.domain.ledger.chaining import follow, heads_to_follow, matters_of
from portal_app.domain.trust import RuleRefused, TrustMovement
from tests.trust import account, authorise
from tests.world import World, today


class Plain:
    """Journal entries in plain SQL: whatever a faulty program might write."""

    def __init__(self, number: int, code: str, *, day: dt.date | None = None, reverses: int | None = None) -> None:
        self.number, self.source, self.day = number, f"plain:{number}", day or today()
        self.legs: list[Leg] = []
        self.facts: list[str] = []
        self.code, self.reverses = code, reverses

    def leg(self, code: str, cents: int, matter_id: int | None = None, invoice_id: int | None = None) -> Plain:
        self.legs.append(Leg(code, cents, matter_id, invoice_id))
        return self

    def fact(self, kind: str, cents: int, matter_id: int | None = None, **more: Any) -> Plain:
        given: dict[str, Any] = {
            "source": self.source, "key": self.source, "kind": kind, "bank_account_id": account().id,
            "matter_id": matter_id, "amount_cents": cents, "occurred_on": self.day.isoformat(), "party": "X",
            "purpose": "Y", "method": "check", "reference": "", "created_at": clock.now().isoformat(" "),
            "clears_on": self.day.isoformat() if kind == "receipt" else None, **more,
        }  # fmt: skip
        return self.also("trust_movement", given)

    def also(self, table: str, given: dict[str, Any]) -> Plain:
        shown = ("NULL" if value is None else f"'{value}'" for value in given.values())
        self.facts.append(f"INSERT INTO {table} ({', '.join(given)}) VALUES ({', '.join(shown)})")
        return self

    def write(self) -> None:
        """Everything in plain SQL but its place in the chain, so that nothing but a rule is in the way."""
        with transaction():
            db.execute_sql(
                "INSERT INTO journal_entry (id, posted_at, occurred_on, code, description, source, legs, reverses_id)"
                f" VALUES ({self.number}, '2026-01-01 00:00:00', '{self.day}', '{self.code}', 'plain',"
                f" '{self.source}', {len(self.legs)}, {self.reverses or 'NULL'})"
            )
            for statement in self.facts:
                db.execute_sql(statement)
            heads = heads_to_follow(matters_of(self.legs))
            for leg in self.legs:
                db.execute_sql(
                    "INSERT INTO posting (entry_id, account_code, matter_id, invoice_id, currency, amount_cents)"
                    f" VALUES ({self.number}, '{leg.account}', {leg.matter_id or 'NULL'}, {leg.invoice_id or 'NULL'},"
                    f" 'USD', {leg.amount_cents})"
                )
            follow(JournalEntry.get_by_id(self.number), self.legs, "USD", heads)
            seal = "INSERT INTO journal_seal (entry_id, sealed_at) VALUES"
            db.execute_sql(f"{seal} ({self.number}, '2026-01-01 00:00:00')")

    def is_refused(self, rule: str) -> None:
        refused(rule, self.write)


def commit(*statements: str) -> None:
    with transaction():
        for statement in statements:
            db.execute_sql(statement)


def refused(rule: str, act: str | Callable[[], None]) -> None:
    before = (JournalEntry.select().count(), Posting.select().count(), TrustMovement.select().count())
    with pytest.raises(DatabaseError, match=rule):
        commit(act) if isinstance(act, str) else act()
    assert (JournalEntry.select().count(), Posting.select().count(), TrustMovement.select().count()) == before


def bank() -> str:
    return ledger.bank(account().id)


def client_money() -> str:
    return ledger.client_money(account().id)


def authorised(world: World, cents: int, kind: str = "disbursement", **more: Any) -> dict[str, Any]:
    """What a plain movement needs to refer to dan's word."""
    word = authorise(world, cents, kind=kind, payee="X", **more)
    return {"authorisation_id": word.id}


def said(problem: pytest.ExceptionInfo[RuleRefused]) -> str:
    """The rule that was named; its words and where they come from are shown with it."""
    rule = problem.value.rule
    assert rule.words in str(problem.value)
    assert rule.citation in str(problem.value)
    return rule.id
