"""PostgreSQL finds what a page asks for without looking through a table that grows with the firm."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import db
from portal_app.domain import matters
from tests.conftest import Engine
from tests.growing import ONE
from tests.routes import alices, routes
from tests.test_growth import NO_PAGE, OF_ALL
from tests.world import World

BOUNDED = {"policy_report"}  # some hundred at most, for ninety days


@pytest.fixture
def engine(postgresql_engine: Engine) -> Engine:
    return postgresql_engine


def plan_of(sql: str, params: Any) -> str:
    return "\n".join(line for (line,) in db.db.execute_sql(f"EXPLAIN {sql}", params).fetchall())


@pytest.mark.parametrize("staff", ["carol", "dan"])
def test_no_page_looks_through_a_table(world: World, app: Flask, as_: Callable[[Any], FlaskClient], staff: str) -> None:
    """It is told to avoid that wherever there is another way, as it would by itself once the table is large. Every page
    is drawn, those of all that there is, too."""
    values = alices(world)
    matters.set_access(world.bobs_matter, is_restricted=True, staff=[])
    theirs, alice = as_(getattr(world, staff)), as_(world.alice)
    asked: dict[tuple[str, str], Any] = {}
    kind = type(db.db.obj)
    execute = kind.execute_sql
    for route in routes(app, method="GET"):
        rule = route.rule.rule
        if route.action == "public" or route.rule.arguments & NO_PAGE:
            continue

        def note(self: Any, sql: str, params: Any = None, _rule: str = rule) -> Any:
            if sql.startswith("SELECT") and _rule not in OF_ALL:
                asked[sql, _rule] = params
            return execute(self, sql, params)

        with patch.object(kind, "execute_sql", note):
            answer = (alice if route.action == "portal" else theirs).get(route.address(values))
        assert answer.status_code < 500, rule
    assert len(asked) > 300
    db.db.execute_sql("SET enable_seqscan = off")
    found = set()
    for (sql, rule), params in asked.items():
        tables = set(re.findall(r"Seq Scan on (\w+)", plan_of(sql, params))) - ONE - BOUNDED
        found |= {(rule, table, sql) for table in tables}
    db.db.execute_sql("SET enable_seqscan = on")
    assert not found, "\n".join(f"{rule}: {table}\n    {sql}" for rule, table, sql in sorted(found))
