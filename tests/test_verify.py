"""`portal verify` finds what the walls were meant to keep out: each fault is planted with the walls taken down."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from portal_app import config, db, gateways
from portal_app.cli import main
from portal_app.domain import ledger, payments
from portal_app.domain.documents import DocumentVersion
from portal_app.domain.payments import Order, Payment, void_invoice
from portal_app.plugin_api import BillingAddress, Flow, Fund, Method
from portal_app.verify import verify
from tests.conftest import Engine
from tests.deposits import ask, open_trust
from tests.world import World, today

ADDRESS = BillingAddress(name="A", address1="B", city="C", state="IL", postal_code="62704")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def paid(world: World) -> Payment:
    """Alice has paid part of what she owes; Bob's invoice is void."""
    order = Order(key="k", amount_cents=70_000, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=ADDRESS)
    payment = gateways.charge(payments.start(world.alice, world.gateway, order), "ok")
    assert payment.state == "succeeded"
    void_invoice(world.bobs_invoice, reason="test", on=today(), by=world.carol)
    return payment


def tear_down_the_walls() -> None:
    """What somebody with the file in hand can do."""
    if db.is_sqlite():
        for (name,) in db.db.execute_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.db.execute_sql(f"DROP TRIGGER {name}")
        db.db.execute_sql("PRAGMA foreign_keys = 0")
    else:
        db.db.execute_sql("SET session_replication_role = replica")


def plant(sql: str) -> None:
    tear_down_the_walls()
    db.db.execute_sql(sql)


def test_honest_books_hold(paid: Payment) -> None:
    report = verify(with_documents=True)
    assert report.faults == []
    assert report.counts["payments"] == 1
    assert report.counts["journal entries"] == 5
    assert report.summary().startswith("The books hold: 5 journal entries")


def test_unfinished_and_freed_payments_are_no_fault(world: World) -> None:
    for key, token in (("a", "unknown"), ("b", "declined"), ("c", "pending")):
        order = Order(key=key, amount_cents=10_000, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=ADDRESS)
        gateways.charge(payments.start(world.alice, world.gateway, order), token)
    assert verify().faults == []


