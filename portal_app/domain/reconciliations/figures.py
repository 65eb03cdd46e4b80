"""The three figures of a reconciliation and everything that leads from one to the other, computed from the bank's
lines, the matches and the postings of one account up to the end of one day. Writes nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from peewee import JOIN, fn

from portal_app.db import date_of, sum_of
from portal_app.domain import ledger
from portal_app.domain.ledger import JournalEntry, Posting
from portal_app.domain.matters import Matter
from portal_app.domain.payments import BankAccount
from portal_app.domain.people import Client
from portal_app.domain.reconciliations.at_gateways import held
from portal_app.domain.reconciliations.models import BankMatch, BankMatchLine, BankMatchPosting, Reconciliation
from portal_app.domain.reconciliations.open_items import open_lines, told, words_of
from portal_app.domain.reconciliations.reading import last_of
from portal_app.domain.reconciliations.rules import Rules, rules
from portal_app.domain.statements import BankStatement, StatementLine, balance_on


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the report: something that the bank or the books alone have on the day. ``entry_id`` or ``line_id``
    leads to it. Of what a gateway has, ``place`` and ``account`` are the account on which it stands, and ``of_cents``
    is the whole of which a part is left."""

    day: dt.date
    text: str
    cents: int
    entry_id: int | None = None
    line_id: int | None = None
    posting_id: int | None = None
    place: str = ""
    account: str = ""
    of_cents: int | None = None


@dataclass(frozen=True, slots=True)
class ClientLine:
    """One client-matter ledger in the client trial balance. ``flags``: ``negative``, ``inactive``, ``nameless``."""

    matter_id: int | None
    number: str
    matter: str
    client: str
    cents: int
    last_on: dt.date
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All of a reconciliation to the end of one day, in cents. What clients and the firm have in trust is positive.

    ``in_transit`` and ``outstanding``: in the books, not at the bank yet. ``gateways``: taken for the account, not paid
    out yet. ``other``: at the bank and not in the books by that day, each for a reason that is known. ``loose``: lines
    of the bank that nobody has accounted for: with one of them nothing can be closed."""

    account: BankAccount
    statement: BankStatement
    starts_on: dt.date
    ends_on: dt.date
    currency: str
    statement_cents: int
    bank_cents: int
    float_cents: int
    in_transit: list[Item] = field(default_factory=list)
    outstanding: list[Item] = field(default_factory=list)
    gateways: list[Item] = field(default_factory=list)
    other: list[Item] = field(default_factory=list)
    loose: list[Item] = field(default_factory=list)
    clients: list[ClientLine] = field(default_factory=list)
    previous: str = ""
    closed_until: dt.date | None = None
    rules: Rules = field(default_factory=rules)

    @property
    def is_trust(self) -> bool:
        return bool(self.account.fund == "trust")

    @property
    def adjusted_cents(self) -> int:
        lists = (self.in_transit, self.outstanding, self.gateways, self.other)
        return self.statement_cents + sum(total(items) for items in lists)

    @property
    def book_cents(self) -> int:
        return self.bank_cents + total(self.gateways)

    @property
    def clients_cents(self) -> int:
        return sum(row.cents for row in self.clients)

    @property
    def owed_cents(self) -> int:
        """What the clients' ledgers and the firm's float come to; of an operating account, the book balance itself."""
        return self.clients_cents + self.float_cents if self.is_trust else self.book_cents

    @property
    def difference_cents(self) -> int:
        """Between the adjusted bank balance and the books."""
        return self.adjusted_cents - self.book_cents

    @property
    def is_equal(self) -> bool:
        """Whether it may be closed: all figures are one, to the cent, and every line of the bank is accounted for."""
        return self.adjusted_cents == self.book_cents == self.owed_cents and not self.loose

    @property
    def flagged(self) -> list[ClientLine]:
        return [row for row in self.clients if row.flags]

    def snapshot(self, anchored: Mapping[str, object] | None = None) -> str:
        """Everything that the report says, as JSON that is the same for the same facts; ``anchored`` adds what it
        rests on when it is closed."""
        facts = self.facts() | dict(anchored or {})
        return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)

    def facts(self) -> dict[str, object]:
        return {
            "version": 2,
            "account": {"id": self.account.id, "name": self.account.name, "last4": self.account.last4,
                        "fund": self.account.fund},
            "currency": self.currency, "starts_on": self.starts_on, "ends_on": self.ends_on,
            "statement": {"id": self.statement.id, "file": self.statement.file_name, "sha256": self.statement.sha256},
            "figures": self.totals(),
            **{name: [asdict(item) for item in getattr(self, name)]
               for name in ("in_transit", "outstanding", "gateways", "other", "clients")},
            "previous": self.previous, "rule": self.rules.source,
        }  # fmt: skip

    def totals(self) -> dict[str, int]:
        """The figures by the names of the table's columns."""
        return {
            "statement_cents": self.statement_cents, "in_transit_cents": total(self.in_transit),
            "outstanding_cents": total(self.outstanding), "at_gateways_cents": total(self.gateways),
            "other_cents": total(self.other), "adjusted_cents": self.adjusted_cents, "book_cents": self.book_cents,
            "clients_cents": self.clients_cents if self.is_trust else 0,
            "float_cents": self.float_cents if self.is_trust else 0,
        }  # fmt: skip


