"""Planted mistakes in taking money: amounts, accounts, outcomes, keys."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from portal_app.plugin_api import (
    ChargeRequest,
    Context,
    Method,
    NeverSent,
    Outcome,
    OutcomeKind,
    hookimpl,
)
from portal_app.testing import Says
from portal_app.testing.skeleton.example_wire import ExampleWire, Row
from portal_app.testing.skeleton.portal_example import answers
from portal_app.testing.skeleton.portal_example.gateway import Example, _call, _order
from tests.testing.planted import planted

SUCCEEDED, DECLINED = OutcomeKind.SUCCEEDED, OutcomeKind.DECLINED


FAILED = Outcome(kind=DECLINED, code="failed", message="The payment has failed. Please try again.")


def send(ctx: Context, request: ChargeRequest, key: str | None = None, **changes: Any) -> Any:
    sent = _order(request) | {"token": request.token} | changes
    return _call(ctx, "POST", "/v1/charges", json=sent, key=request.reference if key is None else key)


class Charging(Example):
    """The good gateway, whose charge a mistake changes before or after."""

    def before(self, request: ChargeRequest) -> ChargeRequest:
        return request

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        return outcome

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return self.after(request, super().gateway_charge(ctx, self.before(request)))


@planted(
    "test_a_lost_answer_is_unknown_and_found_later",
    "test_a_request_lost_on_its_way_is_unknown",
    "test_a_second_card_while_the_first_is_unknown_is_refused",
)
class LostIsFailed(Example):
    """A lost response is recorded as failed; the client pays again."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        try:
            return super().gateway_charge(ctx, request)
        except NeverSent:
            raise
        except Exception:
            return FAILED


@planted("test_a_lost_answer_is_unknown_and_found_later")
class LostIsNeverSent(Example):
    """A time-out is told as "not submitted"."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        try:
            return super().gateway_charge(ctx, request)
        except Exception:
            return Outcome(kind=OutcomeKind.NOT_SUBMITTED)


@planted(
    "test_a_server_error_before_the_charge_is_unknown",
    "test_a_server_error_after_the_charge_is_unknown_and_found_later",
)
class ServerErrorIsFailed(Example):
    """A 5xx is taken for a decline."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        response = send(ctx, request)
        return FAILED if response.status >= 500 else answers.charge(response)


@planted("test_garbage_is_unknown_and_the_charge_found_later")
class GarbageIsFailed(Example):
    """An answer that is no JSON is taken for a decline."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        response = send(ctx, request)
        try:
            response.json()
        except ValueError:
            return FAILED
        return answers.charge(response)


@planted("test_a_conflict_or_redirection_is_unknown")
class ConflictIsFailed(Example):
    """Any 4xx is taken for a decline, also the 409 that says that the same charge is under way."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        response = send(ctx, request)
        return FAILED if 400 <= response.status < 500 else answers.charge(response)


@planted("test_garbage_is_unknown_and_the_charge_found_later", "test_a_decline_is_declined_in_plain_words")
class TwoHundredIsPaid(Example):
    """Status 200 or 201 is taken for "paid", whatever the body says."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        if send(ctx, request).status not in {200, 201}:
            return Outcome(kind=OutcomeKind.UNKNOWN)
        return Outcome(
            kind=SUCCEEDED, gateway_reference="ch_?", amount_minor=request.amount_minor, currency=request.currency,
            merchant_account=request.merchant_account,
        )  # fmt: skip


@planted("test_a_status_that_nobody_listed_is_unknown")
class UnlistedIsPaid(Charging):
    """What is not known as a refusal is taken for success."""

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        if outcome.kind is not OutcomeKind.UNKNOWN:
            return outcome
        return replace(outcome, kind=SUCCEEDED, gateway_reference="ch_0001", amount_minor=request.amount_minor)


@planted("test_a_status_that_nobody_listed_is_unknown")
class UnlistedIsFailed(Charging):
    """What is not known as success is taken for failure."""

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        return FAILED if outcome.kind is OutcomeKind.UNKNOWN else outcome


@planted("test_pending_is_pending_until_it_settles")
class PendingIsPaid(Charging):
    """Money on its way is booked as if it had come."""

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        return replace(outcome, kind=SUCCEEDED) if outcome.kind is OutcomeKind.PENDING else outcome


@planted("test_a_confirmation_is_asked_for_and_then_paid")
class ConfirmationIsFailed(Charging):
    """The 3-D Secure step is not understood and told as a decline."""

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        return FAILED if outcome.kind is OutcomeKind.ACTION_REQUIRED else outcome


@planted("test_a_smaller_amount_taken_is_said", "test_money_that_differs_waits_for_a_person")
class EchoesTheRequest(Charging):
    """The outcome repeats what was asked instead of what was taken: the host's own check is blind."""

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        if outcome.kind is not SUCCEEDED:
            return outcome
        return replace(outcome, amount_minor=request.amount_minor, merchant_account=request.merchant_account)


@planted("test_a_smaller_amount_taken_is_said")
class ChecksAndIgnores(Charging):
    """It compares amount and payee, writes the difference down, and goes on with the amount that was asked."""

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        if outcome.amount_minor not in {None, request.amount_minor}:
            return replace(outcome, amount_minor=request.amount_minor, code="amount_differs")
        return outcome


@planted("test_a_good_charge_succeeds_and_says_what_was_taken")
class SaysNoAmount(Charging):
    """Success without the amount that was taken."""

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        return replace(outcome, amount_minor=None)


