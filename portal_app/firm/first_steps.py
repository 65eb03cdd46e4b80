"""What leads a new firm by the hand, from its own details to the first payment from the portal."""

from __future__ import annotations

from dataclasses import dataclass

from portal_app.domain import today as desk
from portal_app.domain.access import may
from portal_app.domain.people import FirmUser
from portal_app.web.templates import current_firm


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, in its order; ``action`` is what one must be allowed to do for it."""

    title: str
    detail: str
    href: str
    action: str
    is_done: bool


def steps_for(who: FirmUser) -> list[Step]:
    """The steps that ``who`` may take; none at all once every one is done."""
    steps = [step for step in _steps(who) if may(who, step.action)]
    return [] if all(step.is_done for step in steps) else steps


def _steps(who: FirmUser) -> list[Step]:
    firm, made = current_firm(), desk.beginnings(who)
    matter = f"/firm/matters/{made.matter_id}" if made.matter_id else "/firm/matters"
    return [
        Step(
            "Complete the firm’s details", "Address and telephone stand on every invoice and e-mail.",
            "/firm/settings", "firm.manage", bool(firm.address and (firm.phone or firm.email)),
        ),
        Step(
            "Add a client", "The person or company that the firm acts for.",
            "/firm/clients/new", "clients.edit", bool(made.client_id),
        ),
        Step(
            "Open a matter", "With its billing method, and who can receive its invoices.",
            "/firm/matters/new", "matters.edit", bool(made.matter_id),
        ),
        Step(
            "Record work", "Time, expenses or a flat fee: what the first invoice will bill.",
            f"{matter}/time" if made.matter_id else "/firm/time", "time.edit", bool(made.work_id),
        ),
        Step(
            "Choose a payment gateway", "Rehearse with test cards first; no real money moves.",
            "/firm/payments/gateways", "gateways.manage", firm.gateway is not None,
        ),
        Step(
            "Invite the client", "They choose a password, see what was shared, and pay.",
            f"{matter}/settings" if made.matter_id else matter, "portal_users.invite", bool(made.portal_user_id),
        ),
    ]  # fmt: skip
