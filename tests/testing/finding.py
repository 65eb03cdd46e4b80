"""Planted mistakes in looking a charge up."""

from __future__ import annotations

from dataclasses import replace

from portal_app.plugin_api import (
    Context,
    LookupQuery,
    Manifest,
    Outcome,
    OutcomeKind,
    hookimpl,
)
from portal_app.testing.skeleton.portal_example.gateway import MANIFEST, Example
from tests.testing.planted import planted


class Finding(Example):
    """The good gateway, whose look-up of a charge a mistake changes."""

    def found(self, query: LookupQuery, outcome: Outcome) -> Outcome:
        return outcome

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return self.found(query, super().gateway_lookup(ctx, query))


@planted(
    "test_a_lagging_list_is_no_proof",
    "test_what_was_never_sent_is_absent_or_unknown",
    "test_a_lagging_list_frees_nothing",
)
class NotFoundIsFailed(Finding):
    """“Not found” in a search is taken for “did not happen”."""

    def found(self, query: LookupQuery, outcome: Outcome) -> Outcome:
        return Outcome(kind=OutcomeKind.CANCELED) if outcome.kind is OutcomeKind.ABSENT else outcome


@planted(
    "test_a_lagging_list_is_no_proof", "test_the_horizon_is_at_least_the_lists_lag", "test_a_lagging_list_frees_nothing"
)
class NoHorizon(Example):
    """“Absent” counts at once, although the gateway's search lags."""

    @hookimpl
    def gateway_manifest(self) -> Manifest:
        return replace(MANIFEST, absence_horizon_seconds=0)


@planted("test_a_known_id_is_read_not_searched")
class AlwaysSearches(Example):
    """Even with the gateway's own id it searches, and the search lags."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        return super().gateway_lookup(ctx, replace(query, gateway_reference=""))


@planted("test_a_look_that_does_not_get_through_says_nothing")
class ErrorIsAbsent(Example):
    """A look-up that fails says that there is nothing."""

    @hookimpl
    def gateway_lookup(self, ctx: Context, query: LookupQuery) -> Outcome:
        try:
            found = super().gateway_lookup(ctx, query)
        except Exception:
            return Outcome(kind=OutcomeKind.ABSENT)
        return Outcome(kind=OutcomeKind.ABSENT) if found.code.startswith("http_5") else found


@planted("test_killed_once_the_money_was_taken", "test_a_lost_answer_is_unknown_and_found_later")
class WebhookOnly(Finding):
    """It never asks and waits for webhooks: on a box behind NAT money is taken and never booked."""

    def found(self, query: LookupQuery, outcome: Outcome) -> Outcome:
        return Outcome(kind=OutcomeKind.UNKNOWN)


@planted(
    "test_what_was_never_sent_can_be_told_as_absent",
    "test_killed_before_the_request_left",
    "test_killed_before_the_plugin_was_called",
)
class NeverAbsent(Finding):
    """Nothing is ever absent: what was never sent is held for ever."""

    def found(self, query: LookupQuery, outcome: Outcome) -> Outcome:
        return Outcome(kind=OutcomeKind.UNKNOWN) if outcome.kind is OutcomeKind.ABSENT else outcome
