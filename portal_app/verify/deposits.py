"""What ``verify`` proves of money on its way: deposits on their clients' ledgers, and what each gateway holds."""

from __future__ import annotations

from collections.abc import Iterator

from portal_app.db import sum_of
from portal_app.domain.payments import FREEING, HOLDING
from portal_app.money import bare
from portal_app.verify.asking import rows


def deposits() -> Iterator[str]:
    """What a deposit came to is on the ledger of its matter, in the trust account that it was asked for; what was
    refunded, returned or is disputed is off it, and nothing else."""
    sql = """SELECT y.id, CASE WHEN y.state = 'succeeded' THEN COALESCE(y.received_cents, y.amount_cents) ELSE 0 END
            - CASE WHEN y.state = 'succeeded' THEN COALESCE((SELECT SUM(r.amount_cents) FROM refund r
                WHERE r.payment_id = y.id AND r.state = 'succeeded'), 0)
                + COALESCE((SELECT SUM(c.amount_cents) FROM dispute c
                    WHERE c.payment_id = y.id AND c.state IN ('open', 'lost')), 0) ELSE 0 END,
            COALESCE((SELECT -SUM(p.amount_cents) FROM posting p JOIN journal_entry e ON e.id = p.entry_id
                WHERE e.source >= 'payment:' || y.id || ':' AND e.source < 'payment:' || y.id || ';'
                AND p.matter_id = d.matter_id
                AND p.account_code = 'trust:' || d.bank_account_id), 0)
        FROM payment y JOIN allocation a ON a.payment_id = y.id JOIN deposit_request d ON d.id = a.deposit_id
        WHERE y.state = 'succeeded' ORDER BY y.id"""
    for payment, wanted, posted in rows(sql):
        if sum_of(posted) != sum_of(wanted):
            yield (
                f"Deposit {payment} comes to {bare(sum_of(wanted))}, but {bare(sum_of(posted))} of it is on its "
                f"client's trust ledger."
            )


def mixed_funds() -> Iterator[str]:
    """T06: what a payment is for, its fund and the accounts that its entries touch are of one kind."""
    sql = """SELECT DISTINCT y.id, y.fund, p.account_code FROM payment y
        JOIN journal_entry e ON e.source = 'payment:' || y.id || ':paid' JOIN posting p ON p.entry_id = e.id
        JOIN account a ON a.code = p.account_code WHERE a.fund <> y.fund ORDER BY y.id"""
    for payment, fund, account in rows(sql):
        yield f"Payment {payment} is {fund} money, but is booked on {account}."
    sql = """SELECT y.id, y.fund FROM payment y JOIN allocation a ON a.payment_id = y.id
        WHERE y.fund <> CASE WHEN a.deposit_id IS NULL THEN 'operating' ELSE 'trust' END ORDER BY y.id"""
    for payment, fund in rows(sql):
        yield f"Payment {payment} is {fund} money, but is not for {'a deposit' if fund == 'trust' else 'invoices'}."


def deposit_reservations() -> Iterator[str]:
    """What came and what unfinished payments hold of a request is never more than was asked for. Unless a payment that
    was given up succeeded late, when its reservation was gone."""
    holding = ", ".join(f"'{state}'" for state in sorted((HOLDING - {"review"}) | {"succeeded"}))
    freeing = ", ".join(f"'{state}'" for state in sorted(FREEING))
    sql = f"""SELECT d.number, d.amount_cents, SUM(a.amount_cents) FROM deposit_request d
        JOIN allocation a ON a.deposit_id = d.id JOIN payment y ON y.id = a.payment_id
        WHERE y.state IN ({holding}) AND NOT EXISTS (SELECT 1 FROM dispute c
            WHERE c.payment_id = y.id AND c.state IN ('open', 'lost'))
        AND NOT EXISTS (SELECT 1 FROM allocation b JOIN payment z ON z.id = b.payment_id AND z.state = 'succeeded'
            JOIN payment_change c ON c.payment_id = z.id AND c.state IN ({freeing}, 'dispute_won')
            WHERE b.deposit_id = d.id)
        GROUP BY d.id, d.number, d.amount_cents HAVING SUM(a.amount_cents) > d.amount_cents
        ORDER BY d.id"""  # noqa: S608  words of our own
    for number, asked, held in rows(sql):
        yield f"Deposit request {number} asks for {bare(sum_of(asked))}, but payments hold {bare(sum_of(held))} of it."


def clearing() -> Iterator[str]:
    """Each clearing account is what its gateway took of its fund, less what went back, was paid out or kept as a fee:
    every entry on it is about a payment through that gateway, or a line of that gateway's own list."""
    for code, fund, took, posted, listed, balance in rows(_CLEARING):
        if sum_of(took) != sum_of(posted):
            yield (
                f"The gateway {code} took {bare(sum_of(took))} of {fund} money that did not go back, but "
                f"{bare(sum_of(posted))} of it was posted as cleared there."
            )
        elif sum_of(posted) + sum_of(listed) != sum_of(balance):
            yield (
                f"The clearing account of {fund} money at the gateway {code} stands at {bare(sum_of(balance))}, but "
                f"its payments, fees and payouts come to {bare(sum_of(posted) + sum_of(listed))}."
            )


_ACCOUNT = "'clearing:' || g.code || CASE WHEN f.fund = 'trust' THEN ':trust' ELSE '' END"
_POSTED = """COALESCE((SELECT SUM(p.amount_cents) FROM posting p JOIN journal_entry e ON e.id = p.entry_id
    WHERE p.account_code = {account} AND e.source >= {of} || ':' AND e.source < {of} || ';'), 0)"""
_POSTED = _POSTED.replace("{account}", _ACCOUNT)
_LEFT = """CASE WHEN y.state <> 'succeeded' THEN 0 ELSE COALESCE(y.received_cents, y.amount_cents)
    - COALESCE((SELECT SUM(r.amount_cents) FROM refund r WHERE r.payment_id = y.id AND r.state = 'succeeded'), 0)
    - COALESCE((SELECT SUM(c.amount_cents) FROM dispute c
        WHERE c.payment_id = y.id AND c.state IN ('open', 'lost')), 0) END"""
# What is held for review lies where it came in, which need not be the payment's own fund; what was returned by a bank
# after a part of it was refunded is judged with its refunds.
_OF_PAYMENTS = """SELECT SUM(CASE WHEN y.fund = f.fund AND y.state NOT IN ('review', 'returned') THEN {left}
        ELSE {posted} END) AS took, SUM({posted}) AS posted
    FROM payment y WHERE y.gateway_id = g.id"""
_OF_PAYMENTS = _OF_PAYMENTS.replace("{left}", _LEFT).replace("{posted}", _POSTED.replace("{of}", "'payment:' || y.id"))
_CLEARING = f"""SELECT g.code, f.fund,
        COALESCE((SELECT took FROM ({_OF_PAYMENTS}) AS one), 0),
        COALESCE((SELECT posted FROM ({_OF_PAYMENTS}) AS two), 0),
        {_POSTED.replace("{of}", "'gateway:' || g.id")},
        COALESCE((SELECT SUM(p.amount_cents) FROM posting p WHERE p.account_code = {_ACCOUNT}), 0)
    FROM gateway g CROSS JOIN (SELECT 'operating' AS fund UNION ALL SELECT 'trust') AS f
    ORDER BY g.code, f.fund"""  # noqa: S608  words of our own

CHECKS = (deposits, mixed_funds, deposit_reservations, clearing)
