"""The gateway as the portal knows it: each hook in one line. Nothing is kept between two calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal_app.plugin_api import (
    BeginRequest,
    ChargeRequest,
    Context,
    Delivery,
    Event,
    Fields,
    Flow,
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
    hookimpl,
)
from portal_stripe import account, charging, events, evidence, finding, refunding, sweeping
from portal_stripe.manifest import MANIFEST, problems


class Stripe:
    """Stateless: everything comes in with the call."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        return MANIFEST

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        return problems(ctx)

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        return account.health(ctx)

    @hookimpl
    def gateway_begin(self, ctx: Context, request: BeginRequest) -> Fields | Redirect | Outcome:
        return charging.fields(ctx, request) if request.flow is Flow.FIELDS else charging.page(ctx, request)

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return charging.charge(ctx, request)

    @hookimpl
    def gateway_return(self, ctx: Context, query: LookupQuery) -> Outcome:
        return finding.look_up(ctx, query)

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return finding.look_up(ctx, query)

    @hookimpl
    def gateway_cancel(self, ctx: Context, query: LookupQuery) -> Outcome:
        return finding.cancel(ctx, query)

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        return refunding.refund(ctx, request)

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        return events.read(ctx, delivery)

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        return sweeping.page(ctx, query)

    @hookimpl
    def gateway_ledger_lines(self, fact: LedgerFact) -> list[LedgerLine] | None:
        return sweeping.lines(fact)

    @hookimpl
    def gateway_redact(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return evidence.kept(payload)


gateway = Stripe()
