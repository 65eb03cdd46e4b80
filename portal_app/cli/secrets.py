"""``portal rotate-secrets``: a new key for what is sealed and signed."""

from __future__ import annotations

import click

from portal_app.cli.shared import Sentence, data_option, load

HOW = (
    "The secret key is configured, so the portal cannot replace it. Move it to the setting previous_secret_keys, set "
    "secret_key to a new one (python -c 'import secrets; print(secrets.token_hex(32))'), and run this again."
)


@click.command("rotate-secrets")
@data_option
def rotate_secrets(data: str | None) -> None:
    """Make a new secret key and seal the secrets of all gateways and authenticator apps again under it.

    The old key opens nothing more. Payments go on meanwhile. Cookies are signed with this key too: once the portal is
    started again, everybody signs in again, and forms that were open have to be reloaded. Invitations and resets that
    were sent stay good.
    """
    settings = load(data=data)
    from portal_app import founding

    founding.firm_of(settings)
    import secrets

    from portal_app import config, gateway_setup
    from portal_app.domain import audit

    keys = config.secret_keys(settings)
    if settings.secret_key and len(keys) == 1:
        raise Sentence(HOW)
    if not settings.secret_key:
        config.keep_secret_keys(settings, [secrets.token_hex(32), *keys])
    count = gateway_setup.reseal()
    audit.record("rotate_secrets", subject="Secret key", after={"sealed again": count})
    click.echo(f"{count} {'secret is' if count == 1 else 'secrets are'} sealed under the new key.")
    if settings.secret_key:
        click.echo("Take previous_secret_keys out of the settings now, then start the portal again.")
    else:
        config.keep_secret_keys(settings, config.secret_keys(settings)[:1])
        click.echo("The old key is gone. Start the portal again; everybody signs in again then.")
    click.echo("Backups from before open with the old key alone.")
