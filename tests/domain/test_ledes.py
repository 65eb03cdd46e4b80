"""Invoices as LEDES 1998B, checked by a receiver's rules."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from portal_app.domain import exports, firms, invoices, matters, payments, timekeeping, utbms
from portal_app.domain.errors import Refused
from portal_app.domain.exports import Wanted, ledes
from portal_app.domain.invoices import Invoice
from tests import books
from tests.ledes_rules import FIELDS, Line, faults
from tests.world import World, today


def file_of(*rows: Invoice) -> str:
    found = [invoices.with_balances().where(Invoice.id == row.id).get() for row in rows]
    return ledes.invoices_of(found)


def lines_of(text: str) -> list[Line]:
    return [dict(zip(FIELDS, record.split("|"), strict=True)) for record in text.split("[]\r\n")[2:-1]]


def billed(world: World, matter: matters.Matter, *work: tuple[str, int, int, str], **codes: Any) -> Invoice:
    """An issued invoice of this work: kind, hundredths, rate in cents, description."""
    items = [
        timekeeping.record(
            matter, kind=kind, timekeeper=world.dan, worked_on=today() - dt.timedelta(days=3), description=text,
            quantity_hundredths=quantity, rate_cents=rate, by=world.carol, **codes,
        )
        for kind, quantity, rate, text in work
    ]  # fmt: skip
    draft = invoices.draft(matter, [item.id for item in items], by=world.carol)
    return invoices.issue(draft, issued_on=today(), due_on=today(), by=world.carol)


def test_an_invoice_passes_a_receivers_rules(world: World) -> None:
    text = file_of(world.invoice)
    assert faults(text) == []
    time, expense = lines_of(text)
    assert (time["EXP/FEE/INV_ADJ_TYPE"], expense["EXP/FEE/INV_ADJ_TYPE"]) == ("F", "E")
    assert time["INVOICE_TOTAL"] == "1240.00"
    assert (time["LINE_ITEM_NUMBER_OF_UNITS"], time["LINE_ITEM_UNIT_COST"]) == ("3.00", "400.00")
    assert time["TIMEKEEPER_NAME"] == "Quillfeather, Carol"
    assert time["LAW_FIRM_ID"] == "12-3456789"
    assert time["LAW_FIRM_MATTER_ID"] == world.matter.number
    assert time["INVOICE_DATE"] == f"{world.invoice.issued_on:%Y%m%d}"


def test_what_the_client_knows_it_by_and_the_codes_of_work(world: World) -> None:
    world.client.ledes_id, world.matter.client_matter_id = "ACME-77", "LIT/2026/9"
    world.dan.timekeeper_id, world.dan.timekeeper_class = "DW", "AS"
    for row in (world.client, world.matter, world.dan):
        row.save()
    found = billed(
        world, world.matter, ("time", 100, 100, "Call"), task_code="L110", activity_code="A106", expense_code=""
    )
    (line,) = lines_of(file_of(found))
    told = {name: line[name] for name in FIELDS if line[name]}
    assert told | {
        "CLIENT_ID": "ACME-77", "CLIENT_MATTER_ID": "LIT/2026/9", "TIMEKEEPER_ID": "DW",
        "TIMEKEEPER_CLASSIFICATION": "AS", "LINE_ITEM_TASK_CODE": "L110", "LINE_ITEM_ACTIVITY_CODE": "A106",
    } == told  # fmt: skip
    assert faults(file_of(found)) == []


def test_what_a_cent_was_rounded_by_is_its_adjustment(world: World) -> None:
    work = [("time", quantity, rate, "Odd") for quantity in (1, 33, 67, 199) for rate in (1, 33_333, 42_525, 99_999)]
    found = billed(world, world.matter, *work, ("flat_fee", 100, 12_345, "Flat"))
    text = file_of(found)
    assert faults(text) == []
    adjustments = {line["LINE_ITEM_ADJUSTMENT_AMOUNT"] for line in lines_of(text)}
    assert "0.00" in adjustments
    assert any(amount.startswith("-0.00") for amount in adjustments)


def test_no_text_breaks_a_line(world: World) -> None:
    nasty = [*books.NASTY, "a|b", "ends with []", "two\r\nlines", "[]\r\n", "日本"]
    world.matter.name = "Pipes | and [] and “quotes”"
    world.matter.save()
    text = file_of(billed(world, world.matter, *(("time", 10, 100, each) for each in nasty)))
    assert faults(text) == []
    told = [line["LINE_ITEM_DESCRIPTION"] for line in lines_of(text)]
    assert "a/b" in told
    assert 'naive Unicode - "dash"' in told
    assert "??" in told


def test_a_batch_leaves_drafts_and_void_invoices_out(world: World) -> None:
    gone = billed(world, world.matter, ("time", 100, 10_000, "Gone"))
    invoices.void(gone, reason="Wrong", on=today(), by=world.carol)
    text = "".join(exports.EXPORTS["ledes"].write(Wanted(), today()))
    assert faults(text) == []
    numbers = {line["INVOICE_NUMBER"] for line in lines_of(text)}
    assert numbers == {world.invoice.number, world.second.number, world.bobs_invoice.number}
    late = Wanted(since=world.second.issued_on)
    text = "".join(ledes.batch(late))
    assert {line["INVOICE_NUMBER"] for line in lines_of(text)} == {world.second.number, world.bobs_invoice.number}
    assert ledes.count(late) == 2


def test_a_credit_note_is_a_line_of_its_own(world: World) -> None:
    for cents, key in ((20_000, "a-key-of-the-first-note"), (1_050, "a-key-of-the-second")):
        payments.adjust(
            world.invoice, kind="credit_note", amount_cents=cents, reason="Too|long", key=key, by=world.carol
        )
    gone = payments.adjust(
        world.invoice, kind="credit_note", amount_cents=500, reason="Wrong", key="a-key-of-the-third", by=world.carol
    )
    payments.undo(gone, by=world.carol)
    payments.adjust(
        world.second, kind="written_off", amount_cents=500, reason="Gone", key="a-key-of-a-write-off", by=world.carol
    )
    text = file_of(world.invoice, world.second)
    assert faults(text) == []
    credit = [line for line in lines_of(text) if line["EXP/FEE/INV_ADJ_TYPE"] == "IF"]
    assert [line["LINE_ITEM_TOTAL"] for line in credit] == ["-200.00", "-10.50"]
    assert {line["INVOICE_TOTAL"] for line in credit} == {"1029.50"}
    assert lines_of(text)[-1]["INVOICE_TOTAL"] == "800.00", "a write-off asks for no less"


def test_a_batch_is_joined_from_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = "".join(ledes.batch(Wanted()))
    monkeypatch.setattr(ledes, "BATCH", 1)
    assert "".join(ledes.batch(Wanted())) == whole


def test_what_cannot_be_sent_is_refused_in_words(world: World) -> None:
    with pytest.raises(Refused, match="a draft"):
        file_of(world.draft)
    matters.change(world.matter, number="A-number-of-more-than-20-characters")
    with pytest.raises(Refused, match="at most 20 characters"):
        file_of(world.invoice)
    firms.change(law_firm_id="")
    with pytest.raises(Refused, match="Settings, E-billing"):
        file_of(world.second)
    with pytest.raises(Refused):
        ledes.batch(Wanted())
    firms.change(law_firm_id="1", currency="EUR")
    with pytest.raises(Refused, match="dollars"):
        file_of(world.bobs_invoice)


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        ("|3.00|", "|3.10|"), ("|1240.00|", "|1240.01|"), ("LEDES1998B[]", "LEDES98BI[]"), ("|F|", "|X|"),
        ("|1|F|", "|2|F|"), ("12-3456789", ""), ("exhibits", "exhib|its"), ("exhibits", "exhibíts"),
        ("[]\r\n2", "\r\n2"),
        ("|3.00|0.00|1200.00|", "|-3.00|2400.00|1200.00|"),
    ],
)  # fmt: skip
def test_the_rules_notice_what_is_wrong(world: World, was: str, is_now: str) -> None:
    text = file_of(world.invoice)
    assert was in text
    assert faults(text.replace(was, is_now, 1)) != []


def test_a_task_code_has_a_form() -> None:
    assert utbms.clean_task(" l110 ") == "L110"
    assert utbms.clean_task("") == ""
    with pytest.raises(Refused):
        utbms.clean_task("L11")
