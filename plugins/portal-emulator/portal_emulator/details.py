"""Payment details as people send them: read, checked field by field, and shown again with the secrets masked.

Read strictly, odd values stay odd until ``check`` names them; read leniently (one-time tokens), they are cut to
length or dropped without a word, as the gateway does.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final

from portal_emulator import cards
from portal_emulator.places import COUNTRIES, STATES
from portal_emulator.refusal import Message, Refusal, flaw
from portal_emulator.store import Thing

LENGTHS: Final = {"name": 64, "address1": 64, "address2": 64, "city": 64, "state": 64}
LONGER: Final = {"email": 254, "phone": 22, "reference": 64, "description": 64}
CARD: Final = ("number", "exp_month", "exp_year", "cvv")
BANK: Final = ("routing_number", "account_number", "account_type")
PERSON: Final = ("name", "address1", "address2", "city", "state", "postal_code", "country", "email", "phone")
SAVED: Final = ("reference", "description")
KNOWN: Final = frozenset({"type", "card_type", *CARD, *BANK, *PERSON, *SAVED})
DIGITS: Final = re.compile(r"[0-9]+\Z")
POSTAL: Final = re.compile(r"[A-Za-z0-9 -]{3,10}\Z")
SHORTEST_CARD: Final = 12
LONGEST_CARD: Final = 19


def kind_of(raw: Thing) -> str:
    """card or bank."""
    named = str(raw.get("type") or "").lower()
    if named in {"card", "bank"}:
        return named
    return "bank" if raw.get("account_number") or raw.get("routing_number") else "card"


def read(raw: Thing, *, lenient: bool = False) -> Thing:
    """Known fields as text (the expiration as numbers where they are); nulls and blanks are absent."""
    kind = kind_of(raw)
    read_ = {"type": kind}
    for field in (*(BANK if kind == "bank" else CARD), *PERSON, *SAVED):
        value = raw.get(field)
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if value is not None and not isinstance(value, str | int):
            text = "?"  # a list or an object where a text belongs
        if text:
            read_[field] = text
    for field in ("number", "account_number", "routing_number"):
        if field in read_:
            read_[field] = re.sub(r"[ -]", "", read_[field])
    if lenient:
        _cut(read_)
    return {key: _number(key, value) for key, value in read_.items()}


def _number(key: str, value: str) -> Any:
    if key not in {"exp_month", "exp_year"} or not DIGITS.match(value) or len(value) > LONGEST_CARD:
        return value
    number = int(value)
    return number + 2000 if key == "exp_year" and 0 < number < 100 else number


def _cut(read_: Thing) -> None:
    for field, longest in {**LENGTHS, **LONGER, "cvv": 4, "number": LONGEST_CARD}.items():
        if field in read_:
            read_[field] = read_[field][:longest]
    if "postal_code" in read_:
        read_["postal_code"] = re.sub(r"[^A-Za-z0-9 -]", "", read_["postal_code"])[:10]
    if read_.get("country", "US") not in COUNTRIES:
        del read_["country"]
    for field in ("exp_month", "exp_year"):
        if not DIGITS.match(read_.get(field, "0")):
            del read_[field]


# -- Checks ------------------------------------------------------------------------------------


def check(details: Thing, *, prefix: str = "", required: str = "") -> None:
    """Raises ``Refusal`` with a message for every field that cannot be right. ``required`` is an account's list."""
    flaws = _bank_flaws(details, prefix) if details["type"] == "bank" else _card_flaws(details, prefix)
    flaws += _person_flaws(details, prefix)
    named = {f["context"] for f in flaws}
    for field in filter(None, (f.strip() for f in required.split(","))):
        if field != "card_type" and field not in details and prefix + field not in named:
            flaws.append(flaw(field, "not_blank", prefix))
    if flaws:
        raise Refusal(422, flaws)


def _card_flaws(details: Thing, prefix: str) -> list[Message]:
    number = details.get("number", "")
    found = [
        ("number", _digits_flaw(number, SHORTEST_CARD, LONGEST_CARD)),
        ("exp_month", _range_flaw(details.get("exp_month"), 1, 12)),
        ("exp_year", _range_flaw(details.get("exp_year"), 1970, 9999)),
        ("cvv", _digits_flaw(details["cvv"], 3, 4) if "cvv" in details else None),
    ]
    return [flaw(field, sub_code, prefix) for field, sub_code in found if sub_code]


def _bank_flaws(details: Thing, prefix: str) -> list[Message]:
    kind = details.get("account_type")
    found = [
        ("routing_number", _digits_flaw(details.get("routing_number", ""), 9, 9)),
        ("account_number", _digits_flaw(details.get("account_number", ""), 4, 17)),
        ("account_type", "not_blank" if kind is None else None if kind in {"CHECKING", "SAVINGS"} else "invalid"),
    ]
    return [flaw(field, sub_code, prefix) for field, sub_code in found if sub_code]


def _digits_flaw(text: str, shortest: int, longest: int) -> str | None:
    if not text:
        return "not_blank"
    if not shortest <= len(text) <= longest:
        return "invalid_length"
    return None if DIGITS.match(text) else "invalid"


def _range_flaw(value: Any, low: int, high: int) -> str | None:
    if value is None:
        return "not_blank"
    if not isinstance(value, int):
        return "invalid"
    return "below_minimum_value" if value < low else "exceeds_maximum_value" if value > high else None


def _person_flaws(details: Thing, prefix: str) -> list[Message]:
    long = {**LENGTHS, **LONGER}
    flaws = [flaw(f, "invalid_length", prefix) for f, most in long.items() if len(details.get(f, "")) > most]
    postal, country, state = (details.get(f) for f in ("postal_code", "country", "state"))
    if postal is not None and not POSTAL.match(postal):
        flaws.append(flaw("postal_code", "invalid", prefix))
    if country is not None and len(country) != 2:
        flaws.append(flaw("country", "invalid_length", prefix))
    elif country is not None and country not in COUNTRIES:
        flaws.append(flaw("country", "invalid", prefix))
    elif state is not None and country in STATES and state not in STATES[country]:
        flaws.append(flaw("state", "invalid", prefix))
    return flaws


def card_fault(details: Thing, today: dt.date) -> str | None:
    """What is wrong with a card whose fields are all right by themselves: an error code."""
    if not cards.luhn(details["number"]):
        return "card_number_invalid"
    expired = (details["exp_year"], details["exp_month"]) < (today.year, today.month)
    return "card_expired" if expired else None


# -- Shown -------------------------------------------------------------------------------------


def shown(details: Thing, *, saved: bool = False) -> Thing:
    """The details as answers carry them. ``saved`` adds what only tokens and saved methods have."""
    view: Thing = {"type": details["type"]}
    if details["type"] == "bank":
        routing, account = (details.get(f, "") for f in BANK[:2])
        view |= {
            "routing_number": cards.masked(routing, 3) or None,
            "account_number": cards.masked(account) or None,
            "account_type": details.get("account_type"),
            "bank_name": cards.BANKS.get(routing),
            "fingerprint": cards.fingerprint(routing, account) if account else None,
        }
    else:
        number = details.get("number", "")
        view |= {
            "number": cards.masked(number) or None,
            "fingerprint": cards.fingerprint(number) if number else None,
            "card_type": cards.card_type(number) if number else None,
            "exp_month": details.get("exp_month"),
            "exp_year": details.get("exp_year"),
        }
    view |= {field: details.get(field) for field in (*PERSON, *(SAVED if saved else ()))}
    return {key: value for key, value in view.items() if value is not None}
