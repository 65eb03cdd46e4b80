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
    from portal_app import founding, money
    from portal_app import verify as proof

    founding.firm_of(settings)
    report = proof.verify(with_documents=documents)
    if as_json:
        import json

        click.echo(json.dumps(report.as_dict(), indent=2))
    else:
        for fault in report.faults:
            click.echo(fault)
        for code, cents in report.balances.items():
            click.echo(f"{code:<24}{money.bare(cents):>20}")
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
    while gateways.recover() + gateways.recover_refunds():
        pass
    for payment in Payment.select().where(Payment.id.in_(list(before))).order_by(Payment.id):
        change = "still " if payment.state == before[payment.id] else f"{before[payment.id]} → "
        click.echo(f"Payment {payment.id}, {money.show(payment.amount_cents)}: {change}{payment.state}")
    if not before:
        click.echo("No payment is unfinished.")


@click.command()
@data_option
def sweep(data: str | None) -> None:
    """Compare every gateway's own list with the books, both ways, and book its fees and payouts.

    `portal serve` does this by itself once a day; here it is done now. What only a person can decide is listed, and
    shown under Payments › Questions.
    """
    settings = load(data=data)
    from portal_app import founding

    founding.firm_of(settings)
    from portal_app import gateways
    from portal_app.domain import payments
    from portal_app.gateway_setup import all_gateways

    for gateway in all_gateways():
        if not gateways.can_list(gateway):
            click.echo(f"{gateway.code}: gives no list of its transactions")
            continue
        found = gateways.sweep(gateway)
        last = payments.last_sweep(gateway)
        click.echo(f"{gateway.code}: {found} lines" + (f"; stopped: {last.error}" if last and last.error else ""))
    for question in payments.open_questions():
        click.echo(f"Question {question.id}: {payments.KINDS[question.kind][0]}. {question.detail}")
