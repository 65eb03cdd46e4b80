"""The payment page as a browser receives it, compared with what a person accepted: ``portal check-payment-page``.

PCI DSS 4.0.1, 11.6.1: a mechanism detects unauthorised changes to the security headers and scripts of payment pages as
received by the consumer's browser. So the page is fetched from its public address, through every proxy in between, by
a session of a payer that is begun for this and ended at once; nothing on it is shown or kept but what is named here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask

from portal_app import config, outbound
from portal_app.domain import payments, sessions, snapshots
from portal_app.domain.people import PortalUser

PAGE = "/portal/pay"
HEADERS = (
    "content-security-policy", "cross-origin-opener-policy", "cross-origin-resource-policy", "permissions-policy",
    "referrer-policy", "reporting-endpoints", "strict-transport-security", "x-content-type-options", "x-frame-options",
)  # fmt: skip


class NotChecked(Exception):
    """The page could not be looked at; the message says why."""


@dataclass(frozen=True, slots=True)
class Look:
    """``changes``: what differs from what was accepted, a sentence each. ``is_first``: nothing was accepted before."""

    changes: list[str]
    is_first: bool


def check(app: Flask, *, accept: bool = False) -> Look:
    """Fetch the page and compare it. ``accept``: what is there now is right, and counts from now on.

    Raises:
        NotChecked: nobody has anything to pay, or the page did not answer.
    """
    facts = _facts(app)
    before = snapshots.accepted(PAGE)
    changes = [] if before is None else snapshots.differences(before.as_dict, facts)
    snapshots.keep(PAGE, facts, is_accepted=accept or (before is not None and not changes))
    return Look(changes, before is None)


def _facts(app: Flask) -> dict[str, str]:
    get = outbound.Outbound(outbound.hosts_of(config.active().own_url))
    with _cookie(app, _payer()) as cookie:
        try:
            answer = get("GET", config.active().own_url + PAGE, headers={"Cookie": cookie})
        except Exception as problem:
            raise NotChecked(f"{config.active().own_url} does not answer: {problem}") from problem
        if answer.status != 200:
            raise NotChecked(f"{config.active().own_url}{PAGE} answers {answer.status}.")
        found = _Scripts()
        found.feed(answer.body.decode("utf-8", "replace"))
        facts = {f"header {name}": answer.headers[name] for name in HEADERS if name in answer.headers}
        return facts | found.facts | _digests(get, found.addresses)


def _payer() -> PortalUser:
    """Somebody for whom the page has something to pay."""
    query = PortalUser.select().where(PortalUser.registered_at.is_null(False) & PortalUser.disabled_at.is_null())
    for who in query.order_by(PortalUser.id):
        if payments.offer(who).available_cents:
            return who
    raise NotChecked("No client has anything to pay now, so there is no payment page to look at.")


@contextmanager
def _cookie(app: Flask, who: PortalUser) -> Iterator[str]:
    """A signed-in browser's cookie, as long as the look takes."""
    cookie: Any = app.session_interface
    signer = cookie.get_signing_serializer(app)
    token = sessions.start(who, is_theirs=False)
    try:
        yield f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps({'_user_id': token, '_fresh': True})}"
    finally:
        sessions.end(token)


def _digests(get: outbound.Outbound, addresses: list[str]) -> dict[str, str]:
    """What our own scripts are as they arrive, by name. Those of others are named in the policy's header."""
    facts = {}
    for address in addresses:
        whole = urljoin(config.active().own_url + PAGE, address)
        if urlsplit(whole).netloc == urlsplit(config.active().own_url).netloc:
            body = get("GET", whole).body
            facts[f"script {_name(address)}"] = f"sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}"
    return facts


def _name(address: str) -> str:
    """A static file's name without the hash in its address."""
    return address.split("/", 3)[-1] if address.startswith("/static/") else address


class _Scripts(HTMLParser):
    """Script elements, inline scripts (there are none), and where the gateway's fields come from."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.facts: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = dict(attrs)
        if tag == "script" and given.get("src"):
            self.addresses.append(given["src"])
            self.facts[f"script element {_name(given['src'])}"] = f"integrity {given.get('integrity') or 'none'}"
        elif tag == "script":
            self.facts["inline script"] = "there is one"
        elif tag in {"iframe", "object", "embed", "base"}:
            self.facts[f"element {tag}"] = str(given.get("src") or given.get("href") or given.get("data"))
        if given.get("data-config"):
            self.facts |= {f"fields {name}": value for name, value in _told(given["data-config"]).items()}


def _told(text: str) -> dict[str, str]:
    """Of a gateway's public configuration what says where its script comes from, and its digest."""
    try:
        found = json.loads(text)
    except ValueError:
        return {"configuration": "cannot be read"}
    return {name: value for name, value in found.items() if str(value).startswith(("http", "sha"))}
