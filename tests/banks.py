"""A trust account with clients' money in it and the bank's statements about it: what reconciliation tests stand on."""

from __future__ import annotations

import datetime as dt
import itertools

from portal_app import clock
from portal_app.domain import ledger, reconciliations, statements, trust
from portal_app.domain.banks import BankAccount
from portal_app.domain.ledger import JournalEntry, Leg, Posting
from portal_app.domain.matters import Matter
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
    """The world's trust account, with its books."""
    account = BankAccount.get(BankAccount.fund == "trust")
    trust.open_books(account)
    return account


def operating_account() -> BankAccount:
    account = BankAccount.get(BankAccount.fund == "operating")
    trust.open_operating(account)
    return account


def deposit(
    world: World, on: str, cents: int, *, reference: str = "", at: str = "", matter: Matter | None = None
) -> None:
    """A client's money comes into trust, by wire; ``at``: the gateway that has it."""
    trust.receive(
        matter or world.matter, trust_account(), amount_cents=cents, received_on=day(on), payer="Alice Vasquez",
        purpose="Advance on fees", method="wire", reference=reference, at=at, by=world.erin,
    )  # fmt: skip


def draw(world: World, on: str, cents: int, *, reference: str = "") -> None:
    """Authorised by dan, paid by erin with a check."""
    with clock.frozen(dt.datetime.combine(day(on), dt.time(18))):
        word = trust.authorise(
            world.matter, trust_account(), kind="disbursement", amount_cents=cents, payee="Sample County Court",
            purpose="Filing fee", by=world.dan,
        )  # fmt: skip
        trust.pay_out(word, on=day(on), method="check", by=world.erin, reference=reference)


def payout(on: str, cents: int, fund: str = "operating") -> JournalEntry:
    """The gateway pays out to the bank account of a fund."""
    account = operating_account() if fund == "operating" else trust_account()
    source = "clearing:fake" if fund == "operating" else trust.open_clearing("fake", account, "Taken by Fake for trust")
    ledger.open_account(source, name="Fake", kind="asset", fund=fund)
    return ledger.post(
        "gateway_costs" if fund == "operating" else "trust_payout",
        [Leg(f"bank:{account.id}", cents), Leg(source, -cents)], occurred_on=day(on), currency="USD",
        description="Paid out to the bank", source=f"test:{next(_numbers)}",
    )  # fmt: skip


def table(*rows: str) -> bytes:
    """``03-17 | Deposit | 100.00 | 1042`` and so on, as a bank's table."""
    lines = [",".join(cell.strip() for cell in row.split("|")) for row in rows]
    return (HEAD + "".join(f"2026-{line}\n" for line in lines)).encode()


def upload(account: BankAccount, body: bytes, name: str = "statement.csv", key: str | None = None) -> BankStatement:
    return statements.upload(account, name=name, chunks=[body], by=None, key=key)


def bring(
    account: BankAccount, *rows: str, closing: int, opening: int | None = None, starts_on: dt.date | None = None,
    ends_on: dt.date | None = None,
) -> BankStatement:  # fmt: skip
    """Import a statement of these lines."""
    found = upload(account, table(*rows))
    statements.import_statement(
        found, MAPPING, opening_cents=opening, closing_cents=closing, starts_on=starts_on, ends_on=ends_on
    )
    return statements.find(found.id)


def accept(statement: BankStatement) -> int:
    """Match every line with what is suggested for it."""
    return reconciliations.accept_all(statement, [row.id for row in statements.lines_of(statement)], by=None)


def march(world: World) -> BankStatement:
    """A month that ties: a deposit of 500.00, a check of 120.00 cleared, one of 30.00 outstanding, 75.00 in transit."""
    account = trust_account()
    deposit(world, "03-03", 50_000)
    draw(world, "03-10", 12_000, reference="1042")
    draw(world, "03-28", 3_000, reference="1043")
    deposit(world, "03-31", 7_500)
    found = bring(
        account, "03-04 | Deposit | 500.00 |", "03-12 | Check | -120.00 | 1042", closing=38_000,
        starts_on=day("03-01"), ends_on=MARCH,
    )  # fmt: skip
    assert accept(found) == 2
    return found


def posting_of(account: BankAccount, cents: int) -> Posting:
    """The one posting of this amount on the account's bank ledger."""
    return Posting.get((Posting.account == f"bank:{account.id}") & (Posting.amount_cents == cents))


def ladder(world: World) -> dict[str, int]:
    """What the parameters of the bank's routes stand for: an open statement, its line, a closed reconciliation."""
    closed = reconciliations.close(march(world), by=world.erin)
    later = bring(trust_account(), "04-03 | Check | -30.00 | 1043", "04-05 | Fee | -1.00 |", closing=34_900)
    line = statements.lines_of(later)[0]
    return {"statement_id": later.id, "line_id": line.id, "reconciliation_id": closed.id}
