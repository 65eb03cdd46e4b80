"""All that a plugin may import: values in, values out.

A gateway plugin turns a request for money into an answer about money. It never sees a table, a session or a Flask
object. Every value here is a frozen dataclass; amounts are integers in the currency's minor unit (cents for USD).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

import pluggy

PROJECT = "portal_app"
ENTRY_POINT_GROUP = "portal_app.plugins"
hookimpl = pluggy.HookimplMarker(PROJECT)

_EMPTY: Mapping[str, str] = MappingProxyType({})


class Fund(StrEnum):
    """Whose money it is: the firm's (operating) or a client's held by the firm (trust)."""

    OPERATING = "operating"
    TRUST = "trust"


class Method(StrEnum):
    """What the payer pays with."""

    CARD = "card"
    BANK = "bank"


class Mode(StrEnum):
    """Whether real money can move."""

    TEST = "test"
    LIVE = "live"


class Flow(StrEnum):
    """How the payer gives the card: in the gateway's own fields on our page, or on the gateway's own page."""

    FIELDS = "fields"
    REDIRECT = "redirect"


class OutcomeKind(StrEnum):
    """What is known of a charge. Anything not provably otherwise is ``UNKNOWN``."""

    SUCCEEDED = "succeeded"
    PENDING = "pending"
    ACTION_REQUIRED = "action_required"
    DECLINED = "declined"
    CANCELED = "canceled"
    NOT_SUBMITTED = "not_submitted"
    UNKNOWN = "unknown"
    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingField:
    """One field of a gateway's settings page. ``kind``: text, url, secret (write-only) or choice."""

    name: str
    label: str
    help: str = ""
    kind: str = "text"
    choices: tuple[tuple[str, str], ...] = ()
    default: str = ""
    is_required: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class TestMethod:
    """A number that a rehearsal gateway answers in a known way, shown to people who rehearse."""

    number: str
    says: str
    method: Method = Method.CARD

    __test__ = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a gateway is and can do. ``absence_horizon_seconds``: how long after sending a charge the gateway may
    still fail to list it; before that, "not found" proves nothing."""

    id: str
    title: str
    summary: str
    version: str
    methods: tuple[Method, ...]
    funds: tuple[Fund, ...]
    flows: tuple[Flow, ...]
    settings: tuple[SettingField, ...]
    absence_horizon_seconds: int
    is_rehearsal: bool = False
    test_methods: tuple[TestMethod, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A setting that cannot be right, found without asking the network."""

    field: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that "Test connection" looked at."""

    label: str
    is_ok: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MerchantAccount:
    """An account at the gateway and the fund that it pays into."""

    id: str
    name: str
    fund: Fund
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """The answer to "Test connection"."""

    checks: tuple[Check, ...]
    accounts: tuple[MerchantAccount, ...] = ()

    @property
    def is_ok(self) -> bool:
        return all(check.is_ok for check in self.checks)


@dataclass(frozen=True, kw_only=True, slots=True)
class BillingAddress:
    """The payer's address as typed; ``country`` is ISO 3166-1 alpha-2."""

    name: str
    address1: str
    city: str
    state: str
    postal_code: str
    address2: str = ""
    country: str = "US"


@dataclass(frozen=True, kw_only=True, slots=True)
class BeginRequest:
    """A payment that is about to be taken. ``reference`` is empty while a form is only being drawn."""

    flow: Flow
    method: Method
    currency: str
    fund: Fund
    merchant_account: str
    page_origin: str
    amount_minor: int = 0
    reference: str = ""
    description: str = ""
    return_url: str = ""
    billing: BillingAddress | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """The gateway's own card fields on our page.

    ``module`` is the plugin's script (path inside its ``static`` folder): it mounts the fields in the host's
    container with ``config`` and answers the ``portal:tokenize`` event with a one-time token. The origins are
    added to the content security policy of that page alone.
    """

    module: str
    config: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    script_origins: tuple[str, ...] = ()
    frame_origins: tuple[str, ...] = ()
    connect_origins: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Redirect:
    """The gateway's own page: send the browser there, it comes back to ``return_url``."""

    url: str
    gateway_reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargeRequest:
    """Take exactly this money, once. ``reference`` is the attempt's id and the idempotency key."""

    reference: str
    amount_minor: int
    currency: str
    token: str
    method: Method
    fund: Fund
    merchant_account: str
    return_url: str
    description: str
    billing: BillingAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupQuery:
    """Ask what became of the attempt ``reference``. ``args`` are the query of a return visit: never trusted."""

    reference: str
    merchant_account: str
    gateway_reference: str = ""
    args: Mapping[str, str] = field(default_factory=lambda: _EMPTY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The gateway's answer. For succeeded and pending, the amount, currency and account that it really took.

    ``method_summary`` is what a receipt may say ("Card ending 4242"); ``message`` is a plain sentence for the
    payer; ``payload`` is the redacted raw answer, kept as evidence.
    """

    kind: OutcomeKind
    gateway_reference: str = ""
    amount_minor: int | None = None
    currency: str = ""
    merchant_account: str = ""
    method_summary: str = ""
    code: str = ""
    message: str = ""
    redirect_url: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


class NeverSent(Exception):
    """The request provably did not reach the gateway (name not found, connection refused)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """What came back over the wire. ``json()`` raises ``ValueError`` on anything but a JSON object."""

    status: int
    body: bytes
    json: Callable[[], dict[str, Any]]


class Http(Protocol):
    """The host's HTTP client: time limit, verified TLS, no redirects, allowed hosts, redacted log.

    Raises ``NeverSent`` when nothing was sent; any other exception means that nobody knows.
    """

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Response: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a hook is called with: this gateway's settings (secrets in the clear), its mode, and the host's wire.

    ``companion_url`` is the address under which the host serves the plugin's companion, if it has one;
    ``data_dir`` is a folder of the plugin's own for that companion.
    """

    settings: Mapping[str, str]
    mode: Mode
    http: Http
    companion_url: str = ""
    data_dir: str = ""


WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
