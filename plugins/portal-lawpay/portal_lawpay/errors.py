"""LawPay's errors: ``messages[]``, whatever the status. What is not a definite no, listed as one, is doubt."""

from __future__ import annotations

from portal_app.plugin_api import Outcome, OutcomeKind
from portal_lawpay import words
from portal_lawpay.api import Answer, Told
from portal_lawpay.redaction import redacted
from portal_lawpay.transactions import text

# Not said of the money itself: not let in, not found, too slow, too many, two at once.
_DOUBTFUL = frozenset({401, 403, 404, 408, 409, 425, 429})


def messages(answer: Answer) -> list[Told]:
    found = answer.told.get("messages")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def failed_id(answer: Answer) -> str:
    """The id of the transaction that failed: such an answer has no ``id`` of its own."""
    return next((text(each, "entity_id") for each in messages(answer) if text(each, "entity_id")), "")


def outcome(answer: Answer) -> Outcome:
    """What an answer without a transaction means: declined on a listed refusal, otherwise unknown."""
    said = messages(answer)
    codes = [text(each, "code") for each in said]
    is_definite = answer.status < 500 and answer.status not in _DOUBTFUL and not 300 <= answer.status < 400
    payload = redacted({**answer.told, "http": answer.status})
    code = codes[0] if codes else f"http_{answer.status}"
    if not is_definite or not codes or not all(words.is_refusal(each) for each in codes):
        return Outcome(
            kind=OutcomeKind.UNKNOWN, gateway_reference=failed_id(answer), code=code or "no_code", payload=payload
        )
    message = words.refusal(code, text(said[0], "context"))
    return Outcome(
        kind=OutcomeKind.DECLINED, gateway_reference=failed_id(answer), code=code, message=message, payload=payload
    )
