"""The daily sweep: the gateway's own list against the books, both ways; fees and payouts come with it."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Iterator

from portal_app import clock, money, plugins, vault
from portal_app.db import transaction
from portal_app.domain import firms, ledger, payments, reconciliations
from portal_app.domain.ledger import AlreadyPosted, JournalEntry, Leg, Unbalanced
from portal_app.domain.payments import Attempt, Gateway, GatewayRoute, GatewayTransaction, Refund
from portal_app.gateway_answers import few, moment, needed, text, whole
from portal_app.gateway_setup import all_gateways, context, is_paused, routes_of
from portal_app.gateways.asking import refuse_open_transaction
from portal_app.gateways.hearing import look_at
from portal_app.plugin_api import (
    Capability,
    ExternalTransaction,
    Fund,
    LedgerFact,
    LedgerLine,
    ListPage,
    ListQuery,
    OutcomeKind,
    Role,
    Subject,
    TransactionKind,
)

log = logging.getLogger(__name__)

EVERY = dt.timedelta(days=1)
AGAIN = dt.timedelta(hours=1)  # after one that failed
OVERLAP = dt.timedelta(days=7)  # lists lag, and what is listed changes
FIRST = dt.timedelta(days=1)  # before the first payment
LATEST = dt.timedelta(hours=1)  # what was paid since may not be listed yet
PAGES_MOST = 1000
NAME_MOST = 48  # of the gateway's id within an entry's source
MONEY = frozenset({OutcomeKind.SUCCEEDED, OutcomeKind.PENDING, OutcomeKind.RETURNED})
CAME_BACK = frozenset({OutcomeKind.RETURNED, OutcomeKind.DECLINED, OutcomeKind.CANCELED})


def sweep_due() -> int:
    """Sweep every gateway whose last sweep is a day old (an hour, when it failed). Returns how many were swept."""
    done = 0
    for gateway in all_gateways():
        if can_list(gateway) and not is_paused(gateway) and _is_due(gateway):
            sweep(gateway)
            done += 1
    return done


def can_list(gateway: Gateway) -> bool:
    manifest = plugins.registry().manifests.get(gateway.plugin)
    return manifest is not None and Capability.LIST in manifest.capabilities


def _is_due(gateway: Gateway) -> bool:
    last = payments.last_sweep(gateway)
    if last is None:
        return payments.first_payment_at(gateway) is not None
    return bool(clock.now() - last.started_at >= (EVERY if last.finished_at and not last.error else AGAIN))


def sweep(gateway: Gateway) -> int:
    """Read a gateway's list since the last whole sweep, match every line, book fees and payouts, and look at what
    should be there and is not. Returns how many lines there were; what goes wrong is kept, and tried again later."""
    refuse_open_transaction()
    whole_one = payments.last_sweep(gateway, is_whole=True)
    begun = payments.first_payment_at(gateway) or clock.now()
    since, until = (whole_one.until - OVERLAP) if whole_one else begun - FIRST, clock.now()
    row, found, seen = payments.begin_sweep(gateway, since, until), 0, set()
    try:
        for told in _listed(gateway, since, until):
            found += 1
            seen.add(_match(gateway, told))
        _look_for_missing(gateway, since, until, seen)
    except Exception as problem:
        log.exception("gateway %s, sweep", gateway.code)
        payments.end_sweep(row, found=found, error=vault.hush(f"{type(problem).__name__}: {problem}"))
        return found
    payments.end_sweep(row, found=found)
    return found


def _listed(gateway: Gateway, since: dt.datetime, until: dt.datetime) -> Iterator[ExternalTransaction]:
    accounts = {route.merchant_account for route in routes_of(gateway).values()}
    for account in sorted(accounts | set(payments.merchant_accounts_of(gateway))):
        cursor = ""
        for _page in range(PAGES_MOST):
            query = ListQuery(
                since=since.replace(tzinfo=dt.UTC), until=until.replace(tzinfo=dt.UTC), merchant_account=account,
                cursor=cursor,
            )  # fmt: skip
            page = plugins.registry().call(gateway.plugin, "gateway_list", ctx=context(gateway), query=query)
            if not isinstance(page, ListPage):
                raise TypeError(f"a page was expected, not {type(page).__name__}")
            yield from (_checked(told) for told in few(page.transactions))
            if not page.next_cursor:
                break
            if page.next_cursor == cursor:
                raise ValueError("the list goes round in circles")
            cursor = page.next_cursor
        else:
            raise ValueError("the list does not end")


def _checked(told: object) -> ExternalTransaction:
    if not isinstance(told, ExternalTransaction):
        raise TypeError(f"a transaction was expected, not {type(told).__name__}")
    return ExternalTransaction(
        id=needed("id", told.id), kind=TransactionKind(told.kind), outcome=OutcomeKind(told.outcome),
        amount_minor=_bookable(told.amount_minor),
        currency=needed("currency", told.currency).upper(), fee_minor=_bookable(told.fee_minor),
        merchant_account=text("merchant_account", told.merchant_account), occurred_at=moment(told.occurred_at),
        reference=text("reference", told.reference), description=text("description", told.description),
        charge_gateway_reference=text("charge_gateway_reference", told.charge_gateway_reference),
    )  # fmt: skip


def _bookable(amount: object) -> int:
    if whole(amount) > money.MAX_CENTS:
        raise ValueError("the amount is too large to be booked")
    return whole(amount)


# Matching


def _match(gateway: Gateway, told: ExternalTransaction) -> int:
    """Keep a line, look at what it is about when the books say otherwise, book what it costs. Returns the id of the
    attempt that it is about, or 0."""
    known = _known(gateway, told)
    attempt = known if isinstance(known, Attempt) else None
    with transaction():
        row = payments.note_transaction(gateway, told, attempt)
        if told.kind is TransactionKind.PAYOUT and told.outcome in CAME_BACK:
            _take_back(gateway, row, told)
    if known is not None and _differs(known, told):
        # A search by our reference may miss it: it looks where our clock says that it was sent.
        look_at(known, told.id if told.reference == known.reference else "")
    if attempt is not None and told.kind is TransactionKind.CHARGE and told.outcome in MONEY:
        _ask_about_second(gateway, attempt, told)
    elif known is None and told.kind is TransactionKind.CHARGE and told.outcome in MONEY:
        where = f"{_day(told)}, {told.merchant_account}"
        detail = f"{_amount(told)} on {where}, {told.id}. {told.description}".strip()
        payments.ask("unknown_charge", f"charge:{gateway.id}:{told.id}", detail, gateway=gateway)
    if row.entry_id is None:
        _book(gateway, row, told)
    return attempt.id if attempt is not None else 0


def _ask_about_second(gateway: Gateway, attempt: Attempt, told: ExternalTransaction) -> None:
    """A payer can pay twice on a gateway's own page, under one reference: only one of the two is booked."""
    others = payments.other_charges(gateway, attempt, told.id, sorted(kind.value for kind in MONEY))
    if others:
        names = ", ".join(sorted([told.id, *others]))
        detail = f"{_amount(told)}: the gateway lists {names} for one payment."
        payment = attempt.payment
        payments.ask("second_charge", f"second:{attempt.id}", detail, gateway=gateway, payment=payment)


