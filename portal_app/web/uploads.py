"""Files coming in: refused early when too large, read in chunks, never under the name they came with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from portal_app import config
from portal_app.domain.store import CHUNK_BYTES
from portal_app.web import once

FORM_BYTES = 600 * 1024  # any form of ours without a file


class Oversize(RequestEntityTooLarge):
    """More was sent than is allowed; the message says the limit."""


def init_app(app: Flask) -> None:
    app.config["MAX_FORM_MEMORY_SIZE"] = FORM_BYTES
    app.config["MAX_FORM_PARTS"] = 2000
    app.config["MAX_CONTENT_LENGTH"] = FORM_BYTES
    app.before_request(_limit)


def _limit() -> None:
    """Bodies are limited before they are read: to a form, or on upload routes to the firm's file limit."""
    asked = once.asked()
    if asked.method == "GET" and "CONTENT_LENGTH" not in asked.environ:
        return
    takes_file = (asked.mimetype or "") == "multipart/form-data"
    most = config.active().upload_limit_bytes + FORM_BYTES if takes_file else FORM_BYTES
    asked.max_content_length = most
    if (asked.content_length or 0) > most:
        raise Oversize(limit_sentence(takes_file))


def limit_sentence(takes_file: bool = True) -> str:
    if takes_file:
        most = config.active().upload_limit_mb
        return f"The file is larger than {most} MB, the most that can be added."
    return "More text was sent than a form can take."


def chunks_of(file: FileStorage) -> Iterator[bytes]:
    """The bytes of an uploaded file, piece by piece."""
    source: IO[bytes] = file.stream
    while chunk := source.read(CHUNK_BYTES):
        yield chunk
