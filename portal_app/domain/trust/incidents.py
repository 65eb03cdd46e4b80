"""Shortfalls: a bank has taken more than a ledger held. The firm replenishes it with its own money (T10)."""

from __future__ import annotations

import datetime as dt

from peewee import JOIN, Case, fn

from portal_app import clock
from portal_app.db import transaction
from portal_app.domain import ledger, matters, outbox
from portal_app.domain.banks import BankAccount
from portal_app.domain.matters import Matter
from portal_app.domain.people import Client, FirmUser
from portal_app.domain.trust import balances
from portal_app.domain.trust.books import (
    book,
    check_day,
    known,
    legs_of,
    new_key,
    open_operating,
    turn,
    values,
)
from portal_app.domain.trust.models import TrustBook, TrustDay, TrustIncident, TrustMovement
from portal_app.domain.trust.policy import refused


def open_for(row: TrustMovement, short_cents: int) -> TrustIncident:
    """Write down that ``row``, about to be booked, takes its ledger below zero, and promise the alerts. Call it in the
    transaction that books it."""
    incident: TrustIncident = TrustIncident.create(
        source=row.source, bank_account=row.bank_account_id, matter=row.matter_id, shortfall_cents=short_cents,
        opened_at=clock.now(),
    )  # fmt: skip
    outbox.put("trust_shortfall", incident.id)
    return incident


def to_replenish(incident: TrustIncident) -> int:
    """What the firm still has to put in, to the cent: how far its ledger is below zero now."""
    if incident.matter_id is None:
        return max(balances.balance_on(ledger.firm_float(incident.bank_account_id), 0), 0)
    return max(balances.balance_on(ledger.client_money(incident.bank_account_id), incident.matter_id), 0)


def open_incidents(who: FirmUser | None = None) -> list[TrustIncident]:
    """Those not replenished yet, of the matters that ``who`` may see or of all, the oldest first, with bank accounts,
    matters and clients, and ``due_cents``: what is to replenish now."""
    part = Case(None, [(TrustIncident.matter.is_null(), "float")], "ledger")
    now = (
        TrustDay.select(TrustDay.balance_cents)
        .join(TrustBook, on=(TrustBook.account == TrustDay.account_code))
        .where(
            (TrustBook.bank_account == TrustIncident.bank_account)
            & (TrustBook.part == part)
            & (TrustDay.matter_id == fn.COALESCE(TrustIncident.matter, 0))
        )
        .order_by(TrustDay.day.desc())
        .limit(1)
    )
    due = Case(None, [(now > 0, now)], 0)
    query = (
        TrustIncident.select(TrustIncident, BankAccount, Matter, Client, due.alias("due_cents"))
        .join_from(TrustIncident, BankAccount)
        .join_from(TrustIncident, Matter, JOIN.LEFT_OUTER)
        .join(Client, JOIN.LEFT_OUTER)
    )
    if who is not None:
        seen = matters.visible_to(who).select(Matter.id)
        query = query.where(TrustIncident.matter.is_null() | TrustIncident.matter.in_(seen))
    return list(query.where(TrustIncident.closed_at.is_null()).order_by(TrustIncident.id))


def find(incident_id: int) -> TrustIncident:
    return TrustIncident.get_by_id(incident_id)


def replenish(
    incident: TrustIncident,
    operating: BankAccount,
    *,
    on: dt.date,
    reference: str,
    by: FirmUser,
    key: str | None = None,
) -> TrustIncident:
    """The firm's own money makes the ledger whole, exactly, and the incident closes. Twice changes nothing.

    Raises:
        RuleRefused: the money would not come from an operating account (T03).
    """
    if operating.fund != "operating":
        raise refused("T03", "Only the firm's own money replenishes a shortfall.", "operating")
    check_day(on)
    with transaction():
        account: BankAccount = incident.bank_account
        turn(account)
        incident = TrustIncident.get_by_id(incident.id)
        if incident.closed_at is not None or known(key) is not None:
            return incident
        cents = to_replenish(incident)
        if cents:
            _put_in(incident, cents, open_operating(operating), on=on, reference=reference, by=by, key=new_key(key))
        others = (
            TrustIncident.matter.is_null() if incident.matter_id is None else TrustIncident.matter == incident.matter_id
        )
        TrustIncident.update(closed_at=clock.now(), closed_by=by).where(
            others & (TrustIncident.bank_account == account.id) & TrustIncident.closed_at.is_null()
        ).execute()
    return TrustIncident.get_by_id(incident.id)


def _put_in(
    incident: TrustIncident, cents: int, operating: str, *, on: dt.date, reference: str, by: FirmUser, key: str
) -> None:
    row = TrustMovement(**values(
        source=f"trust:{key}", key=key, kind="float_in" if incident.matter_id is None else "replenishment",
        bank_account=incident.bank_account_id, matter=incident.matter_id, amount_cents=cents, occurred_on=on,
        party="The firm", purpose="Shortfall replenished", method="transfer", reference=reference, recorded_by=by,
    ))  # fmt: skip
    book(row, legs_of(row, operating=operating), "Shortfall replenished by the firm", by=by)
