"""Payments › Gateways: set up from the plugin's own description, tested, switched on and off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import clock, config, gateway_setup, plugins
from portal_app.config import Config
from portal_app.db import transaction
from portal_app.domain import payments
from portal_app.domain.payments import BankAccount, Gateway, GatewayRoute, PaymentRoad
from portal_app.plugin_api import Capability, Event, Fund, Method
from tests.fake_gateway import FakeGateway
from tests.firm.pages import queries, without_token
from tests.world import SECRET, World

As = Callable[[Any], FlaskClient]
URL = "/firm/payments/gateways/fake"


def bank(fund: str) -> str:
    return str(BankAccount.get(BankAccount.fund == fund).id)


def typed(**changes: str) -> dict[str, str]:
    return {"mode": "test", "secret_key": "", "bank_operating": bank("operating"), "account_operating": ""} | changes


@pytest.fixture
def fresh(world: World) -> World:
    """The gateway as it is before anybody set it up."""
    PaymentRoad.delete().execute()
    GatewayRoute.delete().execute()
    Gateway.delete().execute()
    return world


def test_from_nothing_to_enabled_in_two_steps(fresh: World, as_: As) -> None:
    browser = as_(fresh.carol)
    assert "Set up Fake" in browser.get("/firm/payments/gateways").text
    page = browser.get(URL).text
    assert f'<option selected value="{bank("operating")}">Operating account ••8842</option>' in page
    answer = browser.post(URL, data=typed(secret_key=SECRET, bank_trust=bank("trust")), follow_redirects=True)
    assert "The connection to Fake works." in answer.text
    routes = gateway_setup.routes_of(Gateway.get())
    assert {fund: row.merchant_account for fund, row in routes.items()} == {
        "operating": "fake-operating",
        "trust": "fake-trust",
    }
    assert "Enable Fake" in answer.text
    answer = browser.post(f"{URL}/enable", follow_redirects=True)
    assert "Fake is enabled." in answer.text
    assert "Rehearsal: no real money moves." in answer.text
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.CARD) is not None


def test_a_secret_is_written_never_read_and_kept_when_left_empty(world: World, as_: As) -> None:
    browser = as_(world.carol)
    assert "Leave empty to keep it." in browser.get(URL).text
    assert browser.post(URL, data=typed()).status_code == 303
    assert gateway_setup.settings_of(Gateway.get())["secret_key"] == SECRET
    refused = browser.post(URL, data=typed(secret_key="bad-but-typed"))
    for path in ("/firm/payments/gateways", URL):
        assert SECRET not in browser.get(path).text
    assert refused.status_code == 422
    assert "bad-but-typed" not in refused.text


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"secret_key": "bad"}, "secret_key", "This is not a key."),
        ({"mode": "gold"}, "mode", "Choose from the list."),
        ({"bank_operating": "9999"}, "bank_operating", "Choose from the list."),
        ({"account_operating": "x" * 81}, "account_operating", "Use at most 80 characters."),
    ],
)
def test_bad_settings_are_marked_and_change_nothing(
    world: World, as_: As, change: dict[str, str], field: str, sentence: str
) -> None:
    before = gateway_setup.settings_of(world.gateway)
    answer = as_(world.carol).post(URL, data=typed(account_trust="kept-as-typed", **change))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'href="#{field}"' in answer.text
    assert 'value="kept-as-typed"' in answer.text
    assert gateway_setup.settings_of(Gateway.get()) == before
    assert set(gateway_setup.routes_of(Gateway.get())) == {"operating"}


def test_the_test_says_what_it_looked_at(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser = as_(world.carol)
    piece = browser.post(f"{URL}/test", headers=htmx)
    assert piece.text.startswith('<aside class="side tight" id="connection"')
    assert "Operating money goes to fake-operating" in piece.text
    assert without_token(piece.text) in without_token(browser.post(f"{URL}/test").text)
    browser.post(URL, data=typed(secret_key="refused"))
    answer = browser.get("/firm/payments/gateways").text
    assert "Secret key: no." in answer
    assert "Connection works." not in answer


def test_enabling_what_does_not_work_is_refused_in_words(world: World, as_: As) -> None:
    browser = as_(world.carol)
    browser.post(f"{URL}/disable")
    browser.post(URL, data=typed(secret_key="refused"))
    answer = browser.post(f"{URL}/enable")
    assert answer.status_code == 422
    assert "Test the connection first." in answer.text
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.CARD) is None


def test_disabling_twice_is_disabling_once(world: World, as_: As) -> None:
    browser = as_(world.carol)
    for _ in range(2):
        assert browser.post(f"{URL}/disable").status_code == 303
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.CARD) is None
    assert "Enable Fake" in browser.get(URL).text


def test_plugins_that_are_broken_or_gone_are_named(world: World, as_: As) -> None:
    empty = plugins.Registry(plugins.registry().manager, broken={"moneyworks": "ImportError: no such module"})
    plugins.use(empty)
    browser = as_(world.carol)
    text = browser.get("/firm/payments/gateways").text
    assert "ImportError: no such module" in text
    assert "No longer installed" in text
    assert browser.get(URL).status_code == 404
    assert browser.post(f"{URL}/disable").location == "/firm/payments/gateways"
    assert Gateway.get().enabled_at is None


def test_only_administrators_set_up_gateways(world: World, as_: As) -> None:
    assert as_(world.erin).get(URL).status_code == 403
    assert as_(world.erin).post(f"{URL}/disable").status_code == 403
    assert as_(world.alice).get(URL).status_code == 404
    assert "Gateways" not in as_(world.erin).get("/firm/payments").text
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.CARD) is not None


def test_a_plugin_that_fails_while_checking_settings_is_no_dead_page(
    world: World, as_: As, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = plugins.Registry.call

    def call(self: plugins.Registry, plugin: str, hook: str, **arguments: Any) -> Any:
        if hook == "gateway_validate_settings":
            raise RuntimeError("index out of range")
        return real(self, plugin, hook, **arguments)

    monkeypatch.setattr(plugins.Registry, "call", call)
    answer = as_(world.carol).post(URL, data=typed())
    assert answer.status_code == 422
    assert "index out of range" in answer.text


def test_a_gateway_that_clients_pay_through_keeps_its_account(world: World, as_: As, gateway: FakeGateway) -> None:
    browser = as_(world.carol)
    refused = browser.post(URL, data=typed(bank_operating=""))
    assert refused.status_code == 422
    assert "switch it off first" in refused.text
    assert browser.post(URL, data=typed(secret_key="refused")).status_code == 303, "no answer, so no account is known"
    assert list(gateway_setup.routes_of(Gateway.get())) == ["operating"]
    browser.post(f"{URL}/disable")
    assert browser.post(URL, data=typed(bank_operating="")).status_code == 303
    assert gateway_setup.routes_of(Gateway.get()) == {}


def test_one_more_account_is_set_up_on_the_page_of_the_next_code(world: World, as_: As) -> None:
    browser = as_(world.carol)
    assert 'href="/firm/payments/gateways/fake-2"' in browser.get(URL).text
    other = f"{URL}-2"
    page = browser.get(other).text
    assert "Another account at Fake" in page
    assert browser.get(f"{URL}-3").status_code == 404
    assert browser.post(f"{URL}-3", data=typed()).status_code == 404
    assert browser.post(other, data=typed(own_name="x" * 61, secret_key="k2")).status_code == 422
    assert Gateway.select().count() == 1
    for _ in range(2):
        assert browser.post(other, data=typed(own_name="Springfield", secret_key="k2")).status_code == 303
    assert [row.code for row in gateway_setup.all_gateways()] == ["fake", "fake-2"]
    assert "Fake: Springfield" in browser.get("/firm/payments/gateways").text
    assert "/webhooks/fake-2/" not in browser.get("/firm/payments/gateways").text
    answer = browser.post(f"{other}/enable", follow_redirects=True)
    assert "Fake: Springfield is enabled." in answer.text


def test_who_takes_what_is_chosen_on_the_list(world: World, as_: As) -> None:
    browser, url = as_(world.carol), "/firm/payments/roads"
    browser.post(f"{URL}-2", data=typed(secret_key="k2"))
    page = browser.get("/firm/payments/gateways").text
    assert '<option value="fake-2">Fake 2</option>' in page
    answer = browser.post(url, data={"operating_card": "fake", "operating_bank": "fake-2"}, follow_redirects=True)
    assert "Saved. New payments go this way from now on" in answer.text
    assert '<option selected value="fake-2">' in answer.text
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.BANK) == gateway_setup.find("fake-2")
    refused = browser.post(url, data={"operating_card": "", "operating_bank": "nobody"})
    assert refused.status_code == 422
    assert 'href="#operating_bank"' in refused.text
    assert browser.post(url, data={"operating_card": "fake-2"}).status_code == 303
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.BANK) == gateway_setup.find("fake-2"), (
        "not named, not moved"
    )
    assert browser.post(url, data={"operating_card": "fake", "operating_bank": ""}).status_code == 303
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.BANK) is None
    assert as_(world.erin).post(url, data={"operating_card": ""}).status_code == 403
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.CARD) is not None


def test_the_list_asks_no_more_when_there_are_more_accounts(world: World, as_: As) -> None:
    browser = as_(world.carol)
    browser.post(f"{URL}-2", data=typed(secret_key="k2"))
    two = queries(browser, "/firm/payments/gateways")
    for code in ("fake-3", "fake-4"):
        assert browser.post(f"/firm/payments/gateways/{code}", data=typed(secret_key="k2")).status_code == 303
    assert queries(browser, "/firm/payments/gateways") == two


def test_the_page_says_when_they_last_spoke(world: World, as_: As) -> None:
    manifests, browser = plugins.registry().manifests, as_(world.carol)
    manifests["fake"] = replace(manifests["fake"], capabilities=frozenset({Capability.WEBHOOK, Capability.LIST}))
    assert "None yet; the first comes with the first payment" in browser.get(URL).text
    payments.store_event(world.gateway, Event(id="evt_1", kind="charge.paid"))
    sweep = payments.begin_sweep(world.gateway, clock.now(), clock.now())
    with transaction():
        payments.ask("unknown_charge", "fake:ch_1", "Who was it?", gateway=world.gateway)
    page = browser.get(URL).text
    for text in ("charge.paid", "Under way since", "1 question for a person"):
        assert text in page
    payments.end_sweep(sweep, found=3)
    assert "3 lines compared with the books" in browser.get(URL).text
    payments.end_sweep(sweep, found=1, error="ValueError: the list does not end")
    assert "the list does not end" in browser.get(URL).text
    browser.post(f"{URL}-2", data=typed(secret_key="k2"))
    assert "question for a person" not in browser.get(f"{URL}-2").text, "each account has its own"


def test_the_page_says_what_to_paste_and_to_tick(world: World, as_: As, settings: Config) -> None:
    manifests, browser = plugins.registry().manifests, as_(world.carol)
    manifests["fake"] = replace(manifests["fake"], capabilities=frozenset())
    assert "Webhook address" not in browser.get(URL).text, "this gateway has no webhooks"
    assert "No conformance kit" in browser.get(URL).text
    manifests["fake"] = replace(
        manifests["fake"], capabilities=frozenset({Capability.WEBHOOK}), webhook_events=("charge.paid", "refund.paid"),
        kit_version="1.2",
    )  # fmt: skip
    page = browser.get(URL).text
    address = f"http://localhost/webhooks/fake/{world.gateway.webhook_secret}"
    assert f'readonly value="{address}"' in page
    assert gateway_setup.context(world.gateway).webhook_url == address
    for text in ("charge.paid", "refund.paid", "Conformance kit 1.2", "cannot reach it"):
        assert text in page
    config.use(replace(settings, public_url="https://localhost"))
    page = browser.get(URL, base_url="https://localhost").text
    assert "https://localhost/webhooks/fake/" in page
    assert "cannot reach it" not in page
    browser.post(f"{URL}-2", data=typed(secret_key="k2"), base_url="https://localhost")
    assert len({row.webhook_secret for row in gateway_setup.all_gateways()}) == 2
