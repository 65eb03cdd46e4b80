"""The maker's client on the portal's wire: it builds and reads the requests, the portal sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from portal_app.plugin_api import Context

if TYPE_CHECKING:
    from stripe import StripeClient

# What the client would add tells Stripe about this machine; none of it is needed.
_SENT = frozenset({"authorization", "content-type", "idempotency-key", "stripe-version"})


def client(ctx: Context) -> StripeClient:
    """Stripe's client for this gateway's key. It never tries again by itself: whoever calls decides that."""
    import stripe  # slow to import; only a payment needs it

    class Wire(stripe.HTTPClient):
        name = "matter-portal"

        def request(
            self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
        ) -> tuple[str, int, Mapping[str, str]]:
            kept = {name: value for name, value in (headers or {}).items() if name.lower() in _SENT}
            content = post_data.encode() if post_data else None
            answer = ctx.http(method.upper(), url, headers=kept | {"User-Agent": "matter-portal"}, content=content)
            return answer.body.decode(), answer.status, answer.headers

        def close(self) -> None:
            """Nothing stays open."""

    base = ctx.settings["base_url"].rstrip("/")
    return stripe.StripeClient(
        ctx.settings["secret_key"], http_client=Wire(), base_addresses={"api": base}, max_network_retries=0
    )
