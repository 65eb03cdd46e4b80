"""Beancount's own reading of a file, as JSON: run this as a process of its own, ``python read_beancount.py FILE``.

``errors`` are what its checks say. ``balances``: whole cents by our code of the account, then by currency. ``ledgers``:
the same by account, currency and matter. ``entries``: by our number, what stands in each.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from typing import Any

from beancount import loader
from beancount.core import data


def smallest(number: Any, currency: str) -> int:
    """Cents; a yen has none."""
    whole = number if currency == "JPY" else number * 100
    assert whole == int(whole), number
    return int(whole)


def main() -> None:
    entries: Any
    entries, errors, _ = loader.load_file(sys.argv[1])
    codes = {entry.account: entry.meta["code"] for entry in entries if isinstance(entry, data.Open)}
    balances: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    ledgers: dict[str, int] = defaultdict(int)
    told: dict[str, Any] = {}
    entry: Any
    for entry in entries:
        if type(entry) is not data.Transaction:
            continue
        legs = []
        leg: Any
        for leg in entry.postings:
            code, currency = codes[leg.account], leg.units.currency
            amount = smallest(leg.units.number, currency)
            balances[code][currency] += amount
            matter = leg.meta.get("matter", "")
            ledgers[f"{code}|{matter}"] += amount
            legs.append([code, amount, matter, leg.meta.get("client", ""), leg.meta.get("invoice", "")])
        if "entry" in entry.meta:
            told[entry.meta["entry"]] = {
                "date": entry.date.isoformat(), "narration": entry.narration, "source": entry.meta.get("source", ""),
                "legs": legs,
            }  # fmt: skip
    complaints = [str(error.message) for error in errors]
    print(json.dumps({"errors": complaints, "balances": balances, "ledgers": ledgers, "entries": told}))


if __name__ == "__main__":
    main()
