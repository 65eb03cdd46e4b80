"""The Pay Now form: what a payer asks for, understood or refused field by field."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from babel.numbers import get_currency_name
from flask import request
from wtforms import Field
from wtforms.validators import AnyOf, InputRequired, Length, Regexp, ValidationError

from portal_app import money
from portal_app.client import addresses
from portal_app.client.payer import Payer
from portal_app.domain import payments
from portal_app.domain.errors import Refused
from portal_app.domain.payments import Gateway, Offer, Payable
from portal_app.gateway_setup import manifest_of
from portal_app.plugin_api import BillingAddress, Fund, Manifest, Method
from portal_app.web import once
from portal_app.web.fields import Choice, Hidden, Line, Money, Radios
from portal_app.web.forms import Form
from portal_app.web.fragments import is_fragment_request
from portal_app.web.once import part
from portal_app.web.templates import current_firm

METHODS = {Method.CARD: "Card", Method.BANK: "Bank account (eCheck)"}
MOST_ROWS = 10  # invoices that stand open on the page; the rest is folded
KEY = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
LOST = "This form has lost a part. Reload the page and try again."
ADDRESS = ("name", "address1", "address2", "city", "state", "postal_code", "country")


def hidden(most: int, *checks: Any) -> Hidden:
    return Hidden("", [*checks, Length(max=most, message=LOST)])


class PayForm(Form):
    """What every Pay Now form carries; :func:`form_class` adds what is seen, which depends on the payer.

    ``key`` is made when the form is drawn: the same key is the same payment. ``token`` is the one-time stand-in for a
    card, from the gateway's fields; ``seen`` the cents that the confirm line showed; ``invoice`` the public id of the
    only invoice to be paid, ``deposit`` that of the deposit request; ``choose`` is "1" when there is an amount for each
    invoice.
    """

    key = hidden(64, InputRequired(LOST), Regexp(KEY, message=LOST))
    token = hidden(500)
    seen = hidden(12)
    invoice = hidden(32)
    deposit = hidden(32)
    choose = hidden(1)

    def validate_postal_code(self, given: Field) -> None:
        if problem := addresses.postal_problem(self["country"].data or "", given.data or ""):
            raise ValidationError(problem)

    @property
    def billing(self) -> BillingAddress:
        return BillingAddress(**{name: self[name].data or "" for name in ADDRESS})


@lru_cache(maxsize=64)
def form_class(
    each: tuple[tuple[str, str], ...], methods: tuple[Method, ...], country: str, currency: str, locale: str
) -> type[PayForm]:
    """The form, its fields in the page's order: one amount, or one for each invoice (``each``: names and labels), the
    methods that somebody takes, the address with the states of its country (empty: one without any)."""
    fields: dict[str, Any] = _amount_fields(each, currency, locale) | {
        "method": Radios("Pay with", choices={method.value: METHODS[method] for method in methods}),
        "name": Line("Name on the card or account"),
        "address1": Line("Street address"),
        "address2": Line("Apartment or suite (optional)", is_required=False),
        "city": Line("City", most=80),
        "state": _state_field(country),
        "postal_code": Line("ZIP code" if country == "US" else "Postal code", most=12, is_required=False),
        "country": Choice("Country", choices=addresses.countries(locale)),
    }
    return cast(type[PayForm], type("PayFormOfOne", (PayForm,), fields))


def _amount_fields(each: tuple[tuple[str, str], ...], currency: str, locale: str) -> dict[str, Any]:
    if each:
        return {name: Money(label, is_required=False, may_be_zero=True) for name, label in each}
    return {"amount": Money(f"Amount in {get_currency_name(currency, count=2, locale=locale)}")}


def _state_field(country: str) -> Any:
    if country not in addresses.STATES:
        return Line("State or region (optional)", most=60, is_required=False)
    label, choices = "State" if country == "US" else "Province", addresses.STATES[country]
    sentence = f"Choose the {label.lower()}."
    checks = [InputRequired(sentence), AnyOf(list(choices), sentence)]
    return Choice(label, checks, choices={"": "Choose"} | choices, validate_choice=False)


def amount_name(each: Payable) -> str:
    """What the amount field of one invoice is called."""
    return f"pay_{each.item.public_id}"


@dataclass(slots=True)
class Desk:
    """Pay Now as one payer has it before them: all that is open (``whole``), what this form pays of it (``given``),
    the form, who takes which method, and the ``method`` chosen, or the first. ``cents`` and ``plan`` (cents by invoice
    id) are what the form asks for, or 0 and empty with the ``problem``."""

    whole: Offer
    given: Offer
    form: PayForm
    takers: Mapping[Method, Gateway]
    cents: int = 0
    plan: dict[int, int] = field(default_factory=dict)
    problem: Refused | None = None
    method: Method = field(init=False)

    def __post_init__(self) -> None:
        typed = self.form["method"].data
        self.method = next((each for each in self.takers if each.value == typed), next(iter(self.takers)))
        try:
            self.plan = self._chosen() if self.is_choosing else self._proposed()
        except Refused as problem:
            self.problem = problem
        self.cents = sum(self.plan.values())

    @property
    def fund(self) -> Fund:
        """Into whose account this form pays: the firm's own, or its clients'."""
        return self.given.fund

    @property
    def is_deposit(self) -> bool:
        return self.fund is Fund.TRUST

    @property
    def is_choosing(self) -> bool:
        return self.form.choose.data == "1"

    @property
    def gateway(self) -> Gateway:
        """Who takes the method chosen."""
        return self.takers[self.method]

    @property
    def manifest(self) -> Manifest:
        return manifest_of(self.gateway)

    @property
    def elsewhere(self) -> set[str]:
        """The methods whose fields this page cannot show, because another gateway takes them."""
        return {method.value for method, gateway in self.takers.items() if gateway.id != self.gateway.id}

    def renew(self) -> None:
        """A form that is drawn anew for another gateway's fields is another form."""
        key = self.form.key
        if not is_fragment_request() and drawn_for(key.data or "") not in {0, self.gateway.id}:
            key.data, self.form.token.data = new_key(self.gateway), ""

    @property
    def amounts(self) -> list[tuple[Payable, Field]]:
        """Each invoice with its amount field."""
        return [(item, self.form[amount_name(item)]) for item in self.given.payables]

    @property
    def rows(self) -> list[Payable]:
        """Each invoice in the order in which it is shown: of very many, those first that this payment clears."""
        if len(self.given.payables) <= MOST_ROWS:
            return list(self.given.payables)
        return sorted(self.given.payables, key=lambda item: item.item.id not in self.plan)

    @property
    def unfolded(self) -> int:
        """How many of the rows stand open."""
        every = len(self.given.payables)
        return every if every <= MOST_ROWS else min(len(self.plan), MOST_ROWS)

    def sum_of(self, rows: Sequence[Payable]) -> int:
        """What of this payment goes to some of the invoices."""
        return sum(self.plan.get(item.item.id, 0) for item in rows)

    def _proposed(self) -> dict[int, int]:
        typed = self.form["amount"]
        if typed.data is None:
            raise Refused((*typed.process_errors, "Enter an amount.")[0], "amount")
        payments.check_amount(self.given, typed.data)
        return payments.propose(self.given, typed.data)

    def _chosen(self) -> dict[int, int]:
        plan = {}
        for item, typed in self.amounts:
            if typed.process_errors:
                raise Refused(typed.process_errors[0], typed.name)
            if (typed.data or 0) > item.available_cents:
                most = money.show(item.available_cents, current_firm().money)
                raise Refused(f"This invoice can take up to {most} now.", typed.name)
            if typed.data:
                plan[item.item.id] = typed.data
        if not plan:
            first = next((typed.name for _, typed in self.amounts), "")  # none, when the only invoice is paid meanwhile
            raise Refused("Enter an amount for at least one invoice.", first)
        return plan


