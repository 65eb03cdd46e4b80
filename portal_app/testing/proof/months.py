"""A simulator of whole months of a firm: people, gateway, mail, disk and clocks with faults, crashes at any step. One
seed is one run; the same seed gives the same run again."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from peewee import OperationalError

from portal_app import clock, gateways, worker
from portal_app.db import db
from portal_app.domain import draws, payments, trust
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Payment
from portal_app.plugin_api import Capability, Delivery, Fund, Method
from portal_app.testing.proof import counting
from portal_app.testing.proof.bank import Bank
from portal_app.testing.proof.rig import ZONE, Killed, Payer, Rig
from portal_app.testing.proof.troubles import Troubles
from portal_app.testing.wire import Says

HOUR = dt.timedelta(hours=1)
REST = (HOUR, *([dt.timedelta(days=1)] * 12))  # longer than everybody's patience
SAYS = (*[Says.APPROVED] * 7, Says.DECLINED, Says.ACTION_REQUIRED, Says.UNMAPPED, Says.LESS)


@dataclass(slots=True)
class Run:
    """What came of one seed. ``did`` counts what was done, ``had`` what went wrong meanwhile."""

    seed: int
    days: int
    steps: int = 0
    charges: int = 0
    refunds: int = 0
    disputes: int = 0
    did: Counter[str] = field(default_factory=Counter)
    had: Counter[str] = field(default_factory=Counter)
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
        self.troubles = Troubles(rig, self.chance)
        self.bank = Bank(rig, self.chance)
        self.payers: list[Payer] = []
        self.kept: list[Delivery] = []

    def live(self) -> Run:
        """All days, then rest without faults until everything must be settled, then the count."""
        for _ in range(self.run.days):
            for _ in range(self.chance.randrange(1, 8)):
                self.step(self.chance.choice(self.deeds()))
            for _ in range(3):
                self.step(self.a_third_of_the_day)
            self.step(worker.housekeeping)
        self.troubles.end()
        for wait in REST:
            self.rig.go_on(wait)
            self.hear(is_faithful=True)
            self.decide()
            gateways.sweep_due()
        self.rig.work()
        self.run.had, self.run.did = self.troubles.had, self.run.did + self.bank.did
        self.run.wrong += counting.count(self.rig, self.run, self.payers, self.bank.taken_back)
        return self.run

    def deeds(self) -> list[Callable[[], object]]:
        return [
            *[self.pay] * 6, *[self.new_client] * 2, self.pay_deposit, self.draw, *[self.refund] * 2, self.come_back,
            *[self.bank.act] * 2, *[self.hear] * 2, self.decide,
        ]  # fmt: skip

    def step(self, deed: Callable[[], object]) -> None:
        """Somebody does something, while something may be broken; a process that dies is started again."""
        self.run.steps += 1
        name = getattr(deed, "__name__", "")
        with self.troubles.one():
            try:
                if deed() is not False:
                    self.run.did[name] += 1
            except Killed:
                self.rig.restart()
            except (Refused, OperationalError):
                pass
        states = [payment.state for payment in Payment.select(Payment.state).order_by(Payment.id)]
        self.run.trace.append(f"{name}: {' '.join(states)}")
        if db.in_transaction():
            self.run.wrong.append(f"{name} left a transaction open")

    # What people do. False: there was nothing to do.

    def new_client(self) -> None:
        self.payers.append(self.rig.payer(self.chance.randrange(20, 3000)))

    def somebody(self) -> Payer:
        if not self.payers:
            self.new_client()
        return self.chance.choice(self.payers)

    def pay(self) -> bool:
        """All or a part of what is owed."""
        payer = self.somebody()
        forms = [self.rig.open_form(payer) for _ in range(2)]
        return self._pay(payer, forms, payments.offer(payer.who).available_cents)

    def pay_deposit(self) -> bool:
        """What was asked for in advance, or a part of it: into trust, where the gateway takes such money."""
        payer = self.somebody()
        if Fund.TRUST not in self.rig.funds:
            return False
        asked = self.rig.ask_deposit(payer, self.chance.randrange(20, 3000)).public_id
        forms = [self.rig.open_form(payer, asked) for _ in range(2)]
        return self._pay(payer, forms, payments.offer(payer.who, Fund.TRUST).only(asked).available_cents)

    def _pay(self, payer: Payer, forms: list[dict[str, str]], open_cents: int) -> bool:
        """By card or bank account, on the gateway's fields or its own page; sometimes pressed twice, or from two
        tabs."""
        if not forms[0] or open_cents < 2:
            return False
        cents = self.chance.randrange(2, open_cents + 1)  # a cent less can still be taken
        method = self.chance.choice([*[Method.CARD] * 3, Method.BANK])
        says = self.chance.choice(SAYS) if method is Method.CARD else Says.APPROVED
        has_script = self.chance.random() < 5 / 6
        for form in [forms[0], self.chance.choice(forms)][: 2 if self.chance.random() < 1 / 3 else 1]:
            self.rig.press(payer, form, says=says, cents=cents, method=method, has_script=has_script)
        return True

    def draw(self) -> bool:
        """The firm pays an invoice from what it holds in trust."""
        payer, bank, today = self.somebody(), self.rig.banks[Fund.TRUST], clock.today(ZONE)
        cents = min(draws.payable(payer.invoice), trust.available(payer.invoice.matter, bank, today))
        if cents <= 0:
            return False
        draws.pay(
            payer.invoice, bank, self.rig.banks[Fund.OPERATING], amount_cents=self.chance.randrange(1, cents + 1),
            on=today, by=self.rig.admin, key=f"draw-{self.run.seed}-{self.run.steps}",
        )  # fmt: skip
        return True

    def refund(self) -> bool:
        """All or a part of a payment."""
        paid = list(Payment.select().where(Payment.state == "succeeded").order_by(Payment.id))
        if not paid or Capability.REFUND not in self.rig.manifest.capabilities:
            return False
        payment = self.chance.choice(paid)
        left = payments.refundable_cents(payment)
        is_whole = Capability.PARTIAL_REFUND not in self.rig.manifest.capabilities or self.chance.random() < 1 / 2
        if not left or (is_whole and left != payment.paid_cents):
            return False
        row = payments.start_refund(
            payment, amount_cents=left if is_whole else self.chance.randrange(1, left + 1), expected_left_cents=left,
            is_owed_again=payment.is_deposit or self.chance.random() < 1 / 2, reason="Asked for it", by=self.rig.admin,
            key=f"{self.run.seed}-{self.run.steps}",
        )  # fmt: skip
        gateways.refund(row)
        return True

    def come_back(self) -> bool:
        """A payer looks at a payment, or gives it up."""
        payer = self.somebody()
        for payment in payer.payments[-1:]:
            payer.browser.get(f"/portal/payments/{payment.public_id}/return")
            if self.chance.random() < 1 / 4:
                payer.browser.post(f"/portal/payments/{payment.public_id}/cancel")
        return bool(payer.payments)

    def decide(self) -> bool:
        """The bookkeeper looks at what waits for a person: what came otherwise is kept, and of what the gateway will
        not explain is said what its own pages show."""
        has_decided = False
        for payment in Payment.select().where(payments.IS_HOLDING).order_by(Payment.id):
            if payment.state == "review":
                payments.apply_received(payment, note="The client agrees", by=self.rig.admin)
                has_decided = True
            elif clock.now() - payment.created_at > counting.PATIENCE and payments.can_resolve_by_hand(payment):
                is_paid = gateways.attempt_of(payment).reference in counting.taken(self.rig)
                payments.resolve_by_hand(payment, is_paid=is_paid, note="As its pages say", by=self.rig.admin)
                has_decided = True
        return has_decided

    # What comes by itself

    def hear(self, *, is_faithful: bool = False) -> bool:
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
        return bool(fresh)

    def a_third_of_the_day(self) -> None:
        self.rig.go_on(8 * HOUR)
