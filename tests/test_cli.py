"""The `portal` command: what people type first, and the sentences that it answers with."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal_app import config, create_app, db, gateways
from portal_app.cli import main
from portal_app.domain import firms, invitations, payments, people
from portal_app.domain.payments import BankAccount, Order
from portal_app.plugin_api import BillingAddress, Flow, Method
from tests.fake_gateway import FakeGateway
from tests.world import World

PORTAL = [sys.executable, "-W", "error", "-c", "import sys; from portal_app.cli import main; sys.exit(main())"]
FIRM = ["--name", "Fern & Heath", "--admin-name", "Ann Lee", "--admin-email", "Ann@Example.com"]
PASSWORD = "three grey herons wait"
ADDRESS = BillingAddress(name="A", address1="B", city="C", state="IL", postal_code="62704")

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on this test's own data folder."""
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PORTAL_DATA", str(tmp_path / "data"))

    def command(*arguments: str, typed: str = "") -> Result:
        try:
            return CliRunner().invoke(main, arguments, input=typed)
        finally:
            if db.db.obj is not None:
                db.db.close()

    return command


@pytest.fixture
def founded(run: Run) -> Run:
    result = run("init", *FIRM, "--admin-password", "-", typed=PASSWORD + "\n")
    assert result.exit_code == 0, result.output
    return run


def refused(result: Result) -> str:
    """The one sentence that a command refused with."""
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    return result.stderr.strip()


# init


def test_init_founds_a_firm_whose_administrator_can_sign_in(founded: Run, tmp_path: Path) -> None:
    assert firms.current().name == "Fern & Heath"
    ann = people.find_by_email("ann@example.com")
    assert isinstance(ann, people.FirmUser)
    assert ann.has_role("administrator")
    assert invitations.standing_of(ann, None) is invitations.Standing.REGISTERED
    assert sorted(row.fund for row in BankAccount.select()) == ["operating", "trust"]
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_init_asks_for_what_is_not_given(run: Run) -> None:
    typed = f"Fern & Heath\nAnn Lee\nann@example.com\n{PASSWORD}\n{PASSWORD}\n"
    result = run("init", typed=typed)
    assert result.exit_code == 0, result.output
    assert "portal serve" in result.output
    assert PASSWORD not in result.output


def test_init_twice_changes_nothing(founded: Run) -> None:
    assert "Fern & Heath" in refused(founded("init", "--name", "Another", "--admin-password", PASSWORD))
    assert firms.current().name == "Fern & Heath"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--admin-password", "short"], "at least 12 characters"),
        (["--admin-password", PASSWORD, "--admin-email", "nobody"], "e-mail address"),
        (["--admin-password", PASSWORD, "--time-zone", "Middle/Earth"], "time zone"),
        (["--admin-password", PASSWORD, "--name", " "], "Name of the firm"),
        (["--admin-password", PASSWORD, "--locale", "tlh"], "no locale"),
        (["--admin-password", PASSWORD, "--currency", "JPY"], "no currency with cents"),
    ],
)
def test_init_refuses_what_cannot_be_and_writes_no_firm(run: Run, options: list[str], says: str) -> None:
    assert says in refused(run("init", *FIRM, *options))
    assert not firms.is_founded()


# Sentences instead of traces


@pytest.mark.parametrize("command", ["serve", "worker", "verify", "reconcile", "invite", "rotate-secrets"])
def test_every_command_on_an_empty_folder_names_the_first_step(run: Run, command: str) -> None:
    said = refused(run(command, *(["ann@example.com"] if command == "invite" else [])))
    assert said.strip().endswith(f"portal init --data {config.active().data_dir}")


