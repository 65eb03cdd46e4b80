"""The till: everything that can happen to a charge, each in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal_sandbox.charges import PATIENCE_SECONDS, Charge, Order, ordered
from portal_sandbox.means import Means
from portal_sandbox.store import Rows, Store


class OtherMoney(Exception):
    """The reference belongs to a charge of another amount, currency or account."""


class TokenSpent(Exception):
    """The token is unknown, was used once already or is too old."""


class NoSuchCharge(Exception):
    """There is no charge with this id."""


@dataclass(frozen=True, slots=True)
class Till:
    """``clock`` gives whole seconds since 1970; a bank transfer settles ``settle_seconds`` after it was sent."""

    store: Store
    clock: Callable[[], int]
    settle_seconds: int

    def charge(self, order: Order, token: str) -> tuple[Charge, bool]:
        """Take the money once; returns the charge and whether it is new.

        The same reference gives the same charge, whatever else comes. Raises ``OtherMoney`` or ``TokenSpent``.
        """
        now = self.clock()
        with self.store.transaction() as rows:
            if known := _known(rows, order):
                return known.at(now), False
            means = rows.spend(token, now)
            if means is None:
                raise TokenSpent
            new = ordered(order, now, has_page=False)
            return rows.put(new.taken_with(means, now, self.settle_seconds)), True

    def open_page(self, order: Order) -> Charge:
        """A charge that waits for its payer on the sandbox's own page. Raises ``OtherMoney``."""
        now = self.clock()
        with self.store.transaction() as rows:
            known = _known(rows, order)
            return known.at(now) if known else rows.put(ordered(order, now, has_page=True))

    def pay(self, id: str, means: Means) -> tuple[Charge, bool]:
        """Pay an open page; returns the charge and whether this call changed it. Raises ``NoSuchCharge``."""
        now = self.clock()
        with self.store.transaction() as rows:
            charge = _found(rows, id).at(now)
            if charge.step != "pay":
                return charge, False
            return rows.put(charge.taken_with(means, now, self.settle_seconds)), True

    def answer(self, id: str, *, is_approved: bool) -> Charge:
        """Answer the 3-D Secure step; nothing happens when it is not due. Raises ``NoSuchCharge``."""
        with self.store.transaction() as rows:
            charge = _found(rows, id).at(self.clock())
            return rows.put(charge.answered(is_approved)) if charge.step == "challenge" else charge

    def give_up(self, id: str) -> Charge:
        """Cancel what is not settled; returns what the charge has become. Raises ``NoSuchCharge``."""
        with self.store.transaction() as rows:
            return rows.put(_found(rows, id).at(self.clock()).given_up())

    def find(self, id: str) -> Charge:
        """The charge as of now. Raises ``NoSuchCharge``."""
        with self.store.reading() as rows:
            return _found(rows, id).at(self.clock())

    def find_for(self, reference: str) -> Charge | None:
        with self.store.reading() as rows:
            charge = rows.charge_for(reference)
        return charge.at(self.clock()) if charge else None

    def issue(self, means: Means) -> str:
        """A one-time token for ``means``, good for half an hour."""
        with self.store.transaction() as rows:
            return rows.issue(means, self.clock() + PATIENCE_SECONDS)


def _known(rows: Rows, order: Order) -> Charge | None:
    known = rows.charge_for(order.reference)
    if known and not known.is_same_money(order):
        raise OtherMoney
    return known


def _found(rows: Rows, id: str) -> Charge:
    charge = rows.charge(id)
    if charge is None:
        raise NoSuchCharge
    return charge
