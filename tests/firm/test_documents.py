"""A matter's documents: adding, versions, names, bytes, and sharing them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from obstore.store import LocalStore

from portal_app import config, worker
from portal_app.domain import documents, invitations, matters, people, sharing
from portal_app.domain.documents import Document, DocumentShare
from portal_app.domain.outbox import Outbox
from tests.firm.pages import queries, without_token
from tests.world import ZONE, World

As = Callable[[Any], FlaskClient]
Files = list[tuple[io.BytesIO, str]]


def files(*names: str, body: bytes = b"Words\n") -> Files:
    return [(io.BytesIO(body), name) for name in names]


def home(world: World) -> str:
    return f"/firm/matters/{world.matter.id}/documents"


def mine(world: World) -> str:
    return f"{home(world)}/{world.document.id}"


def shared_with(world: World) -> set[int]:
    return {row.portal_user_id for row in sharing.shares_of(DocumentShare, [world.document]).get(world.document.id, [])}


def stored(settings: config.Config) -> int:
    return sum(len(batch) for batch in LocalStore(settings.data_dir / "documents").list())


def test_several_files_are_added_at_once_into_a_folder(world: World, as_: As) -> None:
    data = {"files": files("../../a.txt", "temp/b <i>.txt"), "folder": "  Discovery   one "}
    answer = as_(world.dan).post(home(world), data=data)
    assert (answer.status_code, answer.location) == (303, home(world))
    page = as_(world.carol).get(home(world)).text
    assert "2 files" in page
    assert "Discovery one" in page
    assert "b &lt;i&gt;.txt" in page
    added = Document.select().where(Document.folder == "Discovery one")
    assert {row.name for row in added} == {"a.txt", "b <i>.txt"}
    assert "Firm only" in page


def test_one_file_too_large_and_nothing_is_kept(
    world: World, as_: As, settings: config.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config.Config, "upload_limit_bytes", 1000)
    browser, before = as_(world.dan), (Document.select().count(), stored(settings))
    data = {"files": [*files("small.txt"), *files("large.txt", body=b"x" * 1001)], "folder": "Kept text"}
    answer = browser.post(home(world), data=data)
    assert answer.status_code == 422
    assert "Nothing was added." in answer.text
    assert 'value="Kept text"' in answer.text
    assert (Document.select().count(), stored(settings)) == before
    answer = browser.post(home(world), data=b"x" * 700_000, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 413
    assert "the most that can be added" in answer.text
    assert "Request Entity" not in answer.text, "words for people only"
    assert answer.text.count("Nothing was saved.") == 1
    assert (Document.select().count(), stored(settings)) == before


def test_the_limit_is_said_before(world: World, as_: As) -> None:
    assert "up to 50 MB" in as_(world.dan).get(home(world)).text


@pytest.mark.parametrize(
    ("data", "sentence"),
    [({}, "Choose at least one file."), ({"folder": "x" * 61, "files": None}, "Use at most 60 characters.")],
)
def test_a_form_without_files_is_refused(world: World, as_: As, data: dict[str, Any], sentence: str) -> None:
    if "files" in data:
        data = data | {"files": files("a.txt")}
    answer = as_(world.dan).post(home(world), data=data)
    assert (answer.status_code, sentence in answer.text) == (422, True)


def test_a_newer_version_stands_before_the_older(world: World, as_: As) -> None:
    browser = as_(world.dan)
    assert browser.post(f"{mine(world)}/versions", data={}).status_code == 422
    data = {"file": (io.BytesIO(b"Second\n"), "other name.txt")}
    assert browser.post(f"{mine(world)}/versions", data=data).location == mine(world)
    assert "Version 2, the newest" in browser.get(mine(world)).text
    newest = browser.get(f"{mine(world)}/file")
    assert (newest.data, newest.headers["Content-Disposition"]) == (
        b"Second\n",
        'attachment; filename="Engagement letter.txt"',
    )
    assert browser.get(f"{mine(world)}/file?version=1").data == b"Dear client,\n"
    for version in ("3", "one", "-1"):
        assert browser.get(f"{mine(world)}/file?version={version}").status_code == 404


def test_only_an_invoices_own_paper_is_shown_in_the_browser(world: World, as_: As) -> None:
    worker.turn()
    browser = as_(world.carol)
    paper = browser.get(f"{home(world)}/{world.invoice.document_id}/file?view=1")
    assert paper.headers["Content-Disposition"].startswith("inline")
    upload = browser.get(f"{mine(world)}/file?view=1")
    assert upload.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in upload.headers["Content-Security-Policy"]


def test_a_document_is_renamed_and_moved(world: World, as_: As) -> None:
    browser = as_(world.dan)
    wrong = browser.post(mine(world), data={"name": "y" * 121, "folder": "Old"})
    assert (wrong.status_code, "y" * 121 in wrong.text) == (422, True)
    assert browser.post(mine(world), data={"name": "Letter.txt", "folder": "Letters"}).location == home(world)
    document = world.refresh("document")
    assert (document.name, document.folder) == ("Letter.txt", "Letters")


def test_removing_takes_it_from_everybody(world: World, as_: As) -> None:
    browser = as_(world.dan)
    assert browser.post(f"{mine(world)}/remove").location == home(world)
    assert shared_with(world) == set()
    assert browser.get(mine(world)).status_code == 404
    assert browser.post(f"{mine(world)}/remove").status_code == 404


def test_an_invoices_paper_stays_as_it_is(world: World, as_: As) -> None:
    worker.turn()
    browser, url = as_(world.dan), f"{home(world)}/{world.invoice.document_id}"
    browser.post(f"{url}/remove")
    assert "stays with the matter" in browser.get(url).text
    assert browser.post(url, data={"name": "Other", "folder": ""}).status_code == 422
    assert browser.post(url, data={"name": f"Invoice {world.invoice.number}", "folder": "Bills"}).status_code == 303
    assert browser.post(f"{url}/versions", data={"file": files("a.pdf")[0]}).status_code == 422
    assert len(documents.versions_of(world.invoice.document)) == 1


def test_the_share_panel_opens_beside_its_row(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser, url = as_(world.dan), f"{mine(world)}/share"
    page = browser.get(url).text
    piece = browser.get(url, headers=htmx).text.split("<hx-partial")[0].strip()
    assert piece.startswith('<aside id="panel"')
    assert without_token(piece) in without_token(page)
    assert f'value="{world.alice.id}" checked' in piece
    assert f'value="{world.frank.id}">' in piece
    assert "Invitation pending, sees it on registering" in piece
    assert "Bob" not in piece
    assert 'class="picked"' in page


def test_sharing_makes_it_exactly_those_who_are_ticked(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser, url = as_(world.dan), f"{mine(world)}/share"
    told = Outbox.select().where(Outbox.topic == "document_shared")
    before = told.count()
    answer = browser.post(url, data={"people": [world.alice.id, world.frank.id]}, headers=htmx)
    assert "is shared with Alice Vasquez-Thornbury and Frank Okonkwo." in answer.text
    assert "Shared with 2, not seen" in answer.text
    assert shared_with(world) == {world.alice.id, world.frank.id}
    browser.post(url, data={"people": [world.alice.id, world.frank.id]})
    assert told.count() == before + 1
    sharing.mark_seen(sharing.shares_of(DocumentShare, [world.document])[world.document.id][:1])
    assert "Shared with 2, seen by 1" in browser.get(home(world)).text
    assert browser.post(url, data={"people": [world.frank.id]}).location == home(world)
    assert shared_with(world) == {world.frank.id}
    browser.post(url, data={"people": [world.frank.id], "stop": "1"})
    assert shared_with(world) == set()
    assert "Firm only" in browser.get(home(world)).text


def test_looking_for_somebody_else_keeps_the_ticks_and_shares_nothing(
    world: World, as_: As, htmx: dict[str, str]
) -> None:
    browser, url = as_(world.dan), f"{mine(world)}/share"
    piece = browser.post(url, data={"q": "bob", "find": "1", "people": [world.frank.id]}, headers=htmx).text
    assert f'value="{world.bob.id}">' in piece
    assert f'value="{world.frank.id}" checked' in piece
    assert f'value="{world.alice.id}">' in piece
    assert shared_with(world) == {world.alice.id}
    browser.post(url, data={"people": [world.bob.id]})
    assert shared_with(world) == {world.bob.id}
    odd = browser.post(url, data={"q": "bob", "find": "1", "people": ["nobody", world.frank.id]}, headers=htmx)
    assert odd.status_code == 200
    assert f'value="{world.frank.id}" checked' in odd.text


@pytest.mark.parametrize("typed", ["999999", "everybody", "-1"])
def test_somebody_unknown_is_refused(world: World, as_: As, typed: str) -> None:
    answer = as_(world.dan).post(f"{mine(world)}/share", data={"people": [str(world.frank.id), typed]})
    assert (answer.status_code, "Choose from the list." in answer.text) == (422, True)
    assert f'value="{world.frank.id}" checked' in answer.text
    assert shared_with(world) == {world.alice.id}


def test_each_standing_is_said(world: World, as_: As) -> None:
    invitations.disable(world.alice)
    invitations.revoke_invitations(world.frank)
    nobody = people.add_portal_user(email="new@example.com", name="New Person", time_zone=ZONE)
    matters.add_recipient(world.matter, nobody, by=world.carol)
    page = as_(world.dan).get(f"{mine(world)}/share").text
    for words in ("Disabled, cannot sign in", "Invitation revoked", "Not invited yet"):
        assert words in page


def test_others_documents_are_not_there(world: World, as_: As) -> None:
    browser = as_(world.carol)
    for path in ("", "/file", "/share"):
        assert browser.get(f"{home(world)}/{world.bobs_document.id}{path}").status_code == 404
    matters.set_access(world.matter, is_restricted=True, staff=[])
    assert as_(world.dan).get(home(world)).status_code == 404
    assert as_(world.dan).post(f"{mine(world)}/share", data={}).status_code == 404


def test_a_bookkeeper_reads_and_downloads_only(world: World, as_: As) -> None:
    browser = as_(world.erin)
    assert "Add files" not in browser.get(home(world)).text
    assert browser.get(f"{mine(world)}/file").status_code == 200
    for path in ("", "/share", "/versions", "/remove"):
        assert browser.post(f"{mine(world)}{path}").status_code == 403
    assert browser.post(home(world), data={"files": files("a.txt")}).status_code == 403


def test_versions_and_shares_cost_no_query_each(world: World, as_: As) -> None:
    browser = as_(world.dan)
    urls = [home(world), mine(world), f"{mine(world)}/share"]
    browser.get(mine(world))  # who opens it is written down once a day
    before = [queries(browser, url) for url in urls]
    for number in range(5):
        documents.add_version(world.document, [b"again"], limit_bytes=100, by=world.dan)
        other = documents.add(world.matter, name=f"{number}.txt", chunks=[b"x"], limit_bytes=100, by=world.dan)
        documents.share(other, [world.alice, world.frank], by=world.dan)
        who = people.add_portal_user(email=f"{number}@example.com", name=f"Person {number}", time_zone=ZONE)
        matters.add_recipient(world.matter, who, by=world.carol)
    assert [queries(browser, url) for url in urls] == before
    assert max(before) <= 12
