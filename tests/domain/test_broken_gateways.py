"""What a gateway says when it is broken, and what goes wrong around it: the money stays held, and nothing stops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from portal_app import clock, gateway_setup, gateways, plugins
from portal_app.domain import ledger, payments
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Attempt, Payment
from portal_app.plugin_api import Mode, NeverSent, Outcome, OutcomeKind, Redirect
from tests.domain.test_payments import order, pay
from tests.fake_gateway import FakeGateway
from tests.world import World

TAKEN: dict[str, Any] = {
    "kind": OutcomeKind.SUCCEEDED, "gateway_reference": "ch_1", "amount_minor": 50_000, "currency": "USD",
    "merchant_account": "fake-operating",
}  # fmt: skip


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no words for it")


def taken(**changes: Any) -> Callable[[], Outcome]:
    return lambda: Outcome(**TAKEN | changes)


def fresh(payment: Payment) -> Payment:
    found: Payment = Payment.get_by_id(payment.id)
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": None}, {"amount_minor": "50000"}, {"amount_minor": True}, {"gateway_reference": ""},
        {"gateway_reference": None}, {"gateway_reference": 17}, {"gateway_reference": "c" * 121},
        {"currency": "DOLLARS"}, {"currency": None}, {"merchant_account": ["fake-operating"]}, {"message": 5},
        {"redirect_url": "javascript:alert(1)"}, {"kind": "paid"}, {"kind": OutcomeKind.ABSENT},
    ],
)  # fmt: skip
def test_an_answer_that_is_not_whole_is_no_answer(world: World, gateway: FakeGateway, changes: dict[str, Any]) -> None:
    gateway.instead["charge"] = taken(**changes)
    payment = pay(world, 50_000)
    assert payment.state == "unknown"
    assert payments.offer(world.alice).held_cents == 50_000
    assert ledger.account_balance("clearing:fake") == 0


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/portal", "data:text/html,x", None])
def test_a_payer_is_sent_to_web_addresses_only(world: World, gateway: FakeGateway, url: Any) -> None:
    gateway.instead["charge"] = lambda: Redirect(url=url, gateway_reference="s_1")
    payment = pay(world, 50_000)
    assert (payment.state, gateways.attempt_of(payment).redirect_url) == ("unknown", "")


LOOP: dict[str, Any] = {}
LOOP["self"] = LOOP


@pytest.mark.parametrize(
    "payload",
    [LOOP, {"x": Unprintable()}, {1: 1, "a": 2}, {"x": "y" * 100_000}, {"x": b"\xff"}, {"x": "\ud800\0"}, "no"],
)
def test_evidence_that_cannot_be_kept_never_costs_the_outcome(world: World, gateway: FakeGateway, payload: Any) -> None:
    gateway.instead["charge"] = taken(payload=payload)
    assert pay(world, 50_000).state == "succeeded"
    assert len(Attempt.get().evidence) <= 20_000


@pytest.mark.parametrize("answer", [lambda: ["a", "list"], lambda: 1 // 0])
def test_a_plugin_that_cannot_redact_keeps_nothing(world: World, gateway: FakeGateway, answer: Any) -> None:
    gateway.instead["redact"] = answer
    assert pay(world, 50_000).state == "succeeded"
    assert Attempt.get().evidence == "{}"


def test_words_of_a_gateway_are_cleaned_and_cut(world: World, gateway: FakeGateway) -> None:
    gateway.instead["charge"] = lambda: Outcome(
        kind=OutcomeKind.DECLINED, message="No\0 \r\nmoney\u202e \ud800" + "!" * 10_000, code="c" * 1000
    )
    payment = pay(world, 50_000)
    assert payment.state == "declined"
    assert payment.message.startswith("No money ?!")
    assert len(payment.message) == 300


@pytest.mark.parametrize("cents", [0, -50_000, 2**62])
def test_an_amount_that_cannot_be_is_held_and_not_booked(world: World, gateway: FakeGateway, cents: int) -> None:
    gateway.instead["charge"] = taken(amount_minor=cents)
    payment = pay(world, 50_000)
    assert (payment.state, payments.mismatch_of(payment)) == ("review", None)
    assert payments.offer(world.alice).held_cents == 50_000


@pytest.mark.parametrize("hook", ["return", "lookup", "cancel"])
def test_only_what_was_never_sent_is_not_submitted(world: World, gateway: FakeGateway, hook: str) -> None:
    """A look that does not get through says nothing of the charge."""
    payment = pay(world, 50_000, "unknown")
    gateway.instead[hook] = lambda: Outcome(kind=OutcomeKind.NOT_SUBMITTED)
    look = {
        "return": lambda: gateways.returned(payment, {}), "lookup": lambda: gateways.look_again(payment),
        "cancel": lambda: gateways.cancel(payment),
    }  # fmt: skip
    look[hook]()
    assert fresh(payment).state == "unknown"
    gateway.instead[hook] = _unreachable
    look[hook]()
    assert fresh(payment).state == "unknown"


def _unreachable() -> Outcome:
    raise NeverSent("connection refused")


def test_absence_is_no_proof_of_what_the_gateway_has_acknowledged(world: World, gateway: FakeGateway) -> None:
    gateway.instead["charge"] = lambda: Outcome(kind=OutcomeKind.PENDING, gateway_reference="ch_1")
    payment = pay(world, 50_000)
    with clock.frozen(clock.now()) as advance:
        advance(dt.timedelta(hours=1))
        assert gateways.recover() == 1
    assert gateway.asked == ["charge", "lookup"]
    assert fresh(payment).state == "pending"


def test_absence_with_other_settings_proves_nothing(world: World, gateway: FakeGateway) -> None:
    payment = pay(world, 50_000, "unknown")
    with clock.frozen(clock.now()) as advance:
        advance(dt.timedelta(minutes=10))
        gateway_setup.save("fake", {"secret_key": "another"}, mode=Mode.TEST, by=world.carol)
        gateways.recover()
        assert fresh(payment).state == "unknown"
        gateway.take(_request_of(payment))
        advance(dt.timedelta(hours=1))
        gateways.recover()
    assert fresh(payment).state == "succeeded"


def _request_of(payment: Payment) -> Any:
    """What the gateway would have been asked for."""
    attempt = gateways.attempt_of(payment)

    class Request:
        reference, amount_minor, currency = attempt.reference, payment.amount_cents, payment.currency
        merchant_account = attempt.merchant_account

    return Request()


def test_one_that_cannot_be_followed_up_keeps_nobody_waiting(
    world: World, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, other = pay(world, 10_000, "lost"), pay(world, 20_000, "lost", key="key-2")
    settle = payments.settle

    def failing(attempt_id: int, *args: Any, **kwargs: Any) -> Payment:
        if attempt_id == gateways.attempt_of(poison).id:
            raise OSError("disk full")
        return settle(attempt_id, *args, **kwargs)

    monkeypatch.setattr(payments, "settle", failing)
    with clock.frozen(clock.now()) as advance:
        advance(dt.timedelta(minutes=1))
        assert gateways.recover() == 2
        assert fresh(other).state == "succeeded"
        monkeypatch.undo()
        advance(dt.timedelta(minutes=2))
        gateways.recover()
    assert fresh(poison).state == "succeeded"


def test_a_plugin_removed_before_sending_frees_the_amount(world: World, gateway: FakeGateway) -> None:
    payment = payments.start(world.alice, world.gateway, order(50_000))
    plugins.use(plugins.Registry(plugins.registry().manager))
    assert gateways.charge(payment, "ok").state == "not_submitted"
    assert payments.offer(world.alice).held_cents == 0


def test_what_is_over_is_not_asked_about(world: World, gateway: FakeGateway) -> None:
    paid, held = pay(world, 10_000), pay(world, 10_000, "less", key="key-2")
    for payment in (paid, held):
        gateways.returned(payment, {})
        gateways.cancel(payment)
    assert gateway.asked == ["charge", "charge"]


def test_what_was_held_for_review_can_be_given_back_once(world: World, gateway: FakeGateway) -> None:
    payment = pay(world, 50_000, "less")
    assert payments.offer(world.alice).held_cents == 50_000
    for _ in range(2):
        payments.give_back(payment, note="Refund rf_17", by=world.erin)
    assert fresh(payment).state == "canceled"
    assert [ledger.account_balance(code) for code in ("clearing:fake", "suspense")] == [0, 0]
    assert payments.offer(world.alice).held_cents == 0
    assert [row.note for row in payments.changes_of(payment)][-1] == "Erin Moss: Refund rf_17"
    payments.settle(gateways.attempt_of(payment).id, taken(amount_minor=49_999)())
    assert fresh(payment).state == "canceled", "the gateway still lists what was taken and given back"
    assert ledger.account_balance("suspense") == 0


def test_only_what_is_held_for_review_is_given_back(world: World) -> None:
    for token in ("ok", "unknown", "declined"):
        payment = pay(world, 1_000, token, key=token)
        with pytest.raises(Refused, match="not held for review"):
            payments.give_back(payment, note="x", by=world.erin)
        assert fresh(payment).state == payment.state
