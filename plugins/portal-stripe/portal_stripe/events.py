"""Webhooks: believed only with a signature of ours on the very bytes, and fresh; read as a reason to ask."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any

from portal_app.plugin_api import Context, Delivery, Event, Mode, Rejected, Subject
from portal_stripe.reading import REFERENCE, id_of, inner, text

TOLERANCE = dt.timedelta(seconds=300)


def read(ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
    """The one event of a delivery, or why it is not believed."""
    if reason := _distrust(ctx, delivery):
        return Rejected(reason=reason)
    try:
        told = json.loads(delivery.body)
    except (ValueError, RecursionError):
        return Rejected(reason="the body is no JSON")
    if not isinstance(told, dict) or told.get("object") != "event" or not text(told, "id"):
        return Rejected(reason="the body is no event")
    if told.get("livemode") is not (ctx.mode is Mode.LIVE):
        return Rejected(reason="the event is of the other mode")
    return [_event(told, inner(inner(told, "data"), "object"))]


def _distrust(ctx: Context, delivery: Delivery) -> str:
    """Why the signature proves nothing; empty when it does."""
    import stripe

    header = delivery.headers.get("stripe-signature", "")
    secrets = f"{ctx.settings.get('webhook_secret', '')} {ctx.settings.get('webhook_secret_before', '')}".split()
    if not secrets:
        return "no signing secret is set"
    if not any(_is_signed(stripe, delivery.body, header, secret) for secret in secrets):
        return "the signature is not ours"
    at = re.search(r"(?:^|,)t=(\d{1,12})(?:,|$)", header)
    moment = dt.datetime.fromtimestamp(int(at[1]), dt.UTC) if at else None
    return "" if moment and abs(delivery.received_at - moment) <= TOLERANCE else "the signature is too old"


def _is_signed(stripe: Any, body: bytes, header: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False


def _event(told: Mapping[str, Any], thing: Mapping[str, Any]) -> Event:
    subject, reference, id = _about(thing)
    return Event(
        id=told["id"], kind=text(told, "type"), subject=subject, reference=reference, gateway_reference=id,
        merchant_account=text(told, "account"), payload={"object": text(thing, "object"), "id": text(thing, "id")},
    )  # fmt: skip


def _about(thing: Mapping[str, Any]) -> tuple[Subject, str, str]:
    """What to ask about: a refund of ours by itself, everything else of a payment by its payment intent."""
    kind, reference = text(thing, "object"), text(inner(thing, "metadata"), REFERENCE)
    if kind == "refund" and reference:
        return Subject.REFUND, reference, text(thing, "id")
    if kind in {"refund", "dispute"}:  # made at Stripe: its metadata say nothing of the charge
        return Subject.CHARGE, "", id_of(thing, "payment_intent") or id_of(thing, "charge")
    if kind == "charge":
        return Subject.CHARGE, reference, id_of(thing, "payment_intent") or text(thing, "id")
    if kind in {"payment_intent", "checkout.session"}:
        return Subject.CHARGE, reference or text(thing, "client_reference_id"), text(thing, "id")
    return Subject.CHARGE, "", ""
