"""People: ways in that work once, standings, the last administrator, sessions and throttles."""

from __future__ import annotations

import datetime as dt
import os
import select
import sys
import threading
from typing import Any

import pytest

from portal_app import clock
from portal_app.config import Config
from portal_app.domain import invitations, passwords, people, sessions
from portal_app.domain.errors import LinkUnusable, Refused
from portal_app.domain.invitations import Invitation, Standing
from portal_app.domain.people import PortalUser
from tests.domain.test_races import at_once
from tests.world import PASSWORD, World

NEW = "seven quiet lanterns"


def standing(who: PortalUser) -> Standing:
    return invitations.standing_of(who, invitations.last_invitations([who]).get(who.id))


def test_an_invitation_is_accepted_once(world: World) -> None:
    sent = invitations.invite(world.frank, by=world.carol, days=14)
    assert sent.token not in str(Invitation.select().dicts())
    who = invitations.accept_invitation(sent.token, NEW)
    assert who.id == world.frank.id
    assert standing(world.refresh("frank")) is Standing.REGISTERED
    with pytest.raises(LinkUnusable):
        invitations.accept_invitation(sent.token, NEW)
    with pytest.raises(Refused, match="registered already"):
        invitations.invite(world.frank, by=world.carol, days=14)


def test_a_fresh_invitation_ends_the_older_one(world: World) -> None:
    first = invitations.invite(world.frank, by=world.carol, days=14)
    second = invitations.invite(world.frank, by=world.carol, days=14)
    with pytest.raises(LinkUnusable):
        invitations.find_invitation(first.token)
    assert invitations.find_invitation(second.token).login == world.frank


def test_standings(world: World) -> None:
    assert standing(world.alice) is Standing.REGISTERED
    assert standing(world.frank) is Standing.PENDING
    with clock.frozen(clock.now() + dt.timedelta(days=15)):
        assert standing(world.frank) is Standing.EXPIRED
    invitations.revoke_invitations(world.frank)
    assert standing(world.frank) is Standing.REVOKED
    invitations.disable(world.alice)
    assert standing(world.refresh("alice")) is Standing.DISABLED
    fresh = people.add_portal_user(email="new@example.com", name="New", time_zone="UTC")
    assert standing(fresh) is Standing.NEVER_INVITED


@pytest.mark.parametrize("token", ["", "x", "é" * 9, "\udcff", "a" * 100_000])
def test_a_strange_link_is_just_unusable(world: World, token: str) -> None:
    with pytest.raises(LinkUnusable):
        invitations.find_invitation(token)
    with pytest.raises(LinkUnusable):
        invitations.find_reset(token)


def test_a_reset_works_once_within_the_hour(world: World) -> None:
    sent = invitations.ask_reset(world.alice)
    invitations.reset_password(sent.token, NEW)
    assert passwords.is_password(world.refresh("alice").password_hash, NEW)
    assert not passwords.is_password(world.alice.password_hash, PASSWORD)
    with pytest.raises(LinkUnusable):
        invitations.reset_password(sent.token, NEW)
    late = invitations.ask_reset(world.alice)
    with clock.frozen(clock.now() + dt.timedelta(minutes=61)), pytest.raises(LinkUnusable):
        invitations.reset_password(late.token, NEW)


def test_a_hash_costs_what_it_should(settings: Config) -> None:
    """The memory and passes of RFC 9106's second recommendation, far above OWASP's 19 MiB and two."""
    assert passwords.of_settings(settings).hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=1$")


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux alone")
def test_pages_come_before_hashes(settings: Config) -> None:
    def mine() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert passwords._in_turn(mine) == passwords.BEHIND > mine()
    passwords.hash_password(PASSWORD)
    reading, writing = os.pipe()
    if not (child := os.fork()):  # has none of the threads, and hashes all the same
        os.write(writing, passwords.hash_password(PASSWORD).encode())
        os._exit(0)
    os.close(writing)
    assert select.select([reading], [], [], 60)[0]
    hashed = os.read(reading, 200).decode()
    os.waitpid(child, 0)
    assert passwords.is_password(hashed, PASSWORD)


@pytest.mark.parametrize("password", ["short", "x" * 1001, "aaaaaaaaaaaaaa", "", "Password2024!!"])
def test_poor_passwords_are_refused(world: World, password: str) -> None:
    sent = invitations.invite(world.frank, by=world.carol, days=14)
    with pytest.raises(Refused):
        invitations.accept_invitation(sent.token, password)
    invitations.find_invitation(sent.token)


