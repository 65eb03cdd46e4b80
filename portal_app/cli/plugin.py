"""``portal plugin new``."""

from __future__ import annotations

from pathlib import Path

import click

from portal_app.cli.shared import Sentence


@click.group()
def plugin() -> None:
    """Write a gateway plugin of your own."""


@plugin.command()
@click.argument("name")
@click.option("--dir", "folder", metavar="DIR", default=".", help="Where to put it.  [default: here]")
def new(name: str, folder: str) -> None:
    """Make a ready plugin project for the gateway NAME, such as blue-pay.

    It works against a little gateway of its own that is made up, and passes the conformance kit at once: change it step
    by step into yours. See docs/writing-a-gateway.md.
    """
    from portal_app.testing import skeleton

    try:
        project = skeleton.write(name, Path(folder))
    except skeleton.BadName as problem:
        raise Sentence(str(problem)) from None
    except skeleton.TakenFolder as problem:
        raise Sentence(f"There is something in {problem} already.") from None
    click.echo(f"{project} is a gateway plugin. Its tests run now:\n")
    click.echo(f"  cd {project}\n  pip install -e . pytest\n  pytest\n")
