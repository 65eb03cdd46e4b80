"""What became of a charge or a refund: read by LawPay's id, or found in its list by our reference."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from portal_app.plugin_api import LookupQuery, Outcome, OutcomeKind
from portal_lawpay import transactions
from portal_lawpay.accounts import Route
from portal_lawpay.api import Api, Told, Unclear
from portal_lawpay.lists import pages
from portal_lawpay.transactions import text

# How far behind its newest line a list is looked through. What is unresolved is asked about within minutes.
WINDOW = dt.timedelta(days=180)
TRIES = 20  # under one reference, read one by one
_ABSENT = Outcome(kind=OutcomeKind.ABSENT)
_UNKNOWN = Outcome(kind=OutcomeKind.UNKNOWN)


def look_up_charge(api: Api, query: LookupQuery) -> Outcome:
    """Raises ``Unclear`` and whatever the wire raises: nobody knows."""
    route = Route(query.merchant_account)
    told = read(api, query.gateway_reference) if query.gateway_reference else None
    if told is not None and text(told, "reference") not in {"", query.reference}:
        return replace(_UNKNOWN, code="other_reference")
    if told is not None and transactions.charge_kind(told) is not OutcomeKind.DECLINED:
        return transactions.charge(told, route)
    # A try that failed may not have been the last one on a payment page.
    found = find_charge(api, route, query.reference) or told
    if found is not None:
        return transactions.charge(found, route)
    # It was acknowledged under an id once: that it cannot be found now proves nothing.
    return replace(_UNKNOWN, code="not_found") if query.gateway_reference else _ABSENT


def read(api: Api, id: str) -> Told | None:
    """One transaction; None when LawPay does not know the id (any more, or yet)."""
    answer = api.get("transactions", id)
    if answer.status == 404:
        return None
    if not answer.is_ok or text(answer.told, "id") != id:
        raise Unclear(f"transactions: {answer.status}")
    return answer.told


def find_charge(api: Api, route: Route, reference: str) -> Told | None:
    """The charge with our reference, read anew because lists leave out refunds. On a payment page a payer may try
    several times under one reference: the first that has not failed counts. The route's accounts first, then every
    other."""
    failed: Told | None = None
    for account_id in (*route.ids, ""):
        for found in _with_reference(api, reference, account_id):
            told = read(api, text(found, "id"))
            if told is None:
                raise Unclear("listed, but cannot be read")
            if transactions.charge_kind(told) is not OutcomeKind.DECLINED:
                return told
            failed = failed or told
    return failed


def _with_reference(api: Api, reference: str, account_id: str) -> list[Told]:
    """The charges with this reference on the first page of the list that has any, the oldest first."""
    oldest: dt.datetime | None = None
    for page in pages(api, "transactions", account_id):
        found = [row for row in page.rows if text(row, "reference") == reference and text(row, "type") == "CHARGE"]
        if found:
            return sorted(found, key=lambda row: text(row, "created"))[:TRIES]
        if not page.rows or not page.is_newest_first:
            continue
        oldest = oldest or transactions.moment(page.rows[0], "created")
        last = transactions.moment(page.rows[-1], "created")
        if oldest and last and oldest - last > WINDOW:
            break
    return []


def look_up_refund(api: Api, query: LookupQuery) -> Outcome:
    """Raises ``Unclear`` and whatever the wire raises."""
    route, id = Route(query.merchant_account), query.charge_gateway_reference
    charge = read(api, id) if id else find_charge(api, route, query.charge_reference)
    if charge is None:
        return replace(_UNKNOWN, code="charge_not_found")
    known = refund_in(charge, route, query.reference, query.gateway_reference)
    if known is not None:
        return known
    return _ABSENT if is_complete(charge) and not query.gateway_reference else replace(_UNKNOWN, code="not_found")


def refund_in(charge: Told, route: Route, reference: str, gateway_reference: str = "") -> Outcome | None:
    """Our refund among those that came with its charge; None when it is not there."""
    if text(charge, "status") == "VOIDED" and text(charge, "void_reference") == reference:
        return transactions.void(charge, route)
    method = text(transactions.method_of(charge), "type").lower()
    for told in transactions.refunds_of(charge):
        is_ours = text(told, "id") == gateway_reference if gateway_reference else text(told, "reference") == reference
        if is_ours:
            filled = {"type": "REFUND", "account_id": charge.get("account_id"), "currency": charge.get("currency")}
            return transactions.refund({**filled, **told}, route, method)
    return None


def is_complete(charge: Told) -> bool:
    """Whether the refunds that came with a charge are all there are: they add up to what it says was refunded."""
    standing = [each for each in transactions.refunds_of(charge) if text(each, "status") not in {"VOIDED", "FAILED"}]
    return sum(transactions.cents(each) or 0 for each in standing) == (charge.get("amount_refunded") or 0)
