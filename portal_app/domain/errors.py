"""What the domain says when it will not do something."""

from __future__ import annotations


class Refused(ValueError):
    """What was asked cannot be done; the message says why to the person who asked. ``field`` is the form's field."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class LinkUnusable(LookupError):
    """An invitation or reset link that is unknown, used, revoked or expired."""


class Busy(RuntimeError):
    """Too much of something dear is being done at this moment; the same may be asked again in a few seconds."""