def total(items: Iterable[Item]) -> int:
    return sum(item.cents for item in items)


def sha256_of(snapshot: str) -> str:
    return hashlib.sha256(snapshot.encode()).hexdigest()


def figures(statement: BankStatement, currency: str) -> Figures:
    """The reconciliation of the statement's account to the statement's last day, as things stand now."""
    account, day, found = statement.bank_account, statement.ends_on, rules()
    last = last_of(account)
    books, sums = _open_in_books(account, day), _books(account, day)
    is_trust = account.fund == "trust"
    return Figures(
        account, statement, _starts_on(account, statement, last), day, currency, balance_on(account.id, day),
        sums.get(ledger.bank(account.id), 0), -sums.get(ledger.firm_float(account.id), 0),
        in_transit=[item for item in books if item.cents > 0],
        outstanding=[item for item in books if item.cents < 0],
        gateways=_at_gateways(account, day) if is_trust else [],
        other=_other(account, day),
        loose=[_line_item(row) for row in open_lines(account, day) if not row.explanation],
        clients=_clients(account, day, found) if is_trust else [],
        previous=last.snapshot_sha256 if last else "", closed_until=last.ends_on if last else None, rules=found,
    )  # fmt: skip


def _starts_on(account: BankAccount, statement: BankStatement, last: Reconciliation | None) -> dt.date:
    """The day after the last closed one; before the first closing, the first day of the account's first statement."""
    if last is not None:
        return last.ends_on + dt.timedelta(days=1)
    first = BankStatement.select(BankStatement.starts_on).where(
        (BankStatement.bank_account == account.id) & BankStatement.starts_on.is_null(False)
    )
    row = first.order_by(BankStatement.starts_on).first()
    return min(row.starts_on, statement.starts_on) if row else statement.starts_on


def _books(account: BankAccount, day: dt.date) -> dict[str, int]:
    """What stands on the account's bank ledger and on the firm's float in it at the end of the day, debit plus."""
    query = Posting.select(Posting.account, fn.SUM(Posting.amount_cents)).join(JournalEntry).group_by(Posting.account)
    ours = Posting.account.in_([ledger.bank(account.id), ledger.firm_float(account.id)])
    return {code: sum_of(cents) for code, cents in query.where(ours & (JournalEntry.occurred_on <= day)).tuples()}


