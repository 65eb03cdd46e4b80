"""The settings as a firm typed them: read, and judged without asking anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from portal_app.plugin_api import Context, Mode, Problem
from portal_lawpay.manifest import MANIFEST

ADDRESSES = ("base_url", "fields_url", "page_url")
_DEFAULTS = {item.name: item.default for item in MANIFEST.settings}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_KEY = re.compile(r"[!-9;-~]+")  # as it fits into a header: no blanks, no colon
_SLUG = re.compile(r"[A-Za-z0-9._~-]*")
_DIGEST = re.compile(r"(sha(256|384|512)-[A-Za-z0-9+/]+={0,2})?")


def address(ctx: Context, name: str) -> str:
    """The address of this name, without a slash at its end."""
    return setting(ctx, name).rstrip("/")


def setting(ctx: Context, name: str) -> str:
    """What was typed, or else the default."""
    return ctx.settings.get(name, "").strip() or _DEFAULTS[name]


def origin(url: str) -> str:
    """``scheme://host:port``; empty when it is no plain web address."""
    parts = _split(url)
    return f"{parts.scheme}://{parts.netloc}" if parts else ""


def is_local(url: str) -> bool:
    """Whether it is an address of this machine, where only a rehearsal can be."""
    parts = _split(url)
    return parts is not None and parts.hostname in _LOOPBACK


def problems(ctx: Context) -> Iterator[Problem]:
    """What cannot be right."""
    for name in ADDRESSES:
        yield from _address_problems(ctx, name)
    yield from _key_problems(ctx)
    for name in ("page_merchant", "page_operating", "page_trust"):
        if not _SLUG.fullmatch(setting(ctx, name)):
            yield Problem(field=name, message="Enter only this one word of the page’s address, without slashes.")
    if not _DIGEST.fullmatch(setting(ctx, "fields_integrity")):
        yield Problem(field="fields_integrity", message="Enter the digest as the vendor writes it: sha384-… .")


def _address_problems(ctx: Context, name: str) -> Iterator[Problem]:
    url = address(ctx, name)
    if not origin(url):
        yield Problem(field=name, message="Enter a web address, for example https://api.8am.com/v1.")
    elif ctx.mode is Mode.LIVE and is_local(url):
        yield Problem(field=name, message="This is an address of this machine: real money cannot be taken there.")
    elif not url.startswith("https://") and not is_local(url):
        yield Problem(field=name, message="Enter an address that begins with https://.")


def _key_problems(ctx: Context) -> Iterator[Problem]:
    secret, public = setting(ctx, "secret_key"), setting(ctx, "public_key")
    if not secret:
        yield Problem(field="secret_key", message="Enter the secret key that LawPay shows.")
    if not public:
        yield Problem(field="public_key", message="Enter the public key of the same pair.")
    if secret and not _KEY.fullmatch(secret):
        yield Problem(field="secret_key", message="This is not a key: it has blanks or other odd signs in it.")
    if public and not _KEY.fullmatch(public):
        yield Problem(field="public_key", message="This is not a key: it has blanks or other odd signs in it.")
    if secret and public == secret:
        yield Problem(field="public_key", message="This is the secret key. Browsers would see it.")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        return None
    return parts if is_web and not re.search(r"[\s;,'\"]", parts.netloc) else None
