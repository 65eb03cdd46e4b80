"""What a gateway tells by itself: events, and the list of its own transactions; and what the host tells plugins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal_app.plugin_api.words import Fund, OutcomeKind, Role, Subject, TransactionKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A webhook as it came: raw bytes, headers by lower-case name. ``received_at`` is aware."""

    body: bytes
    headers: Mapping[str, str]
    received_at: dt.datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something happened at the gateway. ``id`` is the event's own id there, the same whenever it is delivered again;
    ``gateway_reference`` is the id of the charge or refund that it is about, ``reference`` ours when the event names
    it. It is a reason to ask, never a proof. ``payload`` is kept as evidence, redacted."""

    id: str
    kind: str
    subject: Subject = Subject.CHARGE
    reference: str = ""
    gateway_reference: str = ""
    merchant_account: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """The delivery is not the gateway's: forged, altered, stale, not understood. ``reason`` is for the log."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ListQuery:
    """A page of the gateway's transactions between two aware moments; ``cursor`` is empty at first."""

    since: dt.datetime
    until: dt.datetime
    merchant_account: str
    cursor: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalTransaction:
    """A line of the gateway's list. ``id`` is the gateway's, unique for the kind; ``amount_minor`` is positive.

    ``reference`` is what we gave (attempt or refund), if anything; ``charge_gateway_reference`` the charge that a
    refund, fee or dispute is about; ``fee_minor`` what the gateway keeps of it.
    """

    id: str
    kind: TransactionKind
    outcome: OutcomeKind
    amount_minor: int
    currency: str
    merchant_account: str
    occurred_at: dt.datetime
    reference: str = ""
    charge_gateway_reference: str = ""
    fee_minor: int = 0
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListPage:
    """Transactions, the oldest or the newest first, and where the list goes on; empty: this was all."""

    transactions: tuple[ExternalTransaction, ...]
    next_cursor: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerFact:
    """A transaction that the sweep found, to be booked if it means fees, surcharges or a payout."""

    transaction: ExternalTransaction
    fund: Fund


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerLine:
    """A proposed posting: debit plus, credit minus, in minor units."""

    role: Role
    amount_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What observers are told, after it was committed, at least once: which thing, and how it is now.

    ``id`` is the portal's own id of the payment, refund, dispute, journal entry or share; ``reference`` the attempt's
    or refund's reference where there is one; ``state`` its state; ``gateway`` the code of the gateway concerned.
    """

    id: int
    state: str
    at: dt.datetime
    reference: str = ""
    gateway: str = ""
    amount_minor: int = 0
    currency: str = ""
