"""Downloads for other programs, and what LEDES files need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app.domain import clients, exports, firms, matters
from portal_app.domain.people import FirmUser
from portal_app.domain.timekeeping import WorkItem
from portal_app.web import files
from tests import books
from tests.domain.test_payments import pay
from tests.ledes_rules import faults
from tests.world import World, today

As = Callable[[Any], FlaskClient]


@pytest.mark.parametrize("name", list(exports.EXPORTS))
def test_a_download_is_the_file_of_the_command(world: World, as_: As, name: str) -> None:
    pay(world, 150_000)
    answer = as_(world.carol).get(f"/firm/exports/{name}")
    export = exports.EXPORTS[name]
    assert answer.text == "".join(exports.steady(export.write(exports.Wanted(who=world.carol), today())))
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}-{today()}.{export.extension}"
    assert answer.mimetype == export.media_type
    assert f'action="/firm/exports/{name}"' in as_(world.erin).get("/firm/reports").text


def test_a_long_file_waits_on_disk(world: World, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = as_(world.erin).get("/firm/exports/journal").data
    monkeypatch.setattr(files, "SPOOL_BYTES", 100)
    with as_(world.erin).get("/firm/exports/journal") as answer:
        assert answer.data == whole
        assert answer.headers["Content-Length"] == str(len(whole))
    assert as_(world.erin).head("/firm/exports/journal").headers["Content-Length"] == "0"


def test_the_downloaded_books_are_read_by_beancount(world: World, as_: As, tmp_path: Path) -> None:
    pay(world, 150_000)
    found = books.by_beancount(as_(world.erin).get("/firm/exports/beancount").text, tmp_path)
    assert found.errors == []
    assert found.balances == books.ours()


def test_days_are_in_the_files_name(world: World, as_: As) -> None:
    answer = as_(world.erin).get("/firm/exports/journal?from=2026-01-01&to=2026-02-28")
    assert "journal-2026-01-01-2026-02-28.csv" in answer.headers["Content-Disposition"]


def test_only_some_may_export(world: World, as_: As) -> None:
    assert as_(world.dan).get("/firm/exports/journal").status_code == 403
    assert "/firm/exports/" not in as_(world.dan).get("/firm/reports").text
    assert as_(world.erin).get("/firm/exports/nothing").status_code == 404


def test_an_invoice_offers_its_ledes_file(world: World, as_: As) -> None:
    from portal_app import worker

    worker.turn()
    page = as_(world.dan).get(f"/firm/invoices/{world.invoice.id}").text
    assert f'href="/firm/invoices/{world.invoice.id}/ledes"' in page
    answer = as_(world.dan).get(f"/firm/invoices/{world.invoice.id}/ledes")
    assert faults(answer.text) == []
    assert answer.headers["Content-Disposition"].endswith(f"ledes-{world.invoice.number}.txt")


def test_without_the_firms_id_the_page_says_so(world: World, as_: As) -> None:
    firms.change(law_firm_id="")
    browser = as_(world.carol)
    for address in (f"/firm/invoices/{world.invoice.id}/ledes", "/firm/exports/ledes"):
        answer = browser.get(address, follow_redirects=True)
        assert "Settings, E-billing" in answer.text
    draft = browser.get(f"/firm/invoices/{world.draft.id}/ledes", follow_redirects=True)
    assert draft.status_code == 200


# What LEDES files need


def test_the_firm_and_its_timekeepers(world: World, as_: As) -> None:
    browser = as_(world.carol)
    page = browser.get("/firm/settings/e-billing").text
    assert 'value="12-3456789"' in page
    said = {"law_firm_id": "98-7654321", f"id_{world.dan.id}": "DW7", f"class_{world.dan.id}": "AS"}
    said |= {f"class_{who.id}": "" for who in (world.carol, world.erin)}
    assert browser.post("/firm/settings/e-billing", data=said).status_code == 303
    assert firms.current().law_firm_id == "98-7654321"
    dan = FirmUser.get_by_id(world.dan.id)
    assert (dan.timekeeper_id, dan.timekeeper_class) == ("DW7", "AS")


def test_what_does_not_fit_is_refused_with_what_was_typed(world: World, as_: As) -> None:
    said = {"law_firm_id": "x" * 21, f"class_{world.dan.id}": "XX"}
    answer = as_(world.carol).post("/firm/settings/e-billing", data=said)
    assert answer.status_code == 422
    assert "x" * 21 in answer.text
    assert answer.text.count('aria-invalid="true"') >= 2
    assert firms.current().law_firm_id == "12-3456789"


def test_a_client_and_a_matter_have_their_own_identifiers(world: World, as_: As) -> None:
    browser = as_(world.dan)
    said = {"kind": "person", "name": world.client.name, "ledes_id": "ACME-1"}
    assert browser.post(f"/firm/clients/{world.client.id}/edit", data=said).status_code == 303
    assert clients.find(world.client.id).ledes_id == "ACME-1"
    address = f"/firm/matters/{world.matter.id}/facts/client_matter_id/edit"
    assert browser.post(address, data={"client_matter_id": "LIT-9"}).status_code == 303
    assert matters.find(world.dan, world.matter.id).client_matter_id == "LIT-9"
    assert "LIT-9" in browser.get(f"/firm/matters/{world.matter.id}").text
    refused = browser.post(address, data={"client_matter_id": "y" * 21})
    assert refused.status_code == 422
    assert "y" * 21 in refused.text


def test_work_bears_codes(world: World, as_: As) -> None:
    browser, home = as_(world.dan), f"/firm/matters/{world.matter.id}/time"
    assert "Codes for e-billing" in browser.get(home).text
    said = {
        "kind": "time", "worked_on": today().isoformat(), "timekeeper": world.dan.id, "description": "Call",
        "quantity": "1", "rate": "100", "is_billable": "y", "key": "a-key-for-this-work-item", "task_code": "l110",
        "activity_code": "A106",
    }  # fmt: skip
    assert browser.post(home, data=said).status_code == 303
    item = WorkItem.select().order_by(WorkItem.id.desc()).get()
    assert (item.task_code, item.activity_code, item.expense_code) == ("L110", "A106", "")
    wrong = browser.post(home, data=said | {"task_code": "110", "key": "another-key-of-this-item"})
    assert wrong.status_code == 422
    assert 'value="110"' in wrong.text
    expense = said | {"kind": "expense", "rate": "12.50", "expense_code": "E101", "key": "a-third-key-of-this-item"}
    assert browser.post(home, data=expense).status_code == 303
    assert WorkItem.select().order_by(WorkItem.id.desc()).get().expense_code == "E101"
