"""Money: what people type, what pages show; nothing is ever lost between the two."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal_app import money

cents = some.integers(min_value=0, max_value=money.MAX_CENTS)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("5", 500),
        ("5.5", 550),
        ("1,000.50", 100_050),
        ("$1000", 100_000),
        (" $ 1,000.00 ", 100_000),
        ("USD 12.30", 1_230),
        ("0.01", 1),
        ("007", 700),
    ],
)
def test_what_people_type_is_understood(typed: str, expected: int) -> None:
    assert money.parse_positive(typed) == expected


@pytest.mark.parametrize(
    "typed",
    [
        *("", "  ", "abc", "1e3", "-5", "−5", "0", "0.00", "10.005", "1,00", "1,0000", "1.000,50", "١٢", "１２", "NaN"),
        *("Infinity", "1_000", "0x10", "1 000", "5.", ".", "$", "9" * 13, "9" * 5000, "5\x00", "1/2", "5¢", "+5"),
    ],
)
def test_everything_else_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(money.BadAmount) as told:
        money.parse_positive(typed)
    assert str(told.value).endswith(".")


@given(cents)
def test_what_is_shown_can_be_typed_again(amount: int) -> None:
    assert money.parse(money.show(amount)) == amount
    assert money.parse(money.bare(amount)) == amount


@given(some.text(max_size=30))
def test_no_text_breaks_the_parser(typed: str) -> None:
    with suppress(money.BadAmount):
        assert 0 <= money.parse(typed) <= money.MAX_CENTS


def test_a_firm_elsewhere_writes_its_own_way() -> None:
    euro = money.currency("EUR", "de_DE")
    assert money.show(123_456_78, euro) == "123.456,78\N{NO-BREAK SPACE}€"
    assert money.parse("123.456,78 €", euro) == 123_456_78
    rand = money.currency("ZAR", "en_ZA")
    assert money.parse("1 234,50", rand) == money.parse(money.bare(123_450, rand), rand) == 123_450
    assert money.show(1_234, money.currency("JPY", "ja_JP")).endswith("1,234")


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (500_050, "five thousand dollars and 50/100"),
        (100, "one dollar and 00/100"),
        (99, "zero dollars and 99/100"),
        (12_345_678_901, "one hundred twenty-three million four hundred fifty-six thousand seven hundred eighty-nine"),
        (2_100, "twenty-one dollars and 00/100"),
    ],
)
def test_amounts_in_words(amount: int, words: str) -> None:
    assert money.in_words(amount).startswith(words)


def test_minus_is_the_typographic_one() -> None:
    assert money.show(-123_456) == "−$1,234.56"
