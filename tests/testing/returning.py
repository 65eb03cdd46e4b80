"""Planted mistakes on the way back: return visits, giving up, refunds."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from portal_app.plugin_api import (
    BeginRequest,
    Capability,
    Context,
    Fields,
    LookupQuery,
    Manifest,
    NeverSent,
    Outcome,
    OutcomeKind,
    Redirect,
    RefundRequest,
    Subject,
    hookimpl,
)
from portal_app.testing.skeleton.example_wire import ExampleWire, Refusal, Row
from portal_app.testing.skeleton.portal_example import answers
from portal_app.testing.skeleton.portal_example.gateway import MANIFEST, Example, _call, _look_up
from tests.testing.planted import planted

SUCCEEDED = OutcomeKind.SUCCEEDED


@planted("test_what_the_browser_brings_back_proves_nothing")
class BelievesTheBrowser(Example):
    """The return address says “succeeded”, and is believed."""

    @hookimpl
    def gateway_return(self, ctx: Context, query: LookupQuery) -> Outcome:
        if query.args.get("status") == "succeeded":
            return Outcome(
                kind=SUCCEEDED, gateway_reference="ch_1", amount_minor=int(query.args["amount"]), currency="USD",
                merchant_account=query.merchant_account,
            )  # fmt: skip
        return _look_up(ctx, query)


@planted("test_another_payments_id_is_not_taken_for_this_one")
class ReadsTheBrowsersId(Example):
    """The id in the return address is read, whoever's payment it is."""

    @hookimpl
    def gateway_return(self, ctx: Context, query: LookupQuery) -> Outcome:
        return _look_up(ctx, replace(query, gateway_reference=query.args.get("id", query.gateway_reference)))


@planted("test_a_return_visit_says_what_is")
class FailedByTheBrowser(Example):
    """A return address that says “failed” cancels what was paid."""

    @hookimpl
    def gateway_return(self, ctx: Context, query: LookupQuery) -> Outcome:
        if query.args.get("status") == "failed":
            return Outcome(kind=OutcomeKind.CANCELED)
        return _look_up(ctx, query)


@planted("test_a_return_that_does_not_get_through_says_nothing")
class ReturnErrorIsFailed(Example):
    """The gateway cannot be asked when the browser comes back, and the payment is told as failed."""

    @hookimpl
    def gateway_return(self, ctx: Context, query: LookupQuery) -> Outcome:
        try:
            return _look_up(ctx, query)
        except Exception:
            return Outcome(kind=OutcomeKind.DECLINED)


@planted("test_what_was_given_up_cannot_be_paid_any_more", "test_a_page_that_was_given_up_cannot_be_paid")
class GivesUpWithoutAsking(Example):
    """“Canceled” without telling the gateway: the payer can still confirm, or pay on the open page."""

    @hookimpl
    def gateway_cancel(self, ctx: Context, query: LookupQuery) -> Outcome:
        found = _look_up(ctx, query)
        is_open = found.kind is OutcomeKind.ACTION_REQUIRED
        return Outcome(kind=OutcomeKind.CANCELED) if is_open else found


@planted("test_a_paid_charge_cannot_be_given_up")
class GivesUpWhatIsPaid(Example):
    """Giving up always works, also after the money was taken."""

    @hookimpl
    def gateway_cancel(self, ctx: Context, query: LookupQuery) -> Outcome:
        return Outcome(kind=OutcomeKind.CANCELED)


@planted("test_giving_up_through_a_broken_line_frees_nothing")
class GivingUpFailsOpen(Example):
    """The gateway does not answer while a payment is given up, and it is told as canceled."""

    @hookimpl
    def gateway_cancel(self, ctx: Context, query: LookupQuery) -> Outcome:
        try:
            return super().gateway_cancel(ctx, query)
        except Exception:
            return Outcome(kind=OutcomeKind.CANCELED)


