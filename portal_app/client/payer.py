"""Who pays, and where: a portal user signed in on Pay Now, or whoever holds the link to one invoice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import urlencode

from flask import g, redirect, request, session
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import pay_links, payments
from portal_app.domain.errors import LinkUnusable
from portal_app.domain.pay_links import PayLink
from portal_app.domain.payments import Offer, Payment
from portal_app.domain.people import PortalUser
from portal_app.plugin_api import Fund
from portal_app.web.login import portal_user
from portal_app.web.once import part

P = ParamSpec("P")
R = TypeVar("R")
CARRIED = "pay"  # the cookie's name for the link of somebody who went to a gateway's own page


@dataclass(frozen=True, slots=True)
class Payer:
    """``who`` pays; ``pay`` and ``payments`` are the addresses of the form and of what became of it, ``home`` where
    they go back to. With a ``link`` only its invoice is there, and nothing else of ``who`` is shown."""

    who: PortalUser
    link: PayLink | None = None
    token: str = ""

    @property
    def root(self) -> str:
        return f"/pay/{self.token}" if self.link else "/portal"

    @property
    def pay(self) -> str:
        return f"{self.root}/now" if self.link else "/portal/pay"

    @property
    def payments(self) -> str:
        return f"{self.root}/payments"

    @property
    def home(self) -> str:
        return self.root

    @property
    def home_words(self) -> str:
        return "Back to the invoice" if self.link else "Back to home"

    @property
    def layout(self) -> str:
        return "layout/guest.html" if self.link else "layout/client.html"

    @property
    def held(self) -> PayLink:
        """The link, on the pages that only its holder reaches."""
        if self.link is None:
            raise LinkUnusable
        return self.link

    @property
    def acting(self) -> str | None:
        """The actor of the audit trail: whoever holds the link need not be the one whom it was made for."""
        return f"link:{self.link.id}" if self.link else None

    @property
    def address(self) -> str:
        """Where letters go, in words that tell a stranger nothing."""
        return "the address that the invoice was sent to" if self.link else str(self.who.email)

    @property
    def throttle(self) -> str:
        """A link that is passed around must not keep its person from paying."""
        return f"link:{self.link.id}" if self.link else str(self.who.id)

    @property
    def invoice(self) -> str:
        """The public id of the only invoice there is, or nothing."""
        return str(self.link.invoice.public_id) if self.link else ""

    @property
    def asked_deposit(self) -> str:
        """The public id of the deposit that is to be paid; a link pays none."""
        return "" if self.link else part("deposit")

    def offer(self, fund: Fund = Fund.OPERATING) -> Offer:
        """What can be paid here."""
        whole = payments.offer(self.who, fund)
        return whole.only(self.invoice) if self.link else whole

    def find_payment(self, public_id: str) -> Payment:
        """One of theirs; through a link only those that were made through it."""
        if self.link is not None and not pay_links.has_payment(self.link, public_id):
            raise Payment.DoesNotExist
        return payments.find_for(self.who, public_id)

    def note(self, payment: Payment) -> Payment:
        """Whoever holds the link may see what becomes of the payment."""
        if self.link is not None:
            pay_links.note_payment(self.link, payment)
        return payment


def payer() -> Payer:
    """Who pays in this request: the guest whose link it is, or the portal user signed in."""
    guest: Payer | None = g.get("payer")
    return guest or Payer(portal_user())


def greet(token: str) -> Payer:
    """The holder of a link is the payer of this request. Raises ``LinkUnusable``."""
    g.payer = Payer((link := pay_links.find(token)).portal_user, link, token)
    return payer()


def greet_again(token: str) -> Payer | None:
    """As :func:`greet`; ``None`` when the link no longer works."""
    try:
        return greet(token)
    except LinkUnusable:
        return None


def guests_too(view: Callable[P, R]) -> Callable[P, R | AnyResponse]:
    """The gateway's page leads everybody back to one address: whoever paid by a link in this browser goes on to their
    own. It stands above ``client_only``."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R | AnyResponse:
        public_id = str(kwargs.get("public_id", ""))
        me = greet_again(session.get(CARRIED, ""))
        if me is not None and me.link is not None and pay_links.has_payment(me.link, public_id):
            query = f"?{urlencode(list(request.args.items(multi=True)))}" if request.args else ""
            return redirect(f"{me.payments}/{public_id}/return{query}", 303)
        return view(*args, **kwargs)

    return checked
