"""When an unresolved charge or refund is asked about again, and by whom: leases, so that several workers are safe."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator

from portal_app import clock
from portal_app.db import transaction
from portal_app.domain.payments.models import Attempt, Payment, Refund
from portal_app.plugin_api import Outcome

LOOKUP_SECONDS = (30, 120, 600, 3600)
LOOKUP_LATER_SECONDS = 6 * 3600
LEASE_SECONDS = 60

Sent = Attempt | Refund


def note_answer(sent: Sent, outcome: Outcome) -> None:
    """Keep what the gateway called it and said of it; nothing known is forgotten."""
    if outcome.gateway_reference:
        sent.gateway_reference = outcome.gateway_reference[:120]
    if outcome.code:
        sent.code = outcome.code[:60]
    if outcome.payload:
        sent.evidence = json.dumps(outcome.payload, sort_keys=True, default=str)
    sent.save(only=["gateway_reference", "code", "evidence"])


def proves_absence(sent: Sent, horizon_seconds: int) -> bool:
    """An index that lags says "absent" of money that was taken: that is a proof only after the horizon, and never of
    what the gateway has acknowledged already."""
    return is_late(sent, horizon_seconds) and not sent.gateway_reference


def is_late(sent: Sent, horizon_seconds: int) -> bool:
    """Whether what was sent must be listed by now."""
    at = sent.submitted_at
    return at is None or clock.now() >= at + dt.timedelta(seconds=horizon_seconds)


def plan_lookup(sent: Sent, *, is_definite: bool) -> None:
    """When to ask again: soon at first, then patiently; never once it is definite."""
    if is_definite:
        sent.next_lookup_at = None
    else:
        asked = sent.lookups
        wait = LOOKUP_SECONDS[asked] if asked < len(LOOKUP_SECONDS) else LOOKUP_LATER_SECONDS
        sent.next_lookup_at = clock.in_seconds(wait)
    sent.leased_until = None
    sent.save(only=["next_lookup_at", "leased_until"])


def claim_due(model: type[Sent], limit: int = 20) -> Iterator[Sent]:
    """Unresolved ones whose next look is due, with their payments, each leased when it is its turn, so that no other
    worker asks at the same time."""
    now = clock.now()
    is_due = (
        model.resolved_at.is_null()
        & (model.next_lookup_at <= now)
        & (model.leased_until.is_null() | (model.leased_until < now))
    )
    rows = model.select(model, Payment).join(Payment).where(is_due).order_by(model.next_lookup_at).limit(limit)
    return (row for row in list(rows) if claim(row))


def claim(sent: Sent) -> bool:
    """Lease an unresolved one and count the look; ``False`` when another worker has it or it is resolved."""
    model, now = type(sent), clock.now()
    is_free = model.resolved_at.is_null() & (model.leased_until.is_null() | (model.leased_until < now))
    with transaction():
        return bool(
            model.update(leased_until=clock.in_seconds(LEASE_SECONDS), lookups=model.lookups + 1)
            .where((model.id == sent.id) & is_free)
            .execute()
        )
