"""Payments › Gateways: accounts with their settings, test of the connection, switching on and off."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app import config, plugins
from portal_app import gateway_setup as setup
from portal_app.domain import payments
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Gateway, GatewayRoute
from portal_app.firm.blueprint import blueprint
from portal_app.firm.gateway_forms import GatewayForm, RoadsForm, form_for, named, roads_form, wanted
from portal_app.plugin_api import Fund, Manifest, Mode
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user, fresh

LIST = "/firm/payments/gateways"
STILL_ON = "Clients pay through this gateway now. Choose an account, or switch it off first."


@blueprint.get("/payments/gateways")
@firm_only("gateways.manage")
def gateways() -> Response:
    return _list()


def _list(form: RoadsForm | None = None, status: int = 200) -> Response:
    known = plugins.registry()
    kept = setup.all_gateways()
    accounts: dict[str, list[Gateway | None]] = {plugin: [] for plugin in sorted(known.manifests)}
    for row in kept:
        accounts.get(row.plugin, []).append(row)
    roads, routes, codes = setup.who_takes_what(), setup.all_routes(kept), setup.next_codes()
    return render(
        "firm/gateways/index.html", status=status, broken=known.broken, roads=roads, form=form or roads_form(roads),
        gone=[row for row in kept if row.plugin not in known.manifests],
        paused=[setup.title_of(row) for row in setup.paused_gateways()], open_questions=payments.count_open(),
        gateways=[
            _facts(known.manifests[at], row, codes[at], routes.get(row.id if row else 0, {}))
            for at, rows in accounts.items() for row in rows or [None]
        ],
    )  # fmt: skip


@blueprint.post("/payments/roads")
@firm_only("gateways.manage")
@fresh
def save_roads() -> AnyResponse:
    """Who takes what, all of it at once."""
    roads = setup.who_takes_what()
    form = roads_form(roads)
    if not form.validate():
        return _list(form, 422)
    try:
        setup.set_roads(form.choice(roads), by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _list(form, 422)
    flash("Saved. New payments go this way from now on; what is under way stays where it is.", "good")
    return go(LIST)


@blueprint.post("/payments/installation")
@firm_only("gateways.manage")
@fresh
def bind_installation() -> AnyResponse:
    """This is the installation that takes payments; where it came from is the copy from now on."""
    if setup.paused_gateways():
        setup.bind(firm_user())
        flash("Live gateways work here again. Any other copy of this portal must not take payments.", "good")
    return go(LIST)


def _facts(manifest: Manifest, gateway: Gateway | None, code: str, routes: dict[str, GatewayRoute]) -> dict[str, Any]:
    """What both pages say about one account, or about the one that comes next (``code``)."""
    return {
        "manifest": manifest,
        "gateway": gateway,
        "code": gateway.code if gateway else code,
        "title": setup.title_of(gateway) if gateway else manifest.title,
        "is_paused": gateway is not None and setup.is_paused(gateway),
        "routes": routes,
        "health": setup.health_of(gateway) if gateway else None,
        "references": setup.references_of(gateway),
        "named": named,
    }


def _manifest(code: str) -> Manifest:
    found = plugins.registry().manifests.get(setup.plugin_of(code) or "")
    if found is None:
        abort(404)
    return found


def _gateway(code: str) -> Gateway:
    found = setup.find(code)
    if found is None:
        abort(404)
    return found


def _page(code: str, *blocks: str, form: GatewayForm | None = None, refused: str = "", status: int = 200) -> Response:
    manifest, gateway = _manifest(code), setup.find(code)
    about = _facts(manifest, gateway, code, setup.routes_of(gateway) if gateway else {})
    return render(
        "firm/gateways/show.html", *blocks, status=status, form=form or form_for(manifest, gateway), refused=refused,
        secrets={item.name for item in manifest.settings if setup.has_secret(gateway, item.name)},
        another=setup.next_codes()[manifest.id], webhook_url=setup.webhook_url(gateway) if gateway else "",
        is_reachable=config.active().is_https, **_touch(gateway), **about,
    )  # fmt: skip


def _touch(gateway: Gateway | None) -> dict[str, Any]:
    """When the gateway and the portal last spoke, and what came of it that waits for a person."""
    if gateway is None:
        return {}
    return {
        "last_event": payments.last_event(gateway),
        "last_sweep": payments.last_sweep(gateway),
        "questions": payments.count_open(gateway),
    }


@blueprint.get("/payments/gateways/<code>")
@firm_only("gateways.manage")
@fresh
def gateway(code: str) -> Response:
    """An account; or, with the code that comes next, one more account to be set up."""
    return _page(code)


@blueprint.post("/payments/gateways/<code>")
@firm_only("gateways.manage")
@fresh
def save_gateway(code: str) -> AnyResponse:
    """Keep the settings, and test the connection with them at once."""
    manifest, before = _manifest(code), setup.find(code)
    form = form_for(manifest, before)
    if not form.validate() or not _keeps_its_bank(form, before):
        return _page(code, form=form, status=422)
    try:
        values = {item.name: form[item.name].data or "" for item in manifest.settings}
        row = setup.save(code, values, mode=Mode(form.mode.data), name=form.own_name.data or "", by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _page(code, form=form, status=422)
    health, title = setup.connect(row, wanted(form, manifest)), setup.title_of(row)
    if health.is_ok:
        flash(f"Saved. The connection to {title} works.", "good")
    else:
        flash(f"Saved. The connection to {title} does not work yet.", "bad")
    return go(f"{LIST}/{code}")


def _keeps_its_bank(form: GatewayForm, before: Gateway | None) -> bool:
    """A gateway that clients pay through has an account for what they pay."""
    name = f"bank_{Fund.OPERATING}"
    is_kept = before is None or not setup.holds(before, Fund.OPERATING) or bool(form[name].data)
    if not is_kept:
        form.refuse(Refused(STILL_ON, name))
    return is_kept


@blueprint.post("/payments/gateways/<code>/test")
@firm_only("gateways.manage")
@fresh
def test_gateway(code: str) -> Response:
    try:
        setup.test_connection(_gateway(code))
    except Refused as problem:
        return _page(code, "connection", refused=str(problem), status=422)
    return _page(code, "connection")


@blueprint.post("/payments/gateways/<code>/enable")
@firm_only("gateways.manage")
@fresh
def enable_gateway(code: str) -> AnyResponse:
    row = _gateway(code)
    try:
        setup.enable(row, by=firm_user())
    except Refused as problem:
        return _page(code, "connection", refused=str(problem), status=422)
    flash(f"{setup.title_of(row)} is enabled. Clients can pay through it now.", "good")
    return go(f"{LIST}/{code}")


@blueprint.post("/payments/gateways/<code>/disable")
@firm_only("gateways.manage")
@fresh
def disable_gateway(code: str) -> AnyResponse:
    """Also for a plugin that is no longer installed."""
    row = _gateway(code)
    setup.disable(row, by=firm_user())
    flash("The gateway is off. What is under way is still followed up; new payments cannot be made through it.", "good")
    return go(f"{LIST}/{code}" if row.plugin in plugins.registry().manifests else LIST)
