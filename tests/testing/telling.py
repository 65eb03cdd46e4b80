"""Planted mistakes in webhooks, the list, fees and the manifest."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from portal_app.plugin_api import (
    Context,
    Delivery,
    Event,
    Health,
    LedgerFact,
    LedgerLine,
    ListPage,
    ListQuery,
    Manifest,
    Mode,
    OutcomeKind,
    Problem,
    Rejected,
    Role,
    SettingField,
    TransactionKind,
    hookimpl,
)
from portal_app.testing.skeleton.portal_example import answers
from portal_app.testing.skeleton.portal_example.gateway import MANIFEST, Example, _is_signed
from tests.testing.planted import planted


def parsed(delivery: Delivery) -> list[Event] | Rejected:
    try:
        return answers.event(json.loads(delivery.body))
    except (ValueError, RecursionError):
        return Rejected(reason="no JSON")


class Hearing(Example):
    """The good gateway, whose events a mistake changes."""

    def heard(self, event: Event) -> Event:
        return event

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        found = super().gateway_webhook(ctx, delivery)
        return found if isinstance(found, Rejected) else [self.heard(event) for event in found]


@planted(
    "test_a_forged_delivery_is_rejected",
    "test_an_altered_delivery_is_rejected",
    "test_a_forged_webhook_changes_nothing",
)
class NobodySigned(Example):
    """Webhooks are believed without looking at the signature."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        return parsed(delivery)


@planted("test_a_forged_delivery_is_rejected")
class SignedIfSigned(Example):
    """The signature is verified when there is one."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        if delivery.headers.get("x-example-signature"):
            return super().gateway_webhook(ctx, delivery)
        return parsed(delivery)


@planted("test_an_altered_delivery_is_rejected")
class SignedAfterParsing(Example):
    """The signature is verified on the JSON written again, not on the bytes that came."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        try:
            body = json.dumps(json.loads(delivery.body)).encode()
        except (ValueError, RecursionError):
            return Rejected(reason="no JSON")
        return super().gateway_webhook(ctx, replace(delivery, body=body))


@planted("test_a_stale_delivery_is_rejected")
class SignedForEver(Example):
    """A signature is good for ever: whoever has one delivery can send it again."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        at = int(delivery.headers.get("x-example-signature", "t=0,").partition(",")[0].removeprefix("t=") or 0)
        moment = delivery.received_at.fromtimestamp(at, delivery.received_at.tzinfo)
        return super().gateway_webhook(ctx, replace(delivery, received_at=moment))


@planted("test_another_accounts_delivery_is_rejected")
class AnySecretWillDo(Example):
    """Secrets of all accounts that were ever seen are tried."""

    def __init__(self) -> None:
        self.seen = {"whsec_wire_9012"}

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        for secret in (ctx.settings["webhook_secret"], *self.seen):
            if _is_signed(secret, delivery):
                return parsed(delivery)
        return Rejected(reason="no secret fits")


@planted(
    "test_a_good_delivery_names_its_charge",
    "test_an_events_id_is_the_events_own",
    "test_a_webhook_alone_settles_a_lost_answer",
)
class EnvelopeIsTheTransaction(Hearing):
    """The envelope's id is read as the transaction's."""

    def heard(self, event: Event) -> Event:
        return replace(event, gateway_reference=event.id, reference="")


@planted("test_an_events_id_is_the_events_own")
class TransactionIsTheEvent(Hearing):
    """The event is known by its transaction's id: the second event about it is dropped."""

    def heard(self, event: Event) -> Event:
        return replace(event, id=event.gateway_reference)


@planted("test_the_same_delivery_twice_is_the_same_event")
class EachDeliveryIsNew(Hearing):
    """Each delivery gets an id of its own, so that a repeated one is acted on again."""

    def heard(self, event: Event) -> Event:
        return replace(event, id=secrets.token_hex(8))


@planted("test_the_same_delivery_twice_is_the_same_event", "test_nothing_is_remembered_between_calls")
class RemembersDeliveries(Example):
    """What came once is not parsed again: after a lost answer the event is gone."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        self.seen.append(b"health")
        return super().gateway_health(ctx)

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        found = super().gateway_webhook(ctx, delivery)
        if delivery.body in self.seen:
            return []
        self.seen.append(delivery.body)
        return found


@planted("test_noise_is_rejected_without_an_exception")
class NoiseRaises(Example):
    """Whatever is no event is an exception, and the gateway sends it again for days."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        if not _is_signed(ctx.settings["webhook_secret"], delivery):
            return Rejected(reason="not signed")
        told = json.loads(delivery.body)
        return [Event(id=told["id"], kind=told["type"], gateway_reference=told["data"]["id"])]


