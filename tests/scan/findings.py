"""What a scanner found, against what is accepted with a reason."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ACCEPTED = Path(__file__).parent / "accepted.toml"


@dataclass(frozen=True, slots=True)
class Finding:
    """``tool`` and its ``rule``, at ``where`` (a file, or a page's path), with its own words."""

    tool: str
    rule: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Findings of a rule at ``where`` are right, for ``reason``."""

    tool: str
    rule: str
    where: str
    reason: str

    def covers(self, found: Finding) -> bool:
        return (self.tool, self.rule) == (found.tool, found.rule) and fnmatchcase(found.where, self.where)


def accepted(path: Path = ACCEPTED) -> list[Accepted]:
    rows = tomllib.loads(path.read_text("utf-8")).get("accepted", [])
    return [Accepted(**row) for row in rows]


def judge(found: Iterable[Finding], rules: Iterable[Accepted], tools: Collection[str]) -> list[str]:
    """A line for each finding without a reason, and for each reason (of a tool that ran) without its findings."""
    rows, said = list(found), []
    for rule in rules:
        if rule.tool in tools and not any(rule.covers(item) for item in rows):
            said.append(f"accepted.toml: {rule.tool} says {rule.rule} at {rule.where} no more")
        rows = [item for item in rows if not rule.covers(item)]
    return said + [f"{item.tool} {item.rule} at {item.where}: {item.text}" for item in rows]
