"""What a plugin answered, checked before anything of it is believed or written.

An answer that does not fit its hook, or says "succeeded" without saying what was taken, is no answer: it raises, and
the payment stays unknown. Words are cleaned; evidence that cannot be kept is dropped, never the outcome.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from portal_app.plugin_api import Outcome, OutcomeKind, Redirect

log = logging.getLogger(__name__)

FIRST = frozenset({"gateway_begin", "gateway_charge"})  # only before these is it known that nothing was sent
_NEVER: dict[str, set[OutcomeKind]] = {
    "gateway_begin": {OutcomeKind.ABSENT, OutcomeKind.SUCCEEDED, OutcomeKind.PENDING},
    "gateway_charge": {OutcomeKind.ABSENT},
    "gateway_return": {OutcomeKind.NOT_SUBMITTED},
    "gateway_lookup": {OutcomeKind.NOT_SUBMITTED},
    "gateway_cancel": {OutcomeKind.NOT_SUBMITTED, OutcomeKind.ABSENT},
}
_LENGTHS = {
    "gateway_reference": 120, "currency": 3, "merchant_account": 80, "method_summary": 80, "code": 60, "message": 300,
    "redirect_url": 2000,
}  # fmt: skip
_EXACT = ("gateway_reference", "currency", "merchant_account", "redirect_url")  # of no use when cut
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
EVIDENCE_MOST = 20_000

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
    amount = answer.amount_minor
    if amount is not None and type(amount) is not int:
        raise TypeError("the amount is not a whole number of minor units")
    texts = {name: _text(name, getattr(answer, name)) for name in _LENGTHS}
    if texts["redirect_url"] and not texts["redirect_url"].startswith(("https://", "http://")):
        raise ValueError("the payer can only be sent to a web address")
    if answer.kind is OutcomeKind.SUCCEEDED and None in (amount, texts["gateway_reference"] or None):
        raise ValueError("succeeded, without the gateway's reference or without the amount")
    return Outcome(kind=answer.kind, amount_minor=amount, payload=_evidence(answer.payload, redact), **texts)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    clean = " ".join(_CONTROL.sub(" ", value.encode("utf-8", "replace").decode()).split())
    if name in _EXACT and len(clean) > _LENGTHS[name]:
        raise ValueError(f"{name} is too long")
    return clean[: _LENGTHS[name]]


def _evidence(payload: object, redact: Redact) -> Mapping[str, Any]:
    """The redacted payload as plain JSON values."""
    try:
        kept = redact(dict(payload))  # type: ignore[call-overload]
        text = json.dumps(kept, default=str, ensure_ascii=False).encode("utf-8", "replace").decode()
        found = json.loads(text)
    except Exception:
        log.exception("the gateway's evidence cannot be kept")
        return {}
    return found if isinstance(found, dict) and len(text) <= EVIDENCE_MOST else {}
