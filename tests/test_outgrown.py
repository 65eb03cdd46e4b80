"""A portal that outgrows SQLite goes on in PostgreSQL: the same rows, the same rules, and nothing in between."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from peewee import IntegrityError

from portal_app import backups, config, db, gateways, schema, verify
from portal_app.backups import moving
from portal_app.config import Config
from portal_app.domain import matters, payments, store
from portal_app.domain.errors import Refused
from portal_app.domain.ledger import JournalEntry
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client
from tests.conftest import Engine
from tests.domain.test_backups import rewritten, use
from tests.domain.test_payments import order
from tests.world import World, today

STRUCTURE = (
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2""",
    "SELECT tgrelid::regclass::text, tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
)


@pytest.fixture
def roomy(postgresql_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """Settings of an empty place that names an empty PostgreSQL database."""
    cluster = postgresql_engine.cluster
    assert cluster is not None
    url = cluster.create("outgrown")
    yield config.load({}, data=str(tmp_path_factory.mktemp("roomy") / "data"), database=url)
    db.db.close()
    cluster.drop("outgrown")


@pytest.fixture
def full(roomy: Config, world: World) -> World:
    """A firm on SQLite with some history, also of rows that are gone."""
    gateways.charge(payments.start(world.alice, world.gateway, order(50_000, "before")), "ok")
    gateways.charge(payments.start(world.alice, world.gateway, order(1_000, "on its way")), "pending")
    matters.change(world.matter, name="Quoted \\ 'name'\tover\ntwo lines \u201c\N{SNOWMAN}\u201d \\N")
    gone = Client.create(kind="person", name="Gone", email="", created_at=world.matter.opened_on)
    gone.delete_instance()
    return world


def backup(settings: Config, folder: Path) -> Path:
    target = folder / "outgrown.tar"
    backups.write(settings, target)
    return target


def rows() -> dict[str, list[str]]:
    """Every row of every table, as SQLite would have it."""

    def plain(value: Any) -> Any:
        return int(value) if isinstance(value, bool) else str(value) if isinstance(value, dt.date) else value

    found = {}
    for table in db.db.get_tables():
        if not table.startswith("sqlite_"):
            names = sorted(f'"{column.name}"' for column in db.db.get_columns(table))
            query = f'SELECT {", ".join(names)} FROM "{table}"'
            found[table] = sorted(repr([plain(value) for value in row]) for row in db.rows_of(query))
    return found


def test_every_row_is_there_and_every_sum_is_proved(
    full: World, settings: Config, roomy: Config, tmp_path: Path
) -> None:
    before, kept = rows(), dict(store.every())
    assert len(before["posting"]) > 4
    assert len(before) > 80
    told = backups.restore(roomy, backup(settings, tmp_path))
    assert told.database == "sqlite"
    use(roomy)
    assert not db.is_sqlite()
    assert rows() == before
    assert dict(store.every()) == kept
    assert verify.verify(with_documents=True).faults == []
    assert {path.name for path in roomy.data_dir.iterdir()} == {"documents"}


def test_the_database_is_as_one_that_was_always_there(
    full: World, settings: Config, roomy: Config, tmp_path: Path, postgresql_engine: Engine
) -> None:
    cluster = postgresql_engine.cluster
    assert cluster is not None
    backups.restore(roomy, backup(settings, tmp_path))
    use(roomy)
    moved = [db.rows_of(query) for query in STRUCTURE]
    db.db.close()
    db.open_database(cluster.create("fresh"))
    try:
        schema.migrate()
        assert [db.rows_of(query) for query in STRUCTURE] == moved
    finally:
        db.db.close()
        cluster.drop("fresh")


def test_the_work_goes_on(full: World, settings: Config, roomy: Config, tmp_path: Path) -> None:
    """No number is given out twice, also not one that is gone; and what the database refuses is refused."""
    last = Client.select().order_by(Client.id.desc()).get().id
    entries = JournalEntry.select().order_by(JournalEntry.id.desc()).get().id
    backups.restore(roomy, backup(settings, tmp_path), config.secret_key(settings))
    use(roomy)
    db.self_test()
    new = Client.create(kind="person", name="New", email="", created_at=full.matter.opened_on)
    assert new.id == last + 2
    matters.open_matter(number="M-new", name="New", client=new, opened_on=today(), by=full.carol)
    gateways.charge(payments.start(full.alice, full.gateway, order(2_000, "after")), "ok")
    assert JournalEntry.select().order_by(JournalEntry.id.desc()).get().id == entries + 1
    assert verify.verify().faults == []
    with pytest.raises(IntegrityError, match="append-only"):
        JournalEntry.update(description="changed").execute()


def test_an_older_backup_is_brought_up_first(full: World, settings: Config, roomy: Config, tmp_path: Path) -> None:
    schema.revert()
    assert schema.pending()
    backups.restore(roomy, backup(settings, tmp_path))
    use(roomy)
    assert not schema.pending()
    assert verify.verify().faults == []


def test_a_database_that_is_not_empty_is_left_as_it_is(
    world: World, settings: Config, roomy: Config, tmp_path: Path
) -> None:
    archive = backup(settings, tmp_path)
    db.db.close()
    db.open_database(roomy.database_url)
    db.run("CREATE TABLE something (name TEXT)")
    with pytest.raises(Refused, match="There is something in this PostgreSQL database already"):
        backups.restore(roomy, archive)
    assert db.rows_of("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("something",)]
    assert not roomy.data_dir.exists()


def planted(archive: Path, statement: str) -> Path:
    """The archive with a database in which somebody has done this, and its sums as they should be."""
    copy = archive.with_name("planted.sqlite3")

    def change(name: str, data: bytes) -> tuple[str, bytes]:
        if name == "portal.sqlite3":
            copy.write_bytes(data)
            with closing(sqlite3.connect(copy)) as connection:
                connection.execute(statement)
                connection.commit()
            return name, copy.read_bytes()
        if name == backups.SUMS:
            was, digest = "  portal.sqlite3", sha256(copy.read_bytes()).hexdigest()
            lines = data.decode().splitlines(keepends=True)
            return name, "".join(f"{digest}{was}\n" if line.endswith(f"{was}\n") else line for line in lines).encode()
        return name, data

    return rewritten(archive, change)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE matter SET name = 'a' || char(0) || 'b'", "NUL"),
        ("UPDATE matter SET opened_on = 'soon'", "Invalid isoformat string"),
        ("UPDATE matter SET client_id = 999999", "violates foreign key constraint"),
        ("CREATE TABLE theirs (name TEXT)", "none of the portal's .theirs."),
        ("ALTER TABLE matter ADD COLUMN theirs TEXT", "the table matter has other columns"),
    ],
)
def test_what_does_not_fit_leaves_nothing(
    world: World, settings: Config, roomy: Config, tmp_path: Path, statement: str, said: str
) -> None:
    archive = planted(backup(settings, tmp_path), statement)
    with pytest.raises(Refused, match=f"The database was not moved: .*{said}.* Nothing was put into PostgreSQL"):
        backups.restore(roomy, archive)
    use(roomy)
    assert db.rows_of("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []
    assert not [path for path in roomy.data_dir.rglob("*") if path.is_file()]


def test_a_row_that_arrives_as_another_is_found(
    world: World, settings: Config, roomy: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add: Callable[..., Any] = moving._Sum.add
    seen: list[Any] = []

    def lies(self: moving._Sum, row: tuple[Any, ...]) -> None:
        seen.append(row)
        add(self, (*row, "another") if len(seen) == 1 else row)

    monkeypatch.setattr(moving._Sum, "add", lies)
    with pytest.raises(Refused, match="did not arrive as it was"):
        backups.restore(roomy, backup(settings, tmp_path))


def test_rows_in_any_order_are_the_same_rows() -> None:
    def total(*rows: tuple[Any, ...]) -> moving._Sum:
        found = moving._Sum()
        for row in rows:
            found.add(row)
        return found

    assert total((1, "a"), (2, "b")) == total((2, "b"), (1, "a"))
    assert total((1, "a"), (2, "b")) != total((1, "b"), (2, "a"))
    assert total((1, "a")) != total((1, "a"), (1, "a"))
    assert total((1,)) != total((True,))
    assert total((None,)) != total(("None",))


def test_back_to_sqlite_leads_nothing(world: World, settings: Config, roomy: Config, tmp_path: Path) -> None:
    backups.restore(roomy, backup(settings, tmp_path))
    use(roomy)
    (tmp_path / "again").mkdir()
    archive = backup(roomy, tmp_path / "again")
    with pytest.raises(Refused, match="This is a backup of a PostgreSQL database"):
        backups.restore(config.load({}, data=str(tmp_path / "third")), archive)
    assert Matter.select().exists()
