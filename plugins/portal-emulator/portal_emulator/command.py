"""``portal emulator``."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path

import click

from portal_emulator import webhooks
from portal_emulator.clock import moment_of
from portal_emulator.world import PUBLIC_KEY, SECRET_KEY


def _start(_context: click.Context, _option: click.Parameter, value: str | None) -> dt.datetime | None:
    try:
        return None if value is None else moment_of(value)
    except ValueError as error:
        raise click.BadParameter("a date such as 2019-06-01, or with a time: 2019-06-01T09:00") from error


def _addresses(_context: click.Context, _option: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for address in value:
        if not webhooks.valid(address):
            raise click.BadParameter(f"{address} is no http or https address")
    return value


@click.command()
@click.option("--port", default=8180, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; only this machine by default.")
@click.option("--secret-key", default=SECRET_KEY, show_default=True, help="The key that may do everything.")
@click.option("--public-key", default=PUBLIC_KEY, show_default=True, help="The key that only makes tokens.")
@click.option("--clock", "start", metavar="DATE", callback=_start, help="Where its clock starts (UTC). Default: now.")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="An SQLite file that keeps everything, the clock too, over restarts. Default: nothing is kept.",
)
@click.option(
    "--webhook", "addresses", metavar="URL", multiple=True, callback=_addresses, help="Where events are sent."
)
def emulator(
    port: int,
    host: str,
    secret_key: str,
    public_key: str,
    start: dt.datetime | None,
    state: Path | None,
    addresses: tuple[str, ...],
) -> None:
    """Serve an emulator of LawPay's payment interface on this machine.

    No money moves and nothing leaves the machine but the webhooks that you ask for. The page at its address shows
    what was charged, moves its clock and switches faults on. Use test numbers only; Ctrl-C ends it.
    """
    from portal_emulator.app import create  # a web application: `portal --help` does without it
    from portal_emulator.serving import Pump, server

    app = create(secret_key=secret_key, public_key=public_key, start=start, state=state, webhook_addresses=addresses)
    try:
        made = server(app, host, port)
    except (OSError, SystemExit) as error:
        raise click.ClickException(f"Port {port} on {host} cannot be used: does something run there?") from error
    name = f"[{host}]" if ":" in host else host
    click.echo(f"Control page  http://{name}:{made.server_port}/")
    click.echo(f"Base URL      http://{name}:{made.server_port}/v1")
    click.echo(f"Secret key    {secret_key}")
    click.echo(f"Public key    {public_key}")
    if host not in {"127.0.0.1", "::1", "localhost"}:
        click.echo("Everybody who can reach this machine's network address can use it.", err=True)
    pump = Pump(app)
    pump.start()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            made.serve_forever()
    finally:
        pump.stop()
        made.server_close()
        app.extensions["emulator"].store.close()
