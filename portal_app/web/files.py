"""Stored bytes going out: streamed, never guessed at, uploads never rendered in our origin."""

from __future__ import annotations

from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from urllib.parse import quote

from flask import Response, request
from peewee import Model
from werkzeug.http import dump_options_header

from portal_app.domain import documents
from portal_app.domain.audit import Who
from portal_app.domain.documents import Document, DocumentVersion
from portal_app.web import auditing
from portal_app.web.login import person

_SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"
_OWN_PAPER = "default-src 'none'; frame-ancestors 'none'"
SPOOL_BYTES = 2 * 1024 * 1024
_EXTENSIONS = {"application/pdf": ".pdf", "text/plain": ".txt", "image/png": ".png", "image/jpeg": ".jpg"}


def send(document: Document, version: DocumentVersion, *, as_download: bool = True) -> Response:
    """The bytes of a version. Only paper that we made ourselves (an invoice) may be shown in the browser."""
    is_shown = not as_download and document.kind == "invoice"
    answer = _stream(document.name, version, is_shown)
    if (who := person()) is not None:
        auditing.opened("view" if is_shown else "download", document, who)
    return answer


def _stream(name: str, version: DocumentVersion, is_shown: bool) -> Response:
    chunks = documents.stream(version)
    body = b"" if request.method == "HEAD" else chunks
    charset = "; charset=utf-8" if version.media_type.startswith("text/") else ""
    response = Response(body, content_type=version.media_type + charset)
    response.headers["Content-Length"] = str(version.size_bytes)
    response.headers["Content-Disposition"] = disposition(
        name, version.media_type, "inline" if is_shown else "attachment"
    )
    response.headers["Content-Security-Policy"] = _OWN_PAPER if is_shown else _SANDBOX
    response.headers["Cache-Control"] = "private, no-store"
    return response


def disposition(name: str, media_type: str, kind: str) -> str:
    """RFC 6266: an ASCII name for old programs, the whole name for the rest."""
    extension = _EXTENSIONS.get(media_type, "")
    if extension and not name.lower().endswith(extension):
        name += extension
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "'")
    header = dump_options_header(kind, {"filename": plain})
    if plain != name:
        header += f"; filename*=UTF-8''{quote(name, safe='')}"
    return header


def send_pdf(body: bytes, name: str, *, about: Model | None, as_download: bool = True, by: Who = None) -> Response:
    """A PDF of our own (a receipt). ``about`` is the row that it is the paper of, for the record of who had it; nothing
    where it is no client's. ``by``: who has it, where nobody is signed in."""
    if about is not None:
        auditing.opened("download" if as_download else "view", about, by or person(), called=name)
    response = Response(body, content_type="application/pdf")
    kind = "attachment" if as_download else "inline"
    response.headers["Content-Disposition"] = disposition(name, "application/pdf", kind)
    response.headers["Content-Security-Policy"] = _OWN_PAPER
    return response


def send_text(pieces: Iterable[str], name: str, media_type: str) -> Response:
    """A text of our own, of any length: made first, on disk when it is long, so that what is still to be refused can
    be, and a slow line holds nothing open. A HEAD makes nothing."""
    response = _spooled(() if request.method == "HEAD" else pieces)
    response.headers["Content-Type"] = f"{media_type}; charset=utf-8"
    response.headers["Content-Disposition"] = disposition(name, "", "attachment")
    response.headers["Content-Security-Policy"] = _SANDBOX
    return response


def _spooled(pieces: Iterable[str]) -> Response:
    made = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  the answer closes it
    made.writelines(piece.encode() for piece in pieces)
    size = made.tell()
    made.seek(0)
    if size <= SPOOL_BYTES:
        with made:
            return Response(made.read())
    response = Response(iter(lambda: made.read(64 * 1024), b""))
    response.call_on_close(made.close)
    response.headers["Content-Length"] = str(size)
    return response
