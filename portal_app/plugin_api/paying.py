"""Requests for money and the answers to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from portal_app.plugin_api.words import DisputeState, Flow, Fund, Method, OutcomeKind, Subject

EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class BillingAddress:
    """The payer's address as typed; ``country`` is ISO 3166-1 alpha-2."""

    name: str
    address1: str
    city: str
    state: str
    postal_code: str
    address2: str = ""
    country: str = "US"


@dataclass(frozen=True, kw_only=True, slots=True)
class BeginRequest:
    """A payment that is about to be taken. ``reference`` is empty while a form is only being drawn."""

    flow: Flow
    method: Method
    currency: str
    fund: Fund
    merchant_account: str
    page_origin: str
    amount_minor: int = 0
    reference: str = ""
    description: str = ""
    return_url: str = ""
    billing: BillingAddress | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """The gateway's own card fields on our page.

    ``module`` is the plugin's script (path inside its ``static`` folder): it mounts the fields in the host's
    container with ``config`` and answers the ``portal:tokenize`` event with a one-time token. The origins are
    added to the content security policy of that page alone.
    """

    module: str
    config: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    script_origins: tuple[str, ...] = ()
    frame_origins: tuple[str, ...] = ()
    connect_origins: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Redirect:
    """The gateway's own page: send the browser there, it comes back to ``return_url``."""

    url: str
    gateway_reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargeRequest:
    """Take exactly this money, once. ``reference`` is the attempt's id and the idempotency key."""

    reference: str
    amount_minor: int
    currency: str
    token: str
    method: Method
    fund: Fund
    merchant_account: str
    return_url: str
    description: str
    billing: BillingAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundRequest:
    """Give exactly this money back to the payer, once. ``reference`` is the refund's id and its idempotency key.

    ``charged_minor`` was taken and ``refunded_minor`` of it was given back (or is on its way back) before; the host has
    checked that the amount is not more than what is left. ``charge_*`` are the ids of the charge: ours, the gateway's.
    """

    reference: str
    amount_minor: int
    currency: str
    charge_reference: str
    charge_gateway_reference: str
    merchant_account: str
    method: Method
    fund: Fund
    charged_minor: int
    refunded_minor: int
    charged_at: dt.datetime
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether this gives back all of a charge of which nothing was given back before: it may be voided."""
        return self.refunded_minor == 0 and self.amount_minor == self.charged_minor


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupQuery:
    """Ask what became of the charge or refund ``reference`` (ours). ``gateway_reference`` is the gateway's id of the
    same, when it is known; ``charge_reference`` and ``charge_gateway_reference`` are those of a refund's charge.
    ``submitted_at`` is when it was sent, aware: what the gateway made before that cannot be it. ``args`` are the query
    of a return visit: never trusted."""

    reference: str
    merchant_account: str
    gateway_reference: str = ""
    subject: Subject = Subject.CHARGE
    charge_reference: str = ""
    charge_gateway_reference: str = ""
    submitted_at: dt.datetime | None = None
    args: Mapping[str, str] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundFact:
    """A refund of a charge as the gateway has it; ``reference`` is ours, empty when it was not made through the
    portal."""

    gateway_reference: str
    kind: OutcomeKind
    amount_minor: int
    reference: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeFact:
    """A dispute of a charge as the gateway has it. ``respond_by``: until when the firm can answer it, aware."""

    gateway_reference: str
    state: DisputeState
    amount_minor: int
    currency: str
    reason: str = ""
    respond_by: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The gateway's answer. For succeeded and pending, the amount, currency and account that it really took.

    ``method_summary`` is what a receipt may say ("Card ending 4242"); ``message`` is a plain sentence for the
    payer; ``payload`` is the redacted raw answer, kept as evidence. A look-up of a charge also says which refunds and
    disputes it knows of that charge; what it leaves out proves nothing.
    """

    kind: OutcomeKind
    gateway_reference: str = ""
    amount_minor: int | None = None
    currency: str = ""
    merchant_account: str = ""
    method_summary: str = ""
    code: str = ""
    message: str = ""
    redirect_url: str = ""
    refunds: tuple[RefundFact, ...] = ()
    disputes: tuple[DisputeFact, ...] = ()
    payload: Mapping[str, Any] = field(default_factory=dict)
