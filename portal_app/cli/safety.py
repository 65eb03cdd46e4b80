"""``portal doctor`` and ``portal check-payment-page``: whether everything is as it should be."""

from __future__ import annotations

import click

from portal_app.cli.shared import data_option, load

_MARKS = {"well": "ok", "look": "look", "wrong": "WRONG"}


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(data: str | None, as_json: bool) -> None:
    """Look at this installation: settings, database, proxies, mail, background work, gateways, malware scanner.

    Each line says what is so and, if it is not right, what to do. Changes nothing. Asks the portal through its own
    public address, so run it while the portal is served. Exit code 1 when something is wrong.
    """
    settings = load(data=data)
    from portal_app import doctor as surgery
    from portal_app import founding

    founding.open_data(settings)
    findings = surgery.examine()
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps([asdict(row) for row in findings], indent=2))
    else:
        for row in findings:
            click.echo(f"{_MARKS[row.state]:<6}{row.about:<17}{row.text}")
    if any(row.state == surgery.WRONG for row in findings):
        raise click.exceptions.Exit(1)


@click.command("check-payment-page")
@data_option
@click.option("--accept", is_flag=True, help="What is there now is right: compare with it from now on.")
def check_payment_page(data: str | None, accept: bool) -> None:
    """Compare the payment page, as a browser receives it, with what was accepted: its headers and scripts.

    Run it at least once a week while the portal is served (PCI DSS 4.0.1, 11.6.1), and with --accept once at the
    beginning and after each upgrade or change of a gateway. Exit code 1 when something changed: administrators then get
    an e-mail.
    """
    settings = load(data=data)
    from portal_app import create_app, founding, page_check
    from portal_app.cli.shared import Sentence
    from portal_app.web import letters

    founding.firm_of(settings)
    try:
        look = page_check.check(create_app(settings), accept=accept)
    except page_check.NotChecked as problem:
        raise Sentence(f"Not checked. {problem}") from None
    for change in look.changes:
        click.echo(change)
    if accept:
        click.echo("Accepted. The next look is compared with what is there now.")
    elif look.is_first:
        raise Sentence("Nothing was accepted yet. Look at Settings › Safety, then run this again with --accept.")
    elif look.changes:
        letters.payment_page_changed(look.changes)
        raise click.exceptions.Exit(1)
    else:
        click.echo("The payment page is what was accepted.")
