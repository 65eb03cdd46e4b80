"""Brief letters: a firm that does not trust e-mail sends no amount and no name with it, only that there is news."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app.domain import (
    audit,
    deposits,
    devices,
    documents,
    firms,
    invitations,
    matters,
    pay_links,
    payments,
    people,
)
from portal_app.domain.calendar import EventShare
from portal_app.domain.deposits import DepositShare
from portal_app.domain.documents import DocumentShare
from portal_app.domain.mail import Email
from portal_app.domain.payments import Dispute
from portal_app.domain.people import PortalUser
from portal_app.domain.sharing import Share
from portal_app.plugin_api import DisputeState, Outcome, OutcomeKind
from portal_app.web import brief, letters
from tests import trust as trusts
from tests.deposits import ask, open_trust
from tests.domain.test_payments import pay
from tests.firm.test_settings import typed
from tests.refunds import dispute, look
from tests.world import World, today

FOLDER = Path(__file__).parents[2] / "templates" / "email"
KINDS = {path.stem for path in FOLDER.glob("*.txt") if path.stem not in {"_open", "_payment", "layout", "brief"}}
AMOUNT = re.compile(r"[$€£]|\d[.,]\d\d\b")


def said_in(row: Email) -> str:
    """All that a reader sees: subject, text and page, without addresses."""
    page = re.sub(r"<style>.*?</style>", "", row.html, flags=re.DOTALL)
    return re.sub(r"https?://\S+", "", f"{row.subject}\n{row.text}\n{page}").replace("’", "'")


def check(world: World, row: Email) -> None:
    """The letter says no amount, no matter, no document, nor who else it is about; it leads to where that is read."""
    said = said_in(row)
    assert not AMOUNT.search(said)
    things = [world.matter.name, world.matter.number, world.document.name, world.event.title, world.invoice.number]
    others = {who.name for who in (world.carol, world.alice, world.bob, world.frank, world.client)} - {row.to_name}
    assert [secret for secret in [*things, *others] if secret in said] == []
    assert "http://localhost/" in row.text
    assert brief.WORDS[row.kind][1].split(".")[0] in " ".join(row.text.split())


# How each kind of letter comes about.

Story = Callable[[World], None]


def share_of(model: type[Share], who: PortalUser, item: Any) -> int:
    return int(model.get((model.portal_user == who.id) & (model.item == item)).id)


def fresh_link(world: World) -> None:
    letters.pay_link(pay_links.renew(world.invoice, world.alice, by=world.carol).id)


def staff(world: World) -> None:
    who = people.add_firm_user(email="gail@example.com", name="Gail Moss", roles=["biller"], time_zone="UTC")
    letters.invitation(invitations.invite(who, by=world.carol, days=14))


def limitation(world: World) -> None:
    matters.change(world.matter, limitations_on=today() + dt.timedelta(days=7))
    letters.limitations()


def new_device(world: World) -> None:
    letters.new_device(devices.note(world.alice, "a-token", "Firefox on Linux")[0].id)


def alert(world: World) -> None:
    row = audit.record("edit_firm_user", by=world.dan, subject=world.bob.name, after={"rate": "$310.00"})
    letters.audit_alert(row.id)


def found(world: World) -> None:
    letters.infected(documents.latest_versions([world.document])[world.document.id])


def asked(world: World) -> None:
    request = ask(world, open_trust(world), 70_000)
    deposits.share(request, [world.alice], by=world.carol)
    letters.deposit_shared(share_of(DepositShare, world.alice, request))


def paid(token: str, **later: Any) -> Story:
    """A payment whose first answer is ``token``'s; ``later`` the gateway says something else of it."""

    def happen(world: World) -> None:
        payment = pay(world, 10_000, token)
        if later:
            look(payment, **later)
        letters.payment_changed(payment.id)

    return happen


def refund(kind: OutcomeKind) -> Story:
    def happen(world: World) -> None:
        row = payments.start_refund(
            pay(world, 10_000), amount_cents=5_000, expected_left_cents=10_000, is_owed_again=False,
            reason="Asked for it", key="r1", by=world.carol,
        )  # fmt: skip
        payments.mark_refund_submitting(row)
        payments.settle_refund(row.id, Outcome(kind=kind))
        letters.refund_changed(row.id)

    return happen


def disputed(world: World) -> None:
    look(payment := pay(world, 10_000), disputes=dispute(DisputeState.OPEN, 10_000))
    look(payment, disputes=dispute(DisputeState.LOST, 10_000))
    letters.dispute_changed(Dispute.get().id)


def lowered(world: World) -> None:
    row = payments.adjust(
        world.invoice, kind="credit_note", amount_cents=500, reason="Too much", key="k", by=world.carol
    )
    letters.credit_note(row.id)


