"""How each step of a sequence is planned on the naive model, done on the portal, and booked in the model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal_app import clock
from portal_app.db import transaction
from portal_app.domain import draws, invoices, ledger, reconciliations, timekeeping, trust
from portal_app.domain.banks import BankAccount
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import Leg
from portal_app.domain.matters import Matter
from portal_app.domain.statements import BankStatement
from portal_app.domain.trust import TrustAuthorisation, TrustHold, TrustIncident, TrustMovement
from tests.trust import operating
from tests.trust_model import CAP, FLOAT, NOBODY, Bill, Model, Receipt
from tests.trust_steps import Step
from tests.world import World, today

CLEARS = {"wire": 0, "card": 5, "check": 10}


@dataclass(frozen=True)
class Plan:
    """What a step comes to as things are: whether the model says that it may be done, how it is done (``None`` when
    there is nothing to do any more), and what the model books when it was."""

    may: Callable[[Model], bool]
    act: Callable[[], Any]
    book: Callable[[Model, Any], None]


class Acts:
    """What can happen on one trust account; each act is named as its step."""

    def __init__(self, world: World, number: int, advance: Callable[[dt.timedelta], None]) -> None:
        self.world, self.number, self.advance, self.model = world, number, advance, Model()
        self.matters: list[Matter] = [world.matter, world.bobs_matter]
        self.account = BankAccount.create(name=f"Trust account {number}", fund="trust", last4="0000")
        self.gateway = f"fake-{number}"
        with transaction():
            self.at = trust.open_clearing(self.gateway, self.account, "Fake")
        self.words: list[TrustAuthorisation] = []
        self.done: dict[int, TrustMovement] = {}
        self.holds: list[TrustHold] = []
        self.disputes: list[tuple[TrustMovement, int]] = []
        self.bills: dict[int, Invoice] = {}
        self.count = 0

    def name(self) -> str:
        """Of a fact, once."""
        self.count += 1
        return f"play:{self.number}:{self.count}"

    # What can happen

    def deposit(self, step: Step) -> Plan:
        method, cents = ("wire", "card", "wire", "check")[step.pick % 4], step.cents * (step.pick % 5 + 1)
        at = self.at if method == "card" else ""
        day, matter = today() - dt.timedelta(days=step.back), self.matters[step.who]

        def book(model: Model, row: TrustMovement) -> None:
            clears_on = day + dt.timedelta(days=CLEARS[method])
            model.receipts[row.id] = Receipt(day, step.who, cents, clears_on, not at)
            model.add(day, step.who, cents, 0 if at else cents)
            self.done[row.id] = row

        return Plan(
            lambda model: model.is_open(day),
            lambda: trust.receive(
                matter, self.account, amount_cents=cents, received_on=day, payer="Alice", purpose="Advance",
                method=method, at=at, by=self.world.erin,
            ),
            book,
        )  # fmt: skip

    def word(self, step: Step) -> Plan:
        kind = "refund" if step.pick % 3 == 0 else "disbursement"
        return Plan(
            lambda model: model.may_draw(step.who, step.cents, today(), of_bank=False),
            lambda: self._word(step, kind),
            lambda _, row: self.words.append(row),
        )

    def _word(self, step: Step, kind: str, to: Matter | None = None) -> TrustAuthorisation:
        return trust.authorise(
            self.matters[step.who], self.account, kind=kind, amount_cents=step.cents, payee="Somebody", purpose="x",
            by=self.world.dan, to_matter=to,
        )  # fmt: skip

    def pay(self, step: Step) -> Plan | None:
        if not self.words:
            return None
        word = self.words[step.pick % len(self.words)]
        first = clock.local(word.authorised_at, "America/Chicago").date()
        on = max(today() - dt.timedelta(days=step.back), first)
        owner, cents = self._owner(word.matter_id), word.amount_cents

        def book(model: Model, row: TrustMovement) -> None:
            if word.id not in model.used:
                model.used.add(word.id)
                model.add(on, owner, -cents, -cents)
                self.done[row.id] = row

        return Plan(
            lambda model: (
                word.id in model.used or (model.is_open(on) and model.may_draw(owner, cents, on, of_bank=True))
            ),
            lambda: trust.pay_out(word, on=on, method="check", by=self.world.erin),
            book,
        )

    def _owner(self, matter_id: int) -> int:
        return [row.id for row in self.matters].index(matter_id)

    def transfer(self, step: Step) -> Plan:
        def act() -> TrustMovement:
            word = self._word(step, "transfer", self.matters[1 - step.who])
            return trust.transfer(word, on=today(), by=self.world.erin)

        def book(model: Model, row: TrustMovement) -> None:
            model.add(today(), step.who, -step.cents, 0)
            model.add(today(), 1 - step.who, step.cents, 0)
            self.done[row.id] = row

        return Plan(
            lambda model: (
                model.is_open(today()) and model.may_draw(step.who, step.cents, today(), of_bank=False)
            ),
            act, book,
        )  # fmt: skip

    def _back(self, kind: str, step: Step) -> Plan | None:
        ids = [key for key, row in self.model.receipts.items() if kind == "return" or not row.at_bank]
        ids = [key for key in ids if self.model.receipts[key].left > 0]
        if not ids:
            return None
        key = ids[step.pick % len(ids)]
        row, source = TrustMovement.get_by_id(key), self.name()
        cents = self.model.receipts[key].left if step.pick % 2 else step.cents

        def book(model: Model, made: TrustMovement) -> None:
            receipt = model.receipts[key]
            is_short = model.would_be_short(receipt.matter, cents, today())
            receipt.back.append((today(), cents))
            model.add(today(), receipt.matter, -cents, -cents if receipt.at_bank else 0)
            model.short |= {receipt.matter} if is_short else set()
            if kind == "dispute":
                self.disputes.append((made, key))

        return Plan(
            lambda model: model.is_open(today()) and cents <= model.receipts[key].left,
            lambda: trust.post_returned(row, cents=cents, on=today(), reason="x", kind=kind, source=source),
            book,
        )

    def bounce(self, step: Step) -> Plan | None:
        return self._back("return", step)

    def dispute(self, step: Step) -> Plan | None:
        return self._back("dispute", step)

    def won(self, step: Step) -> Plan | None:
        if not self.disputes:
            return None
        row, key = at = self.disputes[step.pick % len(self.disputes)]

        def book(model: Model, _: TrustMovement) -> None:
            self.disputes.remove(at)
            model.receipts[key].back.append((today(), -row.amount_cents))
            model.add(today(), model.receipts[key].matter, row.amount_cents, 0)

        return Plan(lambda model: model.is_open(today()), lambda: trust.post_dispute_won(row, on=today()), book)

    def payout(self, step: Step) -> Plan | None:
        """The gateway pays out what it has."""
        there, source, bank = self.model.at_gateway, self.name(), ledger.bank(self.account.id)
        if there <= 0:
            return None
        return Plan(
            lambda model: model.is_open(today()),
            lambda: ledger.post(
                "trust_payout", [Leg(bank, there), Leg(self.at, -there)], occurred_on=today(), description="Payout",
                currency="USD", source=source,
            ),
            lambda model, _: model.add(today(), NOBODY, 0, there),
        )  # fmt: skip

    def void(self, step: Step) -> Plan | None:
        if not self.done:
            return None
        row = self.done[list(self.done)[step.pick % len(self.done)]]
        owner, cents = self._owner(row.matter_id), int(row.amount_cents)

        def book(model: Model, _: TrustMovement) -> None:
            if row.id in model.undone:
                return
            self.done.pop(row.id, None)
            model.undo(row.id, row.kind, owner, cents, today(), row.invoice_id)

        return Plan(
            lambda model: model.may_undo(row.id, row.kind, owner, cents, today()),
            lambda: trust.correct(row, on=today(), reason="x", by=self.world.erin),
            book,
        )

    def hold(self, step: Step) -> Plan:
        def may(model: Model) -> bool:
            return step.cents <= model.balance(step.who, dt.date.max) - model.holds(step.who)

        def book(model: Model, row: TrustHold) -> None:
            model.held[row.id] = (step.who, step.cents)
            self.holds.append(row)

        matter = self.matters[step.who]
        return Plan(
            may,
            lambda: trust.hold(matter, self.account, amount_cents=step.cents, reason="x", by=self.world.erin),
            book,
        )

    def release(self, step: Step) -> Plan | None:
        if not self.holds:
            return None
        row = self.holds.pop(step.pick % len(self.holds))

        def act() -> bool:
            trust.release(row, note="x", by=self.world.dan)
            return True

        def book(model: Model, _: bool) -> None:
            del model.held[row.id]

        return Plan(lambda _: True, act, book)

    def clear(self, step: Step) -> Plan | None:
        ids = list(self.model.receipts)
        if not ids:
            return None
        key = ids[step.pick % len(ids)]
        row = TrustMovement.get_by_id(key)
        on = max(today() - dt.timedelta(days=step.back), self.model.receipts[key].day)

        def act() -> bool:
            trust.clear(row, on=on, note="x", by=self.world.erin)
            return True

        def book(model: Model, _: bool) -> None:
            receipt = model.receipts[key]
            receipt.clears_on = receipt.clears_on if receipt.is_cleared else min(receipt.clears_on, on)
            receipt.is_cleared = True

        return Plan(lambda _: True, act, book)

    def replenish(self, step: Step) -> Plan | None:
        if not self.model.short:
            return None
        is_open = TrustIncident.closed_at.is_null()
        rows = list(TrustIncident.select().where(is_open & (TrustIncident.bank_account == self.account.id)))
        row = rows[step.pick % len(rows)]
        owner = FLOAT if row.matter_id is None else self._owner(row.matter_id)
        due = max(-self.model.balance(owner, dt.date.max), 0)
        assert trust.to_replenish(row) == due

        def book(model: Model, _: Any) -> None:
            if due:
                model.add(today(), owner, due, due)
            model.short.discard(owner)

        return Plan(
            lambda model: model.is_open(today()) or not due,
            lambda: trust.replenish(row, operating(), on=today(), reference="", by=self.world.erin),
            book,
        )

    # The firm's own money

    def _float(self, kind: str, cents: int, may: Callable[[Model], bool]) -> Plan:
        return Plan(
            lambda model: model.is_open(today()) and may(model),
            lambda: trust.move_float(
                self.account, operating(), kind=kind, amount_cents=abs(cents), on=today(), reference="",
                by=self.world.erin,
            ),
            lambda model, _: model.add(today(), FLOAT, cents, cents),
        )  # fmt: skip

    def float_in(self, step: Step) -> Plan:
        cents = step.cents * (600 if step.pick % 2 else 1)
        return self._float("float_in", cents, lambda model: model.balance(FLOAT, dt.date.max) + cents <= CAP)

    def float_out(self, step: Step) -> Plan:
        there = self.model.balance(FLOAT, today())
        cents = there if step.pick % 2 and there > 0 else step.cents

        def may(model: Model) -> bool:
            days = model.days(today())
            return not model.would_be_short(FLOAT, cents, today()) and all(model.bank(day) >= cents for day in days)

        return self._float("float_out", -cents, may)

    def charge(self, step: Step) -> Plan:
        """What the float does not cover the bank takes from the clients: it is booked, and the float is short."""

        def book(model: Model, _: TrustMovement) -> None:
            model.short |= {FLOAT} if model.would_be_short(FLOAT, step.cents, today()) else set()
            model.add(today(), FLOAT, -step.cents, -step.cents)

        return Plan(
            lambda model: model.is_open(today()),
            lambda: trust.charge(
                self.account, amount_cents=step.cents, on=today(), what="Checks printed", by=self.world.erin
            ),
            book,
        )

    # Invoices

    def bill(self, step: Step) -> Plan:
        matter = self.matters[step.who]

        def act() -> Invoice:
            work = timekeeping.record(
                matter, kind="time", timekeeper=self.world.dan, worked_on=today(), description="Work",
                quantity_hundredths=100, rate_cents=step.cents, by=self.world.dan,
            )  # fmt: skip
            draft = invoices.draft(matter, [work.id], by=self.world.dan)
            return invoices.issue(draft, issued_on=today(), due_on=today(), by=self.world.dan)

        def book(model: Model, row: Invoice) -> None:
            model.bills[row.id] = Bill(step.who, step.cents)
            self.bills[row.id] = row

        return Plan(lambda _: True, act, book)

    def apply(self, step: Step) -> Plan | None:
        if not self.bills:
            return None
        key = list(self.bills)[step.pick % len(self.bills)]
        invoice, owner = self.bills[key], self.model.bills[key].matter
        there = self.model.balance(owner, today())
        cents = max(min(self.model.bills[key].owed, there), 1) if step.pick % 2 else step.cents

        def book(model: Model, row: TrustMovement) -> None:
            model.add(today(), owner, -cents, -cents)
            model.bills[key].paid += cents
            self.done[row.id] = row

        return Plan(
            lambda model: (
                model.is_open(today()) and cents <= model.bills[key].owed
                and model.may_draw(owner, cents, today(), of_bank=True)
            ),
            lambda: draws.pay(
                invoice, self.account, operating(), amount_cents=cents, on=today(), by=self.world.dan
            ),
            book,
        )  # fmt: skip

    def void_bill(self, step: Step) -> Plan | None:
        if not self.bills:
            return None
        key = list(self.bills)[step.pick % len(self.bills)]

        def act() -> bool:
            invoices.void(self.bills[key], reason="x", on=today(), by=self.world.carol)
            return True

        def book(model: Model, _: bool) -> None:
            model.bills[key].is_void = True

        return Plan(lambda model: model.bills[key].is_void or not model.bills[key].paid, act, book)

    # Closed periods

    def close(self, step: Step) -> Plan | None:
        """The period to a day is reconciled: nothing has come to the bank's notice yet, so all is outstanding."""
        day, key = today() - dt.timedelta(days=step.back), self.name()
        if not self.model.is_open(day):
            return None

        def act() -> Any:
            made = BankStatement.create(
                bank_account=self.account, key=key, file_name="x.csv", storage_key=key, size_bytes=1, sha256="0" * 64,
                format="table", uploaded_at=clock.now(), starts_on=day, ends_on=day, opening_cents=0, closing_cents=0,
                imported_at=clock.now(),
            )  # fmt: skip
            return reconciliations.close(made, by=self.world.erin)

        def book(model: Model, _: Any) -> None:
            model.closed = day

        return Plan(lambda _: True, act, book)
