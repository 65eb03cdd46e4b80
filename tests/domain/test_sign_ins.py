"""Signing in through the domain, on both databases: guessing is stopped, and the right person still gets in."""

from __future__ import annotations

import base64
import datetime as dt
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters

from portal_app import clock, db
from portal_app.domain import devices, invitations, passwords, pay_links, policy, sessions, sign_ins, throttles
from portal_app.domain.errors import Busy, LinkUnusable, Refused
from portal_app.domain.sign_ins import Caller
from portal_app.domain.throttles import Pace, Throttle, TooSoon
from tests.world import PASSWORD, World

HOME = Caller("198.51.100.7", "198.51.100.0/24")
TRIES = 10_000


class Looked:
    """Counts how often a password was really compared; the comparison itself costs nothing here."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, hashed: str | None, password: str) -> bool:
        self.count += 1
        return hashed is not None and password == PASSWORD


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Looked:
    found = Looked()
    monkeypatch.setattr(passwords, "is_password", found)
    return found


@pytest.fixture
def night() -> Iterator[object]:
    with clock.frozen(clock.now()) as advance:
        yield advance


def _try(email: str, password: str, caller: Caller) -> object:
    try:
        return sign_ins.by_password(email, password, caller)
    except TooSoon:
        return "too soon"


# Brute force: one try a second


def test_ten_thousand_guesses_at_one_account_are_stopped(world: World, looked: Looked) -> None:
    email, stranger = world.alice.email, Caller("203.0.113.9", "203.0.113.0/24")
    device, _ = devices.note(world.alice, "d" * 32, "Her phone")
    with clock.frozen(clock.now()) as advance:
        for number in range(TRIES):
            assert _try(email, f"guess {number}", stranger) in {None, "too soon"}
            advance(dt.timedelta(seconds=1))
        assert looked.count < 30, "of ten thousand guesses in three hours"
        assert _try(email, PASSWORD, stranger) == "too soon"
        assert _try(email, PASSWORD, HOME) == world.alice, "from where she is, on a new browser"
        assert _try(email, PASSWORD, Caller(stranger.address, stranger.network, "d" * 32)) == world.alice
        assert device.token_hash != "d" * 32


def test_ten_thousand_addresses_that_guess_at_one_account_are_stopped(world: World, looked: Looked) -> None:
    email = world.alice.email
    devices.note(world.alice, "d" * 32, "Her phone")
    with clock.frozen(clock.now()) as advance:
        for number in range(TRIES):
            place = f"{number // 256}.{number % 256}"
            _try(email, f"guess {number}", Caller(f"10.{place}.1", f"10.{place}.0/24"))
            advance(dt.timedelta(seconds=1))
        assert looked.count < 120
        stranger = Caller("10.200.0.1", "10.200.0.0/24")
        assert _try(email, f"guess {TRIES}", stranger) in {None, "too soon"}
        assert _try(email, PASSWORD, HOME) == "too soon", "a new browser has to wait, five minutes at most"
        known = Caller(HOME.address, HOME.network, "d" * 32)
        assert _try(email, PASSWORD, known) == world.alice, "her own device does not"
        link = sign_ins.fresh_way(world.alice, wants="link")
        assert link is not None
        assert sign_ins.use_link(link.token) == world.alice, "nor does a link"


def test_ten_thousand_accounts_guessed_at_from_one_network_are_stopped(world: World, looked: Looked) -> None:
    with clock.frozen(clock.now()) as advance:
        for number in range(TRIES):
            caller = Caller(f"203.0.113.{number % 256}", "203.0.113.0/24")
            _try(f"guess{number}@example.com", PASSWORD, caller)
            advance(dt.timedelta(seconds=1))
        assert looked.count < 250
        assert _try(world.alice.email, PASSWORD, HOME) == world.alice


def test_guesses_at_the_same_moment_all_count(world: World, looked: Looked) -> None:
    def work(number: int) -> object:
        try:
            return _try(world.alice.email, f"guess {number}", HOME)
        finally:
            db.db.close()

    with clock.frozen(clock.now()), ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(40)))
    assert found.count(None) == looked.count == throttles.ACCOUNT_HERE.free


# Throttles


def test_waits_grow_to_a_limit_and_are_forgotten(world: World) -> None:
    pace = Pace(free=2, first_seconds=10, most_seconds=60, rest_seconds=1000)
    assert [pace.wait_after(hits) for hits in range(1, 8)] == [0, 10, 20, 40, 60, 60, 60]
    with clock.frozen(clock.now()) as advance:
        for _ in range(2):
            throttles.count({"x": pace})
        with pytest.raises(TooSoon) as told:
            throttles.count({"x": pace, "y": pace})
        assert told.value.seconds in {10, 11}
        assert Throttle.select().count() == 1, "what is refused counts nowhere"
        advance(dt.timedelta(seconds=10))
        throttles.count({"x": pace})
        with pytest.raises(TooSoon) as told:
            throttles.count({"x": pace})
        assert told.value.seconds in {20, 21}
        throttles.forget("x")
        throttles.count({"x": pace})
        advance(dt.timedelta(seconds=2000))
        throttles.sweep()
        assert not Throttle.select().exists()


def test_a_right_sign_in_counts_for_nothing(world: World, looked: Looked) -> None:
    for _ in range(300):
        assert _try(world.alice.email, PASSWORD, HOME) == world.alice
    assert sum(row.hits for row in Throttle.select()) == 0


# The same for everybody


class Watched(PasswordHasher):
    """Notes what each comparison costs."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=64, parallelism=1)
        self.costs: list[Parameters] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  as it is called there
        self.costs.append(extract_parameters(str(hash)))
        return super().verify(hash, password)


