"""LawPay's own list for the daily sweep: transactions of a time, then older ones that an event of the time is about.

The list goes by when a transaction was made, so that an eCheck returned after five days is not among the new ones. Its
event is: that is what the events are looked through for.
"""

from __future__ import annotations

import datetime as dt

from portal_app.plugin_api import ExternalTransaction, ListPage, ListQuery, OutcomeKind, TransactionKind
from portal_lawpay import transactions
from portal_lawpay.accounts import Route
from portal_lawpay.api import Api, Told, Unclear
from portal_lawpay.events import transaction_of
from portal_lawpay.lists import MOST_PAGES, Page, page
from portal_lawpay.lookups import read
from portal_lawpay.transactions import text

_KINDS = {"CHARGE": TransactionKind.CHARGE, "REFUND": TransactionKind.REFUND}
EVENTS = "events"


def sweep(api: Api, query: ListQuery) -> ListPage:
    """One page. The cursor is ``part:number``: an account of the route by its place, or the events.

    Raises:
        Unclear: the list does not say what was asked.
    """
    route = Route(query.merchant_account)
    parts = [*(str(place) for place in range(len(route.ids))), EVENTS]
    part, _, number = (query.cursor or f"{parts[0]}:1").partition(":")
    if part not in parts or not number.isdecimal():
        raise Unclear(f"no such cursor: {query.cursor}")
    if part == EVENTS:
        found = page(api, "events", int(number))
        lines = _from_events(api, query, route, found)
    else:
        found = page(api, "transactions", int(number), route.ids[int(part)])
        lines = [_line(row, route) for row in found.rows if _is_within(row, query)]
    return ListPage(transactions=tuple(lines), next_cursor=_next(parts, part, int(number), found, query))


def _next(parts: list[str], part: str, number: int, found: Page, query: ListQuery) -> str:
    if found.has_more and not _is_past(found, query):
        if number >= MOST_PAGES:
            raise Unclear("the list has no end")
        return f"{part}:{number + 1}"
    later = parts[parts.index(part) + 1 :]
    return f"{later[0]}:1" if later else ""


def _is_past(found: Page, query: ListQuery) -> bool:
    """Whether what follows is older than what is asked for."""
    last = transactions.moment(found.rows[-1], "created") if found.rows else None
    return found.is_newest_first and last is not None and last < query.since


def _is_within(row: Told, query: ListQuery) -> bool:
    return query.since <= _made(row) < query.until


def _made(row: Told) -> dt.datetime:
    made = transactions.moment(row, "created")
    if made is None:
        raise Unclear("a line without its time")
    return made


def _from_events(api: Api, query: ListQuery, route: Route, found: Page) -> list[ExternalTransaction]:
    ids: dict[str, None] = {}
    for envelope in found.rows:
        told = transaction_of(envelope)
        is_older = text(told, "account_id") in route.ids and _made(told) < query.since
        if is_older and _is_within(envelope, query):
            ids[text(told, "id")] = None
    return [_line(fresh, route) for id in ids if (fresh := read(api, id)) is not None]


def _line(told: Told, route: Route) -> ExternalTransaction:
    amount, id, currency = transactions.cents(told), text(told, "id"), text(told, "currency")
    if amount is None or not id or not currency:
        raise Unclear("a line without its id or amount")
    kind = _KINDS.get(text(told, "type"), TransactionKind.OTHER)
    return ExternalTransaction(
        id=id, kind=kind, outcome=_outcome(told, kind), amount_minor=amount, currency=currency,
        merchant_account=route.seen_as(text(told, "account_id")), occurred_at=_made(told),
        reference=text(told, "reference")[:64], charge_gateway_reference=text(told, "charge_id"),
        description=text(told, "type").capitalize(),
    )  # fmt: skip


def _outcome(told: Told, kind: TransactionKind) -> OutcomeKind:
    if kind is TransactionKind.CHARGE:
        return transactions.charge_kind(told)
    if kind is TransactionKind.REFUND:
        return transactions.refund_kind(told, text(transactions.method_of(told), "type").lower())
    return OutcomeKind.UNKNOWN
