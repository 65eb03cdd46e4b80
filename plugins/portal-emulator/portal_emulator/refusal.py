"""How the gateway says no: one shape for every error, ``{"messages": [{level, code, …}]}``."""

from __future__ import annotations

from typing import Final

Message = dict[str, str]

GATEWAY: Final = "gateway"
PROCESSOR: Final = "payment_processor"

# code: (HTTP status, facility, words)
CODES: Final[dict[str, tuple[int, str, str]]] = {
    "not_authorized": (401, GATEWAY, "Not authorized"),
    "malformed_request": (400, GATEWAY, "Unable to process JSON content"),
    "invalid_request": (400, GATEWAY, "Invalid request"),
    "resource_not_found": (404, GATEWAY, "Requested resource not found"),
    "unavailable_for_current_status": (422, GATEWAY, "The operation is unavailable in the current status"),
    "unavailable_for_merchant_mode": (
        422,
        GATEWAY,
        "The operation cannot be completed using the configured merchant key",
    ),
    "account_not_active": (422, GATEWAY, "The account is not active"),
    "no_payment_method": (422, GATEWAY, "No payment method was specified"),
    "incorrect_payment_type": (422, GATEWAY, "Payment method type not supported by the target account"),
    "unsupported_currency": (422, GATEWAY, "The currency is not supported"),
    "currency_mismatch": (422, GATEWAY, "Specified currency does not match the transaction's currency"),
    "not_valid_for_transaction_status": (422, GATEWAY, "The operation cannot be completed in the current status"),
    "exceeds_authorized_amount": (422, GATEWAY, "Amount to capture exceeds the authorized amount"),
    "refund_exceeds_transaction": (422, GATEWAY, "Amount of refund exceeds remaining transaction balance"),
    "signature_required": (422, GATEWAY, "A signature is required"),
    "no_occurrences_for_schedule": (422, GATEWAY, "The schedule results in no occurrences"),
    "first_occurrence_due_immediately": (422, GATEWAY, "The first occurrence must be due tomorrow or later"),
    "update_results_in_no_occurrences": (422, GATEWAY, "The update results in no further occurrences"),
    "server_error": (500, GATEWAY, "An unexpected error occurred"),
    "card_number_invalid": (422, GATEWAY, "Card number is invalid"),
    "card_expired": (422, PROCESSOR, "Card is expired"),
    "card_type_not_accepted": (422, PROCESSOR, "Card type is not accepted"),
    "card_cvv_incorrect": (422, PROCESSOR, "Card code is incorrect"),
    "card_avs_rejected": (422, PROCESSOR, "Address verification failed"),
    "card_declined": (422, PROCESSOR, "Card was declined"),
    "card_declined_insufficient_funds": (422, PROCESSOR, "Card was declined due to insufficient funds"),
    "card_declined_limit_exceeded": (422, PROCESSOR, "Card was declined due to limits exceeded"),
    "card_declined_processing_error": (422, PROCESSOR, "Card was declined due to a processing error"),
    "card_declined_hold": (422, PROCESSOR, "Card was declined"),
    "ach_declined": (422, PROCESSOR, "Transaction was declined"),
    "ach_declined_hold": (422, PROCESSOR, "Transaction was declined"),
    "ach_declined_duplicate": (422, PROCESSOR, "Transaction was declined as a duplicate"),
    "ach_invalid_account_number": (422, PROCESSOR, "Account number is invalid"),
    "ach_invalid_routing_number": (422, PROCESSOR, "Routing number is invalid"),
    "ach_insufficient_funds": (422, PROCESSOR, "Transaction was declined due to insufficient funds"),
    "ach_account_not_found": (422, PROCESSOR, "Account was not found"),
    "ach_account_closed": (422, PROCESSOR, "Account is closed"),
    "ach_account_frozen": (422, PROCESSOR, "Account is frozen"),
    "ach_limit_exceeded": (422, PROCESSOR, "Transaction was declined due to limits exceeded"),
    "ach_processing_error": (500, PROCESSOR, "Transaction was declined due to a processing error"),
}

LABELS: Final = {
    "number": "Card number",
    "exp_month": "Expiration month",
    "exp_year": "Expiration year",
    "cvv": "Card code",
    "routing_number": "Routing number",
    "account_number": "Account number",
    "account_type": "Account type",
    "name": "Name",
    "address1": "Street number",
    "address2": "Address",
    "city": "City",
    "state": "State or province",
    "postal_code": "Postal code",
    "country": "Country",
    "mime_type": "Signature format",
    "data": "Signature",
}
PLAIN: Final = frozenset({"state", "postal_code", "exp_month", "exp_year"})  # one sentence, whatever is wrong
BLANK: Final = frozenset({"not_blank", "not_null"})


class Refusal(Exception):
    """A call that is answered with an error. ``messages`` are as they go over the wire."""

    def __init__(self, status: int, messages: list[Message]) -> None:
        super().__init__(messages[0]["code"])
        self.status = status
        self.messages = messages

    @property
    def code(self) -> str:
        return self.messages[0]["code"]


def refuse(code: str, *, context: str | None = None, entity_id: str | None = None) -> Refusal:
    status, facility, words = CODES[code]
    message = {"code": code, "level": "error", "message": words, "facility": facility}
    if context is not None:
        message["context"] = context
    if entity_id is not None:
        message["entity_id"] = entity_id
    return Refusal(status, [message])


def not_found(kind: str, identity: str) -> Refusal:
    return refuse("resource_not_found", context=f"{kind}[{identity}]")


def flaw(field: str, sub_code: str, prefix: str = "") -> Message:
    """One ``invalid_data`` message; ``context`` is the field's path in the request."""
    return {
        "context": prefix + field,
        "code": "invalid_data",
        "sub_code": sub_code,
        "level": "error",
        "message": words(field, sub_code),
        "facility": GATEWAY,
    }


def words(field: str, sub_code: str) -> str:
    label = LABELS.get(field, field.rpartition(".")[2].replace("_", " ").capitalize())
    if sub_code in BLANK:
        return f"{label} cannot be blank"
    if field in PLAIN:
        return f"{label} is invalid"
    ends = {
        "invalid_length": "length is invalid",
        "below_minimum_value": "is less than the minimum value",
        "exceeds_maximum_value": "exceeds the maximum value",
    }
    return f"{label} {ends.get(sub_code, 'is invalid')}"


def invalid(field: str, sub_code: str, prefix: str = "") -> Refusal:
    return Refusal(422, [flaw(field, sub_code, prefix)])
