"""Money: exactly what was asked, from exactly where it was asked, said exactly as it was taken."""

from __future__ import annotations

from typing import Any

from portal_app.plugin_api import Flow, OutcomeKind
from portal_app.testing.bench import Bench, demand
from portal_app.testing.wire import Says

# Each of these comes out one too low when it is divided by 100 and multiplied again in floats, or nearly so.
ODD = (
    *(1, 2, 9, 10, 11, 29, 57, 58, 99, 100, 101, 113, 114, 115, 116, 201, 226, 229, 251, 402, 435, 451, 503, 555),
    *(655, 802, 819, 904, 1001, 1110, 1655, 1999, 2675, 3301, 4095, 5555, 6553, 8190, 9999, 33_333, 65_537, 111_111),
    *(128_999, 999_999, 1_999_999, 4_503_599),
)


class MoneyChecks(Bench):
    """Amounts, currencies, accounts."""

    def _exact(self, amount: int, **changes: Any) -> None:
        request, outcome = self.charge(amount_minor=amount, **changes)
        demand(
            outcome.kind in {OutcomeKind.SUCCEEDED, OutcomeKind.PENDING},
            f"a good charge of {amount} is “{outcome.kind}”{self.why()}",
        )
        rows = self.taken(request.reference)
        demand([row.amount_minor for row in rows] == [amount], f"of {amount} asked, it took {rows}")
        demand(
            rows[0].currency.upper() == request.currency.upper(), f"{request.currency} asked, {rows[0].currency} taken"
        )
        self.demand_true(outcome, request)

    def test_odd_amounts_are_taken_to_the_cent(self) -> None:
        """Amounts that float arithmetic gets wrong are taken, and told, to the minor unit."""
        for amount in ODD:
            self._exact(amount)

    def test_one_cent_is_taken(self) -> None:
        """The smallest amount is taken as it is."""
        self._exact(1)

    def test_the_largest_amount_is_taken_to_the_cent(self) -> None:
        """The largest amount that the gateway takes keeps its last cent."""
        self._exact(self.wire.most_minor)
        self._exact(self.wire.most_minor - 1)

    def test_every_currency_keeps_its_own_minor_unit(self) -> None:
        """In each currency of its accounts, minor units are taken as they are: 500 is ¥500, $5.00 or 0.500 KD."""
        for account in self.accounts:
            for amount in (1, 500, 12_345):
                self._exact(amount, currency=account.currency, merchant_account=account.id, fund=account.fund)

    def test_money_goes_to_the_account_asked_for(self) -> None:
        """Each fund's money lands in the merchant account that the request names, whichever comes first there."""
        for fund in self.funds():
            account = self.account(fund)
            request, _ = self.charge(fund=fund)
            rows = self.taken(request.reference)
            demand([row.merchant_account for row in rows] == [account.id], f"{fund} money for {account.id}: {rows}")

    def test_without_an_account_nothing_is_taken(self) -> None:
        """A charge that names no merchant account is not sent: the gateway would choose one by itself."""
        currency = self.account().currency
        _, outcome = self.charge(merchant_account="", currency=currency)
        demand(not self.wire.charges(), "it charged without an account, and the gateway chose one")
        demand(outcome.kind is not OutcomeKind.SUCCEEDED, "it says that it took money")

    def test_an_account_that_is_not_there_takes_nothing(self) -> None:
        """A charge for a merchant account that the gateway does not know takes nothing anywhere else instead."""
        _, outcome = self.charge(merchant_account="no-such-account", currency=self.account().currency)
        demand(not self.wire.charges(), f"it took money all the same: {self.wire.charges()}")
        demand(outcome.kind is not OutcomeKind.SUCCEEDED, "it says that it took money")

    def test_a_smaller_amount_taken_is_said(self) -> None:
        """When the gateway takes less than was asked, the outcome says what was taken, not what was asked."""
        request, outcome = self.charge(Says.LESS)
        for said in (outcome, self.look(request, outcome)):
            if said.kind is OutcomeKind.SUCCEEDED:
                self.demand_true(said, request)

    def _page(self, **changes: Any) -> None:
        request = self.begin(Flow.REDIRECT, **changes)
        page = self.ask("gateway_begin", request=request)
        demand(page.redirect_url, f"no page was opened for {request.amount_minor}{self.why()}")
        self.wire.pay_page(page.redirect_url)
        rows = [(row.amount_minor, row.merchant_account) for row in self.taken(request.reference)]
        asked = (request.amount_minor, request.merchant_account)
        demand(rows == [asked], f"asked on the gateway's page for {asked}, it took {rows}")

    def test_the_gateways_page_takes_odd_amounts_to_the_cent(self) -> None:
        """The gateway's own page is opened for exactly the amount: one cent, and what floats get wrong."""
        self.needs_flow(Flow.REDIRECT)
        for amount in ODD[::4]:
            self._page(amount_minor=amount)

    def test_the_gateways_page_pays_into_the_account_asked_for(self) -> None:
        """What is paid on the gateway's own page lands in the merchant account of its fund."""
        self.needs_flow(Flow.REDIRECT)
        for fund in self.funds():
            account = self.account(fund)
            self._page(fund=fund, merchant_account=account.id, currency=account.currency)

    def test_drawing_the_fields_takes_nothing(self) -> None:
        """Drawing Pay Now takes no money, and opening the gateway's page takes none before the payer pays there."""
        for flow in self.manifest.flows:
            if flow is Flow.FIELDS:
                self.call("gateway_begin", request=self.begin(flow, reference="", amount_minor=0))
            else:
                self.ask("gateway_begin", request=self.begin(flow))
        demand(not self.wire.charges(), "gateway_begin took money")

    def test_the_connection_test_takes_nothing(self) -> None:
        """“Test connection” leaves no money taken."""
        self.call("gateway_health")
        demand(not self.wire.charges(), "gateway_health took money and kept it")
