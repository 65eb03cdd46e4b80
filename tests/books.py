"""Other programs' own readings of what the portal exports, as processes of their own; and a ledger made by chance."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from portal_app import tables
from portal_app.db import transaction
from portal_app.domain import ledger, matters, people, trust
from portal_app.domain.ledger import AccountTotal, Leg
from portal_app.domain.matters import Matter
from tests import trust as trusts
from tests.world import World, today

READER = Path(__file__).parent / "read_beancount.py"


@dataclass(frozen=True)
class Reading:
    """What a program made of a file: what it complains of, and whole cents by our account's code and currency."""

    errors: list[str]
    balances: dict[tuple[str, str], int]
    details: dict[str, Any]


def ours() -> dict[tuple[str, str], int]:
    """What stands on each account, from the ledger's own totals; nothing is left out where it is nothing."""
    found: dict[tuple[str, str], int] = {}
    for row in AccountTotal.select():
        key = (row.account_code, row.currency)
        found[key] = found.get(key, 0) + row.balance_cents
    return {key: cents for key, cents in found.items() if cents}


def by_beancount(text: str, folder: Path) -> Reading:
    """Checked by ``bean-check``, read by its library."""
    path = folder / "books.beancount"
    path.write_text(text, "utf-8")
    checked = subprocess.run(
        [Path(sys.executable).parent / "bean-check", "--no-cache", path], capture_output=True, text=True, check=False
    )
    read = subprocess.run([sys.executable, READER, path], capture_output=True, text=True, check=True)
    found = json.loads(read.stdout)
    assert (checked.returncode == 0) == (not found["errors"]), checked.stderr
    balances = {
        (code, currency): cents for code, parts in found["balances"].items() for currency, cents in parts.items()
    }
    return Reading(found["errors"], {key: cents for key, cents in balances.items() if cents}, found)


def by_hledger(text: str, folder: Path) -> Reading:
    """Checked strictly, and read by its own balance command."""
    path = folder / "books.journal"
    path.write_text(text, "utf-8")
    hledger = ["hledger", "-f", str(path)]
    checked = subprocess.run(
        [*hledger, "check", "--strict", "ordereddates"], capture_output=True, text=True, check=False
    )
    if checked.returncode:
        return Reading([checked.stderr], {}, {})
    codes = dict(re.findall(r"^account (\S+)  ; type:.*?, code:([^,]+),", text, flags=re.MULTILINE))
    shown = subprocess.run(
        [*hledger, "balance", "--flat", "--no-total", "-O", "csv"], capture_output=True, text=True, check=True
    )
    balances = {}
    for row in csv.DictReader(io.StringIO(shown.stdout)):
        for amount, currency in re.findall(r"(-?[0-9.]+) ([A-Z]{3})", row["balance"]):
            balances[codes[row["account"]], currency] = int(amount.replace(".", ""))
    printed = subprocess.run([*hledger, "print", "-O", "json"], capture_output=True, text=True, check=True)
    return Reading([], balances, {"transactions": json.loads(printed.stdout)})


# A ledger made by chance

NASTY = (
    '"; DROP TABLE account; --', 'back\\slash \\" and “quotes”', "2026-01-01 * not an entry",
    "[2020-01-01] date:2019-01-01", "; a comment", "a, b, date:2001-02-03", "| pipe | pipe", "=SUM(A1:A9)", "+1+1",
    "@cmd", "-2", "  =1+1", "（全角）＝1", "naïve Ünïcödé – “dash”", "🙂 emoji", "tab\tand\nnewline", "*", "!",
    "(code) text", "#tag ^link", "%", "é" * 100, "~", "x:y:z", "\u2028line", "end with \\",
)  # fmt: skip


def clients_of(world: World, names: Sequence[str]) -> list[Matter]:
    """A matter for each of these names, which its client and the matter itself bear."""
    found = []
    with transaction():
        for number, name in enumerate(names, 1):
            found.append(_matter_of(world, number, name))
    return found


def _matter_of(world: World, number: int, name: str) -> Matter:
    client = people.add_client(kind="company", name=name[:100], created_by=world.carol)
    return matters.open_matter(
        number=f"{name[:30]}/{number}", name=name[:100], client=client, opened_on=today(), by=world.carol,
        responsible_attorney=world.dan if number % 2 else None,
    )  # fmt: skip


def random_entries(world: World, rows: Sequence[Matter], count: int, seed: int) -> None:
    """Entries of many kinds: fees, payments, fees of gateways, trust money in and out, in dollars and in yen."""
    chance = random.Random(seed)
    ledger.open_account("bank:1", name="Operating bank, [1]; so-called", kind="asset", fund="operating")
    ledger.open_account("clearing:odd", name="Odd, one", kind="asset", fund="operating")
    ledger.open_account("clearing:odd-name", name="Odd, two", kind="asset", fund="operating")
    with transaction():
        for number in range(count):
            _entry_by_chance(world, chance, rows, f"chance:{seed}:{number}")


def _entry_by_chance(world: World, chance: random.Random, rows: Sequence[Matter], source: str) -> None:
    """One event: of trust money by the rules of trust, everything else as it comes."""
    matter, cents, ago = chance.choice(rows), chance.randrange(2, 10_000_000), chance.randrange(400)
    if chance.randrange(3) == 0:
        _trust_by_chance(world, chance, matter, cents, ago)
        return
    code, legs = chance.choice(_events(matter.id, cents))
    ledger.post(
        code, legs, occurred_on=today() - timedelta(days=ago), description=chance.choice(NASTY), by=world.carol,
        source=f"{source}:{chance.choice(NASTY)}"[:80],
        currency="JPY" if chance.randrange(9) == 0 and code == "gateway_costs" else "USD",
    )  # fmt: skip


def _trust_by_chance(world: World, chance: random.Random, matter: Matter, cents: int, ago: int) -> None:
    """A deposit, and sometimes a part of it paid out again; or the firm's own money."""
    says = {"payer": chance.choice(NASTY), "purpose": "Fees", "description": chance.choice(NASTY)}
    trusts.deposit(world, cents, matter=matter, ago=ago, **says)
    if chance.randrange(2):
        trusts.draw(world, cents // 2, matter=matter, payee=chance.choice(NASTY), purpose=chance.choice(NASTY))
    elif chance.randrange(3) == 0:
        trust.move_float(
            trusts.account(), trusts.operating(), kind="float_in", amount_cents=1 + cents % 99, on=today(),
            reference=chance.choice(NASTY)[:80], by=world.erin,
        )  # fmt: skip


def _events(matter: int, cents: int) -> list[tuple[str, list[Leg]]]:
    fee = cents % 999 + 1
    return [
        ("invoice_issued", [Leg("receivable", cents, matter), Leg("fees", -cents, matter)]),
        ("portal_payment", [Leg("clearing:odd", cents), Leg("receivable", -cents, matter)]),
        ("gateway_costs", [Leg("merchant_fees", fee), Leg("clearing:odd-name", -fee)]),
        ("gateway_costs", [Leg("bank:1", cents), Leg("clearing:odd", -cents)]),
        ("payment_mismatch", [Leg("clearing:odd-name", cents), Leg("suspense", -cents)]),
    ]


def shown(text: str) -> str:
    """A text as it stands in one line."""
    return tables.one_line(text)
