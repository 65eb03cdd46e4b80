"""Portal users' routes, a module per noun."""

# ruff: noqa: F401  each module is imported for the routes that it registers

from portal_app.client import (
    access,
    account,
    deposits,
    documents,
    events,
    guest,
    help,
    home,
    invoices,
    pay,
    payments,
    trust,
)
from portal_app.client.blueprint import blueprint

__all__ = ["blueprint", "guest"]
