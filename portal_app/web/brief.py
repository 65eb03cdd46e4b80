"""Letters that say only that there is something new: no amount, no matter, no document, nobody's name but the reader's.

E-mail is a postcard. A firm that chooses brief letters has every letter about its clients' affairs written in these
words; the links stay, and the rest is read behind them.
"""

from __future__ import annotations

# The kinds of letters that say nothing of anybody's affairs: how to get in, and what the machine has to report.
PLAIN = frozenset(
    "invitation invitation_staff password_reset payment_page_changed new_device sign_in_link way_changed".split()
)

_PAYMENT = "There is news of your payment"
_AT_THE_FIRM = "There is news of a payment from the portal"
# Subject and sentence of every other kind.
WORDS: dict[str, tuple[str, str]] = {
    "invoice_shared": ("A new invoice in your portal", "A new invoice waits for you in the portal."),
    "pay_link": ("Your link to an invoice", "Here is a fresh link to your invoice. The one before no longer works."),
    "document_shared": ("A new document in your portal", "A new document waits for you in the portal."),
    "event_shared": ("A new date in your portal", "A new date stands in your portal."),
    "deposit_shared": ("A request in your portal", "A new request of the firm waits for you in the portal."),
    "payment_succeeded": ("Your payment has arrived", "Thank you. Your payment has arrived, and its receipt is there."),
    "payment_pending": (_PAYMENT, "Your payment is on its way. Please do not pay the same amount again."),
    "payment_refused": (_PAYMENT, "Your payment did not go through. Nothing has been charged."),
    "payment_returned": (_PAYMENT, "Your bank has returned a payment. See what is open again."),
    "dispute_lost": (_PAYMENT, "Your bank has taken back a payment. See what is open again."),
    "refund": (_PAYMENT, "The firm gives you back a payment or a part of one."),
    "credit_note": ("A change to an invoice", "The firm has lowered one of your invoices. See what is still open."),
    "trust_receipt": ("Money was received for you", "The firm has received money for you and holds it in trust."),
    "payment_succeeded_firm": (_AT_THE_FIRM, "A payment has come from the portal. There is nothing to enter."),
    "payment_returned_firm": (_AT_THE_FIRM, "A payment was returned by the payer's bank. The ledger is corrected."),
    "payment_review_firm": (_AT_THE_FIRM, "A payment needs your eye: what came is not what was asked for."),
    "refund_failed_firm": (_AT_THE_FIRM, "A refund did not go through. Nothing was given back."),
    "dispute_firm": (_AT_THE_FIRM, "There is news of a disputed payment. It may have to be answered in time."),
    "trust_shortfall": ("A trust account is short", "A trust account is short. The firm has to make it whole."),
    "limitation": ("A statute of limitations runs out", "The statute of limitations of a matter runs out soon."),
    "infected": ("A file is held back", "The malware scanner holds back a file. Nobody can open it."),
    "audit_alert": ("Something to look at in the records", "Something was done that administrators are told of."),
}  # fmt: skip
