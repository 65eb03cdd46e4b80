"""An HTTP client for one call that ends by a set moment, whatever the peer does.

Time limits of a socket are for one operation each: a peer that sends a byte now and then stays inside them for ever.
Here every operation may take only what is left of the whole call.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

PIECE_BYTES = 4096  # a larger piece could leave in many sends, each with a limit of its own


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, until_ns: int) -> None:
        self.inner = inner
        self.until_ns = until_ns

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, _left(self.until_ns, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE_BYTES):
            limit = _left(self.until_ns, timeout, httpcore.WriteTimeout)
            self.inner.write(buffer[start : start + PIECE_BYTES], limit)

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = _left(self.until_ns, timeout, httpcore.ConnectTimeout)
        return _Stream(self.inner.start_tls(ssl_context, server_hostname, limit), self.until_ns)

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def __init__(self, until_ns: int) -> None:
        self.until_ns = until_ns

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        limit = _left(self.until_ns, timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, limit, local_address, socket_options), self.until_ns)


def _left(until_ns: int, timeout: float | None, problem: Callable[[str], Exception]) -> float:
    """The seconds that an operation may take: what is left of the call, at most ``timeout``."""
    left = (until_ns - time.monotonic_ns()) / 10**9
    if left <= 0:
        raise problem("the call took too long")
    return left if timeout is None else min(left, timeout)


class _Transport(httpx.HTTPTransport):
    def __init__(self, trusted: ssl.SSLContext, until_ns: int) -> None:
        super().__init__(verify=trusted, trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=trusted, network_backend=_Backend(until_ns))


def client(trusted: ssl.SSLContext, limits: httpx.Timeout, until_ns: int) -> httpx.Client:
    """A client for one call, which ends by ``until_ns`` on the monotonic clock: no redirects, no proxies."""
    return httpx.Client(
        transport=_Transport(trusted, until_ns), timeout=limits, follow_redirects=False, trust_env=False
    )
