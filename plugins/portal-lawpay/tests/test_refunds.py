"""Giving money back: void or refund by the rules, never twice, never more, and found again when the answer is lost."""

from __future__ import annotations

from typing import Any

import pytest

from portal_app.plugin_api import Context, Method, NeverSent, OutcomeKind, RefundFact
from portal_emulator.faults import Dropped
from portal_lawpay.api import Unclear


def verbs(desk: Any) -> list[str]:
    return [call.rpartition("/")[2] for call, _ in desk.http.posts() if not call.endswith("/charges")]


def test_a_whole_charge_of_today_is_voided(desk: Any) -> None:
    charge = desk.charge()
    outcome = desk.refund(charge, 204_000)
    assert (outcome.kind, outcome.amount_minor) == (OutcomeKind.SUCCEEDED, 204_000)
    assert outcome.gateway_reference == charge.gateway_reference
    assert verbs(desk) == ["void"]
    assert desk.charges()[0]["void_reference"] == "refund-1"
    assert desk.look_up_refund(charge).kind is OutcomeKind.SUCCEEDED
    found = desk.look_up()
    fact = RefundFact(
        gateway_reference=charge.gateway_reference,
        kind=OutcomeKind.SUCCEEDED,
        amount_minor=204_000,
        reference="refund-1",
    )
    assert (found.kind, found.refunds) == (OutcomeKind.SUCCEEDED, (fact,))


def test_a_whole_charge_of_yesterday_is_refunded(desk: Any) -> None:
    charge = desk.charge()
    desk.advance(days=1)
    outcome = desk.refund(charge, 204_000)
    assert (outcome.kind, outcome.amount_minor) == (OutcomeKind.SUCCEEDED, 204_000)
    assert outcome.gateway_reference != charge.gateway_reference
    assert verbs(desk) == ["refund"]
    assert desk.look_up().refunds[0].reference == "refund-1"


def test_a_part_is_never_a_void(desk: Any) -> None:
    charge = desk.charge()
    for number, cents in enumerate((1, 99_999, 104_000)):
        given = sum((1, 99_999, 104_000)[:number])
        outcome = desk.refund(charge, cents, f"refund-{number}", refunded_minor=given)
        assert (outcome.kind, outcome.amount_minor) == (OutcomeKind.SUCCEEDED, cents)
    assert verbs(desk) == ["refund"] * 3
    assert [fact.amount_minor for fact in desk.look_up().refunds] == [1, 99_999, 104_000]
    assert desk.charges()[0]["status"] == "AUTHORIZED"


def test_what_is_left_of_a_charge_is_no_whole_charge(desk: Any) -> None:
    charge = desk.charge()
    desk.api("POST", f"charges/{charge.gateway_reference}/refund", {"amount": 4_000})
    outcome = desk.refund(charge, 200_000, refunded_minor=4_000)
    assert (outcome.kind, verbs(desk)) == (OutcomeKind.SUCCEEDED, ["refund"])


def test_a_refund_at_lawpay_that_the_portal_does_not_know_stops_the_void_and_more_than_is_left(desk: Any) -> None:
    charge = desk.charge()
    desk.api("POST", f"charges/{charge.gateway_reference}/refund", {"amount": 4_000})
    outcome = desk.refund(charge, 204_000)
    assert (outcome.kind, outcome.code) == (OutcomeKind.DECLINED, "refund_exceeds_transaction")
    assert sum(row["amount"] for row in desk.refunds()) == 4_000


def test_the_nightly_run_in_between_makes_it_a_refund(desk: Any) -> None:
    charge = desk.charge()
    read = desk.http.__class__.__call__

    class Night(desk.http.__class__):
        def __call__(self, method: str, url: str, **named: Any) -> Any:
            if url.endswith("/void"):
                desk.advance(days=1)
            return read(self, method, url, **named)

    desk.http.__class__ = Night
    outcome = desk.refund(charge, 204_000)
    assert (outcome.kind, verbs(desk)) == (OutcomeKind.SUCCEEDED, ["void", "refund"])
    assert len(desk.refunds()) == 1


def test_an_echeck_is_refunded_when_it_settles(desk: Any) -> None:
    charge = desk.charge(method=Method.BANK)
    outcome = desk.refund(charge, 500, method=Method.BANK)
    assert outcome.kind is OutcomeKind.PENDING
    assert desk.look_up_refund(charge, gateway_reference=outcome.gateway_reference).kind is OutcomeKind.PENDING
    desk.advance(days=3)
    assert desk.look_up_refund(charge, gateway_reference=outcome.gateway_reference).kind is OutcomeKind.SUCCEEDED


