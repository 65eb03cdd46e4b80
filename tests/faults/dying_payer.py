"""A process that takes a payment and dies at one point of it, as if the power had gone. Run by test_crashes.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from portal_app import config, db, gateways
from portal_app.domain import ledger, payments
from portal_app.domain.payments import settling
from portal_app.domain.people import PortalUser
from portal_app.gateways import paying
from portal_app.outbound import Outbound
from portal_app.plugin_api import BillingAddress, Flow, Fund, Method

DEAD = 86
POINTS = ("written", "submitting", "asked", "taken", "answered", "posting", "settling", "settled")


def die(*_args: Any, **_kwargs: Any) -> None:
    os._exit(DEAD)


def after(action: Callable[..., Any]) -> Callable[..., Any]:
    """The action happens, then the lights go out."""

    def wrapped(*args: Any, **kwargs: Any) -> None:
        action(*args, **kwargs)
        die()

    return wrapped


def arrange(point: str) -> None:
    """Plant the death: before the gateway is asked, once it has taken the money, while the answer is written …"""
    if point == "submitting":
        vars(paying)["ask"] = die
    elif point == "asked":
        Outbound.__call__ = die  # type: ignore[assignment]  # in this process it answers nothing any more
    elif point == "taken":
        Outbound.__call__ = after(Outbound.__call__)  # type: ignore[method-assign]  # in this process it answers, once
    elif point == "answered":
        vars(paying)["settle"] = die
    elif point == "posting":
        ledger.post = after(ledger.post)
    elif point == "settling":
        settling._write = after(settling._write)


def main(data: str, database: str, companion: str, token: str, point: str, fund: str) -> None:
    config.use(config.load({}, data=data, database=database, companion_url=companion, secret_key="k" * 64))
    db.open_database(database)
    db.connect()
    alice = PortalUser.get(PortalUser.email == "alice@example.com")
    billing = BillingAddress(
        name="Alice", address1="48 Placeholder Lane", city="Springfield", state="IL", postal_code="62704"
    )
    order = payments.Order(
        key="one", amount_cents=50_000, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=billing,
        fund=Fund(fund),
    )  # fmt: skip
    gateway = payments.Gateway.get(payments.Gateway.plugin == "sandbox")
    payment = payments.start(alice, gateway, order)
    if point == "written":
        die()
    arrange(point)
    gateways.charge(payment, token)
    die()


if __name__ == "__main__":
    main(*sys.argv[1:])
