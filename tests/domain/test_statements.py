"""Banks' files: read by a mapping, whole or not at all, known again; on both databases."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peewee import DatabaseError

from portal_app import money
from portal_app.db import db, transaction
from portal_app.domain import statements, store
from portal_app.domain.errors import Refused
from portal_app.domain.statements import BankStatement, Mapping, StatementLine, StatementMapping, bankfiles, tables
from portal_app.domain.statements.parsed import identities
from tests.banks import MAPPING, MARCH, bring, day, table, trust_account, upload
from tests.world import World

DOLLARS = money.currency()
OFX = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260401<LANGUAGE>ENG</SONRS>
</SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS><TRNUID>0<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>USD
<BANKACCTFROM><BANKID>1<ACCTID>8859<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST><DTSTART>20260301<DTEND>20260331
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260304120000[-6:CST]<TRNAMT>500.00<FITID>A1<NAME>DEPOSIT &amp; CO</STMTTRN>
<STMTTRN><TRNTYPE>CHECK<DTPOSTED>20260312<TRNAMT>-120.00<FITID>A2<CHECKNUM>1042<MEMO>CHECK PAID</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>380.00<DTASOF>20260331</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""


def lines() -> list[tuple[str, str, int]]:
    query = StatementLine.select().order_by(StatementLine.booked_on, StatementLine.position)
    return [(row.booked_on.strftime("%m-%d"), row.description, row.amount_cents) for row in query]


class TestAFileIsReadByItsMapping:
    @pytest.mark.parametrize(
        ("text", "order", "found"),
        [
            ("2026-03-04", "ymd", "2026-03-04"), ("20260304", "ymd", "2026-03-04"), ("3/4/26", "mdy", "2026-03-04"),
            ("04.03.2026", "dmy", "2026-03-04"), ("2026-03-04T10:11:12Z", "ymd", "2026-03-04"),
            ("03/04/2026 09:30 AM", "mdy", "2026-03-04"),
        ],
    )  # fmt: skip
    def test_days(self, text: str, order: str, found: str) -> None:
        assert tables.day(text, order).isoformat() == found

    @pytest.mark.parametrize(
        ("text", "order"), [("31/02/2026", "dmy"), ("13/14/2026", "mdy"), ("", "ymd"), ("٢٠٢٦-03-04", "ymd"),
                            ("2026", "ymd"), ("03/04/0026", "mdy")],
    )  # fmt: skip
    def test_what_is_no_day(self, text: str, order: str) -> None:
        with pytest.raises(tables.Unreadable):
            tables.day(text, order)

    @pytest.mark.parametrize(
        ("text", "decimal", "found"),
        [
            ("1,234.50", ".", 123_450), ("-$1,234.5", ".", -123_450), ("(20.00)", ".", -2_000), ("20.00-", ".", -2_000),
            ("1.234,50", ",", 123_450), ("+7", ".", 700), ("1 234,50 €", ",", 123_450), (".5", ".", 50),
            ("10.0000", ".", 1_000), ("−3.00", ".", -300),
        ],
    )  # fmt: skip
    def test_amounts(self, text: str, decimal: str, found: int) -> None:
        assert tables.cents(text, decimal, 2) == found

    @pytest.mark.parametrize(
        "text", ["", "abc", "1e3", "10.005", "1,23.45", "--5", "-5-", "٣", "NaN", "9999999999999", "=1+1", "."]
    )
    def test_what_is_no_amount(self, text: str) -> None:
        with pytest.raises(tables.Unreadable):
            tables.cents(text, ".", 2)

    @given(st.integers(-(10**10), 10**10), st.sampled_from([".", ","]))
    def test_every_amount_that_is_written_is_read(self, cents: int, decimal: str) -> None:
        hand = replace(DOLLARS, decimal=decimal, group="," if decimal == "." else ".")
        assert tables.cents(money.bare(cents, hand), decimal, 2) == cents

    def test_the_mapping_is_guessed_from_headings_and_by_trying(self) -> None:
        body = b"My Bank;;;\nBuchungstag;Verwendungszweck;Soll;Haben\n17.03.2026;Miete;1.200,00;\n2.4.2026;Zins;;3,10\n"
        found = tables.guess(body)
        assert (found.delimiter, found.skip, found.order, found.decimal) == (";", 2, "dmy", ",")
        rows = tables.read(body, found, DOLLARS).rows
        assert [(row.description, row.amount_cents) for row in rows] == [("Miete", -120_000), ("Zins", 310)]
        assert tables.columns(body, found) == ["Buchungstag", "Verwendungszweck", "Soll", "Haben"]

    def test_a_bank_that_writes_outgoing_money_as_plus(self) -> None:
        found = tables.read(b"d,t,a\n3/4/2026,Check,120.00\n", Mapping(is_reversed=True), DOLLARS)
        assert found.rows[0].amount_cents == -12_000

    def test_bad_rows_are_named_by_their_line(self) -> None:
        body = b"d,t,a\n3/4/2026,One,1.00\n3/40/2026,Two,1.00\n\n3/5/2026,Three,x\n3/6/2026,Nothing,0.00\n"
        found = tables.read(body, Mapping(), DOLLARS)
        assert [str(problem).split(":")[0] for problem in found.problems] == ["Line 3", "Line 5"]
        assert found.notes == ["Line 6 moves no money and is left out."]

    @pytest.mark.parametrize(
        "body", [b"", b"\x00\x01\x02", b'"open', b"a,b\n", "d,t,a\n3/4/2026,“x”,1\n".encode("utf-16")]
    )
    def test_rubbish_is_a_problem_and_no_crash(self, body: bytes) -> None:
        assert tables.read(body, tables.guess(body), DOLLARS).problems

    @given(st.binary(max_size=300))
    def test_no_bytes_crash_the_readers(self, body: bytes) -> None:
        tables.read(body, tables.guess(body), DOLLARS)
        tables.columns(body, tables.guess(body))
        bankfiles.is_bankfile(body)

    def test_the_same_rows_have_the_same_identities(self) -> None:
        body = b"d,t,a\n3/4/2026,Fee,-1.00\n3/4/2026,Fee,-1.00\n3/4/2026,FEE,-1.00\n"
        rows = tables.read(body, Mapping(), DOLLARS).rows
        assert len(set(identities(rows))) == 3
        assert identities(rows) == identities(rows)


class TestTheBanksOwnFormats:
    def test_ofx(self) -> None:
        assert bankfiles.is_bankfile(OFX.encode())
        found = bankfiles.read(OFX.encode(), DOLLARS)
        assert [(row.description, row.reference, row.amount_cents, row.bank_id) for row in found.rows] == [
            ("DEPOSIT & CO", "", 50_000, "A1"), ("CHECK PAID", "1042", -12_000, "A2")
        ]  # fmt: skip
        assert (found.closing_cents, found.problems) == (38_000, [])

    @pytest.mark.parametrize(
        ("was", "becomes"),
        [("-120.00", "-120.005"), ("20260312", "2026"), ("-120.00", "abc"), ("USD", "EUR"), ("<STMTRS>", "<X>"),
         ("380.00", "x")],
    )  # fmt: skip
    def test_what_cannot_be_read_stops_the_import(self, was: str, becomes: str) -> None:
        assert bankfiles.read(OFX.replace(was, becomes).encode(), DOLLARS).problems

    def test_entities_grow_and_fetch_nothing(self) -> None:
        bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
        body = bomb + OFX[OFX.index("<OFX>") :].replace("DEPOSIT &amp; CO", "&a;&b;")
        found = bankfiles.read(body.encode(), DOLLARS)
        assert [row.description for row in found.rows][:1] in ([], ["&a;&b;"])


@pytest.mark.usefixtures("world")
class TestImporting:
    def test_a_statement_is_imported_whole_and_its_mapping_is_remembered(self) -> None:
        account = trust_account()
        found = bring(account, "03-04 | Deposit | 500.00 |", "03-12 | Check | -120.00 | 1042", closing=38_000,
                      starts_on=day("03-01"), ends_on=MARCH)  # fmt: skip
        assert lines() == [("03-04", "Deposit", 50_000), ("03-12", "Check", -12_000)]
        assert (found.opening_cents, found.closing_cents, found.ends_on) == (0, 38_000, MARCH)
        assert Mapping.load(StatementMapping.get().mapping) == MAPPING
        other = upload(account, table("04-01 | Next | 1.00 |"))
        assert statements.mapping_for(other) == MAPPING

    def test_a_balance_that_was_there_before_is_brought_forward(self) -> None:
        account = trust_account()
        with pytest.raises(Refused, match=r"leave 100\.00 to begin with"):
            bring(account, "03-04 | Deposit | 500.00 |", closing=60_000)
        bring(account, "03-04 | Deposit | 500.00 |", closing=60_000, opening=10_000)
        assert lines() == [("03-04", "Balance brought forward", 10_000), ("03-04", "Deposit", 50_000)]
        assert statements.balance_on(account.id) == 60_000

    def test_what_is_imported_already_is_left_out(self) -> None:
        account = trust_account()
        bring(account, "03-04 | Deposit | 500.00 |", "03-12 | Check | -120.00 |", closing=38_000)
        found = upload(
            account, table("03-12 | Check | -120.00 |", "03-12 | Check | -120.00 |", "03-13 | Fee | -1.00 |")
        )
        shown = statements.preview(found, MAPPING, closing_cents=25_900)
        assert (shown.known, len(shown.fresh), shown.gap_cents) == (1, 2, 0)
        statements.import_statement(found, MAPPING, closing_cents=25_900)
        statements.import_statement(found, MAPPING, closing_cents=25_900)
        assert [cents for *_, cents in lines()] == [50_000, -12_000, -12_000, -100]
        again = upload(account, table("03-12 | Check | -120.00 |"))
        with pytest.raises(Refused, match="imported already"):
            statements.import_statement(again, MAPPING, closing_cents=25_900)

    def test_ofx_is_known_by_the_banks_ids(self) -> None:
        account = trust_account()
        first = upload(account, OFX.encode())
        statements.import_statement(first)
        second = upload(account, OFX.replace("DEPOSIT", "Other words").encode())
        with pytest.raises(Refused, match="imported already"):
            statements.import_statement(second, ends_on=day("04-01"))

    @pytest.mark.parametrize(
        ("rows", "closing", "changes", "says"),
        [
            (["03-04 | Deposit | 500.00 |"], None, {}, "Enter the closing balance"),
            (["03-04 | Deposit | 500.00 |"], 60_000, {"opening_cents": 5}, "not to the closing balance"),
            (["03-04 | Deposit | 500.00 |"], 60_000, {}, "Enter this opening"),
            (["03-04 | Deposit | x |"], 50_000, {}, "Line 2: “x” is no amount. Nothing was imported."),
            (["03-04 | Deposit | 500.00 |"], 50_000, {"ends_on": day("03-01"), "starts_on": day("03-02")}, "before"),
            (["03-04 | Deposit | 500.00 |"], 50_000, {"ends_on": day("03-01"), "starts_on": day("03-01")}, "outside"),
            (["03-04 | Deposit | 500.00 |"], 50_000, {"ends_on": dt.date(2199, 1, 1)}, "future"),
        ],
    )  # fmt: skip
    def test_nothing_is_imported_half(self, rows: list[str], closing: int, changes: dict[str, Any], says: str) -> None:
        found = upload(trust_account(), table(*rows))
        with pytest.raises(Refused, match=says):
            statements.import_statement(found, MAPPING, closing_cents=closing, **changes)
        assert lines() == []
        assert not statements.find(found.id).is_imported

    def test_a_statement_that_does_not_follow_on_is_refused(self) -> None:
        account = trust_account()
        bring(account, "03-04 | Deposit | 500.00 |", closing=50_000)
        found = upload(account, table("04-04 | Deposit | 1.00 |"))
        with pytest.raises(Refused, match="A statement between them is missing"):
            statements.import_statement(found, MAPPING, closing_cents=60_100)
        older = upload(account, table("03-03 | Old | 1.00 |"))
        with pytest.raises(Refused, match="to 2026-03-04 already"):
            statements.import_statement(older, MAPPING, closing_cents=50_100)

    def test_limits(self) -> None:
        account = trust_account()
        with pytest.raises(Refused, match="empty"):
            upload(account, b"")
        with pytest.raises(Refused, match="5 MB"):
            statements.upload(account, name="x", chunks=(b"x" * 1024 * 1024 for _ in range(6)), by=None)
        assert BankStatement.select().count() == 0

    def test_the_same_form_sent_twice_is_one_file(self) -> None:
        account = trust_account()
        one, two = (upload(account, table("03-04 | Deposit | 1.00 |"), key="k" * 24) for _ in range(2))
        assert one.id == two.id

    def test_a_wrong_file_is_thrown_away_with_its_lines(self) -> None:
        account = trust_account()
        found = bring(account, "03-04 | Deposit | 500.00 |", closing=50_000)
        later = bring(account, "04-04 | Deposit | 1.00 |", closing=50_100)
        with pytest.raises(Refused, match="later statement"):
            statements.remove(found)
        statements.remove(later)
        statements.remove(found)
        assert lines() == []
        with pytest.raises(store.NotStored):
            store.read(found.storage_key)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE statement_line SET amount_cents = 1", "UPDATE statement_line SET booked_on = '2026-01-01'",
            "UPDATE bank_statement SET closing_cents = 1", "UPDATE bank_statement SET sha256 = 'x'",
            "UPDATE statement_line SET explanation = 'bank_error'",
        ],
    )  # fmt: skip
    def test_the_database_keeps_what_the_bank_said(self, statement: str) -> None:
        bring(trust_account(), "03-04 | Deposit | 500.00 |", closing=50_000)
        with pytest.raises(DatabaseError), transaction():
            db.execute_sql(statement)


def test_files_that_nobody_imports_are_discarded(world: World) -> None:
    found = upload(trust_account(), table("03-04 | Deposit | 1.00 |"))
    assert statements.discard_forgotten() == 0
    BankStatement.update(uploaded_at=dt.datetime(2020, 1, 1)).where(BankStatement.id == found.id).execute()  # noqa: DTZ001  naive UTC
    assert statements.discard_forgotten() == 1
