"""Rule packs: the numbers and the words of trust accounting, as data files with their citations.

A pack is not legal advice. What no rule gives a number for says so, and is the portal's own default.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from portal_app.domain.errors import Refused

FOLDER = Path(__file__).parent / "rules"
DEFAULT = "aba"
IDS = tuple(f"T{number:02d}" for number in range(1, 24))

# Every number that a pack gives: the least and the most that can be meant.
NUMBERS = {
    "clearing_days_card": (0, 30),
    "clearing_days_bank": (0, 60),
    "clearing_days_check": (0, 60),
    "clearing_days_wire": (0, 30),
    "clearing_days_cash": (0, 30),
    "notice_days": (0, 365),
    "float_cap_cents": (0, 1_000_000),
    "retention_years": (1, 50),
    "reconciliation_months": (1, 12),
    "reconciliation_days": (1, 120),
    "inactive_days": (30, 3650),
}
CHOICES = {
    "advance_fees": ("trust", "written_consent", "flat_fee_in_writing"),
    "reconciliation_people": ("one", "two"),
}


class BadPack(RuntimeError):
    """A rule pack cannot be used; the message says which file and why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule says to a person, and where it comes from."""

    id: str
    words: str
    citation: str


@dataclass(frozen=True, slots=True)
class Number:
    """A value of a rule pack, and where it comes from."""

    value: Any
    citation: str


@dataclass(frozen=True, slots=True)
class Pack:
    """One jurisdiction's rules. ``numbers`` by the names of ``NUMBERS`` and ``CHOICES``."""

    code: str
    title: str
    note: str
    rules: Mapping[str, Rule]
    numbers: Mapping[str, Number]

    def number(self, name: str) -> int:
        return int(self.numbers[name].value)

    def choice(self, name: str) -> str:
        return str(self.numbers[name].value)

    def clearing_days(self, method: str) -> int:
        """After how many days a deposit by this method may be spent (T09)."""
        return self.number(f"clearing_days_{method}") if f"clearing_days_{method}" in NUMBERS else 0


class RuleRefused(Refused):
    """A rule of trust accounting forbids it. ``rule`` is shown with what it says and where that comes from."""

    def __init__(self, rule: Rule, message: str, field: str = "") -> None:
        super().__init__(message, field)
        self.rule = rule

    @property
    def problem(self) -> str:
        """What is wrong here, without the rule."""
        return str(self.args[0])

    def __str__(self) -> str:
        return f"{self.problem} Rule {self.rule.id}: {self.rule.words} ({self.rule.citation})"


@lru_cache(maxsize=1)
def packs() -> Mapping[str, Pack]:
    """Every pack by its code, the default first. Called when the portal starts, too.

    Raises:
        BadPack: a file is incomplete, or says what cannot be.
    """
    raw = {path.stem: _raw(path) for path in sorted(FOLDER.glob("*.toml"))}
    if DEFAULT not in raw:
        raise BadPack(f"{FOLDER} has no {DEFAULT}.toml")
    codes = [DEFAULT, *(code for code in raw if code != DEFAULT)]
    return MappingProxyType({code: read(code, raw[code], raw[DEFAULT]) for code in codes})


def _raw(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadPack(f"{path.name}: {problem}") from None


def read(code: str, raw: Mapping[str, Any], base: Mapping[str, Any]) -> Pack:
    """A pack from its file's content; what it does not say is the default's.

    Raises:
        BadPack: naming the line that is missing or cannot be.
    """
    if not re.fullmatch(r"[a-z]{2,30}", code):
        raise BadPack(f"{code}.toml: a pack is named by small letters")
    unknown = {*raw.get("rules", {}), *raw.get("numbers", {})} - {*IDS, *NUMBERS, *CHOICES}
    if unknown:
        raise BadPack(f"{code}.toml: nobody knows {min(unknown)}")
    said = {table: {**base.get(table, {}), **raw.get(table, {})} for table in ("rules", "numbers")}
    rules = {name: _rule(code, name, said["rules"].get(name, {})) for name in IDS}
    numbers = {name: _number(code, name, said["numbers"].get(name, {})) for name in (*NUMBERS, *CHOICES)}
    title, note = (_text(code, name, raw.get(name)) for name in ("title", "note"))
    return Pack(code, title, note, MappingProxyType(rules), MappingProxyType(numbers))


def _text(code: str, name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadPack(f"{code}.toml: {name} is missing")
    return value.strip()


def _rule(code: str, name: str, raw: Mapping[str, Any]) -> Rule:
    words, citation = (_text(code, f"rules.{name}.{part}", raw.get(part)) for part in ("words", "citation"))
    return Rule(name, words, citation)


def _number(code: str, name: str, raw: Mapping[str, Any]) -> Number:
    value, citation = raw.get("value"), _text(code, f"numbers.{name}.citation", raw.get("citation"))
    if name in CHOICES:
        is_right = value in CHOICES[name]
    else:
        least, most = NUMBERS[name]
        is_right = type(value) is int and least <= value <= most
    if not is_right:
        raise BadPack(f"{code}.toml: numbers.{name} cannot be {value!r}")
    return Number(value, citation)
