"""Asking Stripe for something that must happen once: with one key, twice at most, and never guessing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from portal_app.plugin_api import NeverSent, Outcome, OutcomeKind
from portal_stripe import reading, words

if TYPE_CHECKING:
    from stripe import StripeError, StripeObject

# A first call that failed at once may be made again with its key; a slow one has used up the time of both. Keys are
# kept for a day: this is far inside it, and whatever comes later is a look-up.
REPLAY_WITHIN_NS = 4 * 10**9


class Doubt(Exception):
    """It was sent, and nobody knows what became of it."""


class Refused(Exception):
    """Stripe's definite no: nothing was done. ``error`` is what it says."""

    def __init__(self, problem: StripeError) -> None:
        super().__init__(str(problem.code or problem.http_status))
        self.status = problem.http_status or 0
        body = problem.json_body if isinstance(problem.json_body, dict) else {}
        self.error = reading.inner(body, "error")
        said = reading.text(self.error, "decline_code") or reading.text(self.error, "code")
        self.code = said or f"http_{self.status}"


def once(call: Callable[[], StripeObject]) -> dict[str, Any]:
    """The object that ``call``, which carries an idempotency key, makes; a lost answer is asked for again.

    Raises:
        Refused: a definite no. After a first call that was lost, only a declined card is one.
        Doubt: no clear answer, twice.
        NeverSent: nothing has left.
    """
    began = time.monotonic_ns()
    try:
        return call().to_dict()
    except NeverSent:
        raise
    except Exception as problem:
        if refusal := refused(problem):
            raise refusal from problem
        if time.monotonic_ns() - began > REPLAY_WITHIN_NS:
            raise Doubt(type(problem).__name__) from problem
    return _again(call)


def _again(call: Callable[[], StripeObject]) -> dict[str, Any]:
    import stripe

    try:
        return call().to_dict()
    except stripe.CardError as problem:
        raise Refused(problem) from problem
    except Exception as problem:  # whatever it says, the first call may have been heard
        raise Doubt(type(problem).__name__) from problem


def refused(problem: Exception) -> Refused | None:
    """The definite no in what the client raised; ``None`` when it is none."""
    import stripe

    kinds = (
        stripe.CardError, stripe.InvalidRequestError, stripe.AuthenticationError, stripe.PermissionError,
        stripe.RateLimitError,
    )  # fmt: skip
    if not isinstance(problem, kinds) or problem.http_status == 409:  # 409: the same key is at work just now
        return None
    return Refused(problem)


def no(refusal: Refused, account: str) -> Outcome:
    """A refused charge as an outcome: what its intent says where there is one, otherwise declined."""
    if told := reading.inner(refusal.error, "payment_intent"):
        found = reading.intent(told, account)
        if found.kind is not OutcomeKind.UNKNOWN:
            return found
    sentences = {401: words.NOT_LET_IN, 403: words.NOT_LET_IN, 402: words.DECLINED, 429: words.BUSY}
    message = words.said(refusal.code, sentences.get(refusal.status, words.REFUSED))
    if refusal.error.get("param") in {"confirmation_token", "payment_method"}:
        message = words.USED
    code = "declined" if refusal.code in words.SILENT else refusal.code
    return Outcome(kind=OutcomeKind.DECLINED, code=code, message=message, payload={"error": dict(refusal.error)})


UNKNOWN = Outcome(kind=OutcomeKind.UNKNOWN)
