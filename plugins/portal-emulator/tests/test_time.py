"""What the clock does: captures at night, returns on day 5, chargebacks on day 60, and webhooks on the way."""

from __future__ import annotations

import datetime as dt

import pytest

from portal_emulator import cards, nights, webhooks
from portal_emulator.clock import Clock, moment_of, night_after, stamp
from portal_emulator.testing import BANK, CARD, START, Api, Mail, Time

HOOK = "http://portal.test/hook"


def days(api: Api, count: int) -> int:
    return nights.advance(api.world, api.world.now() + dt.timedelta(days=count))


def status(api: Api, charge: dict[str, object]) -> object:
    return api.transaction(str(charge["id"]))["status"]


def test_a_clock_flows_from_its_start_and_only_forwards(time: Time) -> None:
    clock = Clock(time, start=dt.datetime(2019, 1, 1, tzinfo=dt.UTC))
    time.pass_(seconds=90)
    assert stamp(clock.now()) == "2019-01-01T00:01:30.000Z"
    clock.move_to(dt.datetime(2018, 1, 1, tzinfo=dt.UTC))
    assert clock.today() == dt.date(2019, 1, 1)
    assert moment_of("2019-06-01").tzinfo is dt.UTC
    assert night_after(START) == dt.datetime(2019, 6, 2, 6, tzinfo=dt.UTC)
    assert night_after(START.replace(hour=5)) == START.replace(hour=6)


def test_the_night_completes_what_is_captured_by_itself(api: Api, time: Time) -> None:
    charge, bank, hold = api.charge(100), api.charge(200, BANK), api.hold(300)
    refund, deferred = api.refund(charge, 10), api.refund(bank, 20)
    time.pass_(hours=17)
    assert status(api, charge) == "AUTHORIZED"
    time.pass_(hours=1)
    assert [status(api, t) for t in (charge, bank, hold)] == ["COMPLETED", "COMPLETED", "AUTHORIZED"]
    assert [status(api, t) for t in (refund, deferred)] == ["COMPLETED", "AUTHORIZED"]
    assert api.refund(bank, 5)["status"] == "AUTHORIZED"
    time.pass_(days=1)
    assert status(api, deferred) == "COMPLETED"
    assert api.events().count("transaction.completed") == 5


def test_a_hold_lapses_after_a_week(api: Api) -> None:
    hold = api.hold()
    assert days(api, 6) == 6
    assert status(api, hold) == "AUTHORIZED"
    days(api, 1)
    assert status(api, hold) == "VOIDED"


@pytest.mark.parametrize(("account", "code"), cards.RETURNED.items())
def test_an_echeck_comes_back_on_day_5(api: Api, account: str, code: str) -> None:
    charge = api.charge(500, BANK | {"account_number": account})
    days(api, 4)
    assert status(api, charge) == "COMPLETED"
    days(api, 1)
    returned = api.transaction(charge["id"])
    assert (returned["status"], returned["failure_code"]) == ("FAILED", code)
    assert api.events()[-1] == "transaction.failed"
    assert api.get("events")["results"][0]["data"]["id"] == charge["id"]


def test_a_refund_that_waits_for_an_echeck_fails_with_it(api: Api) -> None:
    charge = api.charge(500, BANK)
    refund = api.refund(charge, 100)
    nights.give_back(api.world, api.world.store.all("transaction")[0], "ach_account_closed")
    assert status(api, charge) == "FAILED"
    assert api.transaction(refund["id"])["failure_code"] == "ach_deferred_refund_rejected_charge_failed"


def test_a_card_is_charged_back_on_day_60(api: Api) -> None:
    charge = api.charge(500, CARD | {"number": cards.CHARGEBACK})
    days(api, 59)
    assert status(api, charge) == "COMPLETED"
    days(api, 1)
    assert api.transaction(charge["id"])["failure_code"] == "chargeback"


# -- Events and webhooks -----------------------------------------------------------------------


def test_every_state_raises_its_event_with_the_transaction_in_it(api: Api) -> None:
    charge = api.charge(100)
    api.ok("POST", f"charges/{charge['id']}/capture")
    api.ok("POST", f"transactions/{api.hold()['id']}/void")
    api.no_charge(5, CARD | {"number": "4000000000000002"})
    api.refund(api.charge(5, BANK), 1)
    assert api.events() == [
        "transaction.authorized",
        "transaction.completed",
        "transaction.authorized",
        "transaction.voided",
        "transaction.failed",
        "transaction.authorized",
        "transaction.pending_parent_settlement",
    ]
    first = api.get("events", page_size=1000)["results"][-1]
    assert set(first) == {"id", "created", "type", "data"}
    assert first["id"] != first["data"]["id"]
    assert first["data"] == charge
    assert api.get(f"events/{first['id']}") == first
    assert api.refused("GET", "events/none", status=404)["context"] == "Event[none]"


