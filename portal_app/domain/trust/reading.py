"""Reading the books of trust: a matter's ledger, a full accounting, what the firm holds for whom, what waits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from peewee import JOIN, SQL, Case, ModelSelect, Select, fn

from portal_app.db import sum_of
from portal_app.domain import ledger, matters
from portal_app.domain.banks import BankAccount
from portal_app.domain.ledger import Account, JournalEntry, Posting, RunningTotal
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser
from portal_app.domain.readers import prepared_for_as
from portal_app.domain.trust import balances
from portal_app.domain.trust.incidents import open_incidents
from portal_app.domain.trust.models import (
    TrustAuthorisation,
    TrustBook,
    TrustClearing,
    TrustDay,
    TrustHold,
    TrustIncident,
    TrustMovement,
    TrustNotice,
    TrustPolicy,
)
from portal_app.domain.trust.packs import Pack
from portal_app.prepared import prepared, prepared_of_ids


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a client's trust ledger: what came in or went out, and what was there after it, in cents."""

    entry: JournalEntry
    movement: TrustMovement
    in_cents: int
    out_cents: int
    balance_cents: int


@dataclass(frozen=True, slots=True)
class Accounting:
    """A full accounting for a matter in one trust account: every line of a period between its balances (T17)."""

    bank_account: BankAccount
    since: dt.date
    until: dt.date
    opening_cents: int
    lines: Sequence[Line]

    @property
    def closing_cents(self) -> int:
        return self.lines[-1].balance_cents if self.lines else self.opening_cents

    @property
    def in_cents(self) -> int:
        return sum(line.in_cents for line in self.lines)

    @property
    def out_cents(self) -> int:
        return sum(line.out_cents for line in self.lines)


def accounting(matter: Matter, account: BankAccount, since: dt.date, until: dt.date) -> Accounting:
    """Opening, every line, closing, from the postings themselves, in the order of their days."""
    code = ledger.client_money(account.id)
    opening = balances.balance(matter, account, since - dt.timedelta(days=1))
    return Accounting(account, since, until, opening, _lines(_entries(matter.id, code, since, until), opening))


@prepared
def _entries(matter_id: Any, code: Any, since: Any, until: Any) -> ModelSelect:
    is_in = (Posting.matter == matter_id) & (Posting.account == code)
    days = (JournalEntry.occurred_on >= since) & (JournalEntry.occurred_on <= until)
    query = JournalEntry.select(JournalEntry, fn.SUM(Posting.amount_cents).alias("cents")).join(Posting)
    query = query.where(is_in & days).group_by(JournalEntry.id)
    return query.order_by(JournalEntry.occurred_on, JournalEntry.id)


def _lines(entries: Sequence[Any], opening: int) -> list[Line]:
    found, running = [], opening
    facts = _behind([entry.source for entry in entries])
    for entry in entries:
        cents = -sum_of(entry.cents)
        running += cents
        found.append(Line(entry, facts[entry.source], max(cents, 0), max(-cents, 0), running))
    return found


def _behind(sources: Sequence[str]) -> dict[str, TrustMovement]:
    return {row.source: row for row in _movements(sources)}


@prepared_of_ids
def _movements(sources: Any) -> ModelSelect:
    query = (
        TrustMovement.select(
            TrustMovement, TrustAuthorisation, FirmUser,
            fn.COALESCE(TrustClearing.cleared_on, TrustMovement.clears_on).alias("cleared_on"),
            Case(None, [(TrustNotice.movement.is_null(), 0)], 1).alias("is_told"),
        )
        .join_from(TrustMovement, TrustAuthorisation, JOIN.LEFT_OUTER)
        .join(FirmUser, JOIN.LEFT_OUTER, on=TrustAuthorisation.authorised_by)
        .join_from(TrustMovement, TrustClearing, JOIN.LEFT_OUTER)
        .join_from(TrustMovement, TrustNotice, JOIN.LEFT_OUTER)
    )  # fmt: skip
    return query.where(TrustMovement.source.in_(sources))


def find(who: FirmUser, movement_id: int) -> TrustMovement:
    """A movement on a matter that ``who`` may see, or of the firm's own money."""
    is_theirs = TrustMovement.matter.is_null() | matters.sees(who, TrustMovement.matter)
    return TrustMovement.get((TrustMovement.id == movement_id) & is_theirs)


def described(row: TrustMovement) -> TrustMovement:
    """The same movement, with its authorisation, and whether it has cleared and was told."""
    return _behind([row.source])[row.source]


