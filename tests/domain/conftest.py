"""Domain tests run on both databases."""

from __future__ import annotations

import pytest

from tests.conftest import Engine


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found
