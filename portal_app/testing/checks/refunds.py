"""Refunds: exactly what was asked, once, and never more than was taken."""

from __future__ import annotations

from portal_app.plugin_api import Capability, ChargeRequest, Method, Outcome, OutcomeKind, RefundRequest
from portal_app.testing.bench import AMOUNT, FREE, Bench, demand
from portal_app.testing.line import Fault
from portal_app.testing.wire import Says

GIVEN = frozenset({OutcomeKind.SUCCEEDED, OutcomeKind.PENDING})


class RefundChecks(Bench):
    """Giving money back."""

    def _paid(self, *, is_partial: bool = False) -> tuple[ChargeRequest, Outcome]:
        self.needs(Capability.REFUND)
        if is_partial:
            self.needs(Capability.PARTIAL_REFUND)
        self.needs_control("refunds")
        return self.paid()

    def _total(self, charged: Outcome) -> int:
        return sum(row.amount_minor for row in self.given(charged))

    def test_a_whole_charge_is_given_back(self) -> None:
        """A refund of all gives back all, by void or refund, and says the amount and a reference."""
        request, charged = self._paid()
        refund = self.refund_of(request, charged, request.amount_minor)
        outcome = self.ask("gateway_refund", request=refund)
        demand(outcome.kind in GIVEN, f"a good refund is “{outcome.kind}”{self.why()}")
        demand(self._total(charged) == AMOUNT, f"of {AMOUNT}, {self._total(charged)} was given back")
        demand(outcome.amount_minor == AMOUNT, f"it says that {outcome.amount_minor} was given back")
        demand(outcome.gateway_reference, "it has no reference of the gateway's")

    def test_a_part_is_given_back_to_the_cent(self) -> None:
        """A partial refund gives back exactly that part; it is never a void, which would give back all."""
        for amount in (1, 29, 1_999, AMOUNT - 1):
            request, charged = self._paid(is_partial=True)
            outcome = self.ask("gateway_refund", request=self.refund_of(request, charged, amount))
            rows = self.given(charged)
            demand([row.amount_minor for row in rows] == [amount], f"{amount} asked, given back: {rows}{self.why()}")
            demand(not rows[0].is_void, "a part was given back by a void")
            demand(outcome.kind in GIVEN, f"a good refund is “{outcome.kind}”{self.why()}")
            demand(outcome.amount_minor == amount, f"{amount} given back, and it says {outcome.amount_minor}")

    def test_a_partial_refund_tries_no_void_first(self) -> None:
        """A partial refund whose first request fails has voided nothing: the line breaks at each request in turn."""
        for at in range(3):
            request, charged = self._paid(is_partial=True)
            self.line.arm(Fault.LOST_AFTER, at, lasts=True)
            self.ask("gateway_refund", request=self.refund_of(request, charged, 1_000))
            self.line.arm(None)
            demand(self._total(charged) in {0, 1_000}, f"1000 asked, {self._total(charged)} given back")

    def test_several_parts_add_up_to_the_charge(self) -> None:
        """Several refunds of one charge are each given; the last takes what is left, by a refund, not a void."""
        request, charged = self._paid(is_partial=True)
        before, references = 0, set()
        for amount in (1_000, 2_345, AMOUNT - 3_345):
            refund = self.refund_of(request, charged, amount, before)
            outcome = self.ask("gateway_refund", request=refund)
            before += amount
            demand(outcome.kind in GIVEN, f"a part of {amount} is “{outcome.kind}”{self.why()}")
            demand(self._total(charged) == before, f"{before} in parts, {self._total(charged)} given back")
            references.add(outcome.gateway_reference)
        demand(len(references) == 3, "several refunds have one reference: they could not be told apart")

    def test_two_refunds_of_the_same_amount_are_two(self) -> None:
        """Two refunds of the same amount, with references of their own, are both given: the key is not too coarse."""
        request, charged = self._paid(is_partial=True)
        for before in (0, 1_000):
            self.ask("gateway_refund", request=self.refund_of(request, charged, 1_000, before))
        demand(self._total(charged) == 2_000, f"twice 1000 asked, {self._total(charged)} given back{self.why()}")

    def test_more_than_was_taken_is_never_given_back(self) -> None:
        """A refund of more than the charge, or of what was given back already, gives nothing more and is refused."""
        request, charged = self._paid()
        outcome = self.ask("gateway_refund", request=self.refund_of(request, charged, AMOUNT + 1))
        demand(self._total(charged) <= AMOUNT, f"{self._total(charged)} given back of {AMOUNT}")
        demand(outcome.kind not in GIVEN or self._total(charged), f"“{outcome.kind}”, and nothing was given back")
        rest = AMOUNT - self._total(charged)
        if rest:
            self.ask("gateway_refund", request=self.refund_of(request, charged, rest))
        again = self.ask("gateway_refund", request=self.refund_of(request, charged, AMOUNT))
        demand(self._total(charged) <= AMOUNT, f"{self._total(charged)} given back of {AMOUNT}")
        demand(again.kind not in GIVEN, f"all was given back before, and one more is “{again.kind}”")

    def test_an_over_refund_is_declined_in_plain_words(self) -> None:
        """The gateway's definite refusal of a refund is ``declined``, with a code and a sentence."""
        request, charged = self._paid()
        self.ask("gateway_refund", request=self.refund_of(request, charged, AMOUNT))
        again = self.ask("gateway_refund", request=self.refund_of(request, charged, AMOUNT))
        demand(again.kind is OutcomeKind.DECLINED, f"refused, and it is “{again.kind}”{self.why()}")
        demand(len(again.message.split()) > 2 and again.code, f"“{again.code}”, “{again.message}”: no plain refusal")

    def test_a_refund_is_looked_up_as_it_was_told(self) -> None:
        """A look-up of a refund, by our reference alone and with the gateway's, says what became of it."""
        request, charged = self._paid()
        refund = self.refund_of(request, charged, request.amount_minor)
        outcome = self.ask("gateway_refund", request=refund)
        for known in (None, outcome):
            self._judge_found(self.look_refund(refund, known), refund)

    def _judge_found(self, found: Outcome, refund: RefundRequest) -> None:
        demand(found.kind in GIVEN, f"given back, and the look-up says “{found.kind}”{self.why()}")
        said = found.amount_minor
        demand(said == refund.amount_minor, f"{refund.amount_minor} given back, and the look-up says {said}")

    def test_a_refund_that_was_never_sent_is_not_found(self) -> None:
        """A refund that the gateway never saw is ``absent`` or ``unknown``, although its charge is there."""
        request, charged = self._paid()
        found = self.look_refund(self.refund_of(request, charged, request.amount_minor))
        allowed = {OutcomeKind.ABSENT, OutcomeKind.UNKNOWN}
        demand(found.kind in allowed, f"never sent, and the look-up says “{found.kind}”")

    def test_one_refund_is_not_taken_for_another(self) -> None:
        """With two refunds of one charge, a look-up of the one that was never sent does not find the other."""
        request, charged = self._paid(is_partial=True)
        self.ask("gateway_refund", request=self.refund_of(request, charged, 1_000))
        found = self.look_refund(self.refund_of(request, charged, 1_000, 1_000))
        demand(found.kind not in GIVEN, "another refund of the same amount was taken for it")

    def _broken_refund(self, fault: Fault) -> None:
        count = self._refund_requests()
        for at in range(count):
            request, charged = self._paid()
            refund = self.refund_of(request, charged, request.amount_minor)
            self.line.arm(fault, at, lasts=True)
            outcome = self.ask("gateway_refund", request=refund)
            self.line.arm(None)
            given = self._total(charged)
            demand(given in {0, AMOUNT}, f"{fault} at request {at + 1}: {given} given back of {AMOUNT}")
            demand(not given or outcome.kind not in FREE, f"{fault}: given back, and it says “{outcome.kind}”")
            demand(given or outcome.kind not in GIVEN, f"{fault}: “{outcome.kind}”, and nothing was given back")
            found = self.look_refund(refund, outcome)
            if given:
                self._judge_found(found, refund)
            else:
                demand(found.kind not in GIVEN, f"{fault}: nothing was given back, and looked up as “{found.kind}”")

    def _refund_requests(self) -> int:
        request, charged = self._paid()
        first = len(self.line.sent)
        self.ask("gateway_refund", request=self.refund_of(request, charged, request.amount_minor))
        return len(self.line.sent) - first

    def test_a_refund_whose_answer_is_lost_is_unknown_and_found_later(self) -> None:
        """Given back, and the answer lost, an error or garbage: ``unknown``, and the look-up finds it."""
        for fault in (
            *(Fault.LOST_AFTER, Fault.CUT_AFTER, Fault.ERROR_AFTER, Fault.EMPTY_ERROR_AFTER, Fault.TIMEOUT_AFTER),
            *(Fault.GARBAGE_AFTER, Fault.EMPTY_AFTER, Fault.OBJECT_AFTER, Fault.LIST_AFTER, Fault.HALF_AFTER),
        ):
            self._broken_refund(fault)

    def test_a_refund_that_did_not_arrive_is_not_told_as_given(self) -> None:
        """Errors before anything was given back, 401, 409, 429: not told as given."""
        for fault in (
            *(Fault.LOST_BEFORE, Fault.ERROR_BEFORE, Fault.CONFLICT_BEFORE, Fault.REDIRECT_BEFORE),
            *(Fault.UNAUTHORIZED, Fault.TOO_MANY, Fault.REFUSED),
        ):
            self._broken_refund(fault)

    def test_doubt_about_a_refund_is_unknown(self) -> None:
        """No answer, 5xx or 409 to a refund that did not arrive is ``unknown``: nobody may give it back again."""
        for fault in (Fault.LOST_BEFORE, Fault.ERROR_BEFORE, Fault.CONFLICT_BEFORE):
            request, charged = self._paid()
            self.line.arm(fault, lasts=True)
            outcome = self.ask("gateway_refund", request=self.refund_of(request, charged, AMOUNT))
            self.line.arm(None)
            demand(outcome.kind in {OutcomeKind.UNKNOWN, OutcomeKind.PENDING}, f"{fault}: “{outcome.kind}”")

    def test_a_charges_look_up_says_its_refunds(self) -> None:
        """A look-up of the charge names its refunds, with their amounts and our references, and is not its failure."""
        request, charged = self._paid(is_partial=True)
        refund = self.refund_of(request, charged, 1_000)
        self.ask("gateway_refund", request=refund)
        found = self.look(request, charged)
        demand(found.kind is OutcomeKind.SUCCEEDED, f"partly given back, and the charge is “{found.kind}”")
        said = [(fact.reference, fact.amount_minor) for fact in found.refunds if fact.kind in GIVEN]
        demand(said == [(refund.reference, 1_000)], f"its refunds are told as {said}")

    def test_a_refund_is_no_second_charge(self) -> None:
        """After a refund the charge is looked up with the amount that it had."""
        request, charged = self._paid(is_partial=True)
        self.ask("gateway_refund", request=self.refund_of(request, charged, 1_000))
        self.demand_true(self.look(request, charged), request)

    def test_a_bank_refund_on_its_way_is_pending_or_given(self) -> None:
        """A refund of a bank debit is ``pending`` or ``succeeded``, and found again by our reference."""
        self.needs_method(Method.BANK)
        self.needs(Capability.REFUND)
        request, charged = self.paid(says=Says.PENDING, method=Method.BANK)
        refund = self.refund_of(request, charged, AMOUNT)
        outcome = self.ask("gateway_refund", request=refund)
        demand(outcome.kind in GIVEN, f"it is “{outcome.kind}”{self.why()}")
        self._judge_found(self.look_refund(refund), refund)
