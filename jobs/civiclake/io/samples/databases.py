"""What samples of databases share: the address of a table, and the contract's server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from civiclake.errors import UserError

FETCHED = 10_000
"""Rows that are held at a time while a table's sample is read."""


@dataclass(frozen=True)
class Address:
    """Where a table is."""

    host: str
    port: int | None
    user: str | None
    database: str
    table: str


def read_address(source: str, allowed: str, password: str) -> Address:
    """The parts of ``scheme://host:port/database/table``.

    Args:
        source: the address.
        allowed: how it should look, for the sentence when it does not.
        password: the variable in which a password belongs.

    Raises:
        UserError: it names no table, or holds a password.
    """
    parts = urlsplit(source)
    if parts.password:
        raise UserError(
            f"a password in an address ends in the shell's history: put it into {password}"
        )
    way = [unquote(part) for part in parts.path.split("/") if part]
    if len(way) != 2 or not parts.hostname:
        raise UserError(
            f"{parts.scheme}://{parts.hostname or ''}{parts.path} names no table; allowed is"
            f" {allowed}"
        )
    return Address(parts.hostname, parts.port, parts.username, way[0], way[1])


def server(kind: str, department: str, database: str) -> dict[str, Any]:
    """The contract's server; where it stands is the environment's to say."""
    variable = f"{department.upper()}_DB"
    return {
        "server": "source",
        "type": kind,
        "host": f"${{{variable}_HOST}}",
        "port": f"${{{variable}_PORT}}",
        "database": database,
    }
