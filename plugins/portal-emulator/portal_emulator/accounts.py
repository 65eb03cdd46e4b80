"""The merchant and its accounts: an operating and a trust account, each with an account for eChecks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from portal_emulator.cards import CARD_TYPES
from portal_emulator.refusal import Message, Refusal, flaw, not_found, refuse
from portal_emulator.store import Thing

if TYPE_CHECKING:
    from portal_emulator.world import World

CVV_POLICIES: Final = ("DISABLED", "OPTIONAL", "REQUIRE_MATCH_LENIENT", "REQUIRE_MATCH_STRICT")
AVS_POLICIES: Final = (
    "DISABLED",
    "SUBMIT_IGNORE_RESULT",
    "ADDR_OR_POSTAL_CODE_LENIENT",
    "ADDR_OR_POSTAL_CODE_STRICT",
    "ADDR_STRICT",
    "POSTAL_CODE_STRICT",
    "EXACT_ADDR_AND_POSTAL_CODE_LENIENT",
    "EXACT_ADDR_AND_POSTAL_CODE_STRICT",
)
MERCHANT_FIELDS: Final = frozenset(
    """name contact_name contact_email contact_phone address1 address2 city state postal_code country timezone
    api_allowed_ip_address_ranges""".split()
)
POLICIES: Final = {
    "cvv_policy": CVV_POLICIES,
    "swipe_cvv_policy": CVV_POLICIES,
    "avs_policy": AVS_POLICIES,
    "swipe_avs_policy": AVS_POLICIES,
}
ACH_FIELDS: Final = frozenset({"name", "primary", "required_payment_fields"})
ACCOUNT_FIELDS: Final = (
    ACH_FIELDS
    | set(POLICIES)
    | {
        "ignore_avs_failure_if_cvv_match",
        "swipe_ignore_avs_failure_if_cvv_match",
        "swipe_required_payment_fields",
        "accepted_card_types",
    }
)
CARD_ACCOUNTS: Final = "merchant_accounts"
ACH_ACCOUNTS: Final = "ach_accounts"
LISTS: Final = {CARD_ACCOUNTS: ACCOUNT_FIELDS, ACH_ACCOUNTS: ACH_FIELDS}


def first_merchant(world: World) -> Thing:
    made = {"id": world.new_id(), "created": world.stamp(), "modified": world.stamp()}
    return {
        **made,
        "name": "Rehearsal Law Firm",
        "public_key": world.public_key,
        "contact_name": "Pat Rehearsal",
        "contact_email": "office@firm.example",
        "contact_phone": "512-555-0100",
        "address1": "97 Hammond St",
        "city": "Austin",
        "state": "TX",
        "postal_code": "78730",
        "country": "US",
        "timezone": "America/Chicago",
        "api_allowed_ip_address_ranges": "",
        CARD_ACCOUNTS: [_card_account(world, "Operating", trust=False), _card_account(world, "Trust", trust=True)],
        ACH_ACCOUNTS: [
            _ach_account(world, "Operating eCheck", "*****8932", trust=False),
            _ach_account(world, "Trust eCheck", "*****8940", trust=True),
        ],
    }


def _account(world: World, name: str, *, trust: bool) -> Thing:
    return {
        "id": world.new_id(),
        "created": world.stamp(),
        "modified": world.stamp(),
        "status": "ACTIVE",
        "name": name,
        "primary": not trust,
        "currency": "USD",
        "trust_account": trust,
        "required_payment_fields": "",
        "transaction_allowed_countries": "US,CA",
    }


def _card_account(world: World, name: str, *, trust: bool) -> Thing:
    policies = {
        "cvv_policy": "OPTIONAL",
        "avs_policy": "ADDR_OR_POSTAL_CODE_LENIENT",
        "ignore_avs_failure_if_cvv_match": False,
    }
    return {
        **_account(world, name, trust=trust),
        **policies,
        **{f"swipe_{key}": value for key, value in policies.items()},
        "swipe_required_payment_fields": "",
        "accepted_card_types": ",".join(CARD_TYPES),
    }


def _ach_account(world: World, name: str, number: str, *, trust: bool) -> Thing:
    return {
        **_account(world, name, trust=trust),
        "routing_number": "******013",
        "account_number": number,
        "account_type": "CHECKING",
        "bank_name": "FIRST BANK OF TESTING",
    }


# -- Which account a payment goes to -----------------------------------------------------------


def every_account(world: World) -> list[Thing]:
    return [*world.merchant[CARD_ACCOUNTS], *world.merchant[ACH_ACCOUNTS]]


def account_for(world: World, identity: Any, method: str) -> Thing:
    """The account named, or, where none is, the primary one for ``method`` (card or bank). Raises ``Refusal``."""
    fitting = world.merchant[ACH_ACCOUNTS if method == "bank" else CARD_ACCOUNTS]
    if identity in (None, ""):
        return next(a for a in fitting if a["primary"])
    account = next((a for a in every_account(world) if a["id"] == identity), None)
    if account is None:
        raise not_found("Account", str(identity))
    if account not in fitting:
        raise refuse("incorrect_payment_type")
    if account["status"] != "ACTIVE":
        raise refuse("account_not_active")
    return account


# -- Changes -----------------------------------------------------------------------------------


def change_merchant(world: World, asked: Thing) -> Thing:
    """Fields that cannot be changed, unknown ones and nulls are left alone."""
    merchant = world.merchant
    wanted = {key: value for key, value in asked.items() if key in MERCHANT_FIELDS and value is not None}
    _check_texts(wanted)
    return world.store.put("merchant", {**merchant, **wanted, "modified": world.stamp()})


def change_account(world: World, which: str, identity: str, asked: Thing) -> Thing:
    """``which`` is ``CARD_ACCOUNTS`` or ``ACH_ACCOUNTS``."""
    accounts = world.merchant[which]
    if not any(a["id"] == identity for a in accounts):
        raise not_found("Account", identity)
    wanted = {key: value for key, value in asked.items() if key in LISTS[which] and value is not None}
    _check_texts(wanted)
    if wanted.pop("primary", None) is True:  # exactly one account is primary
        for account in accounts:
            account["primary"] = account["id"] == identity
    changed = [{**a, **wanted, "modified": world.stamp()} if a["id"] == identity else a for a in accounts]
    world.store.put("merchant", {**world.merchant, which: changed})
    return next(a for a in changed if a["id"] == identity)


def _check_texts(wanted: Thing) -> None:
    flaws: list[Message] = []
    for key, value in wanted.items():
        should = bool if key == "primary" or key.endswith("cvv_match") else str
        if not isinstance(value, should) or (key in POLICIES and value not in POLICIES[key]):
            flaws.append(flaw(key, "invalid"))
        elif key == "name" and not str(value).strip():
            flaws.append(flaw(key, "not_blank"))
    if flaws:
        raise Refusal(422, flaws)
