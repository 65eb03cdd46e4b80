"""Recurring charges and their occurrences, and when a schedule falls due."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from portal_emulator import nights, schedule
from portal_emulator.testing import BANK, CARD, Api, Json, Time

MONTHLY = {"start": "2020-01-01", "interval_unit": "MONTH", "interval_delay": 1}
PATH = "recurring/charges"


def make(api: Api, amount: int = 2500, **more: Any) -> Json:
    asked = {"amount": amount, "method": CARD, "schedule": MONTHLY, "description": "Test", **more}
    return api.ok("POST", PATH, asked)


def occurrences(api: Api, recurring: Json) -> list[Json]:
    page = api.get(f"{PATH}/{recurring['id']}/occurrences")
    assert page["total_entries"] == len(page["results"])
    found: list[Json] = page["results"]
    return found


def act(api: Api, recurring: Json, occurrence: Json, what: str) -> Json:
    return api.ok("POST", f"{PATH}/{recurring['id']}/occurrences/{occurrence['id']}/{what}")


def test_a_life_as_the_vendors_clients_walk_through_it(api: Api) -> None:
    made = make(api, account_id=api.account()["id"], end=None)
    assert (made["status"], made["next_payment"], made["currency"]) == ("ACTIVE", "2020-01-01", "USD")
    assert (made["total_occurrences"], made["total_amount"]) == (0, 0)
    assert made["schedule"] == MONTHLY
    assert made["method"]["number"] == "************4242"
    assert [o["status"] for o in made["occurrences"]] == ["PENDING"]
    assert api.get(f"{PATH}/{made['id']}") == {k: v for k, v in made.items() if k != "occurrences"}
    assert api.get(PATH, order_by="-created")["results"][0]["id"] == made["id"]

    (first,) = occurrences(api, made)
    assert (first["status"], first["due_date"], first["attempts"]) == ("PENDING", "2020-01-01", 0)
    assert "last_attempt" not in first
    paid = act(api, made, first, "pay")
    assert (paid["status"], paid["attempts"], len(paid["transactions"])) == ("PAID", 1, 1)
    charge = paid["transactions"][0]
    assert (charge["status"], charge["amount"], charge["auto_capture"]) == ("AUTHORIZED", 2500, True)
    assert charge["recurring_charge_occurrence_id"] == first["id"]

    second = occurrences(api, made)[0]
    assert (second["status"], second["due_date"]) == ("PENDING", "2020-02-01")
    assert act(api, made, second, "ignore")["status"] == "IGNORED"
    assert [o["due_date"] for o in occurrences(api, made)] == ["2020-03-01", "2020-02-01", "2020-01-01"]

    new = {"method": CARD | {"number": "4111111111111111"}, "amount": 3000, "reference": None}
    changed = api.ok("PUT", f"{PATH}/{made['id']}", new | {"schedule": MONTHLY | {"days": ["15"], "end": None}})
    assert (changed["next_payment"], changed["amount"]) == ("2020-02-15", 3000)
    assert changed["method"]["number"] == "************1111"
    third = occurrences(api, made)[0]
    assert (len(occurrences(api, made)), third["due_date"], third["amount"]) == (3, "2020-02-15", 3000)
    assert act(api, made, third, "pay")["transactions"][0]["method"]["number"] == "************1111"
    assert act(api, made, second, "pay")["status"] == "PAID"

    ended = api.ok("POST", f"{PATH}/{made['id']}/cancel")
    assert (ended["status"], ended["status_reason"]) == ("COMPLETED", "user_canceled")
    assert "next_payment" not in ended
    assert api.ok("DELETE", f"{PATH}/{made['id']}")["status"] == "DELETED"
    assert api.refused("DELETE", f"{PATH}/{made['id']}", status=404)["code"] == "resource_not_found"


def test_a_charge_that_recurs(api: Api) -> None:
    charge = api.charge(10000, recur={"interval_unit": "WEEK", "interval_delay": 1, "amount": 7500})
    made = api.get(f"{PATH}/{charge['recurring_charge_id']}")
    assert (made["amount"], made["next_payment"], made["total_amount"]) == (7500, "2019-06-08", 10000)
    pending, paid = occurrences(api, made)
    assert (pending["status"], paid["status"]) == ("PENDING", "PAID")
    assert paid["id"] == charge["recurring_charge_occurrence_id"]
    assert [t["id"] for t in paid["transactions"]] == [charge["id"]]
    assert api.refund(charge, 10)["status"] == "AUTHORIZED"


def test_a_declined_charge_recurs_not(api: Api) -> None:
    plan = {"interval_unit": "WEEK", "interval_delay": 1}
    assert api.no_charge(5, CARD | {"number": "4000000000000002"}, recur=plan)["code"] == "card_declined"
    assert api.no_charge(5, recur={"interval_unit": "YEAR", "interval_delay": 1})["context"] == "recur.interval_unit"
    assert api.no_charge(5, recur=plan, auto_capture=False)["context"] == "auto_capture"
    assert api.no_charge(5, recur="weekly")["context"] == "recur"
    assert api.get(PATH)["total_entries"] == 0


def test_nothing_is_due_today_and_the_past_is_over(api: Api) -> None:
    today = MONTHLY | {"start": "2019-06-01"}
    assert api.refused("POST", PATH, {"amount": 5, "method": CARD, "schedule": today})["code"].startswith("first_occ")
    assert make(api, schedule=MONTHLY | {"start": "2016-01-01"})["next_payment"] == "2019-07-01"
    over = MONTHLY | {"start": "2016-01-01", "end": "2018-01-01"}
    assert api.refused("POST", PATH, {"amount": 5, "method": CARD, "schedule": over})["code"].startswith("no_occ")


@pytest.mark.parametrize(
    ("change", "context"),
    [
        ({"interval_unit": None}, "schedule.interval_unit"),
        ({"interval_unit": "YEAR"}, "schedule.interval_unit"),
        ({"interval_delay": 0}, "schedule.interval_delay"),
        ({"interval_delay": "often"}, "schedule.interval_delay"),
        ({"start": "01/01/2020"}, "schedule.start"),
        ({"start": "9999-12-01"}, "schedule.start"),
        ({"end": "never"}, "schedule.end"),
        ({"days": ["32"]}, "schedule.days"),
        ({"days": ["1"], "interval_delay": 2}, "schedule.days"),
        ({"days": ["1"], "interval_unit": "DAY"}, "schedule.days"),
        ({"days": ["8"], "interval_unit": "WEEK"}, "schedule.days"),
    ],
)
def test_schedules_that_are_none(api: Api, change: Json, context: str) -> None:
    asked = {"amount": 5, "method": CARD, "schedule": MONTHLY | change}
    assert api.refused("POST", PATH, asked)["context"] == context


def test_what_else_a_recurring_charge_refuses(api: Api) -> None:
    base = {"amount": 5, "method": CARD, "schedule": MONTHLY}
    assert api.refused("POST", PATH, base | {"schedule": None})["context"] == "schedule"
    assert api.refused("POST", PATH, base | {"method": CARD | {"number": ""}})["context"] == "method.number"
    assert api.refused("POST", PATH, base | {"max_amount": 4})["context"] == "max_amount"
    assert api.refused("POST", PATH, base | {"method": None})["code"] == "no_payment_method"
    assert api.refused("GET", f"{PATH}/none", status=404)["context"] == "RecurringCharge[none]"
    made = make(api)
    missing = api.refused("GET", f"{PATH}/{made['id']}/occurrences/none", status=404)
    assert missing["context"] == "RecurringChargeOccurrence[none]"
    single = occurrences(api, made)[0]
    assert api.get(f"{PATH}/{made['id']}/occurrences/{single['id']}") == single


def test_parts_of_the_method_are_changed_alone(api: Api) -> None:
    saved = api.ok("POST", "cards", CARD)
    made = make(api, method=saved["id"])
    changed = api.ok("PATCH", f"{PATH}/{made['id']}", {"method": {"type": "card", "exp_month": 7, "exp_year": 2022}})
    assert (changed["method"]["exp_month"], changed["method"]["exp_year"]) == (7, 2022)
    assert changed["method"]["number"] == "************4242"
    assert changed["next_payment"] == made["next_payment"]
    other = api.ok("POST", "tokens", CARD | {"number": "5105105105105100"})
    assert api.ok("PATCH", f"{PATH}/{made['id']}", {"method": other["id"]})["method"]["card_type"] == "MASTERCARD"
    assert api.refused("PATCH", f"{PATH}/{made['id']}", {"method": BANK})["code"] == "incorrect_payment_type"
    ended = {"schedule": MONTHLY | {"end": "2019-07-01"}}
    assert api.refused("PATCH", f"{PATH}/{made['id']}", ended)["code"] == "update_results_in_no_occurrences"


def test_the_largest_amount_ends_it_with_the_rest(api: Api) -> None:
    made = make(api, 100, max_amount=150)
    act(api, made, occurrences(api, made)[0], "pay")
    rest = occurrences(api, made)[0]
    assert rest["amount"] == 50
    act(api, made, rest, "pay")
    done = api.get(f"{PATH}/{made['id']}")
    assert (done["status"], done["status_reason"]) == ("COMPLETED", "schedule_complete")
    assert (done["total_occurrences"], done["total_amount"]) == (2, 150)
    assert api.refused("POST", f"{PATH}/{made['id']}/cancel")["code"] == "unavailable_for_current_status"
    assert api.refused("PATCH", f"{PATH}/{made['id']}", {"amount": 5})["code"] == "unavailable_for_current_status"


def test_the_number_of_payments_ends_it(api: Api) -> None:
    made = make(api, max_occurrences=1)
    paid = act(api, made, occurrences(api, made)[0], "pay")
    assert api.get(f"{PATH}/{made['id']}")["status"] == "COMPLETED"
    path = f"{PATH}/{made['id']}/occurrences/{paid['id']}"
    for what in ("pay", "ignore"):
        assert api.refused("POST", f"{path}/{what}")["code"] == "unavailable_for_current_status"


def test_a_payment_falls_due_at_night_and_may_fail(api: Api, time: Time) -> None:
    good, bad = make(api), make(api, method=CARD | {"number": "4000000000000044"})
    nights.advance(api.world, dt.datetime(2020, 1, 1, 7, tzinfo=dt.UTC))
    assert [o["status"] for o in occurrences(api, good)] == ["PENDING", "PAID"]
    pending, failed = occurrences(api, bad)
    assert (pending["status"], failed["status"], failed["attempts"]) == ("PENDING", "FAILED", 1)
    assert failed["transactions"][0]["failure_code"] == "card_declined_insufficient_funds"
    assert {"recurring_charge.occurrence.paid", "recurring_charge.occurrence.failed"} <= set(api.events())
    again = api.refused("POST", f"{PATH}/{bad['id']}/occurrences/{failed['id']}/pay")
    assert api.transaction(again["entity_id"])["status"] == "FAILED"
    api.ok("PATCH", f"{PATH}/{bad['id']}", {"method": CARD})
    assert act(api, bad, failed, "pay")["attempts"] == 3


def test_lists_by_state_account_and_reference(api: Api) -> None:
    made = make(api, reference="Plan 7", data={"matter": 4})
    other = make(api, method=BANK)
    assert [r["id"] for r in api.get(PATH, reference="Plan 7")["results"]] == [made["id"]]
    assert [r["id"] for r in api.get(PATH, account_id=api.account(ach=True)["id"])["results"]] == [other["id"]]
    assert api.get(PATH, status="COMPLETED")["total_entries"] == 0
    charge = act(api, made, occurrences(api, made)[0], "pay")["transactions"][0]
    assert (charge["reference"], charge["data"]) == ("Plan 7", {"matter": 4})
    assert api.events()[:2] == ["recurring_charge.created", "recurring_charge.occurrence.created"]


@pytest.mark.parametrize(
    ("plan", "after", "due"),
    [
        ({"interval_unit": "DAY", "interval_delay": 3}, "2020-01-01", "2020-01-04"),
        ({"interval_unit": "WEEK", "interval_delay": 2}, "2020-01-02", "2020-01-15"),
        ({"interval_unit": "WEEK", "interval_delay": 1, "days": ["5", "1"]}, "2020-01-03", "2020-01-06"),
        ({"interval_unit": "MONTH", "interval_delay": 2}, "2020-01-31", "2020-03-01"),
        ({"interval_unit": "MONTH", "interval_delay": 1, "days": ["15", "LAST"]}, "2020-02-15", "2020-02-29"),
        ({"interval_unit": "MONTH", "interval_delay": 1, "days": {"0": 31}}, "2020-01-31", "2020-03-31"),
        ({"interval_unit": "MONTH", "interval_delay": "1", "start": "2020-01-31"}, "2020-01-31", "2020-02-29"),
        ({"interval_unit": "MONTH", "interval_delay": 1, "end": "2020-03-01"}, "2020-02-01", "2020-03-01"),
        ({"interval_unit": "MONTH", "interval_delay": 1, "end": "2020-03-01"}, "2020-03-01", None),
        ({"interval_unit": "DAY", "interval_delay": 99999}, "2020-01-01", None),
    ],
)
def test_due_dates(plan: Json, after: str, due: str | None) -> None:
    read = schedule.read({"start": "2020-01-01T00:00:00Z", **plan}, prefix="")
    found = schedule.next_after(read, dt.date.fromisoformat(after))
    assert (found.isoformat() if found else None) == due
