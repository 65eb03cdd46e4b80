"""What people pay with: test payment methods, test numbers, confirmation tokens."""

from __future__ import annotations

from portal_stripe.fake.core import Fake, Object, Params, Scope
from portal_stripe.fake.wire import invalid, pick, route

# Test number -> (brand, what it does)
CARDS = {
    "4242424242424242": ("visa", ""),
    "5555555555554444": ("mastercard", ""),
    "378282246310005": ("amex", ""),
    "4000000000000002": ("visa", "generic_decline"),
    "4000000000009995": ("visa", "insufficient_funds"),
    "4000000000009987": ("visa", "lost_card"),
    "4000000000000069": ("visa", "expired_card"),
    "4000000000000127": ("visa", "incorrect_cvc"),
    "4000000000000119": ("visa", "processing_error"),
    "4000000000003220": ("visa", "authenticate"),
    "4000000000000259": ("visa", "dispute"),
    "4000000000000010": ("visa", "less"),  # ours: a cent less than asked is taken
    "4000000000000028": ("visa", "odd"),  # ours: answered with a status that no documentation lists
}
NAMED = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_authenticationRequired": "4000000000003220",
    "pm_card_threeDSecure2Required": "4000000000003220",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_takesLess": "4000000000000010",
    "pm_card_oddStatus": "4000000000000028",
}
ACCOUNTS = {
    "000123456789": "",
    "000222222227": "insufficient_funds",
    "000111111113": "account_closed",
    "000333333335": "debit_not_authorized",
    "000000000009": "never",
    "000555555559": "dispute",
}
NAMED_ACCOUNTS = {
    "pm_usBankAccount": "000123456789",
    "pm_usBankAccount_success": "000123456789",
    "pm_usBankAccount_insufficientFunds": "000222222227",
    "pm_usBankAccount_accountClosed": "000111111113",
    "pm_usBankAccount_debitNotAuthorized": "000333333335",
    "pm_usBankAccount_processing": "000000000009",
    "pm_usBankAccount_dispute": "000555555559",
}
BILLING = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}


def card(fake: Fake, scope: Scope, number: str, billing: Params | None = None) -> Object:
    """A card that was typed; only brand, last four digits and behaviour are kept. Raises ``ApiError``."""
    known = CARDS.get(number.replace(" ", ""))
    if known is None:
        raise _mistyped("Your card number is incorrect.", "number", "incorrect_number")
    brand, behaviour = known
    details = {
        "brand": brand,
        "last4": number[-4:],
        "exp_month": 12,
        "exp_year": 2034,
        "funding": "credit",
        "country": "US",
    }
    return _method(fake, scope, "card", details, behaviour, billing)


def bank(fake: Fake, scope: Scope, account: str, billing: Params | None = None) -> Object:
    """A bank account that was typed. Raises ``ApiError``."""
    if account not in ACCOUNTS:
        raise _mistyped(
            "You must use a test bank account number in test mode.", "account_number", "account_number_invalid"
        )
    details = {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "last4": account[-4:],
        "routing_number": "110000000",
    }
    return _method(fake, scope, "us_bank_account", details, ACCOUNTS[account], billing)


def _mistyped(message: str, param: str, code: str) -> Exception:
    problem = invalid(message, param, code)
    problem.status = 402
    problem.body["error"]["type"] = "card_error"
    return problem


def _method(fake: Fake, scope: Scope, type: str, details: Object, behaviour: str, billing: Params | None) -> Object:
    return fake.add(
        scope,
        "payment_method",
        "pm",
        type=type,
        customer=None,
        metadata={},
        billing_details=BILLING | (billing or {}),
        **{type: details},
        _behaviour=behaviour,
        _is_spent=False,
    )


def method_for(fake: Fake, scope: Scope, name: str) -> Object:
    """The payment method of an id, or of one of the names for tests. Raises ``ApiError``."""
    if name in NAMED and not scope.livemode:
        return card(fake, scope, NAMED[name])
    if name in NAMED_ACCOUNTS and not scope.livemode:
        return bank(fake, scope, NAMED_ACCOUNTS[name])
    return fake.find(scope, "payment_method", name)


def typed(fake: Fake, scope: Scope, params: Params) -> Object:
    """The payment method that ``type`` and its details describe. Raises ``ApiError``."""
    billing = pick(params, "billing_details", dict, {})
    if params.get("type") == "card":
        return card(fake, scope, pick(params, "card", dict, {}).get("number", ""), billing)
    if params.get("type") == "us_bank_account":
        return bank(fake, scope, pick(params, "us_bank_account", dict, {}).get("account_number", ""), billing)
    raise invalid("Invalid payment_method type", "type")


@route("POST", "/payment_methods", "type card us_bank_account billing_details")
def create_method(fake: Fake, scope: Scope, params: Params) -> Object:
    return typed(fake, scope, params)


@route("GET", "/payment_methods/<id>")
def retrieve_method(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    return fake.find(scope, "payment_method", id)


@route("POST", "/confirmation_tokens", "payment_method_data return_url")
@route("POST", "/test_helpers/confirmation_tokens", "payment_method payment_method_data return_url")
def create_token(fake: Fake, scope: Scope, params: Params) -> Object:
    if name := params.get("payment_method"):
        method = method_for(fake, scope, name)
    else:
        method = typed(fake, scope, pick(params, "payment_method_data", dict, {}))
    preview = {name: method[name] for name in ("type", "billing_details", method["type"])}
    return fake.add(
        scope,
        "confirmation_token",
        "ctoken",
        expires_at=fake.now + 12 * 3600,
        payment_intent=None,
        payment_method_preview=preview,
        return_url=params.get("return_url"),
        _method=method["id"],
    )


def spend_token(fake: Fake, scope: Scope, id: str, intent: str) -> Object:
    """The payment method behind a one-time token. Raises ``ApiError`` when it was used or is too old."""
    token = fake.find(scope, "confirmation_token", id)
    if token["payment_intent"] not in {None, intent} or token["expires_at"] <= fake.now:
        raise invalid(
            "The confirmation token was used already or has expired.", "confirmation_token", "resource_missing"
        )
    token["payment_intent"] = intent
    return fake.object(token["_method"])
