"""What every check works with: the author's gateway, called as the host calls it, over a line to the author's wire."""

from __future__ import annotations

import datetime as dt
import io
import logging
import secrets
import socket
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import pytest

from portal_app.plugin_api import (
    BeginRequest,
    BillingAddress,
    Capability,
    ChargeRequest,
    Context,
    Flow,
    Fund,
    LookupQuery,
    Manifest,
    MerchantAccount,
    Method,
    Mode,
    NeverSent,
    Outcome,
    OutcomeKind,
    RefundRequest,
    Subject,
)
from portal_app.testing.line import Line, plugged_in
from portal_app.testing.wire import Given, Says, Taken, Wire

PORTAL = "https://portal.example.test"
AMOUNT = 12_345
BILLING = BillingAddress(
    name="Zoë O'Brien-Łukasz", address1="48 Placeholder Lane & Sons", address2="Suite #4%", city="Springfield",
    state="IL", postal_code="62704",
)  # fmt: skip
FREE = frozenset(
    {OutcomeKind.DECLINED, OutcomeKind.CANCELED, OutcomeKind.NOT_SUBMITTED, OutcomeKind.ABSENT, OutcomeKind.RETURNED}
)
"""What would make the host free the amount and let the payer pay again."""
OPEN = frozenset({OutcomeKind.PENDING, OutcomeKind.ACTION_REQUIRED, OutcomeKind.UNKNOWN})


class ConformanceError(AssertionError):
    """The gateway does not do what the check demands."""


def demand(is_so: object, sentence: str) -> None:
    """Fail the check with a sentence when it is not so."""
    __tracebackhide__ = True
    if not is_so:
        raise ConformanceError(sentence)


def fail(sentence: str) -> NoReturn:
    """Fail the check."""
    __tracebackhide__ = True
    raise ConformanceError(sentence)


