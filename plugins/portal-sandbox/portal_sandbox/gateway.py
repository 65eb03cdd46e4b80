"""The gateway as the portal knows it: each hook asks the companion and translates its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from portal_app.plugin_api import (
    BeginRequest,
    ChargeRequest,
    Check,
    Context,
    Delivery,
    Event,
    Fields,
    Flow,
    Fund,
    Health,
    LedgerFact,
    LedgerLine,
    ListPage,
    ListQuery,
    LookupQuery,
    Manifest,
    Mode,
    NeverSent,
    Outcome,
    OutcomeKind,
    Problem,
    Redirect,
    RefundRequest,
    Rejected,
    Response,
    Role,
    Subject,
    Told,
    TransactionKind,
    WsgiApp,
    hookimpl,
)
from portal_sandbox import answers, listed, webhooks
from portal_sandbox.charges import CURRENCY
from portal_sandbox.manifest import DEFAULT_KEY, MANIFEST

# Where the other half of a fee or a payout goes; the money leaves what the gateway holds.
_BOOKED_ON = {TransactionKind.FEE: Role.MERCHANT_FEES, TransactionKind.PAYOUT: Role.BANK}


class Refused(RuntimeError):
    """The companion would not open its payment page."""


class Sandbox:
    """Stateless: everything comes in with the call."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        return MANIFEST

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        problems = []
        if not _origin(_base_url(ctx)):
            problems.append(
                Problem(field="base_url", message="Enter a web address, for example http://localhost:8001.")
            )
        if not re.fullmatch("[A-Z]{3}", _currency(ctx)):
            problems.append(Problem(field="currency", message="Enter a currency’s three letters, for example USD."))
        if ctx.mode is Mode.LIVE:
            problems.append(Problem(field="mode", message="The sandbox moves no real money and has no live mode."))
        return problems

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        try:
            response = _call(ctx, "GET", f"/v1/merchant?{urlencode({'currency': _currency(ctx)})}")
        except NeverSent:
            detail = f"Nobody answers at {_base_url(ctx) or 'an empty address'}."
            return Health(checks=(Check(label="Reaches the sandbox", is_ok=False, detail=detail),))
        return answers.health(response)

    @hookimpl
    def gateway_begin(self, ctx: Context, request: BeginRequest) -> Fields | Redirect:
        if request.flow is Flow.FIELDS:
            return _fields(_base_url(ctx), request.page_origin)
        response = _call(ctx, "POST", "/v1/sessions", _order(ctx, request))
        outcome = answers.outcome(response, _base_url(ctx))
        if not outcome.redirect_url:
            raise Refused(outcome.code or outcome.kind)
        return Redirect(url=outcome.redirect_url, gateway_reference=outcome.gateway_reference)

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        try:
            response = _call(ctx, "POST", "/v1/charges", _order(ctx, request) | {"token": request.token})
        except NeverSent:
            return Outcome(kind=OutcomeKind.NOT_SUBMITTED, message="The sandbox cannot be reached.")
        return answers.outcome(response, _base_url(ctx))

    @hookimpl
    def gateway_return(self, ctx: Context, query: LookupQuery) -> Outcome:
        return _look_up(ctx, query)

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return _look_up(ctx, query)

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        order = {name: getattr(request, name) for name in ("reference", "amount_minor", "reason")}
        order |= {"charge": request.charge_gateway_reference, "may_void": request.is_whole}
        try:
            response = _call(ctx, "POST", "/v1/refunds", order)
        except NeverSent:
            return Outcome(kind=OutcomeKind.NOT_SUBMITTED, message="The sandbox cannot be reached.")
        return answers.outcome(response, _base_url(ctx), "Nothing was given back.")

    @hookimpl
    def gateway_cancel(self, ctx: Context, query: LookupQuery) -> Outcome:
        found = _look_up(ctx, query)
        if found.kind not in {OutcomeKind.PENDING, OutcomeKind.ACTION_REQUIRED}:
            # Not found is no proof that the order is not still on its way.
            return Outcome(kind=OutcomeKind.UNKNOWN) if found.kind is OutcomeKind.ABSENT else found
        response = _call(ctx, "POST", f"/v1/charges/{quote(found.gateway_reference, safe='')}/cancel", {})
        return answers.outcome(response, _base_url(ctx))

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        return webhooks.read(delivery, _secret_key(ctx))

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        asked = {"merchant_account": query.merchant_account, "cursor": query.cursor}
        asked |= {"since": str(int(query.since.timestamp())), "until": str(int(query.until.timestamp()))}
        return listed.page(_call(ctx, "GET", f"/v1/transactions?{urlencode(asked)}"))

    @hookimpl
    def gateway_ledger_lines(self, fact: LedgerFact) -> list[LedgerLine] | None:
        role, amount = _BOOKED_ON.get(fact.transaction.kind), fact.transaction.amount_minor
        if role is None or fact.fund is Fund.TRUST:
            return None
        return [LedgerLine(role=role, amount_minor=amount), LedgerLine(role=Role.CLEARING, amount_minor=-amount)]

    @hookimpl
    def gateway_redact(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return answers.redacted(payload)

    @hookimpl
    def gateway_companion(self, ctx: Context) -> WsgiApp | None:
        if not ctx.data_dir:
            return None
        from portal_sandbox.running import Companion  # a web application: only where one is served

        return Companion(ctx.data_dir)

    @hookimpl
    def payment_changed(self, told: Told) -> None:
        _keep("payment_changed", told)

    @hookimpl
    def refund_changed(self, told: Told) -> None:
        _keep("refund_changed", told)

    @hookimpl
    def dispute_changed(self, told: Told) -> None:
        _keep("dispute_changed", told)

    @hookimpl
    def ledger_posted(self, told: Told) -> None:
        _keep("ledger_posted", told)

    @hookimpl
    def document_shared(self, told: Told) -> None:
        _keep("document_shared", told)


gateway = Sandbox()


def _base_url(ctx: Context) -> str:
    return (ctx.settings.get("base_url") or ctx.companion_url).rstrip("/")


@lru_cache(maxsize=16)
def _fields(base_url: str, page_origin: str) -> Fields:
    url = f"{base_url}/fields?{urlencode({'origin': page_origin})}"
    return Fields(module="fields.js", config={"gateway": MANIFEST.id, "url": url}, frame_origins=(_origin(url),))


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_web = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    return f"{parts.scheme}://{parts.netloc}" if is_web else ""


def _secret_key(ctx: Context) -> str:
    return ctx.settings.get("secret_key") or DEFAULT_KEY


def _currency(ctx: Context) -> str:
    return ctx.settings.get("currency", "").strip().upper() or CURRENCY


def _call(ctx: Context, method: str, path: str, json: Mapping[str, Any] | None = None) -> Response:
    headers = {"Authorization": f"Bearer {_secret_key(ctx)}"}
    return ctx.http(method, f"{_base_url(ctx)}{path}", headers=headers, json=json)


def _order(ctx: Context, request: BeginRequest | ChargeRequest) -> dict[str, Any]:
    names = ("reference", "amount_minor", "currency", "merchant_account", "description", "return_url")
    return {name: getattr(request, name) for name in names} | {"webhook_url": ctx.webhook_url}


def _look_up(ctx: Context, query: LookupQuery) -> Outcome:
    subject = "refunds" if query.subject is Subject.REFUND else "charges"
    response = _call(ctx, "GET", f"/v1/{subject}?{urlencode({'reference': query.reference})}")
    return answers.found(response, _base_url(ctx), subject)


def _keep(what: str, told: Told) -> None:
    from portal_sandbox.running import keep  # a web application: only where one is served

    keep(what, told)
