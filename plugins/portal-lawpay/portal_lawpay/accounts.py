"""The firm's accounts at LawPay: cards and eChecks have accounts of their own, and each is trust or operating.

The portal routes the money of a fund to one merchant account. Here that is a pair, written ``CARDS+ECHECKS``: the id of
the account that takes cards, and of the one that takes eChecks. One id alone takes what that account takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portal_app.plugin_api import Check, Fund, Health, MerchantAccount, Method
from portal_lawpay.api import Api, Told

_LISTS = {Method.CARD: "merchant_accounts", Method.BANK: "ach_accounts"}
_FLAGS = {True: Fund.TRUST, False: Fund.OPERATING}
_KINDS = {Method.CARD: "cards", Method.BANK: "eChecks"}
MOST = 100


@dataclass(frozen=True, slots=True)
class Route:
    """Where the portal sends the money of one fund; ``text`` is how the portal writes it."""

    text: str

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(filter(None, self.text.split("+")))

    def account_for(self, method: Method) -> str:
        """The id of the account that takes this method; empty when there is none."""
        if "+" not in self.text:
            return self.text
        cards, _, banks = self.text.partition("+")
        return cards if method is Method.CARD else banks

    def seen_as(self, account_id: str) -> str:
        """How the portal knows the account that took the money: as itself, unless it is one of this route's."""
        return self.text if account_id in self.ids else account_id


@dataclass(frozen=True, slots=True)
class Account:
    """One of LawPay's. ``fund`` is None when LawPay does not say whether it is a trust account."""

    id: str
    name: str
    method: Method
    fund: Fund | None
    currency: str


def accounts(merchant: Told) -> list[Account]:
    """Every account of the answer to ``GET merchant`` that has an id."""
    return [
        account for method, name in _LISTS.items() if isinstance(merchant.get(name), list)
        for account in (_account(each, method) for each in merchant[name][:MOST] if isinstance(each, dict))
        if account.id
    ]  # fmt: skip


def _account(told: Told, method: Method) -> Account:
    flag = told.get("trust_account")
    texts = {name: told[name] if isinstance(told.get(name), str) else "" for name in ("id", "name", "currency")}
    fund = _FLAGS[flag] if isinstance(flag, bool) else None
    return Account(texts["id"], texts["name"] or texts["id"], method, fund, texts["currency"].upper())


def pairs(known: list[Account]) -> Iterator[MerchantAccount]:
    """What a fund can be routed to: an account for cards with one for eChecks, of the same fund and currency."""
    told = [account for account in known if account.fund is not None]
    cards = [account for account in told if account.method is Method.CARD]
    banks = [account for account in told if account.method is Method.BANK]
    for card in cards:
        fitting = [bank for bank in banks if (bank.fund, bank.currency) == (card.fund, card.currency)]
        for bank in fitting:
            yield _merchant_account(f"{card.id}+{bank.id}", f"{card.name}, eChecks to {bank.name}", card)
        if not fitting:
            yield _merchant_account(f"{card.id}+", f"{card.name}, cards only", card)
    for bank in banks:
        if not any((card.fund, card.currency) == (bank.fund, bank.currency) for card in cards):
            yield _merchant_account(f"+{bank.id}", f"{bank.name}, eChecks only", bank)


def _merchant_account(id: str, name: str, like: Account) -> MerchantAccount:
    return MerchantAccount(id=id, name=name, fund=like.fund or Fund.OPERATING, currency=like.currency)


def misfit(merchant: Told, account_id: str, *, method: Method, fund: Fund, currency: str) -> str:
    """Why this money may not go to this account: a code, empty when it may. What LawPay does not say is no yes."""
    account = next((each for each in accounts(merchant) if each.id == account_id), None)
    if account is None:
        return "account_unknown"
    if account.method is not method:
        return "account_of_other_method"
    if account.fund is not fund:
        return "account_of_other_fund"
    return "" if account.currency == currency.upper() else "account_of_other_currency"


def health(merchant: Told, public: Api) -> Health:
    """The answer to "Test connection", with what ``GET merchant`` said under the secret key."""
    known = accounts(merchant)
    found = tuple(pairs(known))
    name = merchant.get("name")
    checks = [
        Check(label="Reaches LawPay", is_ok=True),
        Check(label="Secret key is accepted", is_ok=True, detail=f"It is the key of {name}." if name else ""),
        _public_key(public),
    ]
    for fund in Fund:
        names = "; ".join(account.name for account in found if account.fund is fund)
        detail = names or f"This key knows none: {fund} money cannot be taken with it."
        checks.append(Check(label=f"Account for {fund} money", is_ok=bool(names) or fund is Fund.TRUST, detail=detail))
    checks += [
        Check(
            label=f"{account.name} ({_KINDS[account.method]}) is left out", is_ok=True,
            detail="LawPay does not say whether it is a trust account.",
        )
        for account in known if account.fund is None
    ]  # fmt: skip
    return Health(checks=tuple(checks), accounts=found)


def _public_key(public: Api) -> Check:
    """Browsers see this key: it must not open what only the secret key opens."""
    label = "Public key opens nothing"
    try:
        status = public.get("merchant").status
    except Exception:
        return Check(label=label, is_ok=False, detail="LawPay gave no answer. Try again in a minute.")
    if 200 <= status < 300:
        detail = "This is a secret key: everybody who opens Pay Now would see it. Put the public key here."
        return Check(label=label, is_ok=False, detail=detail)
    is_ok = 400 <= status < 500 and status not in {408, 429}
    return Check(label=label, is_ok=is_ok, detail="" if is_ok else f"LawPay answered {status}. Try again in a minute.")


def no_health(label: str, detail: str) -> Health:
    return Health(checks=(Check(label=label, is_ok=False, detail=detail),))
