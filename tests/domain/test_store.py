"""The two kinds of places in which bytes lie keep the same promises."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal_app.config import BadSetting
from portal_app.domain import store
from portal_app.domain.store import Folder, ObjectStore, Store

KEY = "documents/0123"


@pytest.fixture(params=["folder", "object store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Folder(tmp_path / "not" / "there") if request.param == "folder" else ObjectStore("memory:///")


def test_what_was_put_is_there_until_it_is_deleted(place: Store) -> None:
    large = [b"a" * store.CHUNK_BYTES, b"b" * 7]
    place.put(KEY, iter(large))
    place.put("documents/4567", iter([b"another"]))
    assert b"".join(place.get(KEY)) == b"".join(large)
    assert max(len(chunk) for chunk in place.get(KEY)) < 2 * store.CHUNK_BYTES
    place.delete(KEY)
    with pytest.raises(FileNotFoundError):
        place.get(KEY)
    assert b"".join(place.get("documents/4567")) == b"another"


def test_nothing_is_there_of_what_did_not_come_to_its_end(place: Store) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a beginning"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        place.put(KEY, chunks())
    with pytest.raises(FileNotFoundError):
        place.get(KEY)


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []
    file = tmp_path / KEY

    def note(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").resolve()
        seen.append((path.name, file.exists()))

    monkeypatch.setattr("portal_app.domain.store.os.fsync", note)
    Folder(tmp_path).put(KEY, iter([b"text"]))
    assert seen == [("0123.part", False), ("documents", True), (tmp_path.name, True)]


def test_an_object_store_without_its_package_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(BadSetting, match=r"matter-portal\[s3\]"):
        store.open_store("s3://bucket/prefix")