@planted("test_a_decline_is_declined_in_plain_words")
class ErrorsFromTheWrongField(Charging):
    """Errors are read from ``message`` where the gateway says ``messages[]``: the decline has no reason."""

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        return replace(outcome, code="", message="") if outcome.kind is DECLINED else outcome


@planted("test_a_decline_is_declined_in_plain_words")
class CodesForPeople(Charging):
    """The payer reads the gateway's code instead of a sentence."""

    def after(self, request: ChargeRequest, outcome: Outcome) -> Outcome:
        return replace(outcome, message=outcome.code) if outcome.kind is DECLINED else outcome


@planted("test_odd_amounts_are_taken_to_the_cent")
class FloatCents(Charging):
    """Dollars as floats, and back by cutting off: one cent low in 6.5 % of amounts."""

    def before(self, request: ChargeRequest) -> ChargeRequest:
        return replace(request, amount_minor=int(request.amount_minor / 100 * 100))


@planted("test_the_largest_amount_is_taken_to_the_cent")
class RoundsLargeAmounts(Charging):
    """Six significant digits are kept."""

    def before(self, request: ChargeRequest) -> ChargeRequest:
        kept = int(f"{request.amount_minor:.5e}".partition("e")[0].replace(".", ""))
        return replace(request, amount_minor=kept * 10 ** max(len(str(request.amount_minor)) - 6, 0))


@planted("test_every_currency_keeps_its_own_minor_unit")
class EveryCurrencyHasCents(Charging):
    """Yen are multiplied by a hundred."""

    def before(self, request: ChargeRequest) -> ChargeRequest:
        factor = 100 if request.currency == "JPY" else 1
        return replace(request, amount_minor=request.amount_minor * factor)


@planted("test_money_goes_to_the_account_asked_for")
class NoAccount(Example):
    """A charge without ``account_id``: the gateway picks its primary account, which may be of trust money."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return answers.charge(send(ctx, request, account=""))


@planted("test_without_an_account_nothing_is_taken")
class AccountMayBeMissing(Example):
    """A missing account is sent as it is."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return answers.charge(send(ctx, request))


@planted("test_an_account_that_is_not_there_takes_nothing")
class AnotherAccountWillDo(Example):
    """When an account is refused, the first one is tried."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        outcome = super().gateway_charge(ctx, request)
        if outcome.code == "no_such_account":
            return answers.charge(send(ctx, request, f"{request.reference}-2", account="acct-operating"))
        return outcome


# Keys


@planted("test_the_same_charge_twice_is_taken_once", "test_a_hundred_at_the_same_moment_are_taken_once")
class KeyRandomPerCall(Example):
    """A new idempotency key for each call protects from nothing."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return answers.charge(send(ctx, request, secrets.token_hex(8)))


@planted("test_the_same_charge_after_a_restart_is_taken_once")
class KeyOfTheProcess(Example):
    """The key holds something of the process: after a restart it is another."""

    def __init__(self) -> None:
        self.start = secrets.token_hex(4)

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return answers.charge(send(ctx, request, f"{self.start}-{request.reference}"))


@planted("test_the_same_payer_can_pay_the_same_amount_again")
class KeyOfAmountAndPayer(Example):
    """A key of payer and amount: the second payment of the same amount is blocked for ever."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return answers.charge(send(ctx, request, f"{request.billing.name}-{request.amount_minor}"))


@planted("test_different_charges_at_the_same_moment_are_each_taken")
class KeyOfTheMoment(Example):
    """A key of the moment and the payer: payments at the same moment are one."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return answers.charge(send(ctx, request, f"{request.billing.name}-{ctx.now:%H%M}"))


@planted(
    "test_our_reference_stands_at_the_gateway",
    "test_a_good_charge_succeeds_and_says_what_was_taken",
    "test_killed_once_the_money_was_taken",
)
class NoReference(Example):
    """The attempt's id is the key, but is written nowhere where it could be found again."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return answers.charge(send(ctx, request, reference=""))


@planted("test_a_lost_answer_is_unknown_and_found_later", "test_a_lost_answer_is_not_tried_again_under_another_key")
class TriesAgainWithANewKey(Example):
    """A lost answer is tried again at once, under another key."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        try:
            return answers.charge(send(ctx, request))
        except NeverSent:
            raise
        except Exception:
            return answers.charge(send(ctx, request, f"{request.reference}-again"))


@planted("test_a_refused_connection_is_not_submitted")
class NeverSentIsUnknown(Example):
    """What was provably never sent is told as unknown: the amount is held for nothing."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        try:
            return super().gateway_charge(ctx, request)
        except NeverSent:
            return Outcome(kind=OutcomeKind.UNKNOWN)


class GenerousWire(ExampleWire):
    """Example Pay with a card that never runs out."""

    def _write(self, noun: str, rest: str, sent: Row) -> Row:
        self.tokens.setdefault("tok_health", (Says.APPROVED, Method.CARD))
        return super()._write(noun, rest, sent)


@planted("test_the_connection_test_takes_nothing", wire=GenerousWire)
class TestsWithACharge(Example):
    """“Test connection” charges a cent and leaves it taken."""

    __test__ = False

    @hookimpl
    def gateway_health(self, ctx: Context) -> Any:
        found = super().gateway_health(ctx)
        sent = {
            "reference": "test", "amount": 1, "currency": "USD", "account": "acct-operating", "token": "tok_health",
            "description": "", "return_url": "",
        }  # fmt: skip
        _call(ctx, "POST", "/v1/charges", json=sent)
        return found
