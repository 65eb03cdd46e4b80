"""Who can receive invoices from a matter: found or invited, sent to again, revoked, removed."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField
from wtforms.validators import ValidationError

from portal_app import config
from portal_app.db import transaction
from portal_app.domain import invitations as ways_in
from portal_app.domain import matters, people, throttles
from portal_app.domain.errors import Refused
from portal_app.domain.matters import InvoiceRecipient, Matter
from portal_app.domain.people import PortalUser
from portal_app.firm import invitations
from portal_app.firm.blueprint import blueprint
from portal_app.firm.listing import words_of
from portal_app.web import files, paper
from portal_app.web.fields import EmailLine, Line
from portal_app.web.forms import Form
from portal_app.web.fragments import aimed, go, is_fragment_request, render, taken_out
from portal_app.web.login import firm_only, firm_user
from portal_app.web.templates import current_firm

NEW = "new"
PAGE, ROW = "firm/matters/recipients.html", "firm/matters/recipient.html"


class RecipientForm(Form):
    """``choice`` is a portal user's public id, or ``new``, or empty while somebody is still searched."""

    who = Line("Add a person", most=254, is_required=False)
    choice = Line("Choice", most=40, is_required=False)
    new_name = Line("Name", is_required=False)
    new_email = EmailLine(is_required=False)
    relation = Line("Relation", most=40, is_required=False)

    def validate(self, extra_validators: Any = None) -> bool:
        if self.choice.data != NEW:  # what was proposed for somebody new does not matter
            self.new_name.data = self.new_email.data = ""
        return bool(super().validate(extra_validators))

    def validate_new_name(self, field: Line) -> None:
        if self.choice.data == NEW and not field.data:
            raise ValidationError("Fill in this field.")

    def validate_who(self, field: Line) -> None:
        if not self.choice.data and not field.data:
            raise ValidationError("Type a name or an e-mail address.")


