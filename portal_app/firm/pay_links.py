"""The links by which an issued invoice is paid without an account: seen on the invoice, replaced or revoked there."""

from __future__ import annotations

from flask import abort, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import invoices, pay_links, sharing
from portal_app.domain.documents import DocumentShare
from portal_app.firm.blueprint import blueprint
from portal_app.web.fragments import go
from portal_app.web.login import firm_only, firm_user


@blueprint.post("/invoices/<int:invoice_id>/pay-links/<any(renew, revoke):step>")
@firm_only("documents.edit")
def change_pay_link(invoice_id: int, step: str) -> AnyResponse:
    """``renew`` sends the form's ``person`` a new link and the old one dies; ``revoke`` leaves none."""
    found = invoices.find(firm_user(), invoice_id)
    if found.is_draft:
        abort(404)
    shares = sharing.shares_of(DocumentShare, [found.document]).get(found.document_id, [])
    chosen = request.form.get("person", type=int)
    who = next((share.portal_user for share in shares if share.portal_user_id == chosen), None)
    here = f"/firm/invoices/{found.id}#pay-links"
    if who is None:
        flash("This invoice is not shared with that person any more.", "bad")
    elif step == "renew":
        pay_links.renew(found, who, by=firm_user())
        flash(f"A new link is on its way to {who.name}. The one before no longer works.", "good")
    elif pay_links.revoke(found, who, by=firm_user()):
        flash(f"The link of {who.name} no longer works.", "good")
    return go(here)