FAULTS: dict[str, tuple[str, str]] = {
    "a posting": (
        "UPDATE posting SET amount_cents = amount_cents + 1 WHERE id = 1",
        "Journal entry 1 does not balance: operating postings sum to 0.01 USD.",
    ),
    "a posting and its counterpart": (
        "UPDATE posting SET amount_cents = amount_cents * 2 WHERE entry_id = 1",
        "The running total of account receivable",
    ),
    "a leg gone": ("DELETE FROM posting WHERE id = 1", "Journal entry 1 was written with 3 postings and has 2."),
    "a running total": (
        "UPDATE running_total SET balance_cents = balance_cents - 100 WHERE account_code = 'receivable'",
        "but its postings sum to",
    ),
    "a seal gone": ("DELETE FROM journal_seal WHERE entry_id = 2", "Journal entry 2 has no seal."),
    "an entry gone": ("DELETE FROM journal_entry WHERE id = 2", "Journal entry 2 is sealed, and is gone."),
    "an invoice's total": (
        "UPDATE invoice SET total_cents = total_cents + 500 WHERE id = 1",
        "is over 1,245.00, but 1,240.00 was posted as owed.",
    ),
    "an invoice's line": (
        "UPDATE invoice_line SET amount_cents = amount_cents - 500 WHERE invoice_id = 1",
        "but its lines sum to",
    ),
    "a payment's amount": (
        "UPDATE payment SET amount_cents = 60000",
        "Payment 1 is over 600.00, but its journal entry",
    ),
    "a payment called paid": (
        "UPDATE journal_entry SET source = 'payment:9:paid' WHERE code = 'portal_payment'",
        "Payment 1 succeeded, but is in no journal entry.",
    ),
    "an entry without its payment": (
        "UPDATE payment SET state = 'declined'",
        "says “Paid from portal” (payment:1:paid), but there is no such succeeded payment.",
    ),
    "an allocation": ("UPDATE allocation SET amount_cents = amount_cents - 1", "of it is set against what it is for."),
    "an attempt": ("UPDATE attempt SET state = 'unknown'", "but its attempt at the gateway is unknown."),
    "a reversal": (
        "UPDATE journal_entry SET reverses_id = 1 WHERE reverses_id IS NOT NULL",
        "is not the exact opposite of entry 1, which it reverses.",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named(paid: Payment, fault: str) -> None:
    sql, says = FAULTS[fault]
    plant(sql)
    faults = verify().faults
    assert any(says in sentence for sentence in faults), faults


DEPOSIT_FAULTS: dict[str, tuple[str, str]] = {
    "another matter's ledger": (
        "UPDATE posting SET matter_id = {other} WHERE SUBSTR(account_code, 1, 6) = 'trust:'",
        "comes to 500.00, but 0.00 of it is on its client's trust ledger.",
    ),
    "another fund": ("UPDATE payment SET fund = 'operating'", "is operating money, but is booked on"),
    "an invoice's allocation": ("UPDATE allocation SET deposit_id = NULL, invoice_id = 1", "but is not for a deposit."),
    "more than was asked for": (
        "UPDATE deposit_request SET amount_cents = 49999",
        "asks for 499.99, but payments hold",
    ),
    "what the gateway holds": (
        "UPDATE posting SET amount_cents = amount_cents - 100 WHERE account_code = 'clearing:fake:trust'",
        "The gateway fake took 500.00 of trust money that did not go back, but 499.00 of it was posted",
    ),
    "a stranger in clearing": (
        "UPDATE journal_entry SET source = 'other:1' WHERE SUBSTR(source, 1, 8) = 'gateway:'",
        "The clearing account of trust money at the gateway fake stands at 300.00, but its payments, fees and payouts",
    ),
}


@pytest.mark.parametrize("fault", DEPOSIT_FAULTS)
def test_a_planted_fault_of_a_deposit_is_named(world: World, fault: str) -> None:
    bank = open_trust(world)
    ask(world, bank, 50_000)
    order = Order(
        key="deposit", amount_cents=50_000, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=ADDRESS,
        fund=Fund.TRUST,
    )  # fmt: skip
    gateways.charge(payments.start(world.alice, world.gateway, order), "ok")
    ledger.post(
        "trust_payout", [ledger.Leg(f"bank:{bank.id}", 20_000), ledger.Leg("clearing:fake:trust", -20_000)],
        source=f"gateway:{world.gateway.id}:payout:x", occurred_on=today(), description="Out", currency="USD",
    )  # fmt: skip
    assert verify().faults == []
    sql, says = DEPOSIT_FAULTS[fault]
    plant(sql.replace("{other}", str(world.bobs_matter.id)))
    faults = verify().faults
    assert any(says in sentence for sentence in faults), faults


def test_a_balance_reserved_twice_is_named(world: World) -> None:
    for key, cents in (("a", 100_000), ("b", 80_000)):
        order = Order(key=key, amount_cents=cents, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=ADDRESS)
        payments.start(world.alice, world.gateway, order)
    plant("UPDATE allocation SET amount_cents = amount_cents + 50000 WHERE payment_id = 1")
    assert any("but unfinished payments hold" in sentence for sentence in verify().faults)


@pytest.mark.parametrize("ruin", ["change", "lose"])
def test_a_document_that_changed_or_went_is_named(world: World, settings: config.Config, ruin: str) -> None:
    version = DocumentVersion.select().first()
    path = settings.data_dir / "documents" / version.storage_key
    action: Callable[[], object] = path.unlink if ruin == "lose" else lambda: path.write_bytes(b"Dear clients")
    action()
    assert verify().faults == []
    (fault,) = verify(with_documents=True).faults
    assert fault.startswith(f"Version 1 of document {version.document_id}")


def test_the_command_exits_with_1_on_a_fault(paid: Payment, settings: config.Config) -> None:
    honest = run_verify(settings)
    assert honest.exit_code == 0
    assert json.loads(honest.output)["holds"] is True
    plant("DELETE FROM journal_seal WHERE entry_id = 1")
    faulty = run_verify(settings)
    assert faulty.exit_code == 1
    assert json.loads(faulty.output)["faults"] == ["Journal entry 1 has no seal."]


def run_verify(settings: config.Config) -> Result:
    environment = {"PORTAL_DATABASE": settings.database, "PORTAL_SECRET_KEY": settings.secret_key}
    db.db.close()
    return CliRunner().invoke(main, ["verify", "--json", "--data", settings.data], env=environment)


def test_it_says_what_stands_on_each_account(world: World) -> None:
    report = verify()
    assert report.balances["receivable"] == 244_000
    assert sum(report.balances.values()) == 0
    assert report.as_dict()["balances_cents"] == report.balances
