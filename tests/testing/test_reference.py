"""The gateway of the skeleton passes every check of the kit, and none is skipped."""

from __future__ import annotations

from portal_app.testing import GatewayKit
from portal_app.testing.skeleton.example_wire import ExampleWire
from portal_app.testing.skeleton.portal_example import gateway


class TestExample(GatewayKit):
    def make_gateway(self) -> object:
        return gateway

    def make_wire(self) -> ExampleWire:
        return ExampleWire()
