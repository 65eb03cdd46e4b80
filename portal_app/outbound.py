"""The wire that gateways get: a time limit, verified TLS, no redirects, only the gateway's own hosts."""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from portal_app.plugin_api import NeverSent, Response

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
ANSWER_SECONDS = 20
CALL_SECONDS = CONNECT_SECONDS + ANSWER_SECONDS  # less than the first lookup's wait: by then a call has ended
MAX_BYTES = 2 * 1024 * 1024


class HostNotAllowed(NeverSent):
    """A plugin tried to reach a host that is not in its settings."""


class Outbound:
    """An :class:`~portal_app.plugin_api.Http` for one hook of one gateway. Once a request has gone out, a later one
    that does not get away proves nothing any more: it raises what it raises, never ``NeverSent``."""

    def __init__(self, hosts: frozenset[str]) -> None:
        self.hosts = hosts
        self.has_sent = False

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        content: bytes | None = None,
    ) -> Response:
        import httpx  # half of a cold start; only a payment needs it

        from portal_app import wire

        parts = urlsplit(url)
        if parts.netloc not in self.hosts:
            said = f"{parts.netloc} is not one of this gateway's hosts"
            raise RuntimeError(said) if self.has_sent else HostNotAllowed(said)
        limits = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        until_ns = time.monotonic_ns() + CALL_SECONDS * 10**9
        try:
            with (
                wire.client(_trusted(), limits, until_ns) as client,
                client.stream(method, url, headers=dict(headers or {}), json=json, content=content) as answer,
            ):
                body = _read(answer.iter_bytes())
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as problem:
            if self.has_sent:
                raise
            raise NeverSent(str(problem)) from problem
        except Exception:
            self.has_sent = True
            raise
        self.has_sent = True
        log.info("%s %s%s: %s", method, parts.netloc, parts.path, answer.status_code)
        kept = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status_code, body=body, json=lambda: _object(body), headers=kept)


def _read(pieces: Iterable[bytes]) -> bytes:
    """The answer's body, as far as it may be kept: a gateway that floods ends itself."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > MAX_BYTES:
            raise ValueError("the gateway's answer is too long")
    return bytes(found)


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed: read once, because that costs more than a call."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def _object(body: bytes) -> dict[str, Any]:
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


@lru_cache(maxsize=64)
def hosts_of(*urls: str) -> frozenset[str]:
    return frozenset(urlsplit(url).netloc for url in urls if url)
