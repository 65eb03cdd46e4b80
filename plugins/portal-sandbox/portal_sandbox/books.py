"""The books: the store and the clock. What time has changed is written before anybody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from portal_sandbox import disputes
from portal_sandbox.charges import Charge
from portal_sandbox.disputes import Dispute
from portal_sandbox.refunds import Refund
from portal_sandbox.scenarios import DISPUTED, SUCCEEDED
from portal_sandbox.store import Rows, Store

_NEXT = """SELECT min(due_at) AS at FROM (SELECT due_at FROM charge WHERE due_at > 0
    UNION ALL SELECT due_at FROM refund WHERE due_at > 0)"""


@dataclass(frozen=True, slots=True)
class Books:
    """``clock`` gives whole seconds since 1970; a bank takes ``settle_seconds`` for whatever it does."""

    store: Store
    clock: Callable[[], int]
    settle_seconds: int

    @contextmanager
    def writing(self) -> Iterator[tuple[Rows, int]]:
        """A transaction, and the time that it has."""
        now = self.clock()
        with self.store.transaction() as rows:
            self._age(rows, now)
            yield rows, now

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        due_at = self.due_at()
        if due_at and due_at <= self.clock():
            with self.writing():
                pass
        with self.store.reading() as rows:
            yield rows

    def due_at(self) -> int:
        """When time changes something next; 0: never."""
        with self.store.reading() as rows:
            return int(rows.rows(_NEXT)[0]["at"] or 0)

    def _age(self, rows: Rows, now: int) -> None:
        due = "due_at > 0 AND due_at <= :now"
        # A charge can be due more than once: settled, then returned.
        while charges := rows.where(Charge, due, now=now):
            for charge in charges:
                if charge.status == SUCCEEDED and charge.rehearses.then == DISPUTED:
                    dispute(rows, charge, charge.due_at)
                rows.change(charge.aged(self.settle_seconds), now)
        for refund in rows.where(Refund, due, now=now):
            rows.change(refund.aged(rows.some(Charge, id=refund.charge_id)[0]), now)


def remaining(rows: Rows, charge: Charge) -> int:
    """What of a charge, in cents, is still the firm's: not given back, not disputed."""
    if charge.status != SUCCEEDED:
        return 0
    back = sum(refund.amount_minor for refund in rows.some(Refund, charge_id=charge.id) if refund.status != "declined")
    taken = sum(dispute.amount_minor for dispute in rows.some(Dispute, charge_id=charge.id) if dispute.status != "won")
    return charge.amount_minor - back - taken


def dispute(rows: Rows, charge: Charge, at: int) -> None:
    """The payer disputes what is left of a charge, if anything."""
    if left := remaining(rows, charge):
        rows.change(disputes.opened(charge.id, left, at), at)
