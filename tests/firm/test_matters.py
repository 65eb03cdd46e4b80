"""Matters: found, opened, read, changed in place, closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app.domain import documents, matters, people
from portal_app.domain.matters import Matter
from tests.firm.pages import queries, without_token
from tests.world import World, today

As = Callable[[Any], FlaskClient]


def typed(world: World, **changes: str) -> dict[str, str]:
    return {
        "name": "Thornbury estate", "number": "", "client": str(world.client.id), "practice_area": "Probate",
        "opposing_party": "", "responsible_attorney": str(world.dan.id), "opened_on": "2026-07-01",
        "billing_method": "flat_fee",
    } | changes  # fmt: skip


def settings_url(world: World) -> str:
    return f"/firm/matters/{world.matter.id}/settings"


# The list


def test_the_list_finds_as_one_types(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser = as_(world.dan)
    page = browser.get("/firm/matters?q=mills").text
    piece = browser.get("/firm/matters?q=mills", headers=htmx).text
    assert piece.startswith('<section id="matters"')
    assert piece in page
    assert "Thornbury v. Example Mills" in piece
    assert "2,040.00" in piece
    assert "Sample Holdings lease" not in piece


def test_closed_matters_are_shown_when_asked_for(world: World, as_: As) -> None:
    matters.close(world.matter, today())
    browser = as_(world.dan)
    assert world.matter.name not in browser.get("/firm/matters").text
    assert world.matter.name in browser.get("/firm/matters?closed=yes").text
    assert "Look among closed matters too" in browser.get("/firm/matters?q=mills").text


# A new one


def test_a_new_matter_leads_to_its_settings(world: World, as_: As) -> None:
    form = as_(world.carol).get(f"/firm/matters/new?client={world.client.id}").text
    assert f'value="{today().year}-0003"' in form
    assert f'<option selected value="{world.client.id}">' in form
    answer = as_(world.carol).post("/firm/matters", data=typed(world))
    matter = Matter.get(Matter.name == "Thornbury estate")
    assert (answer.status_code, answer.location) == (303, f"/firm/matters/{matter.id}/settings")
    assert (matter.billing_method, matter.responsible_attorney_id) == ("flat_fee", world.dan.id)
    page = as_(world.carol).get(answer.location).text
    assert "<h1>Edit matter</h1>" in page
    for label in (
        "Billing method",
        "Statute of limitations",
        "User access",
        "Who can receive invoices from this matter",
    ):
        assert label in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("client", "0"), ("client", "999999"), ("client", "abc"), ("opened_on", "2026-02-30"),
        ("billing_method", "barter"), ("number", "taken"), ("responsible_attorney", "999999"),
    ],
)  # fmt: skip
def test_bad_input_is_marked_and_kept(world: World, as_: As, field: str, value: str) -> None:
    before = Matter.select().count()
    value = world.matter.number if value == "taken" else value
    answer = as_(world.carol).post("/firm/matters", data=typed(world, **{field: value}))
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert 'value="Probate"' in answer.text
    assert "coerce" not in answer.text
    assert Matter.select().count() == before


def test_without_clients_one_is_made_first(world: World, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal_app.domain.clients.names", list)
    assert "/firm/clients/new?then=matter" in as_(world.carol).get("/firm/matters/new").text


# The page


def test_the_page_says_what_matters(world: World, as_: As) -> None:
    page = as_(world.erin).get(f"/firm/matters/{world.matter.id}").text
    for words in ("$2,040.00", "Overdue since", "$600.00", "Registered", "Invitation pending", "Engagement letter.txt"):
        assert words in page
    assert "/edit" not in page, "a bookkeeper edits no facts"
    assert "/facts/practice_area/edit" in as_(world.dan).get(f"/firm/matters/{world.matter.id}").text


def test_queries_do_not_grow_with_rows(world: World, as_: As) -> None:
    browser, url = as_(world.carol), f"/firm/matters/{world.matter.id}"
    browser.get(url)
    matters.set_access(world.matter, is_restricted=True, staff=[world.dan])
    before = queries(browser, url)
    for number in range(5):
        who = people.add_portal_user(email=f"more{number}@example.com", name=f"More {number}", time_zone="UTC")
        matters.add_recipient(world.matter, who, by=world.carol)
        document = documents.add(world.matter, name=f"{number}.txt", chunks=[b"x"], limit_bytes=9, by=world.carol)
        documents.share(document, [who, world.alice], by=world.carol)
    assert queries(browser, url) == before
    assert before <= 12


def test_the_people_of_a_matter(world: World, as_: As) -> None:
    url = f"/firm/matters/{world.matter.id}/people"
    page = as_(world.dan).get(url).text
    assert "3 documents</a>, <a" in page, "alice has two invoices, a letter and an event"
    assert "Erin Moss" in page
    matters.set_access(world.matter, is_restricted=True, staff=[world.dan])
    page = as_(world.dan).get(url).text
    assert "Erin Moss" not in page
    assert "Carol Quillfeather" in page


# Facts in place


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("name", "Thornbury v. Mills", "Thornbury v. Mills"), ("number", "A-17", "A-17"),
        ("practice_area", "Maritime", "Maritime"), ("billing_method", "contingency", "Contingency"),
        ("limitations_on", "2031-05-18", "May 18, 2031"), ("limitations_on", "", "Not set"),
        ("opened_on", "2026-01-02", "Jan 2, 2026"), ("responsible_attorney", "0", "Not set"),
    ],
)  # fmt: skip
def test_a_fact_is_edited_in_its_place(
    world: World, as_: As, htmx: dict[str, str], field: str, value: str, shown: str
) -> None:
    browser, url = as_(world.dan), f"/firm/matters/{world.matter.id}/facts/{field}/edit"
    form = browser.get(url, headers=htmx).text
    assert form.startswith(f'<div id="fact-{field}" class="fact editing"')
    assert without_token(form) in without_token(browser.get(url).text)
    piece = browser.post(url, data={field: value}, headers=htmx)
    assert piece.status_code == 200
    assert f"<dd>{shown}</dd>" in piece.text
    assert 'hx-target="#matter-head"' in piece.text
    assert browser.post(url, data={field: value}).location == f"/firm/matters/{world.matter.id}#fact-{field}"
    assert f"<dd>{shown}</dd>" in browser.get(f"/firm/matters/{world.matter.id}").text


def test_leaving_a_fact_shows_it_as_it_stands(world: World, as_: As, htmx: dict[str, str]) -> None:
    """Its row alone: what is typed in another is nobody else's business. The keyboard goes on where it was."""
    url = f"/firm/matters/{world.matter.id}/facts/name"
    row = as_(world.dan).get(url, headers=htmx).text
    assert row.count('id="fact-') == 1
    assert f"<dd>{world.matter.name}</dd>" in row
    assert "autofocus>Edit" in row
    assert row in as_(world.dan).get(url).text
    assert "Edit" not in as_(world.erin).get(url, headers=htmx).text
    assert as_(world.dan).get(f"{url}s", headers=htmx).status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Fill in this field."), ("limitations_on", "soon", "Enter a date"),
        ("number", "taken", "exists already"), ("client", "0", "Choose the client"), ("number", " ", "Enter one."),
        ("practice_area", "x" * 121, "most 120"),
    ],
)  # fmt: skip
def test_a_bad_fact_keeps_what_was_typed(
    world: World, as_: As, htmx: dict[str, str], field: str, value: str, sentence: str
) -> None:
    value = world.bobs_matter.number if value == "taken" else value
    before = matters.find(world.carol, world.matter.id)
    url = f"/firm/matters/{world.matter.id}/facts/{field}/edit"
    answer = as_(world.dan).post(url, data={field: value}, headers=htmx)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert value in answer.text
    assert getattr(matters.find(world.carol, world.matter.id), field) == getattr(before, field)


