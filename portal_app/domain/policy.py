"""What the firm allows and asks for when people sign in: one row, or the defaults until somebody changes them."""

from __future__ import annotations

from peewee import BooleanField, CharField, DateTimeField, ForeignKeyField, IntegerField

from portal_app import clock
from portal_app.db import BaseModel, transaction
from portal_app.domain import access
from portal_app.domain.errors import Refused
from portal_app.domain.people import ROLES, FirmUser, Login

WAYS = ("password", "link", "passkey")  # a password, an e-mailed link, a passkey
CLIENT_WAYS = "password link passkey"
STAFF_WAYS = "password passkey"


class Policy(BaseModel):
    """``client_ways`` and ``staff_ways`` are sets of ``WAYS`` kept as words; ``factor_roles`` are the roles that need a
    second factor, ``reason`` why administrators are not among them."""

    id = IntegerField(primary_key=True)
    client_ways = CharField(max_length=60)
    staff_ways = CharField(max_length=60)
    client_factor = BooleanField()
    factor_roles = CharField(max_length=120)
    reason = CharField(max_length=200)
    changed_at = DateTimeField()
    changed_by = ForeignKeyField(FirmUser, null=True, backref="+")

    class Meta:
        table_name = "sign_in_policy"

    def allows(self, who: Login, way: str) -> bool:
        """Whether ``who`` may sign in that way."""
        return way in (self.staff_ways if isinstance(who, FirmUser) else self.client_ways).split()

    def is_for_anybody(self, way: str) -> bool:
        return way in f"{self.client_ways} {self.staff_ways}".split()

    def needs_factor(self, who: Login) -> bool:
        """Whether the firm asks ``who`` for a second factor."""
        return who.has_role(*self.factor_roles.split()) if isinstance(who, FirmUser) else bool(self.client_factor)


def default_roles() -> frozenset[str]:
    """Who needs a second factor until the firm says otherwise: administrators and whoever touches trust money."""
    acts = [action for action in access.ACTIONS if action.startswith("trust.") and not action.endswith(".read")]
    return frozenset({"administrator"}).union(*(access.ACTIONS[action] for action in acts))


def current() -> Policy:
    found: Policy | None = Policy.get_or_none(Policy.id == 1)
    return found or Policy(
        id=1, client_ways=CLIENT_WAYS, staff_ways=STAFF_WAYS, client_factor=False,
        factor_roles=" ".join(sorted(default_roles())), reason="", changed_at=clock.now(), changed_by=None,
    )  # fmt: skip


def change(
    *, client_ways: list[str], staff_ways: list[str], client_factor: bool, factor_roles: list[str], reason: str,
    by: FirmUser | None,
) -> Policy:  # fmt: skip
    """Set all of it.

    Raises:
        Refused: a side could not sign in at all, or administrators go without a second factor for no written reason.
    """
    for field, ways in (("client_ways", client_ways), ("staff_ways", staff_ways)):
        if not set(ways) <= set(WAYS) or not {"password", "link"} & set(ways):
            raise Refused("Allow a password or an e-mailed link: not everybody has a passkey.", field)
    if not set(factor_roles) <= set(ROLES):
        raise Refused("Choose from the list.", "factor_roles")
    if "administrator" not in factor_roles and not reason.strip():
        raise Refused("Say why administrators go without a second factor. It stands here for all to see.", "reason")
    with transaction():
        Policy.delete().where(Policy.id == 1).execute()
        made: Policy = Policy.create(
            force_insert=True, id=1, client_ways=" ".join(sorted(client_ways)), changed_at=clock.now(), changed_by=by,
            staff_ways=" ".join(sorted(staff_ways)), client_factor=client_factor, reason=reason.strip(),
            factor_roles=" ".join(sorted(factor_roles)),
        )  # fmt: skip
    return made