@planted("test_reading_a_delivery_asks_nobody")
class AsksWhileItReads(Example):
    """The webhook hook calls the gateway: a flood of webhooks is a flood of calls."""

    @hookimpl
    def gateway_webhook(self, ctx: Context, delivery: Delivery) -> list[Event] | Rejected:
        super().gateway_health(ctx)
        return super().gateway_webhook(ctx, delivery)


# The list


class Listing(Example):
    """The good gateway, whose list a mistake changes."""

    def listed(self, page: ListPage) -> ListPage:
        return page

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        return self.listed(super().gateway_list(ctx, query))


@planted("test_the_list_has_every_charge_once")
class FirstPageOnly(Listing):
    """Only the first page of the list is read."""

    def listed(self, page: ListPage) -> ListPage:
        return replace(page, next_cursor="")


@planted("test_the_list_has_every_charge_once")
class NeverGoesOn(Example):
    """The cursor is not sent: the first page comes for ever."""

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        return super().gateway_list(ctx, replace(query, cursor=""))


@planted(
    "test_what_was_not_made_through_the_portal_is_listed_too", "test_a_charge_that_nobody_knows_waits_for_a_person"
)
class OnlyOurs(Listing):
    """What has no reference of ours is left out."""

    def listed(self, page: ListPage) -> ListPage:
        return replace(page, transactions=tuple(row for row in page.transactions if row.reference))


@planted("test_a_list_that_breaks_off_raises")
class ShortListIsAList(Example):
    """An error in the list is an empty page: the money seems to be gone."""

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        try:
            return super().gateway_list(ctx, query)
        except Exception:
            return ListPage(transactions=())


@planted("test_each_account_has_its_own_list")
class OneListForAll(Example):
    """Operating and trust money are in one list."""

    @hookimpl
    def gateway_list(self, ctx: Context, query: ListQuery) -> ListPage:
        return super().gateway_list(ctx, replace(query, merchant_account="acct-operating"))


@planted("test_a_declined_charge_is_not_listed_as_paid")
class ListedIsPaid(Listing):
    """Whatever is in the list has succeeded."""

    def listed(self, page: ListPage) -> ListPage:
        rows = (replace(row, outcome=OutcomeKind.SUCCEEDED) for row in page.transactions)
        return replace(page, transactions=tuple(rows))


@planted("test_a_refund_is_listed_with_its_charge")
class RefundsWithoutTheirCharge(Listing):
    """Refunds are listed without the charge that they are of."""

    def listed(self, page: ListPage) -> ListPage:
        return replace(page, transactions=tuple(replace(r, charge_gateway_reference="") for r in page.transactions))


@planted("test_a_payout_is_listed")
class PayoutsAreNotListed(Listing):
    """Payouts are declared and left out."""

    def listed(self, page: ListPage) -> ListPage:
        kept = tuple(row for row in page.transactions if row.kind is not TransactionKind.PAYOUT)
        return replace(page, transactions=kept)


@planted("test_a_payout_that_did_not_arrive_is_taken_back")
class APayoutAlwaysArrives(Listing):
    """Whatever became of a payout, it was paid out."""

    def listed(self, page: ListPage) -> ListPage:
        kept = (
            replace(row, outcome=OutcomeKind.SUCCEEDED) if row.kind is TransactionKind.PAYOUT else row
            for row in page.transactions
        )
        return replace(page, transactions=tuple(kept))


@planted("test_a_payout_that_did_not_arrive_is_taken_back")
class AFailedPayoutIsLeftOut(Listing):
    """Only payouts that arrived are listed: the books keep what came back."""

    def listed(self, page: ListPage) -> ListPage:
        kept = (
            row
            for row in page.transactions
            if row.kind is not TransactionKind.PAYOUT or row.outcome is OutcomeKind.SUCCEEDED
        )
        return replace(page, transactions=tuple(kept))


