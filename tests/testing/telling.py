"""Planted mistakes in webhooks."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace

from portal_app.plugin_api import (
    Context,
    Delivery,
    Event,
    Health,
    Rejected,
    hookimpl,
)
from portal_app.testing.skeleton.portal_example import answers
from portal_app.testing.skeleton.portal_example.gateway import Example, _is_signed
from tests.testing.planted import planted


def parsed(delivery: Delivery) -> list[Event] | Rejected:
    try:
        return answers.event(json.loads(delivery.body))
    except (ValueError, RecursionError):
        return Rejected(reason="no JSON")


class Hearing(Example):
    """The good gateway, whose events a mistake changes."""

    def heard(self, event: Event) -> Event:
        return event

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        found = super().gateway_webhook(ctx, delivery)
        return found if isinstance(found, Rejected) else [self.heard(event) for event in found]


@planted(
    "test_a_forged_delivery_is_rejected",
    "test_an_altered_delivery_is_rejected",
    "test_a_forged_webhook_changes_nothing",
)
class NobodySigned(Example):
    """Webhooks are believed without looking at the signature."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        return parsed(delivery)


@planted("test_a_forged_delivery_is_rejected")
class SignedIfSigned(Example):
    """The signature is verified when there is one."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        if delivery.headers.get("x-example-signature"):
            return super().gateway_webhook(ctx, delivery)
        return parsed(delivery)


@planted("test_an_altered_delivery_is_rejected")
class SignedAfterParsing(Example):
    """The signature is verified on the JSON written again, not on the bytes that came."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        try:
            body = json.dumps(json.loads(delivery.body)).encode()
        except (ValueError, RecursionError):
            return Rejected(reason="no JSON")
        return super().gateway_webhook(ctx, replace(delivery, body=body))


@planted("test_a_stale_delivery_is_rejected")
class SignedForEver(Example):
    """A signature is good for ever: whoever has one delivery can send it again."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        at = int(delivery.headers.get("x-example-signature", "t=0,").partition(",")[0].removeprefix("t=") or 0)
        moment = delivery.received_at.fromtimestamp(at, delivery.received_at.tzinfo)
        return super().gateway_webhook(ctx, replace(delivery, received_at=moment))


@planted("test_another_accounts_delivery_is_rejected")
class AnySecretWillDo(Example):
    """Secrets of all accounts that were ever seen are tried."""

    def __init__(self) -> None:
        self.seen = {"whsec_wire_9012"}

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        for secret in (ctx.settings["webhook_secret"], *self.seen):
            if _is_signed(secret, delivery):
                return parsed(delivery)
        return Rejected(reason="no secret fits")


@planted(
    "test_a_good_delivery_names_its_charge",
    "test_an_events_id_is_the_events_own",
    "test_a_webhook_alone_settles_a_lost_answer",
)
class EnvelopeIsTheTransaction(Hearing):
    """The envelope's id is read as the transaction's."""

    def heard(self, event: Event) -> Event:
        return replace(event, gateway_reference=event.id, reference="")


@planted("test_an_events_id_is_the_events_own")
class TransactionIsTheEvent(Hearing):
    """The event is known by its transaction's id: the second event about it is dropped."""

    def heard(self, event: Event) -> Event:
        return replace(event, id=event.gateway_reference)


@planted("test_the_same_delivery_twice_is_the_same_event")
class EachDeliveryIsNew(Hearing):
    """Each delivery gets an id of its own, so that a repeated one is acted on again."""

    def heard(self, event: Event) -> Event:
        return replace(event, id=secrets.token_hex(8))


@planted("test_the_same_delivery_twice_is_the_same_event", "test_nothing_is_remembered_between_calls")
class RemembersDeliveries(Example):
    """What came once is not parsed again: after a lost answer the event is gone."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        self.seen.append(b"health")
        return super().gateway_health(ctx)

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        found = super().gateway_webhook(ctx, delivery)
        if delivery.body in self.seen:
            return []
        self.seen.append(delivery.body)
        return found


@planted("test_noise_is_rejected_without_an_exception")
class NoiseRaises(Example):
    """Whatever is no event is an exception, and the gateway sends it again for days."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        if not _is_signed(ctx.settings["webhook_secret"], delivery):
            return Rejected(reason="not signed")
        told = json.loads(delivery.body)
        return [Event(id=told["id"], kind=told["type"], gateway_reference=told["data"]["id"])]


@planted("test_reading_a_delivery_asks_nobody")
class AsksWhileItReads(Example):
    """The webhook hook calls the gateway: a flood of webhooks is a flood of calls."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        super().gateway_health(ctx)
        return super().gateway_webhook(ctx, delivery)
