"""The printable receipt of trust money that staff have entered, for whoever paid it."""

from __future__ import annotations

from flask import Response, abort

from portal_app.domain import store, trust, trust_papers
from portal_app.firm.blueprint import blueprint
from portal_app.web import files
from portal_app.web.login import firm_only, firm_user


@blueprint.get("/trust/movements/<int:movement_id>/receipt")
@firm_only("trust.read")
def trust_receipt(movement_id: int) -> Response:
    found = trust.find(firm_user(), movement_id)
    receipt = trust_papers.receipts_of([found.id]).get(found.id)
    if receipt is None or not receipt.paper_key:
        abort(404)
    return files.send_pdf(store.read(receipt.paper_key), f"Receipt {receipt.number}", about=receipt)