@planted("test_trust_money_never_pays_a_fee")
class TrustPaysTheFee(Example):
    """Fees are taken from clients' money."""

    @hookimpl
    def gateway_ledger_lines(self, fact: LedgerFact) -> list[LedgerLine] | None:
        fee = max(fact.transaction.fee_minor, 1)
        return [
            LedgerLine(role=Role.MERCHANT_FEES, amount_minor=fee), LedgerLine(role=Role.CLEARING, amount_minor=-fee)
        ]  # fmt: skip


@planted("test_ledger_lines_balance", "test_sweeping_twice_books_once")
class HalfABooking(Example):
    """A fee is booked on one side only."""

    @hookimpl
    def gateway_ledger_lines(self, fact: LedgerFact) -> list[LedgerLine] | None:
        return (super().gateway_ledger_lines(fact) or [])[:1] or None


@planted("test_ledger_lines_balance", "test_sweeping_twice_books_once")
class BooksTheCharge(Example):
    """Ten times the transaction is booked as its fee."""

    @hookimpl
    def gateway_ledger_lines(self, fact: LedgerFact) -> list[LedgerLine] | None:
        lines = super().gateway_ledger_lines(fact) or []
        return [replace(line, amount_minor=line.amount_minor * 1_000) for line in lines] or None


# The manifest and the settings


class Declaring(Example):
    """The good gateway, whose manifest a mistake changes."""

    changes: Mapping[str, Any] = MappingProxyType({})

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        return replace(MANIFEST, **self.changes)


@planted("test_the_manifest_names_this_kit")
class OldKit(Declaring):
    """It passed no kit, or another one."""

    changes = MappingProxyType({"kit_version": ""})


@planted("test_secrets_are_declared_as_secrets")
class SecretInTheClear(Declaring):
    """The secret key is a text: kept in the clear in the database, and shown on the page."""

    changes = MappingProxyType({"settings": (SettingField(name="secret_key", label="Secret key"),)})


@planted("test_webhook_events_are_named")
class EventsUnnamed(Declaring):
    """Webhooks without a word about which events to tick."""

    changes = MappingProxyType({"webhook_events": ()})


@planted("test_the_version_is_the_packages")
class NoVersion(Declaring):
    """A version that is none."""

    changes = MappingProxyType({"version": "newest"})


@planted("test_every_declared_ability_has_its_hook")
class DeclaresWhatItHasNot(Example):
    """Refunds are declared, and there is no hook for them."""

    gateway_refund = None  # type: ignore[assignment]


@planted("test_live_mode_is_tls_only")
class PlainInLive(Example):
    """In live mode an address without TLS is good enough."""

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        found = super().gateway_validate_settings(ctx)
        return [problem for problem in found if problem.field != "base_url" or ctx.mode is not Mode.LIVE]


@planted("test_live_and_test_keys_are_told_apart")
class AnyKey(Example):
    """A test key in live mode, a live key in test mode: all the same."""

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        return [problem for problem in super().gateway_validate_settings(ctx) if not problem.field.endswith("key")]


@planted("test_a_missing_setting_is_said_in_words")
class MissingIsFine(Example):
    """A missing webhook secret is found by the first webhook."""

    @hookimpl
    def gateway_validate_settings(self, ctx: Context) -> list[Problem]:
        return [problem for problem in super().gateway_validate_settings(ctx) if problem.field != "webhook_secret"]


@planted("test_a_bad_connection_fails_the_connection_test")
class AlwaysHealthy(Example):
    """“Test connection” is always green."""

    @hookimpl
    def gateway_health(self, ctx: Context) -> Health:
        try:
            found = super().gateway_health(ctx)
        except Exception:
            found = Health(checks=())
        return Health(checks=tuple(replace(check, is_ok=True) for check in found.checks), accounts=found.accounts)


@planted("test_the_fields_module_is_in_the_package")
class NoModule(Example):
    """The script of the fields is named and not shipped."""

    @hookimpl
    def gateway_begin(self, ctx: Context, request: Any) -> Any:
        found: Any = super().gateway_begin(ctx, request)
        return replace(found, module="missing.js")


@planted("test_the_manifest_is_whole")
class Misspelt(Example):
    """A hook is misspelt: the host would never call it."""

    @hookimpl
    def gateway_chrage(self, ctx: Context) -> None: ...


@planted("test_the_manifest_is_whole")
class FailsToLoad(Example):
    """A plugin that fails to load: the host lists it as broken and goes on."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        raise RuntimeError("a file is missing")
