"""Planted mistakes at the edges: so that each check of the kit has one that it catches."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from unittest import mock

from portal_app import gateways
from portal_app.db import transaction
from portal_app.domain import payments
from portal_app.domain.payments import booking, settling
from portal_app.gateways import sweeping
from portal_app.plugin_api import (
    ChargeRequest,
    Context,
    Delivery,
    DisputeState,
    Event,
    Health,
    LedgerFact,
    LedgerLine,
    ListPage,
    LookupQuery,
    Manifest,
    Mode,
    Outcome,
    OutcomeKind,
    Problem,
    RefundRequest,
    Rejected,
    SettingField,
    Subject,
    TransactionKind,
    hookimpl,
)
from portal_app.testing.skeleton.portal_example.gateway import MANIFEST, Example, _call
from tests.testing.declaring import Declaring
from tests.testing.finding import ErrorIsAbsent, Finding
from tests.testing.listing import Listing, ShortListIsAList, TrustPaysTheFee
from tests.testing.planted import planted
from tests.testing.taking import Charging, GenerousWire, send
from tests.testing.telling import parsed

SUCCEEDED, UNKNOWN = OutcomeKind.SUCCEEDED, OutcomeKind.UNKNOWN


@planted("test_one_cent_is_taken", "test_odd_amounts_are_taken_to_the_cent")
class AtLeastADollar(Charging):
    """Less than a dollar is rounded up to one."""

    def before(self, request: ChargeRequest) -> ChargeRequest:
        return replace(request, amount_minor=max(request.amount_minor, 100))


@planted("test_drawing_the_fields_takes_nothing", wire=GenerousWire)
class TakesBeforeThePage(Example):
    """The money is taken before the payer has seen the gateway's page."""

    @hookimpl
    def gateway_begin(self, ctx: Context, request: Any) -> Any:
        if request.reference:
            sent = {"reference": request.reference, "amount": request.amount_minor, "currency": request.currency}
            more = {"account": request.merchant_account, "token": "tok_health", "description": "", "return_url": ""}
            _call(ctx, "POST", "/v1/charges", json=sent | more)
        return super().gateway_begin(ctx, request)


@planted("test_a_charge_is_looked_up_as_it_was_told")
class LooksUpLessTheFee(Finding):
    """A look-up says what is left after the fee."""

    def found(self, query: LookupQuery, outcome: Outcome) -> Outcome:
        return replace(outcome, amount_minor=outcome.amount_minor - 30) if outcome.amount_minor else outcome


@planted("test_a_charge_is_looked_up_as_it_was_told", "test_what_an_event_names_is_looked_up_as_it_is")
class CannotReadAnId(Example):
    """The gateway's own id is not understood in a look-up."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return Outcome(kind=UNKNOWN) if query.gateway_reference else super().gateway_lookup(ctx, query)


@planted("test_a_decline_is_found_again_and_never_as_paid", "test_an_event_of_a_decline_is_no_success")
class FoundIsPaid(Finding):
    """Whatever a look-up finds was paid."""

    def found(self, query: LookupQuery, outcome: Outcome) -> Outcome:
        return replace(outcome, kind=SUCCEEDED) if outcome.kind is OutcomeKind.DECLINED else outcome


@planted("test_a_debit_that_bounces_while_pending_is_no_success")
class PendingForEver(Finding):
    """A debit that bounced stays on its way."""

    def found(self, query: LookupQuery, outcome: Outcome) -> Outcome:
        return replace(outcome, kind=OutcomeKind.PENDING) if outcome.kind is OutcomeKind.RETURNED else outcome


@planted(
    "test_a_wrong_key_takes_nothing_and_is_no_success", "test_too_many_requests_is_no_success",
    "test_no_fault_at_any_request_lies",
)  # fmt: skip
class TakesItForGranted(Example):
    """When the gateway will not hear it now, it is told as paid and left for later."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        if send(ctx, request).status in {401, 429}:
            return Outcome(kind=SUCCEEDED, gateway_reference="later", amount_minor=request.amount_minor)
        return super().gateway_charge(ctx, request)


