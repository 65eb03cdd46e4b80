"""A bank's file on the firm's pages: brought, shown, imported, matched, reconciled, closed; and what is refused."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pypdf
import pytest
from flask.testing import FlaskClient

from portal_app.domain import reconciliations, statements, trust
from portal_app.domain.ledger import JournalEntry
from portal_app.domain.reconciliations import Reconciliation
from portal_app.domain.statements import BankStatement, StatementLine, StatementMapping
from portal_app.web import paper
from tests.banks import APRIL, MARCH, accept, bring, deposit, march, table, trust_account, upload
from tests.world import World

CSV = b"Bank\nDate;Text;Amount\n4.3.2026;Deposit;500,00\n12.3.2026;Check;-120,00\n"
MAPPED = {"delimiter": ";", "skip": "2", "date": "0", "order": "dmy", "text": "1", "text2": "-1", "reference": "-1",
          "amount": "2", "debit": "-1", "credit": "-1", "sign": "plain", "decimal": ","}  # fmt: skip


def brought(page: FlaskClient, body: bytes = CSV, name: str = "march.csv", key: str = "k" * 24) -> Any:
    at = f"/firm/reconciliations/accounts/{trust_account().id}/statements"
    return page.post(at, data={"file": (io.BytesIO(body), name), "key": key}, content_type="multipart/form-data")


class TestBringing:
    def test_a_file_is_read_shown_and_imported(self, world: World, as_: Any, htmx: dict[str, str]) -> None:
        erin = as_(world.erin)
        answer = brought(erin)
        assert answer.status_code == 303
        page = erin.get(answer.location).text
        assert "Enter the closing balance" in page
        assert "500.00" in page
        shown = erin.get(f"{answer.location}?closing=380.00&opening=&starts_on=&ends_on=", headers=htmx).text
        assert "follow on what is here already" in shown
        assert "<html" not in shown
        done = erin.post(f"{answer.location}/import", data=MAPPED | {"closing": "380.00"})
        assert (done.status_code, done.location) == (303, answer.location)
        assert [row.amount_cents for row in StatementLine.select().order_by(StatementLine.id)] == [50_000, -12_000]
        assert StatementMapping.select().count() == 1
        assert erin.post(f"{answer.location}/import", data=MAPPED).status_code == 303
        assert StatementLine.select().count() == 2
        assert "2 lines of 2 are not accounted for" in erin.get(answer.location).text

    def test_the_preview_follows_what_is_chosen(self, world: World, as_: Any) -> None:
        erin = as_(world.erin)
        at = brought(erin).location
        wrong = erin.get(at, query_string=MAPPED | {"order": "ymd"}).text
        assert "2 lines cannot be read" in wrong
        assert "Line 3: “4.3.2026”" in wrong or "Line 3:" in wrong
        odd = erin.get(at, query_string={"delimiter": "zzz", "skip": "9" * 9, "amount": "77", "date": "x"})
        assert odd.status_code == 200

    @pytest.mark.parametrize(
        ("change", "says"),
        [({"closing": "abc"}, "abc"), ({"closing": "1.00"}, "Enter this opening"), ({"closing": ""}, "closing"),
         ({"closing": "380.00", "starts_on": "2026-13-01"}, "no such day"),
         ({"closing": "380.00", "amount": "99"}, "Choose from the list"),
         ({"closing": "380.00", "ends_on": "2026-03-05"}, "outside these days")],
    )  # fmt: skip
    def test_bad_input_imports_nothing_and_keeps_what_was_typed(
        self, world: World, as_: Any, change: dict[str, str], says: str
    ) -> None:
        erin = as_(world.erin)
        at = brought(erin).location
        answer = erin.post(f"{at}/import", data=MAPPED | {"opening": ""} | change)
        assert answer.status_code == 422
        assert says in answer.text
        assert StatementLine.select().count() == 0
        typed = next(iter(change.values()))
        assert typed in answer.text

    def test_no_file_an_empty_one_and_the_same_one_twice(self, world: World, as_: Any) -> None:
        erin = as_(world.erin)
        at = f"/firm/reconciliations/accounts/{trust_account().id}/statements"
        assert "Choose a file" in erin.post(at, data={"key": "k" * 24}).text
        assert "The file is empty" in brought(erin, b"").text
        one, two = brought(erin), brought(erin)
        assert one.location == two.location
        assert BankStatement.select().count() == 1

    def test_a_file_is_thrown_away(self, world: World, as_: Any) -> None:
        erin = as_(world.erin)
        at = brought(erin).location
        assert erin.post(f"{at}/remove").status_code == 303
        assert erin.get(at).status_code == 404

    def test_markup_and_formulas_are_only_text(self, world: World, as_: Any) -> None:
        erin = as_(world.erin)
        body = b'Date,Text,Amount\n2026-03-04,"=cmd|calc <script>alert(1)</script>",5.00\n'
        page = erin.get(brought(erin, body, "<b>.csv").location).text
        assert "<script>alert" not in page
        assert "=cmd|calc &lt;script&gt;" in page


class TestMatching:
    def test_one_press_accepts_and_another_takes_back(self, world: World, as_: Any) -> None:
        erin = as_(world.erin)
        deposit(world, "03-03", 50_000)
        found = bring(trust_account(), "03-04 | Deposit | 500.00 |", closing=50_000, ends_on=MARCH)
        line = statements.lines_of(found)[0]
        assert "Same amount, 1 day apart" in erin.get(f"/firm/statements/{found.id}").text
        for _ in range(2):
            assert erin.post(f"/firm/statements/{found.id}/matches", data={"line": line.id}).status_code == 303
        assert reconciliations.open_lines(trust_account()) == []
        page = erin.get(f"/firm/statement-lines/{line.id}").text
        assert "Take this match back" in page
        assert erin.post(f"/firm/statement-lines/{line.id}/open").status_code == 303
        assert len(reconciliations.open_lines(trust_account())) == 1

    def test_it_is_searched_and_matched_by_hand(self, world: World, as_: Any, htmx: dict[str, str]) -> None:
        erin = as_(world.erin)
        deposit(world, "03-03", 20_000, reference="77")
        deposit(world, "03-03", 30_000)
        found = bring(trust_account(), "03-30 | Deposit | 500.00 |", closing=50_000, ends_on=MARCH)
        line = statements.lines_of(found)[0]
        at = f"/firm/statement-lines/{line.id}"
        assert erin.get(f"{at}?q=77", headers=htmx).text.count('name="posting"') == 1
        ids = [row.id for row in reconciliations.open_postings(trust_account())]
        wrong = erin.post(f"{at}/match", data={"posting": ids[:1]})
        assert (wrong.status_code, "300.00 apart" in wrong.text, "checked" in wrong.text) == (422, True, True)
        assert erin.post(f"{at}/match", data={"posting": ["x", "9" * 30]}).status_code == 422
        assert erin.post(f"{at}/match", data={"posting": ids}).status_code == 303
        assert reconciliations.open_lines(trust_account()) == []

    def test_what_is_chosen_stays_while_one_searches_on_and_is_added_up(
        self, world: World, as_: Any, htmx: dict[str, str]
    ) -> None:
        erin = as_(world.erin)
        deposit(world, "03-03", 20_000, reference="77")
        deposit(world, "03-03", 30_000)
        found = bring(
            trust_account(), "03-30 | Part one | 450.00 |", "03-31 | Part two | 50.00 |", closing=50_000, ends_on=MARCH
        )
        one, two = statements.lines_of(found)
        at = f"/firm/statement-lines/{one.id}"
        first, second = reconciliations.open_postings(trust_account())
        page = erin.get(f"{at}?q=no+such&posting={first.id}").text
        assert page.count('name="posting"') == 1
        assert re.search(rf'value="{first.id}" checked', page)
        sums = erin.get(f"{at}/sums?posting={first.id}&posting={second.id}&line={two.id}", headers=htmx).text
        assert ("2 lines" in sums, "2 entries" in sums, "They are one" in sums, "<html" in sums) == (*[True] * 3, False)
        apart = erin.get(f"{at}/sums?posting={first.id}", headers=htmx).text
        assert "Apart" in apart
        assert "$250.00" in apart
        answer = erin.post(f"{at}/match", data={"posting": [first.id, second.id], "line": two.id})
        assert answer.status_code == 303
        assert reconciliations.open_lines(trust_account()) == []
        assert "together with 1 other line" in erin.get(f"/firm/statements/{found.id}").text
        assert "Part two" in erin.get(at).text

    def test_a_suggestion_of_several_lines_is_one_press(self, world: World, as_: Any) -> None:
        erin = as_(world.erin)
        deposit(world, "03-03", 50_000)
        found = bring(
            trust_account(), "03-03 | Part one | 450.00 |", "03-04 | Part two | 50.00 |", closing=50_000, ends_on=MARCH
        )
        one, two = statements.lines_of(found)
        page = erin.get(f"/firm/statements/{found.id}").text
        assert "2 lines come to this entry’s amount" in page
        assert "Accept the suggestion" in page
        answer = erin.post(f"/firm/statements/{found.id}/matches", data={"line": [one.id, two.id]})
        assert answer.status_code == 303
        assert reconciliations.open_lines(trust_account()) == []

    def test_the_banks_error_is_noted_with_a_reason(self, world: World, as_: Any) -> None:
        erin = as_(world.erin)
        trust_account()
        found = bring(trust_account(), "03-30 | Not ours | 5.00 |", closing=500, ends_on=MARCH)
        at = f"/firm/statement-lines/{statements.lines_of(found)[0].id}"
        assert erin.post(f"{at}/explanation", data={"note": " "}).status_code == 422
        assert erin.post(f"{at}/explanation", data={"note": "Another firm’s"}).status_code == 303
        assert "Another firm’s" in erin.get(f"/firm/statements/{found.id}/reconciliation").text
        assert erin.post(f"{at}/open").status_code == 303
        assert StatementLine.get().explanation == ""


class TestClosing:
    def test_it_closes_when_it_is_equal_and_prints_the_report(self, world: World, as_: Any) -> None:
        erin, found = as_(world.erin), march(world)
        at = f"/firm/statements/{found.id}/reconciliation"
        page = erin.get(at).text
        assert "are one, to the cent" in page
        assert page.count("$425.00") == 3
        answer = erin.post(f"{at}/close")
        closed = Reconciliation.get()
        assert answer.location == f"/firm/reconciliations/{closed.id}"
        assert "is being printed" in erin.get(answer.location).text
        assert erin.get(f"{answer.location}/pdf").status_code == 404
        paper.store_reconciliation(closed.id)
        paper.store_reconciliation(closed.id)
        report = erin.get(f"{answer.location}/pdf")
        assert (report.status_code, report.data[:5], report.mimetype) == (200, b"%PDF-", "application/pdf")
        assert paper.reconciliation_pdf(reconciliations.find(closed.id)) == report.data
        assert reconciliations.find(closed.id).report.sha256 in erin.get(answer.location).text
        assert erin.get(at).location == answer.location
        assert "This period is closed" in erin.get(f"/firm/statements/{found.id}").text

    def test_what_a_gateway_has_leads_to_its_entries(self, world: World, as_: Any) -> None:
        at = trust.open_clearing("fake", trust_account(), "Taken by Fake for trust")
        statement = march(world)
        deposit(world, "03-30", 20_000, at=at)
        deposit(world, "03-31", 1_100, at=at)
        entries = JournalEntry.select().order_by(JournalEntry.id.desc()).limit(2)
        erin = as_(world.erin)
        pages = [erin.get(f"/firm/statements/{statement.id}/reconciliation").text]
        closed = reconciliations.close(statement, by=world.erin)
        pages.append(erin.get(f"/firm/reconciliations/{closed.id}").text)
        for page in pages:
            assert "/firm/books/accounts/clearing:fake:trust?to=2026-03-31" in page
            assert all(f"/firm/ledger/{entry.id}" in page for entry in entries)
            assert f"/firm/books/accounts/trust:{trust_account().id}?to=2026-03-31&amp;matter=2026-0001" in page
        paper.store_reconciliation(closed.id)
        report = pypdf.PdfReader(io.BytesIO(erin.get(f"/firm/reconciliations/{closed.id}/pdf").data))
        text = " ".join(page.extract_text() for page in report.pages)
        assert "211.00" in text
        assert all(f"entry {entry.id}" in text for entry in entries)

    def test_a_closing_of_before_with_one_sum_for_a_gateway_is_still_shown(self, world: World, as_: Any) -> None:
        closed = reconciliations.close(march(world), by=world.erin)
        old_one = {"day": "2026-03-31", "text": "Taken by Fake", "cents": 5, "entry_id": None, "line_id": None}
        facts = closed.facts | {"gateways": [old_one]}
        old = Reconciliation(snapshot=json.dumps(facts, default=str))
        assert old.facts["gateways"][0]["place"] is None

    def test_what_is_not_equal_is_not_closed(self, world: World, as_: Any) -> None:
        erin = as_(world.erin)
        march(world)
        found = bring(trust_account(), "04-02 | Charge | -5.00 |", closing=37_500, ends_on=APRIL)
        at = f"/firm/statements/{found.id}/reconciliation"
        page = erin.get(at).text
        assert "1 line of the bank is not accounted for" in page
        assert "Close to" not in page
        for act in ("close", "signature"):
            answer = erin.post(f"{at}/{act}")
            assert (answer.status_code, "Nothing was changed" in answer.text) == (422, True)
        assert erin.post(f"{at}/offsets", data={"posting": "1"}).status_code == 422
        assert Reconciliation.select().count() == 0

    def test_an_administrator_opens_it_again(self, world: World, as_: Any) -> None:
        closed = reconciliations.close(march(world), by=world.erin)
        at = f"/firm/reconciliations/{closed.id}"
        assert "Open the period again" not in as_(world.erin).get(at).text
        carol = as_(world.carol)
        assert carol.post(f"{at}/reopening", data={"reason": ""}).status_code == 422
        assert carol.post(f"{at}/reopening", data={"reason": "The bank sent another"}).status_code == 303
        assert "opened again" in carol.get(at).text
        assert "Opened again" in carol.get(f"/firm/reconciliations/accounts/{trust_account().id}").text

    def test_today_reminds_before_and_warns_after(self, world: World, as_: Any) -> None:
        deposit(world, "03-03", 50_000)
        page = as_(world.erin).get("/firm").text
        assert "Reconciliation is overdue" in page
        assert re.search(r"Trust account to Mar 31, 2026, by Apr 30, 2026", page)
        assert "Reconciliation" not in as_(world.dan).get("/firm").text

    def test_a_file_that_is_not_imported_has_no_reconciliation(self, world: World, as_: Any) -> None:
        found = upload(trust_account(), table("03-04 | Deposit | 1.00 |"))
        assert as_(world.erin).get(f"/firm/statements/{found.id}/reconciliation").status_code == 404

    def test_the_next_month_begins_where_the_last_ended(self, world: World, as_: Any) -> None:
        reconciliations.close(march(world), by=world.erin)
        found = bring(
            trust_account(), "04-01 | Deposit | 75.00 |", "04-02 | Check | -30.00 | 1043", closing=42_500, ends_on=APRIL
        )
        accept(found)
        page = as_(world.erin).get(f"/firm/statements/{found.id}/reconciliation").text
        assert "Apr 1, 2026 to Apr 30, 2026" in page
