"""Idempotency: one reference is one charge, whoever asks, how often, at the same moment, after whatever restart."""

from __future__ import annotations

from portal_app.plugin_api import Capability, OutcomeKind
from portal_app.testing.bench import FREE, Bench, demand, in_parallel
from portal_app.testing.line import Fault

PARALLEL = 100


class RepeatChecks(Bench):
    """What happens when something is asked again."""

    def _once(self, reference: str, what: str) -> None:
        count = len(self.taken(reference))
        demand(count == 1, f"{what}: the money was taken {count} times")

    def test_the_same_charge_twice_is_taken_once(self) -> None:
        """The same request again takes nothing more, and is not told as free."""
        request, _ = self.charge()
        again = self.ask("gateway_charge", request=request)
        self._once(request.reference, "asked twice")
        demand(again.kind not in FREE, f"it was taken, and the second answer is “{again.kind}”")

    def test_the_same_charge_after_a_restart_is_taken_once(self) -> None:
        """A new process that asks for the same charge again takes nothing more, also after a lost answer."""
        at = self.taking_request()
        request = self.request()
        self.line.arm(Fault.LOST_AFTER, at, lasts=True)
        self.ask("gateway_charge", request=request)
        self.line.arm(None)
        self.restart()
        again = self.ask("gateway_charge", request=request)
        self._once(request.reference, "asked again after a restart")
        demand(again.kind not in FREE, f"it was taken, and after the restart it is “{again.kind}”")

    def test_a_hundred_at_the_same_moment_are_taken_once(self) -> None:
        """A hundred parallel calls for one charge take the money once, and none of them says that it is free."""
        request, ctx = self.request(), self.ctx()
        self.line.watches = False
        answers = in_parallel(PARALLEL, lambda _: self.ask("gateway_charge", ctx, request=request))
        self._once(request.reference, f"asked {PARALLEL} times at once")
        wrong = {answer.kind for answer in answers} & FREE
        demand(not wrong, f"the money was taken, and some were told {sorted(wrong)}")

    def test_different_charges_at_the_same_moment_are_each_taken(self) -> None:
        """A key that is too coarse would take one payment for another: twenty references are twenty charges."""
        requests = [self.request(amount_minor=100 + number) for number in range(20)]
        self.line.watches = False
        in_parallel(len(requests), lambda number: self.ask("gateway_charge", request=requests[number]))
        for request in requests:
            rows = self.taken(request.reference)
            demand([row.amount_minor for row in rows] == [request.amount_minor], f"{request.amount_minor}: {rows}")

    def test_the_same_payer_can_pay_the_same_amount_again(self) -> None:
        """Another attempt at the same amount, after a decline or not, is another charge."""
        first, _ = self.charge()
        second, outcome = self.charge()
        demand(outcome.kind in {OutcomeKind.SUCCEEDED, OutcomeKind.PENDING}, f"the second is “{outcome.kind}”")
        self._once(first.reference, "the first")
        self._once(second.reference, "the second")

    def test_our_reference_stands_at_the_gateway(self) -> None:
        """The attempt's reference is in the gateway's own books: without it nothing could be found again."""
        request, _ = self.charge()
        demand(self.taken(request.reference), f"not under {request.reference}: {self.wire.charges()}")

    def test_a_lost_answer_is_not_tried_again_under_another_key(self) -> None:
        """After a lost answer the plugin sends no second charge of its own; what it says then is true."""
        at = self.taking_request()
        request = self.request()
        self.line.arm(Fault.LOST_AFTER, at)
        outcome = self.ask("gateway_charge", request=request)
        self.line.arm(None)
        demand(outcome.kind not in FREE, f"it was taken, and the charge says “{outcome.kind}”")
        found = self.look(request)
        demand(found.kind not in FREE, f"it was taken, and the look-up says “{found.kind}”")
        self._once(request.reference, "after a lost answer and a look-up")

    def test_the_same_refund_twice_is_given_once(self) -> None:
        """The same refund again, also from a new process, gives nothing more back."""
        self.needs(Capability.REFUND)
        if not self.wire.repeats_refunds_safely:
            import pytest

            pytest.skip("the gateway has no idempotency for refunds: the host sends each of them once")
        request, charged = self.paid()
        is_partial = Capability.PARTIAL_REFUND in self.manifest.capabilities
        refund = self.refund_of(request, charged, 1_000 if is_partial else request.amount_minor)
        for _ in range(2):
            self.ask("gateway_refund", request=refund)
        self.restart()
        again = self.ask("gateway_refund", request=refund)
        total = sum(row.amount_minor for row in self.given(charged))
        demand(total == refund.amount_minor, f"{refund.amount_minor} asked three times, {total} given back")
        demand(again.kind not in FREE, f"it was given back, and the third answer is “{again.kind}”")
