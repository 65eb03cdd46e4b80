"""What the control page shows: the sandbox's own books, and beside each line what the portal has told of it."""

from __future__ import annotations

from dataclasses import dataclass

from portal_sandbox.books import remaining
from portal_sandbox.charges import MERCHANT_ACCOUNTS, Charge
from portal_sandbox.disputes import Dispute, Payout
from portal_sandbox.events import Event
from portal_sandbox.office import balances, usual_currency
from portal_sandbox.refunds import Refund
from portal_sandbox.store import Rows
from portal_sandbox.told import Word

CHARGES_SHOWN = 25
EVENTS_SHOWN = 12
WORDS_SHOWN = 12
PAYOUTS_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A charge, refund or dispute; ``status`` in the word that the page uses, ``word`` the portal's last on it."""

    thing: Charge | Refund | Dispute
    status: str
    word: Word | None
    acts: tuple[str, ...]

    @property
    def agreement(self) -> str:
        """agrees, differs, or silent; and nothing where nothing need be told yet."""
        if self.word is None:
            return "" if self.status in {"action_required", "canceled"} else "silent"
        is_same_money = self.word.amount_minor in {0, self.thing.amount_minor}
        return "agrees" if is_same_money and self.word.agrees(self.status) else "differs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    charge: Line
    account: str
    after: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """``paid_out``: the latest payouts, and whether the portal has booked each."""

    id: str
    name: str
    currency: str
    net_minor: int
    paid_out: tuple[tuple[Payout, bool], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    entries: tuple[Entry, ...]
    held: tuple[Held, ...]
    events: tuple[Event, ...]
    words: tuple[Word, ...]
    charge_count: int

    def count(self, agreement: str) -> int:
        lines = (line for entry in self.entries for line in (entry.charge, *entry.after))
        return sum(line.agreement == agreement for line in lines)


def draw(rows: Rows) -> Overview:
    charges = rows.where(Charge, "1 ORDER BY created_at DESC, rowid DESC LIMIT :most", most=CHARGES_SHOWN)
    return Overview(
        entries=tuple(_entry(rows, charge) for charge in charges),
        held=tuple(_held(rows)),
        events=tuple(rows.where(Event, "1 ORDER BY created_at DESC, rowid DESC LIMIT :most", most=EVENTS_SHOWN)),
        words=tuple(rows.where(Word, "1 ORDER BY at DESC LIMIT :most", most=WORDS_SHOWN)),
        charge_count=int(rows.rows("SELECT count(*) AS many FROM charge")[0]["many"]),
    )


def _entry(rows: Rows, charge: Charge) -> Entry:
    refunds = [_refund(rows, refund) for refund in rows.some(Refund, charge_id=charge.id)]
    disputes = [_dispute(rows, each) for each in rows.some(Dispute, charge_id=charge.id)]
    name, _ = MERCHANT_ACCOUNTS[charge.merchant_account]
    return Entry(charge=_charge(rows, charge), account=name, after=(*refunds, *disputes))


def _charge(rows: Rows, charge: Charge) -> Line:
    left = remaining(rows, charge)
    acts: tuple[str, ...] = ("settle", "refuse") if charge.status == "pending" else ()
    if left:
        acts = ("return", "dispute") if charge.method == "bank" and left == charge.amount_minor else ("dispute",)
    status = "voided" if charge.code == "voided" else charge.status
    return Line(thing=charge, status=status, word=_word(rows, "payment_changed", charge.reference), acts=acts)


def _refund(rows: Rows, refund: Refund) -> Line:
    acts = ("settle", "refuse") if refund.status == "pending" else ()
    return Line(thing=refund, status=refund.status, word=_word(rows, "refund_changed", refund.reference), acts=acts)


def _dispute(rows: Rows, dispute: Dispute) -> Line:
    acts = ("won", "lost") if dispute.status == "open" else ()
    return Line(thing=dispute, status=dispute.status, word=_word(rows, "dispute_changed", dispute.id), acts=acts)


def _word(rows: Rows, what: str, reference: str) -> Word | None:
    condition = "what = :what AND reference = :reference ORDER BY at DESC LIMIT 1"
    return next(iter(rows.where(Word, condition, what=what, reference=reference)), None)


def _held(rows: Rows) -> list[Held]:
    held = {(account, currency): net for account, currency, net in balances(rows)}
    usual = usual_currency(rows)
    every = {(id, usual): 0 for id in MERCHANT_ACCOUNTS} | held
    return [
        Held(id=id, name=MERCHANT_ACCOUNTS[id][0], currency=currency, net_minor=net, paid_out=_paid_out(rows, id))
        for (id, currency), net in sorted(every.items())
    ]


def _paid_out(rows: Rows, merchant_account: str) -> tuple[tuple[Payout, bool], ...]:
    latest = "merchant_account = :account ORDER BY created_at DESC, rowid DESC LIMIT :most"
    paid = rows.where(Payout, latest, account=merchant_account, most=PAYOUTS_SHOWN)
    booked = "what = 'ledger_posted' AND reference LIKE '%:' || :id"
    return tuple((payout, bool(rows.where(Word, booked, id=payout.id))) for payout in paid)
