"""``./dev audit``: every pinned dependency against a vulnerability database, and what could not be asked said as such.

Exit codes: 0 nothing is known against any of them; 1 something is; 3 not all could be checked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-build.txt", "requirements-scan.txt")


def _run(*words: str) -> tuple[Any, str]:
    """What a command answers as JSON (``None``: no answer), and the last line that it complains with."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    complaint = (done.stderr.strip().splitlines() or [""])[-1]
    try:
        return json.loads(done.stdout), complaint
    except ValueError:
        return None, complaint


def python(lock: str) -> tuple[list[str], str]:
    """What is known against the packages of ``lock``; and why it could not be asked, if so (OSV, osv.dev)."""
    tool = str(Path(sys.executable).parent / "pip-audit")
    said, complaint = _run(tool, "-s", "osv", "--disable-pip", "--no-deps", "-r", lock, "-f", "json")
    if said is None:
        return [], "the database at osv.dev cannot be reached" if "ConnectionError" in complaint else complaint
    rows = said["dependencies"]
    skipped = [row["name"] for row in rows if "skip_reason" in row]
    found = [f"{row['name']} {row['version']}: {fault['id']}" for row in rows for fault in row.get("vulns", [])]
    return found, f"not in the database: {', '.join(skipped)}" if skipped else ""


def node() -> tuple[list[str], str]:
    said, _ = _run("npm", "audit", "--json")
    if not isinstance(said, dict) or "vulnerabilities" not in said:
        return [], "npm's registry does not say"
    return [f"{name}: {row['severity']}" for name, row in said["vulnerabilities"].items()], ""


def main() -> int:
    answers = {lock: python(lock) for lock in LOCKS} | {"package-lock.json": node()}
    for name, (found, unasked) in answers.items():
        for line in found:
            print(f"{name}: {line}")
        print(f"{name}: {'NOT CHECKED: ' + unasked if unasked else f'checked, {len(found)} known weaknesses'}")
    if any(found for found, _ in answers.values()):
        return 1
    return 3 if any(unasked for _, unasked in answers.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
