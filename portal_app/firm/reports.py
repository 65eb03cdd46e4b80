"""Reports: the list, a report as page, paper and CSV."""

from __future__ import annotations

from flask import Response, abort

from portal_app import clock
from portal_app.domain import reports, throttles
from portal_app.domain.exports import EXPORTS
from portal_app.domain.today import AGES
from portal_app.firm.blueprint import blueprint
from portal_app.firm.report_forms import Asked
from portal_app.web import files, paper
from portal_app.web.fragments import render
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm

ROWS, PAPER_ROWS = 300, 1000  # a page or a paper with more is no help: the CSV has them all


@blueprint.get("/reports")
@firm_only("reports.read")
def reports_index() -> Response:
    return render("firm/reports/index.html", reports=reports.REPORTS.values(), exports=EXPORTS.values())


def _asked(name: str) -> Asked:
    report = reports.REPORTS.get(name)
    if report is None:
        abort(404)
    return Asked.read(report, clock.today(current_firm().time_zone))


@blueprint.get("/reports/<report>")
@firm_only("reports.read")
def report(report: str) -> Response:
    asked = _asked(report)
    table = asked.report.table(firm_user(), asked.wanted)
    return render(
        "firm/reports/show.html", "figures", asked=asked, wanted=asked.wanted, report=asked.report, table=table,
        rows=table.rows[:ROWS], left_out=max(len(table.rows) - ROWS, 0), ages=AGES,
    )  # fmt: skip


@blueprint.get("/reports/<report>/csv")
@firm_only("reports.read")
def report_csv(report: str) -> Response:
    asked = _asked(report)
    table = asked.report.table(firm_user(), asked.wanted)
    return files.send_text(reports.csv(table, current_firm().money), f"{_name(asked)}.csv", "text/csv")


@blueprint.get("/reports/<report>/pdf")
@firm_only("reports.read")
def report_pdf(report: str) -> Response:
    asked = _asked(report)
    table = asked.report.table(firm_user(), asked.wanted)
    throttles.count({f"letter:{firm_user().id}": throttles.PAPERS})
    names = {key: asked.choices[key].get(chosen, "") for key, chosen in asked.chosen.items() if chosen}
    body = paper.report_pdf(
        asked.report, table, asked.wanted, names=list(names.values()), most=PAPER_ROWS,
        sees_all=firm_user().has_role("administrator"),
    )  # fmt: skip
    return files.send_pdf(body, f"{_name(asked)}.pdf", about=None, as_download=False)


def _name(asked: Asked) -> str:
    """With the years, so that files sort."""
    since = f"-{asked.wanted.since}" if asked.wanted.since else ""
    return f"{asked.report.name}-by-{asked.wanted.by}{since}-{asked.wanted.day}"
