"""Races, with real threads and real commits, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from portal_app import clock, db, gateways
from portal_app.domain import calendar, documents, invoices, ledger, matters, payments, people, timekeeping
from portal_app.domain.documents import Document
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import JournalEntry
from portal_app.domain.payments import Payment
from portal_app.domain.payments.banks import TAKEN
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
