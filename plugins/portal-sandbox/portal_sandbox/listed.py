"""The companion's list of transactions read into the portal's values. Whatever is odd raises: the sweep tries again."""

from __future__ import annotations

import datetime as dt
from typing import Any

from portal_app.plugin_api import ExternalTransaction, ListPage, OutcomeKind, Response, TransactionKind
from portal_sandbox.answers import KINDS

# Of a dispute: whether its money has gone for good.
_DISPUTES = {"open": OutcomeKind.PENDING, "won": OutcomeKind.CANCELED, "lost": OutcomeKind.SUCCEEDED}


class NotListed(RuntimeError):
    """The companion gave no list."""


def page(response: Response) -> ListPage:
    """One page of the list. Raises ``NotListed``, ``LookupError``, ``TypeError`` or ``ValueError``."""
    if response.status != 200:
        raise NotListed(f"http_{response.status}")
    told = response.json()
    return ListPage(transactions=tuple(_line(each) for each in told["transactions"]), next_cursor=told["next_cursor"])


def _line(told: dict[str, Any]) -> ExternalTransaction:
    kind = TransactionKind(told["kind"])
    outcomes = _DISPUTES if kind is TransactionKind.DISPUTE else KINDS
    return ExternalTransaction(
        id=told["id"],
        kind=kind,
        outcome=outcomes[told["status"]],
        amount_minor=told["amount_minor"],
        currency=told["currency"],
        merchant_account=told["merchant_account"],
        occurred_at=dt.datetime.fromtimestamp(told["created_at"], dt.UTC),
        reference=told["reference"],
        charge_gateway_reference=told["charge_id"],
        description=told["description"][:200],
    )
