"""Plugins: a broken one never stops the site, a hook reaches one gateway, secrets stay sealed."""

from __future__ import annotations

import json
from dataclasses import replace

import pluggy
import pytest

from portal_app import gateway_setup, hookspecs, outbound, plugins, vault
from portal_app.domain.errors import Refused
from portal_app.domain.payments import BankAccount, Gateway
from portal_app.plugin_api import PROJECT, Fund, Manifest, Mode, NeverSent, hookimpl
from tests.fake_gateway import FakeGateway
from tests.world import SECRET, World


class Other(FakeGateway):
    """A second gateway, live."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        return replace(super().gateway_manifest(), id="other", title="Other", is_rehearsal=False)


class Misspelt(FakeGateway):
    @hookimpl
    def gateway_chrage(self) -> None:
        """A hook that does not exist."""


class Failing(FakeGateway):
    @hookimpl
    def gateway_manifest(self) -> Manifest:
        raise RuntimeError("no such thing")


def registry(*gateways: object) -> plugins.Registry:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    found = plugins.Registry(manager)
    for number, gateway in enumerate(gateways):
        found.add(gateway, f"entry{number}")
    return found


def test_a_broken_plugin_is_listed_with_its_error_and_the_others_work() -> None:
    found = registry(Misspelt(), Failing(), FakeGateway())
    assert list(found.manifests) == ["fake"]
    assert "gateway_chrage" in found.broken["entry0"]
    assert "no such thing" in found.broken["entry1"]
    assert found.call("fake", "gateway_manifest").id == "fake"


@pytest.mark.parametrize("name", ["", "Fake", "a/b", "x" * 25, "fake"])
def test_an_id_that_cannot_be_an_address_or_is_taken_is_refused(name: str) -> None:
    class Named(FakeGateway):
        @hookimpl
        def gateway_manifest(self) -> Manifest:
            return replace(super().gateway_manifest(), id=name)

    first = FakeGateway()
    found = registry(first, Named())
    assert "cannot be a gateway's id" in found.broken["entry1"]
    assert found.gateways == {"fake": first}


def test_a_hook_reaches_the_addressed_gateway_alone() -> None:
    one, two = FakeGateway(), Other()
    found = registry(one, two)
    found.call("other", "gateway_cancel", ctx=None, query=type("Query", (), {"reference": "x"}))
    assert (one.asked, two.asked) == ([], ["cancel"])
    with pytest.raises(plugins.NoSuchGateway):
        found.call("absent", "gateway_manifest")


def test_secrets_are_sealed_kept_and_never_shown(world: World) -> None:
    kept = json.loads(Gateway.get_by_id(world.gateway.id).settings)
    assert SECRET not in json.dumps(kept)
    assert vault.unseal(kept["secret_key"]) == SECRET
    manifest = gateway_setup.manifest_of(world.gateway)
    assert gateway_setup.shown_settings(world.gateway, manifest) == {"secret_key": ""}
    assert gateway_setup.has_secret(world.gateway, "secret_key")

    gateway_setup.save("fake", {"secret_key": ""}, mode=Mode.TEST, by=world.carol)  # empty keeps what is there
    again = Gateway.get_by_id(world.gateway.id)
    assert gateway_setup.settings_of(again)["secret_key"] == SECRET
    assert again.tested_at is None, "changed settings must be tested again"


def test_the_plugin_refuses_settings_at_their_field(world: World) -> None:
    with pytest.raises(Refused) as told:
        gateway_setup.save("fake", {"secret_key": "bad"}, mode=Mode.TEST, by=world.carol)
    assert told.value.field == "secret_key"
    assert gateway_setup.settings_of(Gateway.get_by_id(world.gateway.id))["secret_key"] == SECRET


def test_enabling_asks_for_a_test_and_a_route(world: World) -> None:
    gateway = gateway_setup.save("fake", {"secret_key": "refused"}, mode=Mode.TEST, by=world.carol)
    with pytest.raises(Refused, match="Test the connection"):
        gateway_setup.enable(gateway, by=world.carol)
    assert not gateway_setup.test_connection(gateway).is_ok
    with pytest.raises(Refused, match="Test the connection"):
        gateway_setup.enable(gateway, by=world.carol)


def test_a_merchant_account_of_the_wrong_fund_is_found(world: World) -> None:
    operating = BankAccount.get(BankAccount.fund == "operating")
    gateway_setup.set_route(world.gateway, Fund.OPERATING, "fake-trust", operating)
    health = gateway_setup.test_connection(world.gateway)
    assert not health.is_ok
    assert "trust account" in health.checks[-1].detail
    with pytest.raises(Refused, match="not a trust account"):
        gateway_setup.set_route(world.gateway, Fund.TRUST, "fake-trust", operating)


def test_a_rehearsal_is_refused_beside_a_live_gateway(world: World) -> None:
    plugins.use(registry(FakeGateway(), Other()))
    live = gateway_setup.save("other", {"secret_key": "sk_live"}, mode=Mode.LIVE, by=world.carol)
    gateway_setup.set_route(live, Fund.OPERATING, "fake-operating", BankAccount.get(BankAccount.fund == "operating"))
    gateway_setup.test_connection(live)
    with pytest.raises(Refused, match="rehearsal"):
        gateway_setup.enable(live, by=world.carol)
    gateway_setup.disable(world.gateway, by=world.carol)
    gateway_setup.enable(live, by=world.carol)
    assert set(gateway_setup.open_roads(Fund.OPERATING).values()) == {live}
    assert not gateway_setup.is_rehearsing()


def test_a_gateway_whose_plugin_is_gone_takes_no_payments(world: World) -> None:
    plugins.use(registry())
    assert gateway_setup.open_roads(Fund.OPERATING) == {}


def test_the_wire_reaches_only_the_gateways_own_hosts() -> None:
    wire = outbound.Outbound(outbound.hosts_of("https://api.example.com/v1", "http://localhost:1"))
    with pytest.raises(outbound.HostNotAllowed):
        wire("GET", "https://169.254.169.254/latest")
    with pytest.raises(NeverSent):
        wire("POST", "http://localhost:1/charges", json={})
