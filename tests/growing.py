"""A firm that has grown: every row of a small one many times over, each copy with ids and names of its own."""

from __future__ import annotations

import sqlite3
from typing import Any

APART = 100_000  # between the ids of one copy and the next; who grew can grow again, further apart
# The firm itself: its staff, accounts, gateways and banks stay what they are, however many clients it has.
ONE = frozenset(
    "account account_total bank_account bank_match bank_match_line bank_match_posting bank_match_seal bank_statement "
    "checkpoint checkpoint_head evergreen firm firm_user gateway gateway_route gateway_sweep installation payment_road "
    "question reconciliation reconciliation_reopening reconciliation_report reconciliation_signature schema_migration "
    "series session sign_in_policy sqlite_sequence statement_line statement_mapping throttle trust_book "
    "trust_policy".split()
)
_MATTERS = {"entry_id", "invoice_id", "matter_id", "to_matter_id"}  # where no foreign key says so


def grow(file: sqlite3.Connection, times: int, apart: int = APART) -> None:
    """Make the firm in ``file`` so many times as large, with ids so far apart. Its triggers are aside meanwhile, and
    all clients together are not made anew: what a page shows of them is wrong, what it costs is right."""
    triggers = file.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    file.execute("PRAGMA foreign_keys = OFF")
    for name, _ in triggers:
        file.execute(f'DROP TRIGGER "{name}"')
    for (table,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if table not in ONE:
            _copy(file, table, times, apart)
    for _, sql in triggers:
        file.execute(sql)
    file.execute("PRAGMA foreign_keys = ON")


def _copy(file: sqlite3.Connection, table: str, times: int, apart: int) -> None:
    columns = file.execute(f'PRAGMA table_info("{table}")').fetchall()
    keys = {row[3]: row[2] for row in file.execute(f'PRAGMA foreign_key_list("{table}")')}
    indexes = [row[1] for row in file.execute(f'PRAGMA index_list("{table}")').fetchall() if row[2]]
    only_once = {row[2] for name in indexes for row in file.execute(f'PRAGMA index_info("{name}")')}
    values = [_value(column, keys, only_once) for column in columns]
    names = ", ".join(f'"{column[1]}"' for column in columns)
    where = "matter_id > 0" if table in {"running_total", "trust_day"} else "1"
    file.execute(
        "WITH RECURSIVE copies(n) AS (VALUES(:apart) UNION ALL SELECT n + :apart FROM copies WHERE n < :last) "
        f'INSERT INTO "{table}" ({names}) SELECT {", ".join(values)} FROM "{table}", copies WHERE {where}',
        {"apart": apart, "last": (times - 1) * apart},
    )


def _value(column: tuple[Any, ...], keys: dict[str, str], only_once: set[str]) -> str:
    """What a column is in the copy whose ids are ``n`` further on."""
    _, name, kind, *_ = column
    is_text = "CHAR" in kind or "TEXT" in kind
    moved = f'CASE WHEN "{name}" > 0 THEN "{name}" + n ELSE "{name}" END'
    if name == "id":
        return moved
    if name == "sequence":
        return "CASE WHEN matter_id > 0 THEN sequence ELSE sequence + n END"
    if is_text and "64" in kind and name in only_once:  # a hash
        return f"SUBSTR(PRINTF('%012x', n) || \"{name}\", 1, 64)"
    if name in keys:
        if keys[name] in ONE:
            return f'"{name}"'
        return f"n || '-' || \"{name}\"" if is_text else moved
    if name in _MATTERS or name == "subject_id":
        return moved
    if name == "subject_ref" or (is_text and name in only_once - {"currency", "account_code", "day", "kind", "fund"}):
        return f"CASE WHEN \"{name}\" = '' THEN '' ELSE n || '-' || \"{name}\" END"
    return f'"{name}"'
