"""``portal init`` and ``portal migrate``."""

from __future__ import annotations

import sys

import click

from portal_app.cli.shared import Sentence, data_option, load


@click.command()
@data_option
@click.option("--name", metavar="FIRM", help="Name of the firm.")
@click.option("--admin-name", metavar="NAME", help="Name of the first administrator.")
@click.option("--admin-email", metavar="EMAIL", help="The address that they sign in with.")
@click.option(
    "--admin-password", metavar="PASSWORD|-", envvar="ADMIN_PASSWORD", show_envvar=True,
    help="Their password, at least 12 characters; “-” reads it from standard input.",
)  # fmt: skip
@click.option(
    "--time-zone", metavar="ZONE", default="America/Chicago", show_default=True, help="Where the firm's days begin."
)
@click.option(
    "--currency", metavar="CODE", default="USD", show_default=True, help="What the books are kept in, for good."
)
@click.option(
    "--locale", metavar="LOCALE", default="en_US", show_default=True, help="How dates and amounts are written."
)
def init(
    data: str | None, name: str | None, admin_name: str | None, admin_email: str | None, admin_password: str | None,
    time_zone: str, currency: str, locale: str,
) -> None:  # fmt: skip
    """Set up an empty firm with its first administrator. Asks for what is not given.

    Makes the data folder, the database and a secret key. A folder that has a firm is left as it is.
    """
    settings = load(data=data)
    from portal_app import config, founding

    founding.open_data(settings)
    founding.refuse_founded()
    name = _line(name, "Name of the firm")
    admin_name = _line(admin_name, "Your name, as its first administrator")
    admin_email = _line(admin_email, "Your e-mail address, to sign in with")
    founding.found(
        name, admin_name=admin_name, admin_email=admin_email, password=_password(admin_password), time_zone=time_zone,
        roles=["administrator"], email=admin_email.lower(), currency=currency, locale=locale,
    )  # fmt: skip
    config.secret_key(settings)
    click.echo(f"{name} is set up in {settings.data_dir}.")
    where = "" if data is None else f" --data {data}"
    click.echo(f"Next: portal serve{where}, then sign in at {settings.own_url} as {admin_email.lower()}.")


def _line(given: str | None, question: str) -> str:
    text = str(click.prompt(question) if given is None else given).strip()
    if not 0 < len(text) <= 120:
        raise Sentence(f"{question}: between 1 and 120 characters, please.")
    return text


def _password(given: str | None) -> str:
    if given == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if given is not None:
        return given
    return str(click.prompt("A password (at least 12 characters)", hide_input=True, confirmation_prompt="Once more"))


@click.command()
@data_option
@click.option("--status", is_flag=True, help="Only say what is pending.")
@click.option("--down", is_flag=True, help="Take back the last migration, and the data that only it holds.")
@click.option("--yes", is_flag=True, help="With --down: do not ask.")
def migrate(data: str | None, status: bool, down: bool, yes: bool) -> None:
    """Bring the database to this version.

    Each migration is applied whole or not at all. Copy the data folder first: that copy is the way back.
    """
    from portal_app import founding, schema

    founding.open_data(load(data=data))
    if status:
        names, word = schema.pending(), "Pending"
    elif down:
        if not yes:
            click.confirm("This deletes the data that only the last migration holds. Go on?", abort=True)
        names, word = schema.revert(), "Taken back"
    else:
        names, word = schema.migrate(), "Applied"
    for name in names:
        click.echo(f"{word}: {name}")
    if not names:
        click.echo("Nothing to take back." if down else "The database is up to date.")
