"""What a reader of a page of the books asks for, as it stands in the address: the same names on every page, kept from
page to page, on paper and in the table for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from portal_app import money
from portal_app.domain import ledger
from portal_app.domain.ledger import Wanted
from portal_app.firm.csv import day_of
from portal_app.firm.listing import words_of
from portal_app.web import once
from portal_app.web.templates import current_firm, writing

NOBODYS = -1  # cents of an amount that is none: nothing fits it
PRINTED_MOST = 2000  # lines of a page that shows all of them

# Kinds of lines of a client's ledger, in groups that a bookkeeper thinks in.
BACK = ("refund", "refund_failed", "payment_bounced", "dispute_won", "dispute_lost", "payment_kept")
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "all": ("All entries", ()),
    "portal": ("Paid from portal", ("portal_payment",)),
    "invoices": ("Invoices", ("invoice_issued",)),
    "less": ("Credit notes and write-offs", ("credit_note", "credit_note_undone", "written_off", "write_off_undone")),
    "back": ("Refunds and returns", (*BACK, "trust_refund", "trust_returned", "trust_disputed")),
    "reversals": ("Reversals", ("invoice_voided", "reversal", *BACK)),
    "deposits": ("Trust deposits", ("trust_deposit",)),
    "trust": ("Paid from trust", ("trust_applied", "trust_disbursement")),
}
OWED_OR_HELD = {"": "What is owed", "trust": "Held in trust"}
FUNDS = {"operating": "The firm’s own money", "trust": "Clients’ money, in trust"}


@dataclass(frozen=True, slots=True)
class Asked:
    """``kind`` is what was chosen of ``kinds``, ``amount`` what was typed, ``wrong`` why that is no amount;
    ``is_whole``: all lines on one page, to be printed."""

    wanted: Wanted
    kinds: Mapping[str, str]
    kind: str
    kind_name: str
    amount: str
    wrong: str
    is_whole: bool

    @classmethod
    def of_client(cls) -> Asked:
        """On a matter's or a client's ledger: kinds in groups, what is owed or what is held."""
        kind = once.asked_for("kind")
        kind = kind if kind in GROUPS else "all"
        fund = "trust" if once.asked_for("fund") == "trust" else ""
        labels = {name: label for name, (label, _) in GROUPS.items()}
        return cls._read("kind", kind, labels, GROUPS[kind][1], fund=fund)

    @classmethod
    def of_books(cls, *, has_fund: bool = True) -> Asked:
        """On a page of the firm's books: each kind by itself, a matter's number, a fund."""
        kind, fund = once.asked_for("code"), once.asked_for("fund")
        kind = kind if kind in ledger.CODES else ""
        fund = fund if has_fund and fund in FUNDS else ""
        codes = (kind,) if kind else ()
        return cls._read("code", kind, ledger.CODES, codes, fund=fund, matter=words_of("matter"))

    @classmethod
    def _read(
        cls, name: str, kind: str, kinds: Mapping[str, str], codes: tuple[str, ...], *, fund: str, matter: str = ""
    ) -> Asked:
        typed, wrong, cents = words_of("amount"), "", None
        if typed:
            try:
                cents = money.parse(typed, current_firm().money)
            except money.BadAmount as problem:
                cents, wrong = NOBODYS, str(problem)
        wanted = Wanted(day_of("from"), day_of("to"), codes, matter, words_of("text"), cents, fund)
        return cls(wanted, kinds, kind, name, typed, wrong, once.asked_for("whole") == "1")

    @property
    def is_open(self) -> bool:
        """Whether nothing is left out; which of two ledgers it is leaves nothing out."""
        return self.wanted == Wanted(fund=self.wanted.fund)

    @property
    def status(self) -> int:
        return 422 if self.wrong else 200

    def limit(self, page: int) -> int:
        """How many lines are shown at once."""
        return PRINTED_MOST if self.is_whole else page

    def query(self, **more: object) -> str:
        wanted = self.wanted
        given = {
            "from": wanted.since, "to": wanted.until, self.kind_name: self.kind, "matter": wanted.matter,
            "text": wanted.text, "amount": self.amount, "fund": wanted.fund,
        }  # fmt: skip
        return urlencode({name: value for name, value in (given | more).items() if value and value != "all"})

    @property
    def words(self) -> str:
        """What is asked for, for the head of what is printed."""
        wanted, day = self.wanted, writing().day
        parts = [
            f"from {day(wanted.since)}" if wanted.since else "", f"to {day(wanted.until)}" if wanted.until else "",
            self.kinds[self.kind] if wanted.codes else "",
            FUNDS.get(wanted.fund, "") if self.kind_name == "code" else "",
            f"matter {wanted.matter}" if wanted.matter else "", f"“{wanted.text}”" if wanted.text else "",
            f"amount {self.amount}" if self.amount else "",
        ]  # fmt: skip
        return ", ".join(part for part in parts if part)


def key_of(name: str = "before") -> tuple[int, ...] | None:
    """After which line a page goes on: numbers with a dash between; ``None`` when the address gives none."""
    parts = once.asked_for(name).split("-")
    if not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
        return None
    return tuple(int(part) for part in parts)
