"""QR codes as SVG whose colours are attributes: the content security policy allows no inline style."""

from __future__ import annotations

import io

from markupsafe import Markup, escape


def svg(text: str, title: str, *, scale: int = 5) -> Markup:
    """Black on white with its quiet border, for pages and for paper. ``title`` is what it is, for those who cannot see
    it."""
    import segno  # few pages and papers have one

    made, out = segno.make(text, error="m", micro=False), io.BytesIO()
    made.save(
        out, kind="svg", scale=scale, xmldecl=False, svgns=True, svgclass="qr", lineclass=None, light="#fff",
        dark="#000", title=str(escape(title)), omitsize=True, nl=False,
    )  # fmt: skip
    drawn = out.getvalue().decode("utf-8")
    return Markup(drawn.replace("<svg ", '<svg role="img" ', 1))  # noqa: S704 - made by segno from our own words
