"""Staff's payments: who sees which, one payment's story, and asking the gateway again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from portal_app import clock, gateways, plugins, worker
from portal_app.db import transaction
from portal_app.domain import documents, ledger, matters, payments, store
from portal_app.domain.payments import Payment
from portal_app.plugin_api import BillingAddress, Flow, Method
from tests.fake_gateway import FakeGateway
from tests.world import World

As = Callable[[Any], FlaskClient]
ADDRESS = BillingAddress(name="A. Payer", address1="1 Elm", city="Springfield", state="IL", postal_code="62704")


def pay(world: World, token: str, cents: int = 5_000, who: Any = None) -> Payment:
    order = payments.Order(
        key=f"{token}{cents}", amount_cents=cents, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=ADDRESS
    )
    return gateways.charge(payments.start(who or world.alice, world.gateway, order), token)


def text_of(browser: FlaskClient, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return answer.text


def test_the_list_filters_by_where_a_payment_stands(world: World, as_: As, htmx: dict[str, str]) -> None:
    pay(world, "ok", 5_001)
    pay(world, "declined", 5_002)
    pay(world, "unknown", 5_003)
    pay(world, "less", 5_004)
    browser = as_(world.erin)
    shown = {
        group: [cents for cents in ("50.01", "50.02", "50.03", "50.04") if f"${cents}" in text]
        for group in ("", "open", "review", "paid", "refused", "nonsense")
        for text in [text_of(browser, f"/firm/payments?state={group}")]
    }
    assert shown == {
        "": ["50.01", "50.02", "50.03", "50.04"],
        "nonsense": ["50.01", "50.02", "50.03", "50.04"],
        "paid": ["50.01"],
        "refused": ["50.02"],
        "open": ["50.03"],
        "review": ["50.04"],
    }
    page = text_of(browser, "/firm/payments?state=paid")
    piece = browser.get("/firm/payments?state=paid", headers=htmx).text
    assert piece.startswith('<section id="payments"')
    assert piece in page


def test_a_payment_shows_its_story_and_its_journal_entry(world: World, as_: As) -> None:
    row = pay(world, "ok")
    text = text_of(as_(world.erin), f"/firm/payments/{row.id}")
    entry = payments.entry_of(row)
    assert entry is not None
    assert f'href="/firm/ledger/{entry.id}"' in text
    for words in ("$50.00", "Alice Vasquez-Thornbury", world.invoice.number, "Card ending 4242", "Sent to the gateway"):
        assert words in text
    assert "The gateway’s answer" not in text, "evidence is for administrators"
    assert "The gateway’s answer" in text_of(as_(world.carol), f"/firm/payments/{row.id}")


def test_payments_on_restricted_matters_stay_with_those_who_may_see_them(world: World, as_: As) -> None:
    row = pay(world, "ok", 2_500, who=world.bob)
    matters.set_access(world.bobs_matter, is_restricted=True, staff=[])
    browser = as_(world.dan)
    assert browser.get(f"/firm/payments/{row.id}").status_code == 404
    assert "$25.00" not in browser.get("/firm/payments").text
    assert as_(world.carol).get(f"/firm/payments/{row.id}").status_code == 200


def test_a_receipt_names_no_matter_that_its_reader_may_not_see(world: World, as_: As) -> None:
    documents.share(world.bobs_invoice.document, [world.alice], by=world.carol)
    row = pay(world, "ok", payments.offer(world.alice).available_cents)
    while worker.turn():
        pass
    path = f"/firm/payments/{row.id}"
    assert as_(world.dan).get(f"{path}/receipt").status_code == 200
    matters.set_access(world.bobs_matter, is_restricted=True, staff=[])
    dan, carol = as_(world.dan), as_(world.carol)
    assert dan.get(path).status_code == 200
    assert f'href="{path}/receipt"' not in dan.get(path).text
    assert dan.get(f"{path}/receipt").status_code == 404
    assert f'href="{path}/receipt"' in carol.get(path).text
    assert carol.get(f"{path}/receipt").status_code == 200


def test_looking_again_settles_a_lost_answer_once(world: World, as_: As, gateway: FakeGateway) -> None:
    row = pay(world, "lost")
    assert row.state == "unknown"
    browser = as_(world.erin)
    assert "Look again now" in text_of(browser, f"/firm/payments/{row.id}")
    for _ in range(2):
        assert browser.post(f"/firm/payments/{row.id}/look").location == f"/firm/payments/{row.id}"
    assert Payment.get_by_id(row.id).state == "succeeded"
    assert gateway.asked.count("lookup") == 1
    text = text_of(browser, f"/firm/payments/{row.id}")
    assert "The gateway has answered." in text
    assert "Look again now" not in text


def test_what_is_being_sent_right_now_is_not_asked_about(world: World, gateway: FakeGateway) -> None:
    order = payments.Order(key="k", amount_cents=100, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=ADDRESS)
    row = payments.start(world.alice, world.gateway, order)
    assert gateways.look_again(row).state == "ready"
    payments.mark_submitting(row)
    assert gateways.look_again(row).state == "submitting"
    assert gateway.asked == []


def test_what_a_removed_plugin_left_behind_stops_nobody(world: World) -> None:
    row = pay(world, "unknown")
    plugins.use(plugins.Registry(plugins.registry().manager))
    with clock.frozen(clock.now() + dt.timedelta(hours=1)):
        assert gateways.recover() == 1
    assert Payment.get_by_id(row.id).state == "unknown"


def test_the_receipt_is_a_download_once_it_is_made(world: World, as_: As) -> None:
    row = pay(world, "ok")
    browser = as_(world.erin)
    assert browser.get(f"/firm/payments/{row.id}/receipt").status_code == 404
    stored = store.put_bytes([b"%PDF-1.7 receipt"], limit_bytes=1000, folder="receipts")
    with transaction():
        Payment.update(receipt_key=stored.key).where(Payment.id == row.id).execute()
    answer = browser.get(f"/firm/payments/{row.id}/receipt")
    assert answer.data == b"%PDF-1.7 receipt"
    assert row.receipt_number in answer.headers["Content-Disposition"]


def test_what_is_held_for_review_says_what_came_and_is_let_go_once_given_back(world: World, as_: As) -> None:
    row = pay(world, "less")
    erin, path = as_(world.erin), f"/firm/payments/{row.id}"
    for words in ("$50.00 was asked for", "The gateway took $49.99.", "Put it right", "$50.00 stays reserved"):
        assert words in text_of(erin, path)
    assert "It was given back in full" not in text_of(as_(world.dan), path)
    assert as_(world.dan).post(f"{path}/given-back", data={"note": "x"}).status_code == 403
    client = as_(world.alice).get(f"/portal/payments/{row.public_id}").text
    assert "The firm is looking at it" in client

    empty = erin.post(f"{path}/given-back", data={"note": " "})
    assert (empty.status_code, "Fill in this field." in empty.text) == (422, True)
    for _ in range(2):
        assert erin.post(f"{path}/given-back", data={"note": "Refund rf_17"}).location == path
    assert Payment.get_by_id(row.id).state == "canceled"
    assert "Erin Moss: Refund rf_17" in text_of(erin, path)
    client = as_(world.alice).get(f"/portal/payments/{row.public_id}").text
    assert "The firm gave this payment back." in client
    assert "Nothing has been charged" not in client
    assert ledger.account_balance("suspense") == 0


def test_money_in_the_wrong_account_is_named_so(world: World, as_: As) -> None:
    row = pay(world, "elsewhere")
    assert "The gateway took $50.00, but into another account" in text_of(as_(world.erin), f"/firm/payments/{row.id}")


def test_what_is_not_held_is_not_given_back(world: World, as_: As) -> None:
    row = pay(world, "ok")
    erin = as_(world.erin)
    erin.post(f"/firm/payments/{row.id}/given-back", data={"note": "x"})
    assert "This payment is not held for review." in text_of(erin, f"/firm/payments/{row.id}")
    assert Payment.get_by_id(row.id).state == "succeeded"
