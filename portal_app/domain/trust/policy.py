"""Which rule pack the firm works by, and saying no in its words."""

from __future__ import annotations

from peewee import ModelSelect

from portal_app import clock
from portal_app.db import transaction
from portal_app.domain.errors import Refused
from portal_app.domain.people import FirmUser
from portal_app.domain.trust.models import TrustPolicy
from portal_app.domain.trust.packs import DEFAULT, NUMBERS, Pack, RuleRefused, packs
from portal_app.prepared import prepared


def in_force() -> TrustPolicy:
    """The firm's last choice."""
    newest: TrustPolicy = _newest.one()
    return newest


@prepared
def _newest() -> ModelSelect:
    return TrustPolicy.select().order_by(TrustPolicy.id.desc()).limit(1)


def pack() -> Pack:
    """The pack in force."""
    return pack_of(str(in_force().pack))


def pack_of(code: str) -> Pack:
    """The pack of this code; the default, if it has left the portal since it was chosen."""
    return packs().get(code, packs()[DEFAULT])


def choose(code: str, *, float_cap_cents: int, by: FirmUser) -> None:
    """Work by another pack from now on. What is booked stays booked.

    Raises:
        Refused: there is no such pack, or more float than a bank's charges can need.
    """
    if code not in packs():
        raise Refused("Choose one of these rule packs.", "pack")
    most = NUMBERS["float_cap_cents"][1]
    if not 0 <= float_cap_cents <= most:
        raise Refused("That is more than bank charges can need.", "float_cap")
    with transaction():
        TrustPolicy.create(pack=code, float_cap_cents=float_cap_cents, chosen_by=by, chosen_at=clock.now())


def refused(rule_id: str, message: str, field: str = "") -> RuleRefused:
    """The refusal to raise: ``message`` says what is wrong here, the pack what the rule is."""
    return RuleRefused(pack().rules[rule_id], message, field)
