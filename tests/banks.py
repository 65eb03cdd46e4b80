"""A trust account with clients' money in it and the bank's statements about it: what reconciliation tests stand on."""

from __future__ import annotations

import datetime as dt
import itertools

from portal_app.domain import ledger, reconciliations, statements
from portal_app.domain.ledger import JournalEntry, Leg, Posting
from portal_app.domain.payments import BankAccount
from portal_app.domain.statements import BankStatement, Mapping
from tests.world import World

_numbers = itertools.count(1)
HEAD = "Date,Description,Amount,Check Number\n"
MAPPING = Mapping(order="ymd", reference=3)
MARCH = dt.date(2026, 3, 31)
APRIL = dt.date(2026, 4, 30)


def day(text: str) -> dt.date:
    """03-17: that day of 2026."""
    return dt.date.fromisoformat(f"2026-{text}")


def trust_account() -> BankAccount:
    """The world's trust account, its three ledgers opened."""
    account = BankAccount.get(BankAccount.fund == "trust")
    for code, kind in (("bank", "asset"), ("trust", "liability"), ("float", "equity")):
        ledger.open_account(f"{code}:{account.id}", name=f"{account.name}, {code}", kind=kind, fund="trust")
    ledger.open_account("clearing:fake:trust", name="Taken by Fake for trust", kind="asset", fund="trust")
    return account


def operating_account() -> BankAccount:
    account = BankAccount.get(BankAccount.fund == "operating")
    ledger.open_account(f"bank:{account.id}", name=account.name, kind="asset", fund="operating")
    return account


def book(on: str, text: str, *legs: tuple[str, int, int | None]) -> JournalEntry:
    """Post an entry: account, cents, matter for each leg."""
    return ledger.post(
        "gateway_costs", [Leg(code, cents, matter) for code, cents, matter in legs], occurred_on=day(on),
        description=text, source=f"test:{next(_numbers)}", currency="USD",
    )  # fmt: skip


def deposit(world: World, on: str, cents: int, text: str = "Deposit", *, through: str = "bank") -> JournalEntry:
    """Alice's money comes into trust; ``through``: at the bank, or at the gateway."""
    account = trust_account()
    where = f"bank:{account.id}" if through == "bank" else "clearing:fake:trust"
    return book(on, text, (where, cents, None), (f"trust:{account.id}", -cents, world.matter.id))


def draw(world: World, on: str, cents: int, text: str = "Check 1042") -> JournalEntry:
    account = trust_account()
    return book(on, text, (f"bank:{account.id}", -cents, None), (f"trust:{account.id}", cents, world.matter.id))


def bank_posting(entry: JournalEntry) -> Posting:
    return Posting.get((Posting.entry == entry.id) & Posting.account.startswith("bank:"))


def table(*rows: str) -> bytes:
    """``03-17 | Deposit | 100.00 | 1042`` and so on, as a bank's table."""
    lines = [",".join(cell.strip() for cell in row.split("|")) for row in rows]
    return (HEAD + "".join(f"2026-{line}\n" for line in lines)).encode()


def upload(account: BankAccount, body: bytes, name: str = "statement.csv", key: str | None = None) -> BankStatement:
    return statements.upload(account, name=name, chunks=[body], by=None, key=key)


def bring(
    account: BankAccount, *rows: str, closing: int, starts_on: dt.date | None = None, ends_on: dt.date | None = None
) -> BankStatement:
    """Import a statement of these lines."""
    found = upload(account, table(*rows))
    statements.import_statement(found, MAPPING, closing_cents=closing, starts_on=starts_on, ends_on=ends_on)
    return statements.find(found.id)


def accept(statement: BankStatement) -> int:
    """Match every line with what is suggested for it."""
    return reconciliations.accept_all(statement, [row.id for row in statements.lines_of(statement)], by=None)


def march(world: World) -> BankStatement:
    """A month that ties: a deposit of 500.00, a check of 120.00 cleared, one of 30.00 outstanding, 75.00 in transit."""
    account = trust_account()
    deposit(world, "03-03", 50_000)
    draw(world, "03-10", 12_000, "Check 1042")
    draw(world, "03-28", 3_000, "Check 1043")
    deposit(world, "03-31", 7_500, "Deposit of a check")
    found = bring(
        account, "03-04 | Deposit | 500.00 |", "03-12 | Check | -120.00 | 1042", closing=38_000,
        starts_on=day("03-01"), ends_on=MARCH,
    )  # fmt: skip
    assert accept(found) == 2
    return found
