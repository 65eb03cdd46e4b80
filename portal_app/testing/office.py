"""A small firm on a database of its own, with the author's gateway switched on: the real portal for the kit's flows."""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from portal_app.plugin_api import BillingAddress, Delivery, Flow, Fund, Method, Mode
from portal_app.testing import server as databases
from portal_app.testing.line import Line

ZONE = "America/Chicago"
PASSWORD = "three grey herons wait"  # noqa: S105  of a firm that lasts for one check
OWED = 200_000  # in two invoices
POINTS = ("written", "submitting", "asked", "taken", "answered", "posting")


class Made(NamedTuple):
    """A firm that was made once: its data folder, and its database on a server, if it has one."""

    folder: Path
    server: str
    database: str


_made: dict[tuple[str, str, str], Made] = {}


class Killed(BaseException):
    """The process has ended at this point, as if the power had gone."""


class Office:
    """The firm, one payer who owes two invoices, and what people do there. Its books are in SQLite, or in a database
    of its own on the PostgreSQL ``server``."""

    def __init__(self, folder: Path, now: dt.datetime, currency: str, stack: ExitStack, server: str = "") -> None:
        from portal_app import clock, config, founding, plugins
        from portal_app.db import db

        stack.callback(_put_back, list(plugins._registry), list(config._active), db.obj)
        self.move = stack.enter_context(clock.frozen(now.replace(tzinfo=None)))
        template = _template(now, currency, server)
        shutil.copytree(template.folder, folder, dirs_exist_ok=True)
        self.database = ""
        if server:
            name = f"portal_kit_{secrets.token_hex(6)}"
            self.database = databases.create(server, name, template.database)
            stack.callback(databases.drop, server, name)
        self.settings = _settings(folder, self.database)
        self.app: Any = None  # the portal's web application, made at the first webhook
        founding.open_data(self.settings)

    def open(
        self, registry: Any, settings: Mapping[str, str], accounts: Mapping[Fund, str], mode: Mode = Mode.TEST
    ) -> None:
        """Set the gateway up as an administrator does: settings, accounts, test of the connection, on."""
        from portal_app import gateway_setup, plugins
        from portal_app.domain.payments import BankAccount
        from portal_app.domain.people import FirmUser, PortalUser

        plugins.use(registry)
        self.staff, self.payer = FirmUser.get(), PortalUser.get()
        plugin = next(iter(registry.manifests))
        self.gateway = gateway_setup.save(plugin, dict(settings), mode=mode, by=self.staff)
        for fund, account in accounts.items():
            gateway_setup.set_route(self.gateway, fund, account, BankAccount.get(BankAccount.fund == fund.value))
        health = gateway_setup.test_connection(self.gateway)
        if not health.is_ok:
            raise AssertionError(f"the host's test of the connection fails: {health.checks}")
        gateway_setup.enable(self.gateway, by=self.staff)

    def restart(self, registry: Any) -> None:
        """A new process on the same data."""
        from portal_app import founding, plugins
        from portal_app.db import db

        db.close()
        plugins.use(registry)
        founding.open_data(self.settings)
        self.app = None

    def copied(self, folder: Path) -> None:
        """Somebody has copied the data folder to another machine, and starts the portal there."""
        from portal_app import founding
        from portal_app.db import db

        db.close()
        shutil.copytree(self.settings.data_dir, folder)
        self.settings, self.app = _settings(folder, self.database), None
        founding.open_data(self.settings)

    # What people do

    def order(self, cents: int, method: Method, key: str = "one", flow: Flow = Flow.FIELDS) -> Any:
        from portal_app.domain import payments

        billing = BillingAddress(
            name="Alice Vasquez", address1="48 Placeholder Lane", city="Springfield", state="IL", postal_code="62704"
        )
        order = payments.Order(key=key, amount_cents=cents, plan={}, method=method, flow=flow, billing=billing)
        return payments.start(self.payer, self.gateway, order)

    def refund(self, payment: Any, cents: int, key: str = "refund") -> Any:
        from portal_app import gateways
        from portal_app.domain import payments

        left = payments.refundable_cents(self.fresh(payment))
        row = payments.start_refund(
            payment, amount_cents=cents, expected_left_cents=left, is_owed_again=True, reason="Overpaid", key=key,
            by=self.staff,
        )  # fmt: skip
        return gateways.refund(row)

    def deliver(self, delivery: Delivery) -> int:
        """Post a webhook to the portal's real address for it; returns the status. What was stored is looked into."""
        from urllib.parse import urlsplit

        from portal_app import create_app, gateway_setup, gateways
        from portal_app.domain.payments import GatewayEvent

        app = self.app = self.app or create_app(self.settings, TESTING=True)
        path = urlsplit(gateway_setup.webhook_url(self.gateway)).path
        answer = app.test_client().post(path, data=delivery.body, headers=dict(delivery.headers))
        for event in GatewayEvent.select().where(GatewayEvent.processed_at.is_null()):
            gateways.look_into(event.id)
        return int(answer.status_code)

    def recover(self) -> None:
        from portal_app import gateways

        gateways.recover()
        gateways.recover_refunds()

    # What stands in the books

    def fresh(self, row: Any) -> Any:
        return type(row).get_by_id(row.id)

    def clearing(self) -> int:
        """Cents that the gateway holds for the firm, by the firm's books."""
        from portal_app.domain import ledger

        return ledger.account_balance(ledger.clearing(str(self.gateway.code)))

    def owed(self) -> int:
        """Cents that the payer owes, by the firm's books."""
        from portal_app.domain import ledger
        from portal_app.domain.matters import Matter

        matter = Matter.get()
        return ledger.matter_balances([matter]).get(matter.id, 0)

    def available(self) -> int:
        """Cents that the payer can pay now: what is owed, less what is held by payments under way."""
        from portal_app.domain import payments

        return int(payments.offer(self.payer).available_cents)

    def stored(self) -> bytes:
        """Everything that the database holds, as it lies there."""
        from portal_app.db import db

        if not self.database:
            return b"".join(path.read_bytes() for path in sorted(self.settings.data_dir.glob("portal.sqlite3*")))
        names = db.get_tables()
        each = (f'SELECT each::text FROM "{name}" each' for name in names)  # noqa: S608  names of our own
        rows = (db.execute_sql(query).fetchall() for query in each)
        return "\n".join(text for found in rows for (text,) in found).encode()

    def faults(self) -> list[str]:
        """What ``portal verify`` finds."""
        from portal_app.verify import verify

        return verify().faults


