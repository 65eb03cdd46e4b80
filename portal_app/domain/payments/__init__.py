"""Payments from the portal: a payment, its attempt at a gateway, and the states between "Pay Now" and "paid".

Unknown is never failed: only declined, canceled and not_submitted free the reserved amount. This package writes what
is known; calling the gateway is ``portal_app.gateways``'s part, with no transaction open.
"""

from portal_app.domain.payments.banks import FUNDS, add_bank_account, bank_accounts, change_bank_account
from portal_app.domain.payments.models import (
    DEFINITE,
    EDGES,
    FREEING,
    HOLDING,
    Allocation,
    Attempt,
    BankAccount,
    Gateway,
    GatewayRoute,
    Installation,
    Payment,
    PaymentChange,
    PaymentRoad,
)
from portal_app.domain.payments.offers import Offer, Payable, check_amount, check_plan, held_on, offer, propose
from portal_app.domain.payments.reading import (
    GROUPS,
    allocations_of,
    changes_of,
    entry_of,
    find,
    find_for,
    firm_sees,
    last_billing,
    of_entries,
    on_invoices,
    open_ones,
    recent,
    search,
    shown_allocations,
    unfinished,
    visible_to,
    void_invoice,
    with_key,
)
from portal_app.domain.payments.settling import (
    Due,
    claim,
    claim_due,
    give_back,
    give_up_unsent,
    is_given_back,
    mark_submitting,
    mismatch_of,
    settle,
)
from portal_app.domain.payments.starting import Order, route_of, start

__all__ = [
    "DEFINITE", "EDGES", "FREEING", "FUNDS", "GROUPS", "HOLDING", "Allocation", "Attempt", "BankAccount", "Due",
    "Gateway", "GatewayRoute", "Installation", "Offer", "Order", "Payable", "Payment", "PaymentChange", "PaymentRoad",
    "add_bank_account",
    "allocations_of", "bank_accounts", "change_bank_account", "changes_of", "check_amount", "check_plan", "claim",
    "claim_due", "entry_of", "find", "find_for", "firm_sees", "give_back", "give_up_unsent", "held_on",
    "is_given_back", "last_billing", "mark_submitting", "mismatch_of", "of_entries", "offer", "on_invoices",
    "open_ones", "propose", "recent", "route_of", "search", "settle", "shown_allocations", "start", "unfinished",
    "visible_to", "void_invoice", "with_key",
]  # fmt: skip