def _known(gateway: Gateway, told: ExternalTransaction) -> Attempt | Refund | None:
    """What of ours a line is about. A refund or dispute that we do not know is looked at through its charge."""
    if told.kind is TransactionKind.CHARGE:
        return payments.whose(gateway, Subject.CHARGE, told.reference, told.id)
    if told.kind is TransactionKind.REFUND:
        found = payments.whose(gateway, Subject.REFUND, told.reference, told.id)
        if found is not None:
            return found
    if told.kind in {TransactionKind.REFUND, TransactionKind.DISPUTE} and told.charge_gateway_reference:
        return payments.whose(gateway, Subject.CHARGE, "", told.charge_gateway_reference)
    return None


def _differs(known: Attempt | Refund, told: ExternalTransaction) -> bool:
    """Whether the gateway has to be asked: a dispute always, the others when the books say something else."""
    if told.kind is TransactionKind.DISPUTE or (told.kind is TransactionKind.REFUND and isinstance(known, Attempt)):
        return True
    return bool(known.state != told.outcome.value)


def _look_for_missing(gateway: Gateway, since: dt.datetime, until: dt.datetime, seen: set[int]) -> None:
    """What is booked as paid and was not in the list is asked about; what the gateway does not know is a question."""
    for attempt in payments.paid_between(gateway, since, until - LATEST):
        if attempt.id not in seen:
            look_at(attempt)


# Fees and payouts


def _book(gateway: Gateway, row: GatewayTransaction, told: ExternalTransaction) -> None:
    if told.outcome is not OutcomeKind.SUCCEEDED:
        return
    route = next((r for r in routes_of(gateway).values() if r.merchant_account == told.merchant_account), None)
    fund = Fund(route.fund if route is not None else payments.fund_of_account(gateway, told.merchant_account))
    if fund is Fund.TRUST:
        _book_trust(gateway, route, row, told)
        return
    fact = LedgerFact(transaction=told, fund=fund)
    try:
        lines = plugins.registry().call(gateway.plugin, "gateway_ledger_lines", ctx=context(gateway), fact=fact)
        if lines is None:
            if told.kind is TransactionKind.OTHER:
                _ask(gateway, "other_line", told, f" {told.description}")
            return
        entry = _post(gateway, told, _legs(gateway, route, told, lines))
    except Exception as problem:
        log.exception("gateway %s, ledger lines of %s", gateway.code, told.id)
        _ask(gateway, "not_booked", told, f" {type(problem).__name__}: {problem}")
        return
    if entry is not None:
        with transaction():
            GatewayTransaction.update(entry=entry).where(GatewayTransaction.id == row.id).execute()


