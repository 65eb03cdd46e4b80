"""What a page was as a browser receives it: its headers and scripts, kept each time somebody looks (PCI DSS 4.0.1,
11.6.1). The last one that a person accepted is what the next look is compared with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from peewee import BooleanField, CharField, DateTimeField, TextField

from portal_app import clock
from portal_app.db import BaseModel, transaction

Facts = Mapping[str, str]


class PageSnapshot(BaseModel):
    """One look at ``page``. ``facts`` is JSON: texts by name, in order."""

    page = CharField(max_length=120)
    facts = TextField()
    sha256 = CharField(max_length=64)
    taken_at = DateTimeField()
    is_accepted = BooleanField()

    @property
    def as_dict(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.facts)
        return found


def keep(page: str, facts: Facts, *, is_accepted: bool) -> PageSnapshot:
    """Write down what was seen. The same as the look before adds nothing."""
    text = json.dumps(dict(facts), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    with transaction():
        last = latest(page)
        if last is not None and (last.sha256, last.is_accepted) == (digest, is_accepted):
            return last
        return PageSnapshot.create(page=page, facts=text, sha256=digest, taken_at=clock.now(), is_accepted=is_accepted)


def latest(page: str) -> PageSnapshot | None:
    """The last look, accepted or not."""
    return _of(page).first()


def accepted(page: str) -> PageSnapshot | None:
    """What a person last said is right."""
    return _of(page).where(PageSnapshot.is_accepted).first()


def _of(page: str) -> Any:
    return PageSnapshot.select().where(PageSnapshot.page == page).order_by(PageSnapshot.id.desc())


def differences(before: Facts, now: Facts) -> list[str]:
    """What changed, a sentence each; what is gone, what is new."""
    said = []
    for name in sorted({*before, *now}):
        was, is_now = before.get(name), now.get(name)
        if was is None:
            said.append(f"New: {name}: {is_now}")
        elif is_now is None:
            said.append(f"Gone: {name}: {was}")
        elif was != is_now:
            said.append(f"Changed: {name}: was {was}; is {is_now}")
    return said
