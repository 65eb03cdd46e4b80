"""``portal routes``, ``portal roles`` and ``portal settings``: what there is, as it is."""

from __future__ import annotations

from collections.abc import Sequence

import click

from portal_app.cli.shared import data_option


def table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in aligned columns."""
    wide = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, wide, strict=True))
        click.echo("  ".join(cells).rstrip())


@click.command()
def routes() -> None:
    """List every route: method, path, and who may use it."""
    from portal_app import inventory

    table(inventory.routes())


@click.command()
def roles() -> None:
    """List what each role at the firm may do."""
    from portal_app import inventory

    names, rows = inventory.roles()
    table([("", *names), *((action, *("yes" if has else "–" for has in marks)) for action, marks in rows)])


@click.command()
@data_option
def settings(data: str | None) -> None:
    """List every setting, its value, and where it comes from. Secrets are not shown."""
    from portal_app import config

    table([("SETTING", "VALUE", "FROM"), *config.explain(data=data)])