def test_access_is_decided_in_place(world: World, as_: As, htmx: dict[str, str]) -> None:
    url = f"/firm/matters/{world.matter.id}/facts/access/edit"
    refused = as_(world.carol).post(url, data={"access": "named"}, headers=htmx)
    assert refused.status_code == 422
    assert "Choose at least one person." in refused.text
    piece = as_(world.carol).post(url, data={"access": "named", "staff": [world.erin.id]}, headers=htmx).text
    assert "Only Erin Moss" in piece
    assert as_(world.dan).get(f"/firm/matters/{world.matter.id}").status_code == 404
    assert as_(world.erin).get(f"/firm/matters/{world.matter.id}").status_code == 200


def test_who_hides_a_matter_from_themselves_is_told(world: World, as_: As, htmx: dict[str, str]) -> None:
    matters.change(world.matter, responsible_attorney=world.carol)
    browser = as_(world.dan)
    url = f"/firm/matters/{world.matter.id}/facts/access/edit"
    answer = browser.post(url, data={"access": "named", "staff": [world.erin.id]}, headers=htmx)
    assert answer.headers["HX-Redirect"] == "/firm/matters"
    assert "hidden from you" in browser.get("/firm/matters").text
    assert browser.get(f"/firm/matters/{world.matter.id}").status_code == 404
    assert browser.post(url, data={"access": "named", "staff": []}, headers=htmx).status_code == 404


