"""A form that makes something carries a key, made when it was drawn: the same key again is the same thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from peewee import Field, IntegrityError, Model

from portal_app.db import db, transaction
from portal_app.domain.errors import Refused

Row = TypeVar("Row", bound=Model)


class SentAlready(Refused):
    """The key has made something else: the form was sent, and then filled in anew on the way back."""

    def __init__(self) -> None:
        super().__init__("This form was sent before, and what it said is saved. Send it again to add this as well.")


def once(column: Field, key: str | None, make: Callable[[], Row], said: Mapping[str, Any]) -> Row:
    """What ``make`` makes with ``key`` in the unique ``column``, or what that key made before; also when two are at it
    at the same moment. Without a key it is always made.

    Raises:
        SentAlready: what the key made before does not say what is ``said`` now.
    """
    with transaction():
        if not key:
            return make()
        found: Row | None = column.model.get_or_none(column == key)
        if found is None:
            try:
                with db.atomic():
                    return make()
            except (IntegrityError, Refused):  # perhaps because the other one has made it meanwhile
                found = column.model.get_or_none(column == key)
                if found is None:
                    raise
        wanted = column.model(**said).__data__  # rows by their ids
        if any(found.__data__[name] != wanted[name] for name in said):
            raise SentAlready
        return found
