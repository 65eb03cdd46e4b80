"""The gateway as the portal knows it: each hook asks the companion and translates its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from portal_app.plugin_api import (
    BeginRequest,
    ChargeRequest,
    Check,
    Context,
    Fields,
    Flow,
    Fund,
    Health,
    LookupQuery,
    Manifest,
    Method,
    Mode,
    NeverSent,
    Outcome,
    OutcomeKind,
    Problem,
    Redirect,
    Response,
    SettingField,
    TestMethod,
    WsgiApp,
    hookimpl,
)
from portal_sandbox import answers
from portal_sandbox.scenarios import ACCOUNTS, CARDS, ROUTING

DEFAULT_KEY = "sk_sandbox_rehearsal"

MANIFEST = Manifest(
    id="sandbox",
    title="Sandbox",
    summary="Rehearse every payment, good and bad, with test cards. No real card, no real money, no internet.",
    version="0.1.0",
    methods=(Method.CARD, Method.BANK),
    funds=(Fund.OPERATING, Fund.TRUST),
    flows=(Flow.FIELDS, Flow.REDIRECT),
    settings=(
        SettingField(
            name="base_url",
            label="Address",
            help="Leave empty: the portal serves the sandbox itself. Otherwise where another one is served.",
            kind="url",
            is_required=False,
        ),
        SettingField(
            name="secret_key",
            label="Secret key",
            help=f"Any key that begins with sk_sandbox_ is accepted. Leave empty for {DEFAULT_KEY}.",
            kind="secret",
            default=DEFAULT_KEY,
            is_required=False,
        ),
    ),
    absence_horizon_seconds=20,
    is_rehearsal=True,
    test_methods=(
        *(TestMethod(number=each.number, says=each.says) for each in CARDS),
        *(TestMethod(number=f"{ROUTING} {a.number}", says=a.says, method=Method.BANK) for a in ACCOUNTS),
    ),
)


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
        if ctx.mode is Mode.LIVE:
            problems.append(Problem(field="mode", message="The sandbox moves no real money and has no live mode."))
        return problems

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        try:
            response = _call(ctx, "GET", "/v1/merchant")
        except NeverSent:
            detail = f"Nobody answers at {_base_url(ctx) or 'an empty address'}."
            return Health(checks=(Check(label="Reaches the sandbox", is_ok=False, detail=detail),))
        return answers.health(response)

    @hookimpl
    def gateway_begin(self, ctx: Context, request: BeginRequest) -> Fields | Redirect:
        if request.flow is Flow.FIELDS:
            url = f"{_base_url(ctx)}/fields?{urlencode({'origin': request.page_origin})}"
            config = {"gateway": MANIFEST.id, "url": url}
            return Fields(module="fields.js", config=config, frame_origins=(_origin(url),))
        response = _call(ctx, "POST", "/v1/sessions", _order(request))
        outcome = answers.outcome(response, _base_url(ctx))
        if not outcome.redirect_url:
            raise Refused(outcome.code or outcome.kind)
        return Redirect(url=outcome.redirect_url, gateway_reference=outcome.gateway_reference)

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        try:
            response = _call(ctx, "POST", "/v1/charges", _order(request) | {"token": request.token})
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
    def gateway_cancel(self, ctx: Context, query: LookupQuery) -> Outcome:
        found = _look_up(ctx, query)
        if found.kind not in {OutcomeKind.PENDING, OutcomeKind.ACTION_REQUIRED}:
            # Not found is no proof that the order is not still on its way.
            return Outcome(kind=OutcomeKind.UNKNOWN) if found.kind is OutcomeKind.ABSENT else found
        response = _call(ctx, "POST", f"/v1/charges/{quote(found.gateway_reference, safe='')}/cancel", {})
        return answers.outcome(response, _base_url(ctx))

    @hookimpl
    def gateway_redact(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return answers.redacted(payload)

    @hookimpl
    def gateway_companion(self, ctx: Context) -> WsgiApp | None:
        if not ctx.data_dir:
            return None
        from portal_sandbox.companion import create

        return create(ctx.data_dir)


gateway = Sandbox()


def _base_url(ctx: Context) -> str:
    return (ctx.settings.get("base_url") or ctx.companion_url).rstrip("/")


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_web = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    return f"{parts.scheme}://{parts.netloc}" if is_web else ""


def _call(ctx: Context, method: str, path: str, json: Mapping[str, Any] | None = None) -> Response:
    headers = {"Authorization": f"Bearer {ctx.settings.get('secret_key') or DEFAULT_KEY}"}
    return ctx.http(method, f"{_base_url(ctx)}{path}", headers=headers, json=json)


def _order(request: BeginRequest | ChargeRequest) -> dict[str, Any]:
    names = ("reference", "amount_minor", "currency", "merchant_account", "description", "return_url")
    return {name: getattr(request, name) for name in names}


def _look_up(ctx: Context, query: LookupQuery) -> Outcome:
    response = _call(ctx, "GET", f"/v1/charges?{urlencode({'reference': query.reference})}")
    return answers.found(response, _base_url(ctx))
