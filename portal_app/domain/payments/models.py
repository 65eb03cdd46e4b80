"""The tables of payments, and their states as data."""

from __future__ import annotations

import json
import secrets

from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from portal_app.db import BaseModel, is_any
from portal_app.domain.banks import BankAccount
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.invoices import Invoice
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.domain.trust import TrustAuthorisation
from portal_app.plugin_api import BillingAddress, Fund, Mode

# What may follow what by a gateway's word. A late proof of success always wins; only the payer's bank leads out of
# success (an eCheck that is returned), and only a person out of review.
DEFINITE = frozenset({"succeeded", "declined", "canceled", "not_submitted", "review", "returned"})
_SETTLED = DEFINITE - {"returned"}
_AFTER_SENDING = _SETTLED | {"pending", "action_required", "unknown"}
EDGES: dict[str, frozenset[str]] = {
    "ready": frozenset({"submitting", "canceled", "not_submitted"}),
    "submitting": _AFTER_SENDING,
    "pending": _SETTLED,
    "action_required": _SETTLED | {"pending"},
    "unknown": _SETTLED | {"pending", "action_required"},
    "declined": frozenset({"succeeded", "review"}),
    "canceled": frozenset({"succeeded", "review"}),
    "not_submitted": frozenset({"succeeded", "review"}),
    "succeeded": frozenset({"returned"}),
    "returned": frozenset(),
    "review": frozenset(),
}
FREEING = frozenset({"declined", "canceled", "not_submitted"})
_HOLDING = ("ready", "submitting", "pending", "action_required", "unknown", "review")
HOLDING = frozenset(_HOLDING)
PAID = frozenset({"succeeded", "returned"})  # in the books as paid, whatever came after

# A refund's states. One that succeeded can still fail at the payer's bank; a late proof of success always wins.
_REFUND_DEFINITE = frozenset({"succeeded", "declined", "not_submitted"})
REFUND_EDGES: dict[str, frozenset[str]] = {
    "ready": frozenset({"submitting", "not_submitted"}),
    "submitting": _REFUND_DEFINITE | {"pending", "unknown"},
    "pending": _REFUND_DEFINITE,
    "unknown": _REFUND_DEFINITE | {"pending"},
    "declined": frozenset({"succeeded", "pending"}),
    "not_submitted": frozenset({"succeeded", "pending"}),
    "succeeded": frozenset({"declined"}),
}
REFUND_FREEING = frozenset({"declined", "not_submitted"})
REFUND_SHOWN = frozenset({"succeeded", "pending"})  # to the payer
REFUND_OPEN = frozenset({"ready", "submitting", "pending", "unknown"})

# A dispute's states: in an inquiry no money has moved; banks can open again what was decided.
DISPUTE_EDGES: dict[str, frozenset[str]] = {
    "inquiry": frozenset({"open", "won", "lost"}),
    "open": frozenset({"won", "lost"}),
    "won": frozenset({"open", "lost"}),
    "lost": frozenset({"won"}),
}


class Gateway(BaseModel):
    """One account at a plugin's gateway, as the firm has set it up. ``code`` tells it from others of the same plugin
    ("stripe", "stripe-2"), ``name`` is the firm's own word for it; ``settings`` is JSON whose secrets are sealed;
    ``health`` is the last answer to "Test connection"; ``enabled_at`` since when it takes payments."""

    plugin = CharField(max_length=30)
    code = CharField(max_length=30)
    name = CharField(max_length=60, default="")
    webhook_secret = CharField(max_length=64, default=lambda: secrets.token_urlsafe(24))
    settings = TextField(default="{}")
    mode = CharField(max_length=4, default=Mode.TEST.value)
    enabled_at = DateTimeField(null=True)
    settings_saved_at = DateTimeField()
    changed_by = ForeignKeyField(FirmUser, null=True, backref="+")
    tested_at = DateTimeField(null=True)
    is_healthy = BooleanField(null=True)
    health = TextField(default="[]")


class GatewayRoute(BaseModel):
    """Which merchant account at the gateway takes money of a fund, and the bank account that it pays into."""

    gateway = ForeignKeyField(Gateway, backref="routes")
    fund = CharField(max_length=10)
    merchant_account = CharField(max_length=80)
    bank_account = ForeignKeyField(BankAccount, backref="+")

    class Meta:
        primary_key = CompositeKey("gateway", "fund")


class PaymentRoad(BaseModel):
    """Who takes what: the gateway for money of a fund that is paid by a method."""

    fund = CharField(max_length=10)
    method = CharField(max_length=4)
    gateway = ForeignKeyField(Gateway, backref="roads")

    class Meta:
        primary_key = CompositeKey("fund", "method")


class Installation(BaseModel):
    """Which installation takes live payments for this database: what stands in its file, where, and its address. The
    last row counts."""

    token = CharField(max_length=64)
    inode = CharField(max_length=20)
    public_url = TextField()
    bound_at = DateTimeField()
    bound_by = ForeignKeyField(FirmUser, null=True, backref="+")


