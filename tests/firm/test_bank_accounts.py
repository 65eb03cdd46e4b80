"""The firm's bank accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app.domain.payments import BankAccount
from tests.world import World

As = Callable[[Any], FlaskClient]
URL = "/firm/settings/bank-accounts"


def typed(**changes: str) -> dict[str, str]:
    return {"name": "Sample Bank IOLTA", "last4": "0042", "fund": "trust"} | changes


def test_an_account_is_added_and_leads_back_to_where_it_was_missing(world: World, as_: As) -> None:
    browser = as_(world.carol)
    back = "/firm/payments/gateways/fake"
    assert f'action="{URL}/new?next=%2Ffirm' in browser.get(f"{URL}/new?fund=trust&next={back}").text
    assert browser.post(f"{URL}/new?next={back}", data=typed()).location == back
    assert browser.post(f"{URL}/new?next=//evil.example", data=typed(name="Other")).location == URL
    assert "Sample Bank IOLTA ••0042" in browser.get(back).text
    assert "Sample Bank IOLTA" in browser.get(URL).text


def test_details_can_be_corrected(world: World, as_: As) -> None:
    account = BankAccount.get(BankAccount.fund == "operating")
    browser = as_(world.carol)
    assert 'value="8842"' in browser.get(f"{URL}/{account.id}").text
    for _ in range(2):
        assert browser.post(f"{URL}/{account.id}", data=typed(fund="operating")).status_code == 303
    assert BankAccount.get_by_id(account.id).name == "Sample Bank IOLTA"
    assert BankAccount.select().count() == 2
    assert browser.get(f"{URL}/999").status_code == 404


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "Fill in this field."),
        ({"name": "Trust account"}, "of this name already"),
        ({"last4": "12a4"}, "last four digits alone"),
        ({"last4": "٠٠٤٢"}, "last four digits alone"),
        ({"fund": "escrow"}, "Choose from the list."),
        ({"fund": "trust"}, "A gateway pays into this account."),
    ],
)
def test_bad_details_change_nothing(world: World, as_: As, change: dict[str, str], sentence: str) -> None:
    account = BankAccount.get(BankAccount.fund == "operating")
    answer = as_(world.carol).post(f"{URL}/{account.id}", data=typed(fund="operating") | change)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert BankAccount.get_by_id(account.id).name == "Operating account"
