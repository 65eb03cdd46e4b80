"""Share with portal: the one panel in which people are ticked, for documents and events alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from portal_app.domain import documents, people, sharing
from portal_app.domain import invitations as ways_in
from portal_app.domain.invitations import Standing
from portal_app.domain.matters import Matter
from portal_app.domain.people import PortalUser
from portal_app.domain.sharing import Share
from portal_app.firm.listing import words_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody with whom the item is, or can be, shared."""

    who: PortalUser
    standing: Standing
    share: Share | None
    is_ticked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The open panel: ``item_id`` marks the row, ``base`` is the item's address, ``home`` the list's."""

    item_id: int
    title: str
    base: str
    home: str
    candidates: list[Candidate]
    words: str
    problem: str


def read_choice() -> list[PortalUser] | None:
    """Whom the form ticks; nobody for "Un-share from all"; ``None`` when it only looks for somebody else.

    Raises:
        Refused: somebody is not known.
    """
    if "find" in request.form:
        return None
    return [] if "stop" in request.form else sharing.chosen(_ticked())


def _ticked() -> set[int]:
    typed = request.form.getlist("people")
    return {int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0 for text in typed}


def open_panel(
    matter: Matter, shares: Sequence[Share], *, item_id: int, title: str, base: str, home: str, problem: str = ""
) -> Panel:
    """The matter's people, whoever has the item, and whom the search found; ticked as typed, or as shared."""
    words = words_of()
    held = {share.portal_user_id: share for share in shares}
    ticked = _ticked() if request.method == "POST" else set(held)
    rows = [*(share.portal_user for share in shares), *documents.people_of(matter)]
    if words:
        rows += people.search_portal_users(words)
    rows += sharing.known(ticked - {who.id for who in rows})
    listed = sorted({who.id: who for who in rows}.values(), key=lambda who: (who.name, who.id))
    invitations = ways_in.last_invitations(listed)
    candidates = [
        Candidate(
            who=who,
            standing=ways_in.standing_of(who, invitations.get(who.id)),
            share=held.get(who.id),
            is_ticked=who.id in ticked,
        )
        for who in listed
    ]
    return Panel(
        item_id=item_id, title=title, base=base, home=home, candidates=candidates, words=words, problem=problem
    )


def sentence(who: Sequence[PortalUser], title: str) -> str:
    """What happened, for the message above the page."""
    if not who:
        return f"{title} is with the firm only."
    return f"{title} is shared with {' and '.join(sorted(one.name for one in who))}."
