"""Trust money for tests: the cast's trust account, a deposit, a draw."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portal_app.domain import matters, trust
from portal_app.domain.banks import BankAccount
from portal_app.domain.matters import Matter
from portal_app.domain.trust import TrustAuthorisation, TrustHold, TrustIncident, TrustMovement
from tests.world import World, today


def account() -> BankAccount:
    return BankAccount.get(BankAccount.fund == "trust")


def operating() -> BankAccount:
    return BankAccount.get(BankAccount.fund == "operating")


def days_ago(days: int) -> dt.date:
    return today() - dt.timedelta(days=days)


def deposit(world: World, cents: int, *, matter: Matter | None = None, ago: int = 0, **more: Any) -> TrustMovement:
    """Money for alice's matter, by wire: cleared at once."""
    given = {"payer": "Alice Vasquez", "purpose": "Advance on fees", "method": "wire", "by": world.erin, **more}
    to = matter or world.matter
    return trust.receive(to, account(), amount_cents=cents, received_on=days_ago(ago), **given)


def authorise(world: World, cents: int, *, matter: Matter | None = None, **more: Any) -> TrustAuthorisation:
    given = {"kind": "disbursement", "payee": "Sample County Court", "purpose": "Filing fee", "by": world.dan, **more}
    return trust.authorise(matter or world.matter, account(), amount_cents=cents, **given)


def draw(world: World, cents: int, *, matter: Matter | None = None, **more: Any) -> TrustMovement:
    """Authorised by dan, paid by erin with a check."""
    word = authorise(world, cents, matter=matter, **more)
    return trust.pay_out(word, on=today(), method="check", by=world.erin, reference="1041")


def bounce(receipt: TrustMovement, cents: int = 0, **more: Any) -> TrustMovement:
    """The payer's bank takes the deposit back, today."""
    given = {"on": today(), "reason": "Insufficient funds", "source": f"return:{receipt.id}", **more}
    return trust.post_returned(receipt, cents=cents or receipt.amount_cents, **given)


def hold(world: World, cents: int, **more: Any) -> TrustHold:
    given = {"reason": "Fee disputed", "by": world.erin, **more}
    return trust.hold(world.matter, account(), amount_cents=cents, **given)


def shortfall(world: World) -> TrustIncident:
    """A deposit on a second matter of alice's client bounces after it was spent."""
    matter = matters.open_matter(
        number="", name="Thornbury, second", client=world.client, opened_on=days_ago(3), by=world.carol
    )
    receipt = deposit(world, 700, matter=matter)
    draw(world, 700, matter=matter)
    bounce(receipt)
    return incident()


def incident() -> TrustIncident:
    return TrustIncident.get(TrustIncident.closed_at.is_null())
