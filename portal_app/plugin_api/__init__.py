"""All that a plugin may import: values in, values out.

A gateway plugin turns a request for money into an answer about money. It never sees a table, a session or a Flask
object. Every value here is a frozen dataclass; amounts are integers in the currency's minor unit (cents for USD).
"""

from __future__ import annotations

import pluggy

from portal_app.plugin_api.manifest import Check, Health, Manifest, MerchantAccount, Problem, SettingField, TestMethod
from portal_app.plugin_api.paying import (
    BeginRequest,
    BillingAddress,
    ChargeRequest,
    DisputeFact,
    Fields,
    LookupQuery,
    Outcome,
    Redirect,
    RefundFact,
    RefundRequest,
)
from portal_app.plugin_api.telling import (
    Delivery,
    Event,
    ExternalTransaction,
    LedgerFact,
    LedgerLine,
    ListPage,
    ListQuery,
    Rejected,
    Told,
)
from portal_app.plugin_api.wire import Context, Http, NeverSent, Response, WsgiApp
from portal_app.plugin_api.words import (
    Capability,
    DisputeState,
    Flow,
    Fund,
    Method,
    Mode,
    OutcomeKind,
    Role,
    Subject,
    TransactionKind,
)

PROJECT = "portal_app"
ENTRY_POINT_GROUP = "portal_app.plugins"
hookimpl = pluggy.HookimplMarker(PROJECT)

__all__ = [
    "ENTRY_POINT_GROUP", "PROJECT", "BeginRequest", "BillingAddress", "Capability", "ChargeRequest", "Check",
    "Context", "Delivery", "DisputeFact", "DisputeState", "Event", "ExternalTransaction", "Fields", "Flow", "Fund",
    "Health", "Http", "LedgerFact", "LedgerLine", "ListPage", "ListQuery", "LookupQuery", "Manifest",
    "MerchantAccount", "Method", "Mode", "NeverSent", "Outcome", "OutcomeKind", "Problem", "Redirect", "RefundFact",
    "RefundRequest", "Rejected", "Response", "Role", "SettingField", "Subject", "TestMethod", "Told",
    "TransactionKind", "WsgiApp", "hookimpl",
]  # fmt: skip
