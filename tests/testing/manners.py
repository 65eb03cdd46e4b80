"""Planted mistakes in manners and state: secrets, hosts, waiting, threads, files, memory."""

from __future__ import annotations

import http.client
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from portal_app.plugin_api import ChargeRequest, Context, LookupQuery, Manifest, Outcome, OutcomeKind, Told, hookimpl
from portal_app.testing.skeleton.portal_example import answers
from portal_app.testing.skeleton.portal_example.gateway import MANIFEST, Example, _call
from tests.testing.planted import planted
from tests.testing.taking import send

log = logging.getLogger(__name__)


@planted("test_no_secret_is_in_an_address")
class KeyInTheAddress(Example):
    """The key is in the query, where every proxy writes it down."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        key = ctx.settings["secret_key"]
        return answers.found_charge(_call(ctx, "GET", f"/v1/charges?reference={query.reference}&key={key}"))


@planted("test_no_secret_is_in_the_log")
class KeyInTheLog(Example):
    """The settings are logged while somebody looks for a fault."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        log.debug("charging with %s", dict(ctx.settings))
        return super().gateway_charge(ctx, request)


@planted("test_no_secret_is_in_an_exception")
class KeyInTheException(Example):
    """An exception shows the request with its headers."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        try:
            return super().gateway_charge(ctx, request)
        except Exception as problem:
            raise RuntimeError(f"POST failed, Authorization: Bearer {ctx.settings['secret_key']}") from problem


@planted("test_no_secret_is_in_an_outcome_or_its_evidence")
class KeyInTheEvidence(Example):
    """The request is kept as evidence beside the answer, with its key."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        found = super().gateway_charge(ctx, request)
        return replace(found, payload={"id": "x", "brand": f"Bearer {ctx.settings['secret_key']}"})


@planted("test_evidence_is_redacted", "test_redaction_takes_out_what_it_must_not_keep")
class KeepsEverything(Example):
    """Nothing is taken out of the payload."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        found = super().gateway_charge(ctx, request)
        return replace(found, payload={**found.payload, "token": request.token, "street": request.billing.address1})

    @hookimpl
    def gateway_redact(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return payload


@planted("test_redaction_takes_out_what_it_must_not_keep")
class RedactsTheTopOnly(Example):
    """Only the names that somebody thought of are taken out, and only at the top."""

    @hookimpl
    def gateway_redact(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: value for name, value in payload.items() if name not in {"number", "cvc", "api_key"}}


@planted("test_no_secret_is_in_what_a_page_gets")
class SecretKeyForThePage(Example):
    """The fields get the secret key instead of the public one."""

    @hookimpl
    def gateway_begin(self, ctx: Context, request: Any) -> Any:
        found: Any = super().gateway_begin(ctx, request)
        return replace(found, config={**found.config, "key": ctx.settings["secret_key"]})


@planted("test_drawing_a_page_asks_nobody")
class AsksForThePage(Example):
    """Drawing Pay Now calls the gateway: when it is slow, so is the page."""

    @hookimpl
    def gateway_begin(self, ctx: Context, request: Any) -> Any:
        super().gateway_health(ctx)
        return super().gateway_begin(ctx, request)


@planted("test_it_calls_through_the_hosts_client_alone")
class OwnConnection(Example):
    """It opens a connection of its own, without the host's limits."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        try:
            http.client.HTTPConnection("127.0.0.1", 9).request("GET", "/")
        except OSError:
            log.info("not reached")
        return super().gateway_lookup(ctx, query)


@planted("test_only_the_hosts_of_its_settings_are_called")
class TellsItsMaker(Example):
    """Each look-up is told to the maker of the plugin."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        ctx.http("POST", "https://telemetry.example.test/seen", json={"reference": query.reference})
        return super().gateway_lookup(ctx, query)


@planted("test_it_does_not_sleep_or_storm")
class Sleeps(Example):
    """On 429 it waits and tries again, in the worker that others wait for."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        response = send(ctx, request)
        if response.status == 429:
            time.sleep(5)
            response = send(ctx, request)
        return answers.charge(response)


@planted("test_it_does_not_sleep_or_storm")
class Storms(Example):
    """On 5xx it tries again twenty times."""

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        response, tries = send(ctx, request), 1
        while response.status >= 500 and tries < 20:
            response, tries = send(ctx, request), tries + 1
        return answers.charge(response)


@planted("test_what_goes_out_is_well_formed")
class PastesAddresses(Example):
    """Addresses are pasted together: an odd reference is cut off."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return answers.found_charge(_call(ctx, "GET", f"/v1/charges?reference={query.reference}"))


@planted("test_no_thread_is_left")
class LeavesAThread(Example):
    """A thread of its own goes on after the call."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        threading.Thread(target=threading.Event().wait, args=(2,), daemon=True).start()
        return super().gateway_lookup(ctx, query)


@planted("test_no_file_is_left")
class LeavesAFile(Example):
    """It writes what it did into a file where the program runs."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        Path("seen.txt").write_text(query.reference)
        return super().gateway_lookup(ctx, query)


# State


@planted(
    "test_two_accounts_one_after_the_other_do_not_mix", "test_two_accounts_in_parallel_do_not_mix",
    "test_nothing_is_remembered_between_calls",
)  # fmt: skip
class RemembersTheKey(Example):
    """The settings of the last call are kept in the object: two accounts mix."""

    def __init__(self) -> None:
        self.ctx: Context | None = None

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        self.ctx = self.ctx or ctx
        return super().gateway_charge(self.ctx, request)

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        before = ctx if self.ctx is None else self.ctx
        self.ctx = ctx
        return super().gateway_lookup(before, query)


@planted("test_a_call_inside_a_call_does_not_mix")
class KeepsTheCall(Example):
    """The context of the call is kept in the object: a call in between changes it."""

    def __init__(self) -> None:
        self.ctx: Context | None = None

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        self.ctx = ctx
        _call(ctx, "GET", "/v1/account")
        return super().gateway_charge(self.ctx, request)

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        self.ctx = ctx
        return super().gateway_lookup(ctx, query)


@planted("test_nothing_is_remembered_between_calls", "test_another_account_finds_nothing_of_this_one")
class RemembersOutcomes(Example):
    """Look-ups are answered from memory."""

    def __init__(self) -> None:
        self.known: dict[str, Outcome] = {}

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        return self.known.setdefault(request.reference, super().gateway_charge(ctx, request))

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return self.known.get(query.reference) or super().gateway_lookup(ctx, query)


@planted("test_a_new_process_knows_what_the_old_one_knew")
class RemembersIds(Example):
    """The gateway's ids are kept in memory alone: after a restart nothing is found."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    @hookimpl
    def gateway_charge(self, ctx: Context, request: ChargeRequest) -> Outcome:
        self.ids.add(request.reference)
        return super().gateway_charge(ctx, request)

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        is_known = query.reference in self.ids
        return super().gateway_lookup(ctx, query) if is_known else Outcome(kind=OutcomeKind.ABSENT)


@planted("test_being_told_raises_nothing")
class KnowsEveryState(Example):
    """A state that it does not know is an exception."""

    @hookimpl
    def payment_changed(self, told: Told) -> None:
        log.info("told of %s", {"succeeded": "money", "declined": "nothing"}[told.state])


@planted("test_the_manifest_is_whole")
class CountsItsManifests(Example):
    """The manifest is another at each call."""

    def __init__(self) -> None:
        self.count = 0

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        self.count += 1
        return replace(MANIFEST, summary=f"Cards and bank debits, asked {self.count} times.")