@contextmanager
def killed_at(point: str, line: Line) -> Iterator[None]:
    """The process ends at this point of a charge; what it had not committed is lost. One of ``POINTS``."""
    from portal_app import plugins
    from portal_app.domain import ledger

    def die() -> None:
        raise Killed

    def die_if_moved() -> None:
        if line.sent[-1].has_moved:
            raise Killed

    call = plugins.Registry.call
    plans: dict[str, tuple[Any, str, Callable[..., Any]]] = {
        "submitting": (plugins.Registry, "call", _dying(call, is_after=False)),
        "asked": (line, "before", die),
        "taken": (line, "after", die_if_moved),
        "answered": (plugins.Registry, "call", _dying(call, is_after=True)),
        "posting": (ledger, "post", _then_die(ledger.post)),
    }
    with mock.patch.object(*plans[point]):
        try:
            yield
        except Killed:
            return


def _dying(call: Callable[..., Any], *, is_after: bool) -> Callable[..., Any]:
    def dying(self: Any, plugin: str, hook: str, **arguments: Any) -> Any:
        if hook not in {"gateway_charge", "gateway_refund"}:
            return call(self, plugin, hook, **arguments)
        if is_after:
            call(self, plugin, hook, **arguments)
        raise Killed

    return dying


def _then_die(action: Callable[..., Any]) -> Callable[..., Any]:
    def dying(*args: Any, **named: Any) -> None:
        action(*args, **named)
        raise Killed

    return dying


def _settings(folder: Path, database: str = "") -> Any:
    from portal_app import config

    database = database or f"sqlite:///{folder / 'portal.sqlite3'}"
    return config.load({}, data=str(folder), database=database, secret_key="0123456789abcdef" * 4, compress="false")


def _template(now: dt.datetime, currency: str, server: str) -> Made:
    """The firm, made once for a day and a currency, and copied for each check."""
    from portal_app import founding
    from portal_app.db import db

    key = (f"{now:%Y-%m-%d}", currency, server)
    if key not in _made:
        made = Made(Path(tempfile.mkdtemp()), server, f"portal_kit_{secrets.token_hex(6)}" if server else "")
        founding.open_data(_settings(made.folder, databases.create(server, made.database) if server else ""))
        _found(currency)
        db.close()
        _made[key] = made
    return _made[key]


def forget() -> None:
    """Throw away what was made: the run is over. A server that is gone has taken its databases along."""
    while _made:
        made = _made.popitem()[1]
        shutil.rmtree(made.folder, ignore_errors=True)
        if made.server:
            with suppress(Exception):
                databases.drop(made.server, made.database)


def _found(currency: str) -> None:
    from portal_app import clock, founding
    from portal_app.domain import invoices, matters, people, timekeeping

    who = founding.found(
        "Example & Larkspur LLP", admin_name="Carol Larkspur", admin_email="carol@example.com",
        password=PASSWORD, time_zone=ZONE, roles=["administrator", "attorney"], currency=currency,
    )  # fmt: skip
    today = clock.today(ZONE)
    client = people.add_client(kind="person", name="Alice Vasquez", created_by=who)
    payer = people.add_portal_user(email="alice@example.com", name="Alice Vasquez", time_zone=ZONE)
    matter = matters.open_matter(
        number="", name="Vasquez v. Example Mills", client=client, opened_on=today, by=who, responsible_attorney=who
    )
    matters.add_recipient(matter, payer, by=who, relation="client")
    for hours in (300, 200):
        item = timekeeping.record(
            matter, kind="time", timekeeper=who, worked_on=today, description="Drafted the complaint",
            quantity_hundredths=hours, rate_cents=40_000, by=who,
        )  # fmt: skip
        draft = invoices.draft(matter, [item.id], by=who)
        invoices.issue(draft, issued_on=today, due_on=today + dt.timedelta(days=30), by=who)


def _put_back(registries: list[Any], configs: list[Any], database: Any) -> None:
    """As it was before the check: others may be testing the portal in the same process."""
    from portal_app import config, plugins
    from portal_app.db import db

    db.close()
    plugins._registry[:], config._active[:] = registries, configs
    if database is not None:
        db.initialize(database)
