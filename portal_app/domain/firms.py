"""The firm whose portal this is, and its number series."""

from __future__ import annotations

import colorsys
import datetime as dt
import hashlib
import re
from functools import lru_cache

from babel.dates import format_skeleton
from peewee import CharField, DateTimeField, IntegerField, ModelSelect, TextField

from portal_app import clock, money
from portal_app.db import BaseModel, db, transaction
from portal_app.domain.errors import Refused
from portal_app.prepared import prepared

ACCENT = "#17493f"
# Where dates and amounts are written so, in English: the language of the pages.
LOCALES = {
    "en_US": "the United States", "en_AU": "Australia", "en_AT": "Austria", "en_BE": "Belgium", "en_CA": "Canada",
    "en_FI": "Finland", "en_DE": "Germany", "en_HK": "Hong Kong", "en_IN": "India", "en_IE": "Ireland",
    "en_NL": "the Netherlands", "en_NZ": "New Zealand", "en_SG": "Singapore", "en_ZA": "South Africa",
    "en_SE": "Sweden", "en_CH": "Switzerland", "en_GB": "the United Kingdom",
}  # fmt: skip


class NoFirm(LookupError):
    """The portal has not been set up yet: ``portal init`` comes first."""


class BadAccent(ValueError):
    """The colour cannot carry white text."""


class Firm(BaseModel):
    """The one row about the firm. ``logo_key`` names stored bytes; empty means the portal's own mark. ``law_firm_id``
    is how clients' e-billing systems know the firm, in LEDES files. ``letters`` are full, or brief: they say only that
    there is something new."""

    name = CharField(max_length=120)
    address = TextField(default="")
    email = CharField(max_length=254, default="")
    phone = CharField(max_length=40, default="")
    accent = CharField(max_length=7, default=ACCENT)
    logo_key = CharField(max_length=120, default="")
    currency = CharField(max_length=3, default="USD")
    locale = CharField(max_length=16, default="en_US")
    time_zone = CharField(max_length=64, default="America/Chicago")
    payment_terms_days = IntegerField(default=30)
    invoice_note = TextField(default="")
    help_text = TextField(default="")
    letters = CharField(max_length=5, default="full")
    law_firm_id = CharField(max_length=20, default="")
    created_at = DateTimeField()

    @property
    def address_lines(self) -> tuple[str, ...]:
        return tuple(line.strip() for line in self.address.splitlines() if line.strip())

    @property
    def money(self) -> money.Currency:
        return money.currency(self.currency, self.locale)

    @property
    def logo_tag(self) -> str:
        """What the logo's address ends in: another logo, another address."""
        return hashlib.sha256(self.logo_key.encode()).hexdigest()[:32] if self.logo_key else ""

    @property
    def logo_url(self) -> str | None:
        return f"/logo/{self.logo_tag}" if self.logo_key else None

    @property
    def accent_night(self) -> str:
        return night(self.accent)


class Series(BaseModel):
    """The last number given out, for each kind and year."""

    name = CharField(primary_key=True, max_length=40)
    last = IntegerField()


def found(name: str, **details: object) -> Firm:
    """Write down the firm, once."""
    with transaction():
        Firm.create(force_insert=True, id=1, name=name, created_at=clock.now(), **details)
    return current()


def current() -> Firm:
    """The firm.

    Raises:
        NoFirm: before ``portal init``.
    """
    firm: Firm | None = _firm.first()
    if firm is None:
        raise NoFirm
    return firm


def amount(cents: int, code: str = "") -> str:
    """Money in a sentence that is kept, as the firm writes it; in another currency with that one’s sign."""
    firm = current()
    return money.show(cents, money.currency(code or firm.currency, firm.locale))


def day(moment: dt.datetime) -> str:
    """The firm's day of ``moment`` (UTC), in a sentence that is kept."""
    firm = current()
    return format_skeleton("yMMMd", clock.local(moment, firm.time_zone).date(), locale=firm.locale)


@prepared
def _firm() -> ModelSelect:
    return Firm.select().where(Firm.id == 1)


