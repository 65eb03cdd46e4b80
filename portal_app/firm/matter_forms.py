"""The forms of a matter: its facts, who at the firm may see it, when it closes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from wtforms import SelectMultipleField
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from portal_app.domain import clients, people
from portal_app.domain.matters import BILLING_METHODS, Matter
from portal_app.domain.people import FirmUser
from portal_app.firm.once import OnceForm
from portal_app.web.fields import Choice, Day, Line, Radios
from portal_app.web.forms import Form

NOBODY = 0
ACCESS = {"everyone": "Everyone at the firm", "named": "Only these people"}

_BILLING_METHOD = Radios("Billing method", choices=BILLING_METHODS, default="hourly")
_LIMITATIONS_ON = Day("Statute of limitations", is_required=False)


class Checkboxes(SelectMultipleField):
    """Several of a list, as check boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class MatterForm(Form):
    """Everything about a matter that a person types; an in-place form keeps one field of it."""

    name = Line("Name")
    number = Line("Number", most=40, is_required=False)
    client = Choice("Client", coerce=int)
    practice_area = Line("Practice area", is_required=False)
    opposing_party = Line("Opposing party", is_required=False)
    responsible_attorney = Choice("Responsible attorney", coerce=int)
    opened_on = Day("Opened on")
    client_matter_id = Line("Client’s own number", most=20, is_required=False)
    billing_method = _BILLING_METHOD
    limitations_on = _LIMITATIONS_ON

    def __init__(self, *, attorney: FirmUser | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if "client" in self:
            names: dict[Any, str] = dict(clients.names())
            self.client.choices = {NOBODY: "Choose a client"} | names
        if "responsible_attorney" in self:
            self.responsible_attorney.choices = _attorneys(attorney)

    @classmethod
    def of(cls, matter: Matter, only: str = "") -> MatterForm:
        """The form as it stands on the matter; ``only`` is the one field to keep."""
        ids = {"client": matter.client_id, "responsible_attorney": matter.responsible_attorney_id or NOBODY}
        now = {name: getattr(matter, name) for name in ([only] if only else FACTS) if name not in {*ids, "access"}}
        return (_with_one(only) if only else cls)(attorney=matter.responsible_attorney, data=now | ids)

    def validate_client(self, field: Choice) -> None:
        if field.data == NOBODY:
            raise ValidationError("Choose the client that the matter is for.")

    def values(self) -> dict[str, Any]:
        """What was typed, as :func:`matters.change` takes it."""
        found = {name: field.data for name, field in self._fields.items()}
        if "client" in found:
            found["client"] = clients.find(found["client"])
        if found.get("responsible_attorney") == NOBODY:
            found["responsible_attorney"] = None
        return found


class NewMatterForm(MatterForm, OnceForm):
    pass


def _attorneys(now: FirmUser | None) -> dict[Any, str]:
    """Who can be responsible, by id; ``now`` stays a choice even after leaving."""
    able = [who for who in people.active_firm_users() if who.has_role("attorney", "administrator")]
    return {NOBODY: "Nobody yet"} | {who.id: who.name for who in [*([now] if now else []), *able]}


@lru_cache(maxsize=32)
def _with_one(name: str) -> type[MatterForm]:
    """The form with the field ``name`` alone."""
    others = {other for other in FACTS if other not in {name, "access"}}
    return type("MatterFactForm", (MatterForm,), dict.fromkeys(others))


FACTS = {
    "client": "Client",
    "practice_area": "Practice area",
    "billing_method": "Billing method",
    "limitations_on": "Statute of limitations",
    "opposing_party": "Opposing party",
    "responsible_attorney": "Responsible attorney",
    "client_matter_id": "Client’s own number",
    "access": "User access",
    "name": "Name",
    "number": "Number",
    "opened_on": "Opened on",
}


class AccessForm(Form):
    """Everyone at the firm, or some of them."""

    access = Radios("User access", choices=ACCESS, default="everyone")
    staff = Checkboxes("Only these people", coerce=int)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.everybody = people.active_firm_users()
        self.staff.choices = {who.id: who.name for who in self.everybody}

    @staticmethod
    def now(matter: Matter, staff: list[FirmUser]) -> dict[str, object]:
        """What the fields say of the matter; ``staff`` are those named on it."""
        return {"access": "named" if matter.is_restricted else "everyone", "staff": [who.id for who in staff]}

    def validate_staff(self, field: Checkboxes) -> None:
        if self.access.data == "named" and not field.data:
            raise ValidationError("Choose at least one person.")

    @property
    def is_restricted(self) -> bool:
        return bool(self.access.data == "named")

    def chosen(self) -> list[FirmUser]:
        return [who for who in self.everybody if who.id in (self.staff.data or [])]


class SettingsForm(AccessForm):
    """What is decided when a matter begins, after its basics."""

    billing_method = _BILLING_METHOD
    limitations_on = _LIMITATIONS_ON


class CloseForm(Form):
    closed_on = Day("Closed on")
