"""What a page asks of the database does not grow with the firm: neither a client's page nor the staff's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal_app import db
from portal_app.domain import mail, matters
from tests.growing import APART, grow
from tests.routes import alices, routes
from tests.world import World

SMALL, LARGE = 60, 3  # so many times the cast's firm, and that again
NO_PAGE = {"token", "tag", "name"}
# What adds up or lists all that there is, as its name says; or what waits for somebody, of which everything is copied,
# too: in a firm that does its work, no more waits than before.
OF_ALL = {
    "/firm",
    "/firm/books/accounts/<account_code>/ledger.csv",
    "/firm/exports/<export>",
    "/firm/matters/new",  # its list of clients
    "/firm/reconciliations",
    "/firm/reconciliations/accounts/<int:bank_account_id>",
    "/firm/records",  # its list of people
    "/firm/records.csv",
    "/firm/reports/<report>",
    "/firm/reports/<report>/csv",
    "/firm/reports/<report>/pdf",
    "/firm/statement-lines/<int:line_id>",
    "/firm/statement-lines/<int:line_id>/sums",
    "/firm/statements/<int:statement_id>",
    "/firm/statements/<int:statement_id>/reconciliation",
    "/firm/time",  # how much is not billed yet
    "/firm/trust",
    "/firm/trust/accounts/<int:bank_account_id>",
}
STEPS = 20  # of the database's own machine, at which it calls


@pytest.mark.parametrize("staff", ["carol", "dan"])
def test_no_page_costs_more_in_a_larger_firm(
    world: World, app: Flask, as_: Callable[[Any], FlaskClient], staff: str
) -> None:
    """An administrator's pages, and those of somebody from whom matters are hidden."""
    values = alices(world)
    for name in "two", "three":  # so that more letters are there than a page shows
        mail.write("invitation", world.frank, subject=name, text=name, html="", fact=name)
    matters.set_access(world.bobs_matter, is_restricted=True, staff=[])
    theirs, alice = as_(getattr(world, staff)), as_(world.alice)
    pages = [
        route for route in routes(app, method="GET") if route.action != "public" and not route.rule.arguments & NO_PAGE
    ]
    taken = [0]

    def count() -> None:
        taken[0] += 1

    def measure() -> dict[str, int]:
        found = {}
        file = db.db.connection()
        file.set_progress_handler(count, STEPS)
        for route in pages:
            browser, address = alice if route.action == "portal" else theirs, route.address(values)
            taken[0] = 0
            if browser.get(address).status_code == 200:
                found[route.rule.rule] = taken[0] * STEPS
        file.set_progress_handler(None, STEPS)
        return found

    grow(db.db.connection(), SMALL)
    measure()  # who looks for the first time is recorded
    small = measure()
    grow(db.db.connection(), LARGE, SMALL * APART)
    large = measure()
    assert len(small) > 60
    assert staff != "carol" or set(small) >= OF_ALL
    grown = {
        rule: (few, large[rule]) for rule, few in small.items() if rule not in OF_ALL and large[rule] > few * 1.2 + 400
    }
    assert not grown, "\n".join(f"{few:9,} {many:9,} {rule}" for rule, (few, many) in sorted(grown.items()))
