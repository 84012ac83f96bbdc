"""The hospitals' administration: a MariaDB of the department of medical care."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

from civiclake.local import process
from demo import mariadb
from demo.city.journal import Journal
from demo.city.model import Model
from demo.city.table import Row, Series
from demo.systems.kinds import STAMP, column_kinds
from demo.systems.site import Site

_DATABASE, _READER, _CONNECTION = "clinic", "clinic_reader", "medical_db"
_DATASETS = ("medical.staff", "medical.admissions")
_FIRST_PORT = 54360
_ROWS = 1000
_TYPES: dict[type | str, str] = {
    str: "varchar(190)",
    int: "int",
    Decimal: "decimal(16,2)",
    date: "date",
    # Without this default MariaDB would write the time of every change by itself.
    STAMP: "timestamp NULL DEFAULT NULL",
}


class Clinic:
    """One server, one database."""

    name = "MariaDB"

    def start(self, site: Site) -> str:
        """Start it, unless it runs."""
        _server(site)
        return f"{mariadb.HOST}:{_port(site)}"

    def stop(self, site: Site) -> bool:
        """Stop it; whether it was running."""
        return mariadb.stop(site.run_dir)

    def running(self, site: Site) -> process.Running | None:
        """Its process."""
        return process.status(mariadb.NAME, site.run_dir)

    def environment(self, site: Site) -> dict[str, str]:
        """Address and login."""
        prefix = _CONNECTION.upper()
        return {
            f"{prefix}_HOST": mariadb.HOST,
            f"{prefix}_PORT": str(_port(site)),
            f"{prefix}_USER": _READER,
            f"{prefix}_PASSWORD": site.secret(_READER),
        }

    def prepare(self, site: Site, model: Model, night: int) -> None:
        """Play a night in one transaction, once."""
        server = _server(site)
        mariadb.create_reader(server, _DATABASE, _READER, site.secret(_READER), "SELECT")
        with server.connect(_DATABASE) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE IF NOT EXISTS demo")
            cursor.execute("CREATE TABLE IF NOT EXISTS demo.nights (night int PRIMARY KEY)")
            if cursor.execute("SELECT 1 FROM demo.nights WHERE night = %s", (night,)):
                return
            for name in _DATASETS:
                _create(cursor, model.series[name], night)
            connection.begin()
            for name in _DATASETS:
                _play(cursor, model.series[name], night)
            cursor.execute("INSERT INTO demo.nights VALUES (%s)", (night,))
            connection.commit()


def _server(site: Site) -> mariadb.Server:
    return mariadb.start(
        site.data("mariadb"), _port(site), site.secret("mariadb_admin"), run_dir=site.run_dir
    )


def _port(site: Site) -> int:
    return site.port("mariadb", _FIRST_PORT)


def _table(series: Series) -> str:
    return series.shape.id.partition(".")[2]


def _create(cursor: Any, series: Series, night: int) -> None:
    """Make the table before the first night: MariaDB would commit what it comes after."""
    if night > 1:
        return
    columns = [f"`{name}` {_TYPES[kind]}" for name, kind in column_kinds(series).items()]
    if isinstance(series, Journal):
        columns += [f"KEY (`{name}`)" for name in (series.shape.key[0], series.stamp)]
    cursor.execute(f"DROP TABLE IF EXISTS `{_table(series)}`")
    cursor.execute(f"CREATE TABLE `{_table(series)}` ({', '.join(columns)})")


def _play(cursor: Any, series: Series, night: int) -> None:
    if not isinstance(series, Journal):
        cursor.execute(f"DELETE FROM `{_table(series)}`")
    elif night > 1:
        where = f"`{series.shape.key[0]}` = %s AND `{series.stamp}` = %s"
        gone = [(key, _utc(when)) for key, when in series.removed(night)]
        cursor.executemany(f"DELETE FROM `{_table(series)}` WHERE {where}", gone)
    marks = ", ".join("%s" for _ in series.shape.columns)
    rows = _values(series, night)
    while group := list(islice(rows, _ROWS)):
        cursor.executemany(f"INSERT INTO `{_table(series)}` VALUES ({marks})", group)


def _values(series: Series, night: int) -> Iterator[Row]:
    stamp = series.shape.place(series.stamp) if isinstance(series, Journal) else None
    for row in series.rows(night):
        if stamp is None:
            yield row
        else:
            yield (*row[:stamp], _utc(row[stamp]), *row[stamp + 1 :])


def _utc(stamp: str) -> str:
    """The server's clock is UTC, and it takes no offset."""
    return stamp.removesuffix("+00")
