"""Settings that lie elsewhere: ``$env:NAME`` and ``$file:/absolute/path`` are kept as they are and read on each use."""

from __future__ import annotations

import os
import re
from pathlib import Path

from portal_app import config
from portal_app.domain.errors import Refused

PREFIXES = ("$env:", "$file:")
MOST_BYTES = 16_384
_MEMORY = "/dev/shm"  # noqa: S108  nothing is written there
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")


class Unresolved(Refused):
    """What a reference names cannot be read now; the sentence says why, never what is in it."""


def is_reference(text: str) -> bool:
    return text.startswith(PREFIXES)


def resolve(text: str) -> str:
    """What the reference stands for, without the line's end.

    Raises:
        Unresolved: there is nothing, or it is the portal's own.
    """
    kind, _, where = text.partition(":")
    found = (_environment(where) if kind == "$env" else _file(where)).strip()
    if not found:
        raise Unresolved(f"{text} is empty.")
    return found


def _environment(name: str) -> str:
    if not _NAME.match(name):
        raise Unresolved("After $env: comes the name of an environment variable, for example $env:GATEWAY_KEY.")
    if name.startswith("PORTAL_"):
        raise Unresolved("The portal's own settings are not for a gateway. Use another environment variable.")
    if name not in os.environ:
        raise Unresolved(f"The environment variable {name} is not set where the portal runs.")
    return os.environ[name]


def _file(name: str) -> str:
    path = Path(name)
    if not path.is_absolute() or "\0" in name:
        raise Unresolved("After $file: comes the whole path of a file, for example $file:/run/secrets/gateway_key.")
    try:
        path = path.resolve()
        if _is_own(path):
            raise Unresolved("The portal's own files are not for a gateway. Use a file outside its data folder.")
        if not path.is_file():
            raise Unresolved(f"There is no file {name}.")
        with path.open("rb") as file:
            read = file.read(MOST_BYTES + 1)
        text = read.decode("utf-8")
    except (OSError, RuntimeError):
        raise Unresolved(f"The portal cannot read the file {name}.") from None
    except UnicodeDecodeError:
        raise Unresolved(f"The file {name} is not a text.") from None
    if len(read) > MOST_BYTES:
        raise Unresolved(f"The file {name} is too long for a setting.")
    return text


def _is_own(path: Path) -> bool:
    """An administrator of the portal is not the owner of the machine: no setting hands out the portal's own keys."""
    is_machine = path.parts[1:2] in {("proc",), ("dev",), ("sys",)} and not path.is_relative_to(_MEMORY)
    return is_machine or path.is_relative_to(config.active().data_dir.resolve()) or path.name == config.FILE_NAME
