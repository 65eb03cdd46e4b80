"""Webhooks: verified and stored at once, looked into later. An event is a reason to ask, never a proof."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from portal_app import clock, plugins
from portal_app.db import transaction
from portal_app.domain import audit, firms, outbox, payments
from portal_app.domain.payments import Attempt, Gateway, GatewayEvent, Refund
from portal_app.gateway_answers import evidence, few, needed, text
from portal_app.gateway_setup import context
from portal_app.gateways.asking import look, redactor
from portal_app.gateways.refunding import look_at_refund
from portal_app.plugin_api import Delivery, Event, Rejected, Subject

log = logging.getLogger(__name__)

AGAIN_SECONDS = (60, 600, 3600, 6 * 3600)  # an event can come before the answer that names its charge


class NotOurs(ValueError):
    """A delivery that the gateway did not make, or that is not understood."""


def hear(gateway: Gateway, body: bytes, headers: Mapping[str, str]) -> int:
    """Verify a delivery, keep its events, and promise to look into them. Returns how many were new.

    Raises:
        NotOurs: the plugin rejects it, or cannot read it.
    """
    delivery = Delivery(body=body, headers=headers, received_at=clock.aware())
    try:
        answer = plugins.registry().call(gateway.plugin, "gateway_webhook", ctx=context(gateway), delivery=delivery)
        if isinstance(answer, Rejected):
            raise NotOurs(answer.reason)
        events = [_checked(gateway, event) for event in few(answer)]
    except NotOurs:
        raise
    except Exception as problem:
        log.exception("gateway %s, webhook", gateway.code)
        raise NotOurs(f"it cannot be read: {type(problem).__name__}") from problem
    return sum(payments.store_event(gateway, event) for event in events)


def _checked(gateway: Gateway, event: object) -> Event:
    if not isinstance(event, Event) or not isinstance(event.subject, Subject):
        raise TypeError("an event was expected")
    return Event(
        id=needed("id", event.id), kind=text("kind", event.kind), subject=event.subject,
        reference=text("reference", event.reference),
        gateway_reference=text("gateway_reference", event.gateway_reference),
        merchant_account=text("merchant_account", event.merchant_account),
        payload=evidence(event.payload, redactor(gateway)),
    )  # fmt: skip


def look_into(event_id: int) -> None:
    """What an event is about is asked of the gateway and settled. One that nobody knows yet is tried again, then shown
    to staff. Runs from the outbox, as often as it takes."""
    event: GatewayEvent = (
        GatewayEvent.select(GatewayEvent, Gateway).join(Gateway).where(GatewayEvent.id == event_id).get()
    )
    if event.processed_at is not None:
        return
    if not event.reference and not event.gateway_reference:
        payments.note_result(event, "about nothing that the portal follows", is_done=True, is_about_us=False)
        return
    with audit.working(f"webhook {event.event_id}"):
        _look_into(event)


def _look_into(event: GatewayEvent) -> None:
    known = payments.whose(event.gateway, Subject(event.subject), event.reference, event.gateway_reference)
    if known is None:
        _nobody_knows(event)
        return
    said = look_at(known)
    payments.note_result(event, said, is_done=True)


def look_at(known: Attempt | Refund, listed_as: str = "") -> str:
    """Ask about an attempt or a refund, however it stands; says how it stands then. ``listed_as``: what the gateway's
    own list calls it, for one whose answer never came."""
    if isinstance(known, Refund):
        return f"refund {known.id}: {look_at_refund(known, listed_as).state}"
    payment = look(known.payment, known, listed_as=listed_as)
    return f"payment {payment.id}: {payment.state}"


def _nobody_knows(event: GatewayEvent) -> None:
    if event.tries < len(AGAIN_SECONDS):
        with transaction():
            outbox.put("gateway_event", event.id, delay_seconds=AGAIN_SECONDS[event.tries])
            payments.note_result(event, "not known here yet", is_done=False)
        return
    name = event.reference or event.gateway_reference
    detail = f"{event.kind}: {name}, received on {firms.day(event.received_at)}."
    with transaction():
        source = f"event:{event.gateway_id}:{event.gateway_reference or event.reference}"
        payments.ask("unknown_event", source, detail, gateway=event.gateway)
        payments.note_result(event, "not known here", is_done=True)
