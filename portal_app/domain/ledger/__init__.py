"""The ledger: double entry in integer cents, debit plus, credit minus, append-only. Nothing else writes money.

What may happen to money is one table (``recipes``); the database refuses what is unbalanced, unsealed, late, edited or
deleted. Balances are running totals that ``verify`` proves again from the postings.
"""

from portal_app.domain.ledger.balances import account_balance, client_balances, invoice_balance, matter_balances
from portal_app.domain.ledger.books import Wanted
from portal_app.domain.ledger.chaining import ChainLink, Head, head_of, links_of, with_hash
from portal_app.domain.ledger.chart import (
    BAD_DEBT,
    BANK_CHARGES,
    COSTS,
    CREDITS,
    DISPUTED,
    FEES,
    MERCHANT_FEES,
    OWN_IN_TRUST,
    RECEIVABLE,
    REFUNDS,
    SURCHARGES,
    SUSPENSE,
    TAX,
    TRUST_LOSSES,
    UNAPPLIED,
    bank,
    clearing,
    client_money,
    firm_float,
)
from portal_app.domain.ledger.checkpoints import Checkpoint, CheckpointHead, check_in, last_checkpoint
from portal_app.domain.ledger.lines import Line, for_matter
from portal_app.domain.ledger.models import (
    Account,
    AccountTotal,
    AlreadyPosted,
    JournalEntry,
    JournalSeal,
    Leg,
    Posting,
    RunningTotal,
    Unbalanced,
)
from portal_app.domain.ledger.posting import open_account, open_bank, post, reverse
from portal_app.domain.ledger.reading import (
    entries_about,
    entry_of,
    find,
    postings_of,
    reversal_of,
    told_about,
    totals_about,
)
from portal_app.domain.ledger.recipes import CODES, RECIPES

__all__ = [
    "BAD_DEBT",
    "BANK_CHARGES",
    "CODES",
    "COSTS",
    "CREDITS",
    "DISPUTED",
    "FEES",
    "MERCHANT_FEES",
    "OWN_IN_TRUST",
    "RECEIVABLE",
    "RECIPES",
    "REFUNDS",
    "SURCHARGES",
    "SUSPENSE",
    "TAX",
    "TRUST_LOSSES",
    "UNAPPLIED",
    "Account",
    "AccountTotal",
    "AlreadyPosted",
    "ChainLink",
    "Checkpoint",
    "CheckpointHead",
    "Head",
    "JournalEntry",
    "JournalSeal",
    "Leg",
    "Line",
    "Posting",
    "RunningTotal",
    "Unbalanced",
    "Wanted",
    "account_balance",
    "bank",
    "check_in",
    "clearing",
    "client_balances",
    "client_money",
    "entries_about",
    "entry_of",
    "find",
    "firm_float",
    "for_matter",
    "head_of",
    "invoice_balance",
    "last_checkpoint",
    "links_of",
    "matter_balances",
    "open_account",
    "open_bank",
    "post",
    "postings_of",
    "reversal_of",
    "reverse",
    "told_about",
    "totals_about",
    "with_hash",
]