def correction_of(row: TrustMovement) -> TrustMovement | None:
    """What took a movement back: a correction, or the payer's bank."""
    return TrustMovement.get_or_none(TrustMovement.of == row.id)


def find_authorisation(who: FirmUser, authorisation_id: int) -> TrustAuthorisation:
    is_it = (TrustAuthorisation.id == authorisation_id) & matters.sees(who, TrustAuthorisation.matter)
    return TrustAuthorisation.get(is_it)


def find_hold(who: FirmUser, hold_id: int) -> TrustHold:
    return TrustHold.get((TrustHold.id == hold_id) & matters.sees(who, TrustHold.matter))


def find_account(bank_account_id: int) -> BankAccount:
    """A trust bank account; raises ``BankAccount.DoesNotExist`` for any other."""
    return BankAccount.get((BankAccount.id == bank_account_id) & (BankAccount.fund == "trust"))


# What waits


def to_carry_out(matter: Matter | None = None) -> list[TrustAuthorisation]:
    """What a lawyer has authorised and nobody has carried out yet, of one matter or of all; the oldest first."""
    done = TrustMovement.select(SQL("1")).where(TrustMovement.authorisation == TrustAuthorisation.id)
    query = (
        TrustAuthorisation.select(TrustAuthorisation, FirmUser, BankAccount, Matter, Client)
        .join_from(TrustAuthorisation, FirmUser, on=TrustAuthorisation.authorised_by)
        .join_from(TrustAuthorisation, BankAccount)
        .join_from(TrustAuthorisation, Matter, on=TrustAuthorisation.matter)
        .join(Client)
        .where(TrustAuthorisation.withdrawn_at.is_null() & ~fn.EXISTS(done))
    )
    query = query if matter is None else query.where(TrustAuthorisation.matter == matter.id)
    return list(query.order_by(TrustAuthorisation.id))


def holds_on(matter: Matter) -> list[TrustHold]:
    """What is held of a matter's money, and what was, the newest first."""
    query = TrustHold.select(TrustHold, FirmUser, BankAccount).join_from(TrustHold, FirmUser, on=TrustHold.held_by)
    query = query.join_from(TrustHold, BankAccount)
    return list(
        query.where(TrustHold.matter == matter.id).order_by(TrustHold.released_at.is_null(False), -TrustHold.id)
    )


def not_cleared(day: dt.date, matter: Matter | None = None) -> list[TrustMovement]:
    """Receipts that may not be spent yet on ``day``, the oldest first, with matters (T09)."""
    is_open = (TrustMovement.kind == "receipt") & (TrustMovement.clears_on > day)
    query = TrustMovement.select(TrustMovement, Matter).join(Matter, on=TrustMovement.matter)
    query = query.where(is_open & ~balances.is_settled(day) & ~_is_taken_back())
    query = query if matter is None else query.where(TrustMovement.matter == matter.id)
    return list(query.order_by(TrustMovement.clears_on, TrustMovement.id))


def not_told(day: dt.date, matter: Matter | None = None) -> list[TrustMovement]:
    """Receipts of which the client was not told, the oldest first, with matters (T18). A corrected mistake is none."""
    query = TrustMovement.select(TrustMovement, Matter).join(Matter, on=TrustMovement.matter)
    query = query.where(_is_untold() & (TrustMovement.occurred_on <= day))
    query = query if matter is None else query.where(TrustMovement.matter == matter.id)
    return list(query.order_by(TrustMovement.occurred_on, TrustMovement.id))


def _is_untold() -> Any:
    """A condition on movements: a receipt of which the client was not told, and no mistake that was corrected."""
    told = TrustNotice.select(SQL("1")).where(TrustNotice.movement == TrustMovement.id)
    return (TrustMovement.kind == "receipt") & ~fn.EXISTS(told) & ~_is_taken_back()


def _is_taken_back() -> Any:
    """A condition on movements: it was a mistake, and was corrected."""
    gone = TrustMovement.alias()
    is_of_it = (gone.of == TrustMovement.id) & (gone.kind == "reversal")
    return fn.EXISTS(gone.select(SQL("1")).where(is_of_it))


def tell_by(row: TrustMovement, rules: Pack) -> dt.date:
    """The day on which the client must know of a receipt (T18)."""
    return row.occurred_on + dt.timedelta(days=rules.number("notice_days"))


@dataclass(frozen=True, slots=True)
class Alerts:
    """Clients' money on the matters that somebody sees: ledgers that are short, and by how much; receipts of which
    nobody told the client, since when, and their sum; what is authorised and not carried out, and its sum. ``pack`` is
    the code of the rules in force. ``covered`` are matters with open invoices and money in trust, with how much of what
    they owe that money covers."""

    short: int
    short_cents: int
    untold: int
    untold_cents: int
    untold_since: dt.date | None
    words: int
    words_cents: int
    pack: str
    covered: int
    covered_cents: int


