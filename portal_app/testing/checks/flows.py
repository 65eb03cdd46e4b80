"""The real portal with this gateway: killed, asked twice, left alone, and never wrong about money."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from portal_app.plugin_api import Capability, Flow, Fund, Method, Mode
from portal_app.testing.bench import Bench, demand, fail, in_parallel
from portal_app.testing.line import Fault
from portal_app.testing.office import OWED, POINTS, Office, killed_at
from portal_app.testing.wire import Says

STEP = dt.timedelta(minutes=20)
PART = 50_000


class FlowChecks(Bench):
    """From "Pay Now" to "paid", through the host's own code, on a database of its own.

    ``server``: the address of a PostgreSQL server, of any database on it, on which databases may be made; without it
    the firm's books are in SQLite.
    """

    server = ""

    def opened(self, mode: Mode = Mode.TEST) -> Office:
        """A firm with this gateway switched on."""
        account = self.account()
        office = Office(self.folder / "portal", self.wire.now(), account.currency.upper(), self.stack, self.server)
        accounts = {Fund.OPERATING: account.id}
        named = self.wire.merchant_accounts().get(Fund.TRUST)
        for other in self.accounts:
            is_same = other.currency.upper() == account.currency.upper() and named in {None, other.id}
            if other.fund is Fund.TRUST and is_same and Fund.TRUST in self.manifest.funds:
                accounts[Fund.TRUST] = other.id
        self.restart()
        settings = self.wire.settings() if mode is Mode.TEST else self.wire.live_settings()
        office.open(self.registry, settings, accounts, mode)
        return office

    def send(self, payment: Any, says: Says = Says.APPROVED) -> Any:
        """The payer presses Pay: the fields give a token, the host charges it."""
        from portal_app import gateways

        return gateways.charge(payment, self.wire.token(says, Method(payment.method)))

    def pay(self, office: Office, cents: int = PART, says: Says = Says.APPROVED, **given: Any) -> Any:
        self.needs_flow(Flow.FIELDS)
        method = given.pop("method", self.manifest.methods[0])
        return self.send(office.order(cents, method, **given), says)

    def paid_in(self, office: Office, cents: int = PART, **given: Any) -> Any:
        """A payment that has come."""
        payment = self.pay(office, cents, **given)
        if payment.state == "pending":
            self.wire.settle(self.reference_of(payment).gateway_reference)
            self.later(office)
        payment = office.fresh(payment)
        demand(payment.state == "succeeded", f"a good payment is “{payment.state}” in the portal")
        return payment

    def reference_of(self, payment: Any) -> Any:
        from portal_app import gateways

        return gateways.attempt_of(payment)

    def later(self, office: Office, steps: int = 6) -> None:
        """Time goes on, and the worker asks about what is open."""
        step = max(STEP, dt.timedelta(seconds=self.manifest.absence_horizon_seconds + 60))
        for _ in range(steps):
            office.move(step)
            if self.has("advance"):
                self.wire.advance(step)
            office.recover()

    def at_the_gateway(self) -> int:
        """Cents that the gateway took, less what it has given back, by its own books."""
        given = sum(row.amount_minor for row in self.wire.refunds()) if self.has("refunds") else 0
        return sum(row.amount_minor for row in self.wire.charges()) - given

    def agree(self, office: Office) -> None:
        """The firm's books and the gateway's say the same, and nothing is wrong in the firm's."""
        ours, theirs = office.clearing(), self.at_the_gateway()
        demand(ours == theirs, f"the gateway took {theirs}, the firm has booked {ours}")
        demand(office.owed() == OWED - theirs, f"{OWED} was owed, {theirs} came, and {office.owed()} is owed now")
        demand(not office.faults(), f"the books do not hold: {office.faults()}")

    # Killed

    def _killed(self, point: str) -> None:
        office = self.opened()
        payment = office.order(PART, self.manifest.methods[0])
        if point != "written":
            with killed_at(point, self.line):
                self.send(payment)
        reference = self.reference_of(payment).reference
        self.restart()
        office.restart(self.registry)
        demand(office.fresh(payment).state != "succeeded", f"killed when {point}, and it is paid already")
        demand(office.available() == OWED - PART, f"killed when {point}: the amount is not held")
        self.later(office)
        rows, state = self.taken(reference), office.fresh(payment).state
        if rows and state == "pending":
            self.wire.settle(rows[0].gateway_reference)
            self.later(office)
            state = office.fresh(payment).state
        is_early = point in POINTS[:3]
        demand(len(rows) == (0 if is_early else 1), f"killed when {point}: taken {len(rows)} times")
        demand(state == ("not_submitted" if is_early else "succeeded"), f"killed when {point}: it ends as “{state}”")
        again = self.send(office.order(PART, self.manifest.methods[0]))
        demand(again.id == payment.id, "the form that was still open became another payment")
        self.agree(office)

    def test_killed_once_it_was_written_down(self) -> None:
        """The power goes before anything is sent: given up, and free again."""
        self.needs_flow(Flow.FIELDS)
        self._killed("written")

    def test_killed_before_the_plugin_was_called(self) -> None:
        """The power goes after “submitting” was written: never taken, and free after the horizon."""
        self.needs_flow(Flow.FIELDS)
        self._killed("submitting")

    def test_killed_before_the_request_left(self) -> None:
        """The power goes while the plugin prepares its request: never taken, and free after the horizon."""
        self.needs_flow(Flow.FIELDS)
        self._killed("asked")

    def test_killed_once_the_money_was_taken(self) -> None:
        """The power goes after the gateway took the money, before its answer came: found, and booked once."""
        self.needs_flow(Flow.FIELDS)
        self._killed("taken")

    def test_killed_once_the_answer_came(self) -> None:
        """The power goes after the plugin answered, before anything is written: found, and booked once."""
        self.needs_flow(Flow.FIELDS)
        self._killed("answered")

    def test_killed_while_it_was_booked(self) -> None:
        """The power goes between the journal entry and the commit: found, and booked once."""
        self.needs_flow(Flow.FIELDS)
        self._killed("posting")

    # Habits

    def test_coming_back_three_times_books_once(self) -> None:
        """The payer reloads the return page three times, and the worker asks too: one entry."""
        from portal_app import gateways

        office = self.opened()
        payment = self.paid_in(office)
        for args in ({}, {"status": "failed"}, {"status": "succeeded", "id": "ch_other"}):
            gateways.returned(office.fresh(payment), args)
            office.recover()
        self.agree(office)

    def test_a_webhook_and_three_returns_book_once(self) -> None:
        """Every webhook of a payment, twice, and three return visits: one entry; each is answered 200."""
        from portal_app import gateways

        self.needs(Capability.WEBHOOK)
        self.needs_control("deliveries")
        office = self.opened()
        payment = self.paid_in(office)
        for delivery in [*self.wire.deliveries()] * 2:
            status = office.deliver(delivery)
            demand(status == 200, f"a good delivery is answered with {status}")
        for _ in range(3):
            gateways.returned(office.fresh(payment), {})
        demand(office.fresh(payment).state == "succeeded", f"it is “{office.fresh(payment).state}”")
        self.agree(office)

    def test_a_webhook_alone_settles_a_lost_answer(self) -> None:
        """The answer is lost and nobody comes back: the webhook leads to the entry, by a look-up."""
        self.needs(Capability.WEBHOOK)
        self.needs_control("deliveries")
        office = self.opened()
        at = self.taking_request()
        before = len(self.wire.deliveries())
        payment = office.order(PART, self.manifest.methods[0])
        other = self.at_the_gateway()
        self.line.arm(Fault.LOST_AFTER, at, lasts=True)
        self.send(payment)
        self.line.arm(None)
        demand(office.fresh(payment).state == "unknown", f"the answer was lost: “{office.fresh(payment).state}”")
        for delivery in list(self.wire.deliveries())[before:]:
            office.deliver(delivery)
        state = office.fresh(payment).state
        demand(state in {"succeeded", "pending"}, f"its webhook came, and it is “{state}”")
        demand(self.at_the_gateway() - other == PART, "it was not taken once")

    def test_a_forged_webhook_changes_nothing(self) -> None:
        """A forged delivery is answered 400, and the books stay as they are."""
        self.needs(Capability.WEBHOOK)
        self.needs_control("sign")
        office = self.opened()
        self.paid_in(office)
        for delivery in self.wire.deliveries():
            forged = self.wire.sign(delivery.body, delivery.received_at, is_forged=True)
            headers = {**delivery.headers, **{name.lower(): value for name, value in forged.items()}}
            status = office.deliver(replace(delivery, headers=headers))
            demand(status == 400, f"a forged delivery is answered with {status}")
        self.agree(office)

    def test_a_closed_tab_is_followed_up(self) -> None:
        """The payer pays on the gateway's page and closes the tab: the worker finds it, and books it once."""
        from portal_app import gateways

        self.needs_flow(Flow.REDIRECT)
        office = self.opened()
        payment = office.order(PART, self.manifest.methods[0], flow=Flow.REDIRECT)
        gateways.begin_redirect(payment)
        self.wire.pay_page(self.reference_of(payment).redirect_url)
        self.later(office)
        demand(office.fresh(payment).state == "succeeded", f"paid, and it is “{office.fresh(payment).state}”")
        self.agree(office)

    def test_a_double_click_pays_once(self) -> None:
        """One form sent four times at the same moment is one payment, taken once."""
        from portal_app.db import db

        self.needs_flow(Flow.FIELDS)
        office = self.opened()
        method, self.line.watches = self.manifest.methods[0], False

        def press(_number: int) -> Any:
            try:
                return self.send(office.order(PART, method)).id
            finally:
                db.close()

        found = in_parallel(4, press)
        demand(len(set(found)) == 1 and found[0], f"one form became the payments {found}")
        demand(len(self.wire.charges()) == 1, f"it was taken {len(self.wire.charges())} times")
        if office.clearing():
            self.agree(office)

    def test_a_second_card_while_the_first_is_unknown_is_refused(self) -> None:
        """While nobody knows of the first card, a second one cannot pay the same money; the first is booked once."""
        from portal_app.domain.errors import Refused

        self.needs_flow(Flow.FIELDS)
        at = self.taking_request()
        self._fresh_wire()
        office = self.opened()
        payment = office.order(OWED, self.manifest.methods[0])
        self.line.arm(Fault.LOST_AFTER, at, lasts=True)
        self.send(payment)
        self.line.arm(None)
        try:
            self.pay(office, OWED, key="two")
        except Refused:
            demand(office.available() == 0, "the amount is not held")
        else:
            fail("a second card was taken while the first is unknown")
        self._end_well(office, payment)

    def _fresh_wire(self) -> None:
        """Another fake, with empty books."""
        self.wire = self.line.wire = self.make_wire()
        self.stack.callback(self.wire.close)
        self.__dict__.pop("accounts", None)

    def _end_well(self, office: Office, payment: Any) -> None:
        self.later(office)
        if office.fresh(payment).state == "pending":
            self.wire.settle(self.reference_of(payment).gateway_reference)
            self.later(office)
        demand(office.fresh(payment).state == "succeeded", f"it was taken, and ends as “{office.fresh(payment).state}”")
        self.agree(office)

    def test_a_lagging_list_frees_nothing(self) -> None:
        """A lost answer while the gateway's list lags: held for as long as the horizon, then found and booked once."""
        self.needs_control("lag")
        self.needs_flow(Flow.FIELDS)
        at = self.taking_request()
        self._fresh_wire()
        office = self.opened()
        self.wire.lag(True)
        payment = office.order(PART, self.manifest.methods[0])
        self.line.arm(Fault.LOST_AFTER, at, lasts=True)
        self.send(payment)
        self.line.arm(None)
        office.move(dt.timedelta(seconds=max(self.wire.lag_seconds, 31)))
        office.recover()
        demand(office.available() == OWED - PART, "the list lagged, and the amount was freed")
        self.wire.lag(False)
        self._end_well(office, payment)

    def test_a_decline_frees_the_amount_and_another_card_pays(self) -> None:
        """A declined card takes nothing and holds nothing; the next card pays, once."""
        self.needs_flow(Flow.FIELDS)
        office = self.opened()
        declined = self.pay(office, OWED, Says.DECLINED)
        demand(declined.state == "declined", f"declined, and it is “{declined.state}”")
        demand(declined.message, "the payer reads no reason")
        demand(office.available() == OWED, "a declined card holds the amount")
        self.paid_in(office, OWED, key="two")
        self.agree(office)

    def test_no_card_number_and_no_secret_is_kept(self) -> None:
        """After paying, neither a secret nor the token is in the database, its journal, or the log."""
        office = self.opened()
        self.paid_in(office)
        self.pay(office, 1_000, Says.DECLINED, key="two")
        kept = office.stored()
        for secret in self.secrets():
            demand(secret.encode() not in kept, "a secret is in the database in the clear")
            demand(secret not in self.log.getvalue(), "a secret is in the log")
        for number in (b"4242424242424242", b"4111111111111111"):
            demand(number not in kept, "a card number is in the database")

    def test_only_the_gateway_that_is_addressed_is_called(self) -> None:
        """Beside another plugin, a payment reaches this gateway alone: a charge is never broadcast."""
        from portal_app.testing.spy import Spy

        office, spy = self.opened(), Spy()
        self.registry.add(spy, "spy")
        demand(not self.registry.broken, f"beside another plugin it is broken: {self.registry.broken}")
        self.paid_in(office)
        demand(not spy.called, f"another plugin was called too: {spy.called}")
        self.agree(office)

    def test_beside_a_plugin_that_is_broken_it_works(self) -> None:
        """Another plugin that fails to load is listed as broken, and this one takes payments all the same."""
        from portal_app.testing.spy import Broken

        office = self.opened()
        try:
            self.registry.add(Broken(), "broken")
        except Exception as problem:
            fail(f"a plugin that fails to load stops the portal: {problem}")
        demand("broken" in self.registry.broken, "a plugin that fails to load is not listed")
        self.paid_in(office)
        self.agree(office)

    def test_a_copied_installation_charges_nobody(self) -> None:
        """The data folder is copied to another machine while the gateway is live: nothing is sent from there."""
        if self.manifest.is_rehearsal:
            return
        self.needs_control("live_settings")
        self.needs_flow(Flow.FIELDS)
        office = self.opened(Mode.LIVE)
        office.copied(self.folder / "copy")
        count = len(self.line.sent)
        payment = self.pay(office)
        demand(len(self.line.sent) == count, "a copy of the portal called the gateway with live keys")
        demand(payment.state == "not_submitted", f"in a copy of the portal a payment is “{payment.state}”")
