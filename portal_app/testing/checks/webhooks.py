"""Webhooks: only the gateway's own, each event under its own id, and never a proof of anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from portal_app.plugin_api import Capability, ChargeRequest, Delivery, Event, Outcome, OutcomeKind, Rejected, Subject
from portal_app.testing.bench import Bench, demand, fail
from portal_app.testing.wire import Says

STALE = dt.timedelta(hours=1)
NOISE = (b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"id": 5}', b"\xff\xfe", b"a=b&c=d", b"[" * 20_000)


class WebhookChecks(Bench):
    """What is posted to the gateway's webhook address."""

    def _told(self) -> tuple[ChargeRequest, Outcome, list[Delivery]]:
        """A charge and what the gateway posted about it."""
        self.needs(Capability.WEBHOOK)
        request, outcome = self.paid()
        found = list(self.wire.deliveries())
        demand(found, "the wire has charged and posted nothing")
        return request, outcome, found

    def _parse(self, delivery: Delivery, settings: Mapping[str, str] | None = None) -> list[Event] | Rejected:
        ctx = replace(self.ctx(settings), now=delivery.received_at)
        answer = self.call("gateway_webhook", ctx, delivery=delivery)
        is_fit = isinstance(answer, Rejected) or (
            isinstance(answer, list) and all(isinstance(event, Event) for event in answer)
        )
        demand(is_fit, f"gateway_webhook returned {answer!r}")
        return answer

    def _events(self, delivery: Delivery) -> list[Event]:
        answer = self._parse(delivery)
        demand(not isinstance(answer, Rejected), f"a good delivery was rejected: {answer}")
        return list(answer) if isinstance(answer, list) else []

    def _rejects(self, delivery: Delivery, what: str) -> None:
        try:
            answer: Any = self._parse(delivery)
        except Exception as problem:
            fail(f"{what}: it raised {problem!r} instead of returning Rejected")
        demand(isinstance(answer, Rejected), f"{what}: it was accepted, as {answer}")

    def _signed(self) -> None:
        if not self.has("sign"):
            pytest.skip("the gateway does not sign its webhooks: the host asks again whatever they say")

    def test_a_good_delivery_names_its_charge(self) -> None:
        """An event about a charge names the charge's own id at the gateway, or our reference, so that it is found."""
        request, outcome, deliveries = self._told()
        events = [event for delivery in deliveries for event in self._events(delivery)]
        about = [event for event in events if event.subject is Subject.CHARGE]
        by_us = [event for event in about if event.reference == request.reference]
        by_them = [event for event in about if event.gateway_reference == outcome.gateway_reference]
        demand(by_us or by_them, f"none names {outcome.gateway_reference}: {about}")

    def test_an_events_id_is_the_events_own(self) -> None:
        """The event's id is not the transaction's, and the transaction's is not the event's: two charges, two events,
        and each id that an event names is one that the gateway knows."""
        self._told()
        self.charge()
        known = {row.gateway_reference for row in self.wire.charges()}
        seen: set[str] = set()
        for delivery in self.wire.deliveries():
            for event in self._events(delivery):
                demand(event.id, "an event has no id")
                demand(event.id not in known, "the event's id is the transaction's: a later event would be dropped")
                demand(event.id not in seen, f"two deliveries have the event id {event.id}")
                seen.add(event.id)
                if event.subject is Subject.CHARGE and event.gateway_reference:
                    demand(event.gateway_reference in known, f"the gateway knows no charge {event.gateway_reference}")

    def test_the_same_delivery_twice_is_the_same_event(self) -> None:
        """Delivered again, it has the same id: the host keeps it once."""
        _, _, deliveries = self._told()
        for delivery in deliveries:
            first, later = self._events(delivery), self._events(replace(delivery))
            demand([e.id for e in first] == [e.id for e in later], "its id is another each time")

    def test_the_order_of_deliveries_does_not_matter(self) -> None:
        """Deliveries in another order are the same events: nothing is remembered from one to the next."""
        _, _, deliveries = self._told()
        self.charge()
        deliveries = list(self.wire.deliveries())
        forward = [event.id for delivery in deliveries for event in self._events(delivery)]
        self.restart()
        backward = [event.id for delivery in reversed(deliveries) for event in reversed(self._events(delivery))]
        demand(forward == list(reversed(backward)), "in another order they are other events")

    def test_a_forged_delivery_is_rejected(self) -> None:
        """Signed with another secret, or not at all: rejected."""
        self._signed()
        _, _, deliveries = self._told()
        for delivery in deliveries:
            at = delivery.received_at
            forged = dict(delivery.headers) | dict(self.wire.sign(delivery.body, at, is_forged=True))
            self._rejects(replace(delivery, headers=_lower(forged)), "signed with another secret")
            names = {name.lower() for name in self.wire.sign(delivery.body, at)}
            bare = {name: value for name, value in delivery.headers.items() if name.lower() not in names}
            self._rejects(replace(delivery, headers=bare), "not signed")
            empty = {name: "" if name.lower() in names else value for name, value in delivery.headers.items()}
            self._rejects(replace(delivery, headers=empty), "with an empty signature")

    def test_an_altered_delivery_is_rejected(self) -> None:
        """One byte of the body is another: rejected, also when the JSON means the same (the raw bytes are signed)."""
        self._signed()
        _, _, deliveries = self._told()
        delivery = deliveries[0]
        self._rejects(replace(delivery, body=delivery.body + b" "), "with a space more")
        self._rejects(replace(delivery, body=delivery.body.replace(b"1", b"2")), "with other digits")

    def test_a_stale_delivery_is_rejected(self) -> None:
        """A good signature from an hour ago, or from an hour ahead, is not good any more."""
        self._signed()
        _, _, deliveries = self._told()
        for shift in (STALE, -STALE):
            late = replace(deliveries[0], received_at=deliveries[0].received_at + shift)
            self._rejects(late, f"signed {abs(shift)} {'before' if shift > dt.timedelta(0) else 'after'} it came")

    def test_a_delivery_with_a_new_date_on_an_old_signature_is_rejected(self) -> None:
        """The date is signed too: fresh headers of another body do not make an old delivery good."""
        self._signed()
        _, _, deliveries = self._told()
        at = deliveries[0].received_at
        other = self.wire.sign(b'{"another": "body"}', at)
        self._rejects(replace(deliveries[0], headers=_lower({**deliveries[0].headers, **other})), "another's signature")

    def test_another_accounts_delivery_is_rejected(self) -> None:
        """A delivery for one account is not accepted by another account of the same plugin."""
        self._signed()
        _, _, deliveries = self._told()
        other = {
            item.name: f"{value}x" if item.kind == "secret" else value
            for item in self.manifest.settings
            if (value := self.wire.settings().get(item.name, item.default))
        }
        answer = self._parse(deliveries[0], other)
        demand(isinstance(answer, Rejected), "another account's delivery was accepted")

    def test_noise_is_rejected_without_an_exception(self) -> None:
        """Bodies that are no event, signed or not, are rejected (or hold no event), and raise nothing."""
        self.needs(Capability.WEBHOOK)
        at = self.wire.now()
        for body in NOISE:
            headers: Mapping[str, str] = self.wire.sign(body, at) if self.has("sign") else {}
            delivery = Delivery(body=body, headers=_lower(headers), received_at=at)
            try:
                answer = self._parse(delivery)
            except Exception as problem:
                fail(f"{body[:20]!r}: it raised {problem!r} instead of returning Rejected")
            demand(isinstance(answer, Rejected) or not answer, f"{body[:20]!r} became {answer}")

    def test_reading_a_delivery_asks_nobody(self) -> None:
        """Verify and parse only: the network is for the look-up that follows."""
        _, _, deliveries = self._told()
        count = len(self.line.sent)
        for delivery in deliveries:
            self._parse(delivery)
        demand(len(self.line.sent) == count, "gateway_webhook used the network")

    def test_what_an_event_names_is_looked_up_as_it_is(self) -> None:
        """The road of the host: event, then look-up by what it names. It says what the gateway's books say."""
        request, outcome, deliveries = self._told()
        for delivery in deliveries:
            for event in self._events(delivery):
                if event.subject is Subject.CHARGE and event.gateway_reference == outcome.gateway_reference:
                    found = self.look(request, replace(outcome, gateway_reference=event.gateway_reference))
                    demand(found.kind is OutcomeKind.SUCCEEDED, f"its event came, and it is “{found.kind}”")
                    self.demand_true(found, request)

    def test_an_event_of_a_decline_is_no_success(self) -> None:
        """Events about what was declined lead to no success."""
        self.needs(Capability.WEBHOOK)
        request, outcome = self.charge(Says.DECLINED)
        for delivery in self.wire.deliveries():
            for event in self._events(delivery):
                named = replace(outcome, gateway_reference=event.gateway_reference)
                found = self.look(request, named)
                demand(found.kind is not OutcomeKind.SUCCEEDED, "a decline became a success by its event")

    def test_events_keep_no_secret(self) -> None:
        """What is kept of an event holds no secret."""
        _, _, deliveries = self._told()
        for delivery in deliveries:
            kept = "".join(repr(event) for event in self._events(delivery))
            for secret in self.secrets():
                demand(secret not in kept, "an event holds a secret")


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