@pytest.fixture
def hooked(api: Api) -> Api:
    api.world.set_webhooks([HOOK])
    return api


def test_an_event_is_posted_as_it_is_listed(hooked: Api, mail: Mail) -> None:
    hooked.charge(100)
    assert webhooks.deliver(hooked.world) == 1
    assert mail.sent == [(HOOK, hooked.get("events")["results"][0])]
    assert webhooks.deliver(hooked.world) == 0


def test_a_webhook_is_tried_every_ten_minutes_until_200(hooked: Api, mail: Mail) -> None:
    mail.answers = [500, ConnectionRefusedError(), 204]
    hooked.charge(100)
    webhooks.deliver(hooked.world)
    nights.advance(hooked.world, hooked.world.now() + dt.timedelta(minutes=29))
    assert len(mail.sent) == 3
    nights.advance(hooked.world, hooked.world.now() + dt.timedelta(minutes=2))
    assert len(mail.sent) == 4
    (delivery,) = hooked.world.store.all("delivery")
    assert (delivery["status"], delivery["attempts"], delivery["answer"]) == ("DELIVERED", 4, "200")


def test_a_webhook_is_given_up_after_25_tries(hooked: Api, mail: Mail) -> None:
    mail.answers = [500] * 40
    hooked.charge(100)
    nights.advance(hooked.world, hooked.world.now() + dt.timedelta(hours=12))
    assert len(mail.sent) == 25
    assert hooked.world.store.all("delivery")[0]["status"] == "GIVEN_UP"


def test_the_receiver_may_call_back_while_it_is_told(hooked: Api, mail: Mail) -> None:
    seen = []

    def post(address: str, payload: bytes) -> int:
        mail(address, payload)
        seen.append(hooked.transaction(mail.sent[-1][1]["data"]["id"])["status"])
        return 200

    hooked.world.post = post
    hooked.charge(100)
    webhooks.deliver(hooked.world)
    assert seen == ["AUTHORIZED"]


def test_webhooks_get_lost_come_twice_and_late(hooked: Api, mail: Mail) -> None:
    faults = hooked.world.faults
    faults.switch_on("webhook_drop", calls=1)
    hooked.charge(1)
    faults.switch_on("webhook_duplicate", calls=1)
    hooked.charge(2)
    faults.switch_on("webhook_late", calls=1, seconds=120)
    hooked.charge(3)
    hooked.charge(4)
    webhooks.deliver(hooked.world)
    assert [event["data"]["amount"] for _, event in mail.sent] == [2, 2, 4]
    nights.advance(hooked.world, hooked.world.now() + dt.timedelta(minutes=2))
    assert [event["data"]["amount"] for _, event in mail.sent] == [2, 2, 4, 3]


def test_webhooks_come_in_the_wrong_order(hooked: Api, mail: Mail) -> None:
    hooked.world.faults.switch_on("webhook_reorder")
    for amount in (1, 2, 3):
        hooked.charge(amount)
    webhooks.deliver(hooked.world)
    assert [event["data"]["amount"] for _, event in mail.sent] == [2, 3, 1]
    hooked.charge(4)
    webhooks.deliver(hooked.world)
    hooked.charge(5)
    webhooks.deliver(hooked.world)
    assert [event["data"]["amount"] for _, event in mail.sent] == [2, 3, 1, 5, 4]


def test_one_that_waits_to_be_overtaken_goes_after_ten_minutes(hooked: Api, mail: Mail) -> None:
    hooked.world.faults.switch_on("webhook_reorder", calls=1)
    hooked.charge(1)
    webhooks.deliver(hooked.world)
    assert mail.sent == []
    nights.advance(hooked.world, hooked.world.now() + dt.timedelta(minutes=11))
    assert len(mail.sent) == 1


def test_what_is_purged_is_not_sent(hooked: Api, mail: Mail) -> None:
    hooked.charge(1)
    hooked.world.store.clear("event")
    webhooks.deliver(hooked.world)
    assert mail.sent == []


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("http://127.0.0.1:8000/hook?x=1", True),
        ("https://portal.example/", True),
        ("ftp://portal.example/", False),
        ("http://", False),
        ("http://host:99999/", False),
        ("/hook", False),
    ],
)
def test_addresses(address: str, fits: bool) -> None:
    assert webhooks.valid(address) is fits
