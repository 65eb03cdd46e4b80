"""What gateways tell by themselves, kept as it came: events, their own lists; and what waits for a person."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, DateTimeField, ForeignKeyField, IntegerField, TextField

from portal_app.db import BaseModel
from portal_app.domain.ledger import JournalEntry
from portal_app.domain.payments.models import Attempt, Gateway, Payment
from portal_app.domain.people import FirmUser


class GatewayEvent(BaseModel):
    """An event as a webhook brought it, once for its id. ``result`` says what came of it."""

    gateway = ForeignKeyField(Gateway, backref="+")
    event_id = CharField(max_length=120)
    kind = CharField(max_length=80)
    subject = CharField(max_length=10)
    reference = CharField(max_length=64)
    gateway_reference = CharField(max_length=120)
    evidence = TextField(default="{}")
    received_at = DateTimeField()
    processed_at = DateTimeField(null=True)
    tries = IntegerField(default=0)
    result = CharField(max_length=200, default="")


class GatewaySweep(BaseModel):
    """One reading of a gateway's own list; without ``finished_at`` it is under way, or ended by ``error``."""

    gateway = ForeignKeyField(Gateway, backref="+")
    since = DateTimeField()
    until = DateTimeField()
    started_at = DateTimeField()
    finished_at = DateTimeField(null=True)
    found = IntegerField(default=0)
    error = CharField(max_length=300, default="")


class GatewayTransaction(BaseModel):
    """A line of a gateway's own list, as it was last seen; ``entry`` books its fee or payout."""

    gateway = ForeignKeyField(Gateway, backref="+")
    kind = CharField(max_length=10)
    external_id = CharField(max_length=120)
    outcome = CharField(max_length=16)
    amount_cents = BigIntegerField()
    fee_cents = BigIntegerField(default=0)
    currency = CharField(max_length=3)
    merchant_account = CharField(max_length=80)
    reference = CharField(max_length=64, default="")
    charge_gateway_reference = CharField(max_length=120, default="")
    description = CharField(max_length=200, default="")
    occurred_at = DateTimeField()
    seen_at = DateTimeField()
    attempt = ForeignKeyField(Attempt, null=True, backref="+")
    entry = ForeignKeyField(JournalEntry, null=True, backref="+")


class Question(BaseModel):
    """Something about money that only a person can answer. ``source`` names the fact: it is asked once."""

    kind = CharField(max_length=40)
    source = CharField(max_length=200)
    gateway = ForeignKeyField(Gateway, null=True, backref="+")
    payment = ForeignKeyField(Payment, null=True, backref="+")
    detail = TextField()
    opened_at = DateTimeField()
    closed_at = DateTimeField(null=True)
    closed_by = ForeignKeyField(FirmUser, null=True, backref="+")
    note = CharField(max_length=200, default="")
