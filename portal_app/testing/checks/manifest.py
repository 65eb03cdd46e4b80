"""The manifest, the settings and "Test connection": what the firm's administrator sees."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from importlib import resources
from typing import Any

from portal_app.plugin_api import Capability, Fields, Flow, Health, Mode
from portal_app.testing import KIT_VERSION
from portal_app.testing.bench import Bench, demand, fail
from portal_app.testing.line import Fault

NEEDED = ("gateway_validate_settings", "gateway_health", "gateway_lookup", "gateway_cancel", "gateway_redact")
OF_FLOW = {Flow.FIELDS: ("gateway_begin", "gateway_charge"), Flow.REDIRECT: ("gateway_begin", "gateway_return")}
OF_CAPABILITY = {
    Capability.REFUND: ("gateway_refund",), Capability.WEBHOOK: ("gateway_webhook",),
    Capability.LIST: ("gateway_list",), Capability.FEES: ("gateway_list", "gateway_ledger_lines"),
    Capability.PAYOUTS: ("gateway_list", "gateway_ledger_lines"),
}  # fmt: skip
KINDS = {"text", "url", "secret", "choice"}
SECRET = re.compile(r"secret|password|private|(?<!public_)(?<!publishable_)key$|token$")


class ManifestChecks(Bench):
    """What it says of itself."""

    def test_the_manifest_is_whole(self) -> None:
        """Id, title, summary, version, methods, funds and flows are there, and the same at each call."""
        told = self.manifest
        demand(re.fullmatch(r"[a-z][a-z0-9-]{1,38}", told.id), f"the id “{told.id}” is no short word in small letters")
        demand(told.title.strip() and len(told.title) <= 40, f"the title “{told.title}”")
        demand(len(told.summary.split()) >= 3, f"the summary “{told.summary}” says nothing")
        demand(told.methods and told.funds and told.flows, "no method, no fund or no flow")
        again = self.registry.call(told.id, "gateway_manifest")
        demand(again == told, "the manifest is another at each call")

    def test_the_version_is_the_packages(self) -> None:
        """The manifest's version is that of the installed distribution."""
        demand(re.match(r"\d+(\.\w+)*$", self.manifest.version), f"“{self.manifest.version}” is no version")
        top = type(self.gateway).__module__.partition(".")[0]
        names = importlib.metadata.packages_distributions().get(top, []) if top != "portal_app" else []
        for name in set(names):
            installed = importlib.metadata.version(name)
            demand(installed == self.manifest.version, f"{name} is {installed}, the manifest says otherwise")

    def test_the_manifest_names_this_kit(self) -> None:
        """``kit_version`` is that of the kit that these checks belong to."""
        said = self.manifest.kit_version
        demand(said == KIT_VERSION, f"it says kit “{said}”, and this is kit “{KIT_VERSION}”")

    def test_every_setting_can_be_filled_in(self) -> None:
        """Settings have names, labels and kinds of their own; choices have choices; defaults are among them."""
        names = [item.name for item in self.manifest.settings]
        demand(len(set(names)) == len(names), f"two settings have one name: {names}")
        for item in self.manifest.settings:
            demand(re.fullmatch(r"[a-z][a-z0-9_]*", item.name), f"the setting “{item.name}”")
            demand(item.label.strip() and item.label != item.name, f"“{item.name}” has no label for people")
            demand(item.kind in KINDS, f"“{item.name}” is of the kind “{item.kind}”")
            is_choice = item.kind == "choice"
            demand(bool(item.choices) == is_choice, f"“{item.name}”: choices belong to the kind “choice”")
            fits = not is_choice or item.default in {"", *(value for value, _ in item.choices)}
            demand(fits, f"“{item.name}”: its default is not among its choices")

    def test_secrets_are_declared_as_secrets(self) -> None:
        """What is named like a secret is of the kind ``secret`` (write-only, sealed), and has no default that works."""
        for item in self.manifest.settings:
            is_secret = SECRET.search(item.name) is not None
            demand(not is_secret or item.kind == "secret", f"“{item.name}” would be shown, and kept in the clear")
            is_bare = item.kind == "secret" and item.default and not self.manifest.is_rehearsal
            demand(not is_bare, f"“{item.name}” has a default that everybody knows")

    def test_every_declared_ability_has_its_hook(self) -> None:
        """Each flow and capability of the manifest has the hooks that it needs; payouts and fees come with the list."""
        able = self.manifest.capabilities
        wanted = [*NEEDED, *(hook for flow in self.manifest.flows for hook in OF_FLOW[flow])]
        wanted += [hook for capability in able for hook in OF_CAPABILITY.get(capability, ())]
        missing = sorted({hook for hook in wanted if not self._implements(hook)})
        demand(not missing, f"it has no {missing}")
        demand(Capability.PARTIAL_REFUND not in able or Capability.REFUND in able, "partial refunds without refunds")
        demand(not {Capability.FEES, Capability.PAYOUTS} & able or Capability.LIST in able, "fees without a list")

    def _implements(self, hook: str) -> bool:
        callers = self.registry.manager.get_hookcallers(self.gateway) or []
        return any(caller.name == hook for caller in callers)

    def test_every_hook_has_its_declaration(self) -> None:
        """A hook that is implemented is declared too: otherwise the host never calls it."""
        for capability in (Capability.REFUND, Capability.WEBHOOK, Capability.LIST):
            for hook in OF_CAPABILITY[capability]:
                is_idle = self._implements(hook) and capability not in self.manifest.capabilities
                demand(not is_idle, f"it implements {hook} and does not declare “{capability}”")

    def test_there_is_a_second_road(self) -> None:
        """A list or webhooks: without either, money taken while the portal was down would never be found."""
        both = {Capability.LIST, Capability.WEBHOOK}
        demand(both & self.manifest.capabilities, "neither a list nor webhooks")

    def test_webhook_events_are_named(self) -> None:
        """With webhooks, the events to tick at the gateway are named; without, none."""
        has = Capability.WEBHOOK in self.manifest.capabilities
        demand(bool(self.manifest.webhook_events) == has, f"webhooks: {has}, events: {self.manifest.webhook_events}")
        demand(all(self.manifest.webhook_events), "an event without a name")

    def test_no_state_of_the_world_is_in_the_manifest(self) -> None:
        """Asking for the manifest uses no network."""
        count = len(self.line.sent)
        self.registry.call(self.manifest.id, "gateway_manifest")
        demand(len(self.line.sent) == count and not self.net.tried, "gateway_manifest uses the network")

    def test_the_fields_module_is_in_the_package(self) -> None:
        """The script that mounts the fields is a file in the package's ``static`` folder; its origins are origins."""
        self.needs_flow(Flow.FIELDS)
        fields = self.call("gateway_begin", request=self.begin(Flow.FIELDS, reference="", amount_minor=0))
        demand(isinstance(fields, Fields), f"gateway_begin returned {type(fields).__name__}")
        packages = [_package(owner) for owner in type(self.gateway).__mro__ if owner is not object]
        is_there = any((resources.files(name) / "static" / fields.module).is_file() for name in packages)
        demand(is_there, f"there is no static/{fields.module} in {packages[0]}")
        for origin in (*fields.script_origins, *fields.frame_origins, *fields.connect_origins):
            demand(re.fullmatch(r"https?://[^/\s;,'\"*]+", origin), f"“{origin}” is no origin")
        demand(all(isinstance(value, str) for value in fields.config.values()), "config holds other than texts")

    # Settings and health

    def test_good_settings_have_no_problem(self) -> None:
        """The wire's own settings are found good, without the network."""
        problems = self.call("gateway_validate_settings")
        demand(problems == [], f"good settings, and it finds {problems}")

    def test_a_missing_setting_is_said_in_words(self) -> None:
        """Each required setting that is missing is a problem of that field, with a sentence."""
        for item in self.manifest.settings:
            if item.is_required and not item.default:
                given = {**self.wire.settings(), item.name: ""}
                problems = self.call("gateway_validate_settings", self.ctx(given))
                named = [problem for problem in problems if problem.field == item.name]
                demand(named, f"“{item.name}” is missing, and it finds {problems}")
                demand(len(named[0].message.split()) > 2, f"“{named[0].message}” is no sentence")

    def test_an_address_that_is_none_is_refused(self) -> None:
        """A url setting that is no web address is a problem, not an exception."""
        for item in self.manifest.settings:
            if item.kind == "url":
                for bad in ("ftp://x", "javascript:alert(1)", "nowhere", "http://", "https://a@b@c:x"):
                    ctx = self.ctx({**self.wire.settings(), item.name: bad})
                    demand(self.call("gateway_validate_settings", ctx), f"“{item.name}” may be “{bad}”")

    def test_good_settings_pass_the_connection_test(self) -> None:
        """“Test connection” is good with good settings, and names the accounts with fund and currency."""
        health = self.call("gateway_health")
        demand(isinstance(health, Health) and health.checks, f"it answers {health!r}")
        demand(health.is_ok, f"good settings, and it says {[c for c in health.checks if not c.is_ok]}")
        for account in health.accounts:
            demand(account.id and account.name, f"{account} has no id or name")
            demand(re.fullmatch(r"[A-Za-z]{3}", account.currency), f"the currency “{account.currency}”")
        funds = {account.fund for account in health.accounts}
        demand(funds <= set(self.manifest.funds), f"accounts for {funds}, declared {self.manifest.funds}")

    def test_a_bad_connection_fails_the_connection_test(self) -> None:
        """Refused, 401, 5xx, garbage: “Test connection” says so, in a check, without an exception."""
        for fault in (Fault.REFUSED, Fault.UNAUTHORIZED, Fault.ERROR_BEFORE, Fault.GARBAGE_AFTER, Fault.OBJECT_AFTER):
            self.line.arm(fault, lasts=True)
            try:
                health: Any = self.call("gateway_health")
            except Exception as problem:
                fail(f"{fault}: it raised {problem!r} instead of a check that failed")
            self.line.arm(None)
            demand(not health.is_ok, f"{fault}: it says that all is well")

    def test_live_and_test_keys_are_told_apart(self) -> None:
        """Where keys say their mode, a test key in live mode, and a live key in test mode, is a problem."""
        self.needs_control("live_settings")
        for settings, mode in ((self.wire.settings(), Mode.LIVE), (self.wire.live_settings(), Mode.TEST)):
            demand(self.call("gateway_validate_settings", self.ctx(settings, mode=mode)), f"a wrong key in {mode} mode")
        good = self.call("gateway_validate_settings", self.ctx(self.wire.live_settings(), mode=Mode.LIVE))
        demand(good == [], f"good live settings, and it finds {good}")


def _package(owner: type) -> str:
    """Where the host looks for the static files of a gateway of this class."""
    package = sys.modules[owner.__module__].__package__ or owner.__module__
    return package if package.startswith("portal_app.") else package.partition(".")[0]
