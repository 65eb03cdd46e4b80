"""``portal backup`` and ``portal restore``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal_app.cli.shared import Sentence, data_option, load

if TYPE_CHECKING:
    from portal_app.backups import Told
    from portal_app.config import Config

_file = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_file)
@data_option
@click.option("--key", type=_file, metavar="KEYFILE", help="Also write the secret key there. Keep it somewhere else.")
@click.option("--without-documents", is_flag=True, help="Leave the documents out: their store has copies of its own.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing when all went well.")
def backup(file: Path, data: str | None, key: Path | None, without_documents: bool, quiet: bool) -> None:
    """Copy everything into one new FILE, while the portal is served: the database, the documents, the settings.

    All of it is of one moment and has a sum by which `portal restore` proves it. The secret key is not in it, because
    who holds both can use the gateways' credentials. PostgreSQL's own pg_dump copies a PostgreSQL database.
    """
    settings = load(data=data)
    from portal_app import backups, founding

    founding.open_data(settings)
    told = backups.write(settings, file.absolute(), with_documents=not without_documents, keys_to=key)
    said = "The secret key is not in it. Keep a copy of it somewhere else: portal backup --key KEYFILE."
    if key is not None:
        said = f"{key}: the secret key. Keep it apart from the backup: it opens what is sealed in it."
    if not quiet:
        click.echo(f"{file}: {_summary(told)}\n{said}")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
@click.option(
    "--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="KEYFILE",
    help="The secret key that the portal had.",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Only read FILE and prove its sums; write nothing.")
def restore(file: Path, data: str | None, key: Path | None, check: bool) -> None:
    """Put a backup back into an empty data folder, and into an empty database where the settings name one.

    Every sum is proved before anything is in its place. A backup of an SQLite portal may go into PostgreSQL: so one
    moves. Live gateways are paused in what comes back, until an administrator says that it is the installation that
    takes payments.
    """
    settings = load(data=data)
    from portal_app import backups

    if check:
        click.echo(f"{file} is whole: {_summary(backups.check(file))}")
        return
    told = backups.restore(settings, file, _read_key(key) if key else "")
    click.echo(f"{settings.data_dir}: {_summary(told)}")
    _say_next(settings, "" if data is None else f" --data {data}", has_key=bool(key or settings.secret_key))


def _read_key(path: Path) -> str:
    text = path.read_text("ascii", "replace")
    if not text.split() or not all(len(key) >= 32 for key in text.split()):
        raise Sentence(f"{path} holds no secret key: a line of at least 32 characters.")
    return text


def _summary(told: Told) -> str:
    size = f"{told.size_bytes / 1_000_000:,.1f} MB"
    return f"{told.firm}, made {told.made_at} UTC by version {told.version}, {told.files} files, {size}."


def _say_next(settings: Config, where: str, *, has_key: bool) -> None:
    from portal_app import founding, schema

    if not has_key:
        click.echo(
            "No secret key was given: gateways' credentials must be typed again, and authenticator apps set up anew. "
            f"If you have the key, put it into {settings.data_dir / 'secret_key'} before the portal is served."
        )
    now = load(data=str(settings.data_dir))  # with portal.toml, which came back, too
    for name, filled in (("database", settings.database), ("documents", settings.documents)):
        if getattr(now, name) != filled:
            click.echo(
                f"portal.toml, which came back, names another place for “{name}” than the one that was filled now. "
                "Change it there before the portal is served."
            )
            return
    founding.open_data(now)
    steps = [f"portal migrate{where}"] if schema.pending() else []
    click.echo("Next: " + ", ".join([*steps, f"portal verify --documents{where}", f"portal serve{where}"]) + ".")
