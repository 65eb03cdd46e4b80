"""All checks in one class, for an author to subclass."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from portal_app.testing.checks.after import AfterChecks
from portal_app.testing.checks.flows import FlowChecks
from portal_app.testing.checks.listing import ListChecks
from portal_app.testing.checks.lookups import LookupChecks
from portal_app.testing.checks.manifest import ManifestChecks
from portal_app.testing.checks.manners import MannerChecks
from portal_app.testing.checks.money import MoneyChecks
from portal_app.testing.checks.outcomes import OutcomeChecks
from portal_app.testing.checks.refunds import RefundChecks
from portal_app.testing.checks.repeats import RepeatChecks
from portal_app.testing.checks.state import StateChecks
from portal_app.testing.checks.webhooks import WebhookChecks

GROUPS = (
    MoneyChecks, OutcomeChecks, RepeatChecks, LookupChecks, RefundChecks, MannerChecks, WebhookChecks, ListChecks,
    ManifestChecks, StateChecks, FlowChecks, AfterChecks,
)  # fmt: skip


class GatewayKit(
    MoneyChecks, OutcomeChecks, RepeatChecks, LookupChecks, RefundChecks, MannerChecks, WebhookChecks, ListChecks,
    ManifestChecks, StateChecks, AfterChecks,
):  # fmt: skip
    """Subclass it, named ``Test…``, with ``make_gateway`` and ``make_wire``; each method ``test_…`` is a check."""


def checks_of(group: type) -> Iterator[tuple[str, str]]:
    """Name and docstring of each check of a group, in order."""
    for name, function in vars(group).items():
        if name.startswith("test_") and inspect.isfunction(function):
            yield name, inspect.getdoc(function) or ""
