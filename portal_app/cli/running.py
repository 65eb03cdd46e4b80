"""``portal serve``, ``portal worker`` and ``portal demo``."""

from __future__ import annotations

import click

from portal_app import starting
from portal_app.cli.shared import data_option, load, port_options


@click.command()
@data_option
@port_options
@click.option("--migrate", is_flag=True, help="Apply pending migrations first.")
def serve(data: str | None, host: str | None, port: str | None, migrate: bool) -> None:
    """Serve the portal: web pages, background work, and the rehearsal gateway's own pages on the port above.

    Ends cleanly on SIGTERM and Ctrl-C.
    """
    settings = load(data=data, host=host, port=port)
    if migrate:
        from portal_app import founding, schema

        founding.open_data(settings)
        schema.migrate()
    with starting():
        from portal_app import founding

        firm = founding.firm_of(settings)
        from portal_app import serving

        serving.log_to_stderr()
        servers = serving.open_servers(settings)
    click.echo(f"{firm.name} is served at {settings.own_url} (Ctrl-C ends it)")
    serving.run(servers)


@click.command()
@data_option
def worker(data: str | None) -> None:
    """Do the background work alone: e-mails, PDFs, unfinished payments, and the rehearsal gateway's own pages.

    `portal serve` does it too. This is for installations whose pages are served by other processes, such as gunicorn.
    """
    settings = load(data=data)
    with starting():
        from portal_app import create_app, founding

        founding.firm_of(settings)
        from portal_app import serving

        serving.log_to_stderr()
        create_app(settings)
    click.echo("Working in the background (Ctrl-C ends it)")
    serving.run_worker(settings)


@click.command()
@click.option("--data", metavar="DIR", default="demo-data", show_default=True, help="Folder for the demo's data.")
@port_options
@click.option("--no-serve", is_flag=True, help="Only fill the folder.")
def demo(data: str, host: str | None, port: str | None, no_serve: bool) -> None:
    """Serve a made-up firm with clients, invoices and a rehearsal gateway. No real money moves.

    An empty folder is filled first; one that has the demo is served as it is. Delete the folder to begin afresh.
    """
    settings = load(data=data, host=host, port=port)
    from portal_app import founding
    from portal_app.domain import firms

    founding.open_data(settings)
    if not firms.is_founded():
        from portal_app.demo.filling import fill

        click.echo(f"Filling {settings.data_dir} with a demo firm …")
        fill(settings)
    founding.firm_of(settings)
    if no_serve:
        _welcome(settings.own_url, is_served=False)
        return
    import logging

    from portal_app import serving

    serving.log_to_stderr(logging.WARNING)
    with starting():
        servers = serving.open_servers(settings)
    _welcome(settings.own_url, is_served=True)
    serving.run(servers)


def _welcome(url: str, *, is_served: bool) -> None:
    from portal_app.demo import PASSWORD, SIGN_INS

    if is_served:
        click.echo(f"\n  The demo is served at {url} (Ctrl-C ends it)\n")
    click.echo(f"  Everybody's password: {PASSWORD}\n")
    wide = [max(len(row[at]) for row in SIGN_INS) for at in range(3)]
    for name, email, what, lands in SIGN_INS:
        click.echo(f"  {name:<{wide[0]}}  {email:<{wide[1]}}  {what:<{wide[2]}}  {lands}")
    click.echo(
        "\n  This is a rehearsal: the people are made up, and no card is charged. Pay with 4242 4242 4242 4242.\n"
    )
