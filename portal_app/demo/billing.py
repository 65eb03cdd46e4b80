"""Work, invoices and payments of the demo's year."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from functools import partial

from portal_app.db import transaction
from portal_app.demo import story
from portal_app.demo.paying import Checkout
from portal_app.demo.story import Case, Line
from portal_app.demo.year import Year
from portal_app.domain import deposits, invoices, payments, timekeeping, trust
from portal_app.domain.banks import BankAccount
from portal_app.domain.invoices import Invoice
from portal_app.domain.payments import void_invoice
from portal_app.domain.timekeeping import WorkItem
from portal_app.plugin_api import Fund

CARDS = ("4242424242424242", "5555555555554444")
SHORT_OF_MONEY = "4000000000009995"


def plan(year: Year, checkout: Checkout) -> None:
    """What is billed and paid, what went wrong, and what waits."""
    chance = random.Random("quillfeather")  # noqa: S311  the same firm each time
    for case in story.CASES:
        for index in range(case.months):
            offset = -case.phase - 30 * index
            lines = list(_month(case, index, chance))
            year.at(offset, 16, partial(_issue, year, case.key, index, offset, lines))
        for index, days in case.paid:
            year.at(days - case.phase - 30 * index, 14, partial(_pay_invoice, year, checkout, case, index))
    _plan_alice(year, checkout)
    _plan_deposits(year, checkout)
    _plan_troubles(year, checkout)
    for key, kind, who, quantity, rate, what, offset in story.UNBILLED:
        year.at(offset, 17, partial(_record, year, key, offset, [(kind, who, quantity, rate, what)]))
    for key in story.DRAFTS:
        year.at(0, 7, partial(_draft, year, key))


def _plan_alice(year: Year, checkout: Checkout) -> None:
    for number, (key, offset, lines) in enumerate(story.ALICE):
        year.at(offset, 16, partial(_issue, year, key, len(story.ALICE) - number, offset, lines))
    for offset, cents, card in story.ALICE_PAYS:
        year.at(offset, 20, partial(_pay, year, checkout, "alice", cents, card))


def _plan_deposits(year: Year, checkout: Checkout) -> None:
    """Money asked for in advance: paid, paid in part, and still open; and a retainer that is kept filled."""
    for number, (key, who, offset, cents, purpose, paid) in enumerate(story.DEPOSITS):
        year.at(offset, 10, partial(_ask, year, number, key, who, offset, cents, purpose))
        if paid is not None:
            payer, part, day, card = paid
            year.at(day, 19, partial(_deposit, year, checkout, number, payer, part, card))
    key, who, threshold, target = story.EVERGREEN
    year.at(-35, 11, lambda: _keep_filled(year, key, who, threshold, target))


def _trust_account() -> BankAccount:
    return payments.bank_accounts("trust")[0]


def _ask(year: Year, number: int, key: str, who: str, offset: int, cents: int, purpose: str) -> None:
    year.deposits[number] = deposits.ask(
        year.matters[key], amount_cents=cents, purpose=purpose, due_on=year.day(offset + 14), by=year.staff[who],
        bank_account_id=_trust_account().id,
    )  # fmt: skip


def _deposit(year: Year, checkout: Checkout, number: int, who: str, cents: int, card: str) -> None:
    plan = {year.deposits[number].id: cents}
    paid = checkout.pay(year.portal_users[who], cents, card, plan=plan, street=_street(who), fund=Fund.TRUST)
    receipt = trust.receipt_of(f"payment:{paid.id}:paid")
    if receipt is not None:  # the demo has no mail server: its letters are handed over by themselves
        trust.tell(receipt, how="Receipt by e-mail")


def _keep_filled(year: Year, key: str, who: str, threshold: int, target: int) -> None:
    deposits.keep_filled(
        year.matters[key], threshold_cents=threshold, target_cents=target, terms_days=14, by=year.staff[who],
        bank_account_id=_trust_account().id,
    )  # fmt: skip


def _plan_troubles(year: Year, checkout: Checkout) -> None:
    """A card without money, an invoice for the wrong matter, a part that is given back, and a bank transfer that is
    still on its way."""
    key, reason = story.VOIDED
    year.at(-6, 10, lambda: _void(year, key, reason))
    year.at(-2, 13, partial(_pay, year, checkout, "bob", 150_000, SHORT_OF_MONEY))
    year.at(0, 8, partial(_pay, year, checkout, "odalys", 90_000, ""))
    year.at(story.REFUND[-1], 11, partial(_give_back, year, checkout))


def _month(case: Case, index: int, chance: random.Random) -> Iterator[Line]:
    """An ordinary month's work for a matter."""
    if case.method == "flat_fee":
        what, rate = story.FLAT[index % len(story.FLAT)]
        yield "flat_fee", case.attorney, 100, rate, what
        return
    left = case.monthly_hours - 20 * chance.randrange(10)
    for what in chance.sample(story.HOURLY, 4):
        who = case.attorney if chance.randrange(3) else "dan"
        hours = min(left, 10 * chance.randrange(5, 32))
        if hours > 0:
            yield "time", who, hours, story.STAFF[who][3], what
        left -= hours
    if chance.randrange(2):
        what, cents = chance.choice(story.EXPENSES)
        yield "expense", "dan", 100, cents, what


