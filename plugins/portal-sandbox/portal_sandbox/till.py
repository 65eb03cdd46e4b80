"""The till: everything that a payer can do to a charge, each in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from portal_sandbox.books import Books
from portal_sandbox.charges import PATIENCE_SECONDS, Charge, Order, ordered
from portal_sandbox.means import Means
from portal_sandbox.store import Rows


class OtherMoney(Exception):
    """The reference belongs to a charge or refund of another amount, currency or account."""


class TokenSpent(Exception):
    """The token is unknown, was used once already or is too old."""


class NoSuchCharge(Exception):
    """There is no charge with this id."""


@dataclass(frozen=True, slots=True)
class Till:
    books: Books

    def charge(self, order: Order, token: str) -> tuple[Charge, bool]:
        """Take the money once; returns the charge and whether it is new.

        The same reference gives the same charge, whatever else comes. Raises ``OtherMoney`` or ``TokenSpent``.
        """
        with self.books.writing() as (rows, now):
            if known := _known(rows, order):
                return known, False
            means = rows.spend(token, now)
            if means is None:
                raise TokenSpent
            new = ordered(order, now, has_page=False)
            return rows.change(new.taken_with(means, now, self.books.settle_seconds), now), True

    def open_page(self, order: Order) -> Charge:
        """A charge that waits for its payer on the sandbox's own page. Raises ``OtherMoney``."""
        with self.books.writing() as (rows, now):
            return _known(rows, order) or rows.change(ordered(order, now, has_page=True), now)

    def pay(self, id: str, means: Means) -> tuple[Charge, bool]:
        """Pay an open page; returns the charge and whether this call changed it. Raises ``NoSuchCharge``."""
        with self.books.writing() as (rows, now):
            charge = found(rows, id)
            if charge.step != "pay":
                return charge, False
            return rows.change(charge.taken_with(means, now, self.books.settle_seconds), now), True

    def answer(self, id: str, *, is_approved: bool) -> Charge:
        """Answer the 3-D Secure step; nothing happens when it is not due. Raises ``NoSuchCharge``."""
        with self.books.writing() as (rows, now):
            charge = found(rows, id)
            answered = charge.answered(now, is_approved=is_approved)
            return rows.change(answered, now) if charge.step == "challenge" else charge

    def give_up(self, id: str) -> Charge:
        """Cancel what is not settled; returns what the charge has become. Raises ``NoSuchCharge``."""
        with self.books.writing() as (rows, now):
            return rows.change(found(rows, id).given_up(), now)

    def find(self, id: str) -> Charge:
        """The charge as of now. Raises ``NoSuchCharge``."""
        with self.books.reading() as rows:
            return found(rows, id)

    def issue(self, means: Means) -> str:
        """A one-time token for ``means``, good for half an hour."""
        with self.books.writing() as (rows, now):
            return rows.issue(means, now + PATIENCE_SECONDS)


def found(rows: Rows, id: str) -> Charge:
    """The charge ``id``. Raises ``NoSuchCharge``."""
    charge = rows.one(Charge, id=id)
    if charge is None:
        raise NoSuchCharge
    return charge


def _known(rows: Rows, order: Order) -> Charge | None:
    known = rows.one(Charge, reference=order.reference)
    if known and not known.is_same_money(order):
        raise OtherMoney
    return known
