"""Payment intents and all that can become of them."""

from __future__ import annotations

from portal_stripe.fake import charges, means
from portal_stripe.fake.core import DAY, ApiError, Fake, Object, Params, Scope, job, shown
from portal_stripe.fake.wire import LISTING, invalid, is_true, listed, pick, route, whole

SETTLE = 4 * DAY
OPEN = {"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"}
KNOWN = {"card", "us_bank_account"}
_CONFIRM = "payment_method payment_method_data payment_method_options confirmation_token return_url mandate_data \
use_stripe_sdk error_on_requires_action receipt_email off_session"
_CREATE = f"{_CONFIRM} amount currency description metadata automatic_payment_methods confirm \
allowed_payment_method_types capture_method \
confirmation_method statement_descriptor statement_descriptor_suffix customer setup_future_usage"


@route("POST", "/payment_intents", _CREATE)
def create(fake: Fake, scope: Scope, params: Params) -> Object:
    intent = fake.add(scope, "payment_intent", "pi", **_fields(params, fake.least_minor))
    intent["client_secret"] = f"{intent['id']}_secret_fake"
    if not is_true(params, "confirm"):
        fake.emit(intent, "payment_intent.created")
        return intent
    try:
        _check_return(intent, params)
        return _confirm(fake, scope, intent, params)
    except ApiError as problem:
        if not problem.is_kept:  # what fails validation leaves nothing behind
            del fake.state["objects"][intent["id"]]
        raise


def _amount(params: Params, least: int) -> tuple[int, str]:
    amount, currency = whole(params, "amount"), params.get("currency")
    if not isinstance(currency, str) or len(currency) != 3:
        raise invalid("Missing required param: currency.", "currency", "parameter_missing")
    if amount < least:
        raise invalid("Amount must be at least $0.50 usd", "amount", "amount_too_small")
    if amount > 99_999_999:
        raise invalid("Amount must be no more than $999,999.99", "amount", "amount_too_large")
    return amount, currency


def _fields(params: Params, least: int) -> Object:
    amount, currency = _amount(params, least)
    automatic = pick(params, "automatic_payment_methods", dict)
    types = pick(params, "allowed_payment_method_types", list)
    if automatic and types:
        raise invalid(
            "You may only specify one of these parameters: automatic_payment_methods, allowed_payment_method_types.",
            "allowed_payment_method_types",
        )
    if set(types or ()) - KNOWN:
        raise invalid("The payment method type is invalid.", "allowed_payment_method_types")
    is_automatic = automatic is None or automatic.get("enabled") == "true"
    return {
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": {"enabled": True, **_redirects(automatic)} if is_automatic and not types else None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": "",
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "currency": currency.lower(),
        "customer": None,
        "description": params.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": pick(params, "metadata", dict, {}),
        "next_action": None,
        "payment_method": None,
        "allowed_payment_method_types": types,
        "payment_method_types": types or sorted(KNOWN),
        "processing": None,
        "receipt_email": params.get("receipt_email"),
        "status": "requires_payment_method",
        "_return_url": "",
        "_session": None,
    }


def _redirects(automatic: Params | None) -> Params:
    return {"allow_redirects": (automatic or {}).get("allow_redirects", "always")}


def _check_return(intent: Object, params: Params) -> None:
    automatic = intent["automatic_payment_methods"]
    if automatic and automatic["allow_redirects"] == "always" and not params.get("return_url"):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some "
            "of these payment methods might redirect your customer off of your page, you must provide a `return_url`.",
            "return_url",
        )


@route("POST", "/payment_intents/<id>/confirm", _CONFIRM)
def confirm(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    intent = fake.find(scope, "payment_intent", id)
    if intent["status"] not in {"requires_payment_method", "requires_confirmation", "requires_action"}:
        raise unexpected(
            intent, f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}."
        )
    _check_return(intent, params)
    return _confirm(fake, scope, intent, params)


def unexpected(intent: Object, message: str) -> ApiError:
    return ApiError(400, message, code="payment_intent_unexpected_state", payment_intent=shown(intent))


def _confirm(fake: Fake, scope: Scope, intent: Object, params: Params) -> Object:
    if "confirmation_token" in params:
        method = means.spend_token(fake, scope, params["confirmation_token"], intent["id"])
    elif "payment_method" in params:
        method = means.method_for(fake, scope, params["payment_method"])
    elif "payment_method_data" in params:
        method = means.typed(fake, scope, pick(params, "payment_method_data", dict, {}))
    else:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            "payment_method",
            "payment_intent_unexpected_state",
        )
    if method["type"] not in intent["payment_method_types"]:
        raise invalid(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent.",
            "payment_method",
            "payment_intent_incompatible_payment_method",
        )
    if method["type"] == "us_bank_account" and not ("mandate_data" in params or "confirmation_token" in params):
        raise invalid("A mandate is required for us_bank_account.", "mandate_data", "payment_intent_mandate_invalid")
    intent["_return_url"] = params.get("return_url", "")
    return pay(fake, intent, method)


