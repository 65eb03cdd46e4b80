"""Settings: the firm's details, and its help for clients."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app.domain import firms
from tests.world import World

As = Callable[[Any], FlaskClient]


def typed(**changes: str) -> dict[str, str]:
    return {
        "name": "Larkspur & Daughters", "address": "1 Sample Row\nSpringfield", "phone": "",
        "email": "Desk@Example.com", "time_zone": "America/New_York", "locale": "en_GB", "payment_terms_days": "14",
        "invoice_note": "Thank you.", "letters": "full",
    } | changes  # fmt: skip


def test_what_is_saved_is_the_firm_from_then_on(world: World, as_: As) -> None:
    browser = as_(world.carol)
    assert 'value="Quillfeather &amp; Larkspur LLP"' in browser.get("/firm/settings").text
    answer = browser.post("/firm/settings", data=typed() | {"currency": "EUR"}, follow_redirects=True)
    assert "Saved." in answer.text
    firm = firms.current()
    assert (firm.name, firm.address_lines) == ("Larkspur & Daughters", ("1 Sample Row", "Springfield"))
    assert (firm.payment_terms_days, firm.time_zone) == (14, "America/New_York")
    assert firm.email == "desk@example.com"
    assert re.search(r"Now: US\$1,234\.56, \d{1,2} [A-Z][a-z]+ \d{4}\.", answer.text), "as in the United Kingdom"
    assert firm.currency == "USD", "what the form does not have cannot be changed through it"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " "}, "Fill in this field."),
        ({"name": "x" * 121}, "Use at most 120 characters."),
        ({"email": "desk"}, "Enter an e-mail address"),
        ({"time_zone": "Mars/Olympus"}, "Choose from the list."),
        ({"locale": "tlh"}, "Choose from the list."),
        ({"payment_terms_days": "٣"}, "Enter a whole number of days"),
        ({"payment_terms_days": "366"}, "Enter a whole number of days"),
        ({"payment_terms_days": ""}, "Fill in this field."),
    ],
)
def test_bad_details_are_marked_and_kept_as_typed(world: World, as_: As, change: dict[str, str], sentence: str) -> None:
    answer = as_(world.carol).post("/firm/settings", data=typed(**change))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Thank you." in answer.text
    assert firms.current().name == "Quillfeather & Larkspur LLP"


def test_clients_read_the_firms_own_help(world: World, as_: As) -> None:
    browser = as_(world.carol)
    assert (
        browser.post("/firm/settings/help", data={"help_text": "Call us.\n\n<b>Nine to five.</b>"}).status_code == 303
    )
    assert "Call us." in browser.get("/firm/settings/help").text
    page = as_(world.alice).get("/portal/help").text
    assert "<p>Call us.</p>" in page
    assert "&lt;b&gt;Nine to five." in page
    assert browser.post("/firm/settings/help", data={"help_text": "x" * 10_001}).status_code == 422


@pytest.mark.parametrize("path", ["", "/help", "/look", "/bank-accounts", "/bank-accounts/new"])
def test_settings_are_for_administrators(world: World, as_: As, path: str) -> None:
    assert as_(world.erin).get(f"/firm/settings{path}").status_code == 403
    assert as_(world.carol).get(f"/firm/settings{path}").status_code == 200