def test_known_and_unknown_cost_as_much(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One comparison for everybody, with a hash of the same cost. The time itself: ``portal bench sign-in``."""
    watched = Watched()
    monkeypatch.setattr(passwords, "_chosen", [watched])
    world.alice.password_hash = passwords.hash_password(PASSWORD)
    world.alice.save()
    for email in (world.alice.email, "nobody@example.com", world.frank.email):
        assert sign_ins.by_password(email, "wrong", HOME) is None
    assert watched.costs == [extract_parameters(world.alice.password_hash)] * 3


def test_a_way_that_is_not_allowed_is_wrong(world: World) -> None:
    policy.change(
        client_ways=["link"], staff_ways=["password"], client_factor=False, factor_roles=["administrator"], reason="",
        by=world.carol,
    )  # fmt: skip
    assert sign_ins.by_password(world.alice.email, PASSWORD, HOME) is None
    assert sign_ins.by_password(world.carol.email, PASSWORD, HOME) == world.carol


def test_a_policy_that_shuts_everybody_out_is_refused(world: World) -> None:
    given: dict[str, Any] = {
        "client_ways": ["link"], "staff_ways": ["password"], "client_factor": False, "by": world.carol,
        "factor_roles": ["administrator"], "reason": "",
    }  # fmt: skip
    cases: tuple[dict[str, list[str]], ...] = (
        {"client_ways": ["passkey"]}, {"staff_ways": []}, {"factor_roles": []}, {"factor_roles": ["king"]},
    )  # fmt: skip
    for wrong in cases:
        with pytest.raises(Refused):
            policy.change(**(given | wrong))


# Passwords


def test_a_hash_of_old_parameters_is_renewed_at_sign_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    old = world.alice.password_hash
    monkeypatch.setattr(passwords, "_ours", lambda: passwords._hasher(20, 2, 1))
    assert sign_ins.by_password(world.alice.email, PASSWORD, HOME) == world.alice
    assert world.refresh("alice").password_hash != old
    assert "m=20480" in world.alice.password_hash
    assert sign_ins.by_password(world.alice.email, PASSWORD, HOME) == world.alice


def test_no_more_hashes_at_once_than_the_settings_allow(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    seen, now = [], [0]

    class Slow:
        def hash(self, password: str) -> str:
            now[0] += 1
            seen.append(now[0])
            time.sleep(0.02)
            now[0] -= 1
            return password

    monkeypatch.setattr(passwords, "_ours", Slow)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(passwords.hash_password, ["x"] * 24))
    assert max(seen) <= 2
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0)
    with ThreadPoolExecutor(12) as pool, pytest.raises(Busy):
        list(pool.map(passwords.hash_password, ["x"] * 24))


@pytest.mark.parametrize("password", [
    "password1234", "Password2024!!", "123456123456", "iloveyou!!!!", "dragondragondragon", "abcdefghijklmnop",
    "qwertyuiopqwerty", "QuillfeatherLarkspur1", "matterportal-2026", "Frank.Okonkwo.77", "1qaz2wsx3edc", "x" * 1001,
])  # fmt: skip
def test_what_everybody_tries_is_refused(world: World, password: str) -> None:
    token = invitations.invite(world.frank, by=world.carol, days=14).token
    with pytest.raises(Refused):
        invitations.accept_invitation(token, password)


@pytest.mark.parametrize("password", [
    "four quiet otters swim", "пароль из слов", " spaces  kept ", "correct horse 🐎 battery",
    "Quillfeather ate my hat 9", "x9" + "äöü€" * 200, "Tr0ub4dor&3xyzzy",
])  # fmt: skip
def test_any_characters_and_lengths_are_taken_whole(world: World, password: str) -> None:
    token = invitations.invite(world.frank, by=world.carol, days=14).token
    invitations.accept_invitation(token, password)
    assert sign_ins.by_password(world.frank.email, password, HOME) == world.frank
    assert sign_ins.by_password(world.frank.email, password[:-1], HOME) is None
    assert sign_ins.by_password(world.frank.email, password.swapcase() + "!", HOME) is None


def test_ones_own_password_is_changed_with_the_old_one(world: World) -> None:
    reset = invitations.ask_reset(world.alice).token
    with pytest.raises(Refused, match="not your password"):
        invitations.change_password(world.alice, "wrong", "four quiet otters swim")
    invitations.change_password(world.alice, PASSWORD, "four quiet otters swim")
    assert passwords.is_password(world.refresh("alice").password_hash, "four quiet otters swim")
    with pytest.raises(LinkUnusable):
        invitations.find_reset(reset)


# Links


def test_a_sign_in_link_works_once_for_ten_minutes(world: World) -> None:
    first, second = sign_ins.ask_link(world.alice), sign_ins.ask_link(world.alice)
    assert second.link.token_hash != second.token
    for dead in (first.token, "made up", "ünïcode", "x" * 5000):
        with pytest.raises(LinkUnusable):
            sign_ins.use_link(dead)
    assert sign_ins.find_link(second.token).login == world.alice
    assert sign_ins.use_link(second.token) == world.alice
    with pytest.raises(LinkUnusable):
        sign_ins.use_link(second.token)
    late = sign_ins.ask_link(world.alice).token
    with clock.frozen(clock.now() + dt.timedelta(minutes=11)):
        with pytest.raises(LinkUnusable):
            sign_ins.use_link(late)
        assert sign_ins.owner_of_link(late) == world.alice
    off = sign_ins.ask_link(world.bob).token
    invitations.disable(world.bob)
    with pytest.raises(LinkUnusable):
        sign_ins.use_link(off)


def test_a_link_pressed_eight_times_at_once_works_once(world: World) -> None:
    token = sign_ins.ask_link(world.alice).token

    def work(_number: int) -> bool:
        try:
            return sign_ins.use_link(token) == world.alice
        except LinkUnusable:
            return False
        finally:
            db.db.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 1


# Sessions and devices


def test_limits_are_those_of_the_role(world: World) -> None:
    with clock.frozen(clock.now()) as advance:
        tokens = {who: sessions.start(getattr(world, who)) for who in ("alice", "dan", "carol")}
        advance(dt.timedelta(minutes=31))
        assert [who for who, token in tokens.items() if sessions.find(token)] == ["alice", "dan"]
        advance(dt.timedelta(minutes=61))
        assert not any(sessions.find(token) for token in tokens.values())


def test_a_session_is_listed_ended_and_renewed(world: World) -> None:
    tokens = [sign_ins.start(world.alice, Caller("a", "n", sign * 32, f"Browser {sign}"))[0] for sign in "xyz"]
    rows = sessions.of(world.alice)
    assert [row.device.name for row in rows] == ["Browser z", "Browser y", "Browser x"]
    assert sessions.end_one(world.bob, rows[0].id) == 0
    assert sessions.end_one(world.alice, rows[0].id) == 1
    assert sessions.find(tokens[2]) is None
    kept = sessions.find(tokens[0])
    assert kept is not None
    fresh = sessions.renew(kept)
    assert sessions.find(tokens[0]) is None
    assert sessions.end_all(world.alice, but=kept.id) == 1
    assert sessions.find(fresh) is not None


def test_only_a_device_that_is_new_beside_others_is_news(world: World) -> None:
    assert devices.note(world.alice, "a" * 32, "First")[1] is False
    assert devices.note(world.alice, "b" * 32, "Second")[1] is True
    assert devices.note(world.alice, "b" * 32, "Second")[1] is False
    assert devices.is_known(world.alice, "a" * 32)
    assert not devices.is_known(world.bob, "a" * 32)
    assert not devices.is_known(None, "a" * 32)


# What passwords and tokens are


def test_a_password_has_no_age(world: World) -> None:
    with clock.frozen(clock.now() + dt.timedelta(days=5 * 366)):
        assert sign_ins.by_password(world.alice.email, PASSWORD, HOME) == world.alice
        token, is_whole = sign_ins.start(world.alice, HOME)
        assert is_whole, "nothing stands between the old password and the portal"
        assert sessions.find(token) is not None


def test_every_token_has_192_random_bits(world: World) -> None:
    makers = {
        "session": lambda: sessions.start(world.alice),
        "link": lambda: sign_ins.ask_link(world.alice).token,
        "reset": lambda: invitations.ask_reset(world.alice).token,
        "invitation": lambda: invitations.invite(world.frank, by=world.carol, days=1).token,
        "link to pay": lambda: pay_links.token_of(pay_links.renew(world.invoice, world.alice, by=world.carol)) or "",
    }
    for what, make in makers.items():
        made = {make() for _ in range(5)}
        assert len(made) == 5, what
        for token in made:
            assert len(base64.urlsafe_b64decode(token)) == 24, what
