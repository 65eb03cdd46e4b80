"""The conformance kit on the sandbox; its flows with the real portal on PostgreSQL, too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal_app.testing import GatewayKit
from portal_app.testing.checks.after import AfterChecks
from portal_sandbox import gateway
from portal_sandbox.wire import SandboxWire
from tests.postgres import Cluster


class TestSandbox(GatewayKit):
    def make_gateway(self) -> object:
        return gateway

    def make_wire(self) -> SandboxWire:
        return SandboxWire()


@pytest.fixture(scope="class")
def on_postgresql(request: pytest.FixtureRequest) -> Iterator[None]:
    cluster = Cluster()
    request.cls.server = cluster.url("postgres")
    yield
    cluster.stop()


@pytest.mark.usefixtures("on_postgresql")
class TestSandboxOnPostgresql(AfterChecks):
    def make_gateway(self) -> object:
        return gateway

    def make_wire(self) -> SandboxWire:
        return SandboxWire()
