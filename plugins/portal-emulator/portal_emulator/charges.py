"""Money in and out: charge, capture, refund, credit, void."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from portal_emulator import accounts, places, processor, signing, wallet
from portal_emulator import details as fields
from portal_emulator.refusal import invalid, refuse
from portal_emulator.store import Thing
from portal_emulator.transactions import (
    AUTHORIZED,
    CHARGE,
    COMPLETED,
    CREDIT,
    FAILED,
    PENDING,
    REFUND,
    VOIDED,
    amount_of,
    currency_of,
    fail,
    find,
    keep,
    new,
    reference_of,
    refunds_of,
)
from portal_emulator.world import World

FOREIGN_LIMIT: Final = 20_000  # cents that a client in a country not on the account's list may still pay


def charge(world: World, asked: Thing, *, client_ip: str | None = None, **properties: Any) -> Thing:
    """``asked`` as in ``POST charges``. Raises ``Refusal``; a charge that the processor refuses is kept as failed."""
    amount, currency, reference = amount_of(asked), currency_of(asked), reference_of(asked)
    signature = signing.of(asked.get("signature"), prefix="signature.")
    gratuity = amount_of(asked, "gratuity", least=0) if asked.get("gratuity") is not None else None
    auto_capture = _auto_capture(asked)
    means = wallet.means_of(world, asked.get("method"))
    account = _account(world, asked, means)
    if currency != account["currency"]:
        raise refuse("unsupported_currency")
    if gratuity and signature is None:
        raise refuse("signature_required")
    if means.details["type"] == "bank" and not auto_capture:
        raise invalid("auto_capture", "invalid")
    record = new(
        world,
        CHARGE,
        account_id=account["id"],
        details=means.details,
        status=AUTHORIZED,
        auto_capture=auto_capture,
        amount=amount,
        gratuity=gratuity,
        currency=currency,
        reference=reference,
        amount_refunded=0,
        data=asked.get("data"),
        **properties,
    )
    _authorize(world, record, means, account, client_ip)
    if signature is not None:
        record["signature_id"] = signing.keep(world, signature)["id"]
    return keep(world, record)


def _authorize(world: World, record: Thing, means: wallet.Means, account: Thing, client_ip: str | None) -> None:
    """Sets what the processor answered, or raises what it refused. From here on the token is used up."""
    if client_ip and _country_denied(account, record["amount"], client_ip):
        record = record | {"status": FAILED, "failure_code": "not_authorized_country_denied"}
        keep(world, record)
        raise refuse("not_authorized", entity_id=record["id"])
    wallet.use(world, means)
    answer = processor.answer(means.details, account, world.today(), saved=means.saved)
    record |= {k: v for k, v in (("cvv_result", answer.cvv), ("avs_result", answer.avs)) if v}
    if answer.code:
        raise fail(world, record, answer.code)
    record["authorization_code"] = processor.authorization_code(record["id"])


def _country_denied(account: Thing, amount: int, client_ip: str) -> bool:
    country = places.country_of(client_ip)
    if country in places.PROHIBITED:
        return True
    return country not in account["transaction_allowed_countries"].split(",") and amount > FOREIGN_LIMIT


def _account(world: World, asked: Thing, means: wallet.Means) -> Thing:
    account = accounts.account_for(world, asked.get("account_id"), means.details["type"])
    required = account["required_payment_fields"]
    if account.get("cvv_policy", "").startswith("REQUIRE") and not means.saved:
        required += ",cvv"
    fields.check(means.details, prefix="method.", required="" if means.saved else required)
    return account


def _auto_capture(asked: Thing) -> bool:
    value = asked.get("auto_capture")
    if value in (None, "", "true") or value is True:
        return True
    if value == "false" or value is False:
        return False
    raise invalid("auto_capture", "invalid")


class Capture(NamedTuple):
    """What a capture asks for, each field right by itself."""

    amount: int
    currency: str
    reference: str | None
    signature: Thing | None
    gratuity: int | None
    later: bool


def _capture_asked(record: Thing, asked: Thing) -> Capture:
    time = asked.get("capture_time")
    if time not in (None, "", "IMMEDIATE", "NEXT_AUTO_CAPTURE"):
        raise invalid("capture_time", "invalid")
    return Capture(
        record["amount"] if asked.get("amount") is None else amount_of(asked),
        currency_of(asked),
        reference_of(asked),
        signing.of(asked.get("signature"), prefix="signature."),
        None if asked.get("gratuity") is None else amount_of(asked, "gratuity", least=0),
        time == "NEXT_AUTO_CAPTURE",
    )


def _check_capture(record: Thing, wanted: Capture) -> None:
    signed = "signature_id" in record
    if record["status"] != AUTHORIZED or (wanted.signature is not None and signed):
        raise refuse("not_valid_for_transaction_status")
    if wanted.currency != record["currency"]:
        raise refuse("currency_mismatch")
    if wanted.amount > record["amount"]:
        raise refuse("exceeds_authorized_amount")
    if wanted.gratuity and wanted.signature is None and not signed:
        raise refuse("signature_required")


def capture(world: World, identity: str, asked: Thing) -> Thing:
    """An amount left out is the whole. ``amount`` becomes what was captured."""
    record = find(world, identity, CHARGE)
    wanted = _capture_asked(record, asked)
    _check_capture(record, wanted)
    changed = record | {"amount": wanted.amount}
    if wanted.reference is not None:
        changed["capture_reference"] = wanted.reference
    if wanted.signature is not None:
        changed["signature_id"] = signing.keep(world, wanted.signature)["id"]
    if wanted.gratuity is not None and "signature_id" in changed:
        changed["gratuity"] = wanted.gratuity
    if wanted.later:
        return keep(world, changed | {"auto_capture": True}, event="transaction.updated")
    return keep(world, changed | {"status": COMPLETED})


def refund(world: World, identity: str, asked: Thing) -> Thing:
    """Part or all of what was charged, gratuity included; several, up to the total."""
    record = find(world, identity, CHARGE)
    amount, currency, reference = amount_of(asked), currency_of(asked), reference_of(asked)
    if record["status"] != COMPLETED and not (record["status"] == AUTHORIZED and record["auto_capture"]):
        raise refuse("not_valid_for_transaction_status")
    if currency != record["currency"]:
        raise refuse("currency_mismatch")
    if amount > record["amount"] + record.get("gratuity", 0) - record["amount_refunded"]:
        raise refuse("refund_exceeds_transaction")
    bank = record["details"]["type"] == "bank"
    status = record["status"]
    if bank:  # deferred until the charge is settled
        status = PENDING if status == AUTHORIZED else AUTHORIZED
    given = new(
        world,
        REFUND,
        account_id=record["account_id"],
        details=record["details"],
        status=status,
        auto_capture=True,
        amount=amount,
        currency=currency,
        reference=reference,
        charge_id=record["id"],
        data=asked.get("data"),
    )
    give_back(world, record, amount)
    return keep(world, given)


def give_back(world: World, record: Thing, amount: int) -> None:
    """A refund made (or, negative, undone) counts on its charge."""
    changed = record | {"amount_refunded": record["amount_refunded"] + amount, "modified": world.stamp()}
    world.store.put("transaction", changed)


def credit(world: World, asked: Thing) -> Thing:
    """Money out without a charge."""
    amount, currency, reference = amount_of(asked), currency_of(asked), reference_of(asked)
    means = wallet.means_of(world, asked.get("method"))
    account = _account(world, asked, means._replace(saved=True))
    if currency != account["currency"]:
        raise refuse("unsupported_currency")
    record = new(
        world,
        CREDIT,
        account_id=account["id"],
        details=means.details,
        status=AUTHORIZED,
        auto_capture=True,
        amount=amount,
        currency=currency,
        reference=reference,
        data=asked.get("data"),
    )
    wallet.use(world, means)
    code = processor.answer(means.details, account, world.today(), saved=True).code
    if code:
        raise fail(world, record, code)
    record["authorization_code"] = processor.authorization_code(record["id"])
    return keep(world, record)


def void(world: World, identity: str, asked: Thing) -> Thing:
    """Until captured. A charge with a refund that stands cannot be voided; a refund can, and its charge has it back."""
    record = find(world, identity)
    reference = reference_of(asked)
    standing = [r for r in refunds_of(world, record) if r["status"] not in {VOIDED, FAILED}]
    if record["status"] not in {AUTHORIZED, PENDING} or standing:
        raise refuse("not_valid_for_transaction_status")
    if record["type"] == REFUND:
        give_back(world, find(world, record["charge_id"]), -record["amount"])
    changed = record | {"status": VOIDED}
    if reference is not None:
        changed["void_reference"] = reference
    return keep(world, changed)


def holds(world: World) -> list[Thing]:
    """Charges that wait for their capture, oldest first."""
    waiting = (t for t in world.store.all("transaction") if t["type"] == CHARGE and t["status"] == AUTHORIZED)
    return [t for t in waiting if not t["auto_capture"]]
