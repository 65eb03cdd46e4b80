"""What a plugin answered, checked before anything of it is believed or written.

An answer that does not fit its hook, or says "succeeded" without saying what was taken, is no answer: it raises, and
the payment stays unknown. Words are cleaned; evidence that cannot be kept is dropped, never the outcome.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from portal_app import vault
from portal_app.plugin_api import DisputeFact, DisputeState, Outcome, OutcomeKind, Redirect, RefundFact

log = logging.getLogger(__name__)

FIRST = frozenset({"gateway_begin", "gateway_charge", "gateway_refund"})  # before these it is known: nothing was sent
_NEVER: dict[str, set[OutcomeKind]] = {
    "gateway_begin": {OutcomeKind.ABSENT, OutcomeKind.SUCCEEDED, OutcomeKind.PENDING, OutcomeKind.RETURNED},
    "gateway_charge": {OutcomeKind.ABSENT, OutcomeKind.RETURNED},
    "gateway_refund": {OutcomeKind.ABSENT, OutcomeKind.ACTION_REQUIRED},
    "gateway_return": {OutcomeKind.NOT_SUBMITTED},
    "gateway_lookup": {OutcomeKind.NOT_SUBMITTED},
    "gateway_cancel": {OutcomeKind.NOT_SUBMITTED, OutcomeKind.ABSENT},
}
_LENGTHS = {
    "gateway_reference": 120, "currency": 3, "merchant_account": 80, "method_summary": 80, "code": 60, "message": 300,
    "redirect_url": 2000, "reference": 64, "reason": 120, "kind": 80, "id": 120, "description": 200,
    "charge_gateway_reference": 120,
}  # fmt: skip
_OUTCOME_TEXTS = (
    "gateway_reference", "currency", "merchant_account", "method_summary", "code", "message", "redirect_url",
)  # fmt: skip
_CUT = frozenset({"method_summary", "code", "message", "reason", "kind", "description"})  # of use even when cut
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
EVIDENCE_MOST = 20_000
FACTS_MOST = 200

Redact = Callable[[dict[str, Any]], object]


def checked(hook: str, answer: object, redact: Redact) -> Outcome:
    """The outcome that ``hook`` answered, fit to be written down.

    Raises:
        TypeError: it is no outcome, or a part of it is of another type.
        ValueError: it makes no sense.
    """
    if isinstance(answer, Redirect):
        answer = Outcome(
            kind=OutcomeKind.ACTION_REQUIRED, gateway_reference=answer.gateway_reference, redirect_url=answer.url
        )
    if not isinstance(answer, Outcome) or not isinstance(answer.kind, OutcomeKind):
        raise TypeError(f"an outcome was expected, not {type(answer).__name__}")
    if answer.kind in _NEVER[hook]:
        raise ValueError(f"{hook} cannot answer “{answer.kind}”")
    if answer.amount_minor is not None and type(answer.amount_minor) is not int:
        raise TypeError("the amount is not a whole number of minor units")
    texts = {name: text(name, getattr(answer, name)) for name in _OUTCOME_TEXTS}
    if texts["redirect_url"] and not texts["redirect_url"].startswith(("https://", "http://")):
        raise ValueError("the payer can only be sent to a web address")
    if answer.kind is OutcomeKind.SUCCEEDED and None in (answer.amount_minor, texts["gateway_reference"] or None):
        raise ValueError("succeeded, without the gateway's reference or without the amount")
    return Outcome(
        kind=answer.kind, amount_minor=answer.amount_minor, payload=evidence(answer.payload, redact),
        refunds=tuple(_refund(item) for item in few(answer.refunds)),
        disputes=tuple(_dispute(item) for item in few(answer.disputes)), **texts,
    )  # fmt: skip


def _refund(fact: object) -> RefundFact:
    if not isinstance(fact, RefundFact) or not isinstance(fact.kind, OutcomeKind):
        raise TypeError("a refund was expected")
    return RefundFact(
        gateway_reference=needed("gateway_reference", fact.gateway_reference), kind=fact.kind,
        amount_minor=whole(fact.amount_minor), reference=text("reference", fact.reference),
    )  # fmt: skip


def _dispute(fact: object) -> DisputeFact:
    if not isinstance(fact, DisputeFact) or not isinstance(fact.state, DisputeState):
        raise TypeError("a dispute was expected")
    return DisputeFact(
        gateway_reference=needed("gateway_reference", fact.gateway_reference), state=fact.state,
        amount_minor=whole(fact.amount_minor), currency=needed("currency", fact.currency),
        reason=text("reason", fact.reason), respond_by=moment(fact.respond_by) if fact.respond_by else None,
    )  # fmt: skip


def few(facts: object) -> tuple[object, ...]:
    """A tuple or list of not too many things."""
    if not isinstance(facts, tuple | list) or len(facts) > FACTS_MOST:
        raise TypeError("a list of at most 200 things was expected")
    return tuple(facts)


def whole(amount: object) -> int:
    """An amount: not a truth value, not a fraction, not negative."""
    if type(amount) is not int:
        raise TypeError("the amount is not a whole number of minor units")
    if amount < 0:
        raise ValueError("the amount is negative")
    return amount


def moment(at: object) -> dt.datetime:
    """A moment with its zone, as the naive UTC in which the portal keeps it."""
    if not isinstance(at, dt.datetime) or at.tzinfo is None:
        raise TypeError("a moment with its time zone was expected")
    return at.astimezone(dt.UTC).replace(tzinfo=None)


def text(name: str, value: object) -> str:
    """The text of the field ``name``, without control characters, and not longer than it may be."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    clean = " ".join(_CONTROL.sub(" ", value.encode("utf-8", "replace").decode()).split())
    if name not in _CUT and len(clean) > _LENGTHS[name]:
        raise ValueError(f"{name} is too long")
    return (vault.hush(clean) if name in _CUT else clean)[: _LENGTHS[name]]


def needed(name: str, value: object) -> str:
    found = text(name, value)
    if not found:
        raise ValueError(f"{name} is missing")
    return found


def evidence(payload: object, redact: Redact) -> Mapping[str, Any]:
    """The redacted payload as plain JSON values; empty when it cannot be kept."""
    try:
        kept = redact(dict(payload))  # type: ignore[call-overload]  # what is no mapping fails, and is not kept
        written = vault.hush(json.dumps(kept, default=str, ensure_ascii=False).encode("utf-8", "replace").decode())
        found = json.loads(written)
    except Exception:
        log.exception("the gateway's evidence cannot be kept")
        return {}
    return found if isinstance(found, dict) and len(written) <= EVIDENCE_MOST else {}
