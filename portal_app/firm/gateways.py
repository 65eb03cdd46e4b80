"""Payments › Gateways: settings drawn from the plugin, test of the connection, switching on and off."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app import gateway_setup as setup
from portal_app import plugins
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Gateway
from portal_app.firm.blueprint import blueprint
from portal_app.firm.gateway_forms import GatewayForm, form_for, named, wanted
from portal_app.plugin_api import Fund, Manifest, Mode
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user

LIST = "/firm/payments/gateways"
STILL_ON = "Clients pay through this gateway now. Choose an account, or switch it off first."


@blueprint.get("/payments/gateways")
@firm_only("gateways.manage")
def gateways() -> Response:
    known, kept = plugins.registry(), {row.plugin: row for row in setup.all_gateways()}
    shown = [_facts(manifest, kept.pop(plugin, None)) for plugin, manifest in sorted(known.manifests.items())]
    return render("firm/gateways/index.html", gateways=shown, broken=known.broken, gone=list(kept.values()))


def _facts(manifest: Manifest, gateway: Gateway | None) -> dict[str, Any]:
    """What both pages say about one gateway."""
    return {
        "manifest": manifest,
        "gateway": gateway,
        "routes": setup.routes_of(gateway) if gateway else {},
        "health": setup.health_of(gateway) if gateway else None,
        "named": named,
    }


def _manifest(plugin: str) -> Manifest:
    found = plugins.registry().manifests.get(plugin)
    if found is None:
        abort(404)
    return found


def _gateway(plugin: str) -> Gateway:
    found = setup.gateway_for(plugin)
    if found is None:
        abort(404)
    return found


def _page(
    manifest: Manifest, *blocks: str, form: GatewayForm | None = None, refused: str = "", status: int = 200
) -> Response:
    gateway = setup.gateway_for(manifest.id)
    return render(
        "firm/gateways/show.html", *blocks, status=status, form=form or form_for(manifest, gateway), refused=refused,
        secrets={item.name for item in manifest.settings if setup.has_secret(gateway, item.name)},
        **_facts(manifest, gateway),
    )  # fmt: skip


@blueprint.get("/payments/gateways/<plugin>")
@firm_only("gateways.manage")
def gateway(plugin: str) -> Response:
    return _page(_manifest(plugin))


@blueprint.post("/payments/gateways/<plugin>")
@firm_only("gateways.manage")
def save_gateway(plugin: str) -> AnyResponse:
    """Keep the settings, and test the connection with them at once."""
    manifest, before = _manifest(plugin), setup.gateway_for(plugin)
    form = form_for(manifest, before)
    if not form.validate() or not _keeps_its_bank(form, before):
        return _page(manifest, form=form, status=422)
    try:
        values = {item.name: form[item.name].data or "" for item in manifest.settings}
        row = setup.save(plugin, values, mode=Mode(form.mode.data), by=firm_user())
    except Refused as problem:
        form.refuse(problem)
        return _page(manifest, form=form, status=422)
    health = setup.connect(row, wanted(form, manifest))
    if health.is_ok:
        flash(f"Saved. The connection to {manifest.title} works.", "good")
    else:
        flash(f"Saved. The connection to {manifest.title} does not work yet.", "bad")
    return go(f"{LIST}/{plugin}")


def _keeps_its_bank(form: GatewayForm, before: Gateway | None) -> bool:
    """A gateway that clients pay through has an account for what they pay."""
    name = f"bank_{Fund.OPERATING}"
    is_kept = before is None or before.enabled_at is None or bool(form[name].data)
    if not is_kept:
        form.refuse(Refused(STILL_ON, name))
    return is_kept


@blueprint.post("/payments/gateways/<plugin>/test")
@firm_only("gateways.manage")
def test_gateway(plugin: str) -> Response:
    setup.test_connection(_gateway(plugin))
    return _page(_manifest(plugin), "connection")


@blueprint.post("/payments/gateways/<plugin>/enable")
@firm_only("gateways.manage")
def enable_gateway(plugin: str) -> AnyResponse:
    manifest = _manifest(plugin)
    try:
        setup.enable(_gateway(plugin), by=firm_user())
    except Refused as problem:
        return _page(manifest, "connection", refused=str(problem), status=422)
    flash(f"{manifest.title} is enabled. Clients can pay through it now.", "good")
    return go(f"{LIST}/{plugin}")


@blueprint.post("/payments/gateways/<plugin>/disable")
@firm_only("gateways.manage")
def disable_gateway(plugin: str) -> AnyResponse:
    """Also for a plugin that is no longer installed."""
    row = _gateway(plugin)
    setup.disable(row, by=firm_user())
    flash("The gateway is off. What is under way is still followed up; new payments cannot be made through it.", "good")
    return go(f"{LIST}/{plugin}" if plugin in plugins.registry().manifests else LIST)
