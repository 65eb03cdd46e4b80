"""The conformance kit on the Stripe plugin, with the fake as its wire."""

from __future__ import annotations

from collections.abc import Mapping

from portal_app.testing import GatewayKit
from portal_stripe import gateway
from portal_stripe.wire import StripeWire


class TestStripe(GatewayKit):
    def make_gateway(self) -> object:
        return gateway

    def make_wire(self) -> StripeWire:
        return StripeWire()


class TrustWire(StripeWire):
    """The firm's second Stripe account, which pays into its trust account."""

    def settings(self) -> Mapping[str, str]:
        return {**super().settings(), "pays_into": "trust"}


class OfTrust(TestStripe):
    """A Stripe account has one fund: what the kit asks of trust money is asked of the gateway that has it."""

    def make_wire(self) -> StripeWire:
        return TrustWire()


def test_trust_money_never_pays_a_fee() -> None:
    kit = OfTrust()
    kit.setup_method()
    try:
        kit.test_trust_money_never_pays_a_fee()
        assert [each.amount_minor for each in kit.wire.charges()] == [12_345, 3_333]
    finally:
        kit.teardown_method()
