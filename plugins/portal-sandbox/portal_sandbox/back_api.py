"""Refunds and the list of transactions in the companion's JSON API."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from portal_sandbox import api_rules as rules
from portal_sandbox.api import shown_refund
from portal_sandbox.refunds import Refund, RefundOrder
from portal_sandbox.till import found
from portal_sandbox.works import works

back_api = rules.make("back_api")


@back_api.post("/refunds")
def make_refund() -> ResponseReturnValue:
    sent = rules.body()
    order = RefundOrder(
        reference=rules.word(sent, "reference", 200),
        charge_id=rules.word(sent, "charge", 100),
        amount_minor=rules.amount(sent),
        reason=rules.words(sent, "reason"),
    )
    refund, charge, is_new = works().office.refund(order, may_void=sent.get("may_void") is True)
    if is_new and works().is_lost(charge.rehearses):
        return rules.problem(504, "lost_answer", "The refund was made, and the answer to it lost on purpose.")
    return shown_refund(refund, charge), 201 if is_new else 200


@back_api.get("/refunds")
def list_refunds() -> ResponseReturnValue:
    """The one refund of a reference."""
    with works().books.reading() as rows:
        refund = rows.one(Refund, reference=request.args.get("reference", ""))
        return {"refunds": [shown_refund(refund, found(rows, refund.charge_id))] if refund else []}


@back_api.get("/transactions")
def list_transactions() -> ResponseReturnValue:
    """Everything that moved money in an account between two moments, in seconds since 1970, page by page."""
    asked = request.args.to_dict()
    try:
        since, until = int(asked["since"]), int(asked["until"])
        lines, cursor = works().office.lines(rules.account(asked), since, until, asked.get("cursor", ""))
    except (KeyError, ValueError, OverflowError) as problem:
        raise rules.BadRequest("bad_query", "Name merchant_account, since, until and a cursor of ours.") from problem
    return {"transactions": lines, "next_cursor": cursor}
