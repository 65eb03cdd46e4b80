"""Files are held until the malware scanner lets them through; a small clamd answers on a socket of this test's own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import pytest
from flask.testing import FlaskClient

from portal_app import config, worker
from portal_app.domain import clamd, documents, outbox, shared_files
from portal_app.domain.documents import Document, DocumentVersion, Held
from portal_app.domain.mail import Email
from portal_app.domain.outbox import Outbox
from tests.world import World

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Daemon(threading.Thread):
    """Speaks PING and INSTREAM; ``answer`` overrides what it says of a file."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.server.getsockname()[1]}"
        self.answer: bytes | None = None

    def run(self) -> None:
        while True:
            try:
                link, _ = self.server.accept()
            except OSError:
                return
            with link, link.makefile("rb") as file:
                command = b""
                while not command.endswith(b"\0"):
                    command += file.read(1)
                link.sendall(b"PONG\0" if command == b"zPING\0" else self._judge(self._body(file)))

    @staticmethod
    def _body(file: BinaryIO) -> bytes:
        body = b""
        while size := int.from_bytes(file.read(4), "big"):
            body += file.read(size)
        return body

    def _judge(self, body: bytes) -> bytes:
        return self.answer or (b"stream: Eicar-Signature FOUND\0" if EICAR in body else b"stream: OK\0")


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    found = Daemon()
    found.start()
    yield found
    found.server.shutdown(socket.SHUT_RDWR)
    found.server.close()
    found.join(5)


@pytest.fixture
def scanned(daemon: Daemon, world: World, settings: config.Config) -> Daemon:
    config.use(replace(settings, clamd=daemon.address))
    return daemon


def add(world: World, body: bytes) -> Document:
    found = documents.add(world.matter, name="Letter.txt", chunks=[body], limit_bytes=10_000, by=world.dan)
    documents.share(found, [world.alice], by=world.carol)
    return found


def version_of(document: Document) -> DocumentVersion:
    return documents.latest_versions([document])[document.id]


def letters(kind: str) -> set[str]:
    return {row.to_address for row in Email.select().where(Email.kind == kind)}


def work() -> None:
    while worker.turn():
        pass


def test_a_clean_file_waits_until_it_was_looked_through(world: World, scanned: Daemon) -> None:
    work()
    before = Email.select().where(Email.kind == "document_shared").count()
    document = add(world, b"Dear client,\n")
    with pytest.raises(Held):
        documents.stream(version_of(document))
    work()
    assert version_of(document).scan == "clean"
    assert b"".join(documents.stream(version_of(document))) == b"Dear client,\n"
    assert Email.select().where(Email.kind == "document_shared").count() == before + 1, "told once, and after it"


def test_an_infected_file_is_never_opened_and_is_told_of(world: World, scanned: Daemon) -> None:
    work()
    before = Email.select().where(Email.kind == "document_shared").count()
    document = add(world, b"text before " + EICAR)
    work()
    version = version_of(document)
    assert (version.scan, version.scan_found) == ("infected", "Eicar-Signature")
    with pytest.raises(Held) as problem:
        documents.stream(version)
    assert problem.value.is_infected
    assert letters("infected") == {"carol@example.com", "dan@example.com"}
    assert Email.select().where(Email.kind == "document_shared").count() == before
    documents.add_version(document, [b"Clean now\n"], limit_bytes=10_000, by=world.dan)
    work()
    assert b"".join(documents.stream(version_of(document))) == b"Clean now\n"
    assert Email.select().where(Email.kind == "document_shared").count() == before + 1


def test_while_a_newer_version_is_held_the_one_before_is_still_theirs(
    world: World, as_: Callable[[Any], FlaskClient], scanned: Daemon
) -> None:
    document = add(world, b"The first\n")
    work()
    documents.add_version(document, [b"The second, much longer\n"], limit_bytes=10_000, by=world.dan)
    alice, here = as_(world.alice), f"/portal/documents/{document.public_id}"
    for _ in ("waiting", "infected"):
        assert alice.get(f"{here}/file").data == b"The first\n"
        page = alice.get(here).text
        assert "A newer version has not been let through" in page
        assert "Version 1, of" in page
        assert f'href="{here}/file"' in alice.get("/portal/documents").text
        [row] = shared_files.of(world.alice, limit=1)
        assert row.version == 1
        DocumentVersion.update(scan="infected").where(DocumentVersion.number == 2).execute()
    DocumentVersion.update(scan="waiting").where(DocumentVersion.number == 2).execute()
    work()
    assert alice.get(f"{here}/file").data == b"The second, much longer\n"
    assert "A newer version" not in alice.get(here).text


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b"\0", b"stream: what?\0"])
def test_no_clear_answer_is_no_clean_file(world: World, scanned: Daemon, answer: bytes) -> None:
    scanned.answer = answer
    version = version_of(add(world, b"Dear client,\n"))
    work()
    row = Outbox.get((Outbox.topic == "document_scan") & (Outbox.subject_id == version.id))
    assert (row.done_at, row.last_error[:8]) == (None, "NoAnswer")
    assert DocumentVersion.get_by_id(version.id).scan == "waiting"
    assert outbox.troubles() == 1


def test_a_scanner_that_is_not_there_holds_files(world: World, settings: config.Config) -> None:
    config.use(replace(settings, clamd="/nowhere/clamd.ctl"))
    version = version_of(add(world, b"Dear client,\n"))
    work()
    assert DocumentVersion.get_by_id(version.id).is_held
    assert "No such file" in clamd.problem("/nowhere/clamd.ctl")
    config.use(settings)  # the firm does without it again
    Outbox.update(run_at=Outbox.created_at).where(Outbox.topic == "document_scan").execute()
    work()
    assert not DocumentVersion.get_by_id(version.id).is_held


def test_the_daemon_is_asked_whether_it_is_there(daemon: Daemon) -> None:
    assert clamd.problem(daemon.address) == ""


@pytest.mark.parametrize("raw", ["clamd", "127.0.0.1:", "127.0.0.1:99999", ":3310", "127.0.0.1:٣٣١٠"])
def test_an_address_that_cannot_be_is_named(raw: str) -> None:
    with pytest.raises(config.BadSetting, match="clamd"):
        config.load({}, clamd=raw)
