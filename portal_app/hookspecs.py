"""The hooks. Each docstring says when it runs, what to return and what is forbidden there.

A gateway is one object whose methods implement ``gateway_*``, registered under its manifest's id through the entry
point group ``portal_app.plugins``. These hooks are never broadcast: the host addresses the one gateway concerned.
Verbs run outside any database transaction. Any exception is read as "unknown", never as "failed".

The observers (``payment_changed`` and so on) are the exception: every plugin that implements one is told, after the
commit, from the outbox, at least once and in no promised order. Their answers are ignored, their failures are logged.
"""

# The bodies are the docstrings: pluggy reads only names and parameters.

# mypy: disable-error-code="empty-body"
# Each function here says what a plugin answers, and answers nothing.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy

from portal_app.plugin_api import (
    PROJECT,
    BeginRequest,
    ChargeRequest,
    Context,
    Delivery,
    Event,
    Fields,
    Health,
    LedgerFact,
    LedgerLine,
    ListPage,
    ListQuery,
    LookupQuery,
    Manifest,
    Outcome,
    Problem,
    Redirect,
    RefundRequest,
    Rejected,
    Told,
    WsgiApp,
)

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec(firstresult=True)
def gateway_manifest() -> Manifest:
    """Runs at start and whenever a page draws the gateway. Return the same manifest every time.

    Forbidden: network, files, state.
    """


@hookspec(firstresult=True)
def gateway_validate_settings(ctx: Context) -> list[Problem]:
    """Runs when an administrator saves settings. Return what cannot be right (a live key in test mode).

    Forbidden: network.
    """


@hookspec(firstresult=True)
def gateway_health(ctx: Context) -> Health:
    """Runs on "Test connection". Ask the gateway who we are and which merchant accounts there are.

    Forbidden: taking money that is not given back in the same call.
    """


@hookspec(firstresult=True)
def gateway_begin(ctx: Context, request: BeginRequest) -> Fields | Redirect:
    """Runs when Pay Now is drawn (flow ``fields``: return ``Fields``) and when a payer without scripts presses Pay
    (flow ``redirect``: create the gateway's page for ``request.reference``, return ``Redirect``).

    Forbidden: taking money; for ``fields`` also the network, because it draws a page.
    """


@hookspec(firstresult=True)
def gateway_charge(ctx: Context, request: ChargeRequest) -> Outcome:
    """Runs once for each attempt, after the attempt was durably recorded as ``submitting``.

    Pass ``request.reference`` as the gateway's idempotency key or searchable reference. Return ``declined`` only on
    the gateway's definite word, ``not_submitted`` only when nothing was sent, ``unknown`` on any doubt. ``succeeded``
    says amount, currency, account and the gateway's reference; without them it counts as ``unknown``.
    """


@hookspec(firstresult=True)
def gateway_return(ctx: Context, query: LookupQuery) -> Outcome:
    """Runs when the payer's browser comes back. Ask the gateway; ``query.args`` prove nothing. What became of the
    attempt is never ``not_submitted``: that only ``gateway_begin`` and ``gateway_charge`` can know."""


@hookspec(firstresult=True)
def gateway_lookup(ctx: Context, query: LookupQuery) -> Outcome:
    """Runs while a charge or a refund is unresolved, and whenever an event or the daily sweep gives a reason to look at
    one again. Find it by our reference, or read it by the gateway's. ``query.subject`` says which of the two it is.

    For a charge, say its refunds and disputes too; a charge that had succeeded and whose money has gone back is
    ``returned``. ``absent`` only on a definite answer; never ``not_submitted``.
    """


@hookspec(firstresult=True)
def gateway_refund(ctx: Context, request: RefundRequest) -> Outcome:
    """Runs once for each refund, after it was durably recorded as ``submitting``. Give the money back: void the charge
    only when ``request.is_whole`` and the gateway still allows it, otherwise refund exactly the amount.

    Pass ``request.reference`` as the idempotency key or searchable reference. The outcome's ``gateway_reference`` and
    amount are the refund's (of a void: the charge's id, and its amount). ``pending`` while it is on its way;
    ``declined`` only on the gateway's definite word. Forbidden: refunding more than asked, or something else instead.
    """


@hookspec(firstresult=True)
def gateway_cancel(ctx: Context, query: LookupQuery) -> Outcome:
    """Runs when the payer gives up an unfinished payment. Return ``canceled`` only when it can no longer succeed;
    otherwise what it has become."""


@hookspec(firstresult=True)
def gateway_webhook(ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
    """Runs when something is posted to this gateway's webhook address, before it is answered. Verify the signature on
    the raw bytes, if the gateway signs; parse; return the events (also those of kinds that mean nothing to you), or
    ``Rejected``. The host stores each once, by its id, answers, and then asks ``gateway_lookup``.

    Forbidden: network; believing the event's amounts.
    """


@hookspec(firstresult=True)
def gateway_list(ctx: Context, query: ListQuery) -> ListPage:
    """Runs in the daily sweep, page by page, for each merchant account. Return the gateway's own transactions of the
    time: charges, refunds, fees, payouts, disputes. An exception ends the sweep; it is tried again later.

    Forbidden: leaving out what was not made through the portal; guessing amounts.
    """


@hookspec(firstresult=True)
def gateway_ledger_lines(ctx: Context, fact: LedgerFact) -> list[LedgerLine] | None:
    """Runs once for each transaction that the sweep finds and that is not booked yet. Propose how fees, surcharges and
    payouts are booked, by roles; ``None`` when there is nothing to book (charges and refunds are booked by the host).

    The lines must sum to zero, and none may be larger than the transaction with its fee; the host refuses them
    otherwise, and whenever the transaction is of trust money, and asks a person. Forbidden: network.
    """


@hookspec(firstresult=True)
def gateway_redact(ctx: Context, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Runs on every outcome's payload before it is stored. Return it without secrets or payer data that is not
    needed as evidence."""


@hookspec(firstresult=True)
def gateway_companion(ctx: Context) -> WsgiApp | None:
    """Runs once when the portal is served. Return a web application of the gateway's own, served on another port
    and so on another origin; ``None`` when there is none. Meant for rehearsal gateways. Where the application has a
    ``close``, it is called once nobody serves it any more: end the threads that you have started."""


@hookspec
def payment_changed(told: Told) -> None:
    """Runs after a payment has become something definite, or is on its way; ``told.state`` is its state.

    Forbidden: network calls of more than a few seconds; they keep other work waiting.
    """


@hookspec
def refund_changed(told: Told) -> None:
    """Runs after a refund has become something definite, or is on its way."""


@hookspec
def dispute_changed(told: Told) -> None:
    """Runs after a dispute was opened, won or lost."""


@hookspec
def ledger_posted(told: Told) -> None:
    """Runs after a journal entry was posted; ``told.id`` is its number, ``told.state`` its code ("portal_payment"),
    ``told.reference`` its source."""


@hookspec
def document_shared(told: Told) -> None:
    """Runs after a document was shared with a portal user; ``told.id`` is the share's number. Nothing of its content or
    of the person is told."""
