"""Statelessness: a plugin is one object for all its accounts, and remembers nothing between calls."""

from __future__ import annotations

import inspect
import sys
from collections import deque
from collections.abc import Iterator
from typing import Any

from portal_app.plugin_api import Context, OutcomeKind, Told
from portal_app.testing.bench import Bench, demand, fail, in_parallel, query_of
from portal_app.testing.wire import Says

OBSERVERS = ("payment_changed", "refund_changed", "dispute_changed", "ledger_posted", "document_shared")
GROWING = (dict, list, set, deque, bytearray)


class StateChecks(Bench):
    """Two accounts of one plugin, and what is left in memory."""

    def _other(self) -> Context:
        """Another account of the same plugin: every secret is another."""
        secrets = {item.name for item in self.manifest.settings if item.kind == "secret"}
        given = {
            name: f"{value}Other" if name in secrets and value else value
            for name, value in self.wire.settings().items()
        }
        return self.ctx(given, gateway=f"{self.manifest.id}-2")

    def _belongs(self, first: int, is_other: bool) -> None:
        """Requests from number ``first`` on carry the secrets of one account alone."""
        for sent in self.line.sent[first:]:
            words = _decoded(sent.headers) + sent.body.decode("latin-1")
            for secret in self.secrets():
                has_other = f"{secret}Other" in words
                has_own = secret in words.replace(f"{secret}Other", "")
                demand(not (has_other if not is_other else has_own), "a call carries another account's secret")

    def test_two_accounts_one_after_the_other_do_not_mix(self) -> None:
        """Each call carries the secrets of its own context, whichever account was called before."""
        one, other = self.ctx(), self._other()
        request = self.request()
        for ctx, is_other in ((one, False), (other, True), (one, False), (other, True)):
            first = len(self.line.sent)
            self.ask("gateway_charge", ctx, request=request)
            self.ask("gateway_lookup", ctx, query=query_of(request))
            self._belongs(first, is_other)

    def test_a_call_inside_a_call_does_not_mix(self) -> None:
        """While one account's request is on its way, another account is called: the first goes on as itself."""
        one, other = self.ctx(), self._other()
        request, inner = self.request(), self.request()
        depth: list[int] = []

        def meanwhile() -> None:
            if not depth:
                depth.append(1)
                self.ask("gateway_lookup", other, query=query_of(inner))
                del depth[:]
                marks.append(len(self.line.sent))

        marks: list[int] = []
        self.line.before = meanwhile
        self.ask("gateway_charge", one, request=request)
        self.line.before = lambda: None
        demand(marks, "the charge sent no request")
        own = [sent for sent in self.line.sent if request.reference in sent.url + sent.body.decode("latin-1")]
        for sent in own:
            words = _decoded(sent.headers) + sent.body.decode("latin-1")
            for secret in self.secrets():
                demand(f"{secret}Other" not in words, "a call went on with another account's secret")

    def test_two_accounts_in_parallel_do_not_mix(self) -> None:
        """Calls for two accounts at the same moment each carry their own secrets."""
        contexts = [self.ctx(), self._other()]
        requests = [self.request() for _ in range(20)]
        self.line.watches = False
        in_parallel(20, lambda n: self.ask("gateway_charge", contexts[n % 2], request=requests[n]))
        for number, request in enumerate(requests):
            for sent in self.line.sent:
                words = sent.url + _decoded(sent.headers) + sent.body.decode("latin-1")
                if request.reference in words:
                    has_other = any(f"{secret}Other" in words for secret in self.secrets())
                    demand(has_other == bool(number % 2) or not self.secrets(), "accounts are mixed")

    def test_another_account_finds_nothing_of_this_one(self) -> None:
        """A look-up with another account's key is never answered from memory."""
        request, outcome = self.charge()
        demand(outcome.kind is not OutcomeKind.UNKNOWN, f"a good charge is unknown{self.why()}")
        count = len(self.line.sent)
        self.ask("gateway_lookup", query=query_of(request))
        demand(len(self.line.sent) > count, "the look-up asked nobody: it was answered from memory")

    def test_nothing_is_remembered_between_calls(self) -> None:
        """The gateway object and its modules hold after many calls what they held before."""
        self._work()  # what is filled once, at first need, is filled by now
        before = dict(_holds(self.gateway))
        self._work()
        after = dict(_holds(self.gateway))
        changed = sorted(name for name in after if after[name] != before.get(name))
        demand(not changed, f"it remembers something in {changed}")

    def test_a_new_process_knows_what_the_old_one_knew(self) -> None:
        """After a restart a charge is found as before: nothing needed was in memory alone."""
        request, outcome = self.charge()
        declined, said = self.charge(Says.DECLINED)
        self.restart()
        found = self.ask("gateway_lookup", query=query_of(request))
        demand(found.kind is outcome.kind, f"it was “{outcome.kind}”, after a restart it is “{found.kind}”")
        again = self.look(declined, said)
        demand(again.kind is not OutcomeKind.SUCCEEDED, "declined, and after a restart paid")

    def test_being_told_raises_nothing(self) -> None:
        """What it is told after the commit it takes calmly, twice too, and asks nobody on a socket of its own."""
        for hook in OBSERVERS:
            for state in ("succeeded", "succeeded", "a state of another version"):
                told = Told(id=1, state=state, at=self.wire.now(), gateway=self.manifest.id)
                try:
                    for _, observe in self.registry.observers(hook):
                        observe(told=told)
                except Exception as problem:
                    fail(f"{hook}: it raised {problem!r}")
        demand(not self.net.tried and not self.net.slept, "it keeps other work waiting")

    def _work(self) -> None:
        for _ in range(2):
            request, outcome = self.charge()
            self.look(request, outcome)
            self.call("gateway_health")


def _decoded(headers: dict[str, str]) -> str:
    """Headers as text, Basic credentials in the clear."""
    import base64
    import binascii

    words = []
    for value in headers.values():
        words.append(value)
        if value.lower().startswith("basic "):
            try:
                words.append(base64.b64decode(value[6:]).decode("latin-1"))
            except binascii.Error:
                continue
    return "\n".join(words)


def _holds(gateway: object) -> Iterator[tuple[str, str]]:
    """All that grows or changes in the object, its class, and the modules of its package."""
    top = type(gateway).__module__.rpartition(".")[0] or type(gateway).__module__
    yield "the gateway object", repr(sorted(getattr(gateway, "__dict__", {}).items()))
    for name, module in list(sys.modules.items()):
        if name == top or name.startswith(f"{top}."):
            yield from _held(name, vars(module))
            for cls_name, cls in list(vars(module).items()):
                if inspect.isclass(cls) and cls.__module__ == name:
                    yield from _held(f"{name}.{cls_name}", dict(vars(cls)))


def _held(owner: str, names: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in list(names.items()):
        if isinstance(value, (*GROWING, str, int, type(None))) and not name.startswith("__"):
            yield f"{owner}.{name}", repr(value)
