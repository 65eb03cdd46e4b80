"""The gateway's side of the wire, as the kit wants it faked: a WSGI application, its books, and controls.

Faults of the line (lost answers, errors before and after taking, garbage, refused connections, 401, 429) are the
kit's own: it plays them between the plugin and the application. A fake offers what only the gateway's side can do.
"""

# ruff: noqa: ARG002  the parameters that a fake is given

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from portal_app.plugin_api import Delivery, Fund, Method


class Says(StrEnum):
    """What the gateway will say to a charge with a token: the fake knows a card or account for each.

    ``UNMAPPED``: it answers with a status that its documentation does not list. ``LESS``: it takes one minor unit
    less than asked, and says so.
    """

    APPROVED = "approved"
    DECLINED = "declined"
    PENDING = "pending"
    ACTION_REQUIRED = "action_required"
    UNMAPPED = "unmapped"
    LESS = "less"


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A charge for which money was taken, or is on its way, in the fake's own books; amounts in minor units."""

    reference: str
    gateway_reference: str
    amount_minor: int
    currency: str
    merchant_account: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """Money given back, or on its way back, in the fake's own books; of a void: all of the charge."""

    reference: str
    gateway_reference: str
    charge_gateway_reference: str
    amount_minor: int
    is_void: bool = False


def not_offered(control: str) -> NoReturn:
    """Skip the check: the fake has no such control."""
    import pytest

    pytest.skip(f"the wire has no {control}")


class Wire:
    """Subclass it over your fake. The first five are needed; leave out of the rest what your fake cannot do.

    ``lag_seconds``: how long the gateway's list may lag behind, at worst. ``most_minor``: the largest amount that it
    takes. ``repeats_refunds_safely``: the gateway itself recognises a refund that is sent twice.
    """

    lag_seconds = 0
    most_minor = 99_999_999
    repeats_refunds_safely = True

    # Needed

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The gateway's API as a WSGI application, whatever its host name."""
        raise NotImplementedError

    def settings(self) -> Mapping[str, str]:
        """The plugin's settings, good and complete, for an account of this gateway in test mode."""
        raise NotImplementedError

    def token(self, says: Says, method: Method) -> str:
        """A fresh one-time token of a card or bank account for which the gateway will say ``says``; for what the fake
        cannot play, ``return super().token(says, method)``, which skips the check."""
        not_offered(f"token for “{says}” by {method}")

    def charges(self) -> Sequence[Taken]:
        """All money that it has taken since it was made (not what was declined, also what was given back since)."""
        raise NotImplementedError

    def now(self) -> dt.datetime:
        """Its clock, aware."""
        return dt.datetime.now(dt.UTC)

    def close(self) -> None:
        """The check is over: let go of files and threads, if it has any."""

    # What it can tell

    def live_settings(self) -> Mapping[str, str]:
        """Settings for live mode, when the gateway tells live from test by its keys."""
        return self.settings()

    def merchant_accounts(self) -> Mapping[Fund, str]:
        """The account that money of each fund is to go to; without it, what ``gateway_health`` says is taken."""
        return {}

    def refunds(self) -> Sequence[Given]:
        """All money that it has given back, voids included."""
        not_offered("refunds()")

    def deliveries(self) -> Sequence[Delivery]:
        """Every webhook that it has sent since it was made, as it was sent, the oldest first."""
        not_offered("deliveries()")

    def sign(self, body: bytes, at: dt.datetime, *, is_forged: bool = False) -> Mapping[str, str]:
        """The headers of a webhook with this body, signed at that moment; ``is_forged``: with another account's
        secret. Leave it out when the gateway does not sign."""
        not_offered("sign()")

    def unauthorized(self) -> tuple[int, bytes]:
        """Status and body of its answer to a wrong key."""
        return 401, b'{"error": {"code": "unauthorized", "message": "Invalid key"}}'

    # What it can be made to do

    def advance(self, by: dt.timedelta) -> None:
        """Let its time go on."""
        not_offered("advance()")

    def lag(self, is_lagging: bool) -> None:
        """From now on, its lists and searches do not show what comes anew; off: they show everything again."""
        not_offered("lag()")

    def approve(self, gateway_reference: str) -> None:
        """The payer confirms a charge that waits for it (3-D Secure); too late changes nothing."""
        not_offered("approve()")

    def pay_page(self, url: str) -> None:
        """The payer pays on the gateway's own page at ``url``; too late changes nothing."""
        not_offered("pay_page()")

    def settle(self, gateway_reference: str) -> None:
        """A pending charge or refund is settled."""
        not_offered("settle()")

    def give_back_debit(self, gateway_reference: str) -> None:
        """The payer's bank returns a bank debit, settled or not."""
        not_offered("give_back_debit()")

    def open_dispute(self, gateway_reference: str) -> None:
        """The payer's bank takes a charge back, all of it."""
        not_offered("open_dispute()")

    def decide_dispute(self, gateway_reference: str, *, is_won: bool) -> None:
        """The dispute of this charge is decided; won: for the firm."""
        not_offered("decide_dispute()")

    def take_elsewhere(self, merchant_account: str, amount_minor: int) -> str:
        """A charge that was not made through the portal, at the gateway's own terminal; returns its id."""
        not_offered("take_elsewhere()")

    def pay_out(self) -> None:
        """The gateway pays what it holds to the bank."""
        not_offered("pay_out()")

    def fail_payout(self) -> None:
        """The firm's bank sends the last payout back: the gateway holds its money again."""
        not_offered("fail_payout()")
