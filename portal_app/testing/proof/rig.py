"""The real portal on a database of its own, with one gateway whose side of the wire is a fake."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from unittest import mock

import pluggy

from portal_app import clock, config, create_app, db, founding, gateway_setup, gateways, hookspecs, plugins, worker
from portal_app.domain import deposits, invoices, ledger, matters, outbox, payments, people, sessions, timekeeping
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.invoices import Invoice
from portal_app.domain.payments import BankAccount, Payment
from portal_app.domain.people import FirmUser, PortalUser
from portal_app.plugin_api import PROJECT, Delivery, Fund, Manifest, Method, Mode, Outcome, OutcomeKind
from portal_app.testing.line import Line, plugged_in
from portal_app.testing.wire import Says, Taken, Wire
from portal_app.web import paper

ZONE = "America/Chicago"
SETTINGS = {"secret_key": "0123456789abcdef" * 4, "public_url": "http://localhost", "compress": "false"}
ROUNDS_MOST = 50
ANYTHING_OPEN = """
select 1 from attempt where resolved_at is null union all select 1 from refund where resolved_at is null
union all select 1 from outbox where done_at is null limit 1
"""


def quiet(_sql: str) -> None:
    """Nothing happens at this statement."""


class Killed(BaseException):
    """The portal's process dies here."""


@dataclass(frozen=True, slots=True)
class Payer:
    """A client with one open invoice, and a browser in which they are signed in."""

    who: PortalUser
    invoice: Invoice
    browser: Any

    @property
    def payments(self) -> list[Payment]:
        return list(Payment.select().where(Payment.portal_user == self.who.id).order_by(Payment.id))


class _Searching(plugins.Registry):
    """Calls as they are; but while the gateway's index is stale, what is searched for is not found."""

    def __init__(self, manager: pluggy.PluginManager, *, is_stale: Callable[[], bool]) -> None:
        super().__init__(manager)
        self.is_stale = is_stale

    def call(self, plugin: str, hook: str, **arguments: Any) -> Any:
        if hook == "gateway_lookup" and self.is_stale() and not arguments["query"].gateway_reference:
            return Outcome(kind=OutcomeKind.ABSENT)
        return super().call(plugin, hook, **arguments)


