"""Paying in the demo as a browser would: the card goes to the rehearsal gateway itself, the portal gets a token."""

from __future__ import annotations

import socket
from dataclasses import replace
from types import TracebackType
from typing import Self

from portal_app import config, gateway_setup, gateways, plugins
from portal_app.config import Config
from portal_app.domain import payments
from portal_app.domain.errors import Refused
from portal_app.domain.payments import BankAccount, Gateway, Order, Payment, Refund
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.outbound import Outbound, hosts_of
from portal_app.plugin_api import BillingAddress, ChargeRequest, Flow, Fund, Method, Mode
from portal_app.serving import Beside, open_companion

PLUGIN = "sandbox"
BANK = {"routing": "110000000", "account": "000123456789"}


class Checkout:
    """The rehearsal gateway, served while the demo is filled."""

    def __init__(self, settings: Config) -> None:
        # A port of its own: the portal's companion may listen on the usual one a moment later.
        self.before, self.settings = settings, replace(settings, companion_port=_free_port())
        server = open_companion(self.settings, PLUGIN) if PLUGIN in plugins.registry().manifests else None
        if server is None:
            raise Refused("The demo needs the rehearsal gateway, the plugin portal-sandbox, to be installed.")
        self.server = server
        self.url = self.settings.own_companion_url
        self.ask = Outbound(hosts_of(self.url))
        self.paid = 0

    def __enter__(self) -> Self:
        config.use(self.settings)
        self.beside = Beside(self.server)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        config.use(self.before)
        self.beside.stop()

    def set_up(self, by: FirmUser) -> None:
        """Enable the gateway as an administrator does: save, map accounts, test, switch on."""
        gateway = gateway_setup.save(PLUGIN, {}, mode=Mode.TEST, by=by)
        for fund in Fund:
            account = BankAccount.get(BankAccount.fund == fund.value)
            gateway_setup.set_route(gateway, fund, f"{PLUGIN}-{fund.value}", account)
        gateway_setup.test_connection(gateway)
        gateway_setup.enable(gateway, by=by)

    def pay(
        self, who: PortalUser, cents: int, card: str = "", *, plan: dict[int, int] | None = None, street: str,
        fund: Fund = Fund.OPERATING,
    ) -> Payment:  # fmt: skip
        """Pay ``cents``, with the test card or, without one, from a bank account."""
        self.paid += 1
        order = Order(
            key=f"demo-{self.paid}", amount_cents=cents, plan=plan or {}, flow=Flow.FIELDS,
            method=Method.CARD if card else Method.BANK,
            billing=_billing(who.name, street), fund=fund,
        )  # fmt: skip
        payment = payments.start(who, Gateway.get(Gateway.plugin == PLUGIN), order)
        return gateways.charge(payment, self._token(card))

    def give_back(self, payment: Payment, cents: int, reason: str, by: FirmUser) -> Refund:
        """Give a part of a payment back; its invoice is owed again by as much."""
        refund = payments.start_refund(
            payment, amount_cents=cents, expected_left_cents=payments.refundable_cents(payment), is_owed_again=True,
            reason=reason, key=f"demo-refund-{payment.id}", by=by,
        )  # fmt: skip
        return gateways.refund(refund)

    def take_elsewhere(self, cents: int, card: str, *, name: str, street: str) -> None:
        """A charge that the firm makes at the gateway without the portal, which finds it in the gateway's list."""
        gateway = Gateway.get(Gateway.plugin == PLUGIN)
        request = ChargeRequest(
            reference="demo-by-phone", amount_minor=cents, currency="USD", method=Method.CARD, fund=Fund.OPERATING,
            merchant_account=f"{PLUGIN}-{Fund.OPERATING.value}", token=self._token(card), description="By phone",
            return_url=f"{self.settings.own_companion_url}/", billing=_billing(name, street),
        )  # fmt: skip
        # Not the portal's own charge: nobody tells the portal of it.
        elsewhere = replace(gateway_setup.context(gateway), webhook_url="")
        plugins.registry().call(PLUGIN, "gateway_charge", ctx=elsewhere, request=request)
        gateways.sweep(gateway)

    def _token(self, card: str) -> str:
        fields = {"method": "card", "number": card, "expires": "12 / 49", "code": "123"} if card else BANK
        answer = self.ask("POST", f"{self.url}/v1/tokens", json={"method": "bank", **fields})
        return str(answer.json()["id"])


def _billing(name: str, street: str) -> BillingAddress:
    return BillingAddress(name=name, address1=street, city="Springfield", state="IL", postal_code="62704")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
