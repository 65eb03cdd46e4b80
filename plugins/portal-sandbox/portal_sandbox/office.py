"""The back office: what happens to money after it was taken, each in one transaction; and the list of it all."""

from __future__ import annotations

from dataclasses import dataclass, replace

from portal_sandbox import disputes, refunds
from portal_sandbox.books import Books, dispute, remaining
from portal_sandbox.charges import CURRENCY, MERCHANT_ACCOUNTS, Charge, taken_elsewhere
from portal_sandbox.disputes import DECISIONS, Dispute, Payout
from portal_sandbox.events import Event
from portal_sandbox.refunds import Refund, RefundOrder
from portal_sandbox.scenarios import SUCCEEDED
from portal_sandbox.store import Rows
from portal_sandbox.till import OtherMoney, found

PAGE_LINES = 50
TERMINAL_CENTS = 2500
_LIST = """SELECT * FROM entry WHERE merchant_account = :merchant_account AND created_at BETWEEN :since AND :until
    AND (created_at, id, kind) > (:at, :id, :kind) ORDER BY created_at, id, kind LIMIT :most"""
_BALANCES = "SELECT merchant_account, currency, sum(net_minor) AS net FROM entry GROUP BY merchant_account, currency"

Line = dict[str, str | int]


class Refused(Exception):
    """It cannot be done, and nothing was. ``code`` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Office:
    books: Books

    def refund(self, order: RefundOrder, *, may_void: bool) -> tuple[Refund, Charge, bool]:
        """Give money back once; returns the refund, its charge and whether it is new.

        The same reference gives the same refund, whatever has happened since. Raises ``OtherMoney``, ``NoSuchCharge``
        or ``Refused``.
        """
        with self.books.writing() as (rows, now):
            charge = found(rows, order.charge_id)
            if known := rows.one(Refund, reference=order.reference):
                if not known.is_same_money(order):
                    raise OtherMoney
                return known, charge, False
            left = remaining(rows, charge)
            _check_left(charge, order, left)
            is_void = may_void and left == charge.amount_minor and refunds.is_voidable(charge, order, now)
            new = refunds.refunded(order, charge, now, self.books.settle_seconds, is_void=is_void)
            if is_void:
                charge = rows.change(charge.returned("voided"), now)
            return rows.change(new, now), charge, True

    def settle(self, id: str, *, is_done: bool) -> None:
        """Do now what a bank would do later: to the pending charge or refund ``id``."""
        with self.books.writing() as (rows, now):
            if refund := rows.one(Refund, id=id, status="pending"):
                rows.change(refund.decided(is_done=is_done), now)
            elif charge := rows.one(Charge, id=id, status="pending"):
                rows.change(charge.decided(now, self.books.settle_seconds, is_done=is_done), now)

    def send_back(self, id: str) -> None:
        """The payer's bank returns a charge that was settled; only when all of it is still there."""
        with self.books.writing() as (rows, now):
            charge = found(rows, id)
            if charge.method == "bank" and remaining(rows, charge) == charge.amount_minor:
                rows.change(charge.returned(), now)

    def dispute(self, id: str) -> None:
        """The payer disputes what is left of a charge."""
        with self.books.writing() as (rows, now):
            dispute(rows, found(rows, id), now)

    def decide(self, id: str, decision: str) -> None:
        """``won`` or ``lost``; what was decided stays."""
        with self.books.writing() as (rows, now):
            known = rows.one(Dispute, id=id)
            if known and decision in DECISIONS:
                rows.change(known.decided(decision), now)

    def pay_out(self, merchant_account: str) -> None:
        """Send the whole balance to the bank, if there is any."""
        with self.books.writing() as (rows, now):
            for account, currency, net in balances(rows):
                if account == merchant_account and net > 0:
                    rows.put(disputes.paid_out(account, net, currency, now))

    def pay_out_failed(self, id: str) -> None:
        """The firm's bank sends a payout back: its money is held here again."""
        with self.books.writing() as (rows, now):
            if payout := rows.one(Payout, id=id, returned_at=0):
                rows.put(replace(payout, returned_at=now))

    def take_elsewhere(self, merchant_account: str, amount_minor: int = TERMINAL_CENTS) -> Charge | None:
        """A payment that does not come through the portal; ``None`` when there is no such account."""
        if merchant_account not in MERCHANT_ACCOUNTS:
            return None
        with self.books.writing() as (rows, now):
            return rows.change(taken_elsewhere(merchant_account, amount_minor, usual_currency(rows), now), now)

    def tell_again(self, id: str) -> None:
        """Deliver an event once more, from the beginning."""
        with self.books.writing() as (rows, now):
            if event := rows.one(Event, id=id):
                rows.put(event.again(now))

    def lines(self, merchant_account: str, since: int, until: int, cursor: str) -> tuple[list[Line], str]:
        """A page of everything that moved money, the oldest first, and where it goes on. Raises ``ValueError``."""
        at, id, kind = cursor.split("~") if cursor else ("-1", "", "")
        with self.books.reading() as rows:
            lines = rows.rows(
                _LIST, merchant_account=merchant_account, since=since, until=until,
                at=int(at), id=id, kind=kind, most=PAGE_LINES + 1,
            )  # fmt: skip
        page = lines[:PAGE_LINES]
        goes_on = len(lines) > PAGE_LINES
        return page, f"{page[-1]['created_at']}~{page[-1]['id']}~{page[-1]['kind']}" if goes_on else ""


def usual_currency(rows: Rows) -> str:
    """What the last charge was in: the firm's."""
    latest = rows.where(Charge, "1 ORDER BY created_at DESC, rowid DESC LIMIT 1")
    return latest[0].currency if latest else CURRENCY


def balances(rows: Rows) -> list[tuple[str, str, int]]:
    """What is held for each account and currency, in cents; less than nothing when more was given back than came."""
    return [(str(row["merchant_account"]), str(row["currency"]), int(row["net"])) for row in rows.rows(_BALANCES)]


def _check_left(charge: Charge, order: RefundOrder, left: int) -> None:
    if charge.status != SUCCEEDED:
        raise Refused("not_refundable", "There is nothing to give back: the payment has not come, or has gone back.")
    if order.amount_minor > left:
        raise Refused("too_much", "This is more than is left of the payment.")