def test_a_refund_that_is_voided_later_has_failed(desk: Any) -> None:
    charge = desk.charge()
    refund = desk.refund(charge, 500)
    desk.api("POST", f"transactions/{refund.gateway_reference}/void", {})
    assert desk.look_up_refund(charge, gateway_reference=refund.gateway_reference).kind is OutcomeKind.DECLINED
    assert [fact.kind for fact in desk.look_up().refunds] == [OutcomeKind.DECLINED]


@pytest.mark.parametrize("cents", [204_000, 700])
@pytest.mark.parametrize("fault", ["lost_answer", "error_after", "garbage"])
def test_a_lost_answer_is_found_and_not_given_twice(desk: Any, fault: str, cents: int) -> None:
    charge = desk.charge()
    desk.world.faults.switch_on(fault, calls=1, only="POST /v1")
    if fault == "lost_answer":
        with pytest.raises(Dropped):
            desk.refund(charge, cents)
    else:
        assert desk.refund(charge, cents).kind is OutcomeKind.UNKNOWN
    found = desk.look_up_refund(charge)
    assert (found.kind, found.amount_minor) == (OutcomeKind.SUCCEEDED, cents)
    again = desk.refund(charge, cents)
    assert (again.kind, again.gateway_reference) == (found.kind, found.gateway_reference)
    assert len(desk.refunds()) == (0 if cents == 204_000 else 1)


@pytest.mark.parametrize("fault", ["error_before", "unavailable", "unauthorized", "rate_limited"])
def test_a_refund_that_was_not_taken_is_absent(desk: Any, fault: str) -> None:
    charge = desk.charge()
    desk.world.faults.switch_on(fault, calls=1, only="POST /v1")
    assert desk.refund(charge, 700).kind is OutcomeKind.UNKNOWN
    assert desk.look_up_refund(charge).kind is OutcomeKind.ABSENT
    assert desk.refunds() == []


@pytest.mark.parametrize("fault", ["down", "unavailable", "unauthorized", "garbage"])
def test_a_charge_that_cannot_be_read_is_not_refunded(desk: Any, fault: str) -> None:
    charge = desk.charge()
    desk.world.faults.switch_on(fault, calls=1)
    with pytest.raises((Dropped, Unclear)):
        desk.refund(charge, 700)
    assert verbs(desk) == []


def test_a_charge_that_lawpay_does_not_know_is_not_refunded(desk: Any) -> None:
    charge = desk.charge()
    assert desk.refund(charge, 700, charge_gateway_reference="unheard-of").kind is OutcomeKind.NOT_SUBMITTED
    assert verbs(desk) == []


def test_a_request_that_never_left_is_not_submitted(desk: Any, unplugged: Context) -> None:
    charge = desk.charge()
    desk.http = unplugged.http
    with pytest.raises(NeverSent):
        desk.refund(charge, 700)
    assert desk.look_up_refund(charge).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize("change", [{"charged_minor": 5}, {"currency": "CAD"}])
def test_another_charge_than_the_portal_means_is_not_refunded(desk: Any, change: Any) -> None:
    charge = desk.charge()
    assert desk.refund(charge, 5, **change).kind is OutcomeKind.NOT_SUBMITTED
    assert verbs(desk) == []


def test_without_the_charges_id_it_is_found_by_its_reference(desk: Any) -> None:
    charge = desk.charge()
    outcome = desk.refund(charge, 700, charge_gateway_reference="")
    assert outcome.kind is OutcomeKind.SUCCEEDED
    assert desk.look_up_refund(charge, charge_gateway_reference="").amount_minor == 700


def test_more_than_is_left_is_declined_by_lawpay(desk: Any) -> None:
    charge = desk.charge()
    desk.refund(charge, 204_000 - 1, "refund-1")
    outcome = desk.refund(charge, 2, "refund-2", refunded_minor=204_000 - 1)
    assert (outcome.kind, outcome.code) == (OutcomeKind.DECLINED, "refund_exceeds_transaction")


def test_refunds_that_do_not_add_up_prove_no_absence(desk: Any, canned: Any) -> None:
    charge = desk.charge()
    told = desk.api("GET", f"transactions/{charge.gateway_reference}") | {"amount_refunded": 700}
    desk.http = canned({f"GET transactions/{charge.gateway_reference}": [(200, told)]}).http
    assert desk.look_up_refund(charge).kind is OutcomeKind.UNKNOWN


def test_a_charge_without_the_field_has_no_refunds(desk: Any, canned: Any) -> None:
    charge = desk.charge()
    told = desk.api("GET", f"transactions/{charge.gateway_reference}")
    del told["refunds"]
    desk.http = canned({f"GET transactions/{charge.gateway_reference}": [(200, told)]}).http
    assert desk.look_up_refund(charge).kind is OutcomeKind.ABSENT
    assert desk.look_up_refund(charge, gateway_reference="r1").kind is OutcomeKind.UNKNOWN
