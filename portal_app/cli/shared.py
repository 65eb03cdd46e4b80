"""What all commands share: the data option, and sentences instead of traces."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import click

data_option = click.option(
    "--data", metavar="DIR", help="Folder with the portal's data.  [default: PORTAL_DATA, or ./data]"
)


def port_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--host`` and ``--port``, which go over the settings of the same name."""
    host = click.option("--host", metavar="ADDRESS", help="Address to listen on.  [default: 127.0.0.1]")
    port = click.option("--port", metavar="N", help="Port to listen on.  [default: 8080]")
    return host(port(command))


class Sentence(click.ClickException):
    """Something that a person can mend."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(self.format_message(), err=True, file=file)


def sentence_for(problem: Exception) -> str | None:
    """The sentence for what went wrong; ``None`` when it is a mistake of ours."""
    from peewee import OperationalError

    from portal_app import config
    from portal_app.config import BadSetting
    from portal_app.db import Unprotected
    from portal_app.domain.errors import Refused
    from portal_app.domain.firms import NoFirm
    from portal_app.founding import FoundedAlready, PendingMigrations
    from portal_app.vault import Unreadable

    if isinstance(problem, NoFirm):
        folder = shlex.quote(str(config.active().data_dir))
        return f"There is no firm in this data folder yet. Set it up first: portal init --data {folder}"
    if isinstance(problem, PendingMigrations):
        return "The database is older than this version of the portal. Make a copy of it, then run: portal migrate"
    if isinstance(problem, FoundedAlready):
        return f"There is a firm in this data folder already: {problem}. It was left as it is."
    if isinstance(problem, OperationalError):
        return f"The database cannot be used: {str(problem).strip()}"
    if isinstance(problem, BadSetting | Refused | Unprotected | Unreadable) or type(problem).__name__ == "PortTaken":
        return str(problem)
    if isinstance(problem, PermissionError):
        return f"Not allowed: {problem.filename or problem}"
    return None


def load(**given: Any) -> Any:
    """Settings, with a command's options on top."""
    from portal_app import config

    return config.load(**given)
