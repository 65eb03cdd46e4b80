"""``portal verify`` and ``portal reconcile``: the books."""

from __future__ import annotations

import click

from portal_app.cli.shared import data_option, load


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--documents", is_flag=True, help="Also read every stored document and compare its hash. Takes longer.")
def verify(data: str | None, as_json: bool, documents: bool) -> None:
    """Prove the books again from the postings alone, without network. Exit code 1 when anything does not hold."""
    settings = load(data=data)
    from portal_app import founding
    from portal_app import verify as proof

    founding.firm_of(settings)
    report = proof.verify(with_documents=documents)
    if as_json:
        import json

        click.echo(json.dumps(report.as_dict(), indent=2))
    else:
        for fault in report.faults:
            click.echo(fault)
        click.echo(report.summary())
    if report.faults:
        raise click.exceptions.Exit(1)


@click.command()
@data_option
def reconcile(data: str | None) -> None:
    """Ask the gateways what became of unfinished payments, and say what they answered.

    `portal serve` does this by itself; here it is done now, for every payment whose next look is due.
    """
    settings = load(data=data)
    from portal_app import founding

    founding.firm_of(settings)
    from portal_app import gateways, money
    from portal_app.domain.payments import Payment, unfinished

    before = {payment.id: payment.state for payment in unfinished()}
    while gateways.recover():
        pass
    for payment in Payment.select().where(Payment.id.in_(list(before))).order_by(Payment.id):
        change = "still " if payment.state == before[payment.id] else f"{before[payment.id]} → "
        click.echo(f"Payment {payment.id}, {money.show(payment.amount_cents)}: {change}{payment.state}")
    if not before:
        click.echo("No payment is unfinished.")
