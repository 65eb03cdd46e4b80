"""Who takes what: for each fund and method, the one gateway whose payments go through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect

from portal_app import clock, plugins
from portal_app.db import locked, transaction
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Gateway, GatewayRoute, PaymentRoad
from portal_app.domain.people import FirmUser
from portal_app.gateway_setup.accounts import is_rehearsal, manifest_of, title_of
from portal_app.gateway_setup.installation import is_paused
from portal_app.plugin_api import Fund, Method
from portal_app.prepared import prepared_and_kept

BOTH_KINDS = "A rehearsal gateway and a live one cannot be on at the same time. Switch the other one off."
Way = tuple[Fund, Method]


@dataclass(frozen=True, slots=True)
class Road:
    """Money of ``fund`` paid by ``method``: who takes it, and who could."""

    fund: Fund
    method: Method
    gateway: Gateway | None
    candidates: tuple[Gateway, ...]


def open_roads(fund: Fund) -> dict[Method, Gateway]:
    """The gateways that take money of ``fund`` now, by method, the card first: paused ones take nothing, and neither do
    those whose plugin is gone."""
    known = plugins.registry().manifests
    found = {row.method: row.gateway for row in _of_fund(fund.value)}
    usable = {name: row for name, row in found.items() if row.plugin in known and not is_paused(row)}
    return {method: usable[method.value] for method in Method if method.value in usable}


@prepared_and_kept
def _of_fund(fund: Any) -> ModelSelect:
    return PaymentRoad.select(PaymentRoad, Gateway).join(Gateway).where(PaymentRoad.fund == fund)


def gateway_for(fund: Fund, method: Method) -> Gateway | None:
    """The gateway that takes this money now, if any."""
    return open_roads(fund).get(method)


def is_rehearsing() -> bool:
    """Whether payments now go through a rehearsal gateway."""
    return any(is_rehearsal(gateway) for gateway in open_roads(Fund.OPERATING).values())


def holds(gateway: Gateway, fund: Fund) -> bool:
    """Whether the gateway takes money of ``fund``, by whatever method."""
    return PaymentRoad.select().where((PaymentRoad.gateway == gateway.id) & (PaymentRoad.fund == fund.value)).exists()


def who_takes_what() -> list[Road]:
    """Every road that has a gateway, or could have one."""
    rows = {row.id: row for row in Gateway.select().order_by(Gateway.plugin, Gateway.id)}
    can = _ways([row for row in rows.values() if row.is_healthy])
    taken = {(row.fund, row.method): rows[row.gateway_id] for row in PaymentRoad.select()}
    roads = [
        Road(fund, method, taken.get((fund.value, method.value)),
             tuple(rows[at] for at, ways in can.items() if (fund, method) in ways))
        for fund in Fund for method in Method
    ]  # fmt: skip
    return [road for road in roads if road.gateway or road.candidates]


def _ways(gateways: Iterable[Gateway]) -> dict[int, set[Way]]:
    """What each gateway can take, by its id: the methods that it knows, for the funds that have a merchant account."""
    rows = {row.id: row for row in gateways}
    found: dict[int, set[Way]] = {row_id: set() for row_id in rows}
    for route in GatewayRoute.select().where(GatewayRoute.gateway.in_(list(rows))):
        manifest = plugins.registry().manifests.get(rows[route.gateway_id].plugin)
        if manifest is not None and Fund(route.fund) in manifest.funds:
            found[route.gateway_id] |= {(Fund(route.fund), method) for method in manifest.methods}
    return found


def enable(gateway: Gateway, *, by: FirmUser) -> None:
    """Have a tested gateway take all that it can, in place of those before; one that is left with nothing is off.

    Raises:
        Refused: not tested, no account for operating money, or a rehearsal beside a live gateway.
    """
    with transaction():
        everyone = _everyone()
        ways = _ways([gateway])[gateway.id]
        if not everyone[gateway.id].is_healthy:
            raise Refused("Test the connection first. It must work before clients can pay.")
        if Fund.OPERATING not in {fund for fund, _ in ways}:
            raise Refused("Say first which merchant account takes operating money.")
        if any(row.enabled_at and is_rehearsal(row) != manifest_of(gateway).is_rehearsal for row in everyone.values()):
            raise Refused(BOTH_KINDS)
        _give(dict.fromkeys(ways, gateway), by)
    gateway.enabled_at = Gateway.get_by_id(gateway.id).enabled_at


def set_roads(choice: Mapping[Way, Gateway | None], *, by: FirmUser) -> None:
    """Say for these roads who takes them; ``None``: nobody. What is not named stays as it is.

    Raises:
        Refused: a gateway that cannot take it, or a rehearsal beside a live one; with the field's name. Nothing is
            changed then.
    """
    with transaction():
        everyone = _everyone()
        can = _ways(row for row in everyone.values() if row.is_healthy)
        for (fund, method), gateway in choice.items():
            row = everyone.get(gateway.id) if gateway else None
            if row and (fund, method) not in can.get(row.id, ()):
                raise Refused(f"{title_of(row)} cannot take this now.", f"{fund}_{method}")
        _give(choice, by)
        if len({is_rehearsal(everyone[row.gateway_id]) for row in PaymentRoad.select()}) > 1:
            raise Refused(BOTH_KINDS)


def disable(gateway: Gateway, *, by: FirmUser) -> None:
    """Take no new payments through it; what is under way is still followed up."""
    with transaction():
        _everyone()
        PaymentRoad.delete().where(PaymentRoad.gateway == gateway.id).execute()
        _follow(by)
    gateway.enabled_at = None


def close_roads(gateway: Gateway, fund: Fund) -> None:
    """The gateway has no account for money of ``fund`` any more."""
    PaymentRoad.delete().where((PaymentRoad.gateway == gateway.id) & (PaymentRoad.fund == fund.value)).execute()
    _follow(None)


def _everyone() -> dict[int, Gateway]:
    """All gateways, locked: one person at a time changes who takes what."""
    return {row.id: row for row in locked(Gateway.select().order_by(Gateway.id))}


def _give(choice: Mapping[Way, Gateway | None], by: FirmUser) -> None:
    for (fund, method), gateway in choice.items():
        PaymentRoad.delete().where((PaymentRoad.fund == fund.value) & (PaymentRoad.method == method.value)).execute()
        if gateway is not None:
            PaymentRoad.create(fund=fund.value, method=method.value, gateway=gateway, force_insert=True)
    _follow(by)


def _follow(by: FirmUser | None) -> None:
    """Who has a road is on, who has none is off."""
    holders = PaymentRoad.select(PaymentRoad.gateway)
    who = {"changed_by": by} if by else {}
    is_on, has_road = Gateway.enabled_at.is_null(False), Gateway.id.in_(holders)
    Gateway.update(enabled_at=None, **who).where(is_on & ~has_road).execute()
    Gateway.update(enabled_at=clock.now(), **who).where(~is_on & has_road).execute()
