"""The wire that gateways get: a time limit, verified TLS, no redirects, only the gateway's own hosts."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from portal_app.plugin_api import NeverSent, Response

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
ANSWER_SECONDS = 20  # less than the first lookup's wait: a call has ended before anybody asks what became of it
MAX_BYTES = 2 * 1024 * 1024


class HostNotAllowed(NeverSent):
    """A plugin tried to reach a host that is not in its settings."""


class Outbound:
    """An :class:`~portal_app.plugin_api.Http` for one gateway."""

    def __init__(self, hosts: frozenset[str]) -> None:
        self.hosts = hosts

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Response:
        import httpx  # half of a cold start; only a payment needs it

        parts = urlsplit(url)
        if parts.netloc not in self.hosts:
            raise HostNotAllowed(f"{parts.netloc} is not one of this gateway's hosts")
        limits = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        try:
            with httpx.Client(timeout=limits, verify=_trusted(), follow_redirects=False, trust_env=False) as client:
                answer = client.request(method, url, headers=dict(headers or {}), json=json)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as problem:
            raise NeverSent(str(problem)) from problem
        log.info("%s %s%s: %s", method, parts.netloc, parts.path, answer.status_code)
        body = answer.content[:MAX_BYTES]
        return Response(status=answer.status_code, body=body, json=lambda: _object(body))


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


def hosts_of(*urls: str) -> frozenset[str]:
    return frozenset(urlsplit(url).netloc for url in urls if url)
