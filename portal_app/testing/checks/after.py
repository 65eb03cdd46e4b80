"""The real portal after the payment: refunds, returns, disputes, the sweep, and trust money."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portal_app.plugin_api import Capability, Flow, Fund, Method, TransactionKind
from portal_app.testing.bench import demand
from portal_app.testing.checks.flows import PART, FlowChecks
from portal_app.testing.line import Fault
from portal_app.testing.office import OWED, Office, killed_at
from portal_app.testing.wire import Says


class AfterChecks(FlowChecks):
    """What comes after "paid", through the host's own code."""

    def _sweep(self, office: Office) -> None:
        from portal_app import gateways
        from portal_app.domain import payments

        gateways.sweep(office.gateway)
        last = payments.last_sweep(office.gateway)
        demand(last is not None and not last.error, f"the sweep ended by an error: {last.error if last else ''}")

    def _news(self, office: Office) -> None:
        """The portal learns what has happened at the gateway: by the sweep, or by webhooks."""
        step = dt.timedelta(minutes=2)
        office.move(step)
        if self.has("advance"):
            self.wire.advance(step)
        if Capability.LIST in self.manifest.capabilities:
            self._sweep(office)
            return
        self.needs(Capability.WEBHOOK)
        self.needs_control("deliveries")
        for delivery in self.wire.deliveries():
            office.deliver(delivery)

    def _refunded(self, office: Office, payment: Any, cents: int, **given: Any) -> Any:
        row = office.refund(payment, cents, **given)
        if row.state == "pending":
            if self.has("settle"):
                self.wire.settle(office.fresh(row).gateway_reference)
            self.later(office)
        return office.fresh(row)

    def test_a_refund_through_the_portal_gives_back_and_is_owed_again(self) -> None:
        """All of a payment is given back: by the gateway's books and the firm's, and it is owed again."""
        self.needs(Capability.REFUND)
        office = self.opened()
        row = self._refunded(office, self.paid_in(office), PART)
        demand(row.state == "succeeded", f"a good refund is “{row.state}” in the portal")
        demand(self.at_the_gateway() == 0, f"the gateway still has {self.at_the_gateway()}")
        self.agree(office)

    def test_parts_through_the_portal_add_up(self) -> None:
        """Two parts are given back, one after the other; the books agree after each, and with what a sweep brings."""
        self.needs(Capability.REFUND)
        self.needs(Capability.PARTIAL_REFUND)
        office = self.opened()
        payment = self.paid_in(office)
        for key, cents in (("first", 1_999), ("second", 20_001)):
            row = self._refunded(office, payment, cents, key=key)
            demand(row.state == "succeeded", f"a good refund is “{row.state}” in the portal")
            self.agree(office)

    def test_a_refund_whose_answer_was_lost_is_given_once(self) -> None:
        """The answer to a refund is lost: unknown, held, pressed again without effect, found, and booked once."""
        self.needs(Capability.REFUND)
        office = self.opened()
        payment = self.paid_in(office)
        self.line.after = self._lose_once()
        first = office.refund(payment, PART)
        self.line.after = lambda: None
        demand(office.fresh(first).state in {"unknown", "succeeded"}, f"lost: “{office.fresh(first).state}”")
        again = office.refund(payment, PART) if office.fresh(first).state == "unknown" else first
        demand(again.id == first.id, "pressed again, it became another refund")
        self.later(office)
        row = self._settled(office, first)
        demand(row.state == "succeeded", f"given back, its answer lost, and it ends as “{row.state}”")
        self.agree(office)

    def _lose_once(self) -> Any:
        """The answer of the request that moves money is lost."""
        seen = len(self.line.sent)

        def lose() -> None:
            if any(sent.has_moved for sent in self.line.sent[seen:]):
                self.line.after = lambda: None
                raise TimeoutError("no answer")

        return lose

    def _settled(self, office: Office, row: Any) -> Any:
        fresh = office.fresh(row)
        if fresh.state == "pending" and self.has("settle"):
            self.wire.settle(fresh.gateway_reference)
            self.later(office)
        return office.fresh(row)

    def test_killed_in_the_middle_of_a_refund_it_is_given_once(self) -> None:
        """The power goes at each point of a refund: given back once or not at all, and the books agree."""
        self.needs(Capability.REFUND)
        for point in ("submitting", "asked", "taken", "answered", "posting"):
            self._fresh_wire()
            office = self.opened()
            payment = self.paid_in(office)
            with killed_at(point, self.line):
                office.refund(payment, PART)
            self.restart()
            office.restart(self.registry)
            self.later(office)
            demand(self.at_the_gateway() in {0, PART}, f"killed when {point}: {self.at_the_gateway()} is left")
            for row in self._refunds(payment):
                self._settled(office, row)
            self.agree(office)
            self._forget(office)

    def _refunds(self, payment: Any) -> list[Any]:
        from portal_app.domain import payments

        return list(payments.refunds_of(payment))

    def _forget(self, office: Office) -> None:
        """The firm of this round goes; the next one begins in an empty folder."""
        import shutil

        from portal_app.db import db

        db.close()
        shutil.rmtree(office.settings.data_dir)

    # Returns and disputes

    def test_a_returned_debit_is_owed_again(self) -> None:
        """A bank debit that had come and is returned: the invoice is owed again, and both books say so."""
        self.needs_method(Method.BANK)
        office = self.opened()
        payment = self.paid_in(office, method=Method.BANK, says=Says.PENDING)
        self.wire.give_back_debit(self.reference_of(payment).gateway_reference)
        self._news(office)
        state = office.fresh(payment).state
        demand(state == "returned", f"its debit was returned, and it is “{state}” in the portal")
        demand(office.owed() == OWED, f"{OWED} is owed again, and the books say {office.owed()}")
        demand(not office.faults(), f"the books do not hold: {office.faults()}")

    def _disputed(self) -> tuple[Office, Any, str]:
        self.needs(Capability.DISPUTES)
        office = self.opened()
        payment = self.paid_in(office)
        name = self.reference_of(payment).gateway_reference
        self.wire.open_dispute(name)
        self._news(office)
        states = self._dispute_states(payment)
        demand(states == ["open"], f"a dispute was opened, and the portal has {states}")
        demand(not office.faults(), f"the books do not hold: {office.faults()}")
        return office, payment, name

    def _dispute_states(self, payment: Any) -> list[str]:
        from portal_app.domain import payments

        return [row.state for row in payments.disputes_of(payment)]

    def test_a_dispute_reaches_the_books(self) -> None:
        """A dispute that is opened is known and booked; the payer owes nothing again before it is lost."""
        office, _, _ = self._disputed()
        demand(office.owed() == OWED - PART, "an open dispute makes the payer owe again before it is lost")

    def test_a_dispute_that_was_won_is_as_before(self) -> None:
        """Won: the money is back, nothing is owed for it."""
        office, payment, name = self._disputed()
        self.wire.decide_dispute(name, is_won=True)
        self._news(office)
        demand(self._dispute_states(payment) == ["won"], f"won, and the portal has {self._dispute_states(payment)}")
        demand(office.owed() == OWED - PART, f"won, and {office.owed()} is owed")
        demand(not office.faults(), f"the books do not hold: {office.faults()}")

    def test_a_dispute_that_was_lost_is_owed_again(self) -> None:
        """Lost: the invoice is owed again, and the books balance."""
        office, _, name = self._disputed()
        self.wire.decide_dispute(name, is_won=False)
        self._news(office)
        demand(office.owed() == OWED, f"lost, and {office.owed()} is owed")
        demand(not office.faults(), f"the books do not hold: {office.faults()}")

    # The sweep

    def test_the_sweep_alone_finds_a_lost_payment(self) -> None:
        """A box behind NAT: no webhook, nobody comes back, and no look-up was made. The sweep finds and books it."""
        self.needs(Capability.LIST)
        self.needs_flow(Flow.FIELDS)
        office = self.opened()
        payment = office.order(PART, self.manifest.methods[0])
        self.line.after = self._lose_once()
        self.send(payment)
        self.line.after = lambda: None
        self._news(office)
        state = office.fresh(payment).state
        demand(state in {"succeeded", "pending"}, f"it is in the gateway's list, and is “{state}” in the portal")

    def test_sweeping_twice_books_once(self) -> None:
        """Two sweeps over the same days change nothing the second time: fees and payouts are booked once."""
        self.needs(Capability.LIST)
        office = self.opened()
        self.paid_in(office)
        if self.has("pay_out"):
            self.wire.pay_out()
        self._news(office)
        before = self._balances()
        self._news(office)
        demand(self._balances() == before, f"the second sweep changed the books from {before} to {self._balances()}")
        demand(not office.faults(), f"the books do not hold: {office.faults()}")
        kept = [row.detail for row in self._questions() if row.kind == "not_booked"]
        demand(not kept, f"the host could not book what was proposed: {kept[:2]}")

    def test_a_payout_that_did_not_arrive_is_taken_back(self) -> None:
        """The firm's bank sends a payout back after it was booked: the gateway holds that money again, by the firm's
        books too, and staff are asked about it once."""
        self.needs(Capability.PAYOUTS)
        self.needs_control("fail_payout")
        office = self.opened()
        self.paid_in(office)
        self._news(office)
        before = self._balances()
        self.wire.pay_out()
        self._news(office)
        demand(self._balances() != before, "the payout was not booked")
        self.wire.fail_payout()
        for _ in range(2):
            self._news(office)
        demand(self._balances() == before, f"after the payout came back: {self._balances()}, before it: {before}")
        kinds = [row.kind for row in self._questions() if row.kind == "payout_failed"]
        demand(len(kinds) == 1, f"staff are asked {len(kinds)} times about it")
        demand(not office.faults(), f"the books do not hold: {office.faults()}")

    def _balances(self) -> dict[str, int]:
        from portal_app.verify import verify

        return verify().balances

    def _questions(self) -> list[Any]:
        from portal_app.domain import payments

        return list(payments.open_questions())

    def test_a_charge_that_nobody_knows_waits_for_a_person(self) -> None:
        """A charge made at the gateway's own terminal is a question for staff, not money of somebody."""
        self.needs(Capability.LIST)
        self.needs_control("take_elsewhere")
        office = self.opened()
        self.paid_in(office)
        self.wire.take_elsewhere(self.account().id, 4_321)
        self._news(office)
        kinds = [row.kind for row in self._questions()]
        demand(kinds == ["unknown_charge"], f"staff are asked {kinds}")
        demand(office.owed() == OWED - PART, "it was counted as somebody's payment")

    def test_in_the_portal_trust_money_never_pays_a_fee(self) -> None:
        """Whatever the list says of a trust account, no fee or payout of it is booked; a person decides."""
        from portal_app.domain.payments import GatewayTransaction

        self.needs(Capability.LIST)
        self.needs_control("take_elsewhere")
        account = self.account(Fund.TRUST).id
        office = self.opened()
        self.paid_in(office)
        self.wire.take_elsewhere(account, 7_777)
        if self.has("pay_out"):
            self.wire.pay_out()
        self._news(office)
        rows = [row for row in GatewayTransaction.select() if row.merchant_account == account]
        demand([row for row in rows if row.kind == TransactionKind.CHARGE.value], "the trust charge was not swept")
        demand(not [row for row in rows if row.entry_id], "something of the trust account was booked by itself")
        demand(not office.faults(), f"the books do not hold: {office.faults()}")

    def test_money_that_differs_waits_for_a_person(self) -> None:
        """The gateway took less than was asked: held for review, booked on suspense, no invoice is paid by it."""
        office = self.opened()
        payment = self.pay(office, PART, Says.LESS)
        demand(payment.state == "review", f"less came than was asked, and it is “{payment.state}”")
        demand(office.owed() == OWED, "an invoice was paid by money that differs")
        demand(not office.faults(), f"the books do not hold: {office.faults()}")

    def test_a_fault_in_the_list_is_no_missing_money(self) -> None:
        """A list that breaks off makes no payment doubtful: the sweep is tried again."""
        from portal_app import gateways

        self.needs(Capability.LIST)
        office = self.opened()
        payment = self.paid_in(office)
        office.move(dt.timedelta(hours=2))
        for fault in (Fault.ERROR_BEFORE, Fault.GARBAGE_AFTER, Fault.LOST_AFTER, Fault.UNAUTHORIZED):
            self.line.arm(fault, lasts=True)
            gateways.sweep(office.gateway)
            self.line.arm(None)
        demand(office.fresh(payment).state == "succeeded", f"it became “{office.fresh(payment).state}”")
        demand(not self._questions(), f"staff are asked {[row.kind for row in self._questions()]}")
        self.agree(office)