def new_key(gateway: Gateway) -> str:
    """The key of a new form. It says whose fields the page shows: their token is for that gateway alone."""
    return f"g{gateway.id}-{secrets.token_urlsafe(24)}"


def drawn_for(key: str) -> int:
    """The id of the gateway whose fields the form of ``key`` showed; 0 when the key does not say."""
    found = re.match(r"g([0-9]{1,18})-", key)
    return int(found[1]) if found else 0


def sent_key() -> str:
    """The key of the form that was sent; empty when it cannot be one of ours."""
    key = request.form.get("key", "")
    return key if KEY.match(key) else ""


def open_desk(me: Payer, takers: Mapping[Method, Gateway], fund: Fund) -> Desk:
    """The form as asked for: fresh, prefilled with all that can be paid; or with what was typed. A deposit is always
    paid alone, and so is the invoice of a link."""
    whole = me.offer(fund)
    is_deposit = fund is Fund.TRUST
    only = me.asked_deposit if is_deposit else me.invoice or part("invoice")
    choose = part("choose") == "1" and not is_deposit and me.link is None
    given = whole.only(only) if only or is_deposit else whole
    first = next(iter(takers))
    start = _prefilled(me, given) | {"key": new_key(takers[first]), "method": first.value}
    country = once.typed().get("country", start["country"])
    each = tuple((amount_name(item), f"Invoice {item.item.number}") for item in given.payables if choose)
    firm = current_firm()
    known = country if country in addresses.STATES else ""  # nothing typed is kept
    form = form_class(each, tuple(takers), known, firm.currency, firm.locale)(data=start)
    form.choose.data = "1" if choose else ""
    form.invoice.data, form.deposit.data = ("", only) if is_deposit else (only, "")
    return Desk(whole, given, form, takers)


def _prefilled(me: Payer, given: Offer) -> dict[str, Any]:
    """What stands in the fields before anything is typed: the address given last, all that can be paid. A link tells
    its holder neither name nor address."""
    billing = payments.last_billing(me.who) if once.asked().method == "GET" and me.link is None else None
    name, country = "" if me.link else me.who.name, addresses.home(current_firm().locale)
    address = {each: getattr(billing, each) for each in ADDRESS} if billing else {"name": name, "country": country}
    cents = _asked_cents(given)
    plan = payments.propose(given, cents)
    return address | {"amount": cents} | {amount_name(item): plan.get(item.item.id, 0) for item in given.payables}


def _asked_cents(given: Offer) -> int:
    """What was asked for so far, for a form that now asks in another way; all that can be paid when nothing was."""
    amount, typed, cents = part("amount"), once.typed(), 0
    each = [typed[name] for name in map(amount_name, given.payables) if name in typed]
    for text in filter(None, [amount] if amount else each):
        try:
            cents += money.parse(text, current_firm().money)
        except money.BadAmount:
            return given.available_cents
    return min(cents or given.available_cents, given.available_cents)
