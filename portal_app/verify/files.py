"""The journal as one file that proves itself, without a database: writing it, and proving it again.

One JSON object a line, compact, in UTF-8, in this order: the head, accounts, checkpoints, entries, the end. The
same books give the same bytes. docs/journal-export.md describes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from portal_app import chain
from portal_app.db import one_state, rows_of
from portal_app.domain import firms
from portal_app.money import bare
from portal_app.verify import chains
from portal_app.verify.report import Report
from portal_app.verify.walking import Entry, Link, Walk, name_of

FORMAT = 1


# Writing


def export(target: BinaryIO) -> int:
    """Write the journal of one moment. Returns the number of entries."""
    with one_state():
        sums, whole, count = Sums(), hashlib.sha256(), 0
        for line, entry in _lines():
            target.write(line)
            whole.update(line)
            if entry is not None:
                count += 1
                sums.add(entry)
        end = {"end": count, "balances": sums.rows(), "sha256": whole.hexdigest()}
        target.write(_line(end))
    return count


def _lines() -> Iterator[tuple[bytes, Entry | None]]:
    firm = firms.current()
    yield _line({"portal_journal": FORMAT, "firm": firm.name, "currency": firm.currency}), None
    for code, name, kind, fund in rows_of("SELECT code, name, kind, fund FROM account ORDER BY code"):
        yield _line({"account": code, "name": name, "kind": kind, "fund": fund}), None
    for number, made_at, previous, made in rows_of("SELECT number, made_at, previous, hash FROM checkpoint ORDER BY 1"):
        heads = rows_of(
            "SELECT matter_id, sequence, hash FROM checkpoint_head WHERE checkpoint_number = ? ORDER BY 1", number
        )
        yield (
            _line({"checkpoint": number, "made_at": str(made_at), "previous": previous, "hash": made, "heads": heads}),
            None,
        )
    for entry in chains.entries():
        yield entry_line(entry), entry


def _line(row: dict[str, Any]) -> bytes:
    return (chain.encode(row) + "\n").encode()


def entry_line(entry: Entry) -> bytes:
    """The line that is hashed, with the links behind it."""
    text = chain.line_of(entry.values, entry.legs)
    return f'{text[:-1]},"links":{chain.encode(entry.links)}}}\n'.encode()


class Sums:
    """What stands on each account, in cents, by currency."""

    def __init__(self) -> None:
        self.cents: dict[tuple[str, str], int] = {}

    def add(self, entry: Entry) -> None:
        for account, _, _, currency, cents in entry.legs:
            self.cents[account, currency] = self.cents.get((account, currency), 0) + cents

    def rows(self) -> list[list[object]]:
        return [[*key, cents] for key, cents in sorted(self.cents.items())]


# Proving


class Broken(Exception):
    """The file cannot be read further; the text says where and why."""


def verify_file(path: Path) -> Report:
    """Prove an export from its bytes alone."""
    proof = _Proof()
    faults: list[str] = []
    with path.open("rb") as lines:
        found = proof.faults(lines)
        try:
            while (fault := next(found, "")) != "":
                faults.append(fault)
        except Broken as problem:
            faults.append(str(problem))
    counts = {"journal entries": proof.entries, "postings": proof.postings, "checkpoints": proof.before[0]}
    balances: dict[str, int] = {}
    for (account, _), cents in sorted(proof.sums.cents.items()):
        balances[account] = balances.get(account, 0) + cents
    return Report(counts, faults, balances)


class _Proof:
    def __init__(self) -> None:
        self.lines = self.entries = self.postings = self.offset = self.last = 0
        self.funds: dict[str, str] = {}
        self.before = (0, chain.START)
        self.seen: dict[tuple[int, int], tuple[int, str]] = {}  # heads that checkpoints name
        self.walk, self.sums, self.whole = Walk(), Sums(), hashlib.sha256()
        self.is_ended = False

    def faults(self, lines: Iterable[bytes]) -> Iterator[str]:
        for raw in lines:
            row = self._read(raw)
            if self.is_ended:
                yield f"Line {self.lines + 1} comes after the end."
            elif "end" in row:
                yield from self._end(row)
            else:
                yield from self._take(row)
                self.whole.update(raw)
            self.lines += 1
            self.offset += len(raw)
        yield from self.walk.end()
        for (matter, sequence), (number, _) in sorted(self.seen.items()):
            yield f"Checkpoint {number} names number {sequence} in {name_of(matter)}, which is not there."
        if not self.is_ended:
            yield f"The file ends after line {self.lines} without its last line."

    def _read(self, raw: bytes) -> dict[str, Any]:
        """A line, exactly as the portal writes it."""
        where = f"Line {self.lines + 1} (byte {self.offset} of the file)"
        try:
            row = json.loads(raw)
            again = _line(row) if isinstance(row, dict) else b""
        except (ValueError, RecursionError) as problem:
            raise Broken(f"{where} cannot be read: {problem}.") from None
        if again != raw:
            at = next(
                (at for at, (a, b) in enumerate(zip(again, raw, strict=False)) if a != b), min(len(again), len(raw))
            )
            expected, found = again[at : at + 12], raw[at : at + 12]
            raise Broken(f"{where}: byte {at} is not as the portal writes it: expected {expected!r}, found {found!r}.")
        return dict(row)

    def _take(self, row: dict[str, Any]) -> Iterator[str]:
        try:
            if self.lines == 0:
                if row.get("portal_journal") != FORMAT:
                    raise Broken("Line 1 is not the beginning of a journal export.")
            elif "account" in row:
                self.funds[row["account"]] = row["fund"]
            elif "checkpoint" in row:
                yield from self._checkpoint(row)
            else:
                yield from self._entry(row)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise Broken(f"Line {self.lines + 1} is not as the portal writes it: {problem!r}.") from None

    def _checkpoint(self, row: dict[str, Any]) -> Iterator[str]:
        found = (row["checkpoint"], row["made_at"], row["previous"], row["hash"])
        yield from chains.checkpoint_faults(found, row["heads"], self.before)
        self.before = (found[0], found[3])
        for matter, sequence, head in row["heads"]:
            self.seen[matter, sequence] = (found[0], head)

    def _entry(self, row: dict[str, Any]) -> Iterator[str]:
        if list(row) != [*chain.FIELDS, "links"]:
            raise Broken(f"Line {self.lines + 1} has other fields than a journal entry.")
        entry = Entry([row[name] for name in chain.FIELDS[:-1]], row["legs"], [Link(*each) for each in row["links"]])
        if entry.number <= self.last:
            yield f"Journal entry {entry.number} comes after {self.last}."
        self.last = entry.number
        yield from self.walk.step(entry)
        yield from self._balance(entry)
        self.sums.add(entry)
        for link in entry.links:
            number, head = self.seen.pop((link.matter, link.sequence), (0, link.hash))
            if head != link.hash:
                where = f"number {link.sequence} in {name_of(link.matter)}"
                yield f"Checkpoint {number} saw {head} as {where}; it is {link.hash} now."
        self.entries, self.postings = self.entries + 1, self.postings + len(entry.legs)

    def _balance(self, entry: Entry) -> Iterator[str]:
        sums: dict[tuple[str, str], int] = {}
        for account, _, _, currency, cents in entry.legs:
            if account not in self.funds:
                yield f"Journal entry {entry.number} posts on {account}, which is no account."
                continue
            key = (self.funds[account], currency)
            sums[key] = sums.get(key, 0) + cents
        for (fund, currency), cents in sums.items():
            if cents:
                yield f"Journal entry {entry.number} does not balance: {fund} postings sum to {bare(cents)} {currency}."

    def _end(self, row: dict[str, Any]) -> Iterator[str]:
        self.is_ended = True
        if row.get("end") != self.entries:
            yield f"The last line says {row.get('end')} entries; there are {self.entries}."
        if row.get("balances") != self.sums.rows():
            yield "The balances in the last line are not the sums of the postings."
        if row.get("sha256") != self.whole.hexdigest():
            yield f"The file has changed since it was written: its SHA-256 is {self.whole.hexdigest()}."