@planted("test_a_decline_is_declined_in_plain_words", "test_a_decline_frees_the_amount_and_another_card_pays")
class DeclineIsUnknown(Charging):
    """A plain decline is told as unknown, and the amount is held."""

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        return Outcome(kind=UNKNOWN) if outcome.kind is OutcomeKind.DECLINED else outcome


# Refunds


@planted("test_a_whole_charge_is_given_back", "test_a_refund_through_the_portal_gives_back_and_is_owed_again")
class KeepsItsFee(Example):
    """A refund gives back what is left after the fee."""

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        return super().gateway_refund(ctx, replace(request, amount_minor=request.amount_minor - 30))


@planted(
    "test_a_refund_is_looked_up_as_it_was_told", "test_a_bank_refund_on_its_way_is_pending_or_given",
    "test_killed_in_the_middle_of_a_refund_it_is_given_once",
)  # fmt: skip
class RefundsAreNeverFound(Finding):
    """A refund is looked up among the charges, and told as failed."""

    def found(self, query: LookupQuery, outcome: Outcome) -> Outcome:
        return Outcome(kind=OutcomeKind.DECLINED) if query.subject is Subject.REFUND else replace(outcome, refunds=())


@planted("test_a_refund_that_did_not_arrive_is_not_told_as_given")
class RefundsAreSure(Example):
    """A refund that was sent is told as given, whatever came back."""

    @hookimpl
    def gateway_refund(self, ctx: Context, request: RefundRequest) -> Outcome:
        try:
            return super().gateway_refund(ctx, request)
        except Exception:
            return Outcome(kind=SUCCEEDED, gateway_reference="re_sure", amount_minor=request.amount_minor)


# Webhooks, the list, disputes


@planted("test_live_calls_go_over_tls")
class PlainHttp(Example):
    """The address of the settings is called without TLS."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        plain = {**ctx.settings, "base_url": ctx.settings["base_url"].replace("https://", "http://")}
        return super().gateway_lookup(replace(ctx, settings=plain), query)


@planted("test_the_order_of_deliveries_does_not_matter")
class DropsWhatCameLate(Example):
    """Events that are older than the newest are dropped."""

    def __init__(self) -> None:
        self.newest = ""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        found = super().gateway_webhook(ctx, delivery)
        if isinstance(found, Rejected) or found[0].id < self.newest:
            return found if isinstance(found, Rejected) else []
        self.newest = found[0].id
        return found


@planted("test_a_delivery_with_a_new_date_on_an_old_signature_is_rejected", "test_a_forged_delivery_is_rejected")
class LooksAtTheDateOnly(Example):
    """A signature of today is good, whatever it is of."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        at = delivery.headers.get("x-example-signature", "").partition(",")[0].removeprefix("t=")
        age = abs(int(delivery.received_at.timestamp()) - int(at or 0))
        return parsed(delivery) if age < 300 else Rejected(reason="stale")


