"""Findings of scanners are judged: nothing without a reason, no reason without a finding."""

from __future__ import annotations

from tests.scan.findings import Accepted, Finding, accepted, judge

RULE = Accepted("bandit", "B1", "portal_app/*", "Because.")


def test_a_finding_with_a_reason_is_quiet_and_one_without_is_named() -> None:
    fine, odd = Finding("bandit", "B1", "portal_app/a.py", "x"), Finding("bandit", "B1", "plugins/a.py", "y")
    assert judge([fine], [RULE], {"bandit"}) == []
    assert judge([fine, odd], [RULE], {"bandit"}) == ["bandit B1 at plugins/a.py: y"]


def test_a_reason_without_findings_is_named_where_its_tool_ran() -> None:
    assert judge([], [RULE], {"bandit"}) == ["accepted.toml: bandit says B1 at portal_app/* no more"]
    assert judge([], [RULE], {"wapiti"}) == []


def test_every_accepted_finding_has_a_reason() -> None:
    rules = accepted()
    assert rules
    assert all(rule.reason.endswith(".") and len(rule.reason) > 12 for rule in rules)
