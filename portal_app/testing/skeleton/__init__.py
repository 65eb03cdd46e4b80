"""A whole gateway plugin to begin with; ``portal plugin new`` writes it out under another name."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
FILES = {  # in the project: from where it comes
    "pyproject.toml": "project/pyproject.toml.txt",
    "README.md": "project/README.md.txt",
    ".gitignore": "project/gitignore.txt",
    ".github/workflows/ci.yml": "project/ci.yml.txt",
    "portal_example/__init__.py": "portal_example/__init__.py",
    "portal_example/gateway.py": "portal_example/gateway.py",
    "portal_example/answers.py": "portal_example/answers.py",
    "portal_example/py.typed": "portal_example/py.typed",
    "portal_example/static/fields.js": "portal_example/static/fields.js",
    "tests/wire.py": "example_wire.py",
    "tests/test_kit.py": "project/test_kit.py.txt",
}
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


class BadName(ValueError):
    """It cannot be the name of a gateway; the message says what can."""


class TakenFolder(FileExistsError):
    """There is something in the folder already; nothing was written."""


def write(name: str, folder: Path) -> Path:
    """Write a project for the gateway ``name`` into ``folder/portal-NAME``; returns that folder.

    Raises:
        BadName: not a short word in small letters. TakenFolder: it is there already.
    """
    short = name.removeprefix("portal-")
    if not NAME.fullmatch(short) or len(short) > 30:
        raise BadName("Use small letters, digits and hyphens for the name, for example blue-pay.")
    project = folder / f"portal-{short}"
    if project.exists() and any(project.iterdir()):
        raise TakenFolder(str(project))
    for path, source in FILES.items():
        target = project / renamed(path, short)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(renamed((HERE / source).read_text("utf-8"), short), "utf-8")
    return project


def renamed(text: str, name: str) -> str:
    """The text with the name in all its forms: words for people, classes, modules, ids."""
    words = name.split("-")
    forms = {
        "Example Pay": " ".join(word.capitalize() for word in words),
        "Example": "".join(word.capitalize() for word in words),
        "portal_example": f"portal_{'_'.join(words)}",
        "example": name,
    }
    for form, other in forms.items():
        text = text.replace(form, other)
    return text