def pay(fake: Fake, intent: Object, method: Object) -> Object:
    """Take the money, or learn why not. A method is good for one payment. Raises ``ApiError`` 402."""
    if method["_is_spent"]:
        raise invalid("The provided PaymentMethod was previously used. It may not be used again.", "payment_method")
    method["_is_spent"] = True
    intent.update(payment_method=method["id"], last_payment_error=None, next_action=None)
    behaviour = method["_behaviour"]
    if method["type"] == "us_bank_account":
        return _debit(fake, intent, method)
    if behaviour == "authenticate":
        url = f"{fake.origin}/3ds/{intent['id']}"
        intent["status"] = "requires_action"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"url": url, "return_url": intent["_return_url"]},
        }
        fake.emit(intent, "payment_intent.requires_action")
        return intent
    if behaviour == "odd":
        intent["status"] = "a_status_of_next_year"
        return intent
    if behaviour in charges.DECLINES:
        code, message = charges.DECLINES[behaviour]
        charges.make(fake, intent, method, "failed", (code, message))
        fail(fake, intent, method, code, message, decline_code=behaviour if code == "card_declined" else None)
        error = dict(intent["last_payment_error"]) | {"payment_intent": shown(intent)}
        raise ApiError(402, **error)
    take(fake, intent, method)
    return intent


def take(fake: Fake, intent: Object, method: Object) -> None:
    charges.make(fake, intent, method, "succeeded")
    succeed(fake, intent)


def succeed(fake: Fake, intent: Object) -> None:
    received = fake.object(intent["latest_charge"])["amount_captured"]
    intent.update(status="succeeded", amount_received=received, next_action=None, processing=None)
    fake.emit(intent, "payment_intent.succeeded")


def fail(fake: Fake, intent: Object, method: Object, code: str, message: str, **rest: object) -> None:
    intent.update(status="requires_payment_method", payment_method=None, next_action=None, processing=None)
    intent["last_payment_error"] = {
        "type": "card_error" if method["type"] == "card" else "invalid_request_error",
        "code": code,
        "message": message,
        "charge": intent["latest_charge"],
        "payment_method": shown(method),
        **rest,
    }
    fake.emit(intent, "payment_intent.payment_failed")


def _debit(fake: Fake, intent: Object, method: Object) -> Object:
    charge = charges.make(fake, intent, method, "pending")
    intent["status"] = "processing"
    intent["processing"] = {"type": "us_bank_account"}
    if method["_behaviour"] != "never":
        fake.later(SETTLE, settle, charge["id"])
    fake.emit(intent, "payment_intent.processing")
    return intent


@job
def settle(fake: Fake, id: str) -> None:
    """The bank's answer to a debit."""
    charge = fake.object(id)
    intent, method = fake.object(charge["payment_intent"]), fake.object(charge["payment_method"])
    if intent["status"] != "processing":
        return
    reason = charge["_behaviour"]
    if reason in charges.RETURNS:
        charge.update(status="failed", failure_code=reason, failure_message=charges.RETURNS[reason])
        fake.emit(charge, "charge.failed")
        fail(fake, intent, method, reason, charges.RETURNS[reason])
    else:
        charge.update(status="succeeded", paid=True, captured=True, amount_captured=charge["amount"])
        fake.emit(charge, "charge.succeeded")
        succeed(fake, intent)
        charges.book(fake, id)
    if session := intent["_session"]:
        from portal_stripe.fake.checkout import settled

        settled(fake, session)


@route("GET", "/payment_intents/<id>", "client_secret")
def retrieve(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    return fake.find(scope, "payment_intent", id)


@route("POST", "/payment_intents/<id>", "metadata description receipt_email")
def update(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    intent = fake.find(scope, "payment_intent", id)
    intent["metadata"] |= pick(params, "metadata", dict, {})
    intent.update({name: params[name] for name in ("description", "receipt_email") if name in params})
    return intent


@route("POST", "/payment_intents/<id>/cancel", "cancellation_reason")
def cancel(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    intent = fake.find(scope, "payment_intent", id)
    if intent["status"] not in OPEN:
        raise unexpected(intent, f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.")
    if intent["_session"] and fake.object(intent["_session"])["status"] == "open":
        raise unexpected(
            intent, "You cannot cancel this PaymentIntent: it was created by a Checkout Session. Expire that."
        )
    void(fake, intent, params.get("cancellation_reason"))
    return intent


def void(fake: Fake, intent: Object, reason: str | None) -> None:
    intent.update(status="canceled", canceled_at=fake.now, cancellation_reason=reason, next_action=None)
    fake.emit(intent, "payment_intent.canceled")


@route("GET", "/payment_intents", f"{LISTING} customer")
def list_intents(fake: Fake, scope: Scope, params: Params) -> Object:
    return listed(fake, params, "/v1/payment_intents", fake.all("payment_intent", scope))
