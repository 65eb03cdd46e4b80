"""Look-ups: honest about what is not known, never taken in by a lagging list or by what a browser says."""

from __future__ import annotations

from portal_app.plugin_api import Flow, Outcome, OutcomeKind
from portal_app.testing.bench import FREE, OPEN, Bench, demand, query_of
from portal_app.testing.line import Fault
from portal_app.testing.wire import Says

FORGED = {
    "status": "succeeded", "redirect_status": "succeeded", "payment_status": "paid", "success": "true", "paid": "1",
    "amount": "12345", "id": "ch_forged", "payment_intent": "pi_forged", "reference": "forged",
}  # fmt: skip


class LookupChecks(Bench):
    """What becomes of a question."""

    def test_what_was_never_sent_is_absent_or_unknown(self) -> None:
        """A reference that the gateway never saw is ``absent`` (or ``unknown``), nothing else."""
        found = self.look(self.request())
        demand(found.kind in {OutcomeKind.ABSENT, OutcomeKind.UNKNOWN}, f"never sent, and “{found.kind}”{self.why()}")

    def test_what_was_never_sent_can_be_told_as_absent(self) -> None:
        """On a whole line the look-up can say ``absent``: otherwise a payment that was never sent is held for ever."""
        found = self.look(self.request())
        demand(found.kind is OutcomeKind.ABSENT, f"it says “{found.kind}” of what the gateway never saw{self.why()}")

    def test_a_lagging_list_is_no_proof(self) -> None:
        """While the list lags, a charge that was made is never told as failed; ``absent`` only inside the horizon."""
        self.needs_control("lag")
        self.wire.lag(True)
        request, _ = self.charge()
        found = self.look(request)
        self.wire.lag(False)
        demand(found.kind not in FREE - {OutcomeKind.ABSENT}, f"the list lags, and the look-up says “{found.kind}”")
        horizon = self.manifest.absence_horizon_seconds
        is_covered = found.kind is not OutcomeKind.ABSENT or horizon >= max(self.wire.lag_seconds, 1)
        demand(is_covered, f"“absent” from a list that lags {self.wire.lag_seconds} s, with a horizon of {horizon} s")
        self.demand_true(self.look(request), request)

    def test_a_known_id_is_read_not_searched(self) -> None:
        """With the gateway's own id the charge is read, so that a lagging list does not matter."""
        self.needs_control("lag")
        self.wire.lag(True)
        request, outcome = self.charge()
        found = self.look(request, outcome)
        self.wire.lag(False)
        demand(found.kind is outcome.kind, f"its id is known, and the look-up says “{found.kind}”{self.why()}")

    def test_the_horizon_is_at_least_the_lists_lag(self) -> None:
        """The manifest's absence horizon covers the time that the gateway's list may lag."""
        horizon = self.manifest.absence_horizon_seconds
        demand(type(horizon) is int, "absence_horizon_seconds is not a whole number")
        demand(horizon >= self.wire.lag_seconds, f"{horizon} s, but the list may lag {self.wire.lag_seconds} s")

    def _broken(self, fault: Fault, hook: str = "gateway_lookup") -> None:
        request, outcome = self.charge()
        for known in (None, outcome):
            for at in (0, 1):
                self.line.arm(fault, at, lasts=True)
                found = self.ask(hook, query=query_of(request, known))
                self.line.arm(None)
                demand(found.kind not in FREE, f"{fault}: the look-up of a paid charge says “{found.kind}”")
                if found.kind is OutcomeKind.SUCCEEDED:
                    self.demand_true(found, request)

    def _nothing(self, fault: Fault) -> None:
        request = self.request()
        self.line.arm(fault, lasts=True)
        found = self.look(request)
        self.line.arm(None)
        demand(found.kind in OPEN, f"{fault}: it could not ask, and says “{found.kind}”")

    def test_a_look_that_does_not_get_through_says_nothing(self) -> None:
        """Refused, lost, 5xx, garbage, 401, 429 during a look-up: never ``absent``, never failed."""
        for fault in Fault:
            self._broken(fault)
            self._nothing(fault)

    def test_a_return_that_does_not_get_through_says_nothing(self) -> None:
        """The same when the payer's browser comes back."""
        for fault in Fault:
            self._broken(fault, "gateway_return")

    def test_what_the_browser_brings_back_proves_nothing(self) -> None:
        """A return visit that claims success changes nothing: the gateway is asked."""
        unpaid = self.request()
        found = self.ask("gateway_return", query=query_of(unpaid, args=FORGED))
        demand(found.kind is not OutcomeKind.SUCCEEDED, "it believed the browser's address")
        declined, outcome = self.charge(Says.DECLINED)
        found = self.ask("gateway_return", query=query_of(declined, outcome, args=FORGED))
        demand(found.kind is not OutcomeKind.SUCCEEDED, "a declined charge became paid by the browser's address")

    def test_a_return_visit_says_what_is(self) -> None:
        """A return visit of a paid charge says so, however often, whatever the address says."""
        request, outcome = self.charge()
        for args in ({}, {"status": "failed", "redirect_status": "failed", "canceled": "1"}, FORGED):
            found = self.ask("gateway_return", query=query_of(request, outcome, args=args))
            demand(found.kind is outcome.kind, f"paid, and on return “{found.kind}”{self.why()}")
            self.demand_true(found, request)

    def test_another_payments_id_is_not_taken_for_this_one(self) -> None:
        """A charge found by a foreign id in the browser's address is not taken for the attempt's own."""
        paid, outcome = self.charge()
        mine = self.request(amount_minor=paid.amount_minor)
        names = ("id", "payment_intent", "charge", "transaction_id", "reference", "session_id")
        args = dict.fromkeys(names, outcome.gateway_reference)
        found = self.ask("gateway_return", query=query_of(mine, args=args))
        demand(found.kind is not OutcomeKind.SUCCEEDED, "somebody else's payment was taken for this one")

    # Giving up

    def test_a_paid_charge_cannot_be_given_up(self) -> None:
        """Giving up what was paid says that it was paid."""
        request, outcome = self.charge()
        found = self.ask("gateway_cancel", query=query_of(request, outcome))
        is_gone = not self.taken(request.reference) or self._is_undone(request, outcome)
        demand(found.kind not in FREE or is_gone, f"the money was taken, and giving up says “{found.kind}”")

    def _is_undone(self, request: object, outcome: Outcome) -> bool:
        """A debit that was only on its way may be called back."""
        return outcome.kind is OutcomeKind.PENDING and self.look(request, outcome).kind in FREE

    def test_what_was_given_up_cannot_be_paid_any_more(self) -> None:
        """``canceled`` is said only when the payment can no longer succeed."""
        request, outcome = self.charge(Says.ACTION_REQUIRED)
        found = self.ask("gateway_cancel", query=query_of(request, outcome))
        self.wire.approve(outcome.gateway_reference)
        later = self.look(request, outcome)
        is_late = found.kind is OutcomeKind.CANCELED and later.kind is OutcomeKind.SUCCEEDED
        demand(not is_late, "it said “canceled”, and was paid afterwards")

    def test_giving_up_through_a_broken_line_frees_nothing(self) -> None:
        """Whatever happens on the line while it is given up: ``canceled`` only when it is."""
        for fault in Fault:
            request, outcome = self.charge(Says.ACTION_REQUIRED)
            for at in (0, 1):
                self.line.arm(fault, at, lasts=True)
                found = self.ask("gateway_cancel", query=query_of(request, outcome))
                self.line.arm(None)
                self.wire.approve(outcome.gateway_reference)
                is_paid = bool(self.taken(request.reference)) and self.look(request, outcome).kind not in FREE
                is_lie = is_paid and found.kind in FREE
                demand(not is_lie, f"{fault}: it says “{found.kind}”, and was paid afterwards")

    # The gateway's own page

    def test_the_gateways_page_is_opened_and_paid(self) -> None:
        """Without scripts the payer pays on the gateway's page: exactly this money, found by our reference."""
        self.needs_flow(Flow.REDIRECT)
        request = self.begin(Flow.REDIRECT)
        page = self.ask("gateway_begin", request=request)
        demand(page.redirect_url, f"no page was opened{self.why()}")
        before = self.look(request, page)
        demand(before.kind in OPEN | {OutcomeKind.ABSENT}, f"nobody has paid yet, and it is “{before.kind}”")
        self.wire.pay_page(page.redirect_url)
        found = self.look(request, page)
        demand(found.kind is OutcomeKind.SUCCEEDED, f"paid on the page, and “{found.kind}”{self.why()}")
        demand(found.amount_minor == request.amount_minor, f"{request.amount_minor} asked, {found.amount_minor} paid")
        self.demand_true(found, request)

    def test_a_page_left_open_is_not_a_failure(self) -> None:
        """The payer closed the tab after paying: a look-up by our reference alone finds the money."""
        self.needs_flow(Flow.REDIRECT)
        request = self.begin(Flow.REDIRECT)
        page = self.ask("gateway_begin", request=request)
        self.wire.pay_page(page.redirect_url)
        found = self.look(request)
        demand(found.kind is OutcomeKind.SUCCEEDED, f"by our reference alone it is “{found.kind}”{self.why()}")

    def test_a_page_that_was_given_up_cannot_be_paid(self) -> None:
        """``canceled`` of an open page only when nobody can pay on it any more."""
        self.needs_flow(Flow.REDIRECT)
        request = self.begin(Flow.REDIRECT)
        page = self.ask("gateway_begin", request=request)
        found = self.ask("gateway_cancel", query=query_of(request, page))
        self.wire.pay_page(page.redirect_url)
        is_late = found.kind in FREE and bool(self.taken(request.reference))
        demand(not is_late, f"it said “{found.kind}”, and was paid afterwards")
