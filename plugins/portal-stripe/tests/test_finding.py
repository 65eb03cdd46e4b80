"""Look-ups: by Stripe's id and by ours, on Stripe's page and after it, with lists that lag or do not end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal_app.plugin_api import DisputeState, Method, OutcomeKind, Redirect
from portal_stripe import finding
from portal_stripe.fake import Fake, close_dispute, open_dispute, pay_page
from portal_stripe.fake.core import DAY, ApiError


def test_a_page_of_stripes_own(desk: Any) -> None:
    page = desk.begin()
    assert isinstance(page, Redirect)
    assert page.gateway_reference.startswith("cs_test_")
    waiting = desk.look(id=page.gateway_reference)
    assert (waiting.kind, waiting.redirect_url) == (OutcomeKind.ACTION_REQUIRED, page.url)
    with pytest.raises(ApiError):
        pay_page(desk.fake, page.gateway_reference, number="4000000000000002")
    assert desk.look(id=page.gateway_reference).kind is OutcomeKind.ACTION_REQUIRED, "it can be tried again there"
    assert desk.look().kind is OutcomeKind.ACTION_REQUIRED, "also when only our reference is known"
    pay_page(desk.fake, page.gateway_reference, number="4242424242424242")
    paid = desk.look(id=page.gateway_reference)
    assert (paid.kind, paid.amount_minor) == (OutcomeKind.SUCCEEDED, 5000)
    assert desk.look() == paid
    assert desk.look(id=paid.gateway_reference) == paid


def test_a_page_that_nobody_paid(desk: Any) -> None:
    page = desk.begin()
    desk.fake.advance(2 * 60 * 60)
    left = desk.look(id=page.gateway_reference)
    assert (left.kind, left.code) == (OutcomeKind.CANCELED, "expired")


def test_a_page_that_was_given_up(desk: Any) -> None:
    page = desk.begin()
    assert desk.cancel(id=page.gateway_reference).kind is OutcomeKind.CANCELED
    with pytest.raises(ApiError):
        pay_page(desk.fake, page.gateway_reference, number="4242424242424242")
    paid = desk.begin("attempt-2")
    pay_page(desk.fake, paid.gateway_reference, number="4242424242424242")
    assert desk.cancel("attempt-2", paid.gateway_reference).kind is OutcomeKind.SUCCEEDED, "too late"


@pytest.mark.parametrize(("account", "kind"), [("000123456789", "succeeded"), ("000222222227", "declined")])
def test_a_bank_account_on_stripes_page(desk: Any, account: str, kind: str) -> None:
    page = desk.begin(method=Method.BANK)
    pay_page(desk.fake, page.gateway_reference, account=account)
    assert desk.look(id=page.gateway_reference).kind is OutcomeKind.PENDING
    desk.fake.advance(5 * DAY)
    assert desk.look(id=page.gateway_reference).kind == kind


@pytest.mark.parametrize(("fault", "times"), [("lost", 1), ("lost", 2), ("error_after", 1)])
def test_a_page_whose_address_was_lost(desk: Any, fault: str, times: int) -> None:
    desk.fake.fault(fault, path="/v1/checkout", times=times)
    begun = desk.begin()
    if times == 1 and fault == "lost":
        assert isinstance(begun, Redirect)
    else:
        assert begun.kind is OutcomeKind.UNKNOWN
        assert desk.look().redirect_url.startswith(f"{desk.fake.origin}/pay/cs_test_")
    assert len(desk.fake.all("checkout.session")) == 1


def test_a_page_is_refused_as_a_charge_is(desk: Any) -> None:
    assert desk.begin(amount_minor=10).code == "amount_too_small"
    assert desk.begin(merchant_account="acct_other").kind is OutcomeKind.NOT_SUBMITTED


def test_cancel(desk: Any) -> None:
    asked = desk.charge("pm_card_authenticationRequired")
    assert desk.cancel(id=asked.gateway_reference).kind is OutcomeKind.CANCELED
    assert desk.cancel(id=asked.gateway_reference).kind is OutcomeKind.CANCELED
    declined = desk.charge("pm_card_chargeDeclined", "attempt-2")
    assert desk.cancel("attempt-2", declined.gateway_reference).kind is OutcomeKind.CANCELED
    assert desk.cancel("attempt-3").kind is OutcomeKind.UNKNOWN, "it may still be on its way"
    debit = desk.debit(reference="attempt-4")
    assert desk.cancel("attempt-4", debit.gateway_reference).kind is OutcomeKind.PENDING


def test_absent_only_when_the_whole_list_was_read(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        desk.charge(reference=f"attempt-{number}")
    assert desk.look("attempt-9").kind is OutcomeKind.ABSENT
    monkeypatch.setattr(finding, "PAGES_MOST", 0)
    assert desk.look("attempt-9").kind is OutcomeKind.UNKNOWN


def test_the_list_is_read_to_its_end_and_search_is_never_used(desk: Any) -> None:
    desk.charge(reference="the-first")
    for number in range(120):
        desk.charge("pm_card_visa", f"attempt-{number}")
    assert desk.look("the-first").kind is OutcomeKind.SUCCEEDED
    assert not [call for call in desk.http.calls if "search" in call[1]]


def test_a_list_that_lags_is_why_there_is_a_horizon(desk: Any) -> None:
    desk.charge()
    desk.fake.list_lag_seconds = 60
    assert desk.look().kind is OutcomeKind.ABSENT
    desk.fake.advance(61)
    assert desk.look().kind is OutcomeKind.SUCCEEDED


def test_disputes_of_a_card(desk: Any) -> None:
    paid = desk.charge()
    charge = desk.fake.object(paid.gateway_reference)["latest_charge"]
    opened = open_dispute(desk.fake, charge, reason="product_not_received")
    (fact,) = desk.look(id=paid.gateway_reference).disputes
    assert (fact.state, fact.amount_minor, fact.currency) == (DisputeState.OPEN, 12_345, "USD")
    assert (fact.reason, fact.respond_by.tzinfo is not None) == ("product_not_received", True)
    close_dispute(desk.fake, opened["id"], is_won=False)
    found = desk.look(id=paid.gateway_reference)
    assert (found.kind, found.disputes[0].state) == (OutcomeKind.SUCCEEDED, DisputeState.LOST)


def test_only_what_came_since_it_was_sent_is_read(desk: Any) -> None:
    desk.charge(reference="long-ago")
    desk.fake.advance(DAY)
    sent = desk.now
    desk.charge()
    assert desk.look(submitted_at=sent).kind is OutcomeKind.SUCCEEDED
    assert desk.look("attempt-9", submitted_at=sent).kind is OutcomeKind.ABSENT
    read = [call[1] for call in desk.http.calls if "limit=100" in call[1] and "payment_intent=" not in call[1]]
    assert all(f"created[gte]={int(sent.timestamp()) - 26 * 3600}" in path for path in read)
    assert desk.look("long-ago").kind is OutcomeKind.SUCCEEDED, "all is read when that is not known"


def test_another_account_finds_nothing(desk: Any) -> None:
    desk.charge()
    desk.settings["secret_key"] = "sk_test_other"
    assert desk.look().kind is OutcomeKind.ABSENT


def test_an_old_attempt_is_looked_up_and_never_sent_again(desk: Any) -> None:
    desk.fake.fault("lost", path="/v1/payment_intents", times=2)
    assert desk.charge().kind is OutcomeKind.UNKNOWN
    desk.fake.advance(2 * DAY)
    sent = len([call for call in desk.http.calls if call[0] == "POST"])
    assert desk.look().kind is OutcomeKind.SUCCEEDED
    assert len([call for call in desk.http.calls if call[0] == "POST"]) == sent
    assert len(desk.fake.all("charge")) == 1


KILLED = """
import os, sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from portal_stripe.fake import Fake
import conftest
fake = Fake(path=Path({state!r}), clock=conftest.Clock())
wire = conftest.Wire(fake)
if {before}:
    wire.on_call = lambda number: os._exit(9) if number == 2 else None
real = conftest.Wire.__call__
def dying(self, *given, **more):
    answer = real(self, *given, **more)
    if len(self.calls) == 2:
        os._exit(9)
    return answer
conftest.Wire.__call__ = dying
conftest.Desk(fake, wire).charge()
"""


@pytest.mark.parametrize(("is_before", "kind"), [(True, OutcomeKind.ABSENT), (False, OutcomeKind.SUCCEEDED)])
def test_killed_in_the_middle_and_looked_up_after(
    desk: Any, fake: Fake, is_before: bool, kind: OutcomeKind, tmp_path: Path
) -> None:
    fake.path = tmp_path / "stripe.json"
    fake.save()
    tests = str(Path(__file__).parent)
    script = KILLED.format(tests=tests, state=str(fake.path), before=is_before)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, env=dict(os.environ), check=False)
    assert ended.returncode == 9, ended.stderr.decode()
    desk.fake = desk.http.fake = Fake(path=fake.path, clock=fake.clock)
    assert desk.look().kind is kind
    # The same attempt sent again inside the life of its key takes nothing twice.
    assert desk.charge().kind is OutcomeKind.SUCCEEDED
    assert len(desk.fake.all("charge")) == 1
