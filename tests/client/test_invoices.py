"""Invoices as a client sees them: their own alone, with lines, payments, paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app.domain import documents, invoices, matters
from portal_app.domain.documents import DocumentShare
from tests.client.test_home import start
from tests.world import World, today

As = Callable[[Any], FlaskClient]


def paper(world: World) -> documents.DocumentVersion:
    return documents.add_version(world.invoice.document, [b"%PDF-1.7\n"], limit_bytes=100, by=None)


def test_an_invoice_shows_its_lines_and_what_is_left(world: World, as_: As) -> None:
    start(world, 100_000)
    text = as_(world.alice).get(f"/portal/invoices/{world.invoice.public_id}").text
    for words in (
        "Drafted the complaint and its exhibits", "Carol Quillfeather", "3.00", "400.00", "Filing fee", "$1,240.00",
        "15 days ago", "$1,000.00 of it is being confirmed", "$2,040.00",
    ):  # fmt: skip
        assert words in text
    assert f'href="/portal/pay?invoice={world.invoice.public_id}"' in text


@pytest.mark.parametrize("name", ["bobs_invoice", "draft"])
def test_what_is_not_theirs_is_not_there(world: World, as_: As, name: str) -> None:
    address = f"/portal/invoices/{getattr(world, name).public_id}"
    assert as_(world.alice).get(address).status_code == 404
    assert as_(None).get(address).status_code == 303
    assert as_(world.alice).get("/portal/invoices/%00").status_code == 404


def test_unsharing_takes_it_away_at_once(world: World, as_: As) -> None:
    browser, address = as_(world.alice), f"/portal/invoices/{world.invoice.public_id}"
    assert browser.get(address).status_code == 200
    documents.share(world.invoice.document, [], by=world.carol)
    assert browser.get(address).status_code == 404
    assert world.invoice.number not in browser.get("/portal/invoices").text


def test_opening_it_is_noted_once(world: World, as_: As) -> None:
    browser, address = as_(world.alice), f"/portal/invoices/{world.invoice.public_id}"
    assert "new</strong>" in browser.get("/portal").text
    browser.get(address)
    share = DocumentShare.get(
        (DocumentShare.item == world.invoice.document_id) & (DocumentShare.portal_user == world.alice)
    )
    assert share.first_seen_at is not None
    browser.get(address)
    assert DocumentShare.get_by_id(share.id).first_seen_at == share.first_seen_at


def test_the_paper_comes_by_itself(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser, address = as_(world.alice), f"/portal/invoices/{world.invoice.public_id}"
    waiting = browser.get(address, headers=htmx).text
    assert "The PDF is being made" in waiting
    assert f'hx-get="{address}" hx-trigger="every 3s"' in waiting
    assert waiting in browser.get(address).text
    file = f"/portal/documents/{world.invoice.document.public_id}/file"
    assert browser.get(file).status_code == 404
    paper(world)
    there = browser.get(address, headers=htmx).text
    assert "hx-get" not in there
    assert there in browser.get(address).text
    shown, saved = browser.get(f"{file}?view=1"), browser.get(file)
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert saved.headers["Content-Disposition"] == f'attachment; filename="Invoice {world.invoice.number}.pdf"'
    assert saved.data == b"%PDF-1.7\n"


def test_every_state_is_in_the_list(world: World, as_: As) -> None:
    invoices.void(world.second, reason="mistake", on=today(), by=world.carol)
    text = as_(world.alice).get("/portal/invoices").text
    for words in ("Void: nothing is owed", "15 days ago", "You owe $1,240.00 in all."):
        assert words in text
    assert world.draft.public_id not in text


def test_the_list_has_pages(world: World, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal_app.client.paging.ROWS", 1)
    browser = as_(world.alice)
    first, second = browser.get("/portal/invoices").text, browser.get("/portal/invoices?page=2").text
    assert (world.second.number in first, world.invoice.number in first) == (True, False)
    assert (world.second.number in second, world.invoice.number in second) == (False, True)
    assert 'href="/portal/invoices?page=2" rel="next"' in first
    assert 'rel="next"' not in second
    for odd in ("0", "-1", "x", "9" * 40, "٢"):
        assert world.second.number in browser.get(f"/portal/invoices?page={odd}").text


def test_a_payer_sees_that_another_paid(world: World, as_: As) -> None:
    matters.add_recipient(world.matter, world.bob, by=world.carol, relation="spouse")
    documents.share(world.invoice.document, [world.alice, world.bob], by=world.carol)
    as_(world.alice).post(
        "/portal/payments",
        data={
            "key": "k", "token": "ok", "amount": "40", "method": "card", "name": "A", "address1": "1 Sample Row",
            "city": "Springfield", "state": "IL", "postal_code": "62704", "country": "US",
        },
    )  # fmt: skip
    text = as_(world.bob).get(f"/portal/invoices/{world.invoice.public_id}").text
    assert "by Alice Vasquez-Thornbury" in text
    assert "/portal/payments/" not in text, "her receipt is hers"