def alerts(who: FirmUser) -> Alerts:
    """What needs somebody about trust money; one query."""
    row = _alerts(who)[0]
    since = dt.date.fromisoformat(row.since) if isinstance(row.since, str) else row.since
    due = sum(cents for _, cents in short_ledgers(who)) if row.short else 0
    return Alerts(
        int(row.short), due, int(row.untold), sum_of(row.untold_cents), since, int(row.words), sum_of(row.words_cents),
        str(row.pack), int(row.covered), sum_of(row.covered_cents),
    )  # fmt: skip


class _Alert(NamedTuple):
    pack: str
    short: int
    untold: int
    untold_cents: Any
    since: dt.date | str | None
    words: int
    words_cents: Any
    covered: int
    covered_cents: Any


@prepared_for_as(_Alert)
def _alerts(who: Any) -> ModelSelect:
    done = TrustMovement.select(SQL("1")).where(TrustMovement.authorisation == TrustAuthorisation.id)
    is_word = TrustAuthorisation.withdrawn_at.is_null() & ~fn.EXISTS(done)
    is_word &= matters.sees(who, TrustAuthorisation.matter)
    untold = TrustMovement.select(
        fn.COUNT(TrustMovement.id).alias("count"), fn.SUM(TrustMovement.amount_cents).alias("cents"),
        fn.MIN(TrustMovement.occurred_on).alias("since"),
    ).where(_is_untold() & matters.sees(who, TrustMovement.matter)).alias("untold")  # fmt: skip
    words = TrustAuthorisation.select(
        fn.COUNT(TrustAuthorisation.id).alias("count"), fn.SUM(TrustAuthorisation.amount_cents).alias("cents")
    ).where(is_word).alias("words")  # fmt: skip
    covered, every = _covered(who), SQL("1 = 1")
    is_on = TrustIncident.matter.is_null() | matters.sees(who, TrustIncident.matter)
    is_short = TrustIncident.closed_at.is_null() & is_on
    query = TrustPolicy.select(
        TrustPolicy.pack, TrustIncident.select(fn.COUNT(TrustIncident.id)).where(is_short),
        untold.c.count, untold.c.cents, untold.c.since, words.c.count, words.c.cents, covered.c.count, covered.c.cents,
    )  # fmt: skip
    for part in (untold, words, covered):
        query = query.join_from(TrustPolicy, part, on=every)
    return query.order_by(TrustPolicy.id.desc()).limit(1)


def _covered(who: Any) -> Any:
    """Of the matters that ``who`` sees: how many (``count``) have open invoices and money in trust; how much of what
    they owe (``cents``) is covered by it. It begins with what is open, and looks for the money of those alone."""
    other = RunningTotal.alias()
    is_trust = (Account.fund == "trust") & (Account.kind == "liability") & (other.matter_id == RunningTotal.matter_id)
    held = other.select(0 - fn.SUM(other.balance_cents)).join(Account, on=(other.account_code == Account.code))
    owed = RunningTotal.select(fn.SUM(RunningTotal.balance_cents).alias("owed"), held.where(is_trust).alias("held"))
    is_open = (RunningTotal.account_code == ledger.RECEIVABLE) & ledger.IS_OWED
    owed = owed.where(is_open & matters.sees(who, RunningTotal.matter_id)).group_by(RunningTotal.matter_id)
    rows = owed.alias("owing")
    smaller = Case(None, [(rows.c.owed < rows.c.held, rows.c.owed)], rows.c.held)
    sums = (fn.COUNT(rows.c.owed).alias("count"), fn.SUM(smaller).alias("cents"))
    return Select([rows], sums).where(rows.c.held > 0).alias("covered")


def short_ledgers(who: FirmUser) -> list[tuple[TrustIncident, int]]:
    """Open shortfalls on the matters that ``who`` may see, and of the firm's float, each with what is to replenish
    now. Of several incidents of one ledger the first stands for all."""
    found: dict[tuple[int, int], TrustIncident] = {}
    for row in open_incidents(who):
        found.setdefault((row.bank_account_id, row.matter_id or 0), row)
    return [(row, int(row.due_cents)) for row in found.values()]


# The firm's view


