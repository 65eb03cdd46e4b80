"""The books proved again, from the postings alone: ``portal verify``.

Every check asks for what does not hold and says it in a sentence. Nothing is repaired here.
"""

from __future__ import annotations

from portal_app.db import one_state
from portal_app.domain.documents import DocumentVersion
from portal_app.domain.ledger import Account, account_balance
from portal_app.verify import chains, closings, deposits, facts, journal, papers
from portal_app.verify.asking import count
from portal_app.verify.files import verify_file
from portal_app.verify.report import Report


def verify(*, with_documents: bool = False) -> Report:
    """Prove everything; ``with_documents`` also reads each stored document. Writes nothing."""
    with one_state():
        faults = [fault for check in _CHECKS for fault in check()]
        counts = {name: count(table) for name, table in _COUNTED.items()}
        codes = [row.code for row in Account.select().order_by(Account.code)]
        balances = {code: account_balance(code) for code in codes}
    if with_documents:
        counts["document versions"] = DocumentVersion.select().count()
        faults += [*papers.documents(), *closings.reports()]
    return Report(counts, faults, balances)


_CHECKS = (*journal.CHECKS, *chains.CHECKS, *facts.CHECKS, *deposits.CHECKS, *closings.CHECKS)
_COUNTED = {
    "journal entries": "journal_entry",
    "postings": "posting",
    "links": "chain_link",
    "checkpoints": "checkpoint",
    "running totals": "running_total",
    "payments": "payment",
    "refunds": "refund",
    "audit entries": "audit_entry",
    "reconciliations": "reconciliation",
}

__all__ = ["Report", "verify", "verify_file"]