def _record(year: Year, key: str, offset: int, lines: Sequence[Line], *, apart: int = 0) -> list[WorkItem]:
    """Write down work, the lines ``apart`` days from each other, the last on the day ``offset``."""
    opened_on = year.matters[key].opened_on
    days = [
        max(year.day(offset) - dt.timedelta(days=apart * back), opened_on) for back in range(len(lines) - 1, -1, -1)
    ]
    return [
        timekeeping.record(
            year.matters[key], kind=kind, timekeeper=year.staff[who], worked_on=day, description=what,
            quantity_hundredths=quantity, rate_cents=rate, by=year.staff[who],
        )
        for day, (kind, who, quantity, rate, what) in zip(days, lines, strict=True)
    ]  # fmt: skip


def _issue(year: Year, key: str, index: int, offset: int, lines: Sequence[Line]) -> None:
    gwen = year.staff["gwen"]
    with transaction():
        items = _record(year, key, offset - 1, lines, apart=5)
        draft = invoices.draft(year.matters[key], [item.id for item in items], by=gwen)
        year.issued[key, index] = invoices.issue(
            draft, issued_on=year.day(offset), due_on=year.day(offset + 30), by=gwen
        )


def _pay_invoice(year: Year, checkout: Checkout, case: Case, index: int) -> None:
    invoice: Invoice = year.issued[case.key, index]
    payer = year.portal_users[case.recipients[0][0]]
    plan = {invoice.id: invoice.total_cents}
    checkout.pay(payer, invoice.total_cents, CARDS[index % 2], plan=plan, street=_street(case.recipients[0][0]))


def _pay(year: Year, checkout: Checkout, who: str, cents: int, card: str) -> None:
    checkout.pay(year.portal_users[who], cents, card, street=_street(who))


def _give_back(year: Year, checkout: Checkout) -> None:
    payer, who, cents, reason, _ = story.REFUND
    newest = payments.visible_to(year.portal_users[payer]).order_by(payments.Payment.id.desc()).first()
    checkout.give_back(newest, cents, reason, year.staff[who])


def take_by_phone(year: Year, checkout: Checkout) -> None:
    """A charge without the portal. Do it last, at the true time: the gateway's own clock dates what it lists."""
    who, cents = story.BY_PHONE
    checkout.take_elsewhere(cents, CARDS[0], name=year.portal_users[who].name, street=_street(who))


def _street(who: str) -> str:
    """Where somebody lives or works: at the client's whose invoices they get."""
    case = next(case for case in story.CASES if who in dict(case.recipients))
    return story.CLIENTS[case.client][2]


def _void(year: Year, key: str, reason: str) -> None:
    void_invoice(year.issued[key, 0], reason=reason, on=year.day(-6), by=year.staff["gwen"])


def _draft(year: Year, key: str) -> None:
    matter = year.matters[key]
    invoices.draft(matter, [item.id for item in timekeeping.unbilled(matter)], by=year.staff["gwen"])
