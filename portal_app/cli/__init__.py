"""The ``portal`` command. Modules here import nothing heavy at the top: ``portal --help`` answers at once."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from portal_app import __version__
from portal_app.cli.backup import backup, restore
from portal_app.cli.banks import import_statement, reconcile_trust
from portal_app.cli.bench import bench
from portal_app.cli.books import reconcile, sweep, verify
from portal_app.cli.export import export
from portal_app.cli.people import forget_factors, invite
from portal_app.cli.plugin import plugin
from portal_app.cli.privacy import export_person
from portal_app.cli.prove import prove_payments
from portal_app.cli.reading import roles, routes, settings
from portal_app.cli.running import demo, serve, worker
from portal_app.cli.safety import check_payment_page, doctor
from portal_app.cli.secrets import rotate_secrets
from portal_app.cli.setup import init, migrate
from portal_app.cli.shared import Sentence, sentence_for

COMMANDS = "portal_app.commands"


class Portal(click.Group):
    """What a person can mend is said in one sentence on stderr, with exit code 2; only mistakes of ours have traces.

    Plugins bring commands of their own through the entry point group ``portal_app.commands``; they are imported when
    they are named or listed.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *entry_points(group=COMMANDS).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if found is None:
            found = next((_load(point) for point in entry_points(group=COMMANDS, name=cmd_name)), None)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as problem:
            sentence = sentence_for(problem)
            if sentence is None:
                raise
            raise Sentence(sentence) from None


def _load(point: EntryPoint) -> click.Command:
    """A plugin's command; one that cannot be loaded says so when it is run, and never breaks the others."""
    try:
        found = point.load()
        if not isinstance(found, click.Command):
            raise TypeError(f"{point.value} is not a command")
    except Exception as problem:
        said = f"The command “{point.name}” of a plugin cannot be loaded: {type(problem).__name__}: {problem}"

        def explain() -> None:
            raise Sentence(said)

        return click.Command(point.name, callback=explain, help=said, context_settings={"ignore_unknown_options": True})
    return found


@click.group(cls=Portal, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="Matter Portal")
def main() -> None:
    """Matter Portal: a law firm's own client portal with online payment.

    Begin with `portal demo` for a look, or with `portal init` and `portal serve` for your own firm. Settings come from
    environment variables (PORTAL_PORT=8080) and from portal.toml in the data folder; `portal settings` shows them.
    """


COMMANDS_HERE = (
    init, serve, worker, migrate, demo, routes, roles, reconcile, sweep, verify, export, settings, invite, bench,
    export_person, forget_factors, rotate_secrets, plugin, prove_payments, doctor, check_payment_page,
    import_statement, reconcile_trust, backup, restore,
)  # fmt: skip
for command in COMMANDS_HERE:
    main.add_command(command)

__all__ = ["main"]
