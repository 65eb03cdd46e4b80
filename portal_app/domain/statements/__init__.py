"""What the banks say: statements, imported from their files, and their lines. Nothing here changes the ledger."""

from portal_app.domain.statements.importing import (
    Preview,
    check,
    column_names,
    discard_forgotten,
    import_statement,
    mapping_for,
    preview,
    remove,
    upload,
)
from portal_app.domain.statements.models import EXPLANATIONS, BankStatement, StatementLine, StatementMapping
from portal_app.domain.statements.parsed import MOST_BYTES, Parsed, Problem, Row
from portal_app.domain.statements.reading import account, balance_on, find, find_line, lines_of, of_account
from portal_app.domain.statements.tables import DECIMALS, DELIMITERS, NONE, ORDERS, Mapping

__all__ = [
    "DECIMALS",
    "DELIMITERS",
    "EXPLANATIONS",
    "MOST_BYTES",
    "NONE",
    "ORDERS",
    "BankStatement",
    "Mapping",
    "Parsed",
    "Preview",
    "Problem",
    "Row",
    "StatementLine",
    "StatementMapping",
    "account",
    "balance_on",
    "check",
    "column_names",
    "discard_forgotten",
    "find",
    "find_line",
    "import_statement",
    "lines_of",
    "mapping_for",
    "of_account",
    "preview",
    "remove",
    "upload",
]
