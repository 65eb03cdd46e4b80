"""Time & expenses: recording, correcting in place, what may not be changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app.domain import firms, invoices, matters, timekeeping
from portal_app.domain.firms import Firm
from portal_app.domain.timekeeping import WorkItem
from tests.firm.pages import without_token
from tests.world import World, today

As = Callable[[Any], FlaskClient]


def typed(world: World, **values: str) -> dict[str, str]:
    start = {
        "kind": "time", "worked_on": today().isoformat(), "timekeeper": str(world.dan.id), "quantity": "1:30",
        "rate": "200", "description": "Call with the client", "is_billable": "y",
    }  # fmt: skip
    return start | values


def newest() -> WorkItem:
    return WorkItem.select().order_by(WorkItem.id.desc()).get()


@pytest.mark.parametrize(
    ("values", "quantity", "cents"),
    [
        ({}, 150, 30_000),
        ({"quantity": "0.1", "rate": "$1,000.50"}, 10, 10_005),
        ({"rate": ""}, 150, 46_500),
        ({"kind": "expense", "quantity": "214", "rate": "0.25"}, 21_400, 5_350),
        ({"kind": "flat_fee", "rate": "2400"}, 100, 240_000),
    ],
)
def test_work_of_each_kind_is_recorded(
    world: World, as_: As, values: dict[str, str], quantity: int, cents: int
) -> None:
    home = f"/firm/matters/{world.matter.id}/time"
    answer = as_(world.dan).post(home, data=typed(world, **values))
    assert (answer.status_code, answer.location) == (303, f"{home}?kind={values.get('kind', 'time')}")
    item = newest()
    assert (item.quantity_hundredths, item.amount_cents, item.timekeeper_id) == (quantity, cents, world.dan.id)
    assert item.is_billable


def test_adding_gives_an_empty_form_the_entry_in_its_place_and_the_sum(
    world: World, as_: As, htmx: dict[str, str]
) -> None:
    home = f"/firm/matters/{world.matter.id}/time"
    answer = as_(world.dan).post(home, data=typed(world), headers=htmx)
    row, *rest, form = answer.text.split("<hx-partial")
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#work tbody", "afterbegin"), "the newest"
    assert row.startswith(f'<tr id="work-{newest().id}"')
    assert (row.count("<tr"), "Call with the client" in row) == (1, True)
    assert 'hx-target="#work-form"' in form
    assert "Call with the client" not in form
    assert "autofocus" in form
    assert [part.split('"')[1] for part in rest] == ["#unbilled", "#work-said"]
    assert "$900.00" in rest[0]
    assert "Time added: $300.00." in rest[1]

    older = as_(world.dan).post(home, data=typed(world, worked_on="2020-01-02"), headers=htmx)
    before = timekeeping.for_matter(world.matter)[-2]
    assert (older.headers["HX-Retarget"], older.headers["HX-Reswap"]) == (f"#work-{before.id}", "afterend")


def test_the_first_entry_brings_the_table_and_the_last_takes_it(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser = as_(world.dan)
    matter = matters.open_matter(number="N-1", name="New", client=world.client, opened_on=today(), by=world.carol)
    home = f"/firm/matters/{matter.id}/time"
    first = browser.post(home, data=typed(world), headers=htmx)
    assert first.headers["HX-Retarget"] == "#work"
    assert first.text.startswith('<section id="work"')
    last = browser.post(f"{home}/{newest().id}/remove", headers=htmx)
    assert last.headers["HX-Retarget"] == "#work"
    assert "Nothing recorded yet" in last.text


def test_an_entry_that_is_not_shown_comes_with_the_older_ones(world: World, as_: As, htmx: dict[str, str]) -> None:
    for number in range(50):
        timekeeping.record(
            world.matter, kind="time", timekeeper=world.dan, worked_on=today(), description=f"Work {number}",
            quantity_hundredths=10, rate_cents=100, is_billable=True, by=world.dan,
        )  # fmt: skip
    data = typed(world, worked_on="2020-01-02")
    answer = as_(world.dan).post(f"/firm/matters/{world.matter.id}/time", data=data, headers=htmx)
    assert "HX-Retarget" not in answer.headers
    assert answer.text.startswith('<section id="work-form"')
    assert "Time added" in answer.text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("rate", "abc", "Enter an amount in figures"),
        ("rate", "1e3", "Enter an amount in figures"),
        ("rate", "-5", "Enter an amount above zero."),
        ("rate", "0", "Enter an amount above zero."),
        ("rate", "10.005", "at most 2 digits"),
        ("quantity", "1.555", "at most two decimals"),
        ("quantity", "2,5", "at most two decimals, for example 1.5"),
        ("quantity", "0", "Enter a number above zero."),
        ("worked_on", "2026-02-30", "There is no such day."),
        ("description", "", "Fill in this field."),
        ("description", "x" * 2001, "Use at most 2,000 characters."),
        ("timekeeper", "99999", "Choose from the list."),
    ],
)
def test_what_cannot_be_understood_is_kept_and_marked(
    world: World, as_: As, htmx: dict[str, str], field: str, value: str, sentence: str
) -> None:
    before = WorkItem.select().count()
    data = typed(world, description="A thing to keep") | {field: value}
    for headers in ({}, htmx):
        answer = as_(world.dan).post(f"/firm/matters/{world.matter.id}/time", data=data, headers=headers)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert (value if field != "timekeeper" else "A thing to keep") in answer.text
    assert WorkItem.select().count() == before


def test_a_timekeeper_without_a_usual_rate_needs_one(world: World, as_: As) -> None:
    world.dan.rate_cents = 0
    world.dan.save()
    answer = as_(world.dan).post(f"/firm/matters/{world.matter.id}/time", data=typed(world, rate=""))
    assert answer.status_code == 422
    assert "this timekeeper has no usual one" in answer.text


def test_choosing_a_timekeeper_brings_the_usual_rate(world: World, as_: As, htmx: dict[str, str]) -> None:
    url = f"/firm/matters/{world.matter.id}/time/rate?timekeeper={world.dan.id}"
    piece = as_(world.carol).get(url, headers=htmx).text
    assert piece.startswith('<div id="work-rate">')
    assert 'value="310.00"' in piece
    assert without_token(piece) in without_token(as_(world.carol).get(url).text)


def test_an_unbilled_row_is_edited_in_place(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser, item = as_(world.dan), timekeeping.unbilled(world.matter)[0]
    url = f"/firm/matters/{world.matter.id}/time/{item.id}"
    piece = browser.get(f"{url}/edit", headers=htmx).text
    assert piece.startswith(f'<tr class="picked" id="work-{item.id}"')
    assert 'value="1.50"' in piece
    assert without_token(piece) in without_token(browser.get(f"{url}/edit").text)
    row = browser.get(url, headers=htmx).text
    assert row.count("<tr") == 1
    assert without_token(row) in without_token(browser.get(url).text)
    data = typed(world, quantity="2")
    wrong = browser.post(url, data=data | {"rate": "ten"}, headers=htmx)
    assert (wrong.status_code, 'value="ten"' in wrong.text, wrong.text.count("<tr")) == (422, True, 1)
    answer = browser.post(url, data=data, headers=htmx).text
    assert answer.startswith(f'<tr id="work-{item.id}"')
    assert "Call with the client" in answer
    assert "work-form" not in answer, "what is typed for the next entry stays"
    assert ('hx-target="#unbilled"' in answer, "Saved." in answer) == (True, True)
    item = WorkItem.get_by_id(item.id)
    assert (item.description, item.amount_cents) == ("Call with the client", 40_000)


def test_removing_twice_removes_once(world: World, as_: As) -> None:
    item = timekeeping.unbilled(world.matter)[1]
    before = WorkItem.select().count()
    for _ in range(2):
        answer = as_(world.dan).post(f"/firm/matters/{world.matter.id}/time/{item.id}/remove")
        assert answer.status_code == 303
    assert WorkItem.select().count() == before - 1


def test_removing_takes_the_row_alone(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser, item = as_(world.dan), timekeeping.unbilled(world.matter)[1]
    url = f"/firm/matters/{world.matter.id}/time/{item.id}/remove"
    for said in ("Removed.", "It was removed already."):
        answer = browser.post(url, headers=htmx)
        assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == (f"#work-{item.id}", "delete")
        assert said in answer.text
        assert "work-form" not in answer.text


def test_billed_work_names_its_invoice_and_stays(world: World, as_: As) -> None:
    browser = as_(world.carol)
    item = WorkItem.get(WorkItem.billed_invoice_id == world.invoice.id)
    url = f"/firm/matters/{world.matter.id}/time"
    assert f'href="/firm/invoices/{world.invoice.id}">{world.invoice.number}</a>' in browser.get(url).text
    assert browser.get(f"{url}/{item.id}/edit").location == f"/firm/invoices/{world.invoice.id}"
    answer = browser.post(f"{url}/{item.id}", data=typed(world))
    assert (answer.status_code, "Void the invoice to correct it" in answer.text) == (422, True)
    browser.post(f"{url}/{item.id}/remove")
    assert WorkItem.get_by_id(item.id).description != "Call with the client"


def test_others_objects_are_not_there(world: World, as_: As) -> None:
    item = WorkItem.get(WorkItem.matter == world.bobs_matter.id)
    assert as_(world.carol).get(f"/firm/matters/{world.matter.id}/time/{item.id}/edit").status_code == 404
    matters.set_access(world.matter, is_restricted=True, staff=[])
    assert as_(world.dan).get(f"/firm/matters/{world.matter.id}/time").status_code == 404
    assert "Thornbury" not in as_(world.dan).get("/firm/time").text


def test_who_may_not_record_reads_only(world: World, as_: As) -> None:
    browser, home = as_(world.erin), f"/firm/matters/{world.matter.id}/time"
    assert "Add time" not in browser.get(home).text
    assert browser.post(home, data=typed(world)).status_code == 403


def test_a_closed_matter_takes_no_work(world: World, as_: As) -> None:
    matters.close(world.matter, today())
    home = f"/firm/matters/{world.matter.id}/time"
    assert "This matter is closed" in as_(world.dan).get(home).text
    answer = as_(world.dan).post(home, data=typed(world))
    assert (answer.status_code, "Reopen it to record work" in answer.text) == (422, True)


def test_work_on_a_matter_that_is_not_billable_is_never_unbilled(world: World, as_: As) -> None:
    matters.change(world.bobs_matter, billing_method="not_billable")
    as_(world.dan).post(f"/firm/matters/{world.bobs_matter.id}/time", data=typed(world))
    assert timekeeping.unbilled_cents(world.bobs_matter) == 0
    assert not newest().is_billable


def test_the_page_of_all_work_leads_to_a_matter(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser = as_(world.dan)
    page = browser.get("/firm/time?q=lease").text
    piece = browser.get("/firm/time?q=lease", headers=htmx).text
    assert without_token(piece) in without_token(page)
    assert f'href="/firm/matters/{world.bobs_matter.id}/time"' in piece
    assert "Thornbury" not in piece
    assert "$600.00" in page
    assert invoices.numbers([world.second.id])[world.second.id] in page


def test_long_lists_come_in_steps(world: World, as_: As) -> None:
    for number in range(60):
        timekeeping.record(
            world.matter, kind="time", timekeeper=world.dan, worked_on=today(), description=f"Piece {number}",
            rate_cents=100, by=world.dan,
        )  # fmt: skip
    home = f"/firm/matters/{world.matter.id}/time"
    assert "Piece 0<" not in as_(world.dan).get(home).text
    assert "rows=100" in as_(world.dan).get(home).text
    assert "Piece 0<" in as_(world.dan).get(f"{home}?rows=100").text


def test_numbers_are_typed_and_shown_as_the_firms_country_writes_them(world: World, as_: As) -> None:
    """Two and a half hours in Germany are 2,5; taken for English they would be billed as twenty-five."""
    firms.change(locale="en_DE")
    home = f"/firm/matters/{world.matter.id}/time"
    browser = as_(world.dan)
    assert browser.post(home, data=typed(world, quantity="2,5", rate="1.000,50")).status_code == 303
    item = newest()
    assert (item.quantity_hundredths, item.amount_cents) == (250, 250_125)
    refused = browser.post(home, data=typed(world, quantity="2.5"))
    assert (refused.status_code, "for example 1,5." in refused.text) == (422, True)
    assert 'value="2,50"' in browser.get(f"{home}/{item.id}/edit").text
    assert browser.post(home, data=typed(world, quantity=",25")).status_code == 303
    assert newest().quantity_hundredths == 25


@pytest.mark.parametrize("page", ["settings/trust", "trust/accounts/2", "invoices/1"])
def test_amounts_carry_the_sign_of_the_books(world: World, as_: As, page: str) -> None:
    Firm.update(currency="EUR").execute()
    text = as_(world.carol).get(f"/firm/{page}").text
    assert '<span aria-hidden="true">€</span>' in text
    assert "$" not in text