class Payment(BaseModel):
    """What one portal user set out to pay. ``key`` is made with the form: the same key is the same payment.
    ``received_cents`` is what came, where that differs and was applied all the same."""

    public_id = CharField(max_length=32)
    portal_user = ForeignKeyField(PortalUser, backref="payments")
    gateway = ForeignKeyField(Gateway, backref="+")
    key = CharField(max_length=64)
    fund = CharField(max_length=10)
    method = CharField(max_length=4)
    amount_cents = BigIntegerField()
    currency = CharField(max_length=3)
    billing = TextField()
    state = CharField(max_length=16, default="ready")
    message = TextField(default="")
    method_summary = CharField(max_length=80, default="")
    received_cents = BigIntegerField(null=True)
    receipt_number = CharField(max_length=20, null=True)
    receipt_key = CharField(max_length=120, default="")
    created_at = DateTimeField()
    changed_at = DateTimeField()
    paid_at = DateTimeField(null=True)

    @property
    def is_open(self) -> bool:
        return self.state in HOLDING

    @property
    def is_deposit(self) -> bool:
        """Whether it goes into trust."""
        return self.fund == Fund.TRUST.value

    @property
    def paid_cents(self) -> int:
        """What was taken of the payer, once it is paid."""
        return int(self.amount_cents if self.received_cents is None else self.received_cents)

    @property
    def surplus_cents(self) -> int:
        """What came beyond what was asked for; negative when less came."""
        return self.paid_cents - int(self.amount_cents)

    @property
    def billing_address(self) -> BillingAddress:
        return BillingAddress(**json.loads(self.billing))


# In these very words, since the index of what is not settled (migration 0005) is for them.
IS_HOLDING = Payment.state.in_([SQL(f"'{state}'") for state in _HOLDING])
# The same, asked of payments that were found in another way.
IS_UNDER_WAY = is_any(Payment.state, _HOLDING)


class Allocation(BaseModel):
    """How much of a payment is for which invoice; or that all of it is for one deposit request. The payment's fund says
    which of the two."""

    payment = ForeignKeyField(Payment, backref="allocations")
    invoice = ForeignKeyField(Invoice, null=True, backref="+")
    deposit = ForeignKeyField(DepositRequest, null=True, backref="+")
    amount_cents = BigIntegerField()

    class Meta:
        primary_key = False

    @property
    def item(self) -> Invoice | DepositRequest:
        """What it is for."""
        return self.invoice if self.deposit_id is None else self.deposit


class Attempt(BaseModel):
    """The one try to take a payment at the gateway. ``reference`` is its idempotency key there; ``evidence`` the
    gateway's redacted answer."""

    reference = CharField(max_length=32)
    payment = ForeignKeyField(Payment, backref="attempts")
    flow = CharField(max_length=10)
    merchant_account = CharField(max_length=80)
    state = CharField(max_length=16, default="ready")
    gateway_reference = CharField(max_length=120, default="")
    redirect_url = TextField(default="")
    code = CharField(max_length=60, default="")
    evidence = TextField(default="{}")
    lookups = IntegerField(default=0)
    created_at = DateTimeField()
    submitted_at = DateTimeField(null=True)
    resolved_at = DateTimeField(null=True)
    next_lookup_at = DateTimeField(null=True)
    leased_until = DateTimeField(null=True)


class PaymentChange(BaseModel):
    """Every state that a payment was in, and since when."""

    payment = ForeignKeyField(Payment, backref="changes")
    state = CharField(max_length=16)
    note = CharField(max_length=200, default="")
    changed_at = DateTimeField()


class Refund(BaseModel):
    """Money of a payment given back. ``reference`` is its idempotency key at the gateway; ``key`` is made with the
    form. Without ``made_by`` it was not made through the portal: the gateway told of it. ``is_owed_again``: the
    invoices are open again; otherwise the firm gives the fee up. ``authorisation`` is the lawyer's word for giving back
    a deposit."""

    reference = CharField(max_length=32)
    payment = ForeignKeyField(Payment, backref="refunds")
    key = CharField(max_length=64, null=True)
    amount_cents = BigIntegerField()
    reason = CharField(max_length=200, default="")
    is_owed_again = BooleanField(default=True)
    made_by = ForeignKeyField(FirmUser, null=True, backref="+")
    authorisation = ForeignKeyField(TrustAuthorisation, null=True, backref="+")
    state = CharField(max_length=16, default="ready")
    gateway_reference = CharField(max_length=120, default="")
    code = CharField(max_length=60, default="")
    message = TextField(default="")
    evidence = TextField(default="{}")
    lookups = IntegerField(default=0)
    created_at = DateTimeField()
    changed_at = DateTimeField()
    submitted_at = DateTimeField(null=True)
    resolved_at = DateTimeField(null=True)
    next_lookup_at = DateTimeField(null=True)
    leased_until = DateTimeField(null=True)


class Dispute(BaseModel):
    """A payer's bank takes a payment back, or asks about it; ``gateway_reference`` is its id there."""

    payment = ForeignKeyField(Payment, backref="disputes")
    gateway_reference = CharField(max_length=120)
    amount_cents = BigIntegerField()
    reason = CharField(max_length=120, default="")
    state = CharField(max_length=16)
    respond_by = DateTimeField(null=True)
    opened_at = DateTimeField()
    changed_at = DateTimeField()
