"""Money is an integer number of minor units (cents). Parsing is strict, formatting follows the firm's locale."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from babel.numbers import (
    get_currency_precision,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
    list_currencies,
)

MAX_CENTS = 99_999_999_999  # below ten digits of dollars: fits every gateway's and LEDES's field


class BadAmount(ValueError):
    """What was typed is not an amount; the message says so to the person who typed it."""


@dataclass(frozen=True, slots=True, eq=False)
class Currency:
    """How one currency is written in one locale. They are told apart by which object it is, as :func:`currency` gives
    it: amounts that were written are looked up by it."""

    code: str
    symbol: str
    decimal: str
    group: str
    precision: int
    is_symbol_first: bool
    gap: str
    unit: int


@lru_cache(maxsize=16)
def currency(code: str = "USD", locale: str = "en_US") -> Currency:
    where = Locale.parse(locale)
    pattern = where.currency_formats["standard"].pattern
    first = pattern.index("¤") < pattern.index("0")
    return Currency(
        code=code,
        symbol=get_currency_symbol(code, where),
        decimal=get_decimal_symbol(where),
        group=get_group_symbol(where),
        precision=get_currency_precision(code),
        is_symbol_first=first,
        gap="\N{NO-BREAK SPACE}" if "\N{NO-BREAK SPACE}" in pattern else "",
        unit=10 ** get_currency_precision(code),
    )


def is_currency(code: str) -> bool:
    """Whether there is such a currency, of a hundred cents."""
    return code in list_currencies() and get_currency_precision(code) == 2


@lru_cache(maxsize=2048)  # a page writes the same few amounts again and again
def bare(cents: int, money: Currency | None = None) -> str:
    """``123456`` → ``1,234.56``, for inside columns. Minus is the typographic one."""
    money = money or currency()
    whole, part = divmod(abs(cents), money.unit)
    text = f"{whole:,}" if money.group == "," else f"{whole:,}".replace(",", money.group)
    if money.precision:
        text += money.decimal + str(part).zfill(money.precision)
    return f"−{text}" if cents < 0 else text


@lru_cache(maxsize=2048)
def show(cents: int, money: Currency | None = None) -> str:
    """``123456`` → ``$1,234.56``."""
    money = money or currency()
    sign, text = ("−", bare(-cents, money)) if cents < 0 else ("", bare(cents, money))
    if money.is_symbol_first:
        return f"{sign}{money.symbol}{money.gap}{text}"
    return f"{sign}{text}{money.gap}{money.symbol}"


def plain(cents: int, money: Currency | None = None) -> str:
    """``-123456`` → ``-1234.56``, for other programs, whatever the locale."""
    precision = (money or currency()).precision
    whole, part = divmod(abs(cents), 10**precision)
    text = f"{whole}.{part:0{precision}d}" if precision else str(whole)
    return f"-{text}" if cents < 0 else text


def figures(typed: str, money: Currency) -> tuple[str, str] | None:
    """The digits before and after the point of a number as the locale writes it; ``None`` when it is none."""
    if money.group.isspace():  # a narrow or no-break one, which nobody types
        typed = re.sub(r"\s", money.group, typed)
    group, point = re.escape(money.group), re.escape(money.decimal)
    found = re.fullmatch(rf"([0-9]{{1,12}}|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+)(?:{point}([0-9]+))?", typed)
    return (found[1].replace(money.group, ""), found[2] or "") if found else None


def parse(text: str, money: Currency | None = None) -> int:
    """What a person typed, in minor units. ``1,000.50`` and ``$1000`` are understood; ``1e3``, ``10.005``,
    ``-5``, other scripts' digits and misplaced separators are refused with a sentence.

    Raises:
        BadAmount: with a message for the person.
    """
    money = money or currency()
    typed = text.strip().removeprefix(money.symbol).removesuffix(money.symbol).removeprefix(money.code).strip()
    if not typed:
        raise BadAmount("Enter an amount.")
    if typed.startswith(("-", "−")):
        raise BadAmount("Enter an amount above zero.")
    found = figures(typed, money)
    if found is None:
        example = bare(100050, money)
        raise BadAmount(f"Enter an amount in figures, for example {example}.")
    whole, part = found
    if len(part) > money.precision:
        raise BadAmount(f"Enter an amount with at most {money.precision} digits after the “{money.decimal}”.")
    cents = int(whole + part.ljust(money.precision, "0"))
    if cents > MAX_CENTS:
        raise BadAmount(f"Enter an amount of at most {show(MAX_CENTS, money)}.")
    return cents


def parse_positive(text: str, money: Currency | None = None) -> int:
    """As :func:`parse`, and more than nothing."""
    cents = parse(text, money)
    if cents == 0:
        raise BadAmount("Enter an amount above zero.")
    return cents


_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))


def _words(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{_ONES[hundreds]} hundred" + (f" {_words(rest)}" if rest else "")
    for size, name in _SCALES:
        if number >= size:
            many, rest = divmod(number, size)
            return f"{_words(many)} {name}" + (f" {_words(rest)}" if rest else "")
    raise AssertionError(number)


def in_words(cents: int) -> str:
    """As on a check: ``500050`` → ``five thousand dollars and 50/100``. The unit's name is the dollar's."""
    whole, part = divmod(cents, 100)
    return f"{_words(whole)} dollar{'' if whole == 1 else 's'} and {part:02d}/100"
