"""Clients: who the firm acts for, their matters, what they owe."""

from __future__ import annotations

from flask import Response, flash, request
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import clients as found_clients
from portal_app.domain import erasing, ledger, matters, people
from portal_app.domain.errors import Refused
from portal_app.domain.people import Client
from portal_app.firm.blueprint import blueprint
from portal_app.firm.listing import more_of, rows_wanted, words_of
from portal_app.firm.once import OnceForm
from portal_app.web.fields import EmailLine, Hidden, Line, Radios, Text
from portal_app.web.forms import Form
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user


class ClientForm(Form):
    kind = Radios("The client is a", choices=found_clients.KINDS, default="person")
    name = Line("Name")
    email = EmailLine(is_required=False)
    phone = Line("Phone", most=40, is_required=False)
    address = Text("Postal address", most=500)
    ledes_id = Line("Client ID for e-billing", most=20, is_required=False)
    then = Hidden("")

    def details(self) -> dict[str, str]:
        names = ("kind", "name", "email", "phone", "address", "ledes_id")
        return {name: self[name].data or "" for name in names}


class NewClientForm(ClientForm, OnceForm):
    pass


@blueprint.get("/clients")
@firm_only("firm.read")
def clients() -> Response:
    words, wanted = words_of(), rows_wanted()
    rows, has_more = more_of(found_clients.search(words, limit=wanted + 1), wanted)
    who = firm_user()
    return render(
        "firm/clients/index.html", "clients", q=words, rows=rows, wanted=wanted, has_more=has_more,
        owed=ledger.client_balances(who, rows), open_counts=matters.open_counts(who, rows),
    )  # fmt: skip


@blueprint.get("/clients/new")
@firm_only("clients.edit")
def new_client() -> Response:
    return render("firm/clients/edit.html", form=NewClientForm(then=request.args.get("then")), client=None)


@blueprint.post("/clients")
@firm_only("clients.edit")
def add_client() -> AnyResponse:
    form = NewClientForm()
    if not form.validate():
        return render("firm/clients/edit.html", status=422, form=form, client=None)
    try:
        client = people.add_client(created_by=firm_user(), key=form.key.data, **form.details())
    except Refused as problem:
        form.refuse(problem)
        return render("firm/clients/edit.html", status=422, form=form, client=None)
    if form.then.data == "matter":
        return go(f"/firm/matters/new?client={client.id}")
    flash(f"{client.name} is a client now.", "good")
    return go(f"/firm/clients/{client.id}")


@blueprint.get("/clients/<int:client_id>")
@firm_only("firm.read")
def client(client_id: int) -> Response:
    found: Client = found_clients.find(client_id)
    rows = matters.for_client(firm_user(), found)
    owed = ledger.matter_balances(rows)
    return render("firm/clients/show.html", client=found, rows=rows, owed=owed, total_cents=sum(owed.values()))


@blueprint.route("/clients/<int:client_id>/edit", methods=["GET", "POST"])
@firm_only("clients.edit")
def edit_client(client_id: int) -> AnyResponse:
    found = found_clients.find(client_id)
    form = ClientForm(obj=found)
    if erasing.of(found):
        flash("They were erased; nothing can be written there any more.", "bad")
        return go(f"/firm/clients/{found.id}")
    if not form.is_sent:
        return render("firm/clients/edit.html", form=form, client=found)
    if not form.validate():
        return render("firm/clients/edit.html", status=422, form=form, client=found)
    found_clients.change(found, **form.details())
    flash("Saved.", "good")
    return go(f"/firm/clients/{found.id}")
