"""What LawPay's codes mean, in our own words: one table. Whatever stands in none of these is not known to be a no."""

from __future__ import annotations

_ANOTHER = "Try another card, or a bank account."

# The payer's bank, or LawPay for it, has said no: a definite answer, nothing was taken.
DECLINES = {
    "card_declined": f"The bank declined this card. It does not say why. {_ANOTHER}",
    "card_declined_insufficient_funds": "There is not enough money behind this card for the amount.",
    "card_declined_limit_exceeded": f"The amount is more than this card’s limit allows. {_ANOTHER}",
    "card_declined_processing_error": f"The bank could not handle this card. {_ANOTHER}",
    "card_declined_hold": f"The bank has this card on hold. {_ANOTHER}",
    "card_expired": "The bank says that this card has expired.",
    "card_number_invalid": "The card number is not right. Look at it once more.",
    "card_type_not_accepted": f"The firm does not take cards of this kind. {_ANOTHER}",
    "card_cvv_incorrect": "The bank says that the security code is wrong.",
    "card_avs_rejected": "The billing address is not the one that the bank has for this card.",
    "ach_declined": "The bank declined this account. It does not say why.",
    "ach_declined_hold": "The bank has this account on hold.",
    "ach_declined_duplicate": "The bank took this for a payment that it already has.",
    "ach_invalid_account_number": "The account number is not right. Look at it once more.",
    "ach_invalid_routing_number": "The routing number is not right. Look at it once more.",
    "ach_insufficient_funds": "There is not enough money in this account for the amount.",
    "ach_account_not_found": "The bank does not know this account.",
    "ach_account_closed": "The bank says that this account is closed.",
    "ach_account_frozen": "The bank says that this account is frozen.",
    "ach_limit_exceeded": "The amount is more than this account’s limit allows.",
}
DECLINED = "The bank declined this payment. It does not say why."

# LawPay refused what was asked before it asked any bank.
NOT_SET_UP = "The payment service does not take this payment as the firm has set it up. Please call the firm."
REFUSALS = {
    "invalid_data": "The payment service does not accept what was typed. Look at the fields once more.",
    "currency_mismatch": NOT_SET_UP,
    "unsupported_currency": NOT_SET_UP,
    "signature_required": NOT_SET_UP,
    "incorrect_payment_type": NOT_SET_UP,
    "account_not_active": NOT_SET_UP,
    "no_payment_method": NOT_SET_UP,
    "unavailable_for_merchant_mode": NOT_SET_UP,
    "not_valid_for_transaction_status": "LawPay does not allow this for the payment as it stands now.",
    "refund_exceeds_transaction": "LawPay says that less than this is left of the payment.",
    "exceeds_authorized_amount": "LawPay says that this is more than was authorized.",
}

# The field that ``invalid_data`` is about, as ``context`` names it.
_FIELDS = {
    "number": "the card number", "cvv": "the security code", "exp_month": "the expiry date",
    "exp_year": "the expiry date", "routing_number": "the routing number", "account_number": "the account number",
    "account_type": "the kind of account", "name": "the name", "address1": "the street address",
    "address2": "the apartment or suite", "city": "the city", "state": "the state", "postal_code": "the ZIP code",
    "country": "the country", "amount": "the amount", "currency": "the currency",
}  # fmt: skip

RETURNED = "The bank sent this payment back."
VOIDED = "This payment was voided at LawPay."
REFUND_FAILED = "LawPay could not give the money back, or it was voided there."
LATE = {
    "ach_insufficient_funds": "The bank sent this payment back: there was not enough money in the account.",
    "ach_account_closed": "The bank sent this payment back: the account is closed.",
    "ach_account_frozen": "The bank sent this payment back: the account is frozen.",
    "ach_account_not_found": "The bank sent this payment back: it does not know the account.",
}

_CARDS = {
    "VISA": "Visa", "MASTERCARD": "Mastercard", "AMERICAN_EXPRESS": "American Express", "DISCOVER": "Discover",
    "DINERS_CLUB": "Diners Club", "JCB": "JCB",
}  # fmt: skip


def is_refusal(code: str) -> bool:
    """Whether the code is a definite no. Those not listed are not, but for new reasons of a declined card."""
    return code in DECLINES or code in REFUSALS or code.startswith("card_declined_")


def refusal(code: str, context: str = "") -> str:
    """The sentence for the payer (of a refund: for the firm)."""
    field = _FIELDS.get(context.rpartition(".")[2], "")
    if code == "invalid_data" and field:
        return f"The payment service does not accept {field} as it was typed."
    return DECLINES.get(code) or REFUSALS.get(code) or DECLINED


def decline(code: str) -> str:
    """The sentence for a charge that failed."""
    return DECLINES.get(code, DECLINED)


def method_summary(type: str, card_type: str, number: str) -> str:
    """What a receipt may say of the method; ``number`` is LawPay's mask."""
    last4 = number[-4:] if number[-4:].isdigit() else ""
    name = "Bank account" if type == "bank" else _CARDS.get(card_type, "Card")
    return f"{name} ending {last4}" if last4 else name