def test_a_wrong_setting_is_named_with_its_form(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_THREADS", "many")
    said = refused(run("settings"))
    assert "PORTAL_THREADS" in said
    assert "a whole number" in said


def test_serving_an_older_database_asks_to_migrate_first(founded: Run) -> None:
    assert founded("migrate", "--down", "--yes").exit_code == 0
    assert "portal migrate" in refused(founded("serve"))


# migrate, settings, invite


def test_migrate_up_status_and_down(founded: Run) -> None:
    assert "up to date" in founded("migrate", "--status").output
    down = founded("migrate", "--down", typed="y\n").output
    last = re.search(r"Taken back: (\S+)", down)
    assert last is not None
    assert f"Pending: {last[1]}" in founded("migrate", "--status").output
    assert f"Applied: {last[1]}" in founded("migrate").output
    assert "up to date" in founded("migrate").output


def test_migrate_down_needs_a_yes(founded: Run) -> None:
    assert founded("migrate", "--down", typed="n\n").exit_code == 1
    assert "up to date" in founded("migrate", "--status").output


def test_settings_say_where_each_comes_from_and_keep_secrets(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "portal.toml").write_text('port = 9000\nmail_password = "hush hush"\n')
    monkeypatch.setenv("PORTAL_PORT", "9001")
    monkeypatch.setenv("PORTAL_DATABASE", "postgresql://portal:hush@db/portal")
    shown = run("settings").output
    assert re.search(r"^port +9001 +environment variable PORTAL_PORT$", shown, re.MULTILINE)
    assert re.search(r"^mail_password +set +.*portal\.toml$", shown, re.MULTILINE)
    assert re.search(r"^threads +8 +default$", shown, re.MULTILINE)
    assert "hush" not in shown


def test_invite_prints_a_link_that_opens(founded: Run, tmp_path: Path) -> None:
    link = founded("invite", "ann@example.com").output.split()[-1]
    app = create_app(config.load({}, data=str(tmp_path / "data")))
    page = app.test_client().get(link.removeprefix(config.active().own_url))
    assert page.status_code == 200
    assert b"password" in page.data


def test_invite_knows_only_people_of_the_portal(founded: Run) -> None:
    assert "nobody with the address" in refused(founded("invite", "eve@example.com"))


# routes, reconcile


def test_routes_say_who_may(run: Run) -> None:
    shown = run("routes").output
    assert re.search(r"^GET +/sign-in +public$", shown, re.MULTILINE)
    assert re.search(r"^GET +/portal +portal$", shown, re.MULTILINE)
    assert re.search(r"^GET +/firm +firm\.read$", shown, re.MULTILINE)


def test_reconcile_asks_about_a_lost_answer_and_says_what_it_was(
    world: World, settings: config.Config, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = Order(key="k", amount_cents=500, plan={}, method=Method.CARD, flow=Flow.FIELDS, billing=ADDRESS)
    payment = gateways.charge(payments.start(world.alice, world.gateway, order), "lost")
    assert payment.state == "unknown"
    payments.Attempt.update(next_lookup_at=payment.created_at).execute()
    monkeypatch.setenv("PORTAL_SECRET_KEY", settings.secret_key)
    shown = CliRunner().invoke(main, ["reconcile", "--data", settings.data]).output
    assert shown == f"Payment {payment.id}, $5.00: unknown → succeeded\n"
    assert CliRunner().invoke(main, ["reconcile", "--data", settings.data]).output == "No payment is unfinished.\n"


# The real thing, as a process


@contextmanager
def serving(data: Path, port: int, command: str = "serve", **more: str) -> Iterator[subprocess.Popen[str]]:
    environment = {"PATH": os.environ["PATH"], "PORTAL_DATA": str(data), "PORTAL_PORT": str(port), **more}
    process = subprocess.Popen([*PORTAL, command], env=environment, stderr=subprocess.PIPE, text=True, cwd=data)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def first_page(url: str, process: subprocess.Popen[str]) -> bytes:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url) as answer:
                return bytes(answer.read())
        except OSError:
            time.sleep(0.05)
    raise AssertionError((process.stderr and process.stderr.read()) or "it ended")


def free_ports() -> int:
    """A port that is free with the one above it. Not one of those that the system gives to whoever asks for any: while
    a demo is filled, a browser beside it could get one of them. Each process of the tests has its own thousand."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    while True:
        port = 20_000 + worker % 10 * 1_000 + secrets.randbelow(499) * 2
        with socket.socket() as one, socket.socket() as other, suppress(OSError):
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 1))
            return port


def test_serve_answers_refuses_a_taken_port_and_stops_cleanly(founded: Run, tmp_path: Path) -> None:
    port, data = free_ports(), tmp_path / "data"
    with serving(data, port) as process:
        assert b"Fern &amp; Heath" in first_page(f"http://localhost:{port}/sign-in", process)
        with serving(data, port) as second:
            _, said = second.communicate()
            assert second.returncode == 2
            assert f"port {port}" in said
            assert "Traceback" not in said
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in said


def test_the_worker_alone_serves_the_rehearsal_gateways_pages(founded: Run, tmp_path: Path) -> None:
    """Where other processes serve the portal, somebody must; a second worker works without."""
    port, data = free_ports(), tmp_path / "data"
    with serving(data, port, "worker") as process:
        assert b"Card number" in first_page(
            f"http://localhost:{port + 1}/fields?origin=http://localhost:{port}", process
        )
        with serving(data, port, "worker") as second:
            assert second.stderr
            assert f"companion port {port + 1}" in second.stderr.readline()
            assert second.poll() is None
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert (process.returncode, "Traceback" in said) == (0, False)


def test_help_imports_nothing_heavy() -> None:
    heavy = "flask peewee babel weasyprint httpx waitress cryptography argon2 obstore".split()
    program = (
        "import sys; from portal_app.cli import main; main(['--help'], standalone_mode=False); "
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
