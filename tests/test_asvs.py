"""The list of security statements names tests that are there, and says honestly what is not met."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

from portal_app import reference

ROOT = Path(__file__).parent.parent
COUNT = 96


@lru_cache
def functions_of(name: str) -> frozenset[str]:
    """Functions of a test file, without importing it."""
    path = ROOT / name
    tree = ast.parse(path.read_text("utf-8") if path.is_file() else "")
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_test_that_is_named_is_there() -> None:
    named = [name for each in reference.statements() for name in each["tests"]]
    assert len(named) > COUNT
    assert [name for name in named if name.partition("::")[2] not in functions_of(name.partition("::")[0])] == []


def test_a_test_that_is_not_there_would_be_noticed() -> None:
    assert "test_every_test_that_is_named_is_there" in functions_of("tests/test_asvs.py")
    assert "test_nothing_of_the_kind" not in functions_of("tests/test_asvs.py")
    assert functions_of("tests/test_no_such_file.py") == frozenset()


def test_what_is_not_proved_says_so_and_why() -> None:
    for each in reference.statements():
        met = each.get("met", reference.MET)
        assert met in {reference.MET, "partly", "not yet"}, each["number"]
        assert each["tests"] or met == "not yet", f"{each['number']} is met by no test"
        assert met == reference.MET or each["note"], f"{each['number']} does not say what is missing"
        assert not (met == "not yet" and each["tests"]), each["number"]


def test_every_statement_is_there_once() -> None:
    found = reference.statements()
    assert [each["number"] for each in found] == list(range(1, COUNT + 1))
    items = [item for each in found for item in each["asvs"]]
    assert len(items) == len(set(items))
    assert {each["level"] for each in found} == {1, 2}
