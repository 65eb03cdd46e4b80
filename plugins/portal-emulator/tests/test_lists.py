"""Pages, filters, search and order of the lists."""

from __future__ import annotations

import pytest

from portal_emulator.testing import BANK, CARD, Api, Time


def test_pages(api: Api) -> None:
    ids = [api.charge(100 + n)["id"] for n in range(25)]
    first = api.get("transactions")
    assert (first["page"], first["page_size"], first["total_entries"]) == (1, 20, 25)
    assert [t["id"] for t in first["results"]] == ids[:4:-1]
    assert [t["id"] for t in api.get("transactions", page=2)["results"]] == ids[4::-1]
    assert len(api.get("transactions", page=3, page_size=10)["results"]) == 5
    far = api.get("transactions", page=1000000)
    assert (far["page"], far["total_entries"], far["results"]) == (1000000, 25, [])
    assert api.get("transactions", page="", page_size="")["page_size"] == 20
    assert api.get("transactions", page_size=5000)["page_size"] == 1000


@pytest.mark.parametrize(("name", "value"), [("page", "0"), ("page", "x"), ("page_size", "-1"), ("start_date", "soon")])
def test_pages_that_are_none(api: Api, name: str, value: str) -> None:
    assert api.refused("GET", "transactions", query_string={name: value})["context"] == name


def test_dates(api: Api, time: Time) -> None:
    made = []
    for _ in range(3):
        made.append(api.charge(1))
        time.pass_(hours=1)
    middle = made[1]["created"]
    assert [t["id"] for t in api.get("transactions", start_date=middle)["results"]] == [made[2]["id"]]
    assert [t["id"] for t in api.get("transactions", end_date=middle)["results"]] == [made[0]["id"]]
    assert len(api.get("transactions", start_date="2019-06-01", end_date="2019-06-02")["results"]) == 3


def test_search(api: Api) -> None:
    card = api.charge(5, CARD | {"name": "Ann Target", "state": "TX"}, reference="INV-2019-0042")
    bank = api.charge(6, BANK, reference="INV-2019-0043")
    refund = api.refund(card, 1)

    def found(*terms: str, q: str = "") -> set[str]:
        query = [("qf", term) for term in terms] + [("q", q)]
        answer = api.call("GET", "transactions", query_string="&".join(f"{k}={v}" for k, v in query))
        return {t["id"] for t in answer.get_json()["results"]}

    assert found("name:Targ") == {card["id"], refund["id"]}
    assert found("name:Targ", "type:CHARGE", "state:TX") == {card["id"]}
    assert found("method.type:bank") == {bank["id"]}
    assert found("reference:INV-2019-0042") == {card["id"]}
    assert found("charge_id:" + card["id"]) == {refund["id"]}
    assert found("nothing.there:x") == found("method:x") == set()
    assert found(q="INV-2019-0043") == {bank["id"]}
    assert found(q="ann") == {card["id"], refund["id"]}


def test_order(api: Api) -> None:
    for amount in (5, 3, 5, 9):
        api.charge(amount)

    def amounts(order: str) -> list[int]:
        return [t["amount"] for t in api.get("transactions", order_by=order)["results"]]

    assert amounts("amount") == [3, 5, 5, 9]
    assert amounts("-amount") == [9, 5, 5, 3]
    assert amounts("+created") == [5, 3, 5, 9]
    assert amounts("-created") == [9, 5, 3, 5]
    assert amounts("gratuity,-amount") == [9, 5, 5, 3]
    assert amounts("reference") == [5, 3, 5, 9]


def test_events_newest_first_or_from_a_date_on_in_order(api: Api, time: Time) -> None:
    first = api.charge(1)
    time.pass_(minutes=1)
    second = api.charge(2)
    newest = api.get("events")["results"]
    assert [e["data"]["id"] for e in newest] == [second["id"], first["id"]]
    later = api.get("events", start_date="2019-06-01T11:59:59.000Z")["results"]
    assert [e["data"]["id"] for e in later] == [first["id"], second["id"]]
    assert api.get("events", start_date=first["created"])["total_entries"] == 1
