"""What an administrator can see of the walls: the scripts of the pages, the payment page as last checked, and what
browsers refused."""

from __future__ import annotations

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import policy_reports, snapshots
from portal_app.firm.blueprint import blueprint
from portal_app.page_check import PAGE
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only
from portal_app.web.scripts import inventory


@blueprint.get("/settings/safety")
@firm_only("firm.manage")
def safety() -> Response:
    last, accepted = snapshots.latest(PAGE), snapshots.accepted(PAGE)
    changes = snapshots.differences(accepted.as_dict, last.as_dict) if last and accepted else []
    return render(
        "firm/settings/safety.html", scripts=inventory(), last=last, accepted=accepted, changes=changes,
        reports=policy_reports.latest(),
    )  # fmt: skip


@blueprint.post("/settings/safety/reports/clear")
@firm_only("firm.manage")
def clear_reports() -> AnyResponse:
    policy_reports.clear()
    flash("Forgotten. What browsers refuse from now on is listed anew.", "good")
    return go("/firm/settings/safety")
