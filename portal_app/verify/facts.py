"""What the journal says against what invoices, payments, refunds and disputes say."""

from __future__ import annotations

from collections.abc import Iterator

from portal_app.db import sum_of
from portal_app.domain import audit, trust
from portal_app.domain.payments import FREEING, HOLDING
from portal_app.money import bare
from portal_app.verify.asking import rows


def _invoices() -> Iterator[str]:
    """What was posted as owed on an invoice is its total; what was posted as paid is what the payments say."""
    sql = """SELECT i.id, i.number, CASE WHEN v.invoice_id IS NULL THEN i.total_cents ELSE 0 END,
        COALESCE((SELECT SUM(p.amount_cents) FROM posting p JOIN journal_entry e ON e.id = p.entry_id
            WHERE p.invoice_id = i.id AND p.account_code = 'receivable'
            AND e.code IN ('invoice_issued', 'invoice_voided')), 0),
        COALESCE((SELECT SUM(a.amount_cents) FROM allocation a JOIN payment y ON y.id = a.payment_id
            WHERE a.invoice_id = i.id AND y.state IN ('succeeded', 'returned') AND y.received_cents IS NULL), 0),
        COALESCE((SELECT SUM(-p.amount_cents) FROM posting p JOIN journal_entry e ON e.id = p.entry_id
            JOIN payment y ON e.source = 'payment:' || y.id || ':paid' AND y.received_cents IS NULL
            WHERE p.invoice_id = i.id AND p.account_code IN ('receivable', 'unapplied')), 0)
        FROM invoice i LEFT JOIN invoice_void v ON v.invoice_id = i.id WHERE i.number IS NOT NULL ORDER BY i.id"""
    for invoice, number, total, owed, allocated, paid in rows(sql):
        if sum_of(owed) != sum_of(total):
            yield (
                f"Invoice {number} (id {invoice}) is over {bare(sum_of(total))}, but "
                f"{bare(sum_of(owed))} was posted as owed."
            )
        if sum_of(paid) != sum_of(allocated):
            yield (
                f"Invoice {number} (id {invoice}): its payments come to {bare(sum_of(allocated))}, but "
                f"{bare(sum_of(paid))} was posted as paid."
            )


def _invoice_lines() -> Iterator[str]:
    sql = """SELECT i.id, i.number, i.total_cents, COALESCE(SUM(l.amount_cents), 0) FROM invoice i
        LEFT JOIN invoice_line l ON l.invoice_id = i.id WHERE i.number IS NOT NULL
        GROUP BY i.id, i.number, i.total_cents HAVING COALESCE(SUM(l.amount_cents), 0) <> i.total_cents ORDER BY i.id"""
    for invoice, number, total, lines in rows(sql):
        is_over, summed = bare(sum_of(total)), bare(sum_of(lines))
        yield f"Invoice {number} (id {invoice}) is over {is_over}, but its lines sum to {summed}."


def _unposted_invoices() -> Iterator[str]:
    sql = """SELECT id, number FROM invoice i WHERE number IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM journal_entry e WHERE e.source = 'invoice:' || i.id || ':issued') ORDER BY id"""
    for invoice, number in rows(sql):
        yield f"Invoice {number} (id {invoice}) is issued, but is in no journal entry."


def _payments() -> Iterator[str]:
    """Each paid payment has exactly its entry, over its amount; nothing else was posted as paid."""
    sql = """SELECT y.id, COALESCE(y.received_cents, y.amount_cents), e.id,
            COALESCE((SELECT SUM(p.amount_cents) FROM posting p WHERE p.entry_id = e.id AND p.amount_cents > 0), 0)
        FROM payment y LEFT JOIN journal_entry e ON e.source = 'payment:' || y.id || ':paid'
        WHERE y.state IN ('succeeded', 'returned') ORDER BY y.id"""
    for payment, amount, entry, posted in rows(sql):
        if entry is None:
            yield f"Payment {payment} succeeded, but is in no journal entry."
        elif sum_of(posted) != amount:
            yield (
                f"Payment {payment} is over {bare(amount)}, but its journal entry {entry} posts {bare(sum_of(posted))}."
            )
    sql = """SELECT e.id, e.source FROM journal_entry e WHERE (e.code = 'portal_payment'
        OR e.code = 'trust_deposit' AND e.source LIKE 'payment:%%:paid') AND NOT EXISTS (
        SELECT 1 FROM payment y WHERE y.state IN ('succeeded', 'returned') AND e.source = 'payment:' || y.id || ':paid')
        ORDER BY e.id"""
    for entry, source in rows(sql):
        yield f"Journal entry {entry} says “Paid from portal” ({source}), but there is no such succeeded payment."


def _adjustments() -> Iterator[str]:
    """A credit note or write-off that stands took exactly its amount off what is owed; one taken back, nothing."""
    sql = """SELECT a.id, a.kind, a.amount_cents, a.undone_at, COALESCE((SELECT -SUM(p.amount_cents) FROM posting p
            JOIN journal_entry e ON e.id = p.entry_id WHERE p.account_code = 'receivable'
            AND p.invoice_id = a.invoice_id
            AND e.source IN ('adjustment:' || a.id, 'adjustment:' || a.id || ':reversed')), 0)
        FROM invoice_adjustment a ORDER BY a.id"""
    for adjustment, kind, amount, undone_at, taken in rows(sql):
        if sum_of(taken) != (0 if undone_at else amount):
            yield (
                f"Adjustment {adjustment} ({kind}) is over {bare(amount)}{', taken back' if undone_at else ''}, but "
                f"{bare(sum_of(taken))} of the invoice was taken off."
            )


