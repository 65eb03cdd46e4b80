"""Rule packs are data: complete, cited, within bounds; a bad one is found when the portal starts."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from portal_app.domain.trust import packs as shipped
from portal_app.domain.trust.packs import FOLDER, IDS, BadPack, read

RAW = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.toml")}


def test_there_is_a_default_and_two_states_that_differ() -> None:
    found = shipped()
    assert next(iter(found)) == "aba"
    assert len(found) >= 3
    assert len({pack.choice("advance_fees") for pack in found.values()}) == 2  # California knows a flat fee
    assert len({pack.number("notice_days") for pack in found.values()}) >= 2


@pytest.mark.parametrize("code", sorted(RAW))
def test_every_rule_has_words_and_every_number_its_source(code: str) -> None:
    pack = shipped()[code]
    assert set(pack.rules) == set(IDS)
    assert all(rule.words.endswith(".") and rule.citation for rule in pack.rules.values())
    assert all(len(number.citation) > 10 for number in pack.numbers.values())
    states = [rule.citation for name, rule in pack.rules.items() if name in RAW[code].get("rules", {})]
    assert all({"aba": "ABA", "california": "California", "maryland": "Maryland"}[code] in text for text in states)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": ""}, "title"),
        ({"numbers": {"notice_days": {"value": 14}}}, "citation"),
        ({"numbers": {"notice_days": {"value": "14", "citation": "x"}}}, "notice_days"),
        ({"numbers": {"notice_days": {"value": -1, "citation": "x"}}}, "notice_days"),
        ({"numbers": {"notice_days": {"value": True, "citation": "x"}}}, "notice_days"),
        ({"numbers": {"advance_fees": {"value": "operating", "citation": "x"}}}, "advance_fees"),
        ({"numbers": {"nonsense": {"value": 1, "citation": "x"}}}, "nonsense"),
        ({"rules": {"T99": {"words": "x", "citation": "y"}}}, "T99"),
        ({"rules": {"T01": {"words": "x"}}}, "citation"),
    ],
)
def test_a_pack_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadPack, match=said):
        read("atlantis", {"title": "Atlantis", "note": "x", **wrong}, RAW["aba"])


def test_the_cap_that_a_new_firm_begins_with_is_the_default_packs() -> None:
    from importlib import util

    spec = util.spec_from_file_location("rules", FOLDER.parents[3] / "migrations" / "0013_trust_rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert shipped()["aba"].number("float_cap_cents") == module.FLOAT_CAP_CENTS
