"""The gateway's own list: everything that moved money, page by page; and how fees and payouts are booked."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from portal_app.plugin_api import (
    ExternalTransaction,
    Fund,
    LedgerFact,
    ListQuery,
    OutcomeKind,
    Response,
    Role,
    TransactionKind,
)
from portal_sandbox import gateway, office
from portal_sandbox.listed import NotListed

CARD = "4242424242424242"
KINDS = ("charge", "refund", "fee", "payout", "dispute")


def of_kind(lines: list[ExternalTransaction], kind: str) -> list[ExternalTransaction]:
    return [line for line in lines if line.kind == kind]


def charge_trust(desk: Any, order: Any, cents: int) -> Any:
    return gateway.gateway_charge(desk.ctx(), replace(order, amount_minor=cents, merchant_account="sandbox-trust"))


def test_every_movement_is_listed_once_with_its_charge(desk: Any) -> None:
    charge = desk.charge(desk.token(CARD))
    refund = desk.refund(100_000)
    desk.press("dispute", charge.gateway_reference)
    desk.clock.now += 1
    desk.charge(desk.token(CARD), "attempt-2", 20_000)
    desk.charge(desk.token("4000000000000002"), "attempt-3")
    lines = desk.listed()
    assert {kind: len(of_kind(lines, kind)) for kind in KINDS} == {
        "charge": 3, "refund": 1, "fee": 2, "payout": 0, "dispute": 1,
    }  # fmt: skip
    assert [line.occurred_at for line in lines] == sorted(line.occurred_at for line in lines)
    (gave,) = of_kind(lines, "refund")
    assert (gave.id, gave.reference, gave.amount_minor) == (refund.gateway_reference, "refund-1", 100_000)
    assert gave.charge_gateway_reference == charge.gateway_reference
    (dispute,) = of_kind(lines, "dispute")
    assert (dispute.amount_minor, dispute.outcome) == (400_000, OutcomeKind.PENDING)
    assert dispute.charge_gateway_reference == charge.gateway_reference
    taken = {line.reference: line.outcome for line in of_kind(lines, "charge")}
    assert taken == {
        "attempt-1": OutcomeKind.SUCCEEDED, "attempt-2": OutcomeKind.SUCCEEDED, "attempt-3": OutcomeKind.DECLINED,
    }  # fmt: skip


def test_an_open_payment_page_is_no_transaction(desk: Any) -> None:
    desk.charge(desk.token("4000000000003220"))
    assert desk.listed() == []


@pytest.mark.parametrize(("cents", "fee"), [(1, 30), (50, 31), (500_000, 14_530), (1_017, 59), (1_034, 60)])
def test_the_fee_is_exact(desk: Any, cents: int, fee: int) -> None:
    desk.charge(desk.token(CARD), amount_minor=cents)
    (line,) = of_kind(desk.listed(), "fee")
    assert line.amount_minor == fee


def test_a_trust_account_never_pays_a_fee(desk: Any, make_order: Any) -> None:
    charge = charge_trust(desk, make_order("attempt-1", 1, desk.token(CARD)), 10_000)
    assert [line.kind for line in desk.listed("sandbox-trust")] == ["charge"]
    (fee,) = desk.listed("sandbox-operating")
    assert (fee.kind, fee.merchant_account, fee.amount_minor) == ("fee", "sandbox-operating", 320)
    assert fee.charge_gateway_reference == charge.gateway_reference


def test_pages_join_without_a_gap_or_a_double(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "PAGE_LINES", 5)
    for number in range(6):
        desk.charge(desk.token(CARD), f"attempt-{number}", 100 + number)
        desk.clock.now += number % 2
    lines = desk.listed()
    assert len(lines) == 12, "6 charges and 6 fees, on three pages"
    assert len({(line.kind, line.id) for line in lines}) == 12
    assert len([call for call in desk.http.calls if "/v1/transactions" in call]) == 3


def test_a_void_and_its_charge_of_the_same_second_are_both_listed(desk: Any) -> None:
    charge = desk.charge(desk.token(CARD))
    desk.refund(500_000)
    lines = [(line.kind, line.id, line.outcome) for line in desk.listed() if line.kind != "fee"]
    assert lines == [
        ("charge", charge.gateway_reference, OutcomeKind.RETURNED),
        ("refund", charge.gateway_reference, OutcomeKind.SUCCEEDED),
    ]


def test_only_the_time_asked_for_is_listed(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    desk.clock.now += 100
    assert len(desk.listed(seconds=100)) == 2
    assert desk.listed(seconds=99) == []
    assert desk.listed("sandbox-trust") == []


def test_a_payout_sends_the_whole_balance_once(desk: Any, make_order: Any) -> None:
    desk.charge(desk.token(CARD))
    desk.refund(100_000)
    charge_trust(desk, make_order("attempt-2", 1, desk.token(CARD)), 10_000)
    for account in ("sandbox-operating", "sandbox-operating", "sandbox-trust", "sandbox-nowhere"):
        assert desk.press("pay_out", account) == 303
    (firms,) = of_kind(desk.listed(), "payout")
    assert firms.amount_minor == 500_000 - 14_530 - 100_000 - 320
    (clients,) = of_kind(desk.listed("sandbox-trust"), "payout")
    assert clients.amount_minor == 10_000, "client money is paid out in full"


def test_a_payout_that_the_bank_sends_back_is_held_again(desk: Any) -> None:
    desk.charge(desk.token(CARD))
    desk.press("pay_out", "sandbox-operating")
    (sent,) = of_kind(desk.listed(), "payout")
    desk.clock.now += 9 * 24 * 60 * 60
    assert "The bank sends it back" in desk.web.get("/").text
    for _ in range(2):
        desk.press("pay_out_failed", sent.id)
    assert "sent back by the bank" in desk.web.get("/").text
    (back,) = of_kind(desk.listed(), "payout")
    assert (back.id, back.amount_minor, back.outcome.value) == (sent.id, sent.amount_minor, "returned")
    assert back.occurred_at - sent.occurred_at == dt.timedelta(days=9), "a sweep of that day finds it"
    desk.press("pay_out", "sandbox-operating")
    again = {line.id for line in of_kind(desk.listed(), "payout")} - {sent.id}
    assert len(again) == 1


def test_what_went_back_is_not_paid_out(desk: Any) -> None:
    desk.charge(desk.token(CARD), "voided", 10_000)
    desk.refund(10_000, "r-1", "voided", charged=10_000)
    lost = desk.charge(desk.token(CARD), "lost", 20_000)
    won = desk.charge(desk.token(CARD), "won", 30_000)
    for charge, decision in ((lost, "lost"), (won, "won")):
        desk.press("dispute", charge.gateway_reference)
        reference = "lost" if charge is lost else "won"
        desk.press(decision, desk.lookup(reference).disputes[0].gateway_reference)
    desk.charge(desk.bank_token("000222222227"), "returned", 40_000)
    desk.charge(desk.token("4000000000005126"), "failed", 50_000)
    desk.refund(1_000, "r-2", "failed", charged=50_000)
    desk.clock.now += 120
    desk.press("pay_out", "sandbox-operating")
    fees = sum(line.amount_minor for line in of_kind(desk.listed(), "fee"))
    assert fees == 320 + 610 + 900 + 1190 + 1480
    assert of_kind(desk.listed(), "payout")[0].amount_minor == 30_000 + 50_000 - fees


def fact(kind: TransactionKind, fund: Fund) -> LedgerFact:
    transaction = ExternalTransaction(
        id="x",
        kind=kind,
        outcome=OutcomeKind.SUCCEEDED,
        amount_minor=320,
        currency="USD",
        merchant_account="sandbox-operating",
        occurred_at=dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
    )
    return LedgerFact(transaction=transaction, fund=fund)


@pytest.mark.parametrize(
    ("kind", "role"), [(TransactionKind.FEE, Role.MERCHANT_FEES), (TransactionKind.PAYOUT, Role.BANK)]
)
def test_fees_and_payouts_are_booked_against_what_the_gateway_holds(kind: TransactionKind, role: Role) -> None:
    lines = gateway.gateway_ledger_lines(fact(kind, Fund.OPERATING))
    assert [(line.role, line.amount_minor) for line in lines or ()] == [(role, 320), (Role.CLEARING, -320)]


@pytest.mark.parametrize("kind", list(TransactionKind))
def test_nothing_is_proposed_for_trust_money(kind: TransactionKind) -> None:
    assert gateway.gateway_ledger_lines(fact(kind, Fund.TRUST)) is None


@pytest.mark.parametrize("kind", [TransactionKind.CHARGE, TransactionKind.REFUND, TransactionKind.DISPUTE])
def test_what_the_portal_books_itself_is_not_proposed(kind: TransactionKind) -> None:
    assert gateway.gateway_ledger_lines(fact(kind, Fund.OPERATING)) is None


@pytest.mark.parametrize(
    "query",
    ["", "since=0", "since=0&until=x&merchant_account=sandbox-trust", "since=0&until=1&merchant_account=other",
     "since=0&until=1&merchant_account=sandbox-trust&cursor=odd",
     f"since=0&until={10**30}&merchant_account=sandbox-trust"],
)  # fmt: skip
def test_an_odd_question_is_refused(desk: Any, query: str) -> None:
    answer = desk.web.get(f"/v1/transactions?{query}", headers={"Authorization": "Bearer sk_sandbox_x"})
    assert answer.status_code == 422


@pytest.mark.parametrize("told", [{}, {"transactions": [{}], "next_cursor": ""}, {"transactions": "no"}])
@pytest.mark.parametrize("status", [200, 401, 503])
def test_an_odd_list_ends_the_sweep(desk: Any, status: int, told: dict[str, Any]) -> None:
    def odd(*_args: Any, **_named: Any) -> Response:
        return Response(status=status, body=b"", json=lambda: told)

    moment = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    query = ListQuery(since=moment, until=moment, merchant_account="sandbox-trust")
    with pytest.raises((NotListed, LookupError, TypeError, ValueError)):
        gateway.gateway_list(replace(desk.ctx(), http=odd), query)
