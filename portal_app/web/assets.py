"""Static files under the hash of their content: compressed once, cached by browsers for ever.

The stylesheet is served with the firm's colour written into it, and htmx in one file with our own lines: each costs a
first visit no second request.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import brotli
from flask import Blueprint, Response, abort, request
from markupsafe import Markup

from portal_app import plugins
from portal_app.domain import firms, logos
from portal_app.domain.firms import Firm
from portal_app.web.login import public

blueprint = Blueprint("assets", __name__)
FOLDER = Path(__file__).parent.parent / "static"
_PARTS = {"portal.js": ("vendor/htmx.min.js", "portal.js")}
_COLOURS = "--firm:#17493f; --firm-night:#97c6b5;"
# One name for each file: no dots that climb, nothing hidden.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_LONGEST = 120
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """A file's bytes as they are; compressed when the first browser fetches them, which is long after a page has named
    them."""

    body: bytes
    tag: str
    integrity: str
    media_type: str

    @cached_property
    def br(self) -> bytes:
        return bytes(brotli.compress(self.body))

    @cached_property
    def gz(self) -> bytes:
        return gzip.compress(self.body, mtime=0)


def _make(name: str, body: bytes) -> Asset:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    kind = "text/javascript" if name.endswith(".js") else kind
    text = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    tag = hashlib.sha256(body).hexdigest()[:16]
    integrity = f"sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}"
    return Asset(body, tag, integrity, text)


@lru_cache(maxsize=128)
def _asset(name: str, colours: str) -> Asset:
    """Raises ``FileNotFoundError``, which is not kept: made-up names push nothing out of the cache."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise FileNotFoundError("no static file has such a name")
    body = _plugin_file(name) if name.startswith("plugins/") else _own_file(name)
    if body is None:
        raise FileNotFoundError(f"there is no static file {name}")
    return _make(name, _stylesheet(body.decode(), colours) if name.endswith(".css") else body)


def _stylesheet(text: str, colours: str) -> bytes:
    """With the firm's colours, without what only its authors read."""
    text = re.sub(r"/\*.*?\*/", "", text.replace(_COLOURS, colours), flags=re.DOTALL)
    return re.sub(r" ?([{};,>]) ?", r"\1", " ".join(text.split())).replace(";}", "}").encode()


def _own_file(name: str) -> bytes | None:
    paths = [(FOLDER / part).resolve() for part in _PARTS.get(name, (name,))]
    if not all(path.is_relative_to(FOLDER.resolve()) and path.is_file() for path in paths):
        return None
    return b"\n".join(_read(path) for path in paths)


def _read(path: Path) -> bytes:
    """Our own scripts without indentation and without the lines that only their authors read."""
    ours = path.suffix == ".js" and path.parent == FOLDER
    return re.sub(rb"(?m)^\s*(//.*\n\s*)*", b"", path.read_bytes()) if ours else path.read_bytes()


def _plugin_file(name: str) -> bytes | None:
    _, plugin, file = name.split("/", 2) if name.count("/") == 2 else ("", "", "")
    gateway = plugins.registry().gateways.get(plugin)
    if gateway is None or file.startswith("."):
        return None
    package = type(gateway).__module__.partition(".")[0]
    found = files(package) / "static" / file
    return found.read_bytes() if found.is_file() else None


def colours(firm: Firm) -> str:
    return f"--firm:{firm.accent}; --firm-night:{firm.accent_night};"


def url(name: str, firm: Firm) -> str:
    """The address of a static file, under the hash of its content. Raises ``FileNotFoundError``."""
    found = _asset(name, colours(firm) if name == "portal.css" else "")
    return f"/static/{found.tag}/{name}"


@lru_cache(maxsize=16)
def favicon(name: str, accent: str) -> Markup:
    """The page's icon, the firm's initial on its colour, to be written into the page."""
    box = f"<rect width='9' height='9' fill='{quote(accent)}'/>"
    letter = f"<text x='4.5' y='7' font-size='7' text-anchor='middle' fill='%23fff'>{quote(name[:1])}</text>"
    drawn = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>{box}{letter}</svg>"
    return Markup(f"data:image/svg+xml,{drawn}")  # noqa: S704 - what comes from people is quoted


def integrity(name: str) -> str:
    """The digest by which a browser knows a script for the one that the page means (Subresource Integrity)."""
    return _asset(name, "").integrity


@blueprint.get("/static/<tag>/<path:name>")
@public
def show(tag: str, name: str) -> Response:
    try:
        found = _asset(name, colours(firms.current()) if name == "portal.css" else "")
    except FileNotFoundError:
        abort(404)
    accepted = request.accept_encodings
    if accepted["br"]:
        response = Response(found.br, headers={"Content-Encoding": "br"})
    elif accepted["gzip"]:
        response = Response(found.gz, headers={"Content-Encoding": "gzip"})
    else:
        response = Response(found.body)
    response.headers["Content-Type"] = found.media_type
    response.headers["Vary"] = "Accept-Encoding"
    # A page drawn before an upgrade asks for the old hash: it gets today's bytes, but must not keep them.
    response.headers["Cache-Control"] = _FOR_EVER if tag == found.tag else "no-cache"
    return response


@blueprint.get("/logo/<tag>")
@public
def logo(tag: str) -> Response:
    """The firm's logo, which was uploaded: judged again by its content, and nothing but a picture."""
    body, media_type = logos.find(tag)
    headers = {"Cache-Control": _FOR_EVER, "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(body, content_type=media_type, headers=headers)
