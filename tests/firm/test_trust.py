"""Trust on staff's pages: what is recorded, what a rule refuses, and in whose words."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from portal_app.domain import ledger, matters, trust
from portal_app.domain.mail import Email
from portal_app.domain.trust import TrustAuthorisation, TrustHold, TrustMovement
from portal_app.web import letters
from tests.trust import account, authorise, bounce, days_ago, deposit, draw, hold, incident, operating, shortfall
from tests.world import World, today

Browser = Callable[[Any], FlaskClient]
KEY = "k" * 22


def receipt(**more: str) -> dict[str, str]:
    return {
        "key": KEY, "account": str(account().id), "amount": "5,000.00", "occurred_on": today().isoformat(),
        "method": "check", "payer": "Alice Vasquez", "purpose": "Advance on fees", "reference": "2207", **more,
    }  # fmt: skip


@pytest.fixture
def erin(as_: Browser, world: World) -> FlaskClient:
    return as_(world.erin)


@pytest.fixture
def dan(as_: Browser, world: World) -> FlaskClient:
    return as_(world.dan)


@pytest.fixture
def home(world: World) -> str:
    return f"/firm/matters/{world.matter.id}/trust"


def test_a_check_is_recorded_once_and_waits_to_clear(erin: FlaskClient, world: World, home: str) -> None:
    for _ in range(2):
        assert erin.post(f"{home}/receipts", data=receipt()).status_code == 303
    row = TrustMovement.get()
    assert (row.amount_cents, row.method, row.party, row.recorded_by_id) == (
        500_000,
        "check",
        "Alice Vasquez",
        world.erin.id,
    )
    page = erin.get(home).get_data(as_text=True)
    assert "$5,000.00" in page
    assert "Clears" in page
    assert "Client not told yet" in page


def test_what_is_missing_is_marked_and_what_was_typed_stays(erin: FlaskClient, home: str) -> None:
    answer = erin.post(f"{home}/receipts", data=receipt(amount="12.345", payer="", purpose="Kept words"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "12.345" in page
    assert "Kept words" in page
    assert page.count('aria-invalid="true"') == 2
    assert not TrustMovement.select().exists()


def test_a_day_to_come_is_refused_in_the_words_of_the_rule(erin: FlaskClient, home: str) -> None:
    later = (today() + dt.timedelta(days=3)).isoformat()
    answer = erin.post(f"{home}/receipts", data=receipt(occurred_on=later))
    assert answer.status_code == 422
    rule = trust.pack().rules["T11"]
    page = answer.get_data(as_text=True)
    assert "Rule T11." in page
    assert rule.words in page
    assert rule.citation in page


def test_a_lawyer_authorizes_and_the_bookkeeper_pays(
    dan: FlaskClient, erin: FlaskClient, world: World, home: str
) -> None:
    deposit(world, 100_000)
    word = {
        "key": KEY, "account": str(account().id), "kind": "disbursement", "amount": "200.00",
        "payee": "Sample County Court", "purpose": "Filing fee",
    }  # fmt: skip
    assert erin.post(f"{home}/authorisations", data=word).status_code == 403
    assert dan.post(f"{home}/authorisations", data=word).status_code == 303
    row = TrustAuthorisation.get()
    pay = {"key": KEY, "occurred_on": today().isoformat(), "method": "check", "reference": "1041"}
    address = f"/firm/trust/authorisations/{row.id}/payment"
    assert dan.post(address, data=pay).status_code == 403
    for _ in range(2):
        assert erin.post(address, data=pay).status_code == 303
    assert trust.balance(world.matter, account()) == 80_000
    assert "authorized by Dan Wrenfield" in erin.get(home).get_data(as_text=True)


def test_more_than_there_is_cannot_be_authorized(dan: FlaskClient, world: World, home: str) -> None:
    deposit(world, 10_000)
    word = {
        "key": KEY, "account": str(account().id), "kind": "disbursement", "amount": "100.01", "payee": "X",
        "purpose": "Y",
    }  # fmt: skip
    answer = dan.post(f"{home}/authorisations", data=word)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Only $100.00 is there." in page
    assert "Rule T02." in page
    assert 'value="100.01"' in page


def test_money_moves_to_another_matter_by_its_number(
    dan: FlaskClient, erin: FlaskClient, world: World, home: str
) -> None:
    deposit(world, 10_000)
    word = {
        "key": KEY, "account": str(account().id), "kind": "transfer", "amount": "40.00", "payee": "",
        "to_matter": "no such", "purpose": "Shared expert",
    }  # fmt: skip
    assert dan.post(f"{home}/authorisations", data=word).status_code == 422
    word["to_matter"] = world.bobs_matter.number
    assert dan.post(f"{home}/authorisations", data=word).status_code == 303
    row = TrustAuthorisation.get()
    pay = {"key": KEY, "occurred_on": today().isoformat(), "method": "wire"}
    assert erin.post(f"/firm/trust/authorisations/{row.id}/payment", data=pay).status_code == 303
    assert trust.balance(world.bobs_matter, account()) == 4_000


def test_an_authorization_can_be_withdrawn(dan: FlaskClient, world: World) -> None:
    deposit(world, 10_000)
    word = authorise(world, 5_000)
    assert dan.post(f"/firm/trust/authorisations/{word.id}/withdrawal").status_code == 303
    assert trust.to_carry_out(world.matter) == []


def test_a_hold_is_released_by_somebody_else(dan: FlaskClient, erin: FlaskClient, world: World, home: str) -> None:
    deposit(world, 10_000)
    data = {"key": KEY, "account": str(account().id), "amount": "60.00", "reason": "Fee disputed"}
    assert erin.post(f"{home}/holds", data=data).status_code == 303
    row = TrustHold.get()
    note = {"key": KEY, "note": "Settled"}
    refused = erin.post(f"/firm/trust/holds/{row.id}/release", data=note)
    assert refused.status_code == 422
    assert "Rule T19." in refused.get_data(as_text=True)
    assert dan.post(f"/firm/trust/holds/{row.id}/release", data=note).status_code == 303
    assert TrustHold.get().released_by_id == world.dan.id
    too_much = erin.post(f"{home}/holds", data=data | {"key": "j" * 22, "amount": "100.01"})
    assert too_much.status_code == 422


def test_settlement_and_notice_are_noted_on_the_receipt(erin: FlaskClient, world: World) -> None:
    row = deposit(world, 10_000, method="card", ago=3)
    address = f"/firm/trust/movements/{row.id}"
    early = {"key": KEY, "cleared_on": days_ago(9).isoformat(), "note": "Statement"}
    assert erin.post(f"{address}/clearing", data=early).status_code == 422
    assert erin.post(f"{address}/clearing", data=early | {"cleared_on": today().isoformat()}).status_code == 303
    assert erin.post(f"{address}/notice", data={"how": ""}).status_code == 422
    assert erin.post(f"{address}/notice", data={"how": "By telephone"}).status_code == 303
    assert trust.not_cleared(today()) == []
    assert trust.not_told(today()) == []


def test_a_mistake_is_taken_back_by_its_opposite(erin: FlaskClient, world: World) -> None:
    row = deposit(world, 10_000)
    address = f"/firm/trust/movements/{row.id}/correction"
    assert erin.post(address, data={"key": KEY, "reason": ""}).status_code == 422
    assert erin.post(address, data={"key": KEY, "reason": "Typed twice"}).status_code == 303
    assert trust.balance(world.matter, account()) == 0
    page = erin.get(f"/firm/trust/movements/{row.id}").get_data(as_text=True)
    assert "Taken back by a correction" in page


def test_a_returned_check_comes_off_its_ledger_once(erin: FlaskClient, world: World) -> None:
    row = deposit(world, 10_000)
    draw(world, 4_000)
    address = f"/firm/trust/movements/{row.id}/return"
    data = {"key": KEY, "amount": "100.00", "occurred_on": today().isoformat(), "reason": "Insufficient funds"}
    assert erin.post(address, data=data | {"reason": ""}).status_code == 422
    assert erin.post(address, data=data | {"amount": "100.01"}).status_code == 422
    for _ in range(2):
        assert erin.post(address, data=data).status_code == 303
    assert trust.balance(world.matter, account()) == -4_000
    assert "Taken back by the payer’s bank" in erin.get(f"/firm/trust/movements/{row.id}").get_data(as_text=True)
    assert trust.to_replenish(incident()) == 4_000


def test_a_lawyer_who_moves_trust_money_applies_it_at_once(as_: Browser, world: World) -> None:
    deposit(world, 200_000)
    carol, address = as_(world.carol), f"/firm/invoices/{world.invoice.id}"
    assert "Apply trust" in carol.get(address).get_data(as_text=True)
    data = {"key": KEY, "account": str(account().id), "operating": str(operating().id), "amount": "1,000.00"}
    for _ in range(2):
        assert carol.post(f"{address}/trust", data=data).status_code == 303
    assert ledger.invoice_balance(world.invoice.id) == 24_000
    page = carol.get(address).get_data(as_text=True)
    assert "Paid from trust" in page
    assert "−$1,000.00" in page
    assert "Paid from trust" in carol.get(f"/firm/matters/{world.matter.id}/ledger").get_data(as_text=True)
    shown = as_(world.alice).get(f"/portal/invoices/{world.invoice.public_id}").get_data(as_text=True)
    assert "Paid from trust" in shown


def test_a_lawyer_who_does_not_only_authorizes_it(dan: FlaskClient, erin: FlaskClient, world: World) -> None:
    deposit(world, 200_000)
    data = {"key": KEY, "account": str(account().id), "operating": str(operating().id), "amount": "1,240.01"}
    refused = dan.post(f"/firm/invoices/{world.invoice.id}/trust", data=data)
    assert refused.status_code == 422
    assert "Rule T05." in refused.get_data(as_text=True)
    assert dan.post(f"/firm/invoices/{world.invoice.id}/trust", data=data | {"amount": "1,240.00"}).status_code == 303
    assert ledger.invoice_balance(world.invoice.id) == 124_000
    word = TrustAuthorisation.get()
    pay = {"key": KEY, "occurred_on": today().isoformat(), "method": "wire"}
    assert erin.post(f"/firm/trust/authorisations/{word.id}/payment", data=pay).status_code == 303
    assert ledger.invoice_balance(world.invoice.id) == 0


def test_a_shortfall_stands_on_today_and_is_replenished(erin: FlaskClient, world: World) -> None:
    row = shortfall(world)
    assert "Trust shortfall" in erin.get("/firm").get_data(as_text=True)
    assert "Shortfall: $7.00 to replenish" in erin.get("/firm/trust").get_data(as_text=True)
    address = f"/firm/trust/incidents/{row.id}/replenishment"
    data = {"key": KEY, "operating": str(operating().id), "occurred_on": today().isoformat(), "reference": "W-1"}
    assert erin.post(address, data=data | {"occurred_on": "never"}).status_code == 422
    for _ in range(2):
        assert erin.post(address, data=data).status_code == 303
    assert trust.open_incidents() == []
    assert "Trust shortfall" not in erin.get("/firm").get_data(as_text=True)


def test_administrators_and_the_attorney_are_alerted_once(world: World) -> None:
    receipt_row = deposit(world, 50_000)
    draw(world, 20_000)
    bounce(receipt_row)
    for _ in range(2):
        letters.trust_shortfall(incident().id)
    rows = list(Email.select().where(Email.kind == "trust_shortfall"))
    assert [row.to_address for row in rows] == ["carol@example.com"]
    assert "To replenish now: $200.00" in rows[0].text


def test_the_float_has_its_cap_and_pays_charges(erin: FlaskClient) -> None:
    here = f"/firm/trust/accounts/{account().id}"
    data = {
        "key": KEY, "kind": "float_in", "amount": "500.01", "operating": str(operating().id),
        "occurred_on": today().isoformat(), "reference": "",
    }  # fmt: skip
    refused = erin.post(f"{here}/float", data=data)
    assert refused.status_code == 422
    assert "Rule T08." in refused.get_data(as_text=True)
    assert erin.post(f"{here}/float", data=data | {"amount": "100"}).status_code == 303
    charge = {"key": "c" * 22, "amount": "25", "occurred_on": today().isoformat(), "what": "Checks"}
    assert erin.post(f"{here}/charges", data=charge | {"what": ""}).status_code == 422
    assert erin.post(f"{here}/charges", data=charge).status_code == 303
    assert trust.firm_float(account()) == 7_500


def test_the_accounting_can_be_taken_away(erin: FlaskClient, world: World, home: str) -> None:
    deposit(world, 50_000, ago=9, payer="=cmd()")
    draw(world, 20_000)
    days = f"?from={days_ago(5).isoformat()}&to={today().isoformat()}"
    lines = erin.get(f"{home}.csv{days}").get_data(as_text=True).splitlines()
    assert lines[1].endswith("Opening balance,,,,,,,500.00")
    assert lines[-1].endswith("Closing balance,,,,,,,300.00")
    assert "'=cmd()" in erin.get(f"{home}.csv").get_data(as_text=True)
    paper = erin.get(f"{home}.pdf{days}")
    assert paper.mimetype == "application/pdf"
    text = PdfReader(io.BytesIO(paper.data)).pages[0].extract_text()
    assert "$300.00" in text
    assert "Sample County Court" in text


def test_a_matter_with_money_in_trust_is_not_closed(as_: Browser, world: World) -> None:
    deposit(world, 50_000)
    answer = as_(world.carol).post(f"/firm/matters/{world.matter.id}/close", data={"closed_on": today().isoformat()})
    assert answer.status_code == 422
    assert "$500.00 is in Trust account." in answer.get_data(as_text=True)


def test_the_rule_pack_is_chosen_in_settings(as_: Browser, world: World) -> None:
    carol = as_(world.carol)
    assert carol.post("/firm/settings/trust", data={"pack": "atlantis", "float_cap": "1"}).status_code == 422
    assert carol.post("/firm/settings/trust", data={"pack": "california", "float_cap": "100,000"}).status_code == 422
    assert carol.post("/firm/settings/trust", data={"pack": "california", "float_cap": "250"}).status_code == 303
    assert (trust.pack().code, trust.in_force().float_cap_cents) == ("california", 25_000)
    assert "California Rule 1.15(d)(1)" in carol.get("/firm/settings/trust").get_data(as_text=True)


def test_what_others_may_not_see_is_one_sum(erin: FlaskClient, world: World) -> None:
    deposit(world, 50_000)
    deposit(world, 7_000, matter=world.bobs_matter)
    held = hold(world, 100)
    matters.set_access(world.matter, is_restricted=True, staff=[])
    page = erin.get(f"/firm/trust/accounts/{account().id}").get_data(as_text=True)
    assert "Thornbury" not in page
    assert "Matters that you do not see" in page
    assert "$570.00" in page
    assert erin.post(f"/firm/trust/holds/{held.id}/release", data={"note": "x"}).status_code == 404
