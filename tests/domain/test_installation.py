"""A copied portal takes no live payments until somebody says which installation counts; on both databases."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from portal_app import config, gateway_setup, gateways, plugins
from portal_app.config import Config
from portal_app.domain import payments
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Gateway, Installation
from portal_app.plugin_api import Fund, Method, Mode
from tests.domain.test_gateway_accounts import second, takers
from tests.domain.test_payments import order
from tests.fake_gateway import FakeGateway
from tests.test_plugins import Other, registry
from tests.world import World


@pytest.fixture
def other() -> Other:
    return Other()


@pytest.fixture
def live(world: World, other: Other) -> Gateway:
    """A live gateway that takes operating money."""
    plugins.use(registry(FakeGateway(), other))
    gateway_setup.disable(world.gateway, by=world.carol)
    row = second(world, "other", mode=Mode.LIVE)
    gateway_setup.enable(row, by=world.carol)
    return row


def copy_of(settings: Config, target: Path) -> Config:
    """Go on with a copy of the data folder, as after a restored backup."""
    shutil.copytree(settings.data_dir, target, ignore=shutil.ignore_patterns("documents", "plugins"))
    copied = replace(settings, data=str(target))
    config.use(copied)
    return copied


def test_the_first_live_credentials_bind_the_installation(world: World, live: Gateway, settings: Config) -> None:
    file = settings.data_dir / "installation"
    row = Installation.get()
    assert file.read_text() == row.token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (row.inode, row.public_url, row.bound_by_id) == (
        str(file.stat().st_ino),
        settings.public_url,
        world.carol.id,
    )
    assert not gateway_setup.is_paused(live)
    assert takers() == {"card": "other", "bank": "other"}


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("how", ["copied", "lost", "other address", "other word"])
def test_a_copy_pauses_live_gateways_alone(
    world: World, live: Gateway, settings: Config, tmp_path: Path, how: str
) -> None:
    file = settings.data_dir / "installation"
    if how == "copied":
        copy_of(settings, tmp_path / "copy")
    elif how == "lost":
        file.unlink()
    elif how == "other address":
        config.use(replace(settings, public_url="https://staging.example.com"))
    else:
        inode = file.stat().st_ino
        file.write_text("f" * 32)
        os.utime(file, (1, 1))
        assert file.stat().st_ino == inode
    assert gateway_setup.is_paused(live)
    assert not gateway_setup.is_paused(world.gateway)
    assert takers() == {}
    assert gateway_setup.gateway_for(Fund.OPERATING, Method.CARD) is None
    assert [row.code for row in gateway_setup.paused_gateways()] == ["other"]


def test_nobody_is_called_from_a_copy(
    world: World, live: Gateway, other: Other, settings: Config, tmp_path: Path
) -> None:
    lost = gateways.charge(payments.start(world.alice, live, order(5_000, "lost")), "lost")
    waiting = payments.start(world.alice, live, order(1_000, "waiting"))
    other.asked.clear()
    copy_of(settings, tmp_path / "copy")
    assert gateways.charge(waiting, "ok").state == "not_submitted"
    assert gateways.look_again(lost).state == "unknown"
    assert gateways.returned(lost, {}).state == "unknown"
    with pytest.raises(Refused, match="looks like a copy"):
        gateway_setup.test_connection(live)
    assert Gateway.get_by_id(live.id).is_healthy, "what was known of it stays"
    assert other.asked == []
    gateway_setup.bind(world.carol)
    assert gateways.look_again(lost).state == "succeeded"


def test_binding_the_copy_pauses_the_first(world: World, live: Gateway, settings: Config, tmp_path: Path) -> None:
    copied = copy_of(settings, tmp_path / "copy")
    assert gateway_setup.is_paused(live)
    gateway_setup.bind(world.carol)
    assert not gateway_setup.is_paused(live)
    config.use(settings)
    assert gateway_setup.is_paused(live)
    config.use(copied)
    assert Installation.select().count() == 2, "who said it, and when, stays written"
    assert not list(copied.data_dir.glob("installation.*"))


def test_a_copy_in_test_mode_goes_on(world: World, live: Gateway, settings: Config, tmp_path: Path) -> None:
    copy_of(settings, tmp_path / "copy")
    row = gateway_setup.save("other", {}, mode=Mode.TEST, by=world.carol)
    assert not gateway_setup.is_paused(row)
    assert gateway_setup.test_connection(row).is_ok
    row = gateway_setup.save("other", {}, mode=Mode.LIVE, by=world.carol)
    assert gateway_setup.is_paused(row), "saving live settings on a copy does not make it the one that counts"
    assert not gateway_setup.connect(row, {}).is_ok
