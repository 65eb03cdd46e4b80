"""LawPay as the portal knows it: each hook in a few lines. Stateless: everything comes in with the call."""

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
    ListPage,
    ListQuery,
    LookupQuery,
    Manifest,
    NeverSent,
    Outcome,
    OutcomeKind,
    Problem,
    Redirect,
    RefundRequest,
    Rejected,
    Subject,
    hookimpl,
)
from portal_lawpay import accounts, charging, events, listing, lookups, refunds, settings
from portal_lawpay.api import Api, Unclear
from portal_lawpay.manifest import MANIFEST
from portal_lawpay.redaction import redacted

_UNKNOWN = Outcome(kind=OutcomeKind.UNKNOWN)


class LawPay:
    """The gateway."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        return MANIFEST

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        return list(settings.problems(ctx))

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        at = settings.address(ctx, "base_url")
        try:
            answer = Api(ctx).get("merchant")
        except NeverSent:
            return accounts.no_health("Reaches LawPay", f"Nobody answers at {at}.")
        if answer.status == 401:
            detail = "LawPay does not accept this key, or not from this network."
            return accounts.no_health("Secret key is accepted", detail)
        if not answer.is_ok or not answer.told:
            return accounts.no_health("Reaches LawPay", f"{at} answered {answer.status}, and not as LawPay does.")
        return accounts.health(answer.told, Api(ctx, "public_key"))

    @hookimpl
    def gateway_begin(self, ctx: Context, request: BeginRequest) -> Fields | Redirect | Outcome:
        return charging.fields(ctx) if request.flow is Flow.FIELDS else charging.payment_page(ctx, request)

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return charging.charge(ctx, request)

    @hookimpl
    def gateway_return(self, ctx: Context, query: LookupQuery) -> Outcome:
        return _look_up(ctx, query)

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return _look_up(ctx, query)

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        return refunds.give_back(Api(ctx), request)

    @hookimpl
    def gateway_cancel(self, ctx: Context, query: LookupQuery) -> Outcome:
        """A payment page stays open: what cannot be found may still be paid."""
        found = _look_up(ctx, query)
        return _UNKNOWN if found.kind is OutcomeKind.ABSENT else found

    @hookimpl
    def gateway_webhook(self, delivery: Delivery) -> list[Event] | Rejected:
        return events.read(delivery)

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        return listing.sweep(Api(ctx), query)

    @hookimpl
    def gateway_redact(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return redacted(payload)


gateway = LawPay()


def _look_up(ctx: Context, query: LookupQuery) -> Outcome:
    look = lookups.look_up_refund if query.subject is Subject.REFUND else lookups.look_up_charge
    try:
        return look(Api(ctx), query)
    except (Unclear, NeverSent):
        return _UNKNOWN
