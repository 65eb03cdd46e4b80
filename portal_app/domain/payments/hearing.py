"""What gateways tell, written down once: events of webhooks, and the lines of their own lists."""

from __future__ import annotations

import datetime as dt
import json

from peewee import fn

from portal_app import clock
from portal_app.db import transaction
from portal_app.domain import audit, outbox
from portal_app.domain.payments import recording
from portal_app.domain.payments.models import Attempt, Gateway, Payment, Refund
from portal_app.domain.payments.outside import GatewayEvent, GatewaySweep, GatewayTransaction
from portal_app.plugin_api import Event, ExternalTransaction, Subject

Known = Attempt | Refund


def store_event(gateway: Gateway, event: Event) -> bool:
    """Keep an event and promise to look into it; ``False`` when it was kept before. All in one transaction."""
    row = {
        "gateway": gateway, "event_id": event.id, "kind": event.kind, "subject": event.subject.value,
        "reference": event.reference, "gateway_reference": event.gateway_reference,
        "evidence": json.dumps(event.payload, sort_keys=True, default=str), "received_at": clock.now(), "tries": 0,
        "result": "",
    }  # fmt: skip
    with transaction():
        kept = GatewayEvent.insert(row).on_conflict_ignore().as_rowcount().execute()
        if kept:
            known = (GatewayEvent.gateway == gateway.id) & (GatewayEvent.event_id == event.id)
            outbox.put("gateway_event", GatewayEvent.get(known).id)
    return bool(kept)


def note_result(event: GatewayEvent, result: str, *, is_done: bool, is_about_us: bool = True) -> None:
    """What came of an event so far. In the end it is recorded, unless it was about nothing of ours."""
    with transaction():
        event.result, event.tries = result[:200], event.tries + 1
        event.processed_at = clock.now() if is_done else None
        event.save(only=["result", "tries", "processed_at"])
        if is_done and is_about_us:
            audit.record(
                "webhook", by=recording.by(event.gateway), subject=event.kind, subject_ref=f"gatewayevent:{event.id}",
                after={"event": event.event_id, "received": event.received_at, "became": result},
            )  # fmt: skip


def whose(gateway: Gateway, subject: Subject, reference: str, gateway_reference: str) -> Known | None:
    """The attempt or refund that a gateway speaks of, by our reference or by its own id; at this gateway alone."""
    model = Refund if subject is Subject.REFUND else Attempt
    at_gateway = model.select(model, Payment).join(Payment).where(Payment.gateway == gateway.id)
    found = at_gateway.where(model.reference == reference).first() if reference else None
    if found is None and gateway_reference:
        found = at_gateway.where(model.gateway_reference == gateway_reference).first()
    return found


def last_event(gateway: Gateway) -> GatewayEvent | None:
    return GatewayEvent.select().where(GatewayEvent.gateway == gateway.id).order_by(GatewayEvent.id.desc()).first()


# The gateway's own list


def last_sweep(
    gateway: Gateway, *, is_whole: bool = False, but: GatewaySweep | None = None
) -> GatewaySweep | None:  # fmt: skip
    """The last sweep; with ``is_whole`` the last that reached the end; ``but`` one that runs."""
    query = GatewaySweep.select().where(GatewaySweep.gateway == gateway.id)
    if is_whole:
        query = query.where(GatewaySweep.finished_at.is_null(False) & (GatewaySweep.error == ""))
    if but is not None:
        query = query.where(GatewaySweep.id != but.id)
    return query.order_by(GatewaySweep.id.desc()).first()


def begin_sweep(gateway: Gateway, since: dt.datetime, until: dt.datetime) -> GatewaySweep:
    with transaction():
        return GatewaySweep.create(gateway=gateway, since=since, until=until, started_at=clock.now())


def end_sweep(sweep: GatewaySweep, *, found: int, error: str = "") -> None:
    with transaction():
        before = last_sweep(sweep.gateway, but=sweep)
        sweep.finished_at, sweep.found, sweep.error = clock.now(), found, error[:300]
        sweep.save(only=["finished_at", "found", "error"])
        if not error or before is None or not before.error:  # one that goes on failing is told once
            audit.record(
                "sweep", by=recording.by(sweep.gateway), subject=sweep.gateway.code,
                subject_ref=f"gateway:{sweep.gateway_id}",
                after={"since": sweep.since, "until": sweep.until, "lines": found, "problem": error},
            )  # fmt: skip


def first_payment_at(gateway: Gateway) -> dt.datetime | None:
    """When the gateway was first used."""
    return Payment.select(fn.MIN(Payment.created_at)).where(Payment.gateway == gateway.id).scalar()


def merchant_accounts_of(gateway: Gateway) -> list[str]:
    """Every account at the gateway that the portal has taken money into."""
    query = Attempt.select(Attempt.merchant_account).join(Payment).where(Payment.gateway == gateway.id).distinct()
    return sorted(row.merchant_account for row in query)


def fund_of_account(gateway: Gateway, merchant_account: str) -> str:
    """Whose money an account at the gateway took that is mapped to no fund any more; operating when it took none."""
    took = Payment.select(Payment.fund).join(Attempt).where(Payment.gateway == gateway.id)
    last: Payment | None = took.where(Attempt.merchant_account == merchant_account).order_by(Payment.id.desc()).first()
    return str(last.fund) if last else "operating"


def paid_between(gateway: Gateway, since: dt.datetime, until: dt.datetime) -> list[Attempt]:
    """Attempts of this gateway that were paid in this time, with their payments."""
    is_paid = (Payment.gateway == gateway.id) & (Payment.state == "succeeded") & Payment.paid_at.between(since, until)
    return list(Attempt.select(Attempt, Payment).join(Payment).where(is_paid).order_by(Attempt.id))


def other_charges(gateway: Gateway, attempt: Attempt, external_id: str, outcomes: list[str]) -> list[str]:
    """The gateway's ids of further charges, with one of these outcomes, that name the same attempt."""
    query = GatewayTransaction.select(GatewayTransaction.external_id).where(
        (GatewayTransaction.gateway == gateway.id)
        & (GatewayTransaction.attempt == attempt.id)
        & (GatewayTransaction.kind == "charge")
        & (GatewayTransaction.external_id != external_id)
        & GatewayTransaction.outcome.in_(outcomes)
    )
    return [row.external_id for row in query]


def note_transaction(gateway: Gateway, told: ExternalTransaction, attempt: Attempt | None) -> GatewayTransaction:
    """Keep a line of the gateway's list as it is now; the same line is kept once."""
    with transaction():
        is_same = (
            (GatewayTransaction.gateway == gateway.id)
            & (GatewayTransaction.kind == told.kind.value)
            & (GatewayTransaction.external_id == told.id)
        )
        row = GatewayTransaction.get_or_none(is_same) or GatewayTransaction(
            gateway=gateway, kind=told.kind.value, external_id=told.id
        )
        row.outcome, row.amount_cents, row.fee_cents = told.outcome.value, told.amount_minor, told.fee_minor
        row.currency, row.merchant_account = told.currency.upper(), told.merchant_account
        row.reference, row.charge_gateway_reference = told.reference, told.charge_gateway_reference
        row.description, row.occurred_at, row.seen_at = told.description, told.occurred_at, clock.now()
        row.attempt = attempt
        row.save()
    return row
