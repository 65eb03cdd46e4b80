"""What a hook is called with, and the host's HTTP client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from portal_app.plugin_api.paying import EMPTY
from portal_app.plugin_api.words import Mode

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class NeverSent(Exception):
    """The request provably did not reach the gateway (name not found, connection refused)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """What came back over the wire; header names are in lower case. ``json()`` raises ``ValueError`` on anything but a
    JSON object."""

    status: int
    body: bytes
    json: Callable[[], dict[str, Any]]
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)


class Http(Protocol):
    """The host's HTTP client: time limit, verified TLS, no redirects, allowed hosts, redacted log.

    ``json`` sends an object as JSON; ``content`` sends bytes as they are, with the headers that say what they are.
    Raises ``NeverSent`` when nothing was sent; any other exception means that nobody knows.
    """

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        content: bytes | None = None,
    ) -> Response: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a hook is called with: this gateway's settings (secrets in the clear), its mode, and the host's wire.

    ``gateway`` is the code of this account of the plugin in the portal; ``now`` the portal's clock, aware;
    ``webhook_url`` where the gateway is to send its events. ``companion_url`` is the address under which the host
    serves the plugin's companion, if it has one; ``data_dir`` is a folder of the plugin's own for that companion.
    """

    settings: Mapping[str, str]
    mode: Mode
    http: Http
    now: dt.datetime
    gateway: str = ""
    webhook_url: str = ""
    companion_url: str = ""
    data_dir: str = ""
