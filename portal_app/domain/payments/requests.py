"""What came of deposit requests: for the firm, for a matter, for a portal user; and withdrawing with regard to it.

Received is what came and was not taken back: a payment that a bank returned, or that is disputed or lost, counts no
more, and the request is open again by it. What the firm gave back by itself does not open it again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from peewee import JOIN, SQL, Case, ModelSelect, fn

from portal_app import clock
from portal_app.db import locked, sum_of, transaction
from portal_app.domain import audit, deposits, firms, matters, sharing, trust
from portal_app.domain.deposits import DepositRequest, DepositShare, DepositWithdrawal, Evergreen
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.payments.models import HOLDING, IS_HOLDING, IS_UNDER_WAY, Allocation, Dispute, Payment
from portal_app.domain.people import Client, FirmUser, PortalUser
from portal_app.domain.readers import prepared_for
from portal_app.prepared import prepared

TAKEN_BACK = ("open", "lost")  # disputes in which the money is with the payer's bank


def _received() -> Any:
    taken_back = Dispute.select(SQL("1")).where((Dispute.payment == Payment.id) & Dispute.state.in_(TAKEN_BACK))
    is_there = (Payment.state == "succeeded") & ~fn.EXISTS(taken_back)
    came = fn.COALESCE(Payment.received_cents, Allocation.amount_cents)
    query = Allocation.select(fn.COALESCE(fn.SUM(came), 0)).join(Payment)
    return query.where((Allocation.deposit == DepositRequest.id) & is_there)


def with_balances(*more: Any, columns: tuple[Any, ...] = (DepositRequest, Matter)) -> ModelSelect:
    """Deposit requests with their matters, ``received_cents`` and ``is_withdrawn``."""
    return (
        DepositRequest.select(
            *columns, *more, _received().alias("received_cents"),
            Case(None, [(DepositWithdrawal.deposit.is_null(), 0)], 1).alias("is_withdrawn"),
        )
        .join_from(DepositRequest, Matter)
        .join_from(DepositRequest, DepositWithdrawal, JOIN.LEFT_OUTER)
    )  # fmt: skip


# For the firm


def deposits_of(matter: Matter) -> list[DepositRequest]:
    """The matter's requests, the newest first."""
    return list(with_balances().where(DepositRequest.matter == matter.id).order_by(DepositRequest.id.desc()))


def find_deposit(who: FirmUser, deposit_id: int) -> DepositRequest:
    """One request through the person, with its matter and client."""
    query = with_balances(Client).join_from(Matter, Client)
    return query.where((DepositRequest.id == deposit_id) & matters.sees(who, DepositRequest.matter)).get()


def waiting_deposits(who: FirmUser, today: dt.date) -> list[DepositRequest]:
    """Requests that somebody should know of, with matters and clients, the oldest due first: past their day with
    something still to come, or made by themselves because a retainer is low. ``today`` is the firm's day."""
    return _waiting(who, today)


@prepared_for
def _waiting(who: Any, today: Any) -> ModelSelect:
    is_late = DepositRequest.due_on < today
    is_told = (is_late | DepositRequest.evergreen.is_null(False)) & matters.sees(who, DepositRequest.matter)
    query = with_balances(Client).join_from(Matter, Client).where(is_told & _is_open())
    return query.order_by(DepositRequest.due_on, DepositRequest.id)


def _is_open() -> Any:
    return DepositWithdrawal.deposit.is_null() & (_received() < DepositRequest.amount_cents)


def on_deposits(deposit_ids: Sequence[int]) -> list[Allocation]:
    """Everything paid, or being confirmed, on these requests, with payments and payers, the oldest first."""
    query = Allocation.select(Allocation, Payment, PortalUser).join(Payment).join(PortalUser)
    counts = Payment.state.in_(sorted(HOLDING | {"succeeded", "returned"}))
    return list(query.where(Allocation.deposit.in_(list(deposit_ids)) & counts).order_by(Payment.id))


