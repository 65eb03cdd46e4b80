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

from portal_app import gateways, worker
from portal_app.domain import deposits, documents, firms, matters, payments
from portal_app.domain.documents import DocumentShare
from portal_app.domain.mail import Email
from portal_app.plugin_api import Outcome, OutcomeKind
from portal_app.web import brief, letters
from tests import trust as trusts
from tests.deposits import ask, open_trust
from tests.domain.test_payments import pay
from tests.firm.test_settings import typed
from tests.world import World, today

FOLDER = Path(__file__).parents[2] / "templates" / "email"
KINDS = {path.stem for path in FOLDER.glob("*.txt") if path.stem not in {"_open", "_payment", "layout", "brief"}}
AMOUNT = re.compile(r"[$€£]|\d[.,]\d\d\b")


def brief_only() -> None:
    firms.change(letters="brief")


def written() -> list[Email]:
    return [row for row in Email.select().order_by(Email.id) if row.kind not in brief.PLAIN]


def check(world: World, *kinds: str) -> None:
    """These letters were written; none says an amount, a matter, a document, or who else it is about."""
    rows = written()
    assert {row.kind for row in rows} >= set(kinds)
    things = [world.matter.name, world.matter.number, world.document.name, world.event.title, world.invoice.number]
    for row in rows:
        said = f"{row.subject}\n{row.text}\n{re.sub(r'<style>.*?</style>', '', row.html, flags=re.DOTALL)}"
        said = re.sub(r"https?://\S+", "", said)
        assert not AMOUNT.search(said), row.kind
        cast = {row.name for row in (world.carol, world.alice, world.bob, world.frank, world.client)}
        for secret in [*things, *(cast - {row.to_name})]:
            assert secret not in said.replace("’", "'"), f"{row.kind} says {secret}"
        assert "http://localhost/" in row.text, row.kind
        assert brief.WORDS[row.kind][1].split(".")[0] in " ".join(row.text.split()), row.kind


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


def test_what_was_shared_is_told_without_saying_what(world: World) -> None:
    brief_only()
    documents.share(world.document, [world.frank], by=world.carol)
    matters.change(world.matter, limitations_on=today() + dt.timedelta(days=7))
    letters.limitations()
    deposits.share(ask(world, open_trust(world), 70_000), [world.alice], by=world.carol)
    while worker.turn():
        pass
    check(world, "invoice_shared", "document_shared", "event_shared", "deposit_shared", "limitation")
    franks = [row for row in written() if row.to_address == world.frank.email]
    assert franks
    assert all("accept the invitation" in " ".join(row.text.split()) for row in franks)


@pytest.mark.parametrize(
    ("token", "kinds"),
    [
        ("ok", {"payment_succeeded", "payment_succeeded_firm"}),
        ("pending", {"payment_pending"}),
        ("less", {"payment_review_firm"}),
    ],
)
def test_payments_are_told_without_amounts(world: World, token: str, kinds: set[str]) -> None:
    brief_only()
    payment = pay(world, 10_000, token)
    letters.payment_changed(payment.id)
    if token == "pending":
        refusal = Outcome(kind=OutcomeKind.DECLINED, message="Only $3.10 there.")
        payments.settle(gateways.attempt_of(payment).id, refusal)
        letters.payment_changed(payment.id)
        kinds = kinds | {"payment_refused"}
    check(world, *kinds)


def test_money_in_trust_is_told_without_amounts(world: World) -> None:
    brief_only()
    short = trusts.shortfall(world)
    letters.trust_received(trusts.deposit(world, 200_000), None)
    letters.trust_shortfall(short.id)
    check(world, "trust_receipt", "trust_shortfall")


def test_full_letters_say_it(world: World) -> None:
    is_alices = DocumentShare.portal_user == world.alice.id
    letters.document_shared(DocumentShare.get(is_alices & (DocumentShare.item == world.invoice.document)).id)
    assert AMOUNT.search(written()[0].text)


def test_the_firm_chooses(world: World, as_: Callable[[Any], FlaskClient]) -> None:
    browser = as_(world.carol)
    assert "Amounts and names in e-mails" in browser.get("/firm/settings").text
    assert browser.post("/firm/settings", data=typed(letters="brief")).status_code == 303
    assert firms.current().letters == "brief"
    assert browser.post("/firm/settings", data=typed(letters="loud")).status_code == 422
    assert firms.current().letters == "brief"