class Net:
    """The machine's own network and clock, which a plugin has no business with: what it tried is kept."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.slept: list[str] = []

    def connect(self, *address: Any) -> NoReturn:
        self.tried.append(str(address[-1]))
        raise OSError("the network is not for plugins: use ctx.http")

    def sleep(self, seconds: Any) -> None:
        self.slept.append(str(seconds))


class Bench:
    """Calls hooks as the host does: addressed, through the registry, the answers checked and redacted."""

    is_gateway_kit = True

    def make_gateway(self) -> object:
        """The plugin's gateway, as its entry point names it."""
        raise NotImplementedError

    def make_wire(self) -> Wire:
        """A fresh fake of the gateway's side, with empty books."""
        raise NotImplementedError

    def setup_method(self) -> None:
        """Before each check: everything new. pytest calls it; whoever runs a check otherwise must."""
        from portal_app import vault

        self.stack = ExitStack()
        self.wire = self.make_wire()
        self.stack.callback(self.wire.close)
        self.line = Line(self.wire)
        self.net, self.log = Net(), io.StringIO()
        self.problems: list[Exception] = []
        self.sent_at: dict[str, dt.datetime] = {}  # by reference, as the host would know it
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.stack.enter_context(plugged_in(self.line))
        self.stack.enter_context(mock.patch.object(socket.socket, "connect", self.net.connect))
        self.stack.enter_context(mock.patch.object(time, "sleep", self.net.sleep))
        # The host keeps the secrets that it has used out of its words; what is looked at here is the plugin's own.
        self.stack.enter_context(mock.patch.object(vault, "_seen", OrderedDict()))
        self._keep_log()
        self.restart()

    def teardown_method(self) -> None:
        self.stack.close()

    def restart(self) -> None:
        """The portal's process begins anew: a new registry with the gateway as its entry point gives it."""
        import pluggy

        from portal_app import hookspecs, plugins
        from portal_app.plugin_api import PROJECT

        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(hookspecs)
        self.gateway = self.make_gateway()
        self.registry = plugins.Registry(manager)
        self.registry.add(self.gateway, "the gateway")
        demand(not self.registry.broken, f"the host cannot load it: {self.registry.broken}")
        self.manifest: Manifest = next(iter(self.registry.manifests.values()))

    def _keep_log(self) -> None:
        handler, root = logging.StreamHandler(self.log), logging.getLogger()
        before = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        self.stack.callback(root.setLevel, before)
        self.stack.callback(root.removeHandler, handler)

    # Calling

    def ctx(self, settings: Mapping[str, str] | None = None, **changes: Any) -> Context:
        """What the host would call a hook with: the host's own client, to the hosts of the settings alone."""
        from portal_app.outbound import Outbound, hosts_of

        given = {item.name: item.default for item in self.manifest.settings} | dict(settings or self.wire.settings())
        urls = [given.get(item.name, "") for item in self.manifest.settings if item.kind == "url"]
        values: dict[str, Any] = {
            "mode": Mode.TEST, "now": self.wire.now(), "gateway": self.manifest.id,
            "webhook_url": f"{PORTAL}/webhooks/{self.manifest.id}/not-guessed",
            "companion_url": "https://companion.example.test",
        }  # fmt: skip
        values |= changes
        http = values.pop("http", None) or Outbound(hosts_of(*urls, values["companion_url"]))
        return Context(settings=given, http=http, **values)

    def call(self, hook: str, ctx: Context | None = None, **arguments: Any) -> Any:
        """One addressed call, as it is. Raises whatever the plugin raises."""
        return self.registry.call(self.manifest.id, hook, ctx=ctx or self.ctx(), **arguments)

    def ask(self, hook: str, ctx: Context | None = None, **arguments: Any) -> Outcome:
        """One addressed call as the host makes it: any exception is ``unknown``, but for what was never sent."""
        from portal_app.gateway_answers import FIRST, checked

        ctx = ctx or self.ctx()
        try:
            answer = self.call(hook, ctx, **arguments)
            return checked(hook, answer, lambda payload: self.call("gateway_redact", ctx, payload=payload))
        except NeverSent as problem:
            self.problems.append(problem)
            return Outcome(kind=OutcomeKind.NOT_SUBMITTED if hook in FIRST else OutcomeKind.UNKNOWN)
        except Exception as problem:
            self.problems.append(problem)
            return Outcome(kind=OutcomeKind.UNKNOWN)

    def why(self) -> str:
        """The last exception of the plugin, for the sentence of a failed check."""
        return f" (it raised {self.problems[-1]!r})" if self.problems else ""

    # What there is to work with

    def needs(self, capability: Capability) -> None:
        if capability not in self.manifest.capabilities:
            pytest.skip(f"the manifest does not declare “{capability}”")

    def needs_flow(self, flow: Flow) -> None:
        if flow not in self.manifest.flows:
            pytest.skip(f"the manifest does not declare the flow “{flow}”")

    def needs_method(self, method: Method) -> None:
        if method not in self.manifest.methods:
            pytest.skip(f"the manifest does not declare the method “{method}”")

    def has(self, control: str) -> bool:
        """Whether the author's wire has this control."""
        return getattr(type(self.wire), control) is not getattr(Wire, control)

    def needs_control(self, control: str) -> None:
        if not self.has(control):
            pytest.skip(f"the wire has no {control}()")

    @cached_property
    def accounts(self) -> tuple[MerchantAccount, ...]:
        health = self.call("gateway_health")
        demand(health.accounts, f"gateway_health names no merchant account: {health}")
        return tuple(health.accounts)

    def account(self, fund: Fund = Fund.OPERATING) -> MerchantAccount:
        """The account of this fund that the wire names, or the first that the gateway has; a skip when it has none."""
        named = self.wire.merchant_accounts().get(fund)
        for account in self.accounts:
            if account.fund is fund and named in {None, account.id}:
                return account
        pytest.skip(f"the gateway has no account for {fund} money")

    def funds(self) -> list[Fund]:
        """The funds that the manifest declares and the gateway has an account for, trust money first."""
        held = {account.fund for account in self.accounts}
        return [fund for fund in (Fund.TRUST, Fund.OPERATING) if fund in self.manifest.funds and fund in held]

    def secrets(self) -> list[str]:
        """The values that must appear nowhere but in the requests to the gateway."""
        given = self.wire.settings()
        found = [given.get(item.name, "") for item in self.manifest.settings if item.kind == "secret"]
        return [value for value in found if len(value) >= 4]

    # Money

    def request(self, says: Says = Says.APPROVED, **changes: Any) -> ChargeRequest:
        """A charge that the host could ask for."""
        self.needs_flow(Flow.FIELDS)
        method = changes.pop("method", None) or self.manifest.methods[0]
        fund = changes.get("fund", Fund.OPERATING)
        values: dict[str, Any] = {
            "reference": secrets.token_hex(16), "amount_minor": AMOUNT, "fund": fund, "method": method,
            "return_url": f"{PORTAL}/portal/payments/x/return", "billing": BILLING,
            "description": "Example & Larkspur LLP, invoice 2026-0412",
        }  # fmt: skip
        if "merchant_account" not in changes or "currency" not in changes:
            account = self.account(fund)
            values |= {"merchant_account": account.id, "currency": account.currency}
        made = ChargeRequest(token=self.wire.token(says, method), **values | changes)
        self.sent_at[made.reference] = self.wire.now()
        return made

    def charge(self, says: Says = Says.APPROVED, **changes: Any) -> tuple[ChargeRequest, Outcome]:
        request = self.request(says, **changes)
        return request, self.ask("gateway_charge", request=request)

    def begin(self, flow: Flow, **changes: Any) -> BeginRequest:
        """What the host asks before a payment."""
        account = self.account()
        values: dict[str, Any] = {
            "method": self.manifest.methods[0], "currency": account.currency, "fund": Fund.OPERATING,
            "merchant_account": account.id, "page_origin": PORTAL, "amount_minor": AMOUNT, "billing": BILLING,
            "reference": secrets.token_hex(16), "description": "Example & Larkspur LLP, invoice 2026-0412",
            "return_url": f"{PORTAL}/portal/payments/x/return",
        }  # fmt: skip
        return BeginRequest(flow=flow, **values | changes)

    def taking_request(self, *, is_count: bool = False) -> int:
        """Which of a charge's requests takes the money, counted from 0, found by making one; or how many there are."""
        self.line.arm(None)
        request = self.request()
        first = len(self.line.sent)
        self.ask("gateway_charge", request=request)
        made = self.line.sent[first:]
        demand(self.taken(request.reference), f"a good charge took nothing{self.why()}")
        return len(made) if is_count else next(n for n, sent in enumerate(made) if sent.has_moved)

    def paid(self, **changes: Any) -> tuple[ChargeRequest, Outcome]:
        """A charge that succeeded; bank debits are settled first."""
        request, outcome = self.charge(**changes)
        if outcome.kind is OutcomeKind.PENDING:
            self.wire.settle(outcome.gateway_reference)
            outcome = self.look(request, outcome)
        demand(outcome.kind is OutcomeKind.SUCCEEDED, f"a good charge is “{outcome.kind}”{self.why()}")
        return request, outcome

    def look(self, request: Any, outcome: Outcome | None = None) -> Outcome:
        """Ask what became of a charge: by our reference, and by the gateway's where the host would know it."""
        query = query_of(request, outcome, submitted_at=self.sent_at.get(request.reference))
        return self.ask("gateway_lookup", query=query)

    def taken(self, reference: str) -> list[Taken]:
        return [row for row in self.wire.charges() if row.reference == reference]

    def refund_of(self, request: ChargeRequest, charged: Outcome, amount: int, before: int = 0) -> RefundRequest:
        """A refund that the host could ask for."""
        made = RefundRequest(
            reference=secrets.token_hex(16), amount_minor=amount, currency=request.currency,
            charge_reference=request.reference, charge_gateway_reference=charged.gateway_reference,
            merchant_account=request.merchant_account, method=request.method, fund=request.fund,
            charged_minor=request.amount_minor, refunded_minor=before, charged_at=self.wire.now(), reason="Overpaid",
        )  # fmt: skip
        self.sent_at[made.reference] = self.wire.now()
        return made

    def given(self, charged: Outcome) -> list[Given]:
        """What the gateway has given back of this charge, by its own books."""
        mine = charged.gateway_reference
        return [row for row in self.wire.refunds() if row.charge_gateway_reference == mine]

    def look_refund(self, request: RefundRequest, outcome: Outcome | None = None) -> Outcome:
        query = LookupQuery(
            reference=request.reference, merchant_account=request.merchant_account, subject=Subject.REFUND,
            gateway_reference=outcome.gateway_reference if outcome else "",
            charge_reference=request.charge_reference, charge_gateway_reference=request.charge_gateway_reference,
            submitted_at=self.sent_at.get(request.reference),
        )  # fmt: skip
        return self.ask("gateway_lookup", query=query)

    def demand_true(self, outcome: Outcome, request: Any) -> None:
        """The outcome says of the charge exactly what is in the gateway's books."""
        rows = self.taken(request.reference)
        demand(len(rows) == 1, f"the gateway took {len(rows)} charges for one reference")
        said = (outcome.amount_minor, outcome.currency.upper(), outcome.merchant_account, outcome.gateway_reference)
        really = (rows[0].amount_minor, rows[0].currency.upper(), rows[0].merchant_account, rows[0].gateway_reference)
        demand(said == really, f"it says {said}, but the gateway's books say {really}")


def query_of(request: Any, outcome: Outcome | None = None, **changes: Any) -> LookupQuery:
    known = outcome.gateway_reference if outcome else ""
    query = LookupQuery(
        reference=request.reference, merchant_account=request.merchant_account, gateway_reference=known
    )  # fmt: skip
    return replace(query, **changes)


def in_parallel(count: int, work: Any) -> list[Any]:
    """``work(number)`` in ``count`` threads at the same moment; their answers."""
    gate, found = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        gate.wait()
        found[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)
