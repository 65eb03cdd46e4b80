"""A gateway's settings as a form, drawn from what its plugin says it needs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from wtforms import PasswordField
from wtforms.validators import InputRequired, Length, ValidationError

from portal_app import gateway_setup as setup
from portal_app.domain import payments
from portal_app.domain.payments import BankAccount, Gateway
from portal_app.gateway_setup import Road, is_reference
from portal_app.plugin_api import Fund, Manifest, Method, Mode, SettingField
from portal_app.web.fields import Choice, Line, Radios
from portal_app.web.forms import Form

METHODS = {Method.CARD: "card", Method.BANK: "bank account"}
MODES = {Mode.TEST.value: "Test mode", Mode.LIVE.value: "Live"}


class GatewayForm(Form):
    """The fields that every gateway has; :func:`form_for` adds those of the plugin."""

    own_name = Line("The firm’s own name for it (optional)", most=60, is_required=False)
    mode = Radios("Mode", choices=MODES, default=Mode.TEST.value)


class RoadsForm(Form):
    """Who takes what: :func:`roads_form` adds a field for each road."""

    def choice(self, roads: list[Road]) -> dict[tuple[Fund, Method], Gateway | None]:
        """The gateway that was chosen for each road."""
        by_code = {row.code: row for road in roads for row in choices_of(road)}
        return {(road.fund, road.method): by_code.get(self[name_of(road)].data or "") for road in roads}


def name_of(road: Road) -> str:
    return f"{road.fund}_{road.method}"


def choices_of(road: Road) -> list[Gateway]:
    """Those who could take it, and the one who does, even when it could not be chosen anew."""
    is_left_out = road.gateway is not None and road.gateway not in road.candidates
    return [*road.candidates, *([road.gateway] if road.gateway and is_left_out else [])]


def roads_form(roads: list[Road]) -> RoadsForm:
    fields = {
        name_of(road): Choice(
            f"{road.fund.capitalize()} money by {METHODS[road.method]}",
            choices={"": "Nobody"} | {row.code: setup.title_of(row) for row in choices_of(road)},
            default=road.gateway.code if road.gateway else "",
        )
        for road in roads
    }
    made: type[RoadsForm] = type("TheseRoadsForm", (RoadsForm,), fields)
    return made()


def form_for(manifest: Manifest, gateway: Gateway | None) -> GatewayForm:
    """The form of one gateway, with what is kept and, where there is only one choice, that choice."""
    fields = {item.name: _field(item, gateway) for item in manifest.settings}
    for fund in manifest.funds:
        fields[f"account_{fund}"] = Line("Merchant account", most=80, is_required=False)
        fields[f"bank_{fund}"] = Choice("Pays into", choices=_banks(fund), default="")
    made: type[GatewayForm] = type("ThisGatewayForm", (GatewayForm,), fields)
    return made(data=_kept(manifest, gateway))


def _field(item: SettingField, gateway: Gateway | None) -> Any:
    if item.kind == "choice":
        elsewhere = setup.references_of(gateway).get(item.name)
        return Choice(item.label, choices=dict(item.choices) | ({elsewhere: elsewhere} if elsewhere else {}))
    if item.kind != "secret":
        extra = [_web_address] if item.kind == "url" else []
        return Line(item.label, most=500, is_required=item.is_required, validators=extra)
    checks: list[Any] = [Length(max=500, message="Use at most 500 characters.")]
    if item.is_required and not setup.has_secret(gateway, item.name):
        checks.insert(0, InputRequired("Fill in this field."))
    return PasswordField(item.label, checks)


def _web_address(_form: Form, field: Any) -> None:
    try:
        parts = urlsplit(field.data or "")
        is_web = is_reference(field.data or "") or (parts.scheme in {"http", "https"} and bool(parts.hostname))
    except ValueError:
        is_web = False
    if field.data and not is_web:
        raise ValidationError("Enter a web address, for example https://api.example.com.")


def _banks(fund: Fund) -> dict[str, str]:
    own = {str(row.id): named(row) for row in payments.bank_accounts(fund)}
    return {"": "Not taken through this gateway"} | own


def named(account: BankAccount) -> str:
    """A bank account as people tell it from another."""
    return f"{account.name} ••{account.last4}" if account.last4 else str(account.name)


def _kept(manifest: Manifest, gateway: Gateway | None) -> dict[str, Any]:
    values: dict[str, Any] = dict(setup.shown_settings(gateway, manifest))
    values["mode"] = gateway.mode if gateway else Mode.TEST.value
    values["own_name"] = gateway.name if gateway else ""
    routes = setup.routes_of(gateway) if gateway else {}
    for fund in manifest.funds:
        route = routes.get(fund.value)
        banks = payments.bank_accounts(fund)
        # What has one answer only is answered already; trust money is never routed by itself.
        first = str(banks[0].id) if gateway is None and fund is Fund.OPERATING and len(banks) == 1 else ""
        values[f"account_{fund}"] = route.merchant_account if route else ""
        values[f"bank_{fund}"] = str(route.bank_account_id) if route else first
    return values


def wanted(form: GatewayForm, manifest: Manifest) -> dict[Fund, tuple[str, BankAccount | None]]:
    """The merchant account and bank account that were chosen for each fund."""
    return {fund: (form[f"account_{fund}"].data or "", _bank(form[f"bank_{fund}"].data)) for fund in manifest.funds}


def _bank(chosen: str) -> BankAccount | None:
    return BankAccount.get_by_id(int(chosen)) if chosen else None
