"""The magic numbers, as data: what each one is and what becomes of a charge made with it."""

from __future__ import annotations

from dataclasses import dataclass

ROUTING = "110000000"
SUCCEEDED = "succeeded"
DECLINED = "declined"
RETURNED = "returned"
DISPUTED = "disputed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What one test number does.

    ``status`` is the charge's first status. A ``pending`` charge becomes ``late_status`` when the bank answers.
    ``then`` is what happens a minute after it has succeeded: ``returned`` or ``disputed``. ``refund_late`` is what a
    refund of it becomes a minute after it was made. ``fault`` spoils the answers to charge and refund, never the money:
    ``lost`` commits and then fails, ``slow`` commits and then waits.
    """

    key: str
    number: str
    says: str
    status: str = DECLINED
    code: str = ""
    message: str = ""
    late_status: str = "succeeded"
    then: str = ""
    refund_late: str = ""
    fault: str = ""


CARDS = (
    Scenario(key="approved", number="4242424242424242", says="Approved (Visa)", status="succeeded"),
    Scenario(key="approved", number="5555555555554444", says="Approved (Mastercard)", status="succeeded"),
    Scenario(
        key="declined",
        number="4000000000000002",
        says="Declined, no reason given",
        code="card_declined",
        message="The bank declined this card. It does not say why; another card may work.",
    ),
    Scenario(
        key="insufficient_funds",
        number="4000000000009995",
        says="Declined, insufficient funds",
        code="insufficient_funds",
        message="There is not enough money behind this card for the amount.",
    ),
    Scenario(
        key="expired",
        number="4000000000000069",
        says="Declined, the card has expired",
        code="expired_card",
        message="The bank says that this card has expired.",
    ),
    Scenario(
        key="wrong_code",
        number="4000000000000127",
        says="Declined, wrong security code",
        code="incorrect_code",
        message="The bank says that the security code is wrong.",
    ),
    Scenario(
        key="challenge",
        number="4000000000003220",
        says="The bank asks for a confirmation first (3-D Secure)",
        status="action_required",
        message="The bank asks you to confirm this payment.",
    ),
    Scenario(
        key="lost_answer",
        number="4000000000000119",
        says="The charge is taken, but the answer is lost",
        status="succeeded",
        fault="lost",
    ),
    Scenario(
        key="slow_answer",
        number="4000000000000259",
        says="Approved, but the answer takes its time",
        status="succeeded",
        fault="slow",
    ),
    Scenario(
        key="disputes_later",
        number="4000000000002685",
        says="Approved, and disputed by the payer a minute later",
        status="succeeded",
        then=DISPUTED,
    ),
    Scenario(
        key="refund_fails",
        number="4000000000005126",
        says="Approved; a refund of it succeeds, and fails a minute later",
        status="succeeded",
        refund_late=DECLINED,
    ),
)

ACCOUNTS = (
    Scenario(
        key="settles_later",
        number="000123456789",
        says="On its way, settles a minute later",
        status="pending",
        message="The bank transfer is on its way.",
    ),
    Scenario(
        key="refused_later",
        number="000111111116",
        says="On its way, refused a minute later for insufficient funds",
        status="pending",
        message="The bank transfer is on its way.",
        late_status=DECLINED,
    ),
    Scenario(
        key="returned_later",
        number="000222222227",
        says="On its way, settles a minute later, and is returned by the bank another minute later",
        status="pending",
        message="The bank transfer is on its way.",
        then=RETURNED,
    ),
)

# Nobody should ever type a real number here; if somebody does, it must not look like a payment.
UNKNOWN_CARD = Scenario(
    key="unknown_card",
    number="",
    says="Declined",
    code="not_a_test_card",
    message="This rehearsal gateway knows only its test cards. Never type a real one here.",
)
UNKNOWN_ACCOUNT = Scenario(
    key="unknown_account",
    number="",
    says="Declined",
    code="not_a_test_account",
    message="This rehearsal gateway knows only its test bank accounts. Never type a real one here.",
)

BY_KEY = {scenario.key: scenario for scenario in (*CARDS, *ACCOUNTS, UNKNOWN_CARD, UNKNOWN_ACCOUNT)}


def for_card(number: str) -> Scenario:
    """The scenario of a card number given as bare digits."""
    return next((card for card in CARDS if card.number == number), UNKNOWN_CARD)


def for_account(routing: str, account: str) -> Scenario:
    """The scenario of a bank account given as bare digits."""
    known = (each for each in ACCOUNTS if routing == ROUTING and each.number == account)
    return next(known, UNKNOWN_ACCOUNT)
