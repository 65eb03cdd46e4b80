"""The firm's colour and logo."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from portal_app.domain import firms, logos
from tests.world import World

As = Callable[[Any], FlaskClient]
URL = "/firm/settings/look"


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\0"))
    + _chunk(b"IEND", b"")
)


def drawn(kind: str, size: tuple[int, int] = (3, 2), **extras: Any) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", size, "#123456").save(body, kind, **extras)
    return body.getvalue()


JPEG = drawn("JPEG")


def claims(width: int, height: int) -> bytes:
    """A few bytes of a picture that say they are large."""
    body = zlib.compress(bytes(1000))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def send(browser: FlaskClient, body: bytes, name: str = "logo.png") -> Any:
    return browser.post(f"{URL}/logo", data={"logo": (io.BytesIO(body), name)}, content_type="multipart/form-data")


def test_a_readable_colour_is_taken_and_written_into_the_stylesheet(world: World, as_: As) -> None:
    browser = as_(world.carol)
    assert browser.post(URL, data={"accent": "#7A1F2B"}).status_code == 303
    page = browser.get(URL).text
    sheet = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "--firm:#7a1f2b;" in browser.get(sheet).text


@pytest.mark.parametrize(
    ("colour", "sentence"),
    [
        ("#ffcc00", "hard to read"),
        ("teal", "# and six digits"),
        ("#12345٣", "# and six digits"),
        ("#1234567", "Use at most 7"),
        ("", "Fill in"),
    ],
)
def test_an_unreadable_colour_is_refused(world: World, as_: As, colour: str, sentence: str) -> None:
    answer = as_(world.carol).post(URL, data={"accent": colour})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{colour}"' in answer.text
    assert firms.current().accent == firms.ACCENT


def test_the_preview_shows_a_colour_before_it_is_saved(world: World, as_: As, htmx: dict[str, str]) -> None:
    browser = as_(world.carol)
    path = f"{URL}?accent=%237a1f2b"
    piece = browser.get(path, headers=htmx).text
    assert piece.startswith('<div id="preview"')
    assert 'fill="#7a1f2b"' in piece
    assert piece in browser.get(path).text
    assert "hard to read" in browser.get(f"{URL}?accent=%23ffffff", headers=htmx).text
    assert "<script" not in browser.get(f'{URL}?accent="><script>', headers=htmx).text
    assert firms.current().accent == firms.ACCENT


@pytest.mark.parametrize(("body", "media_type"), [(PNG, "image/png"), (JPEG, "image/jpeg")])
def test_a_logo_is_served_to_everybody_for_ever(world: World, as_: As, body: bytes, media_type: str) -> None:
    browser = as_(world.carol)
    assert send(browser, body, "misnamed.html").status_code == 303
    url = firms.current().logo_url
    assert url is not None
    assert f'<img class="mark" src="{url}"' in browser.get(URL).text
    answer = as_(None).get(url)
    assert Image.open(io.BytesIO(answer.data)).size == Image.open(io.BytesIO(body)).size
    assert answer.content_type == media_type
    assert "immutable" in answer.headers["Cache-Control"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    browser.post(f"{URL}/logo/remove")
    assert as_(None).get(url).status_code == 404
    assert f'src="{url}"' not in browser.get(URL).text


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "PNG or JPEG"),
        (b"GIF89a" + bytes(40), "PNG or JPEG"),
        (b"", "PNG or JPEG"),
        (PNG + bytes(2048), "larger than 2 kB"),
        (PNG[:40], "cannot be read"),
        (JPEG[:200], "cannot be read"),
        (claims(2001, 2000), "more than 4 million pixels"),
        (claims(10_000, 10_000), "more than 4 million pixels"),
        (claims(50_000, 50_000), "more than 4 million pixels"),
    ],
)
def test_anything_but_a_small_picture_is_refused(
    world: World, as_: As, monkeypatch: pytest.MonkeyPatch, body: bytes, sentence: str
) -> None:
    monkeypatch.setattr(logos, "LIMIT_BYTES", 2048)
    answer = send(as_(world.carol), body)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert firms.current().logo_url is None


def test_a_logo_is_drawn_anew_and_keeps_nothing_but_its_pixels(world: World, as_: As) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at Alice's house"
    exif[0x0112] = 6  # lies on its side
    noted = PngInfo()
    noted.add_text("Comment", "<script>alert(1)</script>")
    pictures = (
        (drawn("JPEG", (30, 20), exif=exif, comment=b"<script>"), (20, 30)),
        (drawn("PNG", (3000, 1000), pnginfo=noted) + b"<script>behind its end</script>", (1024, 341)),
    )
    for body, size in pictures:
        assert b"<script>" in body
        assert send(as_(world.carol), body).status_code == 303
        shown = as_(None).get(str(firms.current().logo_url)).data
        picture = Image.open(io.BytesIO(shown))
        assert picture.size == size
        assert not picture.getexif()
        assert b"<script>" not in shown
        assert b"Alice" not in shown


def test_no_file_at_all_is_answered_in_words(world: World, as_: As) -> None:
    answer = as_(world.carol).post(f"{URL}/logo", data={})
    assert answer.status_code == 422
    assert "Choose a picture first." in answer.text
