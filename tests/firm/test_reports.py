"""Reports as staff reads them: the same figures on page, paper and CSV, each leading to what it is made of."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pypdf
import pytest
from flask.testing import FlaskClient

from portal_app.domain import matters, reports, timekeeping
from tests import trust as trusts
from tests.domain.test_payments import pay
from tests.world import World, today

As = Callable[[Any], FlaskClient]
HOME = "/firm/reports"


def rows_of(browser: FlaskClient, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(browser.get(address).text, newline="")))


def links(text: str) -> list[str]:
    table = text.split("<tbody>")[1].split("</tbody>", maxsplit=1)[0]
    return [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]+)"', table)]


@pytest.fixture
def trust(world: World) -> None:
    """$500.00 in trust for alice's matter, $70.00 for bob's."""
    for matter, cents in ((world.matter, 50_000), (world.bobs_matter, 7_000)):
        trusts.deposit(world, cents, matter=matter)


@pytest.mark.parametrize("name", list(reports.REPORTS))
class TestEveryReport:
    def test_has_a_page_a_paper_and_a_table_of_the_same_figures(
        self, world: World, as_: As, trust: None, name: str
    ) -> None:
        pay(world, 150_000)
        browser, report = as_(world.carol), reports.REPORTS[name]
        assert f'href="{HOME}/{name}"' in browser.get(HOME).text
        for by in report.groups:
            page = browser.get(f"{HOME}/{name}?by={by}").text
            assert re.search(r"<svg[^>]*role=\"img\"[^>]*aria-labelledby=\"chart-t chart-d\"", page)
            assert "<desc" in page
            rows = rows_of(browser, f"{HOME}/{name}/csv?by={by}")
            assert page.split("<tbody>")[1].split("</tbody>")[0].count("<tr>") == len(rows) > 0
            table = report.table(world.carol, reports.Wanted(today=today(), by=by))
            assert list(rows[0]) == [column.key for column in table.columns]
            for column, total in zip(table.columns, table.totals, strict=True):
                if column.kind == "money" and total is not None:
                    assert sum(round(float(row[column.key]) * 100) for row in rows) == total

    def test_its_paper_says_the_same(self, world: World, as_: As, trust: None, name: str) -> None:
        pay(world, 150_000)
        answer = as_(world.erin).get(f"{HOME}/{name}/pdf")
        assert answer.mimetype == "application/pdf"
        text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.data)).pages)
        report = reports.REPORTS[name]
        assert report.title in text
        totals = report.table(world.erin, reports.Wanted(today=today())).totals
        assert f"{int(str(max(value for value in totals if isinstance(value, int)))) / 100:,.2f}" in text

    def test_every_figure_leads_somewhere(self, world: World, as_: As, trust: None, name: str) -> None:
        pay(world, 150_000)
        browser, seen, waiting = as_(world.carol), set(), [f"{HOME}/{name}"]
        while waiting:
            address = waiting.pop()
            answer = browser.get(address)
            assert answer.status_code == 200, address
            seen.add(address)
            if address.startswith(f"{HOME}/") and "<tbody>" in answer.text:
                waiting += [link for link in links(answer.text) if link not in seen and link not in waiting]
        things = {address.split("?")[0].rsplit("/", 2)[-2] for address in seen if not address.startswith(HOME)}
        assert things, "some link leaves the report for the thing itself"
        assert len(seen) < 120

    def test_a_restricted_matter_is_left_out_for_others(self, world: World, as_: As, trust: None, name: str) -> None:
        pay(world, 150_000)
        matters.set_access(world.matter, is_restricted=True, staff=[])
        for by in reports.REPORTS[name].groups:
            for kind in ("", "/csv"):
                erins = as_(world.erin).get(f"{HOME}/{name}{kind}?by={by}").text
                figures = erins if kind else erins.split('id="figures"')[1]
                assert world.matter.number not in figures
                assert world.client.name not in figures
        by = "matter" if name != "cash" else "client"
        wanted = world.matter.number if name != "cash" else world.client.name
        assert wanted in as_(world.carol).get(f"{HOME}/{name}/csv?by={by}").text

    def test_odd_filters_are_left_out(self, world: World, as_: As, name: str) -> None:
        odd = "by=nothing&from=yesterday&to=2026-02-31&client=-1&attorney=x&age=99&matter=9999999999999999999&rows=1"
        assert as_(world.erin).get(f"{HOME}/{name}?{odd}").status_code == 200
        assert as_(world.erin).get(f"{HOME}/{name}?client=424242").status_code == 200


def test_ages_are_counted_from_the_day_that_is_asked_for(world: World, as_: As) -> None:
    browser = as_(world.erin)
    (alice, bob) = rows_of(browser, f"{HOME}/receivables/csv?by=client")
    assert (alice["client"], alice["days_1_30"], alice["not_due"], alice["owed"]) == (
        world.client.name, "1240.00", "800.00", "2040.00",
    )  # fmt: skip
    assert bob["not_due"] == "400.00"
    later = today() + timedelta(days=100)
    (alice, _) = rows_of(browser, f"{HOME}/receivables/csv?by=client&to={later}")
    assert (alice["days_over_90"], alice["days_61_90"]) == ("1240.00", "800.00")
    before = today() - timedelta(days=30)
    (alice,) = rows_of(browser, f"{HOME}/receivables/csv?by=client&to={before}")
    assert alice["owed"] == "1240.00", "the second invoice was not issued yet"


def test_an_age_leads_to_its_invoices(world: World, as_: As) -> None:
    browser = as_(world.erin)
    page = browser.get(f"{HOME}/receivables?by=client").text
    (address,) = [link for link in links(page) if link.endswith("age=1") and f"client={world.client.id}" in link]
    answer = browser.get(address).text
    assert f'href="/firm/invoices/{world.invoice.id}"' in answer
    assert f'href="/firm/invoices/{world.second.id}"' not in answer
    assert "Only what is 1–30 days overdue" in answer


def test_what_came_and_what_went_back_by_month(world: World, as_: As) -> None:
    from portal_app import gateways
    from portal_app.domain import payments

    payment = pay(world, 150_000)
    gateways.refund(
        payments.start_refund(
            payment, amount_cents=20_000, expected_left_cents=150_000, is_owed_again=True, reason="Too much",
            key="a-key-of-this-refund", by=world.carol,
        )
    )  # fmt: skip
    rows = rows_of(as_(world.erin), f"{HOME}/cash/csv")
    assert len(rows) == 12
    assert rows[-1] == {
        "month": f"{today():%Y-%m}", "received": "1500.00", "given_back": "200.00", "net": "1300.00",
        "trust_in": "0.00", "trust_out": "0.00",
    }  # fmt: skip
    entries = rows_of(as_(world.erin), f"{HOME}/cash/csv?by=entry")
    assert [row["description"] for row in entries] == ["Refunded", "Paid from portal"]


def test_trust_is_covered(world: World, as_: As, trust: None) -> None:
    assert "hold exactly this sum" in as_(world.carol).get(f"{HOME}/trust").text
    assert "exactly this sum" not in as_(world.carol).get(f"{HOME}/trust?client={world.client.id}").text
    rows = rows_of(as_(world.erin), f"{HOME}/trust/csv?by=ledger")
    assert [(row["account"], row["matter"], row["held"]) for row in rows] == [
        ("trust:2", world.matter.number, "500.00"), ("trust:2", world.bobs_matter.number, "70.00"),
    ]  # fmt: skip


def test_unbilled_work_by_who_did_it(world: World, as_: As) -> None:
    timekeeping.record(
        world.matter, kind="expense", timekeeper=world.carol, worked_on=today(), description="Copies",
        rate_cents=1_050, by=world.carol,
    )  # fmt: skip
    rows = rows_of(as_(world.dan), f"{HOME}/unbilled/csv?by=timekeeper")
    assert [(row["timekeeper"], row["hours"], row["expenses"], row["unbilled"]) for row in rows] == [
        ("Carol Quillfeather", "0.00", "10.50", "10.50"), ("Dan Wrenfield", "3.00", "0.00", "600.00"),
    ]  # fmt: skip
    only = rows_of(as_(world.dan), f"{HOME}/unbilled/csv?by=client&timekeeper={world.carol.id}")
    assert [row["unbilled"] for row in only] == ["10.50"]


def test_filters_stay_in_the_address(world: World, as_: As) -> None:
    pay(world, 150_000)
    page = as_(world.erin).get(f"{HOME}/cash?by=client&from=2026-01-01&attorney={world.carol.id}").text
    kept = f"by=client&amp;attorney={world.carol.id}"
    assert re.search(rf'href="{HOME}/cash/csv\?from=2026-01-01&amp;{kept}"', page)
    assert f'<option value="{world.carol.id}" selected>' in page
    everything = as_(world.erin).get(f"{HOME}/cash?from=").text
    assert f'href="{HOME}/cash/pdf?by=month&amp;from="' in everything


def test_a_client_who_is_named_like_a_formula_is_only_text(world: World, as_: As) -> None:
    world.client.name = '=HYPERLINK("https://evil.example.com")<script>'
    world.client.save()
    (row, _) = rows_of(as_(world.erin), f"{HOME}/receivables/csv?by=client")
    assert row["client"].startswith("'=")
    assert "<script>" not in as_(world.erin).get(f"{HOME}/receivables?by=client").text.split('id="figures"')[1]


def test_a_long_report_says_what_is_left_out(world: World, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal_app.firm import reports as pages

    monkeypatch.setattr(pages, "ROWS", 1)
    page = as_(world.erin).get(f"{HOME}/receivables?by=client").text
    assert "1 more" in page
    assert "$2,440.00" in page, "the total is that of all rows"


def test_nothing_to_show(world: World, as_: As) -> None:
    assert "Nothing to show" in as_(world.erin).get(f"{HOME}/trust").text
    assert as_(world.erin).get(f"{HOME}/trust/pdf").status_code == 200
