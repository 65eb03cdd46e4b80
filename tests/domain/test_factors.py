"""Second factors, on both databases."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pyotp
import pytest

from portal_app import clock, config, db, vault
from portal_app.config import Config
from portal_app.domain import factors, invitations, policy, sessions, sign_ins, throttles
from portal_app.domain.errors import Refused
from portal_app.domain.factors import Authenticator, RecoveryCode
from portal_app.domain.sign_ins import Caller
from portal_app.domain.throttles import TooSoon
from tests.world import World

HOME = Caller("198.51.100.7", "198.51.100.0/24", "h" * 32, "Firefox")


def code_of(secret: str) -> str:
    return pyotp.TOTP(secret).generate_otp(int(clock.aware().timestamp()) // 30)


def set_up(who: Any) -> tuple[str, list[str]]:
    secret = factors.new_secret()
    return secret, factors.add_app(who, secret, code_of(secret))


def test_a_code_works_once_and_a_step_off(world: World) -> None:
    with clock.frozen(clock.now()) as advance:
        secret, _ = set_up(world.alice)
        assert not factors.use_code(world.alice, code_of(secret)), "it was used up by setting up"
        advance(dt.timedelta(seconds=30))
        assert factors.use_code(world.alice, f" {code_of(secret)[:3]} {code_of(secret)[3:]}")
        assert not factors.use_code(world.alice, code_of(secret))
        before = code_of(secret)
        advance(dt.timedelta(seconds=60))
        code = code_of(secret)
        advance(dt.timedelta(seconds=29))
        assert factors.use_code(world.alice, code), "clocks differ"
        assert not factors.use_code(world.alice, before)
        assert not factors.use_code(world.bob, code)


def test_an_app_whose_secret_the_portals_key_does_not_open_opens_nothing(world: World, settings: Config) -> None:
    with clock.frozen(clock.now()) as advance:
        secret, spare = set_up(world.alice)
        advance(dt.timedelta(seconds=30))
        config.use(replace(settings, secret_key="another key than the one before it"))
        assert not factors.use_code(world.alice, code_of(secret))
        assert factors.use_code(world.alice, spare[0]), "the recovery codes were not sealed"


def test_a_code_typed_in_eight_windows_at_once_works_once(world: World) -> None:
    with clock.frozen(clock.now()) as advance:
        secret, _ = set_up(world.alice)
        advance(dt.timedelta(seconds=30))
        code = code_of(secret)

        def work(_number: int) -> bool:
            try:
                return factors._use_step(world.alice, code)
            finally:
                db.db.close()

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(work, range(8))) == 1


def test_nothing_is_kept_in_the_clear(world: World) -> None:
    secret, codes = set_up(world.alice)
    row = Authenticator.get()
    assert secret not in row.sealed_secret
    assert vault.unseal(row.sealed_secret) == secret
    kept = " ".join(row.code_hash for row in RecoveryCode.select())
    assert not any(code.replace("-", "") in kept for code in codes)


def test_a_recovery_code_works_once(world: World) -> None:
    _, codes = set_up(world.alice)
    assert len(set(codes)) == factors.CODES
    assert not factors.use_code(world.bob, codes[0])
    assert factors.use_code(world.alice, codes[0].upper())
    assert not factors.use_code(world.alice, codes[0])
    assert factors.codes_left(world.alice) == factors.CODES - 1
    fresh = factors.new_codes(world.alice)
    assert not factors.use_code(world.alice, codes[1])
    assert factors.use_code(world.alice, fresh[0])


def test_guessing_codes_has_to_wait(world: World) -> None:
    set_up(world.alice)
    with clock.frozen(clock.now()):
        for number in range(5):
            assert not factors.use_code(world.alice, f"{number:06d}")
        with pytest.raises(TooSoon):
            factors.use_code(world.alice, "000000")


def test_a_wrong_code_sets_nothing_up(world: World) -> None:
    for wrong in ("000000", "", "12345", "abcdef", "１２３４５６"):
        with pytest.raises(Refused):
            factors.add_app(world.alice, factors.new_secret(), wrong)
        throttles.forget(factors._name(world.alice))
    assert not factors.has_app(world.alice)


def test_who_has_an_app_and_who_needs_one_are_half_way_in(world: World) -> None:
    assert sign_ins.start(world.alice, HOME)[1]
    set_up(world.alice)
    token, is_whole = sign_ins.start(world.alice, HOME)
    assert not is_whole
    assert sessions.find(token) is None
    half = sessions.find_half(token)
    assert half is not None
    whole = sign_ins.complete(half, HOME)
    assert sessions.find(whole) is not None
    assert sessions.find_half(token) is None
    assert sign_ins.start(world.alice, HOME, has_both=True)[1], "a passkey is both"
    policy.change(
        client_ways=["link"], staff_ways=["password"], client_factor=True, factor_roles=["administrator"], reason="",
        by=world.carol,
    )  # fmt: skip
    found = [sign_ins.start(who, HOME)[1] for who in (world.bob, world.carol, world.dan)]
    assert found == [False, False, True]
    with clock.frozen(clock.now()) as advance:
        token, _ = sign_ins.start(world.carol, HOME)
        advance(dt.timedelta(minutes=11))
        assert sessions.find_half(token) is None


def test_by_default_administrators_and_whoever_touches_trust_need_one(world: World) -> None:
    policy.Policy.delete().execute()
    now = policy.current()
    assert now.factor_roles == "administrator attorney bookkeeper"
    assert [now.needs_factor(who) for who in (world.carol, world.dan, world.erin, world.alice)] == [True] * 3 + [False]


def test_a_reset_of_the_password_leaves_the_factor(world: World) -> None:
    set_up(world.alice)
    invitations.reset_password(invitations.ask_reset(world.alice).token, "four quiet otters swim")
    assert factors.has_app(world.alice)
    assert not sign_ins.start(world.alice, HOME)[1]
    factors.reset(world.alice)
    assert sign_ins.start(world.alice, HOME)[1]


def test_a_new_key_opens_the_apps_again(world: World) -> None:
    secret, _ = set_up(world.alice)
    before = Authenticator.get().sealed_secret
    assert factors.reseal() == 1
    assert Authenticator.get().sealed_secret != before
    assert vault.unseal(Authenticator.get().sealed_secret) == secret
