"""Every script of every page, and why it is there (PCI DSS 4.0.1, 6.4.3): the one inventory, shown to administrators
and compared with the pages by a test."""

from __future__ import annotations

from dataclasses import dataclass

from portal_app import gateways
from portal_app.domain import firms
from portal_app.domain.payments import Gateway
from portal_app.gateway_setup import manifest_of
from portal_app.plugin_api import Fields, Flow, Method
from portal_app.web import assets


@dataclass(frozen=True, slots=True)
class Script:
    """``origin`` is empty for one of ours. ``integrity``: the digest without which a browser does not run it; empty
    where the maker changes the script without notice and publishes none."""

    name: str
    origin: str
    pages: str
    reason: str
    integrity: str


_OURS = (
    (
        "portal.js",
        "Every page",
        "htmx, which swaps a piece of a page instead of all of it, and a few lines that say when that failed.",
    ),
    ("desk.js", "Every page of the firm", "The keyboard: Escape leaves what was opened in place, and focus goes back."),
    ("pay.js", "Pay Now", "Asks the gateway's fields for their one-time token before the form is sent."),
)
_GLUE = "Puts {title}'s own fields into the page and hands over the one-time token. It never sees what is typed there."
_FIELDS = "{title}'s own fields for the card or bank account, in frames of its own origin: the number stays there."


def inventory() -> list[Script]:
    """Ours, then those of each gateway that takes payments with fields on our page."""
    found = [Script(name, "", pages, reason, assets.integrity(name)) for name, pages, reason in _OURS]
    for gateway in Gateway.select().where(Gateway.enabled_at.is_null(False)).order_by(Gateway.id):
        manifest = manifest_of(gateway)
        fields = _fields(gateway) if Flow.FIELDS in manifest.flows else None
        if fields is not None:
            found += _of_gateway(manifest.id, manifest.title, fields)
    return found


def _fields(gateway: Gateway) -> Fields | None:
    methods = [method for method in Method if method in manifest_of(gateway).methods]
    return gateways.fields_for(gateway, methods[0], firms.current().currency) if methods else None


def _of_gateway(plugin: str, title: str, fields: Fields) -> list[Script]:
    name, page = f"plugins/{plugin}/{fields.module}", f"Pay Now, with {title}"
    try:
        glue = Script(name, "", page, _GLUE.format(title=title), assets.integrity(name))
    except FileNotFoundError:
        return []  # Pay Now leaves such fields out, too, and says so in the log
    digest = next((value for value in fields.config.values() if value.startswith("sha384-")), "")
    theirs = [Script("", origin, page, _FIELDS.format(title=title), digest) for origin in fields.script_origins]
    return [glue, *theirs]