STORIES: dict[str, Story] = {
    "invitation": lambda world: letters.invitation(invitations.invite(world.frank, by=world.carol, days=14)),
    "invitation_staff": staff,
    "password_reset": lambda world: letters.password_reset(invitations.ask_reset(world.alice)),
    "sign_in_link": lambda world: letters.sign_in_for_portal_user(world.alice.id),
    "new_device": new_device,
    "way_changed": lambda world: letters.way_changed(world.alice, "Your password was changed."),
    "payment_page_changed": lambda _: letters.payment_page_changed(["A script was added."]),
    "audit_alert": alert,
    "infected": found,
    "limitation": limitation,
    "invoice_shared": lambda w: letters.document_shared(share_of(DocumentShare, w.alice, w.invoice.document)),
    "document_shared": lambda w: letters.document_shared(share_of(DocumentShare, w.alice, w.document)),
    "event_shared": lambda w: letters.event_shared(share_of(EventShare, w.alice, w.event)),
    "deposit_shared": asked,
    "pay_link": fresh_link,
    "payment_succeeded": paid("ok"),
    "payment_succeeded_firm": paid("ok"),
    "payment_pending": paid("pending"),
    "payment_refused": paid("pending", kind=OutcomeKind.DECLINED, message="Only $3.10 there."),
    "payment_returned": paid("ok", kind=OutcomeKind.RETURNED),
    "payment_returned_firm": paid("ok", kind=OutcomeKind.RETURNED),
    "payment_review_firm": paid("less"),
    "refund": refund(OutcomeKind.SUCCEEDED),
    "refund_failed_firm": refund(OutcomeKind.DECLINED),
    "dispute_firm": disputed,
    "dispute_lost": disputed,
    "credit_note": lowered,
    "trust_receipt": lambda world: letters.trust_received(trusts.deposit(world, 200_000), None),
    "trust_shortfall": lambda world: letters.trust_shortfall(trusts.shortfall(world).id),
}
# What a full letter tells: the amount, or at least what it is about.
WITHOUT_AMOUNT = {"infected", "limitation", "document_shared", "event_shared", "pay_link"}


def test_every_kind_of_letter_has_its_story() -> None:
    assert set(STORIES) == KINDS, "a new letter must be composed here in both modes"
    assert set(brief.WORDS) | brief.PLAIN == KINDS


@pytest.mark.parametrize("kind", sorted(STORIES))
@pytest.mark.parametrize("mode", ["full", "brief"])
def test_each_letter_is_composed_and_says_no_more_than_the_firm_wants(world: World, kind: str, mode: str) -> None:
    firms.change(letters=mode)
    STORIES[kind](world)
    rows = [row for row in Email.select() if row.kind == kind]
    assert rows
    for row in rows:
        assert "\n" not in row.subject
        assert "{{" not in said_in(row)
        if kind in brief.PLAIN:
            assert not AMOUNT.search(said_in(row))
        elif mode == "brief":
            check(world, row)
        else:
            is_said = world.matter.name in said_in(row) or row.kind in {"infected", "document_shared", "pay_link"}
            assert is_said if kind in WITHOUT_AMOUNT else AMOUNT.search(said_in(row)), said_in(row)


def test_every_letter_has_its_brief_words_or_needs_none() -> None:
    assert set(brief.WORDS) & brief.PLAIN == set()
    assert set(brief.WORDS) | brief.PLAIN >= KINDS
    assert [kind for kind, words in brief.WORDS.items() if AMOUNT.search("".join(words)) or "{" in "".join(words)] == []


@pytest.mark.parametrize("kind", sorted(KINDS & brief.PLAIN))
def test_a_letter_that_stays_whole_has_no_amount(kind: str) -> None:
    text = (FOLDER / f"{kind}.txt").read_text("utf-8")
    assert not re.search(r"\|money|matter\.|invoice\.|document\.|payment\.", text)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_words_on_a_link_name_nothing(kind: str) -> None:
    """Brief letters keep the links, and the line that names each."""
    lines = (FOLDER / f"{kind}.txt").read_text("utf-8").splitlines()
    for label, link in pairwise(lines):
        if link.startswith("{{ home }}"):
            assert "{{" not in label
    for words in re.findall(r"set words = (.*?) %}", "\n".join(lines)):
        assert "~" not in words
        assert "|money" not in words


def test_who_is_not_registered_yet_is_told_to_accept_first(world: World) -> None:
    firms.change(letters="brief")
    documents.share(world.document, [world.frank], by=world.carol)
    letters.document_shared(share_of(DocumentShare, world.frank, world.document))
    [row] = Email.select().where(Email.to_address == world.frank.email)
    check(world, row)
    assert "accept the invitation" in " ".join(row.text.split())


def test_the_firm_chooses(world: World, as_: Callable[[Any], FlaskClient]) -> None:
    browser = as_(world.carol)
    assert "Amounts and names in e-mails" in browser.get("/firm/settings").text
    assert browser.post("/firm/settings", data=typed(letters="brief")).status_code == 303
    assert firms.current().letters == "brief"
    assert browser.post("/firm/settings", data=typed(letters="loud")).status_code == 422
    assert firms.current().letters == "brief"
