"""Planted mistakes of the portal itself, which the flows with the real portal must catch."""

from __future__ import annotations

from typing import Any
from unittest import mock

from portal_app import gateways, plugins, vault
from portal_app.domain import payments
from portal_app.domain.payments import booking
from portal_app.gateway_setup import installation
from portal_app.gateways import asking
from portal_app.testing.skeleton.portal_example.gateway import Example
from tests.testing.planted import planted


def broadcast() -> Any:
    """As a plain pluggy call would: every plugin hears of a charge."""

    one = plugins.Registry.call

    def call(self: plugins.Registry, plugin: str, hook: str, **arguments: Any) -> Any:
        if hook == "gateway_charge":
            for other in set(self.gateways) - {plugin}:
                one(self, other, hook, **arguments)
        return one(self, plugin, hook, **arguments)

    return mock.patch.object(plugins.Registry, "call", call)


@planted("test_only_the_gateway_that_is_addressed_is_called", host=broadcast)
class Broadcasts(Example):
    """A charge is broadcast to every plugin."""


def raising() -> Any:
    add = plugins.Registry.add

    def strict(self: plugins.Registry, gateway: object, name: str) -> None:
        add(self, gateway, name)
        self.broken.clear()

    return mock.patch.object(plugins.Registry, "add", strict)


@planted("test_beside_a_plugin_that_is_broken_it_works", host=raising)
class HidesTheBroken(Example):
    """A plugin that fails to load is not listed: nobody learns of it."""


def strict() -> Any:
    def add(self: plugins.Registry, gateway: object, name: str) -> None:
        before = dict(self.broken)
        one(self, gateway, name)
        if self.broken != before:
            raise RuntimeError(f"{name} cannot be loaded")

    one = plugins.Registry.add
    return mock.patch.object(plugins.Registry, "add", add)


@planted("test_beside_a_plugin_that_is_broken_it_works", host=strict)
class StopsTheSite(Example):
    """One bad plugin stops the whole site."""


@planted(
    "test_no_card_number_and_no_secret_is_kept",
    host=lambda: mock.patch.multiple(vault, seal=lambda text: text, unseal=lambda text: text),
)
class KeepsKeysInTheClear(Example):
    """Secrets stand in the database as they are."""


@planted(
    "test_a_copied_installation_charges_nobody",
    host=lambda: mock.patch.object(installation, "_is_copied", return_value=False),
)
class CopiesCharge(Example):
    """A copied installation charges live cards."""


@planted(
    *("test_a_double_click_pays_once", "test_killed_once_the_answer_came"),
    host=lambda: mock.patch.object(payments, "start", _always_new(payments.start)),
)
class EachClickIsAPayment(Example):
    """The form has no key: each click is another payment."""


def _always_new(start: Any) -> Any:
    count = iter(range(1_000_000))

    def new(who: Any, gateway: Any, order: Any) -> Any:
        import dataclasses

        return start(who, gateway, dataclasses.replace(order, key=f"{order.key}-{next(count)}"))

    return new


@planted(
    "test_a_second_card_while_the_first_is_unknown_is_refused",
    host=lambda: mock.patch.object(asking, "UNKNOWN", asking.NOT_SENT),
)
class UnknownIsFree(Example):
    """The portal frees the amount of what it does not know."""


@planted("test_a_closed_tab_is_followed_up", host=lambda: mock.patch.object(gateways, "recover", return_value=0))
class NobodyFollowsUp(Example):
    """Only the return page asks: who closes the tab has paid for nothing."""


@planted(
    "test_money_that_differs_waits_for_a_person",
    host=lambda: mock.patch(f"{payments.__name__}.settling._is_as_asked", return_value=True),
)
class TakesWhateverCame(Example):
    """The portal books whatever amount came as if it had been asked for."""


@planted(
    "test_a_returned_debit_is_owed_again", host=lambda: mock.patch.object(booking, "post_returned", return_value=None)
)
class ForgetsToReopen(Example):
    """A returned debit changes the state and not the books."""
