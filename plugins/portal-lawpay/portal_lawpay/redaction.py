"""What is kept as evidence: ids, states, amounts and masks. No name, no address, no fingerprint, no free text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_KEPT = frozenset(
    """id created modified type account_id status failure_code auto_capture amount currency gratuity reference
    capture_reference void_reference authorization_code avs_result cvv_result amount_refunded charge_id http""".split()
)
_METHOD = frozenset({"type", "card_type", "account_type"})
_MASKED = ("number", "routing_number", "account_number")
_MESSAGE = frozenset({"level", "code", "sub_code", "context", "facility", "entity_id"})
_MASK = re.compile(r"\*{3,}[0-9]{0,4}")
_LONGEST = 200


def redacted(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload without what is not needed to prove what happened. Twice changes nothing more."""
    kept = _plain(payload, _KEPT)
    method = payload.get("method")
    if isinstance(method, Mapping):
        kept["method"] = _plain(method, _METHOD) | _masks(method)
    for name, parts in (("refunds", _KEPT), ("messages", _MESSAGE)):
        if isinstance(payload.get(name), list | tuple):
            kept[name] = [_plain(each, parts) for each in payload[name][:50] if isinstance(each, Mapping)]
    if isinstance(payload.get("data"), Mapping):  # an event's envelope
        kept["data"] = redacted(payload["data"])
    return kept


def _plain(told: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    plain = {name: told[name] for name in sorted(names & told.keys())}
    return {
        name: value[:_LONGEST] if isinstance(value, str) else value
        for name, value in plain.items()
        if value is None or isinstance(value, str | int | bool)
    }


def _masks(method: Mapping[str, Any]) -> dict[str, str]:
    shown = {name: method[name] for name in _MASKED if isinstance(method.get(name), str)}
    return {name: value for name, value in shown.items() if _MASK.fullmatch(value)}