def change(**values: object) -> None:
    """Set details of the firm.

    Raises:
        Refused: a value that cannot be used, with its field's name.
    """
    if "accent" in values:
        try:
            values["accent"] = checked_accent(str(values["accent"]))
        except BadAccent as problem:
            raise Refused(str(problem), "accent") from None
    if "time_zone" in values and not clock.is_zone(str(values["time_zone"])):
        raise Refused("There is no such time zone. Write it like America/Chicago.", "time_zone")
    if "locale" in values and values["locale"] not in LOCALES:
        raise Refused("Choose from the list.", "locale")
    with transaction():
        Firm.update(**values).where(Firm.id == 1).execute()


def next_number(kind: str, year: int) -> int:
    """The next number of ``kind`` in ``year``, without gaps: call it inside the transaction that uses it."""
    name = f"{kind}-{year}"
    Series.insert(name=name, last=0).on_conflict_ignore().execute()
    Series.update(last=Series.last + 1).where(Series.name == name).execute()
    return int(Series.get_by_id(name).last)


def invoice_number(year: int) -> str:
    return f"{year}-{next_number('invoice', year):04d}"


def credit_note_number(year: int) -> str:
    return f"C-{year}-{next_number('credit note', year):04d}"


def receipt_number(year: int) -> str:
    return f"R-{year}-{next_number('receipt', year):04d}"


def deposit_number(year: int) -> str:
    return f"D-{year}-{next_number('deposit', year):04d}"


def trust_receipt_number(year: int) -> str:
    return f"T-{year}-{next_number('trust_receipt', year):04d}"


def matter_number(year: int) -> str:
    return f"{year}-{next_number('matter', year):04d}"


def suggested_matter_number(year: int) -> str:
    """What :func:`matter_number` would give, without taking it."""
    last = Series.get_or_none(Series.name == f"matter-{year}")
    return f"{year}-{(last.last if last else 0) + 1:04d}"


def _channels(colour: str) -> list[int]:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise BadAccent("Write the color as # and six digits, for example #17493f.")
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _luminance(channels: list[int]) -> int:
    """WCAG relative luminance in millionths, in integers: (c/255)^2.2 stands in for the piecewise curve."""
    weights = (212_600, 715_200, 72_200)
    return sum(weight * _curve(value) // 1_000_000 for weight, value in zip(weights, channels, strict=True))


def _curve(value: int) -> int:
    # sRGB to linear, in millionths: c/255/12.92 when dark, else ((c/255+0.055)/1.055)^2.4
    if value <= 10:
        return value * 1_000_000 * 100 // (255 * 1292)
    return round(pow((value * 1000 + 14_025) / 269_025, 12 / 5) * 1_000_000)


def contrast_hundredths(one: str, other: str) -> int:
    """WCAG contrast ratio of two colours, times 100."""
    high, low = sorted((_luminance(_channels(one)), _luminance(_channels(other))), reverse=True)
    return (high + 50_000) * 100 // (low + 50_000)


def checked_accent(colour: str) -> str:
    """``colour`` if white text on it can be read (4.5:1).

    Raises:
        BadAccent: with a sentence for the person who chose it.
    """
    if contrast_hundredths(colour, "#ffffff") < 450:
        raise BadAccent("White text on this color is hard to read. Choose a darker one.")
    return colour.lower()


@lru_cache(maxsize=16)
def night(colour: str) -> str:
    """The accent for dark pages: its hue, half as strong, lightened until it has 7:1 on the dark paper."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(value / 255 for value in _channels(colour)))
    for percent in range(round(lightness * 100), 101):
        shades = colorsys.hls_to_rgb(hue, percent / 100, saturation / 2)
        lighter = "#" + "".join(f"{round(shade * 255):02x}" for shade in shades)
        if contrast_hundredths(lighter, "#131716") >= 700:
            return lighter
    return "#ffffff"


def is_founded() -> bool:
    return bool(db.table_exists("firm")) and Firm.select().exists()