def withdraw_deposit(request: DepositRequest, *, reason: str, by: FirmUser) -> None:
    """Ask for it no longer. What came of it stays in trust.

    Raises:
        Refused: a payment for it is being confirmed, or all of it came.
    """
    with transaction():
        locked(DepositRequest.select().where(DepositRequest.id == request.id)).get()
        fresh = with_balances().where(DepositRequest.id == request.id).get()
        if fresh.is_withdrawn:
            return
        if held_on_deposits([fresh.id]):
            raise Refused("A payment for this deposit is being confirmed. Withdraw it once that is settled.")
        if not fresh.balance_cents:
            raise Refused("All of it has come. There is nothing left to withdraw.")
        deposits.withdraw(fresh, reason=reason, by=by)


def held_on_deposits(deposit_ids: Sequence[int]) -> dict[int, int]:
    """Cents of each request that unresolved payments hold."""
    query = Allocation.select(Allocation.deposit, fn.SUM(Allocation.amount_cents)).join(Payment)
    held = query.where(Allocation.deposit.in_(list(deposit_ids)) & IS_HOLDING)
    return {row[0]: sum_of(row[1]) for row in held.group_by(Allocation.deposit).tuples()}


# For a portal user


def _seen_by(who_id: Any, columns: tuple[Any, ...] = (DepositRequest, Matter)) -> ModelSelect:
    return (
        with_balances(*sharing.read_by(DepositShare), columns=columns)
        .join_from(DepositRequest, DepositShare)
        .where((DepositShare.portal_user == who_id) & DepositShare.ended_at.is_null())
    )


def open_deposits_for(who: PortalUser) -> list[DepositRequest]:
    """What ``who`` is asked to pay into trust, the oldest due first, each with what is under way on it (``held``)."""
    return _open_for(who.id)


@prepared
def _open_for(who_id: Any) -> ModelSelect:
    held = Allocation.select(fn.COALESCE(fn.SUM(Allocation.amount_cents), 0)).join(Payment)
    under_way = held.where((Allocation.deposit == DepositRequest.id) & IS_UNDER_WAY)
    is_payable = _is_open() & Matter.closed_on.is_null()  # nothing new is put on a matter that is over (T20)
    query = _seen_by(who_id, (DepositRequest, Matter.id, Matter.number, Matter.name)).where(is_payable)
    return query.select_extend(under_way.alias("held")).order_by(DepositRequest.due_on, DepositRequest.id)


def deposits_shared_with(who: PortalUser) -> list[DepositRequest]:
    """Requests of every state shared with ``who``, the newest first."""
    return list(_seen_by(who.id).order_by(DepositRequest.id.desc()).limit(100))


def find_deposit_for(who: PortalUser, public_id: str) -> DepositRequest:
    """One that is shared with ``who``, with its share as ``depositshare``."""
    return _seen_by(who.id).where(DepositRequest.public_id == public_id).get()


# Evergreen retainers


def fill_up() -> list[DepositRequest]:
    """Ask for more where a retainer has fallen below its threshold and nothing is asked for; the requests made. Bears
    to be done often, and by several workers: the matter's row is locked, and an open request is enough."""
    asked = [_fill(rule) for rule in deposits.evergreens() if is_low(rule)]
    return [row for row in asked if row is not None]


def is_low(rule: Evergreen) -> bool:
    """Whether less is held than the rule wants."""
    return trust.balance(rule.matter, rule.bank_account) < rule.threshold_cents


def _fill(rule: Evergreen) -> DepositRequest | None:
    with transaction():
        matter: Matter = locked(Matter.select().where(Matter.id == rule.matter_id)).get()
        known = deposits.evergreen_of(matter)
        open_ones = with_balances().where((DepositRequest.matter == matter.id) & _is_open())
        if known is None or known.id != rule.id or not matter.is_open or not is_low(rule) or open_ones.exists():
            return None
        balance = trust.balance(matter, rule.bank_account)
        due_on = clock.today(firms.current().time_zone) + dt.timedelta(days=rule.terms_days)
        asked = deposits.ask(
            matter, amount_cents=int(rule.target_cents) - balance, purpose="Retainer to be filled up", due_on=due_on,
            bank_account_id=rule.bank_account_id, by=None, evergreen=rule,
        )  # fmt: skip
        audit.record(
            "ask_for_retainer", subject=asked.number, subject_ref=f"depositrequest:{asked.id}", matter_id=matter.id
        )
        return asked
