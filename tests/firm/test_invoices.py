"""Running an invoice: choose, preview, keep, issue, void; the lists; the paper."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_app import worker
from portal_app.db import db
from portal_app.domain import invoices, ledger, matters, timekeeping
from portal_app.domain import today as desk
from portal_app.domain.documents import DocumentVersion
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import JournalEntry
from tests.firm.pages import queries
from tests.world import World, today

As = Callable[[Any], FlaskClient]
KEY = "a-key-made-with-the-form"


def typed(world: World, **values: Any) -> dict[str, Any]:
    start = {
        "lines": [str(item.id) for item in timekeeping.unbilled(world.matter)], "key": KEY, "note": "With thanks.",
        "issued_on": today().isoformat(), "due_on": (today() + dt.timedelta(days=14)).isoformat(),
    }  # fmt: skip
    return start | values


def everything() -> dict[str, list[Any]]:
    """All rows of all tables."""
    return {name: db.execute_sql(f'SELECT * FROM "{name}"').fetchall() for name in db.get_tables()}


def test_all_unbilled_work_is_ticked_or_what_was_done_until_a_day(world: World, as_: As) -> None:
    browser, url = as_(world.carol), f"/firm/matters/{world.matter.id}/invoices/new"
    page = browser.get(url).text
    assert page.count(" checked>") == 2
    assert f'value="{(today() + dt.timedelta(days=30)).isoformat()}"' in page
    assert browser.get(f"{url}?until={(today() - dt.timedelta(days=9)).isoformat()}").text.count(" checked>") == 0
    assert browser.get(f"{url}?until=nonsense").text.count(" checked>") == 2


def test_the_sum_follows_the_choice(world: World, as_: As, htmx: dict[str, str]) -> None:
    item = timekeeping.unbilled(world.matter)[0]
    url = f"/firm/matters/{world.matter.id}/invoices/new?lines={item.id}&key={KEY}"
    piece = as_(world.carol).get(url, headers=htmx).text
    assert piece.startswith('<section id="chosen"')
    assert "$300.00" in piece
    assert "1 line of 2" in piece
    assert piece in as_(world.carol).get(url).text


def test_a_preview_shows_the_invoice_and_changes_no_table(world: World, as_: As) -> None:
    browser = as_(world.erin)
    before = everything()
    answer = browser.post(f"/firm/matters/{world.matter.id}/invoices/preview", data=typed(world))
    assert answer.status_code == 200
    for words in ("Prepared the mediation brief", "$600.00", "With thanks.", "Keep as draft", "Change the lines"):
        assert words in answer.text
    assert "Issue invoice" not in answer.text  # a bookkeeper drafts only
    assert everything() == before


@pytest.mark.parametrize("path", ["preview", "issued", ""])
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"lines": []}, "Choose at least one line."),
        ({"lines": ["999999"]}, "Some of this work is billed, changed or gone."),
        ({"lines": ["one"]}, "Some of this work is billed, changed or gone."),
        ({"due_on": "2020-01-01"}, "The due date is before the invoice date."),
        ({"due_on": "2199-01-01"}, "within a year of the invoice date"),
        ({"issued_on": "soon"}, "Enter a date as year-month-day"),
        ({"note": "x" * 2001}, "Use at most 2,000 characters."),
        ({"key": "short"}, "Open this page again"),
    ],
)
def test_what_does_not_fit_is_refused_and_kept(
    world: World, as_: As, path: str, values: dict[str, Any], sentence: str
) -> None:
    url = f"/firm/matters/{world.matter.id}/invoices/{path}".rstrip("/")
    browser = as_(world.carol)
    before = everything()
    answer = browser.post(url, data=typed(world, **values))
    assert answer.status_code == 422
    assert sentence in answer.text
    for name in ("issued_on", "due_on", "note"):
        assert str(typed(world, **values)[name]) in answer.text
    assert everything() == before


def test_a_draft_is_kept_once_and_changes_nothing_on_the_ledger(world: World, as_: As) -> None:
    browser, entries = as_(world.erin), JournalEntry.select().count()
    answers = [browser.post(f"/firm/matters/{world.matter.id}/invoices", data=typed(world)) for _ in range(2)]
    draft = Invoice.get(Invoice.public_id == KEY)
    assert {answer.location for answer in answers} == {f"/firm/invoices/{draft.id}"}
    assert (draft.total_cents, draft.terms_days, draft.number) == (60_000, 14, None)
    assert JournalEntry.select().count() == entries
    assert "A draft changes nothing" in browser.get(answers[0].location).text
    assert browser.post(f"/firm/invoices/{draft.id}/issue").status_code == 403


def test_one_form_belongs_to_one_matter(world: World, as_: As) -> None:
    as_(world.carol).post(f"/firm/matters/{world.matter.id}/invoices", data=typed(world))
    answer = as_(world.carol).post(f"/firm/matters/{world.bobs_matter.id}/invoices", data=typed(world))
    assert (answer.status_code, "belongs to another matter" in answer.text) == (422, False)
    timekeeping.record(
        world.bobs_matter, kind="flat_fee", timekeeper=world.dan, worked_on=today(), description="Lease",
        rate_cents=100, by=world.dan,
    )  # fmt: skip
    answer = as_(world.carol).post(f"/firm/matters/{world.bobs_matter.id}/invoices", data=typed(world))
    assert (answer.status_code, "belongs to another matter" in answer.text) == (422, True)


def test_issuing_says_what_happened_and_happens_once(world: World, as_: As) -> None:
    browser, count = as_(world.dan), Invoice.select().count()
    answers = [browser.post(f"/firm/matters/{world.matter.id}/invoices/issued", data=typed(world)) for _ in range(2)]
    invoice = Invoice.get(Invoice.public_id == KEY)
    assert {answer.location for answer in answers} == {f"/firm/invoices/{invoice.id}"}
    assert Invoice.select().count() == count + 1
    assert ledger.invoice_balance(invoice.id) == 60_000
    page = browser.get(answers[0].location).text
    assert f"Invoice {invoice.number} is issued: $600.00 is on the ledger." in page
    assert "Alice Vasquez-Thornbury and Frank Okonkwo" in page
    assert timekeeping.unbilled_cents(world.matter) == 0


def test_a_draft_is_issued_once_from_its_page(world: World, as_: As) -> None:
    browser, url = as_(world.dan), f"/firm/invoices/{world.draft.id}"
    dates = {"issued_on": today().isoformat(), "due_on": today().isoformat()}
    wrong = browser.post(f"{url}/issue", data=dates | {"due_on": "2020-02-02"})
    assert (wrong.status_code, 'value="2020-02-02"' in wrong.text) == (422, True)
    assert world.refresh("draft").is_draft
    entries = JournalEntry.select().count()
    for _ in range(2):
        assert browser.post(f"{url}/issue", data=dates).location == url
    assert not world.refresh("draft").is_draft
    assert JournalEntry.select().count() == entries + 1


def test_a_draft_whose_lines_are_billed_elsewhere_says_so(world: World, as_: As) -> None:
    browser = as_(world.dan)
    browser.post(f"/firm/matters/{world.matter.id}/invoices/issued", data=typed(world))
    assert "No lines left" in browser.get(f"/firm/invoices/{world.draft.id}").text
    dates = {"issued_on": today().isoformat(), "due_on": today().isoformat()}
    answer = browser.post(f"/firm/invoices/{world.draft.id}/issue", data=dates)
    assert answer.status_code == 422
    assert world.refresh("draft").is_draft


def test_a_draft_is_changed_and_discarded(world: World, as_: As) -> None:
    browser, url = as_(world.dan), f"/firm/invoices/{world.draft.id}"
    assert browser.get(f"{url}/edit").text.count(" checked>") == 1
    assert browser.post(f"{url}/edit", data=typed(world, lines=["0"])).status_code == 422
    assert browser.post(f"{url}/edit", data=typed(world)).location == url
    draft = world.refresh("draft")
    assert (draft.total_cents, draft.note, draft.terms_days) == (60_000, "With thanks.", 14)
    assert browser.post(f"{url}/discard").location == f"/firm/matters/{world.matter.id}/invoices"
    assert browser.post(f"{url}/discard").status_code == 404
    assert timekeeping.unbilled_cents(world.matter) == 60_000


def test_an_issued_invoice_is_neither_edited_nor_discarded(world: World, as_: As) -> None:
    browser, url = as_(world.carol), f"/firm/invoices/{world.invoice.id}"
    assert browser.get(f"{url}/edit").location == url
    browser.post(f"{url}/discard")
    assert "Void it to correct it" in browser.get(url).text


def test_without_recipients_it_says_that_nobody_is_told(world: World, as_: As) -> None:
    for row in matters.recipients_of(world.matter):
        matters.remove_recipient(world.matter, row.portal_user)
    browser = as_(world.carol)
    page = browser.get(f"/firm/matters/{world.matter.id}/invoices/new").text
    assert "Nobody will be told" in page
    assert f'href="/firm/matters/{world.matter.id}/settings#recipients"' in page
    answer = browser.post(f"/firm/matters/{world.matter.id}/invoices/issued", data=typed(world))
    assert "It is shared with nobody yet." in browser.get(answer.location).text


def test_without_unbilled_work_it_leads_to_time(world: World, as_: As) -> None:
    page = as_(world.carol).get(f"/firm/matters/{world.bobs_matter.id}/invoices/new").text
    assert "No unbilled work" in page
    assert f'href="/firm/matters/{world.bobs_matter.id}/time"' in page


def test_the_paper_is_awaited_then_shown(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser, url = as_(world.carol), f"/firm/invoices/{world.invoice.id}"
    piece = browser.get(url, headers=htmx).text
    assert piece.startswith('<section id="paper"')
    assert 'hx-trigger="every 2s"' in piece
    assert browser.get(f"{url}/pdf").status_code == 404
    worker.turn()
    assert DocumentVersion.select().where(DocumentVersion.document == world.invoice.document_id).exists()
    piece = browser.get(url, headers=htmx).text
    assert "hx-trigger" not in piece
    assert piece in browser.get(url).text
    shown, kept = browser.get(f"{url}/pdf"), browser.get(f"{url}/pdf?download=1")
    assert shown.data.startswith(b"%PDF")
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert kept.headers["Content-Disposition"].startswith("attachment")
    assert browser.get(f"/firm/invoices/{world.draft.id}/pdf").status_code == 404


def test_voiding_needs_a_reason_and_happens_once(world: World, as_: As) -> None:
    browser, url = as_(world.erin), f"/firm/invoices/{world.second.id}"
    wrong = browser.post(f"{url}/void", data={"reason": " "})
    assert (wrong.status_code, "Fill in this field." in wrong.text, "<details open>" in wrong.text) == (422, True, True)
    assert browser.post(f"{url}/void", data={"reason": "x" * 201}).status_code == 422
    entries = JournalEntry.select().count()
    for _ in range(2):
        assert browser.post(f"{url}/void", data={"reason": "Wrong rate"}).location == url
    assert JournalEntry.select().count() == entries + 1
    assert "Wrong rate" in browser.get(url).text
    assert as_(world.dan).post(f"/firm/invoices/{world.invoice.id}/void", data={"reason": "No"}).status_code == 403


@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("", ["Draft", "2026"], []),
        ("?state=draft", ["Draft"], ["Past due"]),
        ("?state=overdue", ["Past due"], ["Due ", ">Draft<"]),
        ("?state=open", ["Due "], ["Past due since"]),
        ("?state=void", ["No such invoice"], []),
        ("?state=nonsense", ["Past due"], []),
        ("?q=sample+holdings", ["Sample Holdings Co."], ["Thornbury"]),
        ("?q=%25", ["No such invoice"], []),
    ],
)
def test_the_list_of_all_is_filtered(
    world: World, as_: As, htmx: dict[str, str], query: str, there: list[str], not_there: list[str]
) -> None:
    page = as_(world.erin).get(f"/firm/invoices{query}").text
    piece = as_(world.erin).get(f"/firm/invoices{query}", headers=htmx).text
    assert piece in page
    assert all(words in piece for words in [word.replace("2026", str(today().year)) for word in there])
    assert not any(words in piece for words in not_there)


def test_an_invoice_is_found_by_its_number(world: World, as_: As, htmx: dict[str, str]) -> None:
    piece = as_(world.erin).get(f"/firm/invoices?q={world.second.number}", headers=htmx).text
    assert world.second.number in piece
    assert world.invoice.number not in piece


def test_others_invoices_are_not_there(world: World, as_: As) -> None:
    matters.set_access(world.matter, is_restricted=True, staff=[])
    browser = as_(world.dan)
    assert "Thornbury" not in browser.get("/firm/invoices").text
    for path in ("", "/edit", "/pdf"):
        assert browser.get(f"/firm/invoices/{world.invoice.id}{path}").status_code == 404
    for path in ("issue", "discard"):
        assert browser.post(f"/firm/invoices/{world.draft.id}/{path}").status_code == 404
    assert as_(world.alice).get(f"/firm/invoices/{world.invoice.id}").status_code == 404
    assert as_(world.carol).get(f"/firm/invoices/{world.invoice.id}").status_code == 200


def test_a_draft_comes_to_what_its_work_comes_to_now(world: World, as_: As) -> None:
    browser = as_(world.carol)
    (line,) = invoices.lines_of(world.draft)
    timekeeping.change(line.work_item, quantity_hundredths=1_000)
    assert desk.work_to_bill(world.carol).drafts == desk.Tally(1, 200_000)
    for url in ("/firm/invoices", f"/firm/matters/{world.matter.id}/invoices", f"/firm/invoices/{world.draft.id}"):
        assert "2,000.00" in browser.get(url).text
    timekeeping.remove(line.work_item)
    assert desk.work_to_bill(world.carol).drafts == desk.Tally(1, 0)
    assert "No lines left" in browser.get(f"/firm/invoices/{world.draft.id}").text


def test_lists_cost_no_query_each(world: World, as_: As) -> None:
    browser = as_(world.carol)
    matter = f"/firm/matters/{world.matter.id}"
    paths = ("/time", "/invoices", "/invoices/new", "/ledger", "/events", "/ledger.csv")
    urls = ["/firm/invoices", "/firm/time", *(f"{matter}{path}" for path in paths)]
    before = [queries(browser, url) for url in urls]
    for number in range(5):
        for rate_cents in (100, 200):
            timekeeping.record(
                world.matter, kind="time", timekeeper=world.dan, worked_on=today(), description="More",
                rate_cents=rate_cents, by=world.dan,
            )  # fmt: skip
        draft = invoices.draft(world.matter, [timekeeping.unbilled(world.matter)[-1].id], by=world.dan)
        if number < 3:
            invoices.issue(draft, issued_on=today(), due_on=today(), by=world.dan)
    assert [queries(browser, url) for url in urls] == before
    assert max(before) <= 12


def test_only_what_was_looked_at_is_issued(world: World, as_: As) -> None:
    """The work of a draft changes in another tab: the page says so instead of billing another amount."""
    browser, path = as_(world.dan), f"/firm/invoices/{world.draft.id}"
    days = {"issued_on": today().isoformat(), "due_on": today().isoformat()}
    seen = re.search(r'name="seen" value="([0-9]+)"', browser.get(path).text)
    assert seen
    item = invoices.lines_of(world.draft)[0].work_item
    timekeeping.change(item, rate_cents=99_900)
    answer = browser.post(f"{path}/issue", data={**days, "seen": seen[1]})
    assert (answer.status_code, "it comes to $1,498.50 now" in answer.text) == (422, True)
    assert Invoice.get_by_id(world.draft.id).number is None
    assert browser.post(f"{path}/issue", data={**days, "seen": "149850"}).status_code == 303
    assert Invoice.get_by_id(world.draft.id).total_cents == 149_850


def test_going_back_and_choosing_again_issues_the_new_choice(world: World, as_: As) -> None:
    browser, base = as_(world.dan), f"/firm/matters/{world.matter.id}/invoices"
    both = typed(world)["lines"]
    assert browser.post(base, data=typed(world)).status_code == 303
    preview = browser.post(f"{base}/preview", data=typed(world, lines=both[:1])).text
    seen = re.search(r'name="seen" value="([0-9]+)"', preview)
    assert seen
    assert browser.post(f"{base}/issued", data=typed(world, lines=both[:1], seen=seen[1])).status_code == 303
    assert Invoice.get(Invoice.public_id == KEY).total_cents == int(seen[1]) == 30_000
