"""Links that pay one invoice: derived, not kept; ended by everything that should end them; on both databases."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from portal_app import clock, config, db
from portal_app.domain import invitations, pay_links, payments, sharing
from portal_app.domain.documents import DocumentShare
from portal_app.domain.errors import LinkUnusable
from portal_app.domain.mail import Email
from portal_app.domain.outbox import Outbox
from portal_app.domain.pay_links import PayLink
from portal_app.web import letters
from tests.domain.test_payments import order
from tests.world import World, today


def is_dead(token: str) -> bool:
    try:
        pay_links.find(token)
    except LinkUnusable:
        return True
    return False


def test_a_link_is_made_once_and_derived_again(world: World) -> None:
    token = pay_links.link_for(world.invoice, world.alice)
    assert pay_links.link_for(world.invoice, world.alice, on_paper=True) == token
    link = pay_links.find(token)
    assert (link.invoice.id, link.portal_user.id) == (world.invoice.id, world.alice.id)
    assert len(token) == 32
    row = PayLink.get()
    assert token not in {row.nonce, row.token_hash}
    assert row.is_on_paper
    assert pay_links.token_of(row) == token
    assert pay_links.link_for(world.invoice, world.frank) != token


@pytest.mark.parametrize("token", ["", "made-up", "ünïcode", "x" * 5000])
def test_what_is_no_link_opens_nothing(world: World, token: str) -> None:
    assert is_dead(token)
    assert pay_links.find_dead(token) is None


def test_a_new_one_kills_the_old_one(world: World) -> None:
    old = pay_links.link_for(world.invoice, world.alice)
    link = pay_links.renew(world.invoice, world.alice, by=world.carol)
    assert is_dead(old)
    assert pay_links.find(pay_links.token_of(link) or "").id == link.id
    assert Outbox.select().where((Outbox.topic == "pay_link") & (Outbox.subject_id == link.id)).exists()
    assert pay_links.find_dead(old) == link, "its holder may have a fresh one by e-mail"


def test_expired_recovers_and_revoked_does_not(world: World) -> None:
    token = pay_links.link_for(world.invoice, world.alice)
    with clock.frozen(clock.now() + dt.timedelta(days=91)):
        assert is_dead(token)
        assert pay_links.find_dead(token) is not None
        assert pay_links.link_for(world.invoice, world.alice) != token
    bobs = pay_links.link_for(world.bobs_invoice, world.bob)
    assert pay_links.revoke(world.bobs_invoice, world.bob, by=world.carol) == 1
    assert pay_links.revoke(world.bobs_invoice, world.bob, by=world.carol) == 0
    assert is_dead(bobs)
    assert pay_links.find_dead(bobs) is None


def test_it_dies_with_its_share_its_invoice_and_its_person(world: World) -> None:
    tokens = {who: pay_links.link_for(getattr(world, invoice), getattr(world, who)) for who, invoice in (
        ("alice", "invoice"), ("frank", "second"), ("bob", "bobs_invoice"),
    )}  # fmt: skip
    assert not any(is_dead(token) for token in tokens.values())
    sharing.unshare(DocumentShare, world.invoice.document, [world.alice], by=world.carol)
    assert is_dead(tokens["alice"])
    assert pay_links.find_dead(tokens["alice"]) is None
    payments.void_invoice(world.second, reason="Wrong", on=today(), by=world.carol)
    assert is_dead(tokens["frank"])
    invitations.disable(world.bob)
    assert is_dead(tokens["bob"])


def test_the_firm_can_do_without_them(world: World) -> None:
    token = pay_links.link_for(world.invoice, world.alice)
    config.use(replace(config.active(), pay_link_days=0))
    assert pay_links.link_for(world.second, world.alice) == ""
    assert is_dead(token)


def test_a_new_key_leaves_links_good(world: World) -> None:
    token = pay_links.link_for(world.invoice, world.alice)
    old = config.active().secret_key
    config.use(replace(config.active(), secret_key="f" * 64, previous_secret_keys=old))
    assert pay_links.link_for(world.invoice, world.alice) == token, "the old key still derives it"
    config.use(replace(config.active(), previous_secret_keys=""))
    assert not is_dead(token), "what was printed is known by its hash"
    assert pay_links.token_of(PayLink.get()) is None


def test_made_eight_times_at_once_there_is_one(world: World) -> None:
    def work(_number: int) -> str:
        try:
            return pay_links.link_for(world.invoice, world.alice)
        finally:
            db.db.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(work, range(8)))) == 1


def test_only_payments_of_the_link_are_seen_through_it(world: World) -> None:
    link = pay_links.find(pay_links.link_for(world.invoice, world.alice))
    mine = payments.start(world.alice, world.gateway, order(100, "signed-in"))
    through = payments.start(world.alice, world.gateway, order(200, "by-link"))
    pay_links.note_payment(link, through)
    pay_links.note_payment(link, through)
    assert pay_links.has_payment(link, through.public_id)
    assert not pay_links.has_payment(link, mine.public_id)
    renewed = pay_links.renew(world.invoice, world.alice, by=None)
    assert pay_links.has_payment(renewed, through.public_id)
    other = pay_links.find(pay_links.link_for(world.second, world.alice))
    assert not pay_links.has_payment(other, through.public_id)


def test_whoever_holds_an_old_link_cannot_end_the_one_that_works(world: World) -> None:
    leaked = pay_links.link_for(world.invoice, world.alice)
    works = pay_links.renew(world.invoice, world.alice, by=world.carol)
    for _ in range(2):
        dead = pay_links.find_dead(leaked)
        assert dead is not None
        letters.pay_link_again(dead.id)
    assert pay_links.newest(works).id == works.id
    token = pay_links.token_of(works)
    assert token is not None
    assert pay_links.find(token).id == works.id
    for row in Outbox.select().where(Outbox.topic == "pay_link"):
        letters.pay_link(row.subject_id)
    [email] = Email.select().where(Email.kind == "pay_link")
    assert (email.to_address, token in email.text) == (world.alice.email, True)
    with clock.frozen(clock.now() + dt.timedelta(days=400)):
        letters.pay_link_again(works.id)
        assert pay_links.newest(works).id != works.id, "that one has expired: there is a fresh one"