def _book_trust(
    gateway: Gateway, route: GatewayRoute | None, row: GatewayTransaction, told: ExternalTransaction
) -> None:
    """Of trust money the portal itself books one thing: that deposits which it knows have reached the trust bank, all
    of them. A fee there is against the rules (T07), and so is what comes net of one: a person looks at it, as at a
    payout of more than the portal's deposits."""
    if told.kind is TransactionKind.PAYOUT and not told.fee_minor and route is not None:
        clearing = ledger.clearing(gateway.code, "trust")
        if told.amount_minor <= ledger.account_balance(clearing):
            legs = [Leg(ledger.bank(route.bank_account_id), told.amount_minor), Leg(clearing, -told.amount_minor)]
            entry = _post(gateway, told, legs, code="trust_payout")
            with transaction():
                GatewayTransaction.update(entry=entry).where(GatewayTransaction.id == row.id).execute()
                payments.note_settled(gateway, clock.local(told.occurred_at, firms.current().time_zone).date())
            return
    if told.fee_minor or told.kind in {TransactionKind.FEE, TransactionKind.PAYOUT}:
        _ask(gateway, "trust", told, "")


def _take_back(gateway: Gateway, row: GatewayTransaction, told: ExternalTransaction) -> None:
    """A payout did not arrive at the bank: when it was booked, its money is with the gateway again. Somebody has to see
    why. What the firm itself called off before it was sent is nobody's question."""
    entry = row.entry or JournalEntry.get_or_none(JournalEntry.source == _source(gateway, told))
    if entry is None and told.outcome is OutcomeKind.CANCELED:
        return
    if entry is not None and ledger.reversal_of(entry) is None:
        ledger.reverse(
            entry, code="payout_failed", occurred_on=clock.today(firms.current().time_zone),
            description="Payout that did not arrive",
        )  # fmt: skip
    said = "It was booked, and has been taken back." if entry is not None else "It was not booked."
    detail = f"{_amount(told)} of {_day(told)}, {told.id}. {said}"
    payments.ask("payout_failed", f"payout:{gateway.id}:{told.id}", detail, gateway=gateway)


def _legs(gateway: Gateway, route: GatewayRoute | None, told: ExternalTransaction, lines: object) -> list[Leg]:
    """The plugin's lines as legs on the firm's accounts.

    Raises:
        Unbalanced: they do not sum to zero, or one is larger than the transaction.
        TypeError, KeyError: they are not lines, or name a role that does not exist here.
    """
    accounts = {Role.CLEARING: ledger.clearing(gateway.code), Role.MERCHANT_FEES: ledger.MERCHANT_FEES,
                Role.SURCHARGE: ledger.SURCHARGES}  # fmt: skip
    if route is not None:
        accounts[Role.BANK] = _bank(route)
    legs = []
    for line in few(lines):
        if not isinstance(line, LedgerLine) or type(line.amount_minor) is not int:
            raise TypeError("a ledger line was expected")
        if abs(line.amount_minor) > told.amount_minor + told.fee_minor:
            raise Unbalanced(f"{line.amount_minor} is more than the transaction")
        legs.append(Leg(accounts[Role(line.role)], line.amount_minor))
    if sum(leg.amount_cents for leg in legs):
        raise Unbalanced("the lines do not sum to zero")
    return legs


def _bank(route: GatewayRoute) -> str:
    account = route.bank_account
    code = ledger.bank(account.id)
    ledger.open_account(code, name=account.name, kind="asset", fund=account.fund)
    return code


def _post(
    gateway: Gateway, told: ExternalTransaction, legs: list[Leg], code: str = "gateway_costs"
) -> JournalEntry | None:
    if not [leg for leg in legs if leg.amount_cents]:
        return None
    if told.currency != firms.current().currency:
        raise Unbalanced(f"it is in {told.currency}")
    title = {TransactionKind.PAYOUT: "Paid out to the bank", TransactionKind.FEE: "Gateway's fee"}
    source = _source(gateway, told)
    day = _open_day(legs, clock.local(told.occurred_at, firms.current().time_zone).date())
    description = told.description or title.get(told.kind, "Gateway's fee")
    try:
        return ledger.post(code, legs, occurred_on=day, description=description, source=source, currency=told.currency)
    except AlreadyPosted:
        return ledger.entry_of(source)


def _source(gateway: Gateway, told: ExternalTransaction) -> str:
    name = told.id if len(told.id) <= NAME_MOST else hashlib.sha256(told.id.encode()).hexdigest()[:NAME_MOST]
    return f"gateway:{gateway.id}:{told.kind}:{name}"


def _open_day(legs: list[Leg], day: dt.date) -> dt.date:
    """The day to book on: the gateway's, or the first one after a period that is reconciled and closed (T13)."""
    banks = [int(leg.account.partition(":")[2]) for leg in legs if leg.account.startswith("bank:")]
    return max([day, *(reconciliations.first_open_day(bank, day) for bank in banks)])


def _amount(told: ExternalTransaction) -> str:
    return firms.amount(told.amount_minor, told.currency)


def _day(told: ExternalTransaction) -> str:
    return firms.day(told.occurred_at)


def _ask(gateway: Gateway, kind: str, told: ExternalTransaction, problem: str) -> None:
    detail = f"{told.kind} {told.id}, {_amount(told)}.{problem}"
    payments.ask(kind, f"line:{gateway.id}:{told.kind}:{told.id}", detail, gateway=gateway)
