"""Finding out what became of a charge or refund: by Stripe's id, else by listing; never by its search, which lags."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from portal_app.plugin_api import Context, LookupQuery, Outcome, OutcomeKind, Subject
from portal_stripe import reading
from portal_stripe.account import account_of
from portal_stripe.asking import UNKNOWN, refused
from portal_stripe.charging import EXPAND
from portal_stripe.client import client
from portal_stripe.reading import FLOW, REFERENCE, id_of, inner, text

PAGES_MOST = 10  # of a hundred each; a list that goes on behind them proves no absence
EARLIER_SECONDS = 26 * 60 * 60  # by how much the portal's clock may be ahead of Stripe's: a wrong zone, and more
ABSENT = Outcome(kind=OutcomeKind.ABSENT)
_IDLE = ("requires_payment_method", "requires_confirmation")


class TooLong(Exception):
    """The list goes on behind the last page that was read."""


def look_up(ctx: Context, query: LookupQuery) -> Outcome:
    """What became of it. Raises what the client raises: nobody knows then."""
    ask = _refund if query.subject is Subject.REFUND else _charge
    try:
        return ask(ctx, query, account_of(ctx))
    except TooLong:
        return UNKNOWN


def cancel(ctx: Context, query: LookupQuery) -> Outcome:
    """Close what is open; say what it has become. Not found is no proof that it is not still on its way."""
    found = look_up(ctx, query)
    if found.kind is OutcomeKind.ABSENT:
        return UNKNOWN
    id, status = found.gateway_reference, text(found.payload, "status")
    if not id or not (found.kind is OutcomeKind.ACTION_REQUIRED or status in _IDLE):
        return found
    # The key names what was seen, so that a later try in another state is a request of its own.
    options: Any = {"idempotency_key": f"{query.reference}:cancel:{status}"}
    api = client(ctx).v1
    try:
        if id.startswith("cs_"):
            api.checkout.sessions.expire(id, options=options)
        else:
            api.payment_intents.cancel(id, options=options)
    except Exception as problem:
        if refused(problem) is None:
            raise
    return look_up(ctx, dataclasses.replace(query, gateway_reference=id))


def _charge(ctx: Context, query: LookupQuery, account: str) -> Outcome:
    id = query.gateway_reference
    if id.startswith("cs_"):
        return _session(ctx, _get(client(ctx).v1.checkout.sessions.retrieve, id), account)
    if id.startswith(("ch_", "py_")):
        id = id_of(_get(client(ctx).v1.charges.retrieve, id), "payment_intent")
    if id.startswith("pi_"):
        return _intent(ctx, _get(client(ctx).v1.payment_intents.retrieve, id, EXPAND), account)
    return _listed(ctx, query, account)


def _get(read: Callable[..., Any], id: str, expand: list[str] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = read(id, {"expand": expand} if expand else {}).to_dict()
    return found


def _intent(ctx: Context, told: dict[str, Any], account: str) -> Outcome:
    found = reading.intent(told, account)
    if found.kind is OutcomeKind.SUCCEEDED:
        return _aftermath(ctx, told, found)
    is_idle = told.get("status") == "requires_payment_method"
    if is_idle and text(inner(told, "metadata"), FLOW) == "checkout":
        # On Stripe's page a declined card can be tried again, for as long as the page is open.
        params: Any = {"payment_intent": told["id"], "limit": 1}
        pages = client(ctx).v1.checkout.sessions.list(params).to_dict()["data"]
        if pages and pages[0]["status"] != "complete":
            return reading.session(pages[0], account)
    return found


def _session(ctx: Context, told: dict[str, Any], account: str) -> Outcome:
    id = id_of(told, "payment_intent")
    found = _get(client(ctx).v1.payment_intents.retrieve, id, EXPAND) if id else {}
    if text(found, "status") == "requires_payment_method" and told.get("status") != "complete":
        return reading.session(told, account)
    if found.get("status") == "requires_action" and told.get("status") == "open":
        return reading.session(told, account)
    return _intent(ctx, found, account) if found else reading.session(told, account)


def _aftermath(ctx: Context, told: dict[str, Any], found: Outcome) -> Outcome:
    """A charge that succeeded, with its refunds and disputes; a bank debit that was taken back has returned."""
    api = client(ctx).v1
    params: Any = {"payment_intent": told["id"], "limit": 100}
    refunds = api.refunds.list(params).to_dict()["data"]
    disputes = api.disputes.list(params).to_dict()["data"]
    whole = [each for each in disputes if each["status"] == "lost" and each["amount"] == told["amount_received"]]
    if whole and reading.is_bank(told):
        return dataclasses.replace(found, kind=OutcomeKind.RETURNED, code=text(whole[0], "reason"))
    return dataclasses.replace(found, refunds=reading.refund_facts(refunds), disputes=reading.dispute_facts(disputes))


def _listed(ctx: Context, query: LookupQuery, account: str) -> Outcome:
    api, since = client(ctx).v1, _since(query)
    for each in _pages(api.payment_intents.list, since | {"expand": ["data.latest_charge"]}):
        if text(inner(each, "metadata"), REFERENCE) == query.reference:
            return _intent(ctx, each, account)
    for each in _pages(api.checkout.sessions.list, since):
        if text(each, "client_reference_id") == query.reference:
            return _session(ctx, each, account)
    return ABSENT


def _since(query: LookupQuery) -> dict[str, Any]:
    """What was made before this was sent need not be read."""
    if query.submitted_at is None:
        return {}
    return {"created": {"gte": int(query.submitted_at.timestamp()) - EARLIER_SECONDS}}


def _refund(ctx: Context, query: LookupQuery, account: str) -> Outcome:
    api = client(ctx).v1
    if query.gateway_reference:
        return reading.refund(_get(api.refunds.retrieve, query.gateway_reference), account)
    wanted = {"payment_intent": intent_of(ctx, query.charge_gateway_reference)}
    for each in _pages(api.refunds.list, wanted | _since(query)):
        if text(inner(each, "metadata"), REFERENCE) == query.reference:
            return reading.refund(each, account)
    return ABSENT


def intent_of(ctx: Context, id: str) -> str:
    """The payment intent of a charge that we know by this id. Raises ``LookupError`` when it has none."""
    if id.startswith("cs_"):
        id = id_of(_get(client(ctx).v1.checkout.sessions.retrieve, id), "payment_intent")
    if id.startswith(("ch_", "py_")):
        id = id_of(_get(client(ctx).v1.charges.retrieve, id), "payment_intent")
    if not id.startswith("pi_"):
        raise LookupError("this charge has no payment intent")
    return id


def _pages(read: Callable[[Any], Any], wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Everything of a list, newest first. Raises ``TooLong``."""
    params = wanted | {"limit": 100}
    for _ in range(PAGES_MOST):
        page = read(params).to_dict()
        yield from page["data"]
        if page["has_more"] is False:
            return
        params["starting_after"] = page["data"][-1]["id"]
    raise TooLong
