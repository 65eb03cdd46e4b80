"""``portal backup`` and ``portal restore``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal_app.cli.shared import Sentence, data_option, load

if TYPE_CHECKING:
    from portal_app.backups import Told

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
    from portal_app import backups, config, founding

    founding.open_data(settings)
    said = "The secret key is not in it. Keep a copy of it somewhere else: portal backup --key KEYFILE."
    if key is not None:
        _write_key(key, config.secret_keys(settings))
        said = f"{key}: the secret key. Keep it apart from the backup: it opens what is sealed in it."
    told = backups.write(settings, file.absolute(), with_documents=not without_documents)
    if not quiet:
        click.echo(f"{file}: {_summary(told)}\n{said}")


def _write_key(path: Path, keys: tuple[str, ...]) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.read_text("ascii", "replace").split() == list(keys):
            return
        raise Sentence(f"There is another file {path} already. It was left as it is.") from None
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(keys))


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

    Every sum is proved before anything is in its place. Live gateways are paused in what comes back, until an
    administrator says that it is the installation that takes payments.
    """
    settings = load(data=data)
    from portal_app import backups

    if check:
        click.echo(f"{file} is whole: {_summary(backups.check(file))}")
        return
    told = backups.restore(settings, file, _read_key(key) if key else "")
    click.echo(f"{settings.data_dir}: {_summary(told)}")
    _say_next(settings.data_dir, "" if data is None else f" --data {data}", has_key=bool(key or settings.secret_key))


def _read_key(path: Path) -> str:
    text = path.read_text("ascii", "replace")
    if not text.split() or not all(len(key) >= 32 for key in text.split()):
        raise Sentence(f"{path} holds no secret key: a line of at least 32 characters.")
    return text


def _summary(told: Told) -> str:
    size = f"{told.size_bytes / 1_000_000:,.1f} MB"
    return f"{told.firm}, made {told.made_at} UTC by version {told.version}, {told.files} files, {size}."


def _say_next(home: Path, where: str, *, has_key: bool) -> None:
    from portal_app import founding, schema

    settings = load(data=str(home))  # now with portal.toml, which came back, too
    founding.open_data(settings)
    if not has_key:
        click.echo(
            "No secret key was given: gateways' credentials must be typed again, and authenticator apps set up anew. "
            f"If you have the key, put it into {home / 'secret_key'} before the portal is served."
        )
    steps = [f"portal migrate{where}"] if schema.pending() else []
    click.echo("Next: " + ", ".join([*steps, f"portal verify --documents{where}", f"portal serve{where}"]) + ".")
