"""A matter's people: who receives its invoices, with whom something is shared, who at the firm may open it."""

from __future__ import annotations

from collections import Counter

from flask import Response

from portal_app.domain import matters, sharing
from portal_app.domain.calendar import EventShare
from portal_app.domain.documents import DocumentShare
from portal_app.domain.people import active_firm_users
from portal_app.firm.blueprint import blueprint
from portal_app.firm.recipients import recipients_context
from portal_app.web.fragments import render
from portal_app.web.login import firm_only, firm_user


@blueprint.get("/matters/<int:matter_id>/people")
@firm_only("firm.read")
def matter_people(matter_id: int) -> Response:
    matter = matters.find(firm_user(), matter_id)
    documents, events = (sharing.on_matter(model, matter) for model in (DocumentShare, EventShare))
    holders = {row.portal_user_id: row.portal_user for row in [*documents, *events]}
    return render(
        "firm/matters/people.html", matter=matter, tab="people", **recipients_context(matter),
        holders=sorted(holders.values(), key=lambda who: who.name),
        documents=Counter(row.portal_user_id for row in documents),
        events=Counter(row.portal_user_id for row in events),
        unseen=Counter(row.portal_user_id for row in [*documents, *events] if row.first_seen_at is None),
        staff=_staff(matter),
    )  # fmt: skip


def _staff(matter: matters.Matter) -> list[object]:
    """Who at the firm may open the matter, by name."""
    everybody = active_firm_users()
    if not matter.is_restricted:
        return [*everybody]
    named = {who.id for who in matters.staff_of(matter)} | {matter.responsible_attorney_id}
    return [who for who in everybody if who.id in named or who.has_role("administrator")]
