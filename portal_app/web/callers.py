"""From where a request comes: its address and network, and the cookie by which a browser is known again."""

from __future__ import annotations

import ipaddress
import re

from flask import after_this_request, request
from werkzeug.wrappers import Response

from portal_app import config
from portal_app.domain import devices
from portal_app.domain.sign_ins import Caller

REMEMBERED_SECONDS = 400 * 24 * 3600  # as long as browsers keep any cookie
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}\Z")
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "a Mac"),
    ("CrOS", "a Chromebook"), ("Linux", "Linux"),
)  # fmt: skip


def _cookie() -> str:
    return "__Host-device" if config.active().is_https else "device"


def address() -> str:
    """Where the request comes from: an IPv4 address, or the /64 that one IPv6 customer has for himself."""
    return _network(32, 64)


def network() -> str:
    """The network around it: 256 IPv4 addresses, or what one IPv6 provider gives to one site."""
    return _network(24, 48)


def _network(bits: int, bits_of_6: int) -> str:
    try:
        found = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    size = bits if found.version == 4 else bits_of_6
    return str(found) if size == 32 else str(ipaddress.ip_network((found, size), strict=False))


def known_device() -> str:
    """The token of this browser's own cookie; empty when it has none."""
    token = request.cookies.get(_cookie(), "")
    return token if _TOKEN.match(token) else ""


def device_name() -> str:
    """What the browser says of itself, in words: "Firefox on Windows"."""
    said = request.headers.get("User-Agent", "")
    browser = next((name for sign, name in _BROWSERS if sign in said), "A browser")
    system = next((name for sign, name in _SYSTEMS if sign in said), "")
    return f"{browser} on {system}" if system else browser


def caller() -> Caller:
    return Caller(address(), network(), known_device(), device_name())


def remembered() -> Caller:
    """As :func:`caller`, for whoever is let in: the browser is known from now on."""
    token = known_device() or devices.new_token()

    def remember(response: Response) -> Response:
        response.set_cookie(
            _cookie(), token, max_age=REMEMBERED_SECONDS, httponly=True, secure=config.active().is_https,
            samesite="Lax",
        )  # fmt: skip
        return response

    after_this_request(remember)
    return Caller(address(), network(), token, device_name())
