"""The audit trail: appended with its fact, chained, never changed; on both databases."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from peewee import DatabaseError

from portal_app import clock, db
from portal_app.db import transaction
from portal_app.domain import audit, firms
from portal_app.domain.audit import AuditEntry, AuditPurge, Origin, Pending, Search
from portal_app.domain.errors import Refused
from portal_app.domain.outbox import Outbox
from tests.world import World


def rows(action: str = "") -> list[AuditEntry]:
    query = AuditEntry.select().order_by(AuditEntry.id)
    return list(query.where(AuditEntry.action == action) if action else query)


def test_an_entry_comes_with_its_fact_or_not_at_all(world: World) -> None:
    with audit.expect(Pending("rename_firm", world.carol, "Firm", "firm:1")):
        firms.change(name="Another Name")
        firms.change(name="A Third Name")
    [row] = rows("rename_firm")
    assert (row.firm_user_id, row.subject_ref) == (world.carol.id, "firm:1"), "one for what one request did"

    def refused() -> None:
        with transaction():
            firms.change(name="Never")
            raise Refused("No.")

    with audit.expect(Pending("refused", world.carol)), pytest.raises(Refused):
        refused()
    with audit.expect(Pending("only_counted", world.carol)), transaction(is_aside=True):
        pass
    firms.change(name="By nobody")
    assert [row.action for row in rows()] == ["rename_firm"]


def test_what_is_compared_is_seen_inside_the_transaction(world: World) -> None:
    pending = Pending("rename_firm", world.carol)
    pending.compare = lambda: ({"name": "old"}, {"name": firms.Firm.get_by_id(1).name})
    with audit.expect(pending):
        firms.change(name="New Name")
    assert rows()[0].changes == [("name", "old", "New Name")]


def test_secrets_and_forged_lines_never_come_in(world: World) -> None:
    audit.come_from(lambda: Origin("192.0.2.1", "Mozilla\r\nX: y\x00" + "z" * 500))
    sent = {
        "password": "three grey herons", "csrf_token": "abc", "settings": "sk_live_1", "name": "a\nb", "long": "x" * 999
    }  # fmt: skip
    row = audit.record("save", by=world.dan, subject="Doc\u2028ument\n" + "y" * 200, after=sent)
    audit.come_from(lambda: audit.MACHINE)
    kept = json.loads(row.after)
    assert "herons" not in row.after
    assert "sk_live" not in row.after
    assert kept["name"] == "a b"
    assert len(kept["long"]) == 200
    assert "\n" not in row.subject + row.device
    assert (len(row.subject), len(row.device), row.address) == (120, 120, "192.0.2.1")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET subject = 'x'",
        "DELETE FROM audit_entry",
        """INSERT INTO audit_purge (matter_id, up_to, hash, count, purged_at) SELECT 0, 9, hash, 1, happened_at
        FROM audit_entry WHERE sequence = 1; DELETE FROM audit_entry WHERE sequence = 2""",
    ],
)
def test_the_database_refuses_changes_and_the_last_one_is_never_purged(world: World, statement: str) -> None:
    for _ in range(2):
        audit.record("did", by=world.dan)
    *before, wrong = statement.split(";")
    for part in before:
        db.db.execute_sql(part)
    with pytest.raises(DatabaseError):
        db.db.execute_sql(wrong)


def test_nothing_can_be_put_beside_the_chain(world: World) -> None:
    first = audit.record("did", by=world.dan)
    forged = AuditEntry(**{**first.__data__, "id": None, "sequence": 3, "hash": "1" * 64})
    with pytest.raises(DatabaseError), transaction():
        forged.save(force_insert=True)
    again = AuditEntry(**{**first.__data__, "id": None, "sequence": 1, "hash": "2" * 64})
    with pytest.raises(DatabaseError), transaction():
        again.save(force_insert=True)


def test_chains_are_proved_and_the_first_wrong_entry_is_named(world: World) -> None:
    for number in range(3):
        audit.record("did", by=world.dan, matter_id=number % 2, after={"n": number})
    assert list(audit.faults()) == []
    row = rows()[0]
    row.after = '{"n":"7"}'
    assert audit.digest(row) != row.hash
    for name in ("audit_entry_no_update",):
        db.db.execute_sql(f"DROP TRIGGER {name}" + ("" if db.is_sqlite() else " ON audit_entry"))
    AuditEntry.update(after='{"n":"7"}').where(AuditEntry.id == row.id).execute()
    assert list(audit.faults()) == [f"Audit entry {row.id} (chain 0, number 1) was changed."]


def test_many_at_once_make_one_chain(world: World) -> None:
    def work(number: int) -> None:
        audit.record("did", by=world.dan, matter_id=number % 2)
        db.db.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    assert [row.sequence for row in rows() if row.matter_id == 0] == list(range(1, 9))
    assert list(audit.faults()) == []


def test_what_is_old_is_let_go_of_and_the_rest_still_holds(world: World) -> None:
    for _ in range(3):
        audit.record("did", by=world.dan)
    now = clock.now()
    assert audit.purge(now - dt.timedelta(days=1)) == 0
    assert audit.purge(now + dt.timedelta(days=1)) == 2, "the last one of a chain stays, for the next to follow"
    assert audit.purge(now - dt.timedelta(days=1)) == 0
    audit.record("did", by=world.dan)
    assert [(row.sequence, row.action) for row in rows()] == [(3, "did"), (4, "purge_records"), (5, "did")]
    assert AuditPurge.get().count == 2
    assert list(audit.faults()) == []


def test_it_is_searched(world: World) -> None:
    audit.record("share_document", by=world.carol, subject="Engagement letter", subject_ref="document:1")
    audit.record("download", by=world.alice, subject="Engagement letter", subject_ref="document:1")
    audit.record("purge", after={"count": 7})

    def found(**wanted: Any) -> list[str]:
        return [row.action for row in audit.find(Search(**wanted), 10)]

    assert found() == ["purge", "download", "share_document"]
    assert found(text="engagement LETTER") == ["download", "share_document"]
    assert found(person=f"firm:{world.carol.id}") == ["share_document"]
    assert found(person=f"portal:{world.alice.id}") == ["download"]
    assert found(person="machine") == ["purge"]
    assert found(person="firm:٣") == []
    assert found(action="download") == ["download"]
    assert found(since=clock.now().date() + dt.timedelta(days=1)) == []
    assert found(until=clock.now().date()) == found()
    assert found(before_id=rows()[1].id) == ["share_document"]
    assert [row.action for row in audit.about(["document:1"])] == ["download", "share_document"]


def test_alarms_go_out(world: World) -> None:
    audit.record("rename_document", by=world.dan)
    assert not Outbox.select().where(Outbox.topic == "audit_alert").exists()
    audit.record("save_gateway", by=world.carol)
    assert Outbox.select().where(Outbox.topic == "audit_alert").count() == 1