@planted("test_events_keep_no_secret")
class KeepsTheSecretOfEvents(Example):
    """The secret that a delivery was verified with is kept beside it."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        found = super().gateway_webhook(ctx, delivery)
        if isinstance(found, Rejected):
            return found
        return [replace(event, payload={"verified_with": ctx.settings["webhook_secret"]}) for event in found]


@planted("test_the_lists_ids_and_moments_are_sound")
class MomentsWithoutZone(Listing):
    """Moments of the list have no time zone."""

    def listed(self, page: ListPage) -> ListPage:
        rows = (replace(row, occurred_at=row.occurred_at.replace(tzinfo=None)) for row in page.transactions)
        return replace(page, transactions=tuple(rows))


@planted("test_a_dispute_is_listed_with_its_charge", "test_a_dispute_reaches_the_books")
class DisputesAreNotListed(Listing):
    """Disputes come by webhook alone."""

    def listed(self, page: ListPage) -> ListPage:
        rows = (row for row in page.transactions if row.kind is not TransactionKind.DISPUTE)
        return replace(page, transactions=tuple(rows))


@planted("test_the_sweep_alone_finds_a_lost_payment", "test_the_list_has_every_charge_once")
class ListWithoutReferences(Listing):
    """The list has amounts and no references: nothing of it can be matched."""

    def listed(self, page: ListPage) -> ListPage:
        return replace(page, transactions=tuple(replace(row, reference="") for row in page.transactions))


@planted("test_a_fault_in_the_list_is_no_missing_money", "test_a_list_that_breaks_off_raises")
class NothingIsThere(ErrorIsAbsent, ShortListIsAList):
    """A list and a look-up that fail say that there is nothing: what was paid seems to be gone."""


@planted("test_ledger_lines_ask_nobody")
class AsksForTheFee(Example):
    """The fee of each line is asked for, one by one."""

    @hookimpl
    def gateway_ledger_lines(self, ctx: Context, fact: LedgerFact) -> list[LedgerLine] | None:  # type: ignore[override]  # pluggy gives what is named
        self.gateway_health(ctx)
        return Example.gateway_ledger_lines(self, fact)


@planted(
    "test_a_dispute_that_was_won_is_won", "test_a_dispute_that_was_won_is_as_before",
    "test_a_dispute_that_was_lost_is_owed_again",
)  # fmt: skip
class DisputesNeverEnd(Finding):
    """A dispute stays open for ever."""

    def found(self, query: LookupQuery, outcome: Outcome) -> Outcome:
        return replace(outcome, disputes=tuple(replace(row, state=DisputeState.OPEN) for row in outcome.disputes))


# Settings


@planted("test_every_setting_can_be_filled_in")
class NoLabels(Declaring):
    """A setting is called by its name in the program."""

    changes: Mapping[str, Any] = MappingProxyType(
        {"settings": (*MANIFEST.settings, SettingField(name="mode_2", label="mode_2", kind="switch"))}
    )


@planted("test_no_state_of_the_world_is_in_the_manifest")
class AsksForItsManifest(Example):
    """The manifest is fetched from the maker."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        try:
            http.client.HTTPConnection("127.0.0.1", 9).request("GET", "/")
        except OSError:
            return MANIFEST
        return MANIFEST


@planted("test_good_settings_have_no_problem")
class NeverContent(Example):
    """Good settings have a problem, too."""

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        return [Problem(field="base_url", message="Are you sure of this address?")]


@planted("test_an_address_that_is_none_is_refused")
class AnyAddress(Example):
    """Any text will do for an address in test mode."""

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        found = super().gateway_validate_settings(ctx)
        return [problem for problem in found if problem.field != "base_url" or ctx.mode is Mode.LIVE]


@planted("test_good_settings_pass_the_connection_test")
class NeverHealthy(Example):
    """“Test connection” is never green."""

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        found = super().gateway_health(ctx)
        return Health(checks=tuple(replace(each, is_ok=False) for each in found.checks), accounts=found.accounts)


# The portal itself


@planted(
    "test_killed_once_it_was_written_down",
    host=lambda: mock.patch.object(payments, "give_up_unsent", return_value=False),
)
class KeepsWhatWasNeverSent(Example):
    """What was written down and never sent is held for ever."""


@planted("test_killed_while_it_was_booked", host=lambda: mock.patch.object(settling, "transaction", nullcontext))
class BooksBitByBit(Example):
    """Entry and state are not written together: between them the power goes."""


def booking_again() -> Any:
    def again(payment: Any, _args: Any) -> Any:
        source = mock.patch.object(booking, "paid_source", return_value=f"payment:{payment.id}:{secrets.token_hex(4)}")
        with source, transaction():
            booking.post_paid(payment)
        return payment

    return mock.patch.object(gateways, "returned", again)


@planted(
    "test_coming_back_three_times_books_once", "test_a_webhook_and_three_returns_book_once", host=booking_again
)  # fmt: skip
class EachReturnIsBooked(Example):
    """Each return visit books the payment again."""


@planted(
    "test_in_the_portal_trust_money_never_pays_a_fee",
    host=lambda: mock.patch.object(sweeping, "routes_of", _as_operating(vars(sweeping)["routes_of"])),
)
class TrustIsTakenForOperating(TrustPaysTheFee):
    """The portal takes a trust account for an operating one, and the plugin takes the fee from it."""


def _as_operating(routes_of: Any) -> Any:
    def routes(gateway: Any) -> Any:
        found = routes_of(gateway)
        for route in found.values():
            route.fund = "operating"
        return found

    return routes
