"""Setting up gateways: accounts and their settings, where their money goes, who takes what, and the copied portal."""

from portal_app.gateway_setup.accounts import (
    all_gateways,
    companion_context,
    context,
    find,
    has_secret,
    is_rehearsal,
    manifest_of,
    next_codes,
    plugin_of,
    references_of,
    save,
    settings_of,
    shown_settings,
    title_of,
    webhook_url,
)
from portal_app.gateway_setup.connection import (
    all_routes,
    connect,
    health_of,
    payers,
    routes_of,
    set_route,
    test_connection,
)
from portal_app.gateway_setup.installation import PAUSED, bind, is_paused, paused_gateways, pauses, tell_paused
from portal_app.gateway_setup.references import is_reference
from portal_app.gateway_setup.roads import (
    Road,
    disable,
    enable,
    gateway_for,
    holds,
    is_rehearsing,
    open_roads,
    set_roads,
    who_takes_what,
)
from portal_app.gateway_setup.rotation import reseal

__all__ = [
    "PAUSED", "Road", "all_gateways", "all_routes", "bind", "companion_context", "connect", "context", "disable",
    "enable", "find", "gateway_for", "has_secret", "health_of", "holds", "is_paused", "is_reference",
    "is_rehearsal", "is_rehearsing", "manifest_of", "next_codes", "open_roads", "paused_gateways", "pauses",
    "payers", "plugin_of", "references_of", "reseal", "routes_of", "save", "set_roads", "set_route",
    "settings_of", "shown_settings", "tell_paused", "test_connection", "title_of", "webhook_url", "who_takes_what",
]  # fmt: skip
