"""Clients' money in trust that staff record by hand: checks, a payment to a court reporter, fees drawn, a hold."""

from __future__ import annotations

from functools import partial

from portal_app.demo import story
from portal_app.demo.year import Year
from portal_app.domain import draws, trust
from portal_app.domain.banks import BankAccount, bank_accounts


def plan(year: Year) -> None:
    """The float, the checks that came, what was drawn, held and authorised."""
    year.at(story.FOUNDED + 20, 10, lambda: _float(year, "float_in", 20_000))
    year.at(-30, 9, lambda: trust.charge(_account(), amount_cents=2_500, on=year.day(-30), what="Printed checks",
                                         by=year.staff["erin"]))  # fmt: skip
    for key, offset, cents, payer, purpose, check in story.CHECKS:
        year.at(offset, 11, partial(_receive, year, key, offset, cents, payer, purpose, check))
    for key, who, offset, cents, payee, purpose, check in story.PAID_OUT:
        year.at(offset, 15, partial(_pay_out, year, key, who, offset, cents, payee, purpose, check))
    key, index, who, offset, cents = story.DRAWN
    year.at(offset, 16, lambda: _draw(year, key, index, who, offset, cents))
    held, amount, reason, day = story.HELD
    year.at(day, 10, lambda: trust.hold(year.matters[held], _account(), amount_cents=amount, reason=reason,
                                        by=year.staff["erin"]))  # fmt: skip


def _account() -> BankAccount:
    return bank_accounts("trust")[0]


def _operating() -> BankAccount:
    return bank_accounts("operating")[0]


def _float(year: Year, kind: str, cents: int) -> None:
    on = year.day(story.FOUNDED + 20)
    trust.move_float(
        _account(), _operating(), kind=kind, amount_cents=cents, on=on, reference="", by=year.staff["erin"]
    )


def _receive(year: Year, key: str, offset: int, cents: int, payer: str, purpose: str, check: str) -> None:
    """A check; the client is told by letter on the same day."""
    erin = year.staff["erin"]
    row = trust.receive(
        year.matters[key], _account(), amount_cents=cents, received_on=year.day(offset), payer=payer, purpose=purpose,
        method="check", reference=check, by=erin,
    )  # fmt: skip
    trust.tell(row, how="By letter", by=erin)


def _pay_out(year: Year, key: str, who: str, offset: int, cents: int, payee: str, purpose: str, check: str) -> None:
    """A lawyer authorises it; with a check's number the bookkeeper has paid it, too."""
    word = trust.authorise(
        year.matters[key], _account(), kind="disbursement", amount_cents=cents, payee=payee, purpose=purpose,
        by=year.staff[who],
    )  # fmt: skip
    if check:
        trust.pay_out(word, on=year.day(offset), method="check", reference=check, by=year.staff["erin"])


def _draw(year: Year, key: str, index: int, who: str, offset: int, cents: int) -> None:
    word = draws.authorise(year.issued[key, index], _account(), amount_cents=cents, by=year.staff[who])
    draws.apply(word, _operating(), on=year.day(offset), by=year.staff["erin"])