class RelationForm(Form):
    """What a recipient, the row of id ``of``, is to the matter."""

    scope = "recipient"
    relation = Line("Relation", most=40, is_required=False)
    reads_trust = BooleanField("May read the trust account of this matter")

    def __init__(self, *, of: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.of = of
        self.at(of)


def recipients_context(
    matter: Matter, adding: RecipientForm | None = None, said: str = "", relating: RelationForm | None = None
) -> dict[str, Any]:
    """What the section of recipients shows; the people found for what ``adding`` searches; ``relating`` stands in
    place of the relation that is being edited."""
    rows = matters.recipients_of(matter)
    adding = adding or RecipientForm(formdata=None)
    words = adding.who.data or ""
    listed = {row.portal_user_id for row in rows}
    found = [who for who in people.search_portal_users(words) if who.id not in listed] if words else []
    if words and not adding.new_name.data and not adding.new_email.data:
        (adding.new_email if "@" in words else adding.new_name).data = words
    cards = invitations.cards([row.portal_user for row in rows])
    recipients = list(zip(rows, cards, strict=True))
    return {"recipients": recipients, "adding": adding, "found": found, "said": said, "relating": relating}


def _page(matter: Matter, *blocks: str, status: int = 200, **forms: Any) -> Response:
    return render(PAGE, *blocks, status=status, matter=matter, tab="people", **recipients_context(matter, **forms))


def _row(
    matter: Matter, row: InvoiceRecipient, said: str = "", *, relating: RelationForm | None = None, status: int = 200
) -> Response:
    """For htmx somebody's row alone, and what happened; otherwise the page."""
    if not is_fragment_request():
        return _page(matter, status=status, relating=relating)
    [card] = invitations.cards([row.portal_user])
    return render(
        ROW, "recipient_row", "recipients_said", status=status, matter=matter, recipients=[(row, card)],
        relating=relating, said=said,
    )  # fmt: skip


def _done(matter: Matter, said: str, row: InvoiceRecipient | None = None) -> AnyResponse:
    """After a change of one row, or of the section: that and what happened; without htmx the page of its own."""
    if not is_fragment_request():
        flash(said, "good")
        return go(f"/firm/matters/{matter.id}/recipients")
    return _row(matter, row, said) if row else aimed(_page(matter, "recipients", said=said), "#recipients")


@blueprint.get("/matters/<int:matter_id>/recipients")
@firm_only("matters.edit")
def recipients(matter_id: int) -> Response:
    """The section as a page of its own; for htmx the section, or the people found for ``?who=``."""
    matter = matters.find(firm_user(), matter_id)
    adding = RecipientForm(formdata=None, who=words_of("who"))
    if is_fragment_request() and "who" in request.args:
        return render("firm/matters/_found.html", "found", matter=matter, **recipients_context(matter, adding))
    return _page(matter, "recipients", adding=adding)


@blueprint.post("/matters/<int:matter_id>/recipients")
@firm_only("matters.edit")
def add_recipient(matter_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    form = RecipientForm()
    if not form.validate():
        return _page(matter, "recipients", status=422, adding=form)
    if not form.choice.data:
        return _page(matter, "recipients", adding=form)
    try:
        said = _invite_new(matter, form) if form.choice.data == NEW else _add_known(matter, form)
    except Refused as problem:
        form.refuse(Refused(str(problem), {"email": "new_email"}.get(problem.field, problem.field)))
        return _page(matter, "recipients", status=422, adding=form)
    return _done(matter, said)


def _invite_new(matter: Matter, form: RecipientForm) -> str:
    name, email, relation = form.new_name.data or "", form.new_email.data or "", form.relation.data or ""
    taken = people.find_by_email(email) if email else None
    if isinstance(taken, PortalUser):
        form.who.data = taken.email
        raise Refused(f"This is the address of {taken.name}: choose them above.", "new_email")
    with transaction():
        who = people.add_portal_user(email=email, name=name, time_zone=current_firm().time_zone)
        matters.add_recipient(matter, who, by=firm_user(), relation=relation)
        return invitations.send(who) if email else f"{name} is on the list. Print the letter that invites them."


def _add_known(matter: Matter, form: RecipientForm) -> str:
    who: PortalUser | None = PortalUser.get_or_none(PortalUser.public_id == form.choice.data)
    if who is None:
        raise Refused("This person is not there any more. Search again.", "who")
    matters.add_recipient(matter, who, by=firm_user(), relation=form.relation.data or "")
    return f"{who.name} receives the invoices from this matter from now on."


@blueprint.get("/matters/<int:matter_id>/recipients/<int:recipient_id>")
@firm_only("matters.edit")
def recipient(matter_id: int, recipient_id: int) -> Response:
    """Somebody's row as it stands: what leaving its form shows again."""
    matter = matters.find(firm_user(), matter_id)
    return _row(matter, matters.find_recipient(matter, recipient_id))


@blueprint.route("/matters/<int:matter_id>/recipients/<int:recipient_id>/relation", methods=["GET", "POST"])
@firm_only("matters.edit")
def edit_relation(matter_id: int, recipient_id: int) -> AnyResponse:
    """What somebody is to the matter, as a form in its place. Others that are open keep what was typed."""
    matter = matters.find(firm_user(), matter_id)
    row = matters.find_recipient(matter, recipient_id)
    form = RelationForm(of=row.id, data={"relation": row.relation, "reads_trust": row.reads_trust})
    if not form.is_sent:
        return _row(matter, row, relating=form)
    if not form.validate():
        return _row(matter, row, relating=form, status=422)
    matters.change_recipient(row, relation=form.relation.data or "", reads_trust=bool(form.reads_trust.data))
    return _done(matter, "Saved.", row)


@blueprint.post("/matters/<int:matter_id>/recipients/<int:recipient_id>/invite")
@firm_only("portal_users.invite")
def invite_recipient(matter_id: int, recipient_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    row = matters.find_recipient(matter, recipient_id)
    try:
        said = invitations.send(row.portal_user)
    except Refused as problem:
        said = str(problem)
    return _done(matter, said, row)


@blueprint.post("/matters/<int:matter_id>/recipients/<int:recipient_id>/letter")
@firm_only("portal_users.invite")
def invite_by_letter(matter_id: int, recipient_id: int) -> AnyResponse:
    """The invitation on paper. It is kept nowhere: another one is another invitation, and the one before is dead."""
    matter = matters.find(firm_user(), matter_id)
    who = matters.find_recipient(matter, recipient_id).portal_user
    throttles.count({f"letter:{firm_user().id}": throttles.PAPERS})
    try:
        days = config.active().paper_invitation_days
        sent = ways_in.invite(who, by=firm_user(), days=days, by_letter=True)
    except Refused as problem:
        flash(str(problem), "bad")
        return go(f"/firm/matters/{matter.id}/recipients")
    return files.send_pdf(paper.invitation_pdf(sent.link, sent.token), f"Invitation {who.name}", about=None)


@blueprint.post("/matters/<int:matter_id>/recipients/<int:recipient_id>/revoke")
@firm_only("portal_users.invite")
def revoke_recipient(matter_id: int, recipient_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    row = matters.find_recipient(matter, recipient_id)
    ways_in.revoke_invitations(row.portal_user)
    return _done(matter, f"The invitation of {row.portal_user.name} no longer works.", row)


@blueprint.post("/matters/<int:matter_id>/recipients/<int:recipient_id>/remove")
@firm_only("matters.edit")
def remove_recipient(matter_id: int, recipient_id: int) -> AnyResponse:
    matter = matters.find(firm_user(), matter_id)
    who = matters.find_recipient(matter, recipient_id).portal_user
    matters.remove_recipient(matter, who)
    said = f"{who.name} receives no further invoices from this matter. What was shared stays shared."
    if not is_fragment_request() or not matters.recipients_of(matter):
        return _done(matter, said)
    return taken_out(render(ROW, "recipients_said", "recipients_said", said=said), f"#recipient-{recipient_id}")
