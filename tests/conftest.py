"""What every test stands on: a database of its own, filled with the cast, on SQLite or PostgreSQL.

The filled database is made once a session and copied for each test: the ledger's tables cannot be emptied.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pluggy
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings

from portal_app import config, create_app, db, hookspecs, plugins, schema
from portal_app.domain import passwords, sessions, store
from portal_app.plugin_api import PROJECT
from tests import world as worlds
from tests.fake_gateway import FakeGateway
from tests.postgres import Cluster
from tests.world import World

RAM, RAM_BYTES = Path("/dev/shm"), 3 * 2**30


def stay_in_memory() -> None:
    """Keep what tests write in memory where there is enough: thousands of small databases, each written to the disk
    for certain at every step, wait for nothing else."""
    if "TMPDIR" in os.environ or not os.access(RAM, os.W_OK) or os.statvfs(RAM).f_flag & os.ST_NOEXEC:
        return
    if shutil.disk_usage(RAM).free > RAM_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(RAM)


stay_in_memory()

SETTINGS = {
    "secret_key": "0123456789abcdef" * 4,
    "public_url": "http://localhost",
    "compress": "false",
    "pdf_seconds": "600",  # many tests at once make each paper wait
}


# How long an example takes says how busy the machine is. The same examples each time: a failure can be repeated.
hypothesis_settings.register_profile("portal", deadline=None, derandomize=True)
hypothesis_settings.load_profile("portal")


def pytest_collection_finish() -> None:
    """What is there when tests begin is there to their end. The collector would look through all of it again and again:
    a seventh of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--trust-sequences", type=int, help="how many random sequences the property test of trust plays")
    parser.addoption("--trust-first", type=int, default=0, help="the number of the first of them")


@dataclass
class Engine:
    """Makes a fresh copy of the filled database; gives its address."""

    name: str
    folder: Path
    cluster: Cluster | None = None
    ids: dict[str, Any] = field(default_factory=dict)
    copies: int = 0

    def prepare(self) -> None:
        """Fill the template once."""
        data = self.folder / "template"
        url = self.cluster.create("template") if self.cluster else f"sqlite:///{data / 'portal.sqlite3'}"
        self._use(url, data)
        schema.migrate()
        self.ids = worlds.remember(worlds.build())
        db.db.close()

    def _use(self, url: str, data: Path) -> None:
        config.use(config.load({}, data=str(data), database=url, **SETTINGS))
        db.open_database(url)
        store.open_store(data / "documents")

    def copy(self, data: Path) -> str:
        self.copies += 1
        shutil.copytree(self.folder / "template" / "documents", data / "documents")
        if self.cluster:
            return self.cluster.create(f"copy{self.copies}", "template")
        shutil.copy(self.folder / "template" / "portal.sqlite3", data / "portal.sqlite3")
        return f"sqlite:///{data / 'portal.sqlite3'}"

    def drop(self) -> None:
        if self.cluster:
            self.cluster.drop(f"copy{self.copies}")


def _registry(gateway: FakeGateway) -> plugins.Registry:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    found = plugins.Registry(manager)
    found.add(gateway, "fake")
    return found


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> None:
    """A password's hash is made to be slow; that it is, tests/domain/test_people.py says."""
    passwords.use(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(scope="session")
def sqlite_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    plugins.use(_registry(FakeGateway()))
    engine = Engine("sqlite", tmp_path_factory.mktemp("sqlite"))
    engine.prepare()
    return engine


@pytest.fixture(scope="session")
def postgresql_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    plugins.use(_registry(FakeGateway()))
    cluster = Cluster()
    engine = Engine("postgresql", tmp_path_factory.mktemp("postgresql"), cluster)
    engine.prepare()
    yield engine
    cluster.stop()


@pytest.fixture
def engine(sqlite_engine: Engine) -> Engine:
    """SQLite; domain tests override this with both (tests/domain/conftest.py)."""
    return sqlite_engine


@pytest.fixture
def gateway() -> FakeGateway:
    """The fake gateway that this test's payments go to."""
    return FakeGateway()


@pytest.fixture
def settings(engine: Engine, gateway: FakeGateway, tmp_path: Path) -> Iterator[config.Config]:
    """This test's own copy of the filled database is in use."""
    url = engine.copy(tmp_path)
    plugins.use(_registry(gateway))
    found = config.load({}, data=str(tmp_path), database=url, **SETTINGS)
    config.use(found)
    db.open_database(url)
    store.open_store(tmp_path / "documents")
    yield found
    db.db.close()
    engine.drop()


@pytest.fixture
def world(settings: config.Config, engine: Engine) -> World:
    """The cast and their things."""
    return worlds.load(engine.ids)


_made: list[Flask] = []


@pytest.fixture
def app(world: World, settings: config.Config) -> Iterator[Flask]:
    """The application, with this test's database behind it. All tests of a run share one: to compile its routes and
    templates takes longer than most tests do. Its configuration and its views are as before when a test ends."""
    if not _made:
        _made.append(create_app(settings, TESTING=False, WTF_CSRF_ENABLED=False))
    shared = _made[0]
    before, views = dict(shared.config), dict(shared.view_functions)
    yield shared
    shared.config.clear()
    shared.config.update(before)
    shared.view_functions.clear()
    shared.view_functions.update(views)


@pytest.fixture
def own_app(world: World, settings: config.Config) -> Flask:
    """An application for one test alone, which hangs something into it."""
    return create_app(settings, TESTING=False, WTF_CSRF_ENABLED=False)


@pytest.fixture
def as_(app: Flask) -> Callable[[Any], FlaskClient]:
    """A browser in which this person is signed in; ``as_(None)`` is nobody's."""

    def browser(who: Any) -> FlaskClient:
        client = app.test_client()
        if who is not None:
            token = sessions.start(who)
            with client.session_transaction() as cookie:
                cookie["_user_id"] = token
                cookie["_fresh"] = True
        return client

    return browser


@pytest.fixture
def htmx() -> dict[str, str]:
    """What htmx sends with its requests."""
    return {"HX-Request": "true"}
