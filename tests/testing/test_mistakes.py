"""Every planted mistake is caught by the checks that are named with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from portal_app.testing import GatewayKit
from portal_app.testing.bench import ConformanceError
from portal_app.testing.kit import GROUPS, checks_of
from tests.testing import declaring, edges, finding, hosting, listing, manners, returning, taking, telling
from tests.testing.planted import MISTAKES, Mistake

MODULES = (declaring, edges, finding, hosting, listing, manners, returning, taking, telling)


def kit_for(mistake: Mistake) -> GatewayKit:
    class Kit(GatewayKit):
        def make_gateway(self) -> object:
            return mistake.make()

        def make_wire(self) -> Any:
            return mistake.wire()

    return Kit()


@pytest.mark.parametrize(
    ("mistake", "check"),
    [pytest.param(each, check, id=f"{each.name}-{check[5:]}") for each in MISTAKES for check in each.caught_by],
)
def test_the_kit_catches(mistake: Mistake, check: str) -> None:
    kit = kit_for(mistake)
    with mistake.host(), pytest.raises(ConformanceError):
        run(kit, check)


def run(kit: GatewayKit, check: str) -> None:
    """One check as pytest would run it."""
    try:
        kit.setup_method()
        getattr(kit, check)()
    finally:
        kit.teardown_method()


def test_there_are_enough_and_each_has_its_sentence() -> None:
    assert len(MISTAKES) >= 40
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES)
    for mistake in MISTAKES:
        assert mistake.caught_by, mistake.name
        assert re.fullmatch(r"[A-Z“].*[.”]", mistake.says, flags=re.DOTALL), mistake.name


def test_no_planted_mistake_is_forgotten() -> None:
    for module in MODULES:
        text = Path(str(module.__file__)).read_text("utf-8")
        assert text.count("\n@planted(") == sum(mistake.make.__module__ == module.__name__ for mistake in MISTAKES)


def test_every_check_can_fail() -> None:
    caught = {check for mistake in MISTAKES for check in mistake.caught_by}
    assert {name for group in GROUPS for name, _ in checks_of(group)} == caught
