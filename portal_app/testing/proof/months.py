"""A simulator of whole months of a firm: people, gateway, mail and disks with faults, crashes at any step. One seed is
one run; the same seed gives the same run again."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest import mock

from portal_app import gateways, verify
from portal_app.db import db
from portal_app.domain import ledger, mail, payments, store
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Dispute, Payment, Refund
from portal_app.plugin_api import Capability, Delivery
from portal_app.testing.line import Fault
from portal_app.testing.proof.matrix import WRONGS
from portal_app.testing.proof.rig import Killed, Payer, Rig, is_held
from portal_app.testing.wire import Says

DOUBLE, LOST, STUCK, BALANCES = WRONGS
HOUR = dt.timedelta(hours=1)
REST = (HOUR, *([dt.timedelta(days=1)] * 12))  # longer than everybody's patience
SAYS = (Says.APPROVED,) * 7 + (Says.DECLINED, Says.APPROVED)


@dataclass(slots=True)
class Run:
    """What came of one seed."""

    seed: int
    days: int
    steps: int = 0
    charges: int = 0
    refunds: int = 0
    disputes: int = 0
    wrong: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)

    def line(self) -> str:
        said = "; ".join(self.wrong) if self.wrong else "the books hold"
        counted = f"{self.charges} charges, {self.refunds} refunds, {self.disputes} disputes"
        return f"seed {self.seed}: {self.days} days, {self.steps} steps, {counted}: {said}"


class Firm:
    """One run on one rig. What is done, and what goes wrong, is drawn from the seed alone."""

    def __init__(self, rig: Rig, seed: int, days: int) -> None:
        self.rig, self.run = rig, Run(seed, days)
        self.chance = random.Random(seed)  # noqa: S311  to be drawn again, not to be unguessable
        self.payers: list[Payer] = []
        self.kept: list[Delivery] = []

    def live(self) -> Run:
        """All days, then rest without faults until everything must be settled, then the count."""
        for _ in range(self.run.days):
            for _ in range(self.chance.randrange(1, 8)):
                self.step()
            self.night()
        for wait in REST:
            self.rig.go_on(wait)
            self.hear(is_faithful=True)
        self.rig.work()
        self.run.wrong += list(self.count())
        return self.run

    def step(self) -> None:
        """Somebody does something, while something may be broken; a process that dies is started again."""
        self.run.steps += 1
        actions: list[Callable[[], object]] = [
            *[self.pay] * 6, *[self.new_client] * 2, self.refund, self.come_back, self.bank_acts, self.hear,
        ]  # fmt: skip
        action = self.chance.choice(actions)
        with self.trouble():
            try:
                action()
            except Killed:
                self.rig.restart()
            except Refused:
                pass
        states = [payment.state for payment in Payment.select(Payment.state).order_by(Payment.id)]
        self.run.trace.append(f"{getattr(action, '__name__', '')}: {' '.join(states)}")
        if db.in_transaction():
            self.run.wrong.append(f"{action.__name__} left a transaction open")

    # What people do

    def new_client(self) -> None:
        self.payers.append(self.rig.payer(self.chance.randrange(20, 3000)))

    def somebody(self) -> Payer:
        if not self.payers:
            self.new_client()
        return self.chance.choice(self.payers)

    def pay(self) -> None:
        """All or a part; sometimes pressed twice, from two tabs, or by a card that is declined."""
        payer = self.somebody()
        forms = [self.rig.open_form(payer) for _ in range(2)]
        open_cents = payments.offer(payer.who).available_cents
        cents = self.chance.randrange(1, open_cents + 1) if open_cents else 0
        if not forms[0] or not cents:
            return
        says = self.chance.choice(SAYS)
        self.rig.press(payer, forms[0], says=says, cents=cents)
        if self.chance.random() < 1 / 3:
            self.rig.press(payer, self.chance.choice(forms), cents=cents)

    def refund(self) -> None:
        paid = list(Payment.select().where(Payment.state == "succeeded").order_by(Payment.id))
        if not paid or Capability.REFUND not in self.rig.manifest.capabilities:
            return
        payment = self.chance.choice(paid)
        left = payments.refundable_cents(payment)
        is_whole = Capability.PARTIAL_REFUND not in self.rig.manifest.capabilities or self.chance.random() < 1 / 2
        if not left or (is_whole and left != payment.paid_cents):
            return
        row = payments.start_refund(
            payment, amount_cents=left if is_whole else self.chance.randrange(1, left + 1), expected_left_cents=left,
            is_owed_again=self.chance.random() < 1 / 2, reason="Asked for it", by=self.rig.admin,
            key=f"{self.run.seed}-{self.run.steps}",
        )  # fmt: skip
        gateways.refund(row)

    def come_back(self) -> None:
        """A payer looks at a payment, or gives it up."""
        payer = self.somebody()
        for payment in payer.payments[-1:]:
            payer.browser.get(f"/portal/payments/{payment.public_id}/return")
            if self.chance.random() < 1 / 4:
                payer.browser.post(f"/portal/payments/{payment.public_id}/cancel")

    def bank_acts(self) -> None:
        """A payer's bank disputes a charge, or decides; somebody pays at the gateway's own terminal; the gateway pays
        out, and the firm's bank sends that back."""
        ours = {gateways.attempt_of(payment).reference: payment.id for payment in Payment.select()}
        taken = [row for row in self.rig.wire.charges() if row.reference in ours]
        if not taken:
            return
        # In our order: the gateway's own ids are drawn anew in each run.
        charge = self.chance.choice(sorted(taken, key=lambda row: ours[row.reference])).gateway_reference
        wire = self.rig.wire
        is_won = self.chance.random() < 1 / 2
        deeds: list[Callable[[], object]] = [
            lambda: wire.open_dispute(charge), lambda: wire.decide_dispute(charge, is_won=is_won),
            lambda: wire.take_elsewhere(self.rig.account, 2_500), wire.pay_out, wire.fail_payout,
        ]  # fmt: skip
        _try(self.chance.choice(deeds))

    def hear(self, *, is_faithful: bool = False) -> None:
        """Webhooks arrive: some late, some twice, some never, in any order."""
        fresh = [*self.kept, *self.rig.new_deliveries()]
        self.kept = []
        if not is_faithful:
            self.chance.shuffle(fresh)
            self.kept = [each for each in fresh if self.chance.random() < 1 / 5]
            fresh = [each for each in fresh if self.chance.random() < 4 / 5]
            fresh += [each for each in fresh if self.chance.random() < 1 / 5]
        self.rig.deliver(fresh)
        self.rig.work()

    def night(self) -> None:
        for _ in range(3):
            self.rig.go_on(8 * HOUR)
        gateways.sweep_due()

    # What goes wrong

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """One fault, or none: on the line, of the process, of the disk or of the mail server."""
        rig = self.rig
        rig.line.arm(None)
        kind = self.chance.randrange(14)
        if kind in {0, 1}:
            rig.line.arm(self.chance.choice(sorted(Fault)), self.chance.randrange(3))
        if kind in {2, 3}:
            rig.line.before = self.dying(self.chance.randrange(3))
        if kind in {4, 5}:
            rig.line.after = self.dying(self.chance.randrange(3))
        broken = {6: (store, "put_bytes"), 7: (mail, "send")}.get(kind)
        try:
            if broken:
                with mock.patch.object(*broken, side_effect=OSError("No space left on device")):
                    yield
            else:
                yield
        finally:
            rig.line.before = rig.line.after = lambda: None
            rig.line.arm(None)

    def dying(self, at: int) -> Callable[[], object]:
        """The process dies at request number ``at``."""

        def die() -> None:
            if self.rig.line.count == at + 1:
                raise Killed

        return die

    # The count

    def count(self) -> Iterator[str]:
        """What is wrong, a sentence each: the gateway's own books against ours, and ours by themselves."""
        rows = {gateways.attempt_of(payment).reference: payment for payment in Payment.select()}
        taken = [row.reference for row in self.rig.wire.charges() if row.reference in rows]
        self.run.charges, self.run.refunds = len(taken), Refund.select().count()
        self.run.disputes = Dispute.select().count()
        yield from _charges(rows, taken)
        if Refund.select().where(Refund.state.in_(payments.REFUND_OPEN)).exists():
            yield f"{STUCK}: a refund"
        given = sum(row.amount_minor for row in self.rig.wire.refunds())
        booked = sum(row.amount_cents for row in Refund.select().where(Refund.state == "succeeded"))
        if given != booked:
            yield f"{BALANCES}: the gateway gave back {given}, {booked} is booked"
        for payer in self.payers:
            if ledger.invoice_balance(payer.invoice.id) < 0:
                yield f"{BALANCES}: invoice {payer.invoice.number} owes less than nothing"
        yield from verify.verify().faults


def _charges(rows: Mapping[str, Payment], taken: Sequence[str]) -> Iterator[str]:
    """Our payments by reference, against the references of what the gateway took."""
    if len(set(taken)) < len(taken):
        yield DOUBLE
    for reference, payment in rows.items():
        is_paid = payment.state in payments.PAID
        if reference in taken and not is_paid:
            yield f"{LOST}: {reference} is {payment.state}"
        if is_paid and reference not in taken:
            yield f"{BALANCES}: payment {payment.id} is {payment.state}, and the gateway never took it"
        if is_held(payment):
            yield f"{STUCK}: payment {payment.id} is {payment.state}"


def _try(deed: Callable[[], object]) -> None:
    """What a bank would do, when it can: what the fake cannot play, or does not allow now, is left out."""
    try:
        deed()
    except Killed:
        raise
    except BaseException as problem:
        if isinstance(problem, KeyboardInterrupt | SystemExit):
            raise
