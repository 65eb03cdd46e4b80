"""Disputed money: held where it is, released by a second person (T19)."""

from __future__ import annotations

from peewee import IntegrityError

from portal_app import clock
from portal_app.db import db, transaction
from portal_app.domain.banks import BankAccount
from portal_app.domain.matters import Matter
from portal_app.domain.people import FirmUser
from portal_app.domain.trust import balances
from portal_app.domain.trust.books import new_key, said, turn
from portal_app.domain.trust.models import TrustHold
from portal_app.domain.trust.policy import refused


def hold(
    matter: Matter, account: BankAccount, *, amount_cents: int, reason: str, by: FirmUser, key: str | None = None
) -> TrustHold:
    """Keep a disputed amount in trust. The same ``key`` is the same hold.

    Raises:
        RuleRefused: there is not as much that is not held already.
    """
    with transaction():
        turn(account)
        found: TrustHold | None = TrustHold.get_or_none(TrustHold.key == key) if key else None
        if found is not None:
            return found
        if amount_cents > balances.balance(matter, account) - balances.held(matter, account):
            raise refused("T19", "There is not as much in this ledger that is not held already.", "amount")
        try:
            with db.atomic():
                return TrustHold.create(
                    key=new_key(key), bank_account=account, matter=matter, amount_cents=amount_cents,
                    reason=reason[:200], held_by=by, held_at=clock.now(),
                )  # fmt: skip
        except IntegrityError as problem:
            raise said(problem) from None


def release(row: TrustHold, *, note: str, by: FirmUser) -> None:
    """The dispute is over: the amount may be drawn again. Twice changes nothing.

    Raises:
        RuleRefused: whoever holds it cannot release it.
    """
    if row.held_by_id == by.id:
        raise refused("T19", "A second person releases what you hold.")
    with transaction():
        turn(row.bank_account)
        TrustHold.update(released_by=by, released_at=clock.now(), release_note=note[:200]).where(
            (TrustHold.id == row.id) & TrustHold.released_at.is_null()
        ).execute()
