"""What the networks behind the gateway answer: decided by the test number and by the account's policies."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Final, NamedTuple

from portal_emulator import cards
from portal_emulator import details as fields
from portal_emulator.store import Thing

ADDRESS_MATCHES: Final = frozenset({"ADDRESS", "ADDRESS_AND_POSTAL_CODE"})
POSTAL_MATCHES: Final = frozenset({"POSTAL_CODE", "ADDRESS_AND_POSTAL_CODE"})
UNCHECKED: Final = frozenset({None, "UNAVAILABLE", "AVS_ERROR_INELIGIBLE"})
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Answer(NamedTuple):
    """``code`` is the refusal, None for yes."""

    code: str | None
    cvv: str | None = None
    avs: str | None = None


def answer(details: Thing, account: Thing, today: dt.date, *, saved: bool) -> Answer:
    """``details`` are checked field by field already. ``saved``: they come without a CVV, and none is missed."""
    if details["type"] == "bank":
        return Answer(_bank(details))
    number = details["number"]
    code = fields.card_fault(details, today) or _accepted(number, account)
    if code:
        return Answer(code)
    cvv, avs = cvv_result(details, account), avs_result(details, account)
    code = cards.FAILING.get(number)
    if not code and cvv_fails(cvv, account["cvv_policy"], saved=saved):
        code = "card_cvv_incorrect"
    excused = cvv == "MATCHED" and account["ignore_avs_failure_if_cvv_match"]
    if not code and not excused and avs_fails(avs, account["avs_policy"]):
        code = "card_avs_rejected"
    return Answer(code, cvv, avs)


def _bank(details: Thing) -> str | None:
    if not cards.routing_ok(details["routing_number"]):
        return "ach_invalid_routing_number"
    return cards.BANK_FAILING.get(details["account_number"])


def _accepted(number: str, account: Thing) -> str | None:
    accepted = [kind.strip() for kind in account["accepted_card_types"].split(",")]
    if "*" in accepted or cards.card_type(number) in accepted:
        return None
    return "card_type_not_accepted"


def cvv_result(details: Thing, account: Thing) -> str | None:
    if account["cvv_policy"] == "DISABLED" or "cvv" not in details:
        return None
    return cards.CVV_RESULTS.get(details["number"], "MATCHED")


def cvv_fails(result: str | None, policy: str, *, saved: bool) -> bool:
    if policy == "DISABLED":
        return False
    if result == "NOT_MATCHED":
        return True
    return policy == "REQUIRE_MATCH_STRICT" and result != "MATCHED" and not (saved and result is None)


def avs_result(details: Thing, account: Thing) -> str | None:
    address, postal = details.get("address1"), details.get("postal_code")
    number = details["number"]
    if account["avs_policy"] == "DISABLED":
        return None
    if number in cards.AVS_RESULTS:
        return cards.AVS_RESULTS[number]
    if number == cards.AVS_POSTAL_ONLY:
        return "POSTAL_CODE" if postal else "NO_MATCH"
    if number == cards.AVS_ADDRESS_ONLY:
        return "ADDRESS" if address else "NO_MATCH"
    if address and postal:
        return "ADDRESS_AND_POSTAL_CODE"
    return "ADDRESS" if address else "POSTAL_CODE" if postal else None


def avs_fails(result: str | None, policy: str) -> bool:
    if policy in {"DISABLED", "SUBMIT_IGNORE_RESULT"}:
        return False
    if policy.endswith("LENIENT") and result in UNCHECKED:
        return False
    address, postal = result in ADDRESS_MATCHES, result in POSTAL_MATCHES
    passes = {
        "ADDR_STRICT": address,
        "POSTAL_CODE_STRICT": postal,
        "EXACT_ADDR_AND_POSTAL_CODE_LENIENT": address and postal,
        "EXACT_ADDR_AND_POSTAL_CODE_STRICT": address and postal,
    }
    return not passes.get(policy, address or postal)


def authorization_code(identity: str) -> str:
    digest = hashlib.sha256(identity.encode()).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:6])
