"""What about money only a person can answer. Each is asked once, stays until it is answered, and is never deleted."""

from __future__ import annotations

from peewee import JOIN, Expression

from portal_app import clock
from portal_app.db import transaction
from portal_app.domain.errors import Refused
from portal_app.domain.payments.models import Gateway, Payment
from portal_app.domain.payments.outside import Question
from portal_app.domain.people import FirmUser

# What each kind of question is called, and what to do about it.
KINDS = {
    "unknown_charge": (
        "A charge that the portal did not make",
        "If it was taken outside the portal, there is nothing to do. If a client meant an invoice, give it back there.",
    ),
    "second_charge": (
        "Two charges for one payment",
        "One of them is booked. Look both up at the gateway, and give the other one back there.",
    ),
    "other_line": (
        "A line that the portal does not understand",
        "Nothing was booked for it. Look it up at the gateway and decide with your bookkeeper.",
    ),
    "unknown_event": (
        "A notice about a charge that the portal does not know",
        "Look the charge up at the gateway by its id. If it was not made through the portal, there is nothing to do.",
    ),
    "not_listed": (
        "Booked as paid, and the gateway does not list it",
        "Look the payment up at the gateway. If it was never taken there, refund nothing: call the gateway's support.",
    ),
    "contradiction": (
        "Booked as paid, and the gateway now says otherwise",
        "Look the payment up at the gateway, and at what was booked. The ledger has not been changed.",
    ),
    "refund_differs": (
        "A refund that differs from what was asked for",
        "The ledger has what the gateway says was given back. Compare it with the client's account.",
    ),
    "other_currency": (
        "Money in another currency",
        "It was not booked. Look it up at the gateway and decide with your bookkeeper.",
    ),
    "not_booked": (
        "A fee or payout that could not be booked",
        "The gateway's lines did not fit. Compare the gateway's statement and tell the plugin's maker.",
    ),
    "payout_failed": (
        "A payout that did not arrive at the bank",
        "The money is with the gateway again. See there why: its bank account for payouts may be wrong or closed.",
    ),
    "trust": (
        "A line of a trust account",
        "Fees are never taken from trust money. Look it up at the gateway and reconcile the trust account by hand.",
    ),
}


def ask(kind: str, source: str, detail: str, *, gateway: Gateway | None = None, payment: Payment | None = None) -> None:
    """Ask, unless it was asked before. Joins the caller's transaction."""
    if kind not in KINDS:
        raise ValueError(kind)
    Question.insert(
        kind=kind, source=source[:200], detail=detail, gateway=gateway, payment=payment, opened_at=clock.now(), note=""
    ).on_conflict_ignore().execute()


def open_questions(limit: int = 200) -> list[Question]:
    """Those not answered yet, the oldest first, with their gateways and payments."""
    query = (
        Question.select(Question, Gateway, Payment)
        .join_from(Question, Gateway, JOIN.LEFT_OUTER)
        .join_from(Question, Payment, JOIN.LEFT_OUTER)
    )
    return list(query.where(Question.closed_at.is_null()).order_by(Question.id).limit(limit))


def count_open(gateway: Gateway | None = None) -> int:
    """How many are not answered yet, of all gateways or of one."""
    query = Question.select().where(Question.closed_at.is_null())
    return int((query.where(Question.gateway == gateway.id) if gateway else query).count())


def find_question(question_id: int) -> Question:
    return Question.get_by_id(question_id)


def answer(question: Question, *, note: str, by: FirmUser) -> None:
    """Close a question; ``note`` says what was found. Twice changes nothing.

    Raises:
        Refused: without a note.
    """
    _close(Question.id == question.id, note, by)


def answer_all(kind: str, *, upto_id: int, note: str, by: FirmUser) -> int:
    """Close every open question of a kind with one note, up to the last one that was read; how many there were.

    Raises:
        Refused: without a note.
    """
    return _close((Question.kind == kind) & (Question.id <= upto_id), note, by)


def _close(which: Expression, note: str, by: FirmUser) -> int:
    if not note.strip():
        raise Refused("Say in a few words what was found.", "note")
    change = {"closed_at": clock.now(), "closed_by": by, "note": note.strip()[:200]}
    with transaction():
        return int(Question.update(change).where(which & Question.closed_at.is_null()).execute())
