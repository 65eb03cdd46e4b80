"""Time & expenses: recording work for a matter, correcting what is not billed yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import invoices, matters, people, timekeeping
from portal_app.domain.errors import Refused
from portal_app.domain.matters import Matter
from portal_app.domain.timekeeping import KINDS, WorkItem
from portal_app.firm.blueprint import blueprint
from portal_app.firm.listing import more_of, rows_wanted, words_of
from portal_app.firm.time_forms import FORMS, WorkForm, empty_form, form_of
from portal_app.web.fragments import aimed, go, is_fragment_request, render, taken_out
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import show_money


def _kind() -> str:
    kind = request.values.get("kind", "time")
    return kind if kind in KINDS else "time"


def _page(
    matter: Matter, *blocks: str, form: WorkForm | None = None, rows: Sequence[WorkItem] | None = None, **more: Any
) -> Response:
    """The matter's work, or only ``rows`` of it; ``editing`` is the row that is a form (``row_form``) now, ``left`` the
    one that was a moment ago, ``said`` what just happened, or why not (``is_refused``); ``is_added``: the form begins
    the next entry."""
    wanted, has_more = rows_wanted(), False
    if rows is None:
        rows, has_more = more_of(timekeeping.for_matter(matter, limit=wanted + 1), wanted)
        form = form or empty_form(_kind(), firm_user())
    at_rest = {"editing": None, "row_form": None, "left": None, "said": "", "is_refused": False, "is_added": False}
    return render(
        "firm/time/index.html", *blocks, matter=matter, form=form, rows=rows, wanted=wanted,
        has_more=has_more, unbilled_cents=timekeeping.unbilled_cents(matter), kinds=KINDS,
        numbers=invoices.numbers({row.billed_invoice_id for row in rows if row.is_billed}), **{**at_rest, **more},
    )  # fmt: skip


@blueprint.get("/matters/<int:matter_id>/time")
@firm_only("firm.read")
def work(matter_id: int) -> Response:
    blocks = ["work_form"] if "kind" in request.args else ["work"]
    return _page(matters.find(firm_user(), matter_id), *blocks)


@blueprint.get("/matters/<int:matter_id>/time/rate")
@firm_only("time.edit")
def usual_rate(matter_id: int) -> Response:
    """The form with the chosen timekeeper's rate."""
    matter = matters.find(firm_user(), matter_id)
    chosen = {str(who.id): who for who in people.active_firm_users()}.get(request.args.get("timekeeper", ""))
    return _page(matter, "work_rate", form=empty_form("time", chosen or firm_user()))


