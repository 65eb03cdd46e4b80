"""An emulator of its own for each test, called without a socket, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from portal_emulator.app import create, world_of
from portal_emulator.testing import Api, Mail, Time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def mail() -> Mail:
    return Mail()


@pytest.fixture
def waits() -> list[int]:
    """Seconds that faults waited."""
    return []


@pytest.fixture
def app(time: Time, mail: Mail, waits: list[int]) -> Iterator[Flask]:
    made = create(clock=time, post=mail, sleep=waits.append)
    made.testing = True
    yield made
    world_of(made).store.close()


@pytest.fixture
def api(app: Flask) -> Api:
    return Api(app)
