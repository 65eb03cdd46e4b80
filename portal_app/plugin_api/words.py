"""The words that portal and plugins share."""

from __future__ import annotations

from enum import StrEnum


class Fund(StrEnum):
    """Whose money it is: the firm's (operating) or a client's held by the firm (trust)."""

    OPERATING = "operating"
    TRUST = "trust"


class Method(StrEnum):
    """What the payer pays with."""

    CARD = "card"
    BANK = "bank"


class Mode(StrEnum):
    """Whether real money can move."""

    TEST = "test"
    LIVE = "live"


class Flow(StrEnum):
    """How the payer gives the card: in the gateway's own fields on our page, or on the gateway's own page."""

    FIELDS = "fields"
    REDIRECT = "redirect"


class Capability(StrEnum):
    """What a gateway can do besides taking a charge; the portal offers and asks for nothing else.

    ``REFUND``: give a whole charge back. ``PARTIAL_REFUND``: also parts of it, several times. ``WEBHOOK``: tells us of
    events. ``LIST``: lists its transactions (``gateway_list``). ``FEES`` and ``PAYOUTS``: they are in that list.
    ``DISPUTES``: payers can take a charge back through their bank.
    """

    REFUND = "refund"
    PARTIAL_REFUND = "partial_refund"
    WEBHOOK = "webhook"
    LIST = "list"
    FEES = "fees"
    PAYOUTS = "payouts"
    DISPUTES = "disputes"


class Subject(StrEnum):
    """What a question, or an event, is about."""

    CHARGE = "charge"
    REFUND = "refund"


class OutcomeKind(StrEnum):
    """What is known of a charge or a refund. Anything not provably otherwise is ``UNKNOWN``.

    ``RETURNED`` is for money that had come and has gone back: an eCheck returned by the payer's bank, a charge that
    was voided after it had succeeded. ``ABSENT`` is a look-up's word alone.
    """

    SUCCEEDED = "succeeded"
    PENDING = "pending"
    ACTION_REQUIRED = "action_required"
    DECLINED = "declined"
    CANCELED = "canceled"
    RETURNED = "returned"
    NOT_SUBMITTED = "not_submitted"
    UNKNOWN = "unknown"
    ABSENT = "absent"


class DisputeState(StrEnum):
    """How a dispute stands. ``INQUIRY``: the payer's bank asks, no money has moved. ``WON`` and ``LOST``: for the
    firm."""

    INQUIRY = "inquiry"
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class TransactionKind(StrEnum):
    """What a line of the gateway's own list is. ``OTHER`` waits for a person."""

    CHARGE = "charge"
    REFUND = "refund"
    FEE = "fee"
    PAYOUT = "payout"
    DISPUTE = "dispute"
    OTHER = "other"


class Role(StrEnum):
    """The accounts that a plugin's ledger lines may name; the host knows which of the firm's accounts they are.

    ``CLEARING``: money that the gateway holds for the firm. ``MERCHANT_FEES``: what the gateway costs (expense).
    ``SURCHARGE``: what payers were charged on top for paying by card (income). ``BANK``: the operating bank account
    that the gateway pays into.
    """

    CLEARING = "clearing"
    MERCHANT_FEES = "merchant_fees"
    SURCHARGE = "surcharge"
    BANK = "bank"
