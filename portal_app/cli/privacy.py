"""``portal export-person``."""

from __future__ import annotations

from pathlib import Path

import click

from portal_app.cli.shared import Sentence, data_option, load


@click.command()
@data_option
@click.argument("email")
@click.option("--output", metavar="FILE.zip", required=True, help="Where to write it; must not exist yet.")
def export_person(data: str | None, email: str, output: str) -> None:
    """Write everything about the portal user, or the client, with the address EMAIL as one ZIP file.

    A JSON file and the documents that are shared with them. No passwords, no links, nobody else's data. A portal user
    comes first where a client has the same address.
    """
    from portal_app import founding

    founding.firm_of(load(data=data))
    from portal_app.domain import people, person_files
    from portal_app.domain.people import Client, PortalUser

    who = people.find_by_email(email)
    client = Client.get_or_none(Client.email == email.strip())
    found = who if isinstance(who, PortalUser) else client
    if found is None:
        raise Sentence(f"No portal user and no client has the address {email}.")
    if Path(output).exists():
        raise Sentence(f"{output} is there already. Nothing was written.")
    with Path(output).open("xb") as out:
        Path(output).chmod(0o600)
        count = person_files.write(out, found)
    click.echo(f"Everything about {found.name} is in {output}, with {count} documents.")
