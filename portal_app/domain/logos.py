"""The firm's logo: a small picture, judged by its content, served to everybody."""

from __future__ import annotations

from collections.abc import Iterable

from portal_app.domain import firms, store
from portal_app.domain.errors import Refused

LIMIT_BYTES = 512 * 1024
TYPES = ("image/png", "image/jpeg")


def change(chunks: Iterable[bytes]) -> None:
    """Take a PNG or JPEG picture as the firm's logo.

    Raises:
        Refused: too large, or something else than a picture of these kinds.
    """
    body = _read(chunks)
    if store.media_type_of(body[:4096]) not in TYPES:
        raise Refused("Choose a picture in PNG or JPEG format. Nothing else is taken.", "logo")
    stored = store.put_bytes([body], limit_bytes=LIMIT_BYTES, folder="firm")
    firms.change(logo_key=stored.key)


def _read(chunks: Iterable[bytes]) -> bytes:
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > LIMIT_BYTES:
            raise Refused(
                f"The picture is larger than {LIMIT_BYTES // 1024} kB. Save it smaller and try again.", "logo"
            )
    return body


def remove() -> None:
    """Back to the firm's initial."""
    firms.change(logo_key="")


def find(tag: str) -> tuple[bytes, str]:
    """The picture and its media type.

    Raises:
        NotStored: ``tag`` is not the address of the logo of today.
    """
    firm = firms.current()
    if not firm.logo_key or tag != firm.logo_tag:
        raise store.NotStored(tag)
    body = store.read(firm.logo_key)
    return body, store.media_type_of(body[:4096])
