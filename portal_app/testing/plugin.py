"""The part that pytest loads in every run: it counts the conformance checks and lists those that were skipped."""

from __future__ import annotations

import sys
from typing import Any

import pytest

PROPERTY = "portal_conformance"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the checks, so that their reports are known again, also when other processes made them."""
    for item in items:
        owner: Any = getattr(item, "cls", None)
        if getattr(owner, "is_gateway_kit", False):
            item.user_properties.append((PROPERTY, owner.__name__))


def pytest_sessionfinish() -> None:
    """Throw away what the checks have made and shared, in each process of the run."""
    office: Any = sys.modules.get("portal_app.testing.office")
    if office is not None:
        office.forget()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The section "conformance" at the end of the run."""
    stats: dict[str, list[Any]] = terminalreporter.stats
    found = {word: _ours(stats.get(word, ())) for word in ("passed", "failed", "error", "skipped")}
    names = sorted({name for reports in found.values() for name, _ in reports})
    if not names:
        return
    terminalreporter.section("conformance")
    for name in names:
        count = {word: sum(owner == name for owner, _ in reports) for word, reports in found.items()}
        failed = count["failed"] + count["error"]
        words = f"{count['passed']} passed, {f'{failed} failed, ' if failed else ''}{count['skipped']} skipped"
        terminalreporter.write_line(f"{name}: conformance: {words}{':' if count['skipped'] else ''}")
        for owner, report in found["skipped"]:
            if owner == name:
                terminalreporter.write_line(f"  {_check(report)}: {_reason(report)}")


def _ours(reports: Any) -> list[tuple[str, Any]]:
    """Reports of checks, with the name of the class that they belong to."""
    found = [(dict(getattr(report, "user_properties", ())).get(PROPERTY), report) for report in reports]
    return [(name, report) for name, report in found if isinstance(name, str)]


def _check(report: Any) -> str:
    return str(report.nodeid).rpartition("::")[2].removeprefix("test_").replace("_", " ")


def _reason(report: Any) -> str:
    said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(said).removeprefix("Skipped: ")