def _open_in_books(account: BankAccount, day: dt.date) -> list[Item]:
    """Postings of the bank's ledger that the bank does not have by that day: not matched, or settled later."""
    query = (
        told()
        .join_from(Posting, BankMatchPosting, JOIN.LEFT_OUTER, on=(BankMatchPosting.posting == Posting.id))
        .join(BankMatch, JOIN.LEFT_OUTER, on=(BankMatchPosting.match == BankMatch.id))
    )
    is_open = BankMatch.id.is_null() | (BankMatch.cleared_on > day)
    is_ours = (Posting.account == ledger.bank(account.id)) & (JournalEntry.occurred_on <= day)
    return [
        Item(row.entry.occurred_on, words_of(row), row.amount_cents, entry_id=row.entry_id, posting_id=row.id)
        for row in query.where(is_ours & is_open).order_by(JournalEntry.occurred_on, Posting.id)
    ]


def _other(account: BankAccount, day: dt.date) -> list[Item]:
    """Lines of the bank by that day that the books have later or never, taken out of its balance: the bank's own
    errors, and what was booked only after the day."""
    query = (
        StatementLine.select(StatementLine)
        .join(BankMatchLine, JOIN.LEFT_OUTER, on=(BankMatchLine.line == StatementLine.id))
        .join(BankMatch, JOIN.LEFT_OUTER, on=(BankMatchLine.match == BankMatch.id))
    )
    is_later = BankMatch.cleared_on > day
    is_error = BankMatch.id.is_null() & (StatementLine.explanation != "")
    ours = (StatementLine.bank_account == account.id) & (StatementLine.booked_on <= day)
    rows = query.where(ours & (is_later | is_error)).order_by(StatementLine.booked_on, StatementLine.id)
    return [_other_item(row) for row in rows]


def _other_item(row: StatementLine) -> Item:
    why = f"bank’s error: {row.note}" if row.explanation else "settled after the period"
    return Item(row.booked_on, f"{row.description or 'No description'} ({why})", -row.amount_cents, line_id=row.id)


def _line_item(row: StatementLine) -> Item:
    text = " · ".join(part for part in (row.description, row.reference) if part) or "No description"
    return Item(row.booked_on, text, row.amount_cents, line_id=row.id)


def _at_gateways(account: BankAccount, day: dt.date) -> list[Item]:
    """What was taken into the trust account's ledgers and is not at the bank yet, by the gateway that has it."""
    return [
        Item(
            row.posting.entry.occurred_on, row.text, row.cents, entry_id=row.posting.entry_id,
            posting_id=row.posting.id, place=str(row.place.name), account=str(row.place.code),
            of_cents=int(row.posting.amount_cents) if row.cents != row.posting.amount_cents else None,
        )
        for row in held(account, day)
    ]  # fmt: skip


def _clients(account: BankAccount, day: dt.date, found: Rules) -> list[ClientLine]:
    """The client trial balance: every client-matter ledger that holds or lacks something on the day."""
    amount, last_on = fn.SUM(Posting.amount_cents), fn.MAX(JournalEntry.occurred_on)
    query = (
        Posting.select(Matter.id, Matter.number, Matter.name, Client.name, amount, last_on)
        .join_from(Posting, JournalEntry)
        .join_from(Posting, Matter, JOIN.LEFT_OUTER)
        .join_from(Matter, Client, JOIN.LEFT_OUTER)
        .where((Posting.account == f"trust:{account.id}") & (JournalEntry.occurred_on <= day))
        .group_by(Matter.id, Matter.number, Matter.name, Client.name)
        .order_by(Client.name, Matter.number)
    )
    return [
        ClientLine(
            matter_id, number or "", name or "No matter", client or "", -sum_of(cents), date_of(last),
            _flags(matter_id, -sum_of(cents), (day - date_of(last)).days, found),
        )
        for matter_id, number, name, client, cents, last in query.tuples()
        if sum_of(cents)
    ]  # fmt: skip


def _flags(matter_id: int | None, cents: int, still_days: int, found: Rules) -> tuple[str, ...]:
    flags = {"nameless": matter_id is None, "negative": cents < 0, "inactive": still_days > found.inactive_days}
    return tuple(flag for flag, holds in flags.items() if holds)