@blueprint.post("/matters/<int:matter_id>/time")
@firm_only("time.edit")
def record_work(matter_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    kind = _kind()
    form = FORMS[kind]()
    form.kind.data = kind
    if not form.validate():
        return _page(matter, "work_form", "work_said", form=form, status=422)
    try:
        item = timekeeping.record(matter, kind=kind, by=firm_user(), key=form.key.data, **form.values())
    except Refused as problem:
        form.refuse(problem)
        return _page(matter, "work_form", "work_said", form=form, status=422)
    said = f"{KINDS[kind]} added: {show_money(item.amount_cents)}."
    if not is_fragment_request():
        return _done(matter, said)
    return _added(matter, item, said)


def _added(matter: Matter, item: WorkItem, said: str) -> Response:
    """The new entry in its place in the list, and the form for the next one. Entries that are open keep what was
    typed."""
    now: dict[str, Any] = {"form": empty_form(item.kind, firm_user()), "said": said, "is_added": True}
    shown = [row.id for row in timekeeping.for_matter(matter, limit=rows_wanted())]
    if item.id not in shown:
        return _page(matter, "work_form", "unbilled", "work_said", **now)
    # The form is the last to go: htmx looks for the places of pieces from what was sent, which must still be there.
    rest = ("unbilled", "work_said", "work_form")
    if len(shown) == 1:
        return aimed(_page(matter, "work", *rest, **now), "#work")
    at = shown.index(item.id)
    where = (f"#work-{shown[at - 1]}", "afterend") if at else ("#work tbody", "afterbegin")
    return aimed(_row(matter, item, *rest, **now), *where)


@blueprint.get("/matters/<int:matter_id>/time/<int:item_id>")
@firm_only("firm.read")
def work_item(matter_id: int, item_id: int) -> Response:
    """One entry as it stands: what leaving its form shows again."""
    matter = matters.find(firm_user(), matter_id)
    return _row(matter, timekeeping.find(matter, item_id), left=item_id)


@blueprint.get("/matters/<int:matter_id>/time/<int:item_id>/edit")
@firm_only("time.edit")
def edit_work(matter_id: int, item_id: int) -> AnyResponse:
    """One entry as a form, in its place. Others that are open keep what was typed."""
    matter = matters.find(firm_user(), matter_id)
    item = timekeeping.find(matter, item_id)
    if item.is_billed:
        return go(f"/firm/invoices/{item.billed_invoice_id}")
    return _row(matter, item, editing=item.id, row_form=form_of(item))


@blueprint.post("/matters/<int:matter_id>/time/<int:item_id>")
@firm_only("time.edit")
def change_work(matter_id: int, item_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    item = timekeeping.find(matter, item_id)
    form = form_of(item)
    if form.validate():
        try:
            timekeeping.change(item, **form.values())
        except Refused as problem:
            form.refuse(problem)
    if form.errors:
        return _row(matter, item, editing=item.id, row_form=form, status=422)
    if not is_fragment_request():
        return _done(matter, "Saved.")
    return _row(matter, timekeeping.find(matter, item_id), "unbilled", "work_said", left=item_id, said="Saved.")


def _row(matter: Matter, item: WorkItem, *blocks: str, **more: Any) -> Response:
    """The row alone, and ``blocks`` that change with it; without htmx the page."""
    if not is_fragment_request():
        return _page(matter, **more)
    return _page(matter, "work_row", *blocks, rows=[item], **more)


@blueprint.post("/matters/<int:matter_id>/time/<int:item_id>/remove")
@firm_only("time.edit")
def remove_work(matter_id: int, item_id: int) -> AnyResponse:
    matter, said, kept = matters.find(firm_user(), matter_id), "Removed.", None
    try:
        timekeeping.remove(timekeeping.find(matter, item_id))
    except WorkItem.DoesNotExist:
        said = "It was removed already."
    except Refused as problem:
        said, kept = str(problem), timekeeping.find(matter, item_id)
    if not is_fragment_request():
        return _done(matter, said, "bad" if kept else "good")
    if kept:
        return _row(matter, kept, "unbilled", "work_said", said=said, is_refused=True)
    if not timekeeping.for_matter(matter, limit=1):
        return aimed(_page(matter, "work", "unbilled", "work_said", said=said), "#work")
    return taken_out(_page(matter, "work_said", "unbilled", "work_said", rows=[], said=said), f"#work-{item_id}")


def _done(matter: Matter, said: str, kind: str = "good") -> AnyResponse:
    """The page as it is now, where each change loads it anew."""
    flash(said, kind)
    return go(f"/firm/matters/{matter.id}/time?kind={_kind()}")


@blueprint.get("/time")
@firm_only("firm.read")
def recent_work() -> Response:
    """The latest work on all matters, and a way to each."""
    who, wanted, words = firm_user(), rows_wanted(), words_of()
    found = matters.search(who, words, limit=6)
    if is_fragment_request():
        return render("firm/time/recent.html", "found", q=words, found=found)
    rows, has_more = more_of(timekeeping.recent(who, limit=wanted + 1), wanted)
    count, cents = timekeeping.unbilled_summary(who)
    return render(
        "firm/time/recent.html", rows=rows, wanted=wanted, has_more=has_more, kinds=KINDS, q=words,
        unbilled_count=count, unbilled_cents=cents, found=found,
        numbers=invoices.numbers({row.billed_invoice_id for row in rows if row.is_billed}),
    )  # fmt: skip
