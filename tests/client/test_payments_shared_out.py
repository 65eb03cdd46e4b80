"""Pay Now when card and bank go through different gateways, and when a copy of the portal takes nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import config, gateway_setup
from portal_app.config import Config
from portal_app.domain.payments import Gateway, Payment
from portal_app.plugin_api import Fund, Method
from tests.client.test_payments import ADDRESS, only_payment, pay, typed, value_of
from tests.client.test_payments_astray import written
from tests.domain.test_gateway_accounts import BANK, CARD, second
from tests.domain.test_installation import live, other  # noqa: F401 - fixtures
from tests.fake_gateway import FakeGateway
from tests.firm.pages import queries
from tests.world import World

As = Callable[[Any], FlaskClient]
NONE_NOW = "The firm takes no online payments now."


@pytest.fixture
def banks(world: World) -> Gateway:
    """The gateway that takes bank accounts, beside the one that takes cards."""
    row = second(world)
    gateway_setup.set_roads({BANK: row}, by=world.carol)
    return row


def elsewhere(text: str) -> list[str]:
    """The methods for which the page says that another gateway takes them."""
    return [found[1] for found in re.finditer(r'<input[^>]*data-elsewhere[^>]*value="(\w+)"', text)]


def test_the_page_shows_the_fields_of_the_method_chosen(world: World, as_: As, banks: Gateway) -> None:
    browser = as_(world.alice)
    page = browser.get("/portal/pay").text
    assert value_of(page, "key").startswith(f"g{world.gateway.id}-")
    assert elsewhere(page) == ["bank"]
    sent = typed("700.00", method="bank", key=value_of(page, "key"), token="left-over", city="Elsewhere")
    page = browser.post("/portal/pay", data=sent).text
    assert value_of(page, "key").startswith(f"g{banks.id}-")
    assert value_of(page, "token") == ""
    assert elsewhere(page) == ["card"]
    assert 'value="700.00"' in page
    assert 'value="Elsewhere"' in page
    assert not Payment.select().exists()


def test_each_method_is_charged_by_its_gateway(world: World, as_: As, banks: Gateway, gateway: FakeGateway) -> None:
    browser = as_(world.alice)
    for method, row in (("card", world.gateway), ("bank", banks)):
        assert pay(browser, "100", method=method, key=f"g{row.id}-{method}").status_code == 303
    assert pay(browser, "100", method="bank", key="no-scripts", token="").status_code == 303
    assert [(row.method, row.gateway.code) for row in Payment.select().order_by(Payment.id)] == [
        ("card", "fake"), ("bank", "fake-2"), ("bank", "fake-2"),
    ]  # fmt: skip


def test_a_token_of_the_other_gateways_fields_is_sent_to_nobody(
    world: World, as_: As, banks: Gateway, gateway: FakeGateway
) -> None:
    answer = pay(as_(world.alice), method="bank", key=f"g{world.gateway.id}-x")
    assert answer.status_code == 422
    assert "changed its payment service" in answer.text
    assert (gateway.asked, Payment.select().count()) == ([], 0)


def test_a_method_that_nobody_takes_is_not_offered(world: World, as_: As, gateway: FakeGateway) -> None:
    gateway_setup.set_roads({CARD: None}, by=world.carol)
    browser = as_(world.alice)
    page = browser.get("/portal/pay").text
    assert '<input type="hidden" name="method" value="bank">' in page
    assert pay(browser, method="card").status_code == 422
    assert gateway.asked == []
    assert pay(browser, method="bank").status_code == 303


def test_a_road_that_was_moved_before_sending_is_asked_about_again(
    world: World, as_: As, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = written(world, as_, monkeypatch)
    gateway_setup.set_roads({CARD: second(world)}, by=world.carol)
    assert pay(browser, seen="100050").status_code == 422
    assert (only_payment().state, gateway.asked) == ("not_submitted", [])


def test_two_gateways_cost_no_more_questions_than_one(world: World, as_: As) -> None:
    browser = as_(world.alice)
    one = {url: queries(browser, url) for url in ("/portal", "/portal/pay", "/portal/invoices")}
    gateway_setup.set_roads({BANK: second(world)}, by=world.carol)
    assert {url: queries(browser, url) for url in one} == one


@pytest.mark.usefixtures("live")
def test_a_copy_of_the_portal_takes_no_payments_and_says_so(
    world: World, as_: As, settings: Config, tmp_path: Path
) -> None:
    alice, carol, erin = as_(world.alice), as_(world.carol), as_(world.erin)
    assert NONE_NOW not in alice.get("/portal/pay").text
    before = queries(alice, "/portal")
    shutil.copytree(settings.data_dir, tmp_path / "copy", ignore=shutil.ignore_patterns("documents", "copy"))
    config.use(replace(settings, data=str(tmp_path / "copy")))
    for url in ("/portal", "/portal/pay"):
        assert NONE_NOW in alice.get(url).text
        assert "paused" not in alice.get(url).text, "why is the firm's own business"
    assert queries(alice, "/portal") == before
    answer = alice.post("/portal/payments", data=typed("100"))
    assert (answer.status_code, Payment.select().count()) == (422, 0)
    for browser in (carol, erin):
        assert "its live gateways are paused" in browser.get("/firm").text
    page = carol.get("/firm/payments/gateways").text
    assert "This is the installation that takes payments" in page
    refused = carol.post("/firm/payments/gateways/other/test")
    assert refused.status_code == 422
    assert "looks like a copy of the portal" in refused.text
    assert erin.post("/firm/payments/installation").status_code == 403
    for _ in range(2):
        assert carol.post("/firm/payments/installation").status_code == 303
    assert "paused" not in carol.get("/firm/payments/gateways").text
    assert alice.post("/portal/payments", data=typed("100") | ADDRESS).status_code == 303
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.CARD) == gateway_setup.find("other")
