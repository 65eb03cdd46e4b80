"""What is sent and understood, against the maker's own description of its interface: the types of its package."""

from __future__ import annotations

import re
from typing import Any

import pytest
import stripe.params as official
import stripe.params.checkout as official_checkout
from stripe._balance_transaction import BalanceTransaction
from stripe._dispute import Dispute
from stripe._payment_intent import PaymentIntent

from portal_stripe.fake import pay_page
from portal_stripe.fake.wire import ROUTES
from portal_stripe.manifest import EVENTS
from portal_stripe.reading import _DISPUTES, _INTENTS
from portal_stripe.sweeping import _READ

PARAMS: dict[tuple[str, str], Any] = {
    ("POST", "/payment_intents"): official.PaymentIntentCreateParams,
    ("GET", "/payment_intents"): official.PaymentIntentListParams,
    ("GET", "/payment_intents/<id>"): official.PaymentIntentRetrieveParams,
    ("POST", "/payment_intents/<id>"): official.PaymentIntentUpdateParams,
    ("POST", "/payment_intents/<id>/confirm"): official.PaymentIntentConfirmParams,
    ("POST", "/payment_intents/<id>/cancel"): official.PaymentIntentCancelParams,
    ("POST", "/checkout/sessions"): official_checkout.SessionCreateParams,
    ("GET", "/checkout/sessions"): official_checkout.SessionListParams,
    ("POST", "/checkout/sessions/<id>/expire"): official_checkout.SessionExpireParams,
    ("POST", "/refunds"): official.RefundCreateParams,
    ("GET", "/refunds"): official.RefundListParams,
    ("GET", "/disputes"): official.DisputeListParams,
    ("GET", "/charges"): official.ChargeListParams,
    ("GET", "/balance_transactions"): official.BalanceTransactionListParams,
    ("GET", "/payouts"): official.PayoutListParams,
    ("GET", "/events"): official.EventListParams,
}


def names(params: Any) -> set[str]:
    return set(params.__annotations__) | {"expand"}


def literals(owner: Any, field: str) -> set[str]:
    """The values that the package lists for a field."""
    return set(re.findall(r"'([a-z_]+)'", str(owner.__annotations__[field])))


@pytest.mark.parametrize(("verb", "path"), PARAMS)
def test_the_fake_takes_no_parameter_that_stripe_does_not_know(verb: str, path: str) -> None:
    pattern = "/v1" + path.replace("<id>", "([A-Za-z0-9_]+)")
    taken = [allowed for method, found, _, allowed in ROUTES if (method, found.pattern) == (verb, pattern)]
    assert len(taken) == 1
    assert taken[0] <= names(PARAMS[verb, path])


def test_every_request_is_one_that_stripe_knows(desk: Any) -> None:
    paid = desk.charge()
    desk.refund(paid, 100)
    page = desk.begin("attempt-2")
    pay_page(desk.fake, page.gateway_reference, number="4242424242424242")
    desk.look("attempt-2")
    desk.look("attempt-9")
    desk.cancel("attempt-3", desk.charge("pm_card_authenticationRequired", "attempt-3").gateway_reference)
    desk.cancel("attempt-4", desk.begin("attempt-4").gateway_reference)
    desk.look_refund(paid)
    desk.listed()
    known = {
        (verb, re.compile("/v1" + path.replace("<id>", r"\w+"))): params for (verb, path), params in PARAMS.items()
    }
    asked = set()
    for sent in desk.fake.requests:
        for (verb, path), params in known.items():
            if sent.method == verb and path.fullmatch(sent.path):
                assert set(sent.params) <= names(params), sent
                asked.add((verb, path.pattern))
    assert len(asked) == 11


def test_what_stripe_says_of_an_intent_is_known() -> None:
    told = literals(PaymentIntent, "status")
    assert set(_INTENTS) < told
    # One without its error, and two that this plugin never asks for, say nothing: they are unknown.
    assert told - set(_INTENTS) == {"requires_payment_method", "requires_confirmation", "requires_capture"}


def test_what_stripe_says_of_a_dispute_is_known() -> None:
    assert literals(Dispute, "status") == set(_DISPUTES)


def test_what_moves_a_balance_is_known() -> None:
    assert set(_READ) <= literals(BalanceTransaction, "type")


def test_the_events_are_stripes() -> None:
    text = str(official.WebhookEndpointCreateParams.__annotations__["enabled_events"])
    assert all(f"'{name}'" in text for name in EVENTS)
