"""The conformance kit on the sandbox."""

from __future__ import annotations

from portal_app.testing import GatewayKit
from portal_sandbox import gateway
from portal_sandbox.wire import SandboxWire


class TestSandbox(GatewayKit):
    def make_gateway(self) -> object:
        return gateway

    def make_wire(self) -> SandboxWire:
        return SandboxWire()