@dataclass(frozen=True, slots=True)
class Books:
    """A trust bank account: what is at the bank and at gateways, and whose it is. ``clients`` by client, matter and
    cents; together with the firm's float they are what is there."""

    bank_account: BankAccount
    bank_cents: int
    clearing_cents: int
    float_cents: int
    clients: Sequence[tuple[Client, Matter, int]]
    hidden_cents: int

    @property
    def ledgers_cents(self) -> int:
        return sum(cents for _, _, cents in self.clients) + self.hidden_cents

    @property
    def book_cents(self) -> int:
        return self.bank_cents + self.clearing_cents


def books_of(who: FirmUser, account: BankAccount) -> Books:
    """One trust account as it stands now; matters that ``who`` may not see are one sum."""
    codes = {row.account_code: row.part for row in TrustBook.select().where(TrustBook.bank_account == account.id)}
    last = TrustDay.select(TrustDay.account_code, TrustDay.matter_id, fn.MAX(TrustDay.day).alias("day"))
    last = last.where(TrustDay.account_code.in_(list(codes))).group_by(TrustDay.account_code, TrustDay.matter_id)
    last = last.alias("last")
    is_last = (TrustDay.account_code == last.c.account_code) & (TrustDay.matter_id == last.c.matter_id)
    query = TrustDay.select(TrustDay.account_code, TrustDay.matter_id, TrustDay.balance_cents)
    rows = list(query.join(last, on=is_last & (TrustDay.day == last.c.day)).tuples()) if codes else []
    sums = {"bank": 0, "clearing": 0, "ledger": 0, "float": 0}
    by_matter: dict[int, int] = {}
    for code, matter_id, cents in rows:
        sums[codes[code]] += sum_of(cents)
        if codes[code] == "ledger" and sum_of(cents):
            by_matter[matter_id] = -sum_of(cents)
    seen = matters.among(who, list(by_matter))
    shown = sorted(seen.values(), key=lambda row: (str(row.client.name).lower(), str(row.number)))
    clients = [(row.client, row, by_matter[row.id]) for row in shown]
    hidden = sum(by_matter.values()) - sum(cents for _, _, cents in clients)
    return Books(account, sums["bank"], sums["clearing"], -sums["float"], clients, hidden)


def own_lines(account: BankAccount, limit: int = 50) -> list[Line]:
    """The newest movements of the firm's float and the bank's charges, with the float after each."""
    code = ledger.firm_float(account.id)
    query = (
        JournalEntry.select(JournalEntry, fn.SUM(Posting.amount_cents).alias("cents"))
        .join(Posting)
        .where(Posting.account == code)
        .group_by(JournalEntry.id)
        .order_by(JournalEntry.occurred_on, JournalEntry.id)
    )
    return _lines(list(query), 0)[-limit:]


def on_invoice(invoice_id: int) -> list[TrustMovement]:
    """What was paid on an invoice from trust, and taken back again, the oldest first; with bank accounts."""
    return _on_invoice(invoice_id)


@prepared
def _on_invoice(invoice_id: Any) -> ModelSelect:
    query = TrustMovement.select(TrustMovement, BankAccount).join(BankAccount)
    return query.where(TrustMovement.invoice_id == invoice_id).order_by(TrustMovement.id)


def net_of(rows: Sequence[TrustMovement]) -> int:
    """What these payments of an invoice from trust come to, in cents, without those that were taken back."""
    return sum(row.amount_cents if row.kind == "application" else -row.amount_cents for row in rows)


def problems() -> list[str]:
    """What the books of trust do not agree on, recomputed from the postings alone: nothing, or the program is wrong.

    Per bank account, ledgers and float against bank and clearing (T01); every ledger on every day (T02); the kept days
    against the postings (T22)."""
    days: dict[tuple[str, int], dict[dt.date, int]] = {}
    parts = {row.account_code: (row.bank_account_id, row.part) for row in TrustBook.select()}
    query = Posting.select(Posting.account, Posting.matter, Posting.amount_cents, JournalEntry.occurred_on).join(
        JournalEntry
    )
    for code, matter_id, cents, day in query.where(Posting.account.in_(list(parts))).tuples():
        place = days.setdefault((code, matter_id or 0 if parts[code][1] == "ledger" else 0), {})
        place[day] = place.get(day, 0) + int(cents)
    found, sums = [], dict.fromkeys((account for account, _ in parts.values()), 0)
    for (code, matter_id), changes in sorted(days.items()):
        running = 0
        for day in sorted(changes):
            running += changes[day]
            if balances.balance_on(code, matter_id, day) != running:
                found.append(f"{code} of matter {matter_id} on {day}: kept {balances.balance_on(code, matter_id, day)}")
        sums[parts[code][0]] += running
    found += [f"trust account {account}: {cents} too much" for account, cents in sums.items() if cents]
    return found
