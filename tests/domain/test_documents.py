"""Documents: bytes in and out, limits, names, versions, sharing that ends at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal_app.domain import documents, sharing, store
from portal_app.domain.documents import Document, DocumentShare, DocumentVersion
from portal_app.domain.errors import Refused
from portal_app.domain.people import PortalUser
from tests.world import World


def seen_by(who: PortalUser) -> set[str]:
    return {row.name for row in documents.visible_to(who).where(Document.kind == "file")}


def test_bytes_come_back_whole_in_versions(world: World) -> None:
    body = bytes(range(256)) * 5_000
    document = documents.add(
        world.matter, name="photo.bin", chunks=[body[:700_000], body[700_000:]], limit_bytes=2_000_000, by=world.carol
    )
    second = documents.add_version(document, [b"%PDF-1.7\n"], limit_bytes=100, by=world.dan)
    first = documents.versions_of(document)[-1]
    assert b"".join(documents.stream(first)) == body
    assert (first.size_bytes, first.number, second.number, second.media_type) == (1_280_000, 1, 2, "application/pdf")
    assert documents.latest_versions([document])[document.id] == second
    for version in (first, second):  # the name that it came with is nowhere in the store
        assert re.fullmatch(r"documents/[0-9a-f]{32}", version.storage_key)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("Letter.pdf", b"MZ\x90\x00 a program"),
        ("Letter.PDF", b"<html><script>alert(1)</script>"),
        ("Photo.png", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"),
        ("Photo.jpeg", b"%PDF-1.7\n"),
        ("x/../Photo.gif", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ],
)
def test_a_name_that_promises_what_the_content_is_not_is_refused(world: World, name: str, body: bytes) -> None:
    before = (Document.select().count(), DocumentVersion.select().count())
    with pytest.raises(Refused, match="content is something else"):
        documents.add(world.matter, name=name, chunks=[body], limit_bytes=1000, by=world.carol)
    files = [("Fine.txt", [b"Words"]), (name, [body])]
    with pytest.raises(Refused, match="content is something else"):
        documents.add_all(world.matter, files, limit_bytes=1000, by=world.carol, key="k")
    with pytest.raises(Refused, match="content is something else"):
        documents.rename(world.document, name="Words.pdf", folder="")
    assert (Document.select().count(), DocumentVersion.select().count()) == before
    honest = documents.add(world.matter, name="Words.pdf", chunks=[b"%PDF-1.7\n"], limit_bytes=1000, by=world.carol)
    with pytest.raises(Refused, match="content is something else"):
        documents.add_version(honest, [b"PK\x03\x04"], limit_bytes=1000, by=world.carol)


def test_too_large_a_file_is_refused_and_nothing_is_kept(world: World) -> None:
    before = (Document.select().count(), DocumentVersion.select().count())

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 1000

    with pytest.raises(store.TooLarge):
        documents.add(world.matter, name="big", chunks=endless(), limit_bytes=100_000, by=world.carol)
    assert (Document.select().count(), DocumentVersion.select().count()) == before


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\letter.pdf", "letter.pdf"),
        ("a\x00b\r\nc.txt", "abc.txt"),
        ("  many   spaces .txt", "many spaces .txt"),
        ("", "Untitled"),
        ("...", "Untitled"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("x" * 500 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_names_are_made_fit_to_be_shown(typed: str, clean: str) -> None:
    assert documents.clean_name(typed) == clean


@given(some.text(max_size=300))
def test_no_name_breaks_the_rules(typed: str) -> None:
    name = documents.clean_name(typed)
    assert 0 < len(name) <= documents.NAME_MAX
    assert "/" not in name
    assert "\\" not in name
    assert name.isprintable() or not any(ord(sign) < 32 for sign in name)


def test_sharing_is_a_list_of_people_and_ends_at_once(world: World) -> None:
    assert seen_by(world.alice) == {"Engagement letter.txt"}
    documents.share(world.document, [world.alice, world.frank], by=world.dan)
    documents.share(world.document, [world.alice, world.frank], by=world.dan)
    assert DocumentShare.select().where(DocumentShare.item == world.document).count() == 2
    share = sharing.shares_of(DocumentShare, [world.document])[world.document.id][0]
    documents.mark_downloaded(share)
    documents.share(world.document, [world.frank], by=world.dan)
    assert seen_by(world.alice) == set()
    ended = DocumentShare.get_by_id(share.id)
    assert ended.ended_by == world.dan
    assert ended.first_downloaded_at is not None, "what was seen stays a fact"
    documents.share(world.document, [world.alice], by=world.dan)
    assert seen_by(world.alice) == {"Engagement letter.txt"}
    assert seen_by(world.frank) == set()


def test_removing_takes_it_from_everyone_but_an_invoice_stays(world: World) -> None:
    documents.remove(world.document, by=world.carol)
    assert seen_by(world.alice) == set()
    paper = Document.get_by_id(world.invoice.document_id)
    with pytest.raises(Refused, match="stays"):
        documents.remove(paper, by=world.carol)
