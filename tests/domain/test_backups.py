"""A backup is whole, proves itself, and gives everything back; what is not whole gives nothing back."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from portal_app import backups, config, db, schema, verify
from portal_app.backups import writing
from portal_app.config import Config
from portal_app.domain import people, store
from portal_app.domain.errors import Refused
from portal_app.domain.people import Client
from portal_app.domain.store import put_bytes
from tests.conftest import Engine
from tests.world import World


@pytest.fixture
def elsewhere(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """Settings of an empty place that is the same kind of database."""
    data = tmp_path_factory.mktemp("back") / "data"
    url = engine.cluster.create("restored") if engine.cluster else ""
    yield config.load({}, data=str(data), database=url)
    db.db.close()
    if engine.cluster:
        engine.cluster.drop("restored")


@pytest.fixture
def archive(world: World, settings: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("archive") / "portal.tar"
    backups.write(settings, file)
    return file


def use(settings: Config) -> None:
    config.use(settings)
    db.db.close()
    db.open_database(settings.database_url)
    store.open_store(settings.data_dir / "documents")


def rows() -> dict[str, list[Any]]:
    names = [name for name in db.db.get_tables() if not name.startswith("sqlite_")]
    return {name: sorted(map(repr, db.rows_of(f'SELECT * FROM "{name}"'))) for name in names}


def rewritten(archive: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """The archive with each of its files as ``change`` wants it."""
    target = archive.with_name("changed.tar")
    with tarfile.open(archive) as old, tarfile.open(target, "w") as new:
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            kept = change(member.name, file.read())
            if kept is not None:
                info = tarfile.TarInfo(kept[0])
                info.size = len(kept[1])
                new.addfile(info, io.BytesIO(kept[1]))
    return target


def a_document(archive: Path) -> str:
    with tarfile.open(archive) as tar:
        return next(name for name in tar.getnames() if name.startswith("documents/"))


def test_everything_comes_back(world: World, archive: Path, elsewhere: Config) -> None:
    before, kept = rows(), dict(store.every())
    assert kept
    told = backups.restore(elsewhere, archive)
    assert told.firm == "Quillfeather & Larkspur LLP"
    use(elsewhere)
    assert rows() == before
    assert dict(store.every()) == kept
    assert verify.verify(with_documents=True).faults == []
    assert not schema.pending()
    db.self_test()
    assert {path.name for path in elsewhere.data_dir.iterdir()} <= {
        "documents", "portal.sqlite3", "portal.sqlite3-wal", "portal.sqlite3-shm"
    }  # fmt: skip


def test_only_its_owner_reads_it_and_what_comes_back(archive: Path, elsewhere: Config) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600
    backups.restore(elsewhere, archive)
    assert elsewhere.data_dir.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in elsewhere.data_dir.rglob("*") if path.is_file())


def test_the_key_is_not_in_it_and_comes_back_beside_it(
    world: World, settings: Config, elsewhere: Config, tmp_path: Path
) -> None:
    key = config.secret_key(settings)
    target = tmp_path / "with.tar"
    backups.write(settings, target)
    assert key.encode() not in target.read_bytes()
    backups.restore(elsewhere, target, key)
    assert config.secret_keys(elsewhere) == (key,)


def test_settings_and_plugins_files_come_along(
    world: World, settings: Config, elsewhere: Config, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (settings.data_dir / "portal.toml").write_text("upload_limit_mb = 7\n")
    home = settings.data_dir / "plugins" / "fake"
    home.mkdir(parents=True)
    (home / "notes.txt").write_text("kept")
    (home / "notes.txt-wal").write_text("not a file of its own")
    target = tmp_path_factory.mktemp("archive") / "portal.tar"
    backups.write(settings, target)
    backups.restore(elsewhere, target)
    assert (elsewhere.data_dir / "portal.toml").read_text() == "upload_limit_mb = 7\n"
    assert (elsewhere.data_dir / "plugins" / "fake" / "notes.txt").read_text() == "kept"
    assert not (elsewhere.data_dir / "plugins" / "fake" / "notes.txt-wal").exists()


def test_the_key_is_not_in_its_settings_either(world: World, settings: Config, tmp_path: Path) -> None:
    file, target = settings.data_dir / "portal.toml", tmp_path / "b.tar"
    file.write_text('upload_limit_mb = 7\nsecret_key = "planted-planted-planted-planted-1"\nport = 81\n')
    backups.write(settings, target)
    with tarfile.open(target) as tar:
        found = tar.extractfile("portal.toml")
        assert found is not None
        assert found.read() == b"upload_limit_mb = 7\nport = 81\n"
    assert b"planted" not in target.read_bytes()
    file.write_text('secret_key = """\nplanted-planted-planted-planted-1"""\n')
    with pytest.raises(Refused, match="on one line of its own"):
        backups.write(settings, tmp_path / "c.tar")
    assert not (tmp_path / "c.tar").exists()


def test_what_is_written_meanwhile_is_whole_or_not_there(
    world: World, settings: Config, elsewhere: Config, tmp_path: Path
) -> None:
    stop, made = Event(), []

    def write() -> None:
        while not stop.is_set():
            with db.transaction():
                for part in ("one", "two"):
                    people.add_client(kind="person", name=f"Pair {part}", created_by=world.carol)
            made.append(True)
        db.db.close()

    writer = Thread(target=write)
    writer.start()
    try:
        while len(made) < 2:
            time.sleep(0.001)
        for number in range(3):
            backups.write(settings, tmp_path / f"{number}.tar")
    finally:
        stop.set()
        writer.join()
    backups.restore(elsewhere, tmp_path / "2.tar")
    use(elsewhere)
    counts = [Client.select().where(Client.name == f"Pair {part}").count() for part in ("one", "two")]
    assert counts[0] == counts[1] >= 2
    assert verify.verify(with_documents=True).faults == []


def test_a_document_that_goes_meanwhile_is_left_out(
    world: World, settings: Config, elsewhere: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = put_bytes([b"to be thrown away"], limit_bytes=100).key
    listed = list(store.every())
    store.discard([gone])
    monkeypatch.setattr(store, "every", lambda: iter(listed))
    backups.write(settings, tmp_path / "b.tar")
    backups.restore(elsewhere, tmp_path / "b.tar")
    assert not (elsewhere.data_dir / "documents" / gone).exists()


def test_nothing_takes_the_place_of_anything(world: World, settings: Config, archive: Path, elsewhere: Config) -> None:
    before = archive.read_bytes()
    with pytest.raises(Refused, match="already"):
        backups.write(settings, archive)
    assert archive.read_bytes() == before
    elsewhere.data_dir.mkdir()
    (elsewhere.data_dir / "something").write_text("here")
    with pytest.raises(Refused, match="empty folder"):
        backups.restore(elsewhere, archive)
    with pytest.raises(Refused, match="already"):
        backups.restore(dataclasses.replace(settings, data=str(elsewhere.data_dir / "new")), archive)
    assert Client.select().count() > 0


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 1])
def test_a_part_of_one_gives_nothing_back(archive: Path, elsewhere: Config, share: float) -> None:
    with tarfile.open(archive) as tar:
        end = tar.getmember(backups.SUMS).offset
    archive.write_bytes(archive.read_bytes()[: int(end * share)])
    for act in (lambda: backups.check(archive), lambda: backups.restore(elsewhere, archive)):
        with pytest.raises(Refused, match=r"end is missing|no backup"):
            act()
    assert not elsewhere.data_dir.exists()
    assert list(elsewhere.data_dir.parent.iterdir()) == []


def test_what_was_changed_added_or_taken_out_is_named(archive: Path, elsewhere: Config) -> None:
    victim = a_document(archive)
    flipped = rewritten(archive, lambda name, data: (name, data[:-1] + b"?" if name == victim else data))
    with pytest.raises(Refused, match=f"damaged: '{victim}'"):
        backups.restore(elsewhere, flipped)
    lacking = rewritten(archive, lambda name, data: None if name == victim else (name, data))
    with pytest.raises(Refused, match=f"'{victim}' was taken out"):
        backups.restore(elsewhere, lacking)
    extra = archive.with_name("extra.tar")
    with tarfile.open(archive) as old, tarfile.open(extra, "w") as new:
        for member in old:
            if member.name == backups.SUMS:
                info = tarfile.TarInfo("documents/new")
                info.size = 3
                new.addfile(info, io.BytesIO(b"new"))
            new.addfile(member, old.extractfile(member))
    with pytest.raises(Refused, match="'documents/new' was added"):
        backups.restore(elsewhere, extra)
    assert not elsewhere.data_dir.exists()


@pytest.mark.parametrize(
    "name", ["../outside", "documents/../../outside", "/tmp/outside", "documents//x", "secret_key", "documents", "a/b"]
)
def test_nothing_is_written_beside_the_folder(archive: Path, elsewhere: Config, name: str) -> None:
    victim = a_document(archive)
    changed = rewritten(archive, lambda was, data: (name, data) if was == victim else (was, data))
    with pytest.raises(Refused, match="does not belong there"):
        backups.restore(elsewhere, changed)
    assert list(elsewhere.data_dir.parent.iterdir()) == []


def test_a_link_is_no_file(archive: Path, elsewhere: Config) -> None:
    changed = archive.with_name("link.tar")
    with tarfile.open(archive) as old, tarfile.open(changed, "w") as new:
        for member in old:
            if member.name.startswith("documents/"):
                member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0
                new.addfile(member)
            else:
                new.addfile(member, old.extractfile(member))
    with pytest.raises(Refused, match="does not belong there"):
        backups.restore(elsewhere, changed)


def test_a_newer_version_is_not_read_by_this_one(archive: Path) -> None:
    def newer(name: str, data: bytes) -> tuple[str, bytes]:
        if name == backups.HEAD:
            head = json.loads(data)
            head["migrations"].append("9999_of_tomorrow")
            data = json.dumps(head).encode()
        return name, data

    with pytest.raises(Refused, match="knows more than this one"):
        backups.check(rewritten(archive, newer))


@pytest.mark.parametrize("text", [b"", b"not a tar", b"\0" * 10240, b"PK\x03\x04" * 400])
def test_what_is_no_backup_is_said_to_be_none(archive: Path, elsewhere: Config, text: bytes) -> None:
    archive.write_bytes(text)
    with pytest.raises(Refused, match=r"no backup|no whole backup"):
        backups.restore(elsewhere, archive)
    assert not elsewhere.data_dir.exists()


def test_an_empty_folder_that_is_there_is_filled(archive: Path, elsewhere: Config) -> None:
    """It may be a disk of its own, that cannot be replaced."""
    elsewhere.data_dir.mkdir(mode=0o755)
    inode = elsewhere.data_dir.stat().st_ino
    backups.restore(elsewhere, archive)
    assert elsewhere.data_dir.stat().st_ino == inode
    assert not [path for path in elsewhere.data_dir.iterdir() if path.name.startswith(".")]


def test_a_disk_that_is_full_leaves_nothing(
    world: World, settings: Config, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_archive: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing._Archive, "finish", full)
    folder = tmp_path_factory.mktemp("full")
    with pytest.raises(Refused, match="No space left on device"):
        backups.write(settings, folder / "portal.tar")
    assert list(folder.iterdir()) == []


def test_a_database_of_another_kind_or_that_is_not_there_is_refused(
    engine: Engine, archive: Path, elsewhere: Config
) -> None:
    other = "" if engine.cluster else "postgresql://nobody@127.0.0.1:9/none"
    said = "This is a backup of a PostgreSQL database" if engine.cluster else "cannot be opened: connection failed"
    with pytest.raises(Refused, match=said):
        backups.restore(dataclasses.replace(elsewhere, database=other), archive)
    assert not elsewhere.data_dir.exists()
