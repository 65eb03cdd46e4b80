"""Races, with real threads and real commits, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from portal_app import clock, db, gateways
from portal_app.domain import (
    calendar,
    deposits,
    documents,
    invoices,
    ledger,
    matters,
    payments,
    people,
    timekeeping,
    trust,
)
from portal_app.domain.documents import Document
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import JournalEntry
from portal_app.domain.payments import Payment
from portal_app.domain.payments.banks import TAKEN
from portal_app.plugin_api import Fund
from tests.deposits import ask, open_trust
from tests.domain.test_payments import order
from tests.fake_gateway import FakeGateway
from tests.world import World, today

THREADS = 8


def at_once(work: Callable[[int], object]) -> list[object]:
    """Run ``work(0)`` to ``work(7)`` at the same moment, each on its own connection; results or refusals."""
    barrier = Barrier(THREADS)

    def one(number: int) -> object:
        db.connect()
        barrier.wait()
        try:
            return work(number)
        except Refused as problem:
            return problem
        finally:
            db.db.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def test_eight_threads_with_one_key_make_one_entry(world: World, gateway: FakeGateway) -> None:
    def press(_number: int) -> object:
        return gateways.charge(payments.start(world.alice, world.gateway, order(50_000, "one")), "ok").id

    ids = at_once(press)

    assert len(set(map(str, ids))) == 1
    assert len(gateway.charges) == 1
    assert JournalEntry.select().where(JournalEntry.code == "portal_payment").count() == 1
    assert ledger.account_balance("clearing:fake") == 50_000


def test_of_eight_keys_for_the_whole_balance_one_is_accepted(world: World, gateway: FakeGateway) -> None:
    def press(number: int) -> object:
        return gateways.charge(payments.start(world.alice, world.gateway, order(204_000, f"key-{number}")), "ok").state

    results = at_once(press)

    assert results.count("succeeded") == 1
    assert sum(isinstance(result, Refused) for result in results) == THREADS - 1
    assert len(gateway.charges) == 1
    assert ledger.matter_balances([world.matter]).get(world.matter.id, 0) == 0
    assert Payment.select().count() == 1


def test_eight_tabs_cannot_together_exceed_a_deposit_request(world: World, gateway: FakeGateway) -> None:
    bank = open_trust(world)
    request = ask(world, bank, 100_000)

    def press(number: int) -> object:
        wanted = order(30_000, f"tab-{number}", fund=Fund.TRUST)
        return gateways.charge(payments.start(world.alice, world.gateway, wanted), "ok").state

    results = at_once(press)

    assert results.count("succeeded") == 3
    assert sum(isinstance(result, Refused) for result in results) == THREADS - 3
    assert len(gateway.charges) == 3
    assert trust.balance(world.matter, bank) == 90_000
    assert payments.find_deposit_for(world.alice, request.public_id).balance_cents == 10_000


def test_eight_threads_with_one_key_make_one_deposit(world: World, gateway: FakeGateway) -> None:
    bank = open_trust(world)
    ask(world, bank, 100_000)

    def press(_number: int) -> object:
        wanted = order(50_000, "one", fund=Fund.TRUST)
        return gateways.charge(payments.start(world.alice, world.gateway, wanted), "ok").id

    assert len(set(map(str, at_once(press)))) == 1
    assert len(gateway.charges) == 1
    assert trust.balance(world.matter, bank) == 50_000


def test_eight_refunds_at_once_give_a_deposit_back_once(world: World, gateway: FakeGateway) -> None:
    bank = open_trust(world)
    ask(world, bank, 50_000)
    paid = gateways.charge(payments.start(world.alice, world.gateway, order(50_000, fund=Fund.TRUST)), "ok")
    receipt = trust.receipt_of(f"payment:{paid.id}:paid")
    assert receipt is not None
    trust.clear(receipt, on=today(), note="Settled")

    def press(number: int) -> object:
        refund = payments.start_refund(
            paid, amount_cents=50_000, expected_left_cents=50_000, is_owed_again=True, reason="", key=f"r-{number}",
            by=world.carol,
        )  # fmt: skip
        return gateways.refund(refund).state

    assert at_once(press).count("succeeded") == 1
    assert trust.balance(world.matter, bank) == 0


def test_eight_workers_ask_once_for_a_retainer_that_is_low(world: World) -> None:
    bank = open_trust(world)
    deposits.keep_filled(
        world.matter, threshold_cents=1_000, target_cents=5_000, terms_days=5, bank_account_id=bank.id, by=world.carol
    )
    made = at_once(lambda _number: len(payments.fill_up()))
    assert sorted(map(str, made)) == ["0"] * (THREADS - 1) + ["1"]


def test_eight_answers_to_one_attempt_are_booked_once(world: World, gateway: FakeGateway) -> None:
    payment = gateways.charge(payments.start(world.alice, world.gateway, order(50_000)), "lost")
    attempt = gateways.attempt_of(payment)
    at_once(lambda _number: payments.settle(attempt.id, gateway.succeeded(attempt.reference)).state)
    assert ledger.account_balance("clearing:fake") == 50_000
    assert payments.changes_of(payment)[-1].state == "succeeded"
    assert [row.state for row in payments.changes_of(payment)].count("succeeded") == 1


def test_workers_do_not_ask_about_the_same_attempt_at_once(world: World) -> None:
    payment = gateways.charge(payments.start(world.alice, world.gateway, order(50_000)), "unknown")
    attempt = gateways.attempt_of(payment)
    assert at_once(lambda _number: payments.claim(attempt)).count(True) == 1


def test_writers_on_one_series_get_different_numbers(world: World) -> None:
    def bill(_number: int) -> object:
        item = timekeeping.record(
            world.matter, kind="flat_fee", timekeeper=world.dan, worked_on=today(), description="Fee",
            rate_cents=10_000, by=world.dan,
        )  # fmt: skip
        draft = invoices.draft(world.matter, [item.id], by=world.dan)
        return invoices.issue(draft, issued_on=today(), due_on=today(), by=world.dan).number

    numbers = at_once(bill)
    assert len(set(map(str, numbers))) == THREADS


def test_one_form_pressed_eight_times_at_once_keeps_one_draft(world: World) -> None:
    items = [row.id for row in timekeeping.unbilled(world.matter)]
    before = Invoice.select().count()
    ids = at_once(lambda _number: invoices.draft(world.matter, items, by=world.carol, public_id="one-form").id)
    assert len(set(map(str, ids))) == 1
    assert Invoice.select().count() == before + 1
    assert len(invoices.lines_of(Invoice.get_by_id(ids[0]))) == len(items)


def test_one_form_pressed_eight_times_at_once_makes_one_of_each(world: World) -> None:
    start = clock.now()
    presses: dict[str, Callable[[int], Any]] = {
        "work": lambda _number: timekeeping.record(
            world.matter, kind="flat_fee", timekeeper=world.dan, worked_on=today(), description="Fee", rate_cents=1,
            by=world.dan, key="one-form",
        ),
        "client": lambda _number: people.add_client(kind="person", name="Idris", key="one-form"),
        "matter": lambda _number: matters.open_matter(
            number="", name="Lease", client=world.client, opened_on=today(), by=world.dan, key="one-form"
        ),
        "numbered": lambda _number: matters.open_matter(
            number="X-1", name="Lease", client=world.client, opened_on=today(), by=world.dan, key="other-form"
        ),
        "event": lambda _number: calendar.add(
            world.matter, title="Call", starts_at=start, time_zone="UTC", by=world.dan, key="one-form"
        ),
    }  # fmt: skip
    for noun, press in presses.items():
        rows = at_once(press)
        assert len({getattr(row, "id", str(row)) for row in rows}) == 1, noun


def test_one_name_pressed_eight_times_at_once_is_one_bank_account(world: World) -> None:
    added = at_once(lambda _number: payments.add_bank_account(name="Reserve", fund="trust", last4=""))
    assert sorted(str(row) for row in added if isinstance(row, Refused)) == [TAKEN] * (THREADS - 1)
    accounts = payments.bank_accounts("operating") + [
        payments.add_bank_account(name=f"Spare {number}", fund="operating", last4="") for number in range(THREADS - 1)
    ]
    renamed = at_once(
        lambda number: payments.change_bank_account(accounts[number], name="Fees", fund="operating", last4="")
    )
    assert [str(row) for row in renamed if row is not None] == [TAKEN] * (THREADS - 1)
    assert sorted(row.name for row in payments.bank_accounts()).count("Fees") == 1


def test_one_upload_pressed_eight_times_at_once_adds_one_document(world: World) -> None:
    before = Document.select().count()
    at_once(
        lambda _number: documents.add_all(
            world.matter, [("a.txt", [b"a"]), ("b.txt", [b"b"])], limit_bytes=9, by=world.dan, key="one-form"
        )
    )
    assert Document.select().count() == before + 2
    again = at_once(lambda _number: documents.add_version(world.document, [b"new"], limit_bytes=9, by=world.dan).number)
    assert again == [2] * THREADS
