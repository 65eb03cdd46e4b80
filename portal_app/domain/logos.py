"""The firm's logo: a small picture, judged by its content, drawn anew and served to everybody."""

from __future__ import annotations

import io
from collections.abc import Iterable

from portal_app.domain import firms, store
from portal_app.domain.errors import Refused

LIMIT_BYTES = 512 * 1024
MOST_PIXELS = 4_000_000  # a few kilobytes can unpack to gigabytes
LONGEST_SIDE = 1024  # on paper it is four centimetres wide
TYPES = {"image/png": "PNG", "image/jpeg": "JPEG"}
OTHER_KIND = "Choose a picture in PNG or JPEG format. Nothing else is taken."
BROKEN = "This picture cannot be read. Save it again as PNG or JPEG, then try once more."
TOO_MANY = f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels. Save it smaller and try again."


def change(chunks: Iterable[bytes]) -> None:
    """Take a PNG or JPEG picture as the firm's logo. What is kept is drawn anew from its pixels: no place, camera, text
    or script that its file held besides is left.

    Raises:
        Refused: too large, or something else than a picture of these kinds.
    """
    body = _read(chunks)
    kind = TYPES.get(store.media_type_of(body[:4096]))
    if kind is None:
        raise Refused(OTHER_KIND, "logo")
    stored = store.put_bytes([redrawn(body, kind)], limit_bytes=4 * LONGEST_SIDE**2, folder="firm")
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


def redrawn(body: bytes, kind: str) -> bytes:
    """The pixels alone, upright, no larger than they are shown. Its measures are looked at before it is unpacked.

    Raises:
        Refused: it is no whole picture of this kind, or too large a one.
    """
    from PIL import Image, ImageOps  # only who changes the logo pays for it

    try:
        with Image.open(io.BytesIO(body), formats=(kind,)) as source:
            if source.width * source.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            picture = ImageOps.exif_transpose(source).convert("RGBA" if kind == "PNG" else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused(TOO_MANY, "logo") from None
    except (OSError, ValueError, SyntaxError, EOFError) as problem:  # all that Pillow says of a broken file
        raise Refused(BROKEN, "logo") from problem
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    clean = Image.new(picture.mode, picture.size)
    clean.paste(picture)
    drawn = io.BytesIO()
    clean.save(drawn, kind, quality=90, optimize=True)
    return drawn.getvalue()


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
