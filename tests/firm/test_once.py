"""What a form makes is made once, however often the button is pressed; with scripts and without."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from peewee import Model

from portal_app.domain.calendar import Event
from portal_app.domain.documents import Document, DocumentVersion
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client
from portal_app.domain.store import open_store
from portal_app.domain.timekeeping import WorkItem
from tests.firm.pages import without_token
from tests.world import World, today

As = Callable[[Any], FlaskClient]

KEY = re.compile(r'<input[^>]* name="key"[^>]*>')

WORK = {"worked_on": "{today}", "timekeeper": "{carol}", "description": "A"}

# What is made, on which page, where the form goes, and what is typed; `text` is the field that says what it is.
FORMS: dict[str, tuple[type[Model], str, str, dict[str, str], str]] = {
    "time": (
        WorkItem, "matters/{matter}/time?kind=time", "matters/{matter}/time",
        WORK | {"kind": "time", "quantity": "1:30", "rate": ""},
        "description",
    ),
    "expense": (
        WorkItem, "matters/{matter}/time?kind=expense", "matters/{matter}/time",
        WORK | {"kind": "expense", "quantity": "2", "rate": "3"},
        "description",
    ),
    "fee": (
        WorkItem, "matters/{matter}/time?kind=flat_fee", "matters/{matter}/time",
        WORK | {"kind": "flat_fee", "rate": "300"},
        "description",
    ),
    "event": (
        Event, "matters/{matter}/events", "matters/{matter}/events",
        {"title": "A", "day": "{today}", "starts": "14:30", "ends": "15:30", "time_zone": "America/Chicago"}, "title",
    ),
    "client": (Client, "clients/new", "clients", {"kind": "person", "name": "A"}, "name"),
    "matter": (
        Matter, "matters/new", "matters",
        {
            "name": "A", "client": "{client}", "number": "", "opened_on": "{today}", "billing_method": "hourly",
            "responsible_attorney": "{carol}",
        },
        "name",
    ),
}  # fmt: skip


def key_on(page: str) -> str:
    (control,) = KEY.findall(page)
    assert 'autocomplete="off"' in control, "a browser that goes back would bring the old key"
    found = re.search(r'value="([\w-]{20,32})"', control)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("noun", FORMS)
def test_a_button_pressed_twice_makes_one_thing(world: World, as_: As, htmx: Mapping[str, str], noun: str) -> None:
    model, page, action, typed, text = FORMS[noun]
    ids = {"matter": world.matter.id, "carol": world.carol.id, "client": world.client.id, "today": today().isoformat()}
    page, action = f"/firm/{page.format(**ids)}", f"/firm/{action.format(**ids)}"
    browser, count = as_(world.carol), model.select().count()
    data = {name: value.format(**ids) for name, value in typed.items()}
    data["key"] = key_on(browser.get(page).text)

    first, second = (browser.post(action, data=data) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert browser.post(action, data=data, headers=dict(htmx)).status_code == 200
    assert model.select().count() == count + 1

    other = browser.post(action, data=data | {text: "Something else"})
    assert other.status_code == 422, "the form was filled in anew on the way back: nothing is lost in silence"
    assert "This form was sent before" in other.text
    assert "Something else" in other.text
    assert model.select().count() == count + 1
    again = data | {text: "Something else", "key": key_on(other.text)}
    assert browser.post(action, data=again).status_code == 303
    assert model.select().count() == count + 2


@pytest.mark.parametrize("noun", FORMS)
def test_a_key_that_cannot_be_ours_is_refused(world: World, as_: As, noun: str) -> None:
    model, _, action, typed, _ = FORMS[noun]
    ids = {"matter": world.matter.id, "carol": world.carol.id, "client": world.client.id, "today": today().isoformat()}
    count = model.select().count()
    data = {name: value.format(**ids) for name, value in typed.items()} | {"key": "<x>"}
    answer = as_(world.carol).post(f"/firm/{action.format(**ids)}", data=data)
    assert answer.status_code == 422
    assert "Open this page again" in without_token(answer.text)
    assert model.select().count() == count


def test_a_key_of_one_matter_adds_nothing_to_another(world: World, as_: As) -> None:
    browser = as_(world.carol)
    typed = {"title": "A", "day": today().isoformat(), "starts": "14:30", "time_zone": "UTC", "key": "k" * 22}
    assert browser.post(f"/firm/matters/{world.matter.id}/events", data=typed).status_code == 303
    assert browser.post(f"/firm/matters/{world.bobs_matter.id}/events", data=typed).status_code == 422
    assert Event.select().where(Event.matter == world.bobs_matter.id).count() == 0


def test_files_sent_twice_are_kept_once(world: World, as_: As, tmp_path: Any) -> None:
    browser, path = as_(world.carol), f"/firm/matters/{world.matter.id}/documents"
    key, count = key_on(browser.get(path).text), Document.select().count()
    stored = tmp_path / "stored"
    open_store(stored)

    def send(*names: str) -> int:
        files = [(io.BytesIO(b"page"), name) for name in names]
        return browser.post(path, data={"key": key, "files": files}).status_code

    assert send("one.txt", "two.txt") == send("one.txt", "two.txt") == 303
    assert Document.select().count() == count + 2
    assert len([file for file in stored.rglob("*") if file.is_file()]) == 2, "nothing is stored that nobody names"
    assert send("other.txt") == 422
    assert Document.select().count() == count + 2


def test_a_version_sent_twice_is_one_version(world: World, as_: As) -> None:
    browser, path = as_(world.carol), f"/firm/matters/{world.matter.id}/documents/{world.document.id}/versions"
    count = DocumentVersion.select().count()
    for body, more in ((b"second", 1), (b"second", 1), (b"third", 2), (b"second", 3)):
        assert browser.post(path, data={"file": (io.BytesIO(body), "a.txt")}).status_code == 303
        assert DocumentVersion.select().count() == count + more
