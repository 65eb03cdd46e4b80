"""The gateway's own list, its fees and payouts, and disputes: what the daily sweep goes by."""

from __future__ import annotations

from portal_app.plugin_api import (
    Capability,
    DisputeState,
    ExternalTransaction,
    Fund,
    LedgerFact,
    ListPage,
    ListQuery,
    OutcomeKind,
    TransactionKind,
)
from portal_app.testing.bench import AMOUNT, Bench, ConformanceError, days, demand, fail
from portal_app.testing.line import Fault
from portal_app.testing.wire import Says

MANY = 25  # more than a gateway puts on one page
MOST_PAGES = 200


class ListChecks(Bench):
    """Listing, fees, payouts, disputes."""

    def _pages(self, fund: Fund = Fund.OPERATING) -> list[ExternalTransaction]:
        self.needs(Capability.LIST)
        now, cursor = self.wire.now(), ""
        found: list[ExternalTransaction] = []
        for _ in range(MOST_PAGES):
            query = ListQuery(
                since=now - days(2), until=now + days(1), merchant_account=self.account(fund).id, cursor=cursor
            )  # fmt: skip
            page = self.call("gateway_list", query=query)
            demand(isinstance(page, ListPage), f"gateway_list returned {type(page).__name__}")
            found += page.transactions
            if not page.next_cursor:
                return found
            demand(page.next_cursor != cursor, "the list stands still: the same cursor again")
            cursor = page.next_cursor
        raise ConformanceError(f"the list has no end: {MOST_PAGES} pages")

    def _of(self, kind: TransactionKind, fund: Fund = Fund.OPERATING) -> list[ExternalTransaction]:
        return [row for row in self._pages(fund) if row.kind is kind]

    def test_the_list_has_every_charge_once(self) -> None:
        """Over all its pages the list has each charge exactly once, with our reference, amount and account."""
        self.needs(Capability.LIST)
        requests = [self.charge(amount_minor=1_000 + number)[0] for number in range(MANY)]
        rows = self._of(TransactionKind.CHARGE)
        for request in requests:
            mine = [row for row in rows if row.reference == request.reference]
            demand(len(mine) == 1, f"{len(mine)} lines for the charge of {request.amount_minor}")
            said = (mine[0].amount_minor, mine[0].currency.upper(), mine[0].merchant_account)
            asked = (request.amount_minor, request.currency.upper(), request.merchant_account)
            demand(said == asked, f"{asked} is listed as {said}")
            demand(mine[0].outcome in {OutcomeKind.SUCCEEDED, OutcomeKind.PENDING}, f"listed as {mine[0].outcome}")
        ids = [(row.kind, row.id) for row in rows]
        demand(len(set(ids)) == len(ids), "an id of the list is there twice")

    def test_the_lists_ids_and_moments_are_sound(self) -> None:
        """Ids are the gateway's own (a charge's is the one it is looked up by), moments have their zone, amounts are
        whole and positive."""
        self.needs(Capability.LIST)
        _, outcome = self.charge()
        rows = self._pages()
        demand(outcome.gateway_reference in {row.id for row in rows}, "a charge is listed under another id")
        for row in rows:
            demand(row.occurred_at.tzinfo is not None, "a moment without its zone")
            demand(type(row.amount_minor) is int and row.amount_minor > 0, f"an amount of {row.amount_minor!r}")
            demand(type(row.fee_minor) is int and row.fee_minor >= 0, f"a fee of {row.fee_minor!r}")

    def test_what_was_not_made_through_the_portal_is_listed_too(self) -> None:
        """A charge made at the gateway's own terminal is in the list, without a reference of ours."""
        self.needs(Capability.LIST)
        self.needs_control("take_elsewhere")
        id = self.wire.take_elsewhere(self.account().id, 4_321)
        mine = [row for row in self._of(TransactionKind.CHARGE) if row.id == id]
        demand([row.amount_minor for row in mine] == [4_321], f"it is listed as {mine}")

    def test_a_declined_charge_is_not_listed_as_paid(self) -> None:
        """What was declined may be listed, never as money that came."""
        self.needs(Capability.LIST)
        request, _ = self.charge(Says.DECLINED)
        bad = {OutcomeKind.SUCCEEDED, OutcomeKind.PENDING}
        rows = [row for row in self._of(TransactionKind.CHARGE) if row.reference == request.reference]
        demand(not [row for row in rows if row.outcome in bad], f"a decline is listed as {rows}")

    def test_each_account_has_its_own_list(self) -> None:
        """Money of one merchant account is not in another's list."""
        self.needs(Capability.LIST)
        request, _ = self.charge()
        if Fund.TRUST not in self.manifest.funds:
            return
        rows = self._pages(Fund.TRUST)
        demand(request.reference not in {row.reference for row in rows}, "operating money is in the trust list")

    def test_a_list_that_breaks_off_raises(self) -> None:
        """An error in the middle of the list is an exception: a short list would look like money that is gone."""
        self.needs(Capability.LIST)
        self.charge()
        self.account()
        for fault in Fault:
            self.line.arm(fault, lasts=True)
            try:
                rows = self._pages()
            except Exception as problem:
                self.problems.append(problem)
            else:
                fail(f"{fault}: the list seems whole, with {len(rows)} lines")
            self.line.arm(None)

    def test_a_refund_is_listed_with_its_charge(self) -> None:
        """A refund is in the list, with its amount and its charge's id at the gateway."""
        self.needs(Capability.LIST)
        self.needs(Capability.PARTIAL_REFUND)
        request, charged = self.paid()
        refund = self.refund_of(request, charged, 1_000)
        outcome = self.ask("gateway_refund", request=refund)
        mine = [row for row in self._of(TransactionKind.REFUND) if row.id == outcome.gateway_reference]
        said = [(row.amount_minor, row.charge_gateway_reference) for row in mine]
        demand(said == [(1_000, charged.gateway_reference)], f"the refund is listed as {said}")

    def test_a_dispute_is_listed_with_its_charge(self) -> None:
        """A dispute is in the list, with its charge's id: who gets no webhooks learns of it too."""
        self.needs(Capability.LIST)
        self.needs(Capability.DISPUTES)
        _, charged = self.paid()
        self.wire.open_dispute(charged.gateway_reference)
        mine = [row.charge_gateway_reference for row in self._of(TransactionKind.DISPUTE)]
        demand(charged.gateway_reference in mine, f"the dispute is listed with {mine}")

    # Fees and payouts

    def _facts(self, fund: Fund = Fund.OPERATING) -> list[LedgerFact]:
        self.needs(Capability.FEES)
        self.charge(fund=fund)
        self.charge(fund=fund, amount_minor=3_333)
        if self.has("pay_out"):
            self.wire.pay_out()
        return [LedgerFact(transaction=row, fund=fund) for row in self._pages(fund)]

    def test_ledger_lines_balance(self) -> None:
        """What it proposes to book sums to zero, and no line is larger than the transaction with its fee."""
        found = 0
        for fact in self._facts():
            lines = self.call("gateway_ledger_lines", fact=fact) or []
            found += len(lines)
            demand(sum(line.amount_minor for line in lines) == 0, f"{lines} do not balance")
            most = fact.transaction.amount_minor + fact.transaction.fee_minor
            for line in lines:
                demand(type(line.amount_minor) is int, f"{line.amount_minor!r} is no whole number")
                demand(abs(line.amount_minor) <= most, f"{line} is larger than its transaction of {most}")
        demand(found, "it declares fees, and proposes nothing to book for any transaction")

    def test_trust_money_never_pays_a_fee(self) -> None:
        """For a transaction of trust money it proposes no line at all: the firm pays the fee elsewhere."""
        if Fund.TRUST not in self.manifest.funds:
            return
        for fact in self._facts(Fund.TRUST):
            lines = self.call("gateway_ledger_lines", fact=fact)
            demand(not lines, f"trust money, and it proposes {lines}")

    def test_ledger_lines_ask_nobody(self) -> None:
        """Proposing lines uses no network."""
        facts = self._facts()
        count = len(self.line.sent)
        for fact in facts:
            self.call("gateway_ledger_lines", fact=fact)
        demand(len(self.line.sent) == count, "gateway_ledger_lines used the network")

    def test_a_payout_is_listed(self) -> None:
        """What the gateway pays to the bank is in its list, once."""
        self.needs(Capability.PAYOUTS)
        self.needs_control("pay_out")
        self.charge()
        self.wire.pay_out()
        rows = self._of(TransactionKind.PAYOUT)
        demand(len(rows) == 1, f"one payout, {len(rows)} lines")
        demand(0 < rows[0].amount_minor <= AMOUNT, f"{AMOUNT} came, and {rows[0].amount_minor} was paid out")

    # Disputes

    def _states(self, is_won: bool | None) -> list[DisputeState]:
        self.needs(Capability.DISPUTES)
        request, outcome = self.paid()
        self.wire.open_dispute(outcome.gateway_reference)
        if is_won is not None:
            self.wire.decide_dispute(outcome.gateway_reference, is_won=is_won)
        found = self.look(request, outcome)
        for dispute in found.disputes:
            demand(dispute.gateway_reference and dispute.currency, f"{dispute} has no id or currency")
            demand(dispute.amount_minor == AMOUNT, f"{AMOUNT} disputed, and it says {dispute.amount_minor}")
        return [dispute.state for dispute in found.disputes]

    def test_a_dispute_is_seen_in_its_charges_look_up(self) -> None:
        """A charge that the payer's bank takes back has an open dispute of its amount in its look-up."""
        found = self._states(None)
        demand(found == [DisputeState.OPEN], f"an open dispute is seen as {found}{self.why()}")

    def test_a_dispute_that_was_won_is_won(self) -> None:
        """Decided for the firm: ``won``."""
        found = self._states(True)
        demand(found == [DisputeState.WON], f"a won dispute is seen as {found}{self.why()}")

    def test_a_dispute_that_was_lost_is_lost(self) -> None:
        """Decided against the firm: ``lost``."""
        found = self._states(False)
        demand(found == [DisputeState.LOST], f"a lost dispute is seen as {found}{self.why()}")