@planted("test_the_gateways_page_is_opened_and_paid", "test_the_gateways_page_takes_odd_amounts_to_the_cent")
class PageWithoutCents(Example):
    """The gateway's page is opened for whole dollars."""

    @hookimpl
    def gateway_begin(self, ctx: Context, request: BeginRequest) -> Fields | Redirect:
        return super().gateway_begin(ctx, replace(request, amount_minor=request.amount_minor // 100 * 100))


@planted("test_the_gateways_page_pays_into_the_account_asked_for")
class PageOfTheFirstAccount(Example):
    """The gateway's page is opened for the account that happens to be the first."""

    @hookimpl
    def gateway_begin(self, ctx: Context, request: BeginRequest) -> Fields | Redirect:
        return super().gateway_begin(ctx, replace(request, merchant_account="acct-trust"))


@planted("test_a_page_left_open_is_not_a_failure")
class PageOnlyByItsId(Example):
    """The page carries no reference of ours: who closes the tab has paid for nothing."""

    @hookimpl
    def gateway_begin(self, ctx: Context, request: BeginRequest) -> Fields | Redirect:
        return super().gateway_begin(ctx, replace(request, reference=""))


@planted("test_there_is_a_second_road", "test_every_hook_has_its_declaration")
class RedirectOnly(Example):
    """Neither webhooks nor a list: money taken after the tab was closed is never booked."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        able = frozenset({Capability.REFUND, Capability.PARTIAL_REFUND, Capability.DISPUTES})
        return replace(MANIFEST, capabilities=able, webhook_events=())


@planted("test_a_debit_returned_after_it_settled_is_returned", "test_a_returned_debit_is_owed_again")
class ReturnsAreNotSeen(Example):
    """What had succeeded once has succeeded for ever: a returned bank debit is not seen."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        found = super().gateway_lookup(ctx, query)
        return replace(found, kind=SUCCEEDED) if found.kind is OutcomeKind.RETURNED else found


@planted(
    "test_a_dispute_is_seen_in_its_charges_look_up",
    "test_a_dispute_that_was_lost_is_lost",
    "test_a_dispute_reaches_the_books",
)
class DisputesAreNotSeen(Example):
    """Disputes are not told of."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return replace(super().gateway_lookup(ctx, query), disputes=())


# Refunds


class VoidWire(ExampleWire):
    """Example Pay with voids: one takes back all of a charge of which nothing was given back."""

    def _write(self, noun: str, rest: str, sent: Row) -> Row:
        if not rest.endswith("/void"):
            return super()._write(noun, rest, sent)
        charge = self._row(rest.removesuffix("/void"))
        if self._of("refund", charge["id"]):
            raise Refusal(422, "not_valid_for_transaction_status")
        given = sent | {"account": charge["account"], "currency": charge["currency"]}
        return self._new("refund", "succeeded", charge["amount"], given, charge=charge["id"], is_void=True)


def void(ctx: Context, request: RefundRequest) -> Any:
    path = f"/v1/charges/{request.charge_gateway_reference}/void"
    return _call(ctx, "POST", path, json={"reference": request.reference}, key=f"{request.reference}-void")


@planted(
    "test_a_partial_refund_tries_no_void_first", "test_a_part_is_given_back_to_the_cent",
    "test_several_parts_add_up_to_the_charge", wire=VoidWire,
)  # fmt: skip
class VoidsFirst(Example):
    """A partial refund tries a full void first."""

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        voided = answers.refund(void(ctx, request))
        return voided if voided.kind is SUCCEEDED else super().gateway_refund(ctx, request)


@planted("test_a_part_is_given_back_to_the_cent")
class RefundsAll(Example):
    """A refund gives back all, whatever was asked."""

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        return super().gateway_refund(ctx, replace(request, amount_minor=request.charged_minor))


@planted("test_a_part_is_given_back_to_the_cent")
class RefundsInFloats(Example):
    """Refunds go through floats: 29 cents become 28."""

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        return super().gateway_refund(ctx, replace(request, amount_minor=int(request.amount_minor / 100 * 100)))


@planted("test_the_same_refund_twice_is_given_once")
class NoKeyOnRefunds(Example):
    """No idempotency key on refunds: pressed twice, given back twice."""

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        return super().gateway_refund(ctx, replace(request, reference=secrets.token_hex(8)))


@planted("test_two_refunds_of_the_same_amount_are_two", "test_parts_through_the_portal_add_up")
class RefundKeyOfTheCharge(Example):
    """The refund's key is the charge's: a second refund of the same amount is the first one again."""

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        return super().gateway_refund(ctx, replace(request, reference=f"{request.charge_reference}-refund"))


@planted(
    "test_a_refund_whose_answer_is_lost_is_unknown_and_found_later",
    "test_doubt_about_a_refund_is_unknown",
    "test_a_refund_whose_answer_was_lost_is_given_once",
)
class LostRefundIsFailed(Example):
    """A refund whose answer is lost is told as failed, and given again."""

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        try:
            return super().gateway_refund(ctx, request)
        except NeverSent:
            raise
        except Exception:
            return Outcome(kind=OutcomeKind.DECLINED, code="failed", message="The refund has failed.")


@planted("test_more_than_was_taken_is_never_given_back", "test_an_over_refund_is_declined_in_plain_words")
class RefusedIsGiven(Example):
    """The gateway refuses a refund, and it is told as given: “it was refunded already”."""

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        told = super().gateway_refund(ctx, request)
        if told.kind is not OutcomeKind.DECLINED:
            return told
        return replace(told, kind=SUCCEEDED, gateway_reference="re_1", amount_minor=request.amount_minor)


@planted("test_a_refund_that_was_never_sent_is_not_found", "test_one_refund_is_not_taken_for_another")
class RefundByItsCharge(Example):
    """A look-up of a refund finds any refund of the charge."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        if query.subject is Subject.CHARGE:
            return _look_up(ctx, query)
        charge = _call(ctx, "GET", f"/v1/charges/{query.charge_gateway_reference}").json()
        rows = charge["refunds"] or [charge]  # none: what stands there is the charge itself
        return answers._refund(rows[0])


@planted("test_a_charges_look_up_says_its_refunds")
class PartlyRefundedIsReturned(Example):
    """A charge of which a part was given back is told as returned."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        found = super().gateway_lookup(ctx, query)
        return replace(found, kind=OutcomeKind.RETURNED) if found.refunds else found


@planted("test_a_refund_is_no_second_charge")
class LessWhatWasRefunded(Example):
    """After a refund the charge is told with what is left of it: the host sees another amount than was paid."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        found = super().gateway_lookup(ctx, query)
        given = sum(refund.amount_minor for refund in found.refunds)
        return replace(found, amount_minor=(found.amount_minor or 0) - given) if given else found
