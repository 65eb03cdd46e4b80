"""Every way in which money changes, in one table: what an event is called and which accounts it may touch.

An event moves money inside one fund, or inside two at once; each part balances by itself. A word without a colon
is an account of the chart; the others stand for accounts that are opened as they appear (:data:`ROLES`). ``post``
refuses an entry that does not fit its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

# What stands for accounts of which there may be several: a pattern of their codes.
ROLES = {
    "clearing": r"clearing:[a-z0-9-]+",
    "trust clearing": r"clearing:[a-z0-9-]+:trust",
    "bank": r"bank:\d+",
    "trust bank": r"bank:\d+",
    "client money": r"trust:\d+",
    "float": r"float:\d+",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One fund's side of an event: the accounts that may be debited, and those that may be credited."""

    fund: str
    debit: tuple[str, ...]
    credit: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """``words`` are what a matter's ledger calls it. ``undoes`` names the events that it takes back, leg by leg, as a
    linked reversal; "*" is any. ``why`` gives the reason, or the rule that it follows."""

    code: str
    words: str
    parts: tuple[Part, ...]
    why: str
    undoes: tuple[str, ...] = ()


def _one(debit: str, credit: str, fund: str = "operating") -> tuple[Part, ...]:
    """One part; accounts are separated by commas."""
    return (Part(fund, tuple(debit.split(", ")), tuple(credit.split(", "))),)


def _takes_back(code: str, words: str, undoes: str, why: str) -> Recipe:
    return Recipe(code, words, (), why, tuple(undoes.split(", ")))


_GIVEN_BACK = "unapplied, receivable, refunds, suspense"
_PROCESSOR = "clearing, merchant_fees, surcharges, bank"

