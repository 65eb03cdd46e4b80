"""Other plugins in the same portal: one must never hear of this one's payments, one is broken."""

from __future__ import annotations

from portal_app.plugin_api import (
    ChargeRequest,
    Context,
    Flow,
    Fund,
    LookupQuery,
    Manifest,
    Method,
    Outcome,
    OutcomeKind,
    hookimpl,
)


class Spy:
    """Notes every call; knows nothing."""

    def __init__(self) -> None:
        self.called: list[str] = []

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        return Manifest(
            id="spy", title="Spy", summary="Hears what it should not hear.", version="1", methods=(Method.CARD,),
            funds=(Fund.OPERATING,), flows=(Flow.FIELDS,), settings=(), absence_horizon_seconds=0, is_rehearsal=True,
        )  # fmt: skip

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        self.called.append(f"charge {request.reference} of {ctx.gateway}")
        return Outcome(kind=OutcomeKind.UNKNOWN)

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        self.called.append(f"lookup {query.reference} of {ctx.gateway}")
        return Outcome(kind=OutcomeKind.UNKNOWN)


class Broken:
    """A plugin that cannot be loaded."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        raise RuntimeError("a file of this plugin is missing")
