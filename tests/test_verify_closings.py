"""`portal verify` and closed reconciliations: what was closed, what it stands on, and the printed report."""

from __future__ import annotations

import pytest

from portal_app.domain import reconciliations, store
from portal_app.domain.reconciliations import Reconciliation
from portal_app.verify import verify
from portal_app.web import paper
from tests.banks import march
from tests.test_verify import plant
from tests.world import World


@pytest.fixture
def closed(world: World) -> Reconciliation:
    made = reconciliations.close(march(world), by=world.erin)
    paper.store_reconciliation(made.id)
    return reconciliations.find(made.id)


def test_an_honest_closing_holds(closed: Reconciliation) -> None:
    report = verify(with_documents=True)
    assert report.faults == []
    assert report.counts["reconciliations"] == 1


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE reconciliation SET snapshot = REPLACE(snapshot, '42500', '42600')", "does not say any more"),
        (
            "UPDATE reconciliation SET in_transit_cents = 1, statement_cents = statement_cents + 7499",
            "its figures are not those of its report",
        ),
        ("UPDATE statement_line SET amount_cents = amount_cents + 1", "at the bank; its lines say 380.02 now"),
        ("DELETE FROM statement_line WHERE amount_cents < 0", "at the bank; its lines say 500.00 now"),
        ("UPDATE journal_entry SET occurred_on = '2026-04-02' WHERE occurred_on = '2026-03-31'", "now it is 350.00"),
    ],
)
def test_what_was_changed_behind_the_walls_is_found(closed: Reconciliation, sql: str, says: str) -> None:
    plant(sql)
    assert [fault for fault in verify().faults if says in fault]


def test_a_report_that_is_not_the_printed_one_is_found(closed: Reconciliation) -> None:
    plant("UPDATE reconciliation_report SET sha256 = 'x'")
    assert [fault for fault in verify(with_documents=True).faults if "has changed" in fault]
    store.discard([closed.report.storage_key, closed.statement.storage_key])
    assert [fault for fault in verify(with_documents=True).faults if "bank’s file of statement" in fault]
    assert [fault for fault in verify(with_documents=True).faults if "is not in the store" in fault]
