"""Portal users' routes, a module per noun."""

from portal_app.client import (
    access,  # noqa: F401
    account,  # noqa: F401
    deposits,  # noqa: F401
    documents,  # noqa: F401
    events,  # noqa: F401
    guest,
    help,  # noqa: F401
    home,  # noqa: F401
    invoices,  # noqa: F401
    pay,  # noqa: F401
    payments,  # noqa: F401
    trust,  # noqa: F401
)
from portal_app.client.blueprint import blueprint

__all__ = ["blueprint", "guest"]
