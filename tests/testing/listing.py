"""Planted mistakes in the gateway's list, its fees and payouts."""

from __future__ import annotations

from dataclasses import replace

from portal_app.plugin_api import (
    Context,
    LedgerFact,
    LedgerLine,
    ListPage,
    ListQuery,
    OutcomeKind,
    Role,
    TransactionKind,
    hookimpl,
)
from portal_app.testing.skeleton.portal_example.gateway import Example
from tests.testing.planted import planted


class Listing(Example):
    """The good gateway, whose list a mistake changes."""

    def listed(self, page: ListPage) -> ListPage:
        return page

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        return self.listed(super().gateway_list(ctx, query))


@planted("test_the_list_has_every_charge_once")
class FirstPageOnly(Listing):
    """Only the first page of the list is read."""

    def listed(self, page: ListPage) -> ListPage:
        return replace(page, next_cursor="")


@planted("test_the_list_has_every_charge_once")
class NeverGoesOn(Example):
    """The cursor is not sent: the first page comes for ever."""

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        return super().gateway_list(ctx, replace(query, cursor=""))


@planted(
    "test_what_was_not_made_through_the_portal_is_listed_too", "test_a_charge_that_nobody_knows_waits_for_a_person"
)
class OnlyOurs(Listing):
    """What has no reference of ours is left out."""

    def listed(self, page: ListPage) -> ListPage:
        return replace(page, transactions=tuple(row for row in page.transactions if row.reference))


@planted("test_a_list_that_breaks_off_raises")
class ShortListIsAList(Example):
    """An error in the list is an empty page: the money seems to be gone."""

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        try:
            return super().gateway_list(ctx, query)
        except Exception:
            return ListPage(transactions=())


@planted("test_each_account_has_its_own_list")
class OneListForAll(Example):
    """Operating and trust money are in one list."""

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        return super().gateway_list(ctx, replace(query, merchant_account="acct-operating"))


@planted("test_a_declined_charge_is_not_listed_as_paid")
class ListedIsPaid(Listing):
    """Whatever is in the list has succeeded."""

    def listed(self, page: ListPage) -> ListPage:
        rows = (replace(row, outcome=OutcomeKind.SUCCEEDED) for row in page.transactions)
        return replace(page, transactions=tuple(rows))


@planted("test_a_refund_is_listed_with_its_charge")
class RefundsWithoutTheirCharge(Listing):
    """Refunds are listed without the charge that they are of."""

    def listed(self, page: ListPage) -> ListPage:
        return replace(page, transactions=tuple(replace(r, charge_gateway_reference="") for r in page.transactions))


@planted("test_a_payout_is_listed")
class PayoutsAreNotListed(Listing):
    """Payouts are declared and left out."""

    def listed(self, page: ListPage) -> ListPage:
        kept = tuple(row for row in page.transactions if row.kind is not TransactionKind.PAYOUT)
        return replace(page, transactions=kept)


@planted("test_a_payout_that_did_not_arrive_is_taken_back")
class APayoutAlwaysArrives(Listing):
    """Whatever became of a payout, it was paid out."""

    def listed(self, page: ListPage) -> ListPage:
        kept = (
            replace(row, outcome=OutcomeKind.SUCCEEDED) if row.kind is TransactionKind.PAYOUT else row
            for row in page.transactions
        )
        return replace(page, transactions=tuple(kept))


@planted("test_a_payout_that_did_not_arrive_is_taken_back")
class AFailedPayoutIsLeftOut(Listing):
    """Only payouts that arrived are listed: the books keep what came back."""

    def listed(self, page: ListPage) -> ListPage:
        kept = (
            row
            for row in page.transactions
            if row.kind is not TransactionKind.PAYOUT or row.outcome is OutcomeKind.SUCCEEDED
        )
        return replace(page, transactions=tuple(kept))


@planted("test_trust_money_never_pays_a_fee")
class TrustPaysTheFee(Example):
    """Fees are taken from clients' money."""

    @hookimpl
    def gateway_ledger_lines(self, fact: LedgerFact) -> list[LedgerLine] | None:
        fee = max(fact.transaction.fee_minor, 1)
        return [
            LedgerLine(role=Role.MERCHANT_FEES, amount_minor=fee), LedgerLine(role=Role.CLEARING, amount_minor=-fee)
        ]  # fmt: skip


@planted("test_ledger_lines_balance", "test_sweeping_twice_books_once")
class HalfABooking(Example):
    """A fee is booked on one side only."""

    @hookimpl
    def gateway_ledger_lines(self, fact: LedgerFact) -> list[LedgerLine] | None:
        return (super().gateway_ledger_lines(fact) or [])[:1] or None


@planted("test_ledger_lines_balance", "test_sweeping_twice_books_once")
class BooksTheCharge(Example):
    """Ten times the transaction is booked as its fee."""

    @hookimpl
    def gateway_ledger_lines(self, fact: LedgerFact) -> list[LedgerLine] | None:
        lines = super().gateway_ledger_lines(fact) or []
        return [replace(line, amount_minor=line.amount_minor * 1_000) for line in lines] or None
