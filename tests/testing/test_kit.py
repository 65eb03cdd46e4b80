"""The kit as a class, as a plugin of pytest, and as a page of the docs."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from portal_app.testing.kit import GROUPS, GatewayKit, checks_of

pytest_plugins = ["pytester"]

SUITE = """
from portal_app.testing import GatewayKit
from portal_app.testing.skeleton.example_wire import ExampleWire
from portal_app.testing.skeleton.portal_example import gateway

class SmallWire(ExampleWire):
    lag_seconds = 600
    def lag(self, is_lagging):
        return super(ExampleWire, self).lag(is_lagging)

class TestSmall(GatewayKit):
    def make_gateway(self):
        return gateway
    def make_wire(self):
        return SmallWire()
"""


def test_the_groups_do_not_hide_each_others_methods() -> None:
    count = Counter(name for group in GROUPS for name in vars(group) if not name.startswith("__"))
    assert [name for name, times in count.items() if times > 1] == []


def test_every_check_says_what_it_demands() -> None:
    for group in GROUPS:
        for name, says in checks_of(group):
            assert says.endswith((".", ".``")), name
            assert len(says.split()) > 4, name


def test_pytest_loads_nothing_heavy_for_those_who_do_not_test_gateways() -> None:
    program = (
        "import sys, portal_app.testing.plugin; print([n for n in ('httpx', 'flask', 'peewee') if n in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_failures_and_skips_are_listed_at_the_end(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_small=SUITE)
    done = pytester.runpytest_inprocess("-k", "lagging or horizon or known_id or one_cent", "-p", "no:playwright")
    done.stdout.fnmatch_lines(
        [
            "*= conformance =*", "TestSmall: conformance: 1 passed, 1 failed, 3 skipped:",
            "  a lagging list is no proof: the wire has no lag()",
        ]
    )  # fmt: skip


def test_an_author_gets_every_check() -> None:
    found = [name for name in dir(GatewayKit) if name.startswith("test_")]
    assert len(found) == sum(1 for group in GROUPS for _ in checks_of(group))
    assert len(found) >= 130