# Settings, closing


def test_settings_are_saved_together(world: World, as_: As) -> None:
    data = {"billing_method": "flat_fee", "limitations_on": "2031-05-18", "access": "named", "staff": [world.dan.id]}
    assert as_(world.carol).post(settings_url(world), data=data).location == settings_url(world)
    matter = world.refresh("matter")
    assert (matter.billing_method, matter.limitations_on) == ("flat_fee", dt.date(2031, 5, 18))
    assert matters.staff_of(matter) == [world.dan]
    page = as_(world.dan).get(settings_url(world)).text
    assert 'value="2031-05-18"' in page
    answer = as_(world.carol).post(settings_url(world), data=data | {"limitations_on": "18 May", "staff": []})
    assert answer.status_code == 422
    assert 'value="18 May"' in answer.text
    assert world.refresh("matter").limitations_on == dt.date(2031, 5, 18)


def test_a_matter_is_closed_and_opened_again(world: World, as_: As) -> None:
    base, browser = f"/firm/matters/{world.matter.id}", as_(world.carol)
    early = browser.post(f"{base}/close", data={"closed_on": "1999-01-01"})
    assert early.status_code == 422
    assert "cannot close before it was opened" in early.text
    for _ in range(2):
        assert browser.post(f"{base}/close", data={"closed_on": today().isoformat()}).status_code == 303
        assert world.refresh("matter").closed_on == today()
    assert "Closed" in browser.get(base).text
    assert "Open it again" in browser.get(settings_url(world)).text
    assert browser.post(f"{base}/reopen").status_code == 303
    assert world.refresh("matter").is_open


def test_who_may_not(world: World, as_: As) -> None:
    base = f"/firm/matters/{world.matter.id}"
    assert as_(world.erin).post(settings_url(world), data={"billing_method": "hourly"}).status_code == 403
    assert as_(world.erin).post(f"{base}/facts/name/edit", data={"name": "Mine"}).status_code == 403
    assert as_(world.erin).post("/firm/matters", data=typed(world)).status_code == 403
    assert as_(world.alice).get(base).status_code == 404
    assert as_(world.carol).get(f"{base}/facts/id/edit").status_code == 404
    assert as_(world.carol).get(f"{base}/close").status_code == 405
    matters.set_access(world.matter, is_restricted=True, staff=[])
    for path in ("", "/settings", "/people", "/facts/name/edit", "/recipients"):
        assert as_(world.dan).get(base + path).status_code == 404
