"""Outcomes: what the gateway says is mapped exactly, and whatever is not plainly understood is unknown."""

from __future__ import annotations

from portal_app.plugin_api import Method, Outcome, OutcomeKind
from portal_app.testing.bench import FREE, Bench, demand
from portal_app.testing.line import Fault
from portal_app.testing.wire import Says

SUCCEEDED, UNKNOWN = OutcomeKind.SUCCEEDED, OutcomeKind.UNKNOWN
DEFINITE_NO = frozenset({OutcomeKind.DECLINED, OutcomeKind.NOT_SUBMITTED})


class OutcomeChecks(Bench):
    """Good and bad answers, and all that can happen to them on the way."""

    def test_a_good_charge_succeeds_and_says_what_was_taken(self) -> None:
        """Approved is ``succeeded``, with reference, amount, currency, account, evidence, and words for a receipt."""
        request, outcome = self.charge()
        demand(outcome.kind in {SUCCEEDED, OutcomeKind.PENDING}, f"approved is “{outcome.kind}”{self.why()}")
        self.demand_true(outcome, request)
        demand(outcome.method_summary, "method_summary is empty: the receipt cannot say what was paid with")
        demand(outcome.payload, "there is no payload: nothing is kept as evidence")

    def test_a_charge_is_looked_up_as_it_was_told(self) -> None:
        """A look-up, by our reference alone and with the gateway's, says the same as the charge did."""
        request, outcome = self.charge()
        for known in (None, outcome):
            found = self.look(request, known)
            demand(found.kind is outcome.kind, f"it was “{outcome.kind}”, the look-up says “{found.kind}”{self.why()}")
            self.demand_true(found, request)

    def test_a_decline_is_declined_in_plain_words(self) -> None:
        """Declined is ``declined``, with a code and a sentence for the payer, and no money taken."""
        request, outcome = self.charge(Says.DECLINED)
        demand(not self.taken(request.reference), "the wire took money for a declined card")
        demand(outcome.kind is OutcomeKind.DECLINED, f"declined is “{outcome.kind}”{self.why()}")
        demand(outcome.code, "the decline has no code")
        words = outcome.message.strip()
        demand(len(words.split()) > 2, f"“{words}” is no sentence that a payer understands")
        demand(words[-1:] in ".!?" and "_" not in words, f"“{words}” is no plain sentence")

    def test_a_decline_is_found_again_and_never_as_paid(self) -> None:
        """A look-up of a declined charge never says that it was paid."""
        request, outcome = self.charge(Says.DECLINED)
        found = self.look(request, outcome)
        allowed = {OutcomeKind.DECLINED, OutcomeKind.ABSENT, UNKNOWN}
        demand(found.kind in allowed, f"declined, and looked up as “{found.kind}”")

    def test_pending_is_pending_until_it_settles(self) -> None:
        """Money on its way is ``pending``, with its amount, until the gateway says that it has come."""
        self.needs_method(Method.BANK)
        request, outcome = self.charge(Says.PENDING, method=Method.BANK)
        demand(outcome.kind is OutcomeKind.PENDING, f"on its way is “{outcome.kind}”{self.why()}")
        self.demand_true(outcome, request)
        demand(self.look(request, outcome).kind is OutcomeKind.PENDING, "the look-up does not say “pending”")
        self.wire.settle(outcome.gateway_reference)
        found = self.look(request, outcome)
        demand(found.kind is SUCCEEDED, f"it has come, and is “{found.kind}”{self.why()}")
        self.demand_true(found, request)

    def test_a_debit_that_bounces_while_pending_is_no_success(self) -> None:
        """A bank debit that is given back before it settled is ``declined``, ``canceled`` or ``returned``."""
        self.needs_method(Method.BANK)
        request, outcome = self.charge(Says.PENDING, method=Method.BANK)
        self.wire.give_back_debit(outcome.gateway_reference)
        found = self.look(request, outcome)
        gone = {OutcomeKind.DECLINED, OutcomeKind.CANCELED, OutcomeKind.RETURNED}
        demand(found.kind in gone, f"it bounced, and is “{found.kind}”{self.why()}")

    def test_a_debit_returned_after_it_settled_is_returned(self) -> None:
        """A bank debit that had come and was returned is ``returned``."""
        self.needs_method(Method.BANK)
        request, outcome = self.paid(says=Says.PENDING, method=Method.BANK)
        self.wire.give_back_debit(outcome.gateway_reference)
        found = self.look(request, outcome)
        demand(found.kind is OutcomeKind.RETURNED, f"it was returned, and is “{found.kind}”{self.why()}")

    def test_a_confirmation_is_asked_for_and_then_paid(self) -> None:
        """3-D Secure is ``action_required`` with a web address; paid once the payer has confirmed."""
        request, outcome = self.charge(Says.ACTION_REQUIRED)
        demand(outcome.kind is OutcomeKind.ACTION_REQUIRED, f"it is “{outcome.kind}”{self.why()}")
        demand(outcome.redirect_url, "there is no address to send the payer to")
        demand(self.look(request, outcome).kind is OutcomeKind.ACTION_REQUIRED, "the look-up does not say so")
        self.wire.approve(outcome.gateway_reference)
        found = self.look(request, outcome)
        demand(found.kind is SUCCEEDED, f"confirmed, and “{found.kind}”{self.why()}")
        self.demand_true(found, request)

    def test_a_status_that_nobody_listed_is_unknown(self) -> None:
        """A status that the gateway's documentation does not list is ``unknown``: neither paid nor failed."""
        request, outcome = self.charge(Says.UNMAPPED)
        demand(outcome.kind is UNKNOWN, f"an unlisted status is “{outcome.kind}”")
        found = self.look(request, outcome)
        demand(found.kind is UNKNOWN, f"looked up, an unlisted status is “{found.kind}”")

    # Faults on the line

    def _after(self, fault: Fault) -> None:
        """Play the fault at the request that takes the money, once and lasting; then ask, on a whole line."""
        index = self.taking_request()
        for lasts in (False, True):
            request = self.request()
            self.line.arm(fault, index, lasts=lasts)
            outcome = self.ask("gateway_charge", request=request)
            self.line.arm(None)
            self._judge(outcome, request, fault)
            self._judge_later(request, outcome)

    def _judge(self, outcome: Outcome, request: object, fault: Fault) -> None:
        reference = getattr(request, "reference", "")
        rows = self.taken(reference)
        demand(len(rows) <= 1, f"{fault}: it took the money {len(rows)} times")
        if outcome.kind is SUCCEEDED:
            demand(rows, f"{fault}: it says “succeeded”, but nothing was taken")
            self.demand_true(outcome, request)
        elif fault not in {Fault.REFUSED, Fault.UNAUTHORIZED, Fault.TOO_MANY} or rows:
            said = f"{fault}: nobody can know, and it says “{outcome.kind}”: the payer would pay again"
            demand(outcome.kind not in FREE, said)

    def _judge_later(self, request: object, outcome: Outcome) -> None:
        found, rows = self.look(request, outcome), self.taken(getattr(request, "reference", ""))
        if rows:
            good = {SUCCEEDED, OutcomeKind.PENDING}
            demand(found.kind in good, f"the money was taken, and the look-up says “{found.kind}”{self.why()}")
            self.demand_true(found, request)
        else:
            demand(found.kind is not SUCCEEDED, "nothing was taken, and the look-up says “succeeded”")

    def test_a_lost_answer_is_unknown_and_found_later(self) -> None:
        """The charge is made and its answer lost: ``unknown``, and the look-up finds it."""
        self._after(Fault.LOST_AFTER)
        self._after(Fault.CUT_AFTER)

    def test_a_request_lost_on_its_way_is_unknown(self) -> None:
        """No answer, and nothing arrived: from here that looks the same, and is ``unknown``."""
        self._after(Fault.LOST_BEFORE)

    def test_a_server_error_before_the_charge_is_unknown(self) -> None:
        """503 before anything was done is no decline."""
        self._after(Fault.ERROR_BEFORE)

    def test_a_server_error_after_the_charge_is_unknown_and_found_later(self) -> None:
        """502, 500 without a body and 408 after the charge was made: ``unknown``, and the look-up finds it."""
        for fault in (Fault.ERROR_AFTER, Fault.EMPTY_ERROR_AFTER, Fault.TIMEOUT_AFTER):
            self._after(fault)

    def test_garbage_is_unknown_and_the_charge_found_later(self) -> None:
        """HTML, nothing, ``{}``, ``[]`` or half an answer after the charge was made: ``unknown``, and found later."""
        for fault in (
            Fault.GARBAGE_AFTER, Fault.EMPTY_AFTER, Fault.OBJECT_AFTER, Fault.LIST_AFTER, Fault.HALF_AFTER
        ):  # fmt: skip
            self._after(fault)

    def test_a_conflict_or_redirection_is_unknown(self) -> None:
        """409 (another request of the same is under way) and 302 say nothing of the money."""
        self._after(Fault.CONFLICT_BEFORE)
        self._after(Fault.REDIRECT_BEFORE)

    def test_a_refused_connection_is_not_submitted(self) -> None:
        """Nobody listens at the gateway: nothing was sent, and the payer may try again at once."""
        request = self.request()
        self.line.arm(Fault.REFUSED, lasts=True)
        outcome = self.ask("gateway_charge", request=request)
        demand(outcome.kind is OutcomeKind.NOT_SUBMITTED, f"nothing was sent, and it is “{outcome.kind}”{self.why()}")

    def test_a_wrong_key_takes_nothing_and_is_no_success(self) -> None:
        """401: nothing was taken, and the look-up later does not say otherwise."""
        self._after(Fault.UNAUTHORIZED)

    def test_too_many_requests_is_no_success(self) -> None:
        """429: not paid, not charged twice by trying again."""
        self._after(Fault.TOO_MANY)

    def test_no_fault_at_any_request_lies(self) -> None:
        """Each fault at each request of a charge, one after the other: what it says is never the wrong way round."""
        count = self.taking_request(is_count=True)
        for fault in Fault:
            for at in range(count):
                request = self.request()
                self.line.arm(fault, at)
                outcome = self.ask("gateway_charge", request=request)
                self.line.arm(None)
                rows = self.taken(request.reference)
                where = f"{fault} at request {at + 1}"
                demand(len(rows) <= 1, f"{where}: taken {len(rows)} times")
                demand(not (rows and outcome.kind in FREE), f"{where}: “{outcome.kind}”, and taken")
                demand(rows or outcome.kind is not SUCCEEDED, f"{where}: not taken, and “succeeded”")
