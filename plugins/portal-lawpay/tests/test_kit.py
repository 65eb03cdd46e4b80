"""The conformance kit on the LawPay plugin, with the emulator as its wire."""

from __future__ import annotations

from portal_app.plugin_api import Fund
from portal_app.testing import KIT_VERSION, GatewayKit, Wire
from portal_lawpay import gateway
from portal_lawpay.wire import LawPayWire


class TestLawPay(GatewayKit):
    def make_gateway(self) -> object:
        return gateway

    def make_wire(self) -> Wire:
        return LawPayWire()


def test_the_manifest_names_the_kit_that_it_passed_with() -> None:
    assert gateway.gateway_manifest().kit_version == KIT_VERSION == "1"
    assert Fund.TRUST in gateway.gateway_manifest().funds
