"""Checkpoints over all chains of the firm: one hash, each with the one before in it, that stands for the whole books.

A checkpoint names the last link of every chain that has grown since the checkpoint before; through that one it stands
for the other chains too. Whoever keeps one outside the portal can tell later whether anything older has changed.
"""

from __future__ import annotations

import datetime as dt

from peewee import BigIntegerField, CharField, CompositeKey, DateTimeField, ForeignKeyField, IntegrityError

from portal_app import chain, clock
from portal_app.db import BaseModel, db, rows_of, transaction

EVERY = dt.timedelta(hours=1)

_GROWN = """SELECT l.matter_id, l.sequence, l.hash FROM chain_link l
    JOIN (SELECT matter_id, MAX(sequence) AS last FROM chain_link GROUP BY matter_id) h
        ON h.matter_id = l.matter_id AND h.last = l.sequence
    LEFT JOIN checkpoint_head c ON c.matter_id = l.matter_id AND c.sequence = l.sequence
    WHERE c.matter_id IS NULL ORDER BY l.matter_id"""


class Checkpoint(BaseModel):
    """One hash over all chains as they were at ``made_at``."""

    number = BigIntegerField(primary_key=True)
    made_at = DateTimeField()
    previous = CharField(max_length=64)
    hash = CharField(max_length=64)


class CheckpointHead(BaseModel):
    """The last link of a chain that had grown since the checkpoint before."""

    checkpoint = ForeignKeyField(Checkpoint, column_name="checkpoint_number", backref="heads")
    matter_id = BigIntegerField()
    sequence = BigIntegerField()
    hash = CharField(max_length=64)

    class Meta:
        primary_key = CompositeKey("checkpoint", "matter_id")


def last_checkpoint() -> Checkpoint | None:
    found: Checkpoint | None = Checkpoint.select().order_by(Checkpoint.number.desc()).first()
    return found


def check_in(*, at_least: dt.timedelta = EVERY) -> Checkpoint | None:
    """Make the next checkpoint, if the last is old enough and a chain has grown since. Bears to be done often, by
    several workers at once: one of them makes it."""
    last, now = last_checkpoint(), clock.now()
    if last is not None and now - last.made_at < at_least:
        return None
    heads = [(int(matter), int(sequence), str(head)) for matter, sequence, head in rows_of(_GROWN)]
    if not heads:
        return None
    number, previous = (last.number + 1, str(last.hash)) if last is not None else (1, chain.START)
    made = chain.checkpoint(number, str(now), previous, heads)
    try:
        with transaction(), db.atomic():
            rows = [(number, *head) for head in heads]
            fields = [
                CheckpointHead.checkpoint, CheckpointHead.matter_id, CheckpointHead.sequence, CheckpointHead.hash,
            ]  # fmt: skip
            for at in range(0, len(rows), 200):
                CheckpointHead.insert_many(rows[at : at + 200], fields=fields).execute()
            return Checkpoint.create(number=number, made_at=now, previous=previous, hash=made, force_insert=True)
    except IntegrityError:  # another worker was first
        return None
