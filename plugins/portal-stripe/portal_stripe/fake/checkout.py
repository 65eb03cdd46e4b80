"""Checkout sessions: a page of Stripe's own that takes the payment; its intent exists only once somebody pays."""

from __future__ import annotations

from portal_stripe.fake import charges, intents
from portal_stripe.fake.core import DAY, ApiError, Fake, Object, Params, Scope, job
from portal_stripe.fake.wire import LISTING, invalid, listed, pick, route, whole

_CREATE = "mode line_items success_url cancel_url client_reference_id payment_intent_data metadata \
allowed_payment_method_types \
customer_email expires_at ui_mode locale payment_method_options submit_type customer billing_address_collection"


@route("POST", "/checkout/sessions", _CREATE)
def create(fake: Fake, scope: Scope, params: Params) -> Object:
    if params.get("mode") != "payment":
        raise invalid("Invalid mode: must be one of payment", "mode")
    if not params.get("success_url", "").startswith("http"):
        raise invalid("Not a valid URL", "success_url", "url_invalid")
    amount, currency = _total(params, fake.least_minor)
    expires_at = whole(params, "expires_at", fake.now + DAY)
    if not fake.now + 30 * 60 - 5 <= expires_at <= fake.now + DAY:
        raise invalid("The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", "expires_at")
    data = pick(params, "payment_intent_data", dict, {})
    session = fake.add(
        scope,
        "checkout.session",
        "cs_live" if scope.livemode else "cs_test",
        amount_subtotal=amount,
        amount_total=amount,
        cancel_url=params.get("cancel_url"),
        client_reference_id=params.get("client_reference_id"),
        currency=currency,
        customer_details=None,
        customer_email=params.get("customer_email"),
        expires_at=expires_at,
        metadata=pick(params, "metadata", dict, {}),
        mode="payment",
        payment_intent=None,
        payment_method_types=pick(params, "allowed_payment_method_types", list) or ["card", "us_bank_account"],
        payment_status="unpaid",
        status="open",
        success_url=params["success_url"],
        ui_mode="hosted_page",
        url="",
        _intent={"metadata": data.get("metadata", {}), "description": data.get("description")},
    )
    session["url"] = f"{fake.origin}/pay/{session['id']}"
    fake.later(expires_at - fake.now, lapse, session["id"])
    return session


def _total(params: Params, least: int) -> tuple[int, str]:
    items = pick(params, "line_items", list, [])
    if not items:
        raise invalid("Missing required param: line_items.", "line_items", "parameter_missing")
    prices = [pick(each, "price_data", dict, {}) for each in items]
    for price in prices:
        if not price.get("product_data", {}).get("name"):
            raise invalid("Missing required param: line_items[0][price_data][product_data][name].", "line_items")
    amount = sum(whole(p, "unit_amount") * whole(each, "quantity") for p, each in zip(prices, items, strict=True))
    if amount < least:
        raise invalid(
            "The Checkout Session's total amount due must be at least $0.50.", "line_items", "amount_too_small"
        )
    return amount, prices[0].get("currency", "").lower()


def pay(fake: Fake, session: Object, method: Object) -> Object:
    """Somebody presses Pay on the page. Returns the intent. Raises ``ApiError`` 402 when the card is declined."""
    if session["status"] != "open":
        raise ApiError(400, "This Checkout Session is no longer active.")
    scope = fake.scope_of(session)
    if session["payment_intent"] is None:
        params = {
            "amount": session["amount_total"],
            "currency": session["currency"],
            **session["_intent"],
            "allowed_payment_method_types": session["payment_method_types"],
        }
        intent = intents.create(fake, scope, params)
        intent["_session"], session["payment_intent"] = session["id"], intent["id"]
    intent = fake.object(session["payment_intent"])
    intent["_return_url"] = session["success_url"]
    intents.pay(fake, intent, method)
    finish(fake, session)
    return intent


def finish(fake: Fake, session: Object) -> None:
    """Close the session when its intent took the money, or has sent for it."""
    intent = fake.object(session["payment_intent"])
    if session["status"] == "open" and intent["status"] in {"succeeded", "processing"}:
        is_paid = intent["status"] == "succeeded"
        session.update(status="complete", payment_status="paid" if is_paid else "unpaid", url=None)
        fake.emit(session, "checkout.session.completed")


def settled(fake: Fake, id: str) -> None:
    """A bank debit that was sent from the page was answered."""
    session = fake.object(id)
    is_paid = fake.object(session["payment_intent"])["status"] == "succeeded"
    session["payment_status"] = "paid" if is_paid else "unpaid"
    fake.emit(session, f"checkout.session.async_payment_{'succeeded' if is_paid else 'failed'}")


@job
def lapse(fake: Fake, id: str) -> None:
    """Nobody paid in time."""
    session = fake.object(id)
    if session["status"] == "open":
        session.update(status="expired", url=None)
        fake.emit(session, "checkout.session.expired")


@route("GET", "/checkout/sessions/<id>")
def retrieve(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    return fake.find(scope, "checkout.session", id)


@route("POST", "/checkout/sessions/<id>/expire")
def expire(fake: Fake, scope: Scope, params: Params, id: str) -> Object:
    session = fake.find(scope, "checkout.session", id)
    if session["status"] != "open":
        state = session["status"]
        raise ApiError(400, f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {state}.')
    lapse(fake, id)
    return session


@route("GET", "/checkout/sessions", f"{LISTING} payment_intent status customer")
def list_sessions(fake: Fake, scope: Scope, params: Params) -> Object:
    found = charges.of_intent(fake.all("checkout.session", scope), params)
    found = [each for each in found if params.get("status") in {None, each["status"]}]
    return listed(fake, params, "/v1/checkout/sessions", found)
