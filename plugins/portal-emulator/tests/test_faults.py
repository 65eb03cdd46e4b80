"""Each fault: what the caller sees, what was taken nevertheless, how long it lasts."""

from __future__ import annotations

import pytest

from portal_emulator.faults import KINDS, Dropped
from portal_emulator.testing import CARD, Api, Json, Time

CHARGE = {"amount": 700, "method": CARD, "reference": "attempt 7"}


def taken(api: Api) -> list[Json]:
    """What stands in the books, seen past all faults."""
    answer: list[Json] = api.app.test_client().get("/control/transactions").get_json()
    return answer


@pytest.mark.parametrize(("fault", "waited"), [("lost_answer", []), ("no_answer", [30])])
def test_the_charge_is_taken_and_nobody_hears_of_it(api: Api, waits: list[int], fault: str, waited: list[int]) -> None:
    api.world.faults.switch_on(fault, calls=1)
    with pytest.raises(Dropped):
        api.call("POST", "charges", CHARGE)
    assert waits == waited
    assert [(t["reference"], t["status"]) for t in taken(api)] == [("attempt 7", "AUTHORIZED")]
    assert api.charge(1)["status"] == "AUTHORIZED"
    assert [(c.status, c.note) for c in api.world.calls] == [(200, fault), (200, "")]


def test_500_after_the_charge_was_taken(api: Api) -> None:
    api.world.faults.switch_on("error_after", calls=1)
    assert api.refused("POST", "charges", CHARGE, status=500)["code"] == "server_error"
    assert len(taken(api)) == 1


def test_500_before_it_was_taken(api: Api) -> None:
    api.world.faults.switch_on("error_before", calls=1)
    assert api.refused("POST", "charges", CHARGE, status=500)["code"] == "server_error"
    assert taken(api) == []
    assert api.call("POST", "charges", CHARGE).status_code == 200


def test_an_unreadable_answer(api: Api) -> None:
    api.world.faults.switch_on("garbage", calls=1)
    answer = api.call("POST", "charges", CHARGE)
    assert answer.status_code == 200
    assert answer.get_json(silent=True) is None
    assert len(taken(api)) == 1


@pytest.mark.parametrize(("fault", "status"), [("unavailable", 503), ("unauthorized", 401), ("rate_limited", 429)])
def test_answers_of_the_machine_in_front(api: Api, fault: str, status: int) -> None:
    api.world.faults.switch_on(fault)
    for _ in range(2):
        answer = api.call("POST", "charges", CHARGE)
        assert answer.status_code == status
        assert ("Retry-After" in answer.headers) == (status == 429)
    api.world.faults.switch_off(fault)
    assert api.call("GET", "merchant").status_code == 200
    assert taken(api) == []


def test_down(api: Api) -> None:
    api.world.faults.switch_on("down")
    with pytest.raises(Dropped):
        api.call("GET", "merchant")
    api.world.faults.clear()
    assert api.call("GET", "merchant").status_code == 200


def test_slow(api: Api, waits: list[int]) -> None:
    api.world.faults.switch_on("slow", calls=2, seconds=4)
    for _ in range(3):
        assert api.call("GET", "merchant").status_code == 200
    assert waits == [4, 4]


def test_lists_lag_and_single_calls_do_not(api: Api, time: Time) -> None:
    old = api.charge(1)
    time.pass_(seconds=10)
    api.world.faults.switch_on("lag", seconds=5)
    new = api.charge(2, reference="attempt 8")
    assert [t["id"] for t in api.get("transactions")["results"]] == [old["id"]]
    assert api.get("transactions", qf="reference:attempt")["total_entries"] == 0
    assert len(api.get("events")["results"]) == 1
    assert api.transaction(new["id"])["amount"] == 2
    time.pass_(seconds=5)
    assert api.get("transactions")["total_entries"] == 2
    api.charge(3)
    assert api.get("transactions")["total_entries"] == 2
    api.world.faults.switch_off("lag")
    assert api.get("transactions")["total_entries"] == 3


def test_money_faults_strike_what_moves_money(api: Api) -> None:
    charge = api.charge(100)
    api.world.faults.switch_on("error_before")
    assert api.call("GET", "transactions").status_code == 200
    assert api.call("POST", "tokens", CARD).status_code == 200
    paths = [f"charges/{charge['id']}/refund", f"transactions/{charge['id']}/void", "credits", "charges"]
    assert [api.call("POST", path, {}).status_code for path in paths] == [500] * 4


def test_a_fault_may_be_narrowed(api: Api) -> None:
    api.world.faults.switch_on("error_before", only="/refund")
    charge = api.charge(100)
    assert api.call("POST", f"charges/{charge['id']}/refund", {"amount": 1}).status_code == 500
    assert api.call("POST", f"transactions/{charge['id']}/void").status_code == 200
    api.world.faults.switch_on("unavailable", only="GET /v1/merchant")
    assert api.call("GET", "merchant").status_code == 503
    assert api.call("GET", "transactions").status_code == 200


def test_a_count_runs_out(api: Api) -> None:
    api.world.faults.switch_on("unavailable", calls=2)
    assert [api.call("GET", "merchant").status_code for _ in range(3)] == [503, 503, 200]
    assert api.world.faults.on() == []
    with pytest.raises(ValueError, match="1 or more"):
        api.world.faults.switch_on("slow", calls=0)
    with pytest.raises(KeyError):
        api.world.faults.switch_on("earthquake")


def test_other_pages_are_never_struck(api: Api) -> None:
    api.world.faults.switch_on("down")
    assert api.app.test_client().get("/status").get_json() == {"status": "NORMAL"}
    assert api.app.test_client().get("/").status_code == 200


def test_every_fault_has_words_and_a_scope() -> None:
    assert {kind.scope for kind in KINDS.values()} == {"money", "all", "lists", "webhooks"}
    assert all(kind.words for kind in KINDS.values())
