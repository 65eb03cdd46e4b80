"""Payments from the portal: a payment, its attempt at a gateway, and the states between "Pay Now" and "paid".

Unknown is never failed: only declined, canceled and not_submitted free the reserved amount. This package writes what
is known; calling the gateway is ``portal_app.gateways``'s part, with no transaction open.
"""

from portal_app.domain.payments.banks import FUNDS, add_bank_account, bank_accounts, change_bank_account
from portal_app.domain.payments.booking import left_cents, mismatch_of
from portal_app.domain.payments.disputing import disputes_of, open_disputes
from portal_app.domain.payments.following import LOOKUP_SECONDS, claim, claim_due
from portal_app.domain.payments.hearing import (
    begin_sweep,
    end_sweep,
    first_payment_at,
    last_event,
    last_sweep,
    merchant_accounts_of,
    note_result,
    note_transaction,
    paid_between,
    store_event,
    whose,
)
from portal_app.domain.payments.models import (
    DEFINITE,
    DISPUTE_EDGES,
    EDGES,
    FREEING,
    HOLDING,
    PAID,
    REFUND_EDGES,
    REFUND_FREEING,
    REFUND_OPEN,
    Allocation,
    Attempt,
    BankAccount,
    Dispute,
    Gateway,
    GatewayRoute,
    Installation,
    Payment,
    PaymentChange,
    PaymentRoad,
    Refund,
)
from portal_app.domain.payments.offers import Offer, Payable, check_amount, check_plan, held_on, offer, propose
from portal_app.domain.payments.outside import GatewayEvent, GatewaySweep, GatewayTransaction, Question
from portal_app.domain.payments.questions import KINDS, answer, ask, count_open, find_question, open_questions
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
from portal_app.domain.payments.refunding import (
    give_up_unsent_refund,
    mark_refund_submitting,
    refundable_cents,
    refunded_on,
    refunds_of,
    settle_refund,
    start_refund,
)
from portal_app.domain.payments.settling import (
    apply_received,
    give_back,
    give_up_unsent,
    is_given_back,
    mark_submitting,
    resolve_by_hand,
    settle,
)
from portal_app.domain.payments.starting import Order, route_of, start

__all__ = [
    "DEFINITE", "DISPUTE_EDGES", "EDGES", "FREEING", "FUNDS", "GROUPS", "HOLDING", "KINDS", "LOOKUP_SECONDS", "PAID",
    "REFUND_EDGES", "REFUND_FREEING", "REFUND_OPEN", "Allocation", "Attempt", "BankAccount", "Dispute", "Gateway",
    "GatewayEvent", "GatewayRoute", "GatewaySweep", "GatewayTransaction", "Installation", "Offer", "Order", "Payable",
    "Payment", "PaymentChange", "PaymentRoad", "Question", "Refund", "add_bank_account", "allocations_of", "answer",
    "apply_received", "ask", "bank_accounts", "begin_sweep", "change_bank_account", "changes_of", "check_amount",
    "check_plan", "claim", "claim_due", "count_open", "disputes_of", "end_sweep", "entry_of", "find", "find_for",
    "find_question", "firm_sees", "first_payment_at", "give_back", "give_up_unsent", "give_up_unsent_refund",
    "held_on", "is_given_back", "last_billing", "last_event", "last_sweep", "left_cents", "mark_refund_submitting",
    "mark_submitting", "merchant_accounts_of", "mismatch_of", "note_result", "note_transaction", "of_entries",
    "offer", "on_invoices", "open_disputes", "open_ones", "open_questions", "paid_between", "propose", "recent",
    "refundable_cents", "refunded_on", "refunds_of", "resolve_by_hand", "route_of", "search", "settle",
    "settle_refund", "shown_allocations", "start", "start_refund", "store_event", "unfinished", "visible_to",
    "void_invoice", "whose", "with_key",
]  # fmt: skip
