"""What the gateway's side and the payers' banks do in a simulated month, as far as the gateway's fake can play it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from portal_app import gateways
from portal_app.domain.payments import Payment
from portal_app.plugin_api import Method
from portal_app.testing.proof import counting
from portal_app.testing.proof.rig import Killed, Rig
from portal_app.testing.wire import Wire


class Bank:
    """Acts on one rig. ``did`` counts what was played; ``taken_back`` has the references of what did not stay."""

    def __init__(self, rig: Rig, chance: random.Random) -> None:
        self.rig, self.chance = rig, chance
        self.did: Counter[str] = Counter()
        self.taken_back: set[str] = set()
        self.paid_pages: set[str] = set()

    def act(self) -> bool:
        """One thing, of those that can be played now."""
        deeds: list[Callable[[], object]] = [
            self.dispute, self.decide, self.take_elsewhere, self.pay_out, self.send_payout_back, self.approve,
            self.pay_on_page, self.give_back_debit,
        ]  # fmt: skip
        self.chance.shuffle(deeds)
        return any(self._do(deed) for deed in deeds)

    def _do(self, deed: Callable[[], object]) -> bool:
        try:
            deed()
        except (Killed, KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # what the fake cannot play, or does not allow now; pytest skips by one
            return False
        self.did[getattr(deed, "__name__", "")] += 1
        return True

    def _charge(self, *states: str, method: Method | None = None) -> tuple[Payment, str]:
        """A payment, and what the gateway calls it. In our order: the gateway's own ids are drawn anew in each run.
        Raises ``IndexError`` when there is none."""
        fits = Payment.state.in_(states) if states else Payment.id > 0
        known = counting.by_reference(self.rig)
        found = []
        for payment in Payment.select().where(fits).order_by(Payment.id):
            attempt = gateways.attempt_of(payment)
            name = known.get(attempt.reference) or attempt.gateway_reference
            if name and method in {None, Method(payment.method)}:
                found.append((payment, name))
        return self.chance.choice(found)

    def dispute(self) -> None:
        self.rig.wire.open_dispute(self._charge("succeeded")[1])

    def decide(self) -> None:
        self.rig.wire.decide_dispute(self._charge("succeeded")[1], is_won=self.chance.random() < 1 / 2)

    def take_elsewhere(self) -> None:
        self.rig.wire.take_elsewhere(self.rig.account, 2_500)

    def pay_out(self) -> None:
        self.rig.wire.pay_out()

    def send_payout_back(self) -> None:
        self.rig.wire.fail_payout()

    def approve(self) -> None:
        """The payer confirms at their bank."""
        self.rig.wire.approve(self._charge("action_required")[1])

    def pay_on_page(self) -> None:
        """The payer pays on the gateway's own page, where they were sent; once, since some pages take money twice."""
        waiting = [
            gateways.attempt_of(row).redirect_url
            for row in Payment.select().where(Payment.state == "action_required").order_by(Payment.id)
        ]
        url = self.chance.choice([url for url in waiting if url and url not in self.paid_pages])
        self.paid_pages.add(url)
        self.rig.wire.pay_page(url)

    def give_back_debit(self) -> None:
        """A bank returns an eCheck; where the gateway knows no disputes, a card is charged back the same way."""
        only = None if type(self.rig.wire).open_dispute is Wire.open_dispute else Method.BANK
        payment, name = self._charge("succeeded", "pending", method=only)
        self.rig.wire.give_back_debit(name)
        self.taken_back.add(gateways.attempt_of(payment).reference)
