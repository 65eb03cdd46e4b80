"""The conformance kit: what every gateway plugin must be able to do, as tests that run against a fake of its wire.

    from portal_app.testing import GatewayKit, Wire

    class MyWire(Wire): ...                     # the gateway's side of the wire, faked

    class TestMyGateway(GatewayKit):
        def make_gateway(self): return gateway
        def make_wire(self): return MyWire()

Each check is a test method; its docstring says what it demands. What the fake or the manifest does not offer is
skipped and listed with its reason under "conformance" at the end of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portal_app.testing.kit import GatewayKit
    from portal_app.testing.wire import Given, Says, Taken, Wire

KIT_VERSION = "1"

__all__ = ["KIT_VERSION", "GatewayKit", "Given", "Says", "Taken", "Wire"]


def __getattr__(name: str) -> Any:
    # pytest imports this package in every run, through its entry point: the checks come only when they are wanted.
    if name == "GatewayKit":
        from portal_app.testing.kit import GatewayKit

        return GatewayKit
    if name in {"Given", "Says", "Taken", "Wire"}:
        from portal_app.testing import wire

        return getattr(wire, name)
    raise AttributeError(name)
