"""The hooks. Each docstring says when it runs, what to return and what is forbidden there.

A gateway is one object whose methods implement ``gateway_*``, registered under its manifest's id through the entry
point group ``portal_app.plugins``. These hooks are never broadcast: the host addresses the one gateway concerned.
Verbs run outside any database transaction. Any exception is read as "unknown", never as "failed".
"""

# The bodies are the docstrings: pluggy reads only names and parameters.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy

from portal_app.plugin_api import (
    PROJECT,
    BeginRequest,
    ChargeRequest,
    Context,
    Fields,
    Health,
    LookupQuery,
    Manifest,
    Outcome,
    Problem,
    Redirect,
    WsgiApp,
)

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec(firstresult=True)
def gateway_manifest() -> Manifest:  # type: ignore[empty-body]
    """Runs at start and whenever a page draws the gateway. Return the same manifest every time.

    Forbidden: network, files, state.
    """


@hookspec(firstresult=True)
def gateway_validate_settings(ctx: Context) -> list[Problem]:  # type: ignore[empty-body]
    """Runs when an administrator saves settings. Return what cannot be right (a live key in test mode).

    Forbidden: network.
    """


@hookspec(firstresult=True)
def gateway_health(ctx: Context) -> Health:  # type: ignore[empty-body]
    """Runs on "Test connection". Ask the gateway who we are and which merchant accounts there are.

    Forbidden: taking money that is not given back in the same call.
    """


@hookspec(firstresult=True)
def gateway_begin(ctx: Context, request: BeginRequest) -> Fields | Redirect:  # type: ignore[empty-body]
    """Runs when Pay Now is drawn (flow ``fields``: return ``Fields``) and when a payer without scripts presses Pay
    (flow ``redirect``: create the gateway's page for ``request.reference``, return ``Redirect``).

    Forbidden: taking money; for ``fields`` also the network, because it draws a page.
    """


@hookspec(firstresult=True)
def gateway_charge(ctx: Context, request: ChargeRequest) -> Outcome:  # type: ignore[empty-body]
    """Runs once for each attempt, after the attempt was durably recorded as ``submitting``.

    Pass ``request.reference`` as the gateway's idempotency key or searchable reference. Return ``declined`` only on
    the gateway's definite word, ``not_submitted`` only when nothing was sent, ``unknown`` on any doubt. ``succeeded``
    says amount, currency, account and the gateway's reference; without them it counts as ``unknown``.
    """


@hookspec(firstresult=True)
def gateway_return(ctx: Context, query: LookupQuery) -> Outcome:  # type: ignore[empty-body]
    """Runs when the payer's browser comes back. Ask the gateway; ``query.args`` prove nothing. What became of the
    attempt is never ``not_submitted``: that only ``gateway_begin`` and ``gateway_charge`` can know."""


@hookspec(firstresult=True)
def gateway_lookup(ctx: Context, query: LookupQuery) -> Outcome:  # type: ignore[empty-body]
    """Runs while an attempt is unresolved. Find it by our reference. ``absent`` only on a definite answer; never
    ``not_submitted``."""


@hookspec(firstresult=True)
def gateway_cancel(ctx: Context, query: LookupQuery) -> Outcome:  # type: ignore[empty-body]
    """Runs when the payer gives up an unfinished payment. Return ``canceled`` only when it can no longer succeed;
    otherwise what it has become."""


@hookspec(firstresult=True)
def gateway_redact(ctx: Context, payload: Mapping[str, Any]) -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Runs on every outcome's payload before it is stored. Return it without secrets or payer data that is not
    needed as evidence."""


@hookspec(firstresult=True)
def gateway_companion(ctx: Context) -> WsgiApp | None:
    """Runs once when the portal is served. Return a web application of the gateway's own, served on another port
    and so on another origin; ``None`` when there is none. Meant for rehearsal gateways."""