def _refunds() -> Iterator[str]:
    """What a refund gave back is what its standing entries take out of clearing; and never more than was paid."""
    sql = """SELECT r.id, r.payment_id, r.amount_cents, r.state, COALESCE((SELECT SUM(p.amount_cents)
            FROM journal_entry e JOIN posting p ON p.entry_id = e.id WHERE p.account_code LIKE 'clearing:%%'
            AND (e.source = 'payment:' || r.payment_id || ':refund:' || r.id
                OR (e.source >= 'payment:' || r.payment_id || ':refund:' || r.id || ':'
                    AND e.source < 'payment:' || r.payment_id || ':refund:' || r.id || ';'))), 0)
        FROM refund r ORDER BY r.id"""
    for refund, payment, amount, state, cleared in rows(sql):
        wanted = -amount if state == "succeeded" else 0
        if sum_of(cleared) != wanted:
            yield (
                f"Refund {refund} of payment {payment} is {state} over {bare(amount)}, but its journal entries give "
                f"back {bare(-sum_of(cleared))}."
            )


def _disputes() -> Iterator[str]:
    """An open dispute of the firm's money is on the account of disputed payments, a decided one is not."""
    sql = """SELECT d.id, d.payment_id, d.amount_cents, d.state, COALESCE((SELECT SUM(p.amount_cents) FROM posting p
            JOIN journal_entry e ON e.id = p.entry_id WHERE p.account_code = 'disputed'
            AND e.source >= 'payment:' || d.payment_id || ':dispute:' || d.id || ':'
            AND e.source < 'payment:' || d.payment_id || ':dispute:' || d.id || ';'), 0)
        FROM dispute d JOIN payment y ON y.id = d.payment_id WHERE y.fund = 'operating' ORDER BY d.id"""
    for dispute, payment, amount, state, booked in rows(sql):
        if sum_of(booked) != (amount if state == "open" else 0):
            yield f"Dispute {dispute} of payment {payment} is {state}, but {bare(sum_of(booked))} of it is disputed."


def _payouts() -> Iterator[str]:
    """A booked payout has left clearing, unless it did not arrive: then all of it is back."""
    sql = """SELECT t.external_id, t.outcome, t.amount_cents, COALESCE(SUM(p.amount_cents), 0)
        FROM gateway_transaction t JOIN journal_entry e ON e.id = t.entry_id OR e.reverses_id = t.entry_id
        JOIN posting p ON p.entry_id = e.id AND p.account_code LIKE 'clearing:%%'
        WHERE t.kind = 'payout' GROUP BY t.id, t.external_id, t.outcome, t.amount_cents ORDER BY t.id"""
    for payout, outcome, amount, cleared in rows(sql):
        came_back = outcome in {"returned", "declined", "canceled"}
        if sum_of(cleared) != (0 if came_back else -amount):
            yield f"Payout {payout} of {bare(amount)} is {outcome}, but took {bare(-sum_of(cleared))} out of clearing."


def _allocations() -> Iterator[str]:
    sql = """SELECT y.id, y.amount_cents, COALESCE(SUM(a.amount_cents), 0) FROM payment y
        LEFT JOIN allocation a ON a.payment_id = y.id GROUP BY y.id, y.amount_cents
        HAVING COALESCE(SUM(a.amount_cents), 0) <> y.amount_cents ORDER BY y.id"""
    for payment, amount, allocated in rows(sql):
        said = f"{bare(sum_of(allocated))} of it is set against what it is for."
        yield f"Payment {payment} is over {bare(amount)}, but {said}"


def _trust() -> Iterator[str]:
    for problem in trust.problems():
        yield f"Trust does not agree: {problem}."


def _attempts() -> Iterator[str]:
    sql = """SELECT y.id, y.state, t.state FROM payment y LEFT JOIN attempt t ON t.payment_id = y.id
        WHERE t.id IS NULL OR t.state <> y.state ORDER BY y.id"""
    for payment, state, attempt in rows(sql):
        yield f"Payment {payment} is {state}, but its attempt at the gateway is {attempt or 'missing'}."


def _reservations() -> Iterator[str]:
    """What unfinished payments hold of an invoice is never more than it still owes: nobody can pay it twice. Unless
    a payment that was given up succeeded late, when its reservation was gone."""
    holding = ", ".join(f"'{state}'" for state in sorted(HOLDING - {"review"}))
    freeing = ", ".join(f"'{state}'" for state in sorted(FREEING))
    sql = f"""SELECT i.id, i.number, SUM(a.amount_cents), COALESCE((SELECT SUM(p.amount_cents) FROM posting p
            WHERE p.invoice_id = i.id AND p.account_code = 'receivable'), 0)
        FROM allocation a JOIN payment y ON y.id = a.payment_id JOIN invoice i ON i.id = a.invoice_id
        WHERE y.state IN ({holding}) AND NOT EXISTS (SELECT 1 FROM allocation b
            JOIN payment z ON z.id = b.payment_id AND z.state = 'succeeded'
            JOIN payment_change c ON c.payment_id = z.id AND c.state IN ({freeing}) WHERE b.invoice_id = i.id)
        GROUP BY i.id, i.number ORDER BY i.id"""  # noqa: S608  words of our own
    for invoice, number, held, owed in rows(sql):
        if sum_of(held) > sum_of(owed):
            yield (
                f"Invoice {number} (id {invoice}) owes {bare(sum_of(owed))}, but unfinished payments hold "
                f"{bare(sum_of(held))} of it."
            )


CHECKS = (
    _invoices,
    _invoice_lines,
    _unposted_invoices,
    _payments,
    _adjustments,
    _refunds,
    _disputes,
    _payouts,
    _allocations,
    _trust,
    audit.faults,
    _attempts,
    _reservations,
)
