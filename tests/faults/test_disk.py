"""A disk that is full or dying: what was not safely written was not taken, and everything else goes on."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import resource
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import clock, worker
from portal_app.config import Config
from portal_app.db import transaction
from portal_app.domain import documents, invoices, store
from portal_app.domain.documents import DocumentVersion
from portal_app.domain.outbox import Outbox
from portal_app.web import paper
from tests.world import World, today

As = Callable[[Any], FlaskClient]
MEGABYTE = 1024 * 1024


@contextlib.contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The operating system itself refuses to write on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fail(_handle: int) -> None:
    raise OSError(5, "Input/output error")


def stored_files(settings: Config) -> set[str]:
    folder = settings.data_dir / "documents"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("megabytes", [4, 14])
def test_a_file_that_the_disk_does_not_take_leaves_nothing_behind(
    world: World, settings: Config, megabytes: int
) -> None:
    before, count = stored_files(settings), len(documents.for_matter(world.matter))
    small, large = [b"x" * 1000], [b"y" * MEGABYTE] * megabytes
    with no_file_larger_than(2 * MEGABYTE), pytest.raises(store.NotKept, match="disk may be full"):
        documents.add_all(
            world.matter, [("a.txt", small), ("b.bin", large)], limit_bytes=20 * MEGABYTE, by=world.carol
        )  # fmt: skip
    assert stored_files(settings) == before
    assert len(documents.for_matter(world.matter)) == count
    documents.add_all(world.matter, [("b.bin", large)], limit_bytes=20 * MEGABYTE, by=world.carol)


def test_a_large_file_goes_to_the_disk_as_it_comes(world: World, settings: Config) -> None:
    folder = settings.data_dir / "documents"
    written = []

    def chunks() -> Iterator[bytes]:
        before = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        for number in range(40):
            yield b"z" * MEGABYTE
            now = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            written.append((number + 1) * MEGABYTE - (now - before))

    documents.add_all(world.matter, [("a.bin", chunks())], limit_bytes=50 * MEGABYTE, by=world.carol)
    assert max(written) < 20 * MEGABYTE, "so much of it was held in memory"


def test_a_file_that_turns_out_too_large_leaves_nothing_behind(world: World, settings: Config) -> None:
    before = stored_files(settings)
    with pytest.raises(store.TooLarge):
        documents.add_all(
            world.matter, [("a.bin", [b"z" * MEGABYTE] * 14)], limit_bytes=12 * MEGABYTE, by=world.carol
        )  # fmt: skip
    assert stored_files(settings) == before


def test_a_sync_that_fails_is_a_file_that_was_not_taken(world: World, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, path = as_(world.carol), f"/firm/matters/{world.matter.id}/documents"
    count = DocumentVersion.select().count()
    with monkeypatch.context() as patch:
        patch.setattr("portal_app.domain.store.os.fsync", fail)
        for address, name in ((path, "files"), (f"{path}/{world.document.id}/versions", "file")):
            answer = browser.post(address, data={name: (io.BytesIO(b"Dear client"), "Letter.txt")})
            assert answer.status_code == 422
            assert "its disk may be full" in answer.text
    assert DocumentVersion.select().count() == count
    assert browser.post(path, data={"files": (io.BytesIO(b"Dear client"), "Letter.txt")}).status_code == 303


def test_an_invoices_paper_comes_when_there_is_room_again(
    world: World, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "invoice_pdf", lambda *_: b"%PDF-1.7\n")
    with transaction():
        Outbox.delete().execute()
    with clock.frozen(clock.now()) as advance:
        with monkeypatch.context() as patch:
            patch.setattr("portal_app.domain.store.os.fsync", fail)
            issued = invoices.issue(world.draft, issued_on=today(), due_on=today(), by=world.carol)
            worker.turn()
            page = as_(world.alice).get(f"/portal/invoices/{issued.public_id}")
            assert page.status_code == 200
            assert documents.latest_versions([issued.document]) == {}
        advance(dt.timedelta(minutes=1))
        worker.turn()
    assert documents.latest_versions([issued.document])
