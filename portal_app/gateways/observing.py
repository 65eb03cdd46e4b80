"""Telling every plugin that listens, after the commit; what they do with it never touches the portal."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from portal_app import plugins
from portal_app.domain import outbox
from portal_app.domain.documents import DocumentShare
from portal_app.domain.ledger import JournalEntry
from portal_app.domain.payments import Dispute, Gateway, Payment, Refund
from portal_app.gateways.asking import attempt_of
from portal_app.plugin_api import Told

log = logging.getLogger(__name__)


def tell(topic: str, subject_id: int) -> None:
    """Tell each plugin that listens to ``topic``; one that fails is logged, and keeps nobody else from being told."""
    observers = plugins.registry().observers(topic)
    if not observers:
        return
    told = _TOLD[topic](subject_id)
    for name, observe in observers:
        try:
            observe(told=told)
        except Exception:
            log.exception("plugin %s, observer %s", name, topic)


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=dt.UTC)


def _payment(payment_id: int) -> Told:
    row = Payment.select(Payment, Gateway).join(Gateway).where(Payment.id == payment_id).get()
    return Told(
        id=row.id, state=row.state, at=_aware(row.changed_at), reference=attempt_of(row).reference,
        gateway=row.gateway.code, amount_minor=row.paid_cents, currency=row.currency,
    )  # fmt: skip


def _refund(refund_id: int) -> Told:
    row = Refund.select(Refund, Payment, Gateway).join(Payment).join(Gateway).where(Refund.id == refund_id).get()
    return Told(
        id=row.id, state=row.state, at=_aware(row.changed_at), reference=row.reference,
        gateway=row.payment.gateway.code, amount_minor=row.amount_cents, currency=row.payment.currency,
    )  # fmt: skip


def _dispute(dispute_id: int) -> Told:
    row = Dispute.select(Dispute, Payment, Gateway).join(Payment).join(Gateway).where(Dispute.id == dispute_id).get()
    return Told(
        id=row.id, state=row.state, at=_aware(row.changed_at), reference=row.gateway_reference,
        gateway=row.payment.gateway.code, amount_minor=row.amount_cents, currency=row.payment.currency,
    )  # fmt: skip


def _entry(entry_id: int) -> Told:
    row = JournalEntry.get_by_id(entry_id)
    return Told(id=row.id, state=row.code, at=_aware(row.posted_at), reference=row.source)


def _share(share_id: int) -> Told:
    row = DocumentShare.get_by_id(share_id)
    return Told(id=row.id, state="ended" if row.ended_at else "shared", at=_aware(row.shared_at))


_TOLD: dict[str, Callable[[int], Told]] = {
    "payment_changed": _payment,
    "refund_changed": _refund,
    "dispute_changed": _dispute,
    "ledger_posted": _entry,
    "document_shared": _share,
}

outbox.listen(lambda topic: bool(plugins.registry().observers(topic)))
