"""What is held about a person: their page, the file for them, and erasing them in two steps."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from portal_app import config
from portal_app.cli import main
from portal_app.db import db
from portal_app.domain import erasing, people
from portal_app.domain.audit import AuditEntry
from portal_app.domain.people import Client, PortalUser
from tests.domain.test_payments import pay
from tests.world import World

As = Callable[[Any], FlaskClient]


def test_the_page_says_before_what_goes_and_what_stays(world: World, as_: As) -> None:
    pay(world, 10_000)
    browser, url = as_(world.carol), f"/firm/portal-users/{world.alice.id}"
    assert f'href="{url}"' in browser.get("/firm/people").text
    page = browser.get(url).text
    for words in ("Documents shared with them", "Ended, and kept.", "Payments", "would not add up", "rule T16"):
        assert words in page
    assert "Erase for good" not in page, "the second step comes on a page of its own"
    assert "Erase for good" in browser.get(f"{url}/erasure").text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"reason": "", "typed": "alice@example.com"}, "Fill in this field."),
        ({"reason": "Asked", "typed": ""}, "Fill in this field."),
        ({"reason": "Asked", "typed": "bob@example.com"}, "Type alice@example.com here"),
        ({"reason": "x" * 301, "typed": "alice@example.com"}, "Use at most 300 characters."),
    ],
)
def test_nobody_is_erased_by_mistake(world: World, as_: As, typed: dict[str, str], sentence: str) -> None:
    answer = as_(world.carol).post(f"/firm/portal-users/{world.alice.id}/erasure", data=typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert typed["typed"] in answer.text
    assert world.refresh("alice").name == "Alice Vasquez-Thornbury"


def test_erased_is_signed_out_and_the_page_says_what_stayed(world: World, as_: As) -> None:
    pay(world, 10_000)
    told = AuditEntry.select().count()
    theirs, browser, url = as_(world.alice), as_(world.carol), f"/firm/portal-users/{world.alice.id}"
    data = {"reason": "Asked by letter", "typed": "ALICE@example.com"}
    for _ in range(2):  # pressed twice: the second says how it stands
        assert browser.post(f"{url}/erasure", data=data).status_code in {200, 303}
    assert theirs.get("/portal").location.startswith("/sign-in")
    (row,) = AuditEntry.select().where(AuditEntry.action == "erase_portal_user")
    assert (row.firm_user, row.subject) == (world.carol, f"Former portal user {world.alice.id}")
    trail = [f"{row.subject}{row.before}{row.after}" for row in AuditEntry.select().where(AuditEntry.id > told)]
    assert [line for line in trail if "alice" in line.lower()] == []
    page = browser.get(url).text
    for words in ("Erased on", "Carol Quillfeather", "Asked by letter", "What the portal still holds", "Payments"):
        assert words in page
    assert "Erase Former" not in page
    assert "Alice" not in browser.get("/firm/people").text
    assert "Former portal user" not in browser.get("/firm/people").text
    browser.post(f"{url}/enable")
    browser.post(f"{url}/invite")
    assert world.refresh("alice").disabled_at is not None


def test_an_open_payment_is_waited_for(world: World, as_: As) -> None:
    pay(world, 10_000, "pending")
    url = f"/firm/portal-users/{world.alice.id}/erasure"
    assert "not decided yet" in as_(world.carol).get(url).text
    answer = as_(world.carol).post(url, data={"reason": "Asked", "typed": "alice@example.com"})
    assert answer.status_code == 422
    assert "not decided yet" in answer.text


def test_the_file_is_handed_out_as_a_file(world: World, as_: As) -> None:
    theirs = {f"portal-users/{world.alice.id}": "alice@example.com", f"clients/{world.client.id}": "Alice"}
    for path, name in theirs.items():
        answer = as_(world.carol).post(f"/firm/{path}/export")
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "no-store" in answer.headers["Cache-Control"]
        text = zipfile.ZipFile(io.BytesIO(answer.data)).read("person.json").decode()
        assert name in text
        assert json.loads(text)["format"] == "matter-portal-person-1"
        answer.close()
    rows = AuditEntry.select().where(AuditEntry.action.startswith("export_")).order_by(AuditEntry.id)
    assert [(row.action, row.subject, row.firm_user) for row in rows] == [
        ("export_portal_user", f"Portal user {world.alice.id}", world.carol),
        ("export_client", f"Client {world.client.id}", world.carol),
    ]


def test_a_client_is_erased_once_nothing_keeps_them(world: World, as_: As) -> None:
    browser = as_(world.carol)
    page = browser.get(f"/firm/clients/{world.client.id}/privacy").text
    assert f"{world.matter.number} is open." in page
    assert "Erase for good" not in page
    data = {"reason": "Asked", "typed": world.client.name}
    assert browser.post(f"/firm/clients/{world.client.id}/privacy", data=data).status_code == 422
    gail = people.add_client(kind="person", name="Gail Sample", email="gail@example.com", created_by=world.carol)
    url = f"/firm/clients/{gail.id}/privacy"
    assert browser.post(url, data={"reason": "Asked", "typed": "Somebody"}).status_code == 422
    assert browser.post(url, data={"reason": "Asked", "typed": "gail sample"}).status_code == 303
    assert Client.get_by_id(gail.id).name == f"Former client {gail.id}"
    assert "Erased on" in browser.get(url).text
    assert browser.get(f"/firm/clients/{gail.id}/edit").location == f"/firm/clients/{gail.id}"


def test_the_command_writes_the_file_once(world: World, settings: config.Config, tmp_path: Path) -> None:
    out = tmp_path / "alice.zip"
    command = ["export-person", "alice@example.com", "--output", str(out), "--data", str(tmp_path)]
    environment = {"PORTAL_DATABASE": settings.database, "PORTAL_SECRET_KEY": settings.secret_key}
    done = CliRunner().invoke(main, command, env=environment)
    assert done.exit_code == 0, done.output
    assert (out.stat().st_mode & 0o777, world.alice.name in done.output) == (0o600, True)
    assert "person.json" in zipfile.ZipFile(out).namelist()
    assert CliRunner().invoke(main, command, env=environment).exit_code == 2, "it is there already"
    command[1] = "nobody@example.com"
    command[3] = str(tmp_path / "other.zip")
    assert CliRunner().invoke(main, command, env=environment).exit_code == 2
    db.close()


def test_an_erasure_names_nobody(world: World) -> None:
    made = erasing.erase(world.bob, reason="Asked", by=world.carol)
    assert (made.portal_user_id, made.client_id) == (world.bob.id, None)
    assert [name for name in ("Bob", "bob@") if name in str(made.__data__)] == []
    assert PortalUser.get_by_id(world.bob.id).email.endswith(people.ERASED)
