"""The database of an installation's state: a connection, its tables, and its faults in sentences.

Nothing here goes by the clock of the host that asks: moments are the server's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import make_conninfo

from civiclake import secrets
from civiclake.errors import StateUnavailable, UserError
from civiclake.settings import Settings

Connection = psycopg.Connection[tuple[Any, ...]]
LOST = (psycopg.OperationalError, psycopg.InterfaceError)
"""What is raised when the server, or the way to it, is gone."""
_SECRET = "state_password"  # noqa: S105 - its name
_MAKING = 0x6369766963
"""Advisory lock of who makes the tables."""
_TABLES = """
CREATE TABLE IF NOT EXISTS civiclake.installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL
);
CREATE TABLE IF NOT EXISTS civiclake.locks (
    name text PRIMARY KEY,
    token bigint NOT NULL,
    claim text NOT NULL,
    record jsonb NOT NULL,
    wanted_at timestamptz
);
CREATE TABLE IF NOT EXISTS civiclake.records (
    kind text NOT NULL,
    name text NOT NULL,
    value jsonb NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE TABLE IF NOT EXISTS civiclake.landing_listed (dataset text PRIMARY KEY);
CREATE TABLE IF NOT EXISTS civiclake.landing_batches (
    dataset text NOT NULL,
    batch_id text NOT NULL,
    changing_since timestamptz,
    batch text,
    files text,
    attempts integer NOT NULL DEFAULT 0,
    PRIMARY KEY (dataset, batch_id)
);
"""
# A host that is cut off keeps its locks until the server knows: within half a minute.
_WATCHED = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_SERVER = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
    " -c tcp_user_timeout=30000 -c timezone=UTC"
)


def connect(settings: Settings, *, name: str = "civiclake") -> Connection:
    """A connection that commits every statement, to a database with our tables.

    Args:
        settings: of this installation.
        name: by which the server knows the connection.

    Raises:
        UserError: the server refuses the login, the database, or to make our tables.
        StateUnavailable: it does not answer.
    """
    with told(settings):
        connection: Connection = psycopg.connect(
            make_conninfo(settings.state.url, application_name=name, options=_SERVER, **_WATCHED),
            password=secrets.get(settings, _SECRET),
            connect_timeout=10,
            autocommit=True,
        )
        try:
            _make(connection)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def asking(settings: Settings) -> Iterator[Connection]:
    """A connection for a question or two, whose faults are told in sentences."""
    with told(settings), connect(settings) as connection:
        yield connection


@contextmanager
def told(settings: Settings) -> Iterator[None]:
    """Turn the driver's errors into sentences.

    Raises:
        UserError: it is for a person to mend.
        StateUnavailable: trying again later may help.
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise UserError(
            f"{where(settings)} does not let {_user(settings)} have the schema `civiclake`"
            f" ({_first(error)}): as its owner, run CREATE SCHEMA civiclake AUTHORIZATION"
            f" {_user(settings)}"
        ) from None
    except LOST as error:
        raise _refusal(settings, error) from None


def identity(settings: Settings) -> str:
    """The id of the installation whose state this is."""
    with asking(settings) as connection:
        ((found,),) = connection.execute("SELECT id FROM civiclake.installation")
    return str(found)


def where(settings: Settings) -> str:
    """The database, in a sentence."""
    parts = urlsplit(settings.state.url)
    return f"the state's database {parts.path.strip('/')} at {parts.hostname}:{parts.port or 5432}"


def _make(connection: Connection) -> None:
    """Two that are first at once would both make them."""
    found = connection.execute("SELECT to_regclass('civiclake.landing_batches')").fetchone()
    if found and found[0]:
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_MAKING])
        schema = connection.execute("SELECT to_regnamespace('civiclake')").fetchone()
        if not (schema and schema[0]):  # to ask IF NOT EXISTS takes the right to make one
            connection.execute("CREATE SCHEMA civiclake")
        for statement in filter(None, map(str.strip, _TABLES.split(";"))):
            connection.execute(statement.encode())
        connection.execute(
            "INSERT INTO civiclake.installation (id) VALUES (%s) ON CONFLICT DO NOTHING",
            [uuid.uuid4()],
        )


def _refusal(settings: Settings, error: Exception) -> UserError | StateUnavailable:
    said = str(error)
    if "password authentication failed" in said or "no password supplied" in said:
        return UserError(
            f"{where(settings)} refuses the password of {_user(settings)}: correct"
            f" {secrets.variable(_SECRET)}, or the file {settings.secrets_dir / _SECRET}"
        )
    if "does not exist" in said or "pg_hba.conf" in said or "permission denied" in said:
        return UserError(
            f"{where(settings)} refuses {_user(settings)} ({_first(error)}): make the database and"
            " its user, or correct state.url"
        )
    return StateUnavailable(
        f"{where(settings)} does not answer ({_first(error)}): try again when it is up"
    )


def _first(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _user(settings: Settings) -> str:
    return str(urlsplit(settings.state.url).username)
