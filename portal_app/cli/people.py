"""``portal invite``."""

from __future__ import annotations

import click

from portal_app.cli.shared import Sentence, data_option, load


@click.command()
@data_option
@click.argument("email")
def invite(data: str | None, email: str) -> None:
    """Print a fresh link with which EMAIL can choose a password.

    For somebody whom the portal knows, and whose invitation or reset cannot be e-mailed. Older links stop working; the
    link is printed once and kept nowhere.
    """
    settings = load(data=data)
    from portal_app import founding
    from portal_app.domain import audit, invitations, people

    founding.firm_of(settings)
    who = people.find_by_email(email)
    if who is None:
        raise Sentence(f"The portal knows nobody with the address {email}. Add them in the portal first.")
    if who.disabled_at is not None:
        raise Sentence(f"{who.name} is disabled. Enable them in the portal first.")
    if who.registered_at is not None:
        path, hours = f"/password/{invitations.ask_reset(who).token}", "1 hour"
    else:
        sent = invitations.invite(who, by=None, days=settings.invitation_days)
        path, hours = f"/invitation/{sent.token}", f"{settings.invitation_days} days"
    audit.record("invite", subject=who.name, subject_ref=f"{who._meta.name}:{who.id}", after={"open for": hours})
    click.echo(f"{who.name} can choose a password within {hours} at:")
    click.echo(f"{settings.own_url}{path}")


@click.command("forget-factors")
@data_option
@click.argument("email")
def forget_factors(data: str | None, email: str) -> None:
    """Take the second factors and passkeys of EMAIL away.

    For somebody who has lost phone and recovery codes, when no administrator is left who could do it in the portal.
    They sign in with their password then, and set up a new second factor where the firm asks for one.
    """
    settings = load(data=data)
    from portal_app import founding
    from portal_app.db import transaction
    from portal_app.domain import audit, factors, people, sessions

    founding.firm_of(settings)
    who = people.find_by_email(email)
    if who is None:
        raise Sentence(f"The portal knows nobody with the address {email}.")
    with transaction():
        factors.reset(who)
        sessions.end_all(who)
        audit.record("forget_factors", subject=who.name, subject_ref=f"{who._meta.name}:{who.id}")
    click.echo(f"{who.name} has no second factor any more, and is signed out everywhere.")