TABLE = (
    # Invoices
    Recipe("invoice_issued", "Invoice", _one("receivable", "fees, costs, tax"),
           "Work is income once it is billed; a draft changes nothing."),
    _takes_back("invoice_voided", "Invoice voided", "invoice_issued",
                "A correction is a linked reversal, never an edit (T13)."),
    Recipe("credit_note", "Credit note", _one("credits", "receivable"),
           "Less is asked for: income is taken back, on an account that shows how much."),
    Recipe("written_off", "Written off", _one("bad_debt", "receivable"),
           "It is still owed in fact, but not expected any more: an expense, not less income."),
    _takes_back("write_off_undone", "Write-off taken back", "written_off",
                "The client pays after all: it is owed again before it can be paid."),
    _takes_back("credit_note_undone", "Credit note taken back", "credit_note", "It was a mistake (T13)."),
    # Payments
    Recipe("portal_payment", "Paid from portal", _one("clearing, suspense", "receivable, unapplied"),
           "The gateway owes it to the firm until it pays out; what no invoice owes stays the client's."),
    Recipe("unapplied_applied", "Unapplied money applied", _one("unapplied", "receivable"),
           "What the client paid too much pays an invoice."),
    Recipe("payment_mismatch", "Payment held for review", _one("clearing", "suspense"),
           "Another amount, currency or payee than was asked for: a person decides."),
    _takes_back("payment_returned", "Held payment given back", "payment_mismatch", "The person gave it back."),
    Recipe("payment_bounced", "Payment returned by the bank", _one("unapplied, receivable, suspense", "clearing"),
           "The payer's bank took it back: what it paid is owed again."),
    Recipe("refund", "Refunded", _one(_GIVEN_BACK, "clearing, receivable"),
           "Unapplied money first, then an invoice is owed again; a fee that is given up is forgiven at once."),
    _takes_back("refund_failed", "Refund that did not arrive", "refund", "The money is with the firm again."),
    Recipe("dispute_opened", "Payment disputed", _one("disputed", "clearing"),
           "The gateway has taken the money; whether for good is not decided."),
    _takes_back("dispute_won", "Dispute won", "dispute_opened, dispute_lost, trust_disputed",
                "The gateway has given it back."),
    Recipe("payment_kept", "Kept for the client", _one("receivable", "unapplied"),
           "Money that came back to an invoice that owes nothing any more stays the client's."),
    Recipe("dispute_lost", "Dispute lost", _one("unapplied, receivable, suspense", "disputed"),
           "It is gone for good: what it paid is owed again."),
    Recipe("gateway_costs", "Gateway's fees and payouts", _one(_PROCESSOR, _PROCESSOR),
           "Fees are the firm's, payouts reach its operating bank; a gateway may also correct either."),
    _takes_back("payout_failed", "Payout that did not arrive", "gateway_costs, trust_payout",
                "The money is with the gateway again; somebody has to see why."),
    # Trust: money that belongs to clients
    Recipe("trust_deposit", "Trust deposit", _one("trust clearing, trust bank", "client money", "trust"),
           "Gross, on one client-matter ledger (T01, T07)."),
    Recipe("trust_payout", "Trust deposits paid out", _one("trust bank", "trust clearing", "trust"),
           "The gateway's deposits have reached the trust bank account; whose they are does not change."),
    Recipe("trust_disbursement", "Paid out of trust", _one("client money", "trust bank", "trust"),
           "To a third party, with a lawyer's authorisation made before (T12)."),
    Recipe("trust_refund", "Trust money given back", _one("client money", "trust bank, trust clearing", "trust"),
           "Unearned money goes back to the client (T04)."),
    Recipe("trust_applied", "Paid from trust",
           (*_one("client money", "trust bank", "trust"), *_one("bank", "receivable")),
           "Fees are drawn only against an issued, shared invoice (T05); both funds change together or not at all."),
    Recipe("trust_transfer", "Moved between matters in trust", _one("client money", "client money", "trust"),
           "One client's money never covers another's without an explicit pair of lines (T03)."),
    Recipe("trust_returned", "Trust deposit returned", _one("client money", "trust clearing, trust bank", "trust"),
           "The exact deposit on the exact ledger, even below zero: the truth is posted (T10)."),
    Recipe("trust_disputed", "Trust deposit disputed", _one("client money", "trust clearing", "trust"),
           "Like a return, until the dispute is won (T10, T19)."),
    Recipe("trust_shortfall_replenished", "Trust shortfall made good",
           (*_one("trust bank, float", "client money, float", "trust"), *_one("trust_losses, receivable", "bank")),
           "The firm puts in what a return took from other clients (T10)."),
    Recipe("trust_float", "Firm's own money in trust",
           (*_one("trust bank, float", "float, trust bank", "trust"),
            *_one("own_in_trust, bank", "bank, own_in_trust")),
           "Only on its own ledger, only for bank charges, capped (T08); put in, or taken out again."),
    Recipe("trust_bank_charge", "Bank charge in trust",
           (*_one("float", "trust bank", "trust"), *_one("bank_charges", "own_in_trust")),
           "Charges never touch client money (T07, T08)."),
    # Any correction that has no row of its own
    _takes_back("reversal", "Reversed", "*", "A correction is a linked reversal, never an edit (T13)."),
)  # fmt: skip
RECIPES = {recipe.code: recipe for recipe in TABLE}

# What each kind of entry is called in a matter's ledger.
CODES = {recipe.code: recipe.words for recipe in TABLE}


@lru_cache(maxsize=1024)
def _sides(code: str, account: str) -> frozenset[tuple[str, bool]]:
    """Where an account may stand in entries of this code: (fund, whether on the debit side)."""
    return frozenset(
        (part.fund, is_debit)
        for part in RECIPES[code].parts
        for is_debit, names in ((True, part.debit), (False, part.credit))
        if any(re.fullmatch(ROLES.get(name, re.escape(name)), account) for name in names)
    )


def misfit(code: str, legs: Iterable[tuple[str, int]], funds: dict[str, str], reversed_code: str = "") -> str:
    """Why an entry does not fit its recipe; empty when it does.

    ``legs`` are (account, cents); ``funds`` says whose money stands on each account; ``reversed_code`` is the code of
    the entry that this one takes back, if any.
    """
    recipe = RECIPES.get(code)
    if recipe is None:
        return f"there is no recipe {code}"
    if reversed_code:
        fits = "*" in recipe.undoes or reversed_code in recipe.undoes
        return "" if fits else f"{code} does not take back {reversed_code}"
    if not recipe.parts:
        return f"{code} takes an earlier entry back, and none is named"
    for account, cents in legs:
        if account not in funds:
            return f"there is no account {account}"
        if (funds[account], cents > 0) not in _sides(code, account):
            side = "debit" if cents > 0 else "credit"
            return f"{code} does not {side} {account} of the {funds[account]} fund"
    return ""
