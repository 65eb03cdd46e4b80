"""Stripe's codes in the portal's own words, for the person who pays."""

from __future__ import annotations

_FUNDS = "There is not enough money in the account for this payment. Nothing was charged."
_EXPIRED = "The card has expired. Nothing was charged. Use another card."
_AGAIN = "The card could not be processed just now. Nothing was charged. Try again in a few minutes."
_CHECK = "The card's details are not right. Nothing was charged. Check them and try again."
_BANK = "The bank did not accept this payment. Nothing was charged. Call the bank, or pay in another way."
_ACCOUNT = "The bank account cannot be debited. Nothing was charged. Check it, or pay in another way."
_PROOF = "The bank could not confirm that it was you. Nothing was charged. Try again, or pay in another way."
DECLINED = "The card was declined. Nothing was charged. Call the card's bank, or pay in another way."
USED = "These details were used once already or are too old. Nothing was charged. Type them again."
NOT_LET_IN = "The payment service does not let the firm in just now. Nothing was charged. Please call the firm."
BUSY = "The payment service is busy. Nothing was charged. Try again in a minute."
REFUSED = "The payment service refused this payment. Nothing was charged. Please call the firm."
NO_BANK = "The firm does not take bank account payments here. Nothing was charged. Pay by card."
OTHER_MONEY = "This kind of money is not taken here. Nothing was charged. Please call the firm."
EXPIRED_PAGE = "The payment page was left open for too long. Nothing was charged."
ABANDONED = "The payment was given up. Nothing was charged."

_SAID = {
    "insufficient_funds": _FUNDS,
    "expired_card": _EXPIRED,
    "processing_error": _AGAIN,
    "issuer_not_available": _AGAIN,
    "try_again_later": _AGAIN,
    "reenter_transaction": _AGAIN,
    "approve_with_id": _AGAIN,
    "incorrect_number": _CHECK,
    "invalid_number": _CHECK,
    "incorrect_cvc": _CHECK,
    "invalid_cvc": _CHECK,
    "incorrect_zip": _CHECK,
    "incorrect_address": _CHECK,
    "invalid_expiry_month": _CHECK,
    "invalid_expiry_year": _CHECK,
    "authentication_required": _PROOF,
    "payment_intent_authentication_failure": _PROOF,
    "account_closed": _ACCOUNT,
    "no_account": _ACCOUNT,
    "bank_account_restricted": _ACCOUNT,
    "bank_account_unusable": _ACCOUNT,
    "account_number_invalid": _ACCOUNT,
    "routing_number_invalid": _ACCOUNT,
    "invalid_account_number": _ACCOUNT,
    "debit_not_authorized": _BANK,
    "bank_ownership_changed": _ACCOUNT,
    "payment_method_not_available": _BANK,
    "rate_limit": BUSY,
    "lock_timeout": BUSY,
}
# A thief at the keyboard need not know that the card was reported, nor that we suspect it.
SILENT = frozenset({"lost_card", "stolen_card", "pickup_card", "fraudulent", "merchant_blacklist", "restricted_card"})


def said(code: str, other: str = DECLINED) -> str:
    """A sentence for the payer; ``other`` for a code that has none of its own."""
    return _SAID.get(code, other)
