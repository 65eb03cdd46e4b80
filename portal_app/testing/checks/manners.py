"""Secrets and HTTP manners: what leaves the plugin, on which road, and what it leaves behind."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from portal_app.plugin_api import Capability, Context, Flow, Mode, Outcome
from portal_app.testing.bench import BILLING, Bench, demand, query_of
from portal_app.testing.line import Fault
from portal_app.testing.wire import Says

MOST_REQUESTS = 6  # of one hook: more is a storm


class MannerChecks(Bench):
    """The wire and the words."""

    def _round(self) -> list[Outcome]:
        """A bit of everything: charge, decline, look-ups, refund, with faults between."""
        request, outcome = self.charge()
        declined, said = self.charge(Says.DECLINED)
        found = [outcome, said, self.look(request), self.look(declined, said)]
        if Capability.REFUND in self.manifest.capabilities:
            found.append(self.ask("gateway_refund", request=self.refund_of(request, outcome, request.amount_minor)))
        for fault in (Fault.UNAUTHORIZED, Fault.GARBAGE_AFTER, Fault.ERROR_BEFORE, Fault.LOST_AFTER, Fault.REFUSED):
            self.line.arm(fault, lasts=True)
            found.append(self.charge()[1])
            found.append(self.look(request))
            self._health()
            self.line.arm(None)
        return found

    def _health(self) -> Any:
        try:
            return self.call("gateway_health")
        except Exception as problem:
            self.problems.append(problem)
            return None

    def _hunt(self, text: str, where: str) -> None:
        for secret in self.secrets():
            demand(secret not in text, f"a secret is in {where}")

    def test_no_secret_is_in_an_address(self) -> None:
        """Keys go in headers or bodies, never in a URL, where every proxy writes them down."""
        self._round()
        for sent in self.line.sent:
            self._hunt(sent.url, f"the address {sent.method} {sent.url.partition('?')[0]}")

    def test_no_secret_is_in_the_log(self) -> None:
        """Nothing that the plugin or its libraries log holds a secret, at any level."""
        self._round()
        self._hunt(self.log.getvalue(), "the log")

    def test_no_secret_is_in_an_outcome_or_its_evidence(self) -> None:
        """Outcomes, messages and redacted payloads hold no secret, and health says none on its page."""
        for outcome in self._round():
            self._hunt(json.dumps(asdict(outcome), default=str), f"an outcome “{outcome.kind}”")
        health = self._health()
        self._hunt(repr(health), "the answer to “Test connection”")

    def test_no_secret_is_in_an_exception(self) -> None:
        """The text of an exception goes to the log: no secret is in it."""
        self._round()
        for problem in self.problems:
            chain: BaseException | None = problem
            while chain is not None:
                self._hunt(f"{chain!r} {chain}", f"{type(chain).__name__}'s text")
                chain = chain.__cause__ or chain.__context__

    def test_no_secret_is_in_what_a_page_gets(self) -> None:
        """What Pay Now draws (the fields' module and config) holds no secret key."""
        self.needs_flow(Flow.FIELDS)
        fields = self.call("gateway_begin", request=self.begin(Flow.FIELDS, reference="", amount_minor=0))
        self._hunt(f"{fields.module} {dict(fields.config)} {fields.script_origins}", "the payer's page")

    def test_evidence_is_redacted(self) -> None:
        """What is kept of an answer holds neither the token nor the payer's name, address or whole number."""
        request, outcome = self.charge()
        kept = json.dumps(dict(outcome.payload), default=str, ensure_ascii=False)
        for word in (request.token, BILLING.address1, BILLING.address2, BILLING.name):
            demand(word not in kept, f"“{word}” is kept as evidence")

    def test_redaction_takes_out_what_it_must_not_keep(self) -> None:
        """``gateway_redact`` takes secrets, numbers and addresses out of any payload, also of one it did not expect."""
        planted: dict[str, Any] = {
            "card": {"number": "4242424242424242", "cvv": "987"}, "number": "4242424242424242", "cvc": "987",
            "billing_details": {"address": {"line1": BILLING.address1}}, "api_key": "planted-key-1",
            "authorization": "Bearer planted-key-1", "client_secret": "planted-key-1", "account_number": "000123456789",
        }  # fmt: skip
        kept = json.dumps(self.call("gateway_redact", payload=planted), default=str)
        for word in ("4242424242424242", "planted-key-1", "000123456789", BILLING.address1):
            demand(word not in kept, f"“{word}” stays in the evidence")
        odd = self.call("gateway_redact", payload={"list": [1, [2, {"number": "4242424242424242"}]], "none": None})
        demand("4242424242424242" not in json.dumps(odd, default=str), "a card number deep in a list stays")

    def test_only_the_hosts_of_its_settings_are_called(self) -> None:
        """It calls the hosts of its own settings and nobody else; the host would refuse the rest."""
        from portal_app.outbound import HostNotAllowed

        self._round()
        self._health()
        foreign = [problem for problem in self.problems if isinstance(problem, HostNotAllowed)]
        demand(not foreign, f"it tried to reach {foreign[0] if foreign else ''}")

    def test_it_calls_through_the_hosts_client_alone(self) -> None:
        """No socket of its own: only ``ctx.http`` has the host's limits, rules and log."""
        self._round()
        self._health()
        demand(not self.net.tried, f"it went around ctx.http, to {self.net.tried[:3]}")

    def test_it_does_not_sleep_or_storm(self) -> None:
        """On 429, 5xx and time-outs it neither waits by itself nor tries again and again: the host does that."""
        for fault in (Fault.TOO_MANY, Fault.ERROR_BEFORE, Fault.LOST_BEFORE):
            request = self.request()
            for hook in ("gateway_charge", "gateway_lookup"):
                count = len(self.line.sent)
                self.line.arm(fault, lasts=True)
                given: Any = {"request": request} if hook == "gateway_charge" else {"query": query_of(request)}
                self.ask(hook, **given)
                self.line.arm(None)
                made = len(self.line.sent) - count
                demand(made <= MOST_REQUESTS, f"{fault}: {hook} sent {made} requests")
        demand(not self.net.slept, f"it sleeps: {self.net.slept[:3]} seconds")

    def test_live_mode_is_tls_only(self) -> None:
        """In live mode an address without TLS is refused when it is saved."""
        fields = [item.name for item in self.manifest.settings if item.kind == "url"]
        for name in fields:
            plain = {**self.wire.live_settings(), name: "http://gateway.example.test/v1"}
            ctx = self.ctx(plain, mode=Mode.LIVE)
            demand(self.call("gateway_validate_settings", ctx), f"live, “{name}” may be http://…")

    def test_live_calls_go_over_tls(self) -> None:
        """What is sent in live mode is sent by https."""
        if self.manifest.is_rehearsal:
            problems = self.call("gateway_validate_settings", self.ctx(mode=Mode.LIVE))
            demand(problems, "a rehearsal gateway can be set to live mode")
            return
        ctx = self.ctx(self.wire.live_settings(), mode=Mode.LIVE)
        self.ask("gateway_lookup", ctx, query=query_of(self.request()))
        plain = [sent.url for sent in self.line.sent if sent.url.startswith("http://")]
        demand(not plain, f"without TLS: {plain[:1]}")

    def test_drawing_a_page_asks_nobody(self) -> None:
        """The manifest, the fields of Pay Now and the check of the settings use no network."""
        count = len(self.line.sent)
        self.call("gateway_validate_settings")
        self.registry.call(self.manifest.id, "gateway_manifest")
        self.line.arm(Fault.REFUSED, lasts=True)
        if Flow.FIELDS in self.manifest.flows:
            self._draw(self.ctx())
        demand(len(self.line.sent) == count, f"it asked {[sent.url for sent in self.line.sent[count:]]}")

    def _draw(self, ctx: Context) -> None:
        from portal_app.plugin_api import BeginRequest, Fund

        request = BeginRequest(
            flow=Flow.FIELDS, method=self.manifest.methods[0], fund=Fund.OPERATING,
            page_origin="https://portal.example.test", merchant_account="x", currency="USD",
        )  # fmt: skip
        self.call("gateway_begin", ctx, request=request)

    def test_what_goes_out_is_well_formed(self) -> None:
        """Odd names and addresses arrive as they were typed: bodies are encoded, not pasted together."""
        request, outcome = self.charge()
        demand(self.taken(request.reference), f"with {BILLING.name!r} as payer nothing was taken{self.why()}")
        odd = self.request(description='“Quote\\" & Söhne” <script>\n; DROP 100 %', reference="a&b=c/d?#%20+1")
        self.ask("gateway_charge", request=odd)
        demand(self.taken(odd.reference), f"an odd reference or description breaks the charge{self.why()}")
        found = self.look(odd)
        demand(found.kind is outcome.kind, f"an odd reference is looked up as “{found.kind}”{self.why()}")

    # What is left behind

    def test_no_thread_is_left(self) -> None:
        """Every thread that it began has ended."""
        before = set(threading.enumerate())
        self._round()
        left = [thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()]
        demand(not left, f"threads are left: {left}")

    def test_no_file_is_left(self) -> None:
        """No open file, and no new file where the program runs or in the plugin's folder."""
        with contextlib.chdir(self.folder):
            self._round()  # whatever is opened once, such as certificates, is open by now
            opened = _open_files()
            self._round()
        made = sorted(path.name for path in self.folder.rglob("*"))
        demand(not made, f"new files: {made[:3]}")
        demand(_open_files() <= opened, f"{_open_files()} files are open, {opened} were")


def _open_files() -> int:
    folder = Path("/dev/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0
