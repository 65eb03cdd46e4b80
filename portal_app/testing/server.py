"""A PostgreSQL server on which the kit makes databases: one for a firm, copied for each check."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def address(server: str, name: str) -> str:
    """Where the database ``name`` is on the server."""
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def create(server: str, name: str, template: str = "template0") -> str:
    """Make a database, a copy of ``template`` (to which nobody may be connected); its address."""
    from psycopg import sql

    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _execute(server, statement.format(sql.Identifier(name), sql.Identifier(template)))
    return address(server, name)


def drop(server: str, name: str) -> None:
    """Remove a database, whoever is still connected."""
    from psycopg import sql

    _execute(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server: str, statement: Any) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
