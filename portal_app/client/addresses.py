"""Billing addresses: countries, the states of those that have them, and what a postal code looks like."""

from __future__ import annotations

import re
from functools import lru_cache

from babel import Locale

# The states, districts, territories and military addresses of the United States' Postal Service.
_US = (
    "AL Alabama,AK Alaska,AZ Arizona,AR Arkansas,CA California,CO Colorado,CT Connecticut,DE Delaware,"
    "DC District of Columbia,FL Florida,GA Georgia,HI Hawaii,ID Idaho,IL Illinois,IN Indiana,IA Iowa,KS Kansas,"
    "KY Kentucky,LA Louisiana,ME Maine,MD Maryland,MA Massachusetts,MI Michigan,MN Minnesota,MS Mississippi,"
    "MO Missouri,MT Montana,NE Nebraska,NV Nevada,NH New Hampshire,NJ New Jersey,NM New Mexico,NY New York,"
    "NC North Carolina,ND North Dakota,OH Ohio,OK Oklahoma,OR Oregon,PA Pennsylvania,RI Rhode Island,"
    "SC South Carolina,SD South Dakota,TN Tennessee,TX Texas,UT Utah,VT Vermont,VA Virginia,WA Washington,"
    "WV West Virginia,WI Wisconsin,WY Wyoming,AS American Samoa,GU Guam,MP Northern Mariana Islands,PR Puerto Rico,"
    "VI U.S. Virgin Islands,AA Armed Forces Americas,AE Armed Forces Europe,AP Armed Forces Pacific"
)
_CA = (
    "AB Alberta,BC British Columbia,MB Manitoba,NB New Brunswick,NL Newfoundland and Labrador,"
    "NT Northwest Territories,NS Nova Scotia,NU Nunavut,ON Ontario,PE Prince Edward Island,QC Quebec,"
    "SK Saskatchewan,YT Yukon"
)
_NO_COUNTRY = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}
_POSTAL_CODES = {
    "US": (r"[0-9]{5}(-?[0-9]{4})?", "Enter five digits, for example 62704."),
    "CA": (r"[A-Za-z][0-9][A-Za-z] ?[0-9][A-Za-z][0-9]", "Enter it like K1A 0B1."),
}


def _split(text: str) -> dict[str, str]:
    return {pair[:2]: pair[3:] for pair in text.split(",")}


STATES: dict[str, dict[str, str]] = {"US": _split(_US), "CA": _split(_CA)}


@lru_cache(maxsize=4)
def home(locale: str) -> str:
    """The country whose writing the firm uses."""
    return str(Locale.parse(locale).territory)


@lru_cache(maxsize=4)
def countries(locale: str) -> dict[str, str]:
    """ISO 3166-1 codes and names; the firm's own country, the United States and Canada first, the rest by name."""
    own = home(locale)
    names = Locale.parse(locale).territories
    found = [(code, name) for code, name in names.items() if re.fullmatch("[A-Z]{2}", code) and code not in _NO_COUNTRY]
    found.sort(key=lambda pair: (pair[0] != own, pair[0] != "US", pair[0] != "CA", pair[1]))
    return dict(found)


def postal_problem(country: str, code: str) -> str:
    """What is wrong with a postal code, as a sentence; empty when nothing is."""
    pattern, sentence = _POSTAL_CODES.get(country, (r".{0,12}", "Use at most 12 characters."))
    return "" if re.fullmatch(pattern, code) else sentence