class Rig:
    """Use it as a context. ``database``: the address of an empty database; SQLite in ``folder`` without."""

    def __init__(self, gateway: object, wire: Wire, folder: Path, database: str = "") -> None:
        self.gateway, self.wire, self.folder, self.database = gateway, wire, folder, database
        self.line = Line(wire, watches=False)
        self.pulse: Callable[[str], None] = quiet
        self.heard = 0
        self.stale_until: dt.datetime | None = None

    def __enter__(self) -> Rig:
        self.stack = ExitStack()
        self.stack.enter_context(plugged_in(self.line))
        # Setting a page takes longer than all the rest, and no money hangs on what it looks like.
        self.stack.enter_context(mock.patch.object(paper, "_print", return_value=b"%PDF-1.7 a page"))
        self._advance = self.stack.enter_context(clock.frozen(self.wire.now().replace(tzinfo=None)))
        settings = config.load({}, data=str(self.folder), database=self.database, **SETTINGS)
        founding.open_data(settings)
        self.admin = founding.found(
            "Quillfeather & Larkspur LLP", admin_name="Carol Quillfeather", admin_email="carol@example.com",
            password=secrets.token_urlsafe(16), time_zone=ZONE, roles=["administrator", "attorney"],
        )  # fmt: skip
        self.restart()
        self.app: Any = create_app(settings, WTF_CSRF_ENABLED=False)
        self._watch_database()
        self._set_up()
        return self

    def __exit__(self, *_problem: object) -> None:
        self.stack.close()
        db.db.close()

    def _watch_database(self) -> None:
        """Every statement and every commit passes ``pulse`` first, which may end the process or the disk there."""
        database = db.db.obj
        execute, commit = database.execute_sql, database.commit

        def executed(sql: str, params: Any = None) -> Any:
            if not sql.startswith("ROLLBACK"):
                self.pulse(sql)
            return execute(sql, params)

        def committed() -> Any:
            self.pulse("COMMIT")
            return commit()

        self.stack.enter_context(mock.patch.object(database, "execute_sql", executed))
        self.stack.enter_context(mock.patch.object(database, "commit", committed))

    def restart(self) -> None:
        """The portal's process begins anew: its connection is another one, and plugins are found again."""
        self.pulse = quiet
        db.db.close()
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(hookspecs)
        registry = _Searching(manager, is_stale=lambda: self.is_stale)
        registry.add(self.gateway, "the gateway")
        if registry.broken:
            raise RuntimeError(f"the gateway cannot be loaded: {registry.broken}")
        self.manifest: Manifest = next(iter(registry.manifests.values()))
        plugins.use(registry)

    def _set_up(self) -> None:
        row = gateway_setup.save(self.manifest.id, self.wire.settings(), mode=Mode.TEST, by=self.admin)
        accounts = self.wire.merchant_accounts() or {
            account.fund: account.id for account in gateway_setup.test_connection(row).accounts
        }
        self.banks = {Fund(bank.fund): bank for bank in BankAccount.select()}
        for fund in accounts.keys() & self.banks.keys():
            gateway_setup.set_route(row, fund, accounts[fund], self.banks[fund])
        self.account, self.funds = accounts[Fund.OPERATING], frozenset(accounts)
        health = gateway_setup.test_connection(row)
        if not health.is_ok:
            raise RuntimeError(f"the gateway is not well: {health}")
        gateway_setup.enable(row, by=self.admin)
        self.hook = f"/webhooks/{row.code}/{row.webhook_secret}"

    # People and what they owe

    def payer(self, dollars: int = 500) -> Payer:
        """A new client who owes ``dollars`` on one invoice."""
        mark = secrets.token_hex(6)
        who = people.add_portal_user(email=f"{mark}@example.com", name=f"Client {mark}", time_zone=ZONE)
        who.password_hash, who.registered_at = "none", clock.now()
        with db.transaction():
            who.save()
        client = people.add_client(kind="person", name=f"Client {mark}", created_by=self.admin)
        day = clock.today(ZONE)
        matter = matters.open_matter(
            number="", name=f"Matter {mark}", client=client, opened_on=day, by=self.admin,
            responsible_attorney=self.admin,
        )  # fmt: skip
        matters.add_recipient(matter, who, by=self.admin, relation="client")
        return Payer(who, self.bill(matter, dollars), self.browser(who))

    def bill(self, matter: Any, dollars: int) -> Invoice:
        """One more invoice on a matter."""
        day = clock.today(ZONE)
        item = timekeeping.record(
            matter, kind="time", timekeeper=self.admin, worked_on=day, description="Work", quantity_hundredths=100,
            rate_cents=dollars * 100, by=self.admin,
        )  # fmt: skip
        draft = invoices.draft(matter, [item.id], by=self.admin)
        return invoices.issue(draft, issued_on=day, due_on=day + dt.timedelta(days=30), by=self.admin)

    def ask_deposit(self, payer: Payer, dollars: int) -> DepositRequest:
        """Ask for money in advance, into trust, for the payer's matter."""
        return deposits.ask(
            payer.invoice.matter, amount_cents=dollars * 100, purpose="Retainer", by=self.admin,
            due_on=clock.today(ZONE) + dt.timedelta(days=14), bank_account_id=self.banks[Fund.TRUST].id,
        )  # fmt: skip

    def browser(self, who: PortalUser | FirmUser) -> Any:
        found = self.app.test_client()
        self.sign_in(found, who)
        return found

    def sign_in(self, browser: Any, who: PortalUser | FirmUser) -> None:
        with browser.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = sessions.start(who), True

    # What a payer does

    def open_form(self, payer: Payer, deposit: str = "") -> dict[str, str]:
        """Pay Now as it is drawn, of one deposit if that is named; empty when nothing can be paid."""
        address = f"/portal/pay?deposit={deposit}" if deposit else "/portal/pay"
        answer = payer.browser.get(address)
        if answer.status_code != 200:  # signed out by time
            self.sign_in(payer.browser, payer.who)
            answer = payer.browser.get(address)
        found = dict(re.findall(r'name="(key|seen|deposit)"[^>]* value="([^"]*)"', answer.text))
        return found if "key" in found else {}

    def press(
        self, payer: Payer, form: dict[str, str], *, says: Says = Says.APPROVED, cents: int = 0,
        method: Method = Method.CARD, has_script: bool = True,
    ) -> Any:  # fmt: skip
        """Press Pay with a fresh card or account; what the form did not draw cannot be pressed."""
        if not form:
            return None
        amount = cents or payer.invoice.total_cents
        typed = {
            "amount": f"{amount // 100}.{amount % 100:02d}", "method": method.value, "name": payer.who.name,
            "address1": "48 Placeholder Lane", "city": "Springfield", "state": "IL", "postal_code": "62704",
            "country": "US", "token": self.token(says, method) if has_script else "",
        }  # fmt: skip
        return payer.browser.post("/portal/payments", data={**form, **typed, "seen": ""})

    def token(self, says: Says, method: Method) -> str:
        """Of a card or account for which the gateway says ``says``; one that it approves, where its fake knows none."""
        try:
            return self.wire.token(says, method)
        except BaseException as problem:  # pytest's skip, which is no Exception
            if says is Says.APPROVED or type(problem).__name__ != "Skipped":
                raise
            return self.wire.token(Says.APPROVED, method)

    # What time brings

    def go_on(self, by: dt.timedelta) -> None:
        """Time passes on both sides; then the worker does what is due."""
        self._advance(by)
        self.wire.advance(by)
        self.work()

    def set_clock_off(self, by: dt.timedelta) -> None:
        """The portal's clock jumps, forwards or backwards; the gateway's does not."""
        self._advance(by)

    def work(self) -> None:
        for _ in range(ROUNDS_MOST):
            if not db.db.execute_sql(ANYTHING_OPEN).fetchone():
                return  # nothing that the worker could find due: most of the proof's time went into finding that out
            if not gateways.recover(50) + gateways.recover_refunds(50) + outbox.run_due(worker.handlers(), 100):
                return
        raise RuntimeError("the worker finds no end")

    def new_deliveries(self) -> list[Delivery]:
        """What the gateway has sent and the portal has not heard."""
        found = list(self.wire.deliveries())
        fresh, self.heard = found[self.heard :], len(found)
        return fresh

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Post them to the webhook's address, as the gateway does."""
        for each in deliveries:
            self.app.test_client().post(self.hook, data=each.body, headers=dict(each.headers))

    def deliver_beside(self) -> None:
        """Deliver what there is in another thread, while a request of a payer is still under way."""
        fresh = self.new_deliveries()

        def post() -> None:
            self.deliver(fresh)
            db.db.close()

        thread = Thread(target=post)
        thread.start()
        thread.join()

    @property
    def is_stale(self) -> bool:
        return self.stale_until is not None and clock.now() < self.stale_until

    @contextmanager
    def stale_index(self, is_stale: bool) -> Iterator[None]:
        """The gateway's index does not show what is made now, for as long as its manifest says that it may."""
        if is_stale:
            horizon = dt.timedelta(seconds=max(self.manifest.absence_horizon_seconds - 1, 1))
            self.stale_until = clock.now() + horizon
        yield
        self.stale_until = None

    # What has come of it

    def taken_of(self, payer: Payer) -> list[Taken]:
        """Charges in the gateway's own books for this payer's attempts."""
        references = {gateways.attempt_of(payment).reference for payment in payer.payments}
        return [row for row in self.wire.charges() if row.reference in references]

    def owed_on(self, payer: Payer) -> int:
        return ledger.invoice_balance(payer.invoice.id)


def is_held(payment: Payment) -> bool:
    return payment.state in payments.HOLDING
