"""The control interface and the control page."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from portal_emulator import webhooks
from portal_emulator.faults import KINDS
from portal_emulator.testing import BANK, Api, Mail

Client = FlaskClient


@pytest.fixture
def client(api: Api) -> Client:
    return api.app.test_client()


def test_the_state(api: Api, client: Client) -> None:
    api.charge(1)
    assert client.get("/control/state").get_json() == {
        "now": "2019-06-01T12:00:00.000Z",
        "next_night": "2019-06-02T06:00:00.000Z",
        "secret_key": api.world.secret_key,
        "public_key": api.world.public_key,
        "webhooks": [],
        "faults": [],
        "transactions": 1,
        "events": 1,
    }


@pytest.mark.parametrize(
    ("asked", "now", "passed"),
    [
        ({"advance": {"hours": 1}}, "2019-06-01T13:00:00.000Z", 0),
        ({"advance": {"days": 1}}, "2019-06-02T12:00:00.000Z", 1),
        ({"advance": {"weeks": 1, "minutes": 5}}, "2019-06-08T12:05:00.000Z", 7),
        ({"to": "2019-07-01"}, "2019-07-01T00:00:00.000Z", 29),
        ({"to": "2019-06-01T12:30:00Z"}, "2019-06-01T12:30:00.000Z", 0),
    ],
)
def test_the_clock_is_moved(client: Client, asked: dict[str, Any], now: str, passed: int) -> None:
    assert client.post("/control/clock", json=asked).get_json() == {"now": now, "nights": passed}


@pytest.mark.parametrize(
    "asked",
    [{}, {"to": "soon"}, {"to": "2018-01-01"}, {"to": "2099-01-01"}, {"advance": {"days": -1}}, {"advance": 5}, []],
)
def test_moves_that_are_none(client: Client, asked: Any) -> None:
    answer = client.post("/control/clock", json=asked)
    assert answer.status_code == 422
    assert answer.get_json()["error"].endswith(".")


def test_faults_are_switched(api: Api, client: Client) -> None:
    asked = {"fault": "slow", "calls": 2, "seconds": 5, "only": "POST /v1/charges"}
    assert client.post("/control/faults", json=asked).get_json() == asked
    client.post("/control/faults", json={"fault": "no_answer"})
    on = client.get("/control/faults").get_json()
    assert on["on"][1] == {"fault": "no_answer", "calls": None, "seconds": 30, "only": ""}
    assert [kind["fault"] for kind in on["known"]] == list(KINDS)
    assert client.delete("/control/faults/slow").status_code == 204
    assert len(api.world.faults.on()) == 1
    assert client.delete("/control/faults").status_code == 204
    assert api.world.faults.on() == []


@pytest.mark.parametrize(
    "asked",
    [
        {"fault": "earthquake"},
        {"fault": ["slow"]},
        {"fault": "slow", "calls": 0},
        {"fault": "slow", "seconds": "long"},
        {"fault": "slow", "only": 5},
    ],
)
def test_faults_that_there_are_not(client: Client, asked: dict[str, Any]) -> None:
    assert client.post("/control/faults", json=asked).status_code == 422


def test_webhook_addresses_and_deliveries(api: Api, client: Client, mail: Mail) -> None:
    assert client.put("/control/webhooks", json={"urls": ["nonsense"]}).status_code == 422
    assert client.put("/control/webhooks", json={"urls": ["http://a.test/"]}).get_json() == {"urls": ["http://a.test/"]}
    assert client.get("/control/webhooks").get_json() == {"urls": ["http://a.test/"]}
    api.charge(1)
    assert client.post("/control/deliveries").get_json() == {"sent": 1}
    assert [d["status"] for d in client.get("/control/deliveries").get_json()] == ["DELIVERED"]
    assert mail.types() == ["transaction.authorized"]


def test_money_is_taken_back_at_once(api: Api, client: Client) -> None:
    bank, card, hold = api.charge(1, BANK), api.charge(2), api.hold(3)
    returned = client.post(f"/control/transactions/{bank['id']}/return", json={"code": "ach_account_closed"})
    assert returned.get_json()["failure_code"] == "ach_account_closed"
    assert client.post(f"/control/transactions/{card['id']}/chargeback").get_json()["failure_code"] == "chargeback"
    for path in (
        f"{card['id']}/chargeback",
        f"{card['id']}/return",
        f"{bank['id']}/chargeback",
        f"{hold['id']}/chargeback",
        "none/return",
    ):
        assert client.post(f"/control/transactions/{path}").status_code == 422
    assert api.events()[-2:] == ["transaction.failed", "transaction.failed"]


def test_calls_numbers_and_starting_over(api: Api, client: Client) -> None:
    api.charge(1)
    calls = client.get("/control/calls").get_json()
    wanted = {"at": "2019-06-01T12:00:00.000Z", "method": "POST", "path": "/v1/charges", "status": 200, "note": ""}
    assert calls == [wanted]
    numbers = client.get("/control/numbers").get_json()
    assert "4242424242424242" in numbers["approved"]
    assert numbers["bank_failing"]["1000000010"] == "ach_processing_error"
    merchant = api.get("merchant")
    api.world.faults.switch_on("slow")
    assert client.post("/control/reset").status_code == 204
    assert client.get("/control/state").get_json()["transactions"] == 0
    assert api.get("merchant") == merchant


def test_pages_of_others_have_nothing_to_say(api: Api, client: Client) -> None:
    for path in ("/control/reset", "/desk/reset", "/pages/firm/trust"):
        assert client.post(path, headers={"Origin": "http://elsewhere.test"}).status_code == 403
    assert client.post("/control/reset", headers={"Origin": "http://localhost"}).status_code == 204
    assert api.call("POST", "charges", {}, headers={"Origin": "http://elsewhere.test"}).status_code == 422


# -- The page ----------------------------------------------------------------------------------


def test_the_page_says_where_and_with_what(api: Api, client: Client) -> None:
    charge = api.charge(125000, reference="INV <1>")
    api.refund(charge, 2500)
    page = client.get("/")
    for text in (api.world.secret_key, api.account(trust=True)["id"], "INV &lt;1&gt;", "$1,250.00", "$25.00 back"):
        assert text in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert api.world.stamp()[:10] in page.text


def test_the_clock_has_buttons(api: Api, client: Client) -> None:
    answer = client.post("/desk/clock", data={"step": "week"}, follow_redirects=True)
    assert "7 nights passed" in answer.text
    assert "2019-07-01 00:00" in client.post("/desk/clock", data={"to": "2019-07-01"}, follow_redirects=True).text
    back = client.post("/desk/clock", data={"to": "2018-01-01"})
    assert back.status_code == 422
    assert "The clock only goes forward." in back.text
    assert api.world.now().month == 7


def test_faults_have_switches(api: Api, client: Client) -> None:
    on = client.post(
        "/desk/faults", data={"fault": "slow", "calls": "2", "seconds": "5", "only": " /pay "}, follow_redirects=True
    )
    assert "next 2 calls, 5 s, /pay" in on.text
    assert [fault.only for fault in api.world.faults.on()] == ["/pay"]
    assert "Switch off" in on.text
    client.post("/desk/faults", data={"fault": "slow", "do": "off"})
    assert api.world.faults.on() == []
    assert client.post("/desk/faults", data={"fault": "slow", "calls": "few"}).status_code == 422
    assert client.post("/desk/faults", data={}).status_code == 422


def test_transactions_have_buttons(api: Api, client: Client) -> None:
    bank, card, hold = api.charge(1, BANK), api.charge(2), api.hold(3)
    page = client.get("/").text
    assert (page.count("Return this eCheck"), page.count("Charge back")) == (1, 1)
    assert hold["id"] in page
    client.post(f"/desk/transactions/{bank['id']}", data={"do": "return"})
    client.post(f"/desk/transactions/{card['id']}", data={"do": "chargeback"})
    assert [api.transaction(t["id"])["status"] for t in (bank, card)] == ["FAILED", "FAILED"]
    assert client.post("/desk/transactions/none", data={"do": "return"}).status_code == 422
    client.post("/desk/reset")
    assert "Nothing has been charged yet." in client.get("/").text


def test_webhooks_are_kept_and_sent(api: Api, client: Client, mail: Mail) -> None:
    client.post("/desk/webhooks", data={"urls": "http://a.test/one\r\nhttp://a.test/two\r\n"})
    assert api.world.webhooks == ["http://a.test/one", "http://a.test/two"]
    assert client.post("/desk/webhooks", data={"urls": "nonsense"}).status_code == 422
    api.charge(1)
    assert "2 sent." in client.post("/desk/deliver", follow_redirects=True).text
    assert "Nothing was due." in client.post("/desk/deliver", follow_redirects=True).text
    assert len(mail.sent) == 2
    assert webhooks.deliver(api.world) == 0