@pytest.mark.parametrize(
    "password", ["пароль из слов", " spaces  kept ", "x" * 72 + "tail-matters", "correct horse 🐎 battery"]
)
def test_any_characters_and_lengths_count(password: str) -> None:
    hashed = passwords.hash_password(password)
    assert passwords.is_password(hashed, password)
    assert not passwords.is_password(hashed, password[:-1])
    assert not passwords.is_password(hashed, password.upper() + "!")
    assert not passwords.is_password(None, password)


def test_an_address_belongs_to_one_person(world: World) -> None:
    with pytest.raises(Refused, match="at the firm"):
        people.add_portal_user(email=" Carol@Example.com ", name="C", time_zone="UTC")
    with pytest.raises(Refused, match="portal user"):
        people.add_firm_user(email="ALICE@example.com", name="A", roles=["biller"], time_zone="UTC")
    for wrong in ("nobody", "a@", "a b@example.com", "a@example.com\nBcc: b@example.com"):
        with pytest.raises(Refused, match="e-mail address"):
            people.add_portal_user(email=wrong, name="A", time_zone="UTC")


def test_the_last_administrator_stays(world: World) -> None:
    with pytest.raises(Refused, match="at least one"):
        invitations.disable(world.carol)
    with pytest.raises(Refused, match="at least one"):
        people.change_firm_user(world.carol, name="Carol", roles=["attorney"], title="", rate_cents=0)
    people.change_firm_user(world.dan, name="Dan", roles=["administrator"], title="", rate_cents=0)
    invitations.disable(world.carol)


def test_sessions_end_by_time_sign_out_and_disabling(world: World) -> None:
    with clock.frozen(clock.now()) as advance:
        token, other = sessions.start(world.alice), sessions.start(world.alice)
        found = sessions.find(token)
        assert found is not None
        assert found.login == world.alice
        assert found.token_hash != token
        sessions.end(other)
        assert sessions.find(other) is None
        advance(dt.timedelta(minutes=61))
        assert sessions.find(token) is None
        token = sessions.start(world.alice)
        alive = sessions.find(token)
        for _ in range(13):
            advance(dt.timedelta(minutes=59))
            alive = sessions.find(token)
        assert alive is None, "twelve hours are the most"
        token = sessions.start(world.alice)
        invitations.disable(world.alice)
        assert sessions.find(token) is None
        assert sessions.end_all(world.alice) == 0, "disabling has ended them"


def test_one_reset_uses_up_all_the_others_and_ends_every_session(world: World) -> None:
    first, second = invitations.ask_reset(world.alice), invitations.ask_reset(world.alice)
    bobs, token = invitations.ask_reset(world.bob), sessions.start(world.alice)
    invitations.reset_password(second.token, NEW)
    for link in (first, second):
        with pytest.raises(LinkUnusable):
            invitations.reset_password(link.token, "somebody else chose this")
    assert sessions.find(token) is None
    assert invitations.find_reset(bobs.token).login == world.bob


def test_a_link_used_eight_times_at_once_works_once(world: World) -> None:
    sent = invitations.invite(world.frank, by=world.carol, days=14)
    resets = [invitations.ask_reset(world.alice).token for _ in range(8)]

    def choose(number: int) -> object:
        done = []
        for use, token in ((invitations.accept_invitation, sent.token), (invitations.reset_password, resets[number])):
            try:
                done.append(use(token, f"{NEW} {number}").email)
            except LinkUnusable:
                done.append("")
        return tuple(done)

    results: list[Any] = at_once(choose)
    assert [pair[0] for pair in results].count(world.frank.email) == 1
    assert [pair[1] for pair in results].count(world.alice.email) == 1


def test_an_invitation_of_somebody_registered_is_dead(world: World) -> None:
    """However it came to be open: nobody's password is set by an old invitation."""
    sent = invitations.invite(world.frank, by=world.carol, days=14)
    world.frank.registered_at = clock.now()
    world.frank.save()
    with pytest.raises(LinkUnusable):
        invitations.accept_invitation(sent.token, NEW)


def test_disabling_ends_sessions_and_links_for_good(world: World) -> None:
    token, link = sessions.start(world.alice), invitations.ask_reset(world.alice)
    invitations.disable(world.alice)
    invitations.enable(world.alice)
    assert sessions.find(token) is None
    with pytest.raises(LinkUnusable):
        invitations.find_reset(link.token)
