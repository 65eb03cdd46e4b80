"""The chart of accounts: what each account is called, what kind it is, and whose money stands on it.

Accounts of gateways and bank accounts are opened as these appear; their codes are made here and nowhere else.
"""

from __future__ import annotations

RECEIVABLE, UNAPPLIED, SUSPENSE, FEES, COSTS = "receivable", "unapplied", "suspense", "fees", "costs"
REFUNDS, SURCHARGES, MERCHANT_FEES, DISPUTED = "refunds", "surcharges", "merchant_fees", "disputed"
TAX, CREDITS, BAD_DEBT, BANK_CHARGES = "tax", "credits", "bad_debt", "bank_charges"
OWN_IN_TRUST, TRUST_LOSSES = "own_in_trust", "trust_losses"

# Accounts that every firm has: (code, name, kind, fund). Migrations 0004 and 0010 open them.
CHART = (
    (RECEIVABLE, "Accounts receivable", "asset", "operating"),
    (UNAPPLIED, "Unapplied client money", "liability", "operating"),
    (SUSPENSE, "Suspense", "liability", "operating"),
    (TAX, "Tax to be paid on", "liability", "operating"),
    (FEES, "Legal fees", "income", "operating"),
    (COSTS, "Recovered costs", "income", "operating"),
    (CREDITS, "Credit notes", "income", "operating"),
    (REFUNDS, "Refunded fees", "income", "operating"),
    (SURCHARGES, "Card surcharges", "income", "operating"),
    (MERCHANT_FEES, "Merchant fees", "expense", "operating"),
    (BANK_CHARGES, "Bank charges", "expense", "operating"),
    (BAD_DEBT, "Bad debt", "expense", "operating"),
    (TRUST_LOSSES, "Trust shortfalls made good", "expense", "operating"),
    (DISPUTED, "Disputed payments", "asset", "operating"),
    (OWN_IN_TRUST, "Own money in trust accounts", "asset", "operating"),
)
KINDS = {"asset": "Asset", "liability": "Liability", "equity": "Equity", "income": "Income", "expense": "Expense"}


def clearing(gateway_code: str, fund: str = "operating") -> str:
    """What the gateway ``gateway_code`` has taken and not yet paid out: the firm's own money, or trust deposits."""
    return f"clearing:{gateway_code}:trust" if fund == "trust" else f"clearing:{gateway_code}"


def bank(bank_account_id: int) -> str:
    """The books of one of the firm's bank accounts."""
    return f"bank:{bank_account_id}"


def client_money(bank_account_id: int) -> str:
    """What the firm owes clients out of a trust bank account; each posting on it names a matter."""
    return f"trust:{bank_account_id}"


def firm_float(bank_account_id: int) -> str:
    """The firm's own money in a trust bank account, kept there for bank charges."""
    return f"float:{bank_account_id}"
