"""Staff's routes, a module per noun."""

from portal_app.firm import (
    account,  # noqa: F401
    adjustments,  # noqa: F401
    bank_accounts,  # noqa: F401
    books,  # noqa: F401
    clients,  # noqa: F401
    closing,  # noqa: F401
    deposits,  # noqa: F401
    documents,  # noqa: F401
    drafts,  # noqa: F401
    ebilling,  # noqa: F401
    events,  # noqa: F401
    exports,  # noqa: F401
    gateways,  # noqa: F401
    invoices,  # noqa: F401
    ledger,  # noqa: F401
    look,  # noqa: F401
    mail,  # noqa: F401
    matching,  # noqa: F401
    matter_people,  # noqa: F401
    matter_settings,  # noqa: F401
    matter_trust,  # noqa: F401
    matters,  # noqa: F401
    pay_links,  # noqa: F401
    payments,  # noqa: F401
    people,  # noqa: F401
    questions,  # noqa: F401
    recipients,  # noqa: F401
    reconciliations,  # noqa: F401
    records,  # noqa: F401
    refunds,  # noqa: F401
    reports,  # noqa: F401
    safety,  # noqa: F401
    settings,  # noqa: F401
    signing_in,  # noqa: F401
    statements,  # noqa: F401
    time,  # noqa: F401
    today,  # noqa: F401
    trust,  # noqa: F401
    trust_acts,  # noqa: F401
    trust_invoices,  # noqa: F401
    trust_receipts,  # noqa: F401
    trust_settings,  # noqa: F401
)
from portal_app.firm.blueprint import blueprint

__all__ = ["blueprint"]
