"""What a gateway says of itself, of its settings and of its connection."""

from __future__ import annotations

from dataclasses import dataclass

from portal_app.plugin_api.words import Capability, Flow, Fund, Method


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
    """What a gateway is and can do.

    ``absence_horizon_seconds``: how long after sending a charge or refund the gateway may still fail to list it;
    before that, "not found" proves nothing. ``webhook_events`` are to be ticked at the gateway. ``kit_version`` is the
    version of the conformance kit that its tests passed with.
    """

    id: str
    title: str
    summary: str
    version: str
    methods: tuple[Method, ...]
    funds: tuple[Fund, ...]
    flows: tuple[Flow, ...]
    settings: tuple[SettingField, ...]
    absence_horizon_seconds: int
    capabilities: frozenset[Capability] = frozenset()
    webhook_events: tuple[str, ...] = ()
    kit_version: str = ""
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
