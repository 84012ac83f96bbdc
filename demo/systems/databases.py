"""The departments' PostgreSQL: public health, public security and employment."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql

from civiclake.local import postgres, process
from demo.city.journal import Journal
from demo.city.model import Model
from demo.city.table import Row, Series
from demo.systems.kinds import STAMP, column_kinds
from demo.systems.site import Site

_PROCESS = "city-postgres"
_FIRST_PORT = 54330
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Database:
    """A department's database."""

    name: str
    connection: str
    """As its contracts name it."""
    datasets: tuple[str, ...]

    @property
    def reader(self) -> str:
        """The login that the contracts' connection uses."""
        return f"{self.name}_reader"


DATABASES = (
    Database(
        "his",
        "health_db",
        ("health.facilities", "health.visits", "health.notifiable_cases", "health.vaccinations"),
    ),
    Database(
        "police",
        "public_security_db",
        ("public_security.residents", "public_security.incidents"),
    ),
    Database("labour", "employment_db", ("employment.employers", "employment.contracts")),
)


class Databases:
    """One server with a database for each of three departments."""

    name = "PostgreSQL"

    def start(self, site: Site) -> str:
        """Start it, unless it runs."""
        server(site)
        return f"{postgres.HOST}:{_port(site)}"

    def stop(self, site: Site) -> bool:
        """Stop it; whether it was running."""
        return postgres.stop(site.run_dir, name=_PROCESS)

    def running(self, site: Site) -> process.Running | None:
        """Its process."""
        return process.status(_PROCESS, site.run_dir)

    def environment(self, site: Site) -> dict[str, str]:
        """Address and login of each database."""
        found = {}
        for database in DATABASES:
            prefix = database.connection.upper()
            found[f"{prefix}_HOST"] = postgres.HOST
            found[f"{prefix}_PORT"] = str(_port(site))
            found[f"{prefix}_USER"] = database.reader
            found[f"{prefix}_PASSWORD"] = site.secret(database.reader)
        return found

    def prepare(self, site: Site, model: Model, night: int) -> None:
        """Play a night in every database, each in one transaction and once."""
        running = server(site)
        for database in DATABASES:
            postgres.create_database(running, database.name)
            postgres.create_role(running, database.reader, site.secret(database.reader))
            with running.connect(database.name) as connection:
                _play(connection, database, model, night)


def server(site: Site) -> postgres.Server:
    """The server, started when it does not run."""
    return postgres.start(
        site.data("postgres"),
        _port(site),
        site.secret("postgres_superuser"),
        run_dir=site.run_dir,
        name=_PROCESS,
        # The sample city can be made again: its system need not survive a power cut.
        options={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
    )


def _port(site: Site) -> int:
    return site.port("postgres", _FIRST_PORT)


def _play(connection: Connection, database: Database, model: Model, night: int) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS demo")
    connection.execute("CREATE TABLE IF NOT EXISTS demo.nights (night integer PRIMARY KEY)")
    done = connection.execute("SELECT 1 FROM demo.nights WHERE night = %s", [night]).fetchone()
    if done:
        return
    began = time.monotonic()
    with connection.transaction():
        rows = sum(
            _play_table(connection, database, model.series[name], night)
            for name in database.datasets
        )
        connection.execute("INSERT INTO demo.nights VALUES (%s)", [night])
    if night == 1:
        connection.execute("ANALYZE")
    took = time.monotonic() - began
    print(f"{database.name}: wrote {rows:,} rows in {took:.1f} s", file=sys.stderr)


def _play_table(connection: Connection, database: Database, series: Series, night: int) -> int:
    table = sql.Identifier(series.shape.id.partition(".")[2])
    if night == 1:
        _create(connection, database, series, table)
    if not isinstance(series, Journal):
        connection.execute(sql.SQL("DELETE FROM {}").format(table))
    elif night > 1:
        key, stamp = sql.Identifier(series.shape.key[0]), sql.Identifier(series.stamp)
        remove = sql.SQL("DELETE FROM {} WHERE {} = %s AND {} = %s::timestamptz")
        cursor = connection.cursor()
        cursor.executemany(remove.format(table, key, stamp), series.removed(night))
    return _copy(connection, table, series.rows(night))


def _create(
    connection: Connection, database: Database, series: Series, table: sql.Identifier
) -> None:
    """A table without a key: a record may stand there in several versions, as it was typed."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_TYPES[kind]))
        for name, kind in column_kinds(series).items()
    )
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, columns))
    if isinstance(series, Journal):
        for name in (series.shape.key[0], series.stamp):
            index = sql.SQL("CREATE INDEX ON {} ({})")
            connection.execute(index.format(table, sql.Identifier(name)))
    reader = sql.Identifier(database.reader)
    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(table, reader))


_TYPES: dict[type | str, str] = {
    str: "text",
    int: "integer",
    Decimal: "numeric(16,6)",
    date: "date",
    STAMP: "timestamptz",
}


def _copy(connection: Connection, table: sql.Identifier, rows: Iterable[Row]) -> int:
    """COPY's own text form, joined by hand: no value of ours holds a tab or a backslash."""
    written, lines = 0, _lines(rows)
    with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
        while pending := list(islice(lines, 5000)):
            copy.write("".join(pending))
            written += len(pending)
    return written


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield "\t".join("\\N" if value is None else str(value) for value in row) + "\n"
