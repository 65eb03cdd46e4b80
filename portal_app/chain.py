"""The hash chain's format, version 1: what is hashed, in which order, and nothing else. It never changes.

An entry is one line of compact JSON (UTF-8, no spaces, characters as they are)::

    {"entry":17,"posted_at":"2026-01-02 15:04:05.000006","occurred_on":"2026-01-02","code":"invoice_issued",
     "description":"Invoice 2026-0007","source":"invoice:7:issued","reverses":null,"firm_user":1,"portal_user":null,
     "legs":[["receivable",3,7,"USD",80000],["fees",3,7,"USD",-80000]]}

A leg is its account, matter, invoice, currency and cents (debit plus, credit minus), in the order in which they were
written. The entry's digest is the SHA-256 of the line. In the chain of each matter that it touches (0: the chain of
entries that touch none) it has a link, whose hash is the SHA-256 of five lines without a last newline: the word
``portal-chain-1``, the matter, the link's number in its chain from 1, the hash of the link before (64 zeros for the
first) and the entry's digest. Hashes are written as 64 lower-case hexadecimal digits.

A checkpoint's hash is the SHA-256 of its lines, each with a newline: ``portal-checkpoint-1``, its number, its moment,
the hash of the checkpoint before (64 zeros for the first), then matter, number and hash of each chain's last link,
with spaces between, for the chains that have grown since, in the order of their matters.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

VERSION = 1
START = "0" * 64
FIELDS = (
    "entry", "posted_at", "occurred_on", "code", "description", "source", "reverses", "firm_user", "portal_user",
    "legs",
)  # fmt: skip
LEG = ("account", "matter", "invoice", "currency", "cents")

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_sha256 = hashlib.sha256


def line_of(values: Sequence[Any], legs: Sequence[Sequence[Any]]) -> str:
    """The entry as text: ``values`` are the first nine of :data:`FIELDS`, moments and days as text; ``legs`` as
    :data:`LEG`."""
    number, posted_at, occurred_on, code, description, source, reverses, firm_user, portal_user = values
    return encode(
        {
            "entry": number, "posted_at": posted_at, "occurred_on": occurred_on, "code": code,
            "description": description, "source": source, "reverses": reverses, "firm_user": firm_user,
            "portal_user": portal_user, "legs": legs,
        }
    )  # fmt: skip


def digest(line: str) -> str:
    """A text that came out of a damaged database may hold bytes that are no UTF-8; they are hashed as they are."""
    return digest_of(line.encode("utf-8", "surrogateescape"))


def digest_of(line: bytes) -> str:
    return _sha256(line).hexdigest()


def link(matter: int, sequence: int, previous: str, entry_digest: str) -> str:
    """The hash of a link."""
    return _sha256(f"portal-chain-1\n{matter}\n{sequence}\n{previous}\n{entry_digest}".encode()).hexdigest()


def checkpoint(number: int, made_at: str, previous: str, heads: Iterable[tuple[int, int, str]]) -> str:
    """The hash of a checkpoint; ``heads``: (matter, sequence, hash)."""
    lines = ["portal-checkpoint-1", str(number), made_at, previous]
    lines += [f"{matter} {sequence} {head}" for matter, sequence, head in sorted(heads)]
    return _sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
