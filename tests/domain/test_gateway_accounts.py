"""Several accounts of one plugin, and who takes what; on both databases."""

from __future__ import annotations

import datetime as dt

import pytest

from portal_app import clock, gateway_setup, gateways, plugins
from portal_app.domain import ledger, payments
from portal_app.domain.errors import Refused
from portal_app.domain.payments import BankAccount, Gateway, PaymentRoad
from portal_app.plugin_api import Context, Fund, Method, Mode
from tests.domain.test_payments import order
from tests.fake_gateway import FakeGateway
from tests.test_plugins import Other, registry
from tests.world import World

CARD, BANK = (Fund.OPERATING, Method.CARD), (Fund.OPERATING, Method.BANK)


def second(world: World, code: str = "fake-2", *, name: str = "", mode: Mode = Mode.TEST) -> Gateway:
    """One more account, tested, with an account for operating money."""
    row = gateway_setup.save(code, {"secret_key": f"sk_of_{code}"}, mode=mode, by=world.carol, name=name)
    operating = BankAccount.get(BankAccount.fund == "operating")
    gateway_setup.set_route(row, Fund.OPERATING, "fake-operating", operating)
    assert gateway_setup.test_connection(row).is_ok
    return row


def takers(fund: Fund = Fund.OPERATING) -> dict[str, str]:
    return {method.value: gateway.code for method, gateway in gateway_setup.open_roads(fund).items()}


def test_accounts_of_one_plugin_are_told_apart(world: World) -> None:
    assert gateway_setup.next_codes() == {"fake": "fake-2"}
    assert (gateway_setup.plugin_of("fake"), gateway_setup.plugin_of("fake-2")) == ("fake", "fake")
    assert gateway_setup.plugin_of("fake-3") is None
    with pytest.raises(plugins.NoSuchGateway):
        gateway_setup.save("fake-3", {}, mode=Mode.TEST, by=world.carol)
    one, two = gateway_setup.find("fake"), second(world)
    assert one is not None
    assert (gateway_setup.title_of(one), gateway_setup.title_of(two)) == ("Fake", "Fake 2")
    two = gateway_setup.save("fake-2", {}, mode=Mode.TEST, by=world.carol, name="Springfield office")
    assert gateway_setup.title_of(two) == "Fake: Springfield office"
    assert gateway_setup.settings_of(two)["secret_key"] == "sk_of_fake-2"
    contexts: list[Context] = [gateway_setup.context(row) for row in (one, two)]
    assert [ctx.gateway for ctx in contexts] == ["fake", "fake-2"]
    assert [ctx.webhook_url.rpartition("/")[0] for ctx in contexts] == [
        "http://localhost/webhooks/fake", "http://localhost/webhooks/fake-2",
    ]  # fmt: skip
    assert contexts[0].webhook_url != contexts[1].webhook_url
    assert len(one.webhook_secret) == 32


def test_each_account_has_its_own_clearing(world: World, gateway: FakeGateway) -> None:
    two = second(world)
    gateway_setup.set_roads({CARD: two}, by=world.carol)
    gateways.charge(payments.start(world.alice, two, order(10_000)), "ok")
    assert (ledger.account_balance("clearing:fake"), ledger.account_balance("clearing:fake-2")) == (0, 10_000)


def test_enabling_takes_over_all_that_it_can_and_who_is_left_with_nothing_is_off(world: World) -> None:
    assert takers() == {"card": "fake", "bank": "fake"}
    two = second(world)
    assert takers() == {"card": "fake", "bank": "fake"}
    gateway_setup.enable(two, by=world.carol)
    assert takers() == {"card": "fake-2", "bank": "fake-2"}
    assert takers(Fund.TRUST) == {}
    assert world.refresh("gateway").enabled_at is None
    assert two.enabled_at is not None


def test_card_and_bank_may_go_different_ways(world: World) -> None:
    two, since = second(world), world.gateway.enabled_at
    gateway_setup.set_roads({BANK: two}, by=world.carol)
    assert takers() == {"card": "fake", "bank": "fake-2"}
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.BANK) == two
    assert world.refresh("gateway").enabled_at == since, "on since the day it was on"
    assert Gateway.get_by_id(two.id).enabled_at is not None
    gateway_setup.set_roads({CARD: None}, by=world.carol)
    assert takers() == {"bank": "fake-2"}
    assert world.refresh("gateway").enabled_at is None
    gateway_setup.disable(two, by=world.carol)
    assert takers() == {}


def test_a_road_goes_only_to_a_tested_gateway_that_can_take_it(world: World) -> None:
    two = second(world)
    roads = {(road.fund, road.method): road for road in gateway_setup.who_takes_what()}
    assert set(roads) == {CARD, BANK}
    assert [row.code for row in roads[CARD].candidates] == ["fake", "fake-2"]
    with pytest.raises(Refused, match="Fake 2 cannot take this now") as told:
        gateway_setup.set_roads({CARD: None, (Fund.TRUST, Method.CARD): two}, by=world.carol)
    assert told.value.field == "trust_card"
    gateway_setup.save("fake-2", {"secret_key": "untested"}, mode=Mode.TEST, by=world.carol)
    with pytest.raises(Refused):
        gateway_setup.set_roads({CARD: two}, by=world.carol)
    assert takers() == {"card": "fake", "bank": "fake"}


def test_a_rehearsal_never_shares_with_a_live_gateway(world: World) -> None:
    plugins.use(registry(FakeGateway(), Other()))
    other = second(world, "other")
    with pytest.raises(Refused, match="rehearsal"):
        gateway_setup.set_roads({BANK: other}, by=world.carol)
    assert takers() == {"card": "fake", "bank": "fake"}
    gateway_setup.set_roads({CARD: other, BANK: other}, by=world.carol)
    assert takers() == {"card": "other", "bank": "other"}


def test_a_fund_without_an_account_loses_its_roads(world: World) -> None:
    trust = BankAccount.get(BankAccount.fund == "trust")
    gateway_setup.set_route(world.gateway, Fund.TRUST, "fake-trust", trust)
    gateway_setup.test_connection(world.gateway)
    gateway_setup.enable(world.gateway, by=world.carol)
    assert takers(Fund.TRUST) == {"card": "fake", "bank": "fake"}
    gateway_setup.connect(world.gateway, {Fund.TRUST: ("", None), Fund.OPERATING: ("", None)})
    assert takers(Fund.TRUST) == {}
    assert takers() == {"card": "fake", "bank": "fake"}, "clients pay through it: it keeps its account"
    assert PaymentRoad.select().count() == 2


def test_settings_that_stay_keep_their_date(world: World) -> None:
    with clock.frozen(clock.now() + dt.timedelta(days=1)):
        same = gateway_setup.save("fake", {"secret_key": ""}, mode=Mode.TEST, by=world.carol, name="Main")
        assert same.settings_saved_at == world.gateway.settings_saved_at
        changed = gateway_setup.save("fake", {"secret_key": "another"}, mode=Mode.TEST, by=world.carol)
        assert changed.settings_saved_at == clock.now()
        assert changed.name == "Main"
