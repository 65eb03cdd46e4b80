"""``/v1/recurring/charges`` and their occurrences."""

from __future__ import annotations

from flask import Response, request

from portal_emulator import listing, recurring
from portal_emulator.door import answer, body, client_ip, interface, lagging, world

routes = interface("recurring")

CHARGE = "/recurring/charges/<identity>"
OCCURRENCE = CHARGE + "/occurrences/<occurrence_id>"


@routes.post("/recurring/charges")
def create_recurring() -> Response:
    return answer(recurring.shown_new(world(), recurring.create(world(), body())))


@routes.get("/recurring/charges")
def list_recurring() -> Response:
    found = [recurring.shown(world(), r) for r in lagging(world().store.all("recurring"))]
    found = listing.equal(found, request.args, "account_id", "status", "reference")
    return answer(listing.page_of(listing.ordered(found, request.args), request.args))


@routes.get(CHARGE)
def single_recurring(identity: str) -> Response:
    return answer(recurring.shown(world(), recurring.get(world(), identity)))


@routes.route(CHARGE, methods=["PUT", "PATCH"])
def change_recurring(identity: str) -> Response:
    return answer(recurring.shown(world(), recurring.update(world(), identity, body())))


@routes.delete(CHARGE)
def delete_recurring(identity: str) -> Response:
    return answer(recurring.shown(world(), recurring.delete(world(), identity)))


@routes.post(CHARGE + "/cancel")
def cancel_recurring(identity: str) -> Response:
    return answer(recurring.shown(world(), recurring.cancel(world(), identity)))


@routes.get(CHARGE + "/occurrences")
def list_occurrences(identity: str) -> Response:
    """The one that is due last comes first."""
    own = recurring.occurrences_of(world(), recurring.get(world(), identity)["id"])
    found = [recurring.occurrence_shown(world(), o) for o in lagging(own)]
    return answer(listing.page_of(listing.ordered(found, request.args, "-due_date"), request.args))


@routes.get(OCCURRENCE)
def single_occurrence(identity: str, occurrence_id: str) -> Response:
    found = recurring.occurrence(world(), identity, occurrence_id)
    return answer(recurring.occurrence_shown(world(), found))


@routes.post(OCCURRENCE + "/pay")
def pay_occurrence(identity: str, occurrence_id: str) -> Response:
    paid = recurring.pay(world(), identity, occurrence_id, client_ip=client_ip())
    return answer(recurring.occurrence_shown(world(), paid))


@routes.post(OCCURRENCE + "/ignore")
def ignore_occurrence(identity: str, occurrence_id: str) -> Response:
    ignored = recurring.ignore(world(), identity, occurrence_id)
    return answer(recurring.occurrence_shown(world(), ignored))
