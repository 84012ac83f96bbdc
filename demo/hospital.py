"""The hospitals' information system: the health department's PostgreSQL, filled and changed."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from civiclake.errors import UserError
from civiclake.local import postgres
from demo.city import facilities
from demo.city.health import Journal
from demo.city.truth import Accountant, Expected
from demo.city.visits import Visit

DATABASE = "his"
READER = "health_reader"
_TABLES = """
DROP TABLE IF EXISTS visits, facilities;
CREATE TABLE facilities (
    facility_id text PRIMARY KEY, name text, kind text, district_code text, beds integer,
    latitude numeric(9,6), longitude numeric(9,6), opened_on date);
-- A journal: a visit may stand here in several versions, and what was typed is kept.
CREATE TABLE visits (
    visit_id text, citizen_id text, patient_name text, phone text, facility_id text,
    visited_at text, diagnosis_code text, sex text, age_years integer,
    cost_amount numeric(12,2), updated_at timestamptz);
CREATE SCHEMA IF NOT EXISTS demo;
CREATE TABLE IF NOT EXISTS demo.state (night integer, seed integer, visits integer, truth jsonb);
DELETE FROM demo.state;
"""
Connection = psycopg.Connection[tuple[Any, ...]]


def prepare(
    server: postgres.Server, reader_password: str, *, night: int, visits: int, seed: int
) -> dict[int, dict[str, Expected]]:
    """Bring the system to the state of a night; a later state is left as it is.

    Returns:
        What each night so far must account for, by dataset.

    Raises:
        UserError: it holds another city already.
    """
    postgres.create_database(server, DATABASE)
    postgres.create_role(server, READER, reader_password)
    with server.connect(DATABASE) as connection:
        truths = _state(connection, visits, seed)
        if max(truths, default=0) < night:
            journal = Journal(seed, visits)
            for number in range(1, night + 1):
                _play(connection, journal, number, truths)
    return truths


def _state(connection: Connection, visits: int, seed: int) -> dict[int, dict[str, Expected]]:
    there = connection.execute("SELECT to_regclass('demo.state')").fetchone()
    if not there or there[0] is None:
        return {}
    rows = connection.execute("SELECT night, seed, visits, truth FROM demo.state").fetchall()
    for _, old_seed, old_visits, _ in rows:
        if (old_seed, old_visits) != (seed, visits):
            raise UserError(
                f"the hospitals' system holds a city of {old_visits} visits (seed {old_seed}), "
                f"not of {visits} (seed {seed}): ask for that one, or remove the state folder "
                "after `make down` to begin anew"
            )
    return {
        night: {name: Expected.model_validate(account) for name, account in truth.items()}
        for night, _, _, truth in rows
    }


def _play(
    connection: Connection, journal: Journal, night: int, truths: dict[int, dict[str, Expected]]
) -> None:
    """One night in one transaction; a night that was played is only gone through again."""
    done = night in truths
    if night == 1:
        if not done:
            with connection.transaction():
                account = _first_night(connection, journal)
                _remember(connection, journal, night, account, truths)
            connection.execute("ANALYZE")
        return
    changes, expected = journal.night(night)
    if done:
        return
    with connection.transaction():
        remove = "DELETE FROM visits WHERE visit_id = %s AND updated_at = %s::timestamptz"
        connection.cursor().executemany(remove, changes.removed)
        _copy_visits(connection, changes.appended)
        _copy_facilities(connection, journal.seed, night)
        account = {"health.visits": expected, "health.facilities": _facilities(journal.seed, night)}
        _remember(connection, journal, night, account, truths)


def _first_night(connection: Connection, journal: Journal) -> dict[str, Expected]:
    connection.execute(_TABLES)
    accountant = Accountant(facilities.ids(journal.seed, 1))
    began = time.monotonic()
    groups = journal.first_night(accountant)
    _copy_visits(connection, (row for rows in groups for row in rows))
    connection.execute("CREATE INDEX ON visits (updated_at)")
    connection.execute("CREATE INDEX ON visits (visit_id)")
    reader = sql.Identifier(READER)
    connection.execute(sql.SQL("GRANT SELECT ON visits, facilities TO {}").format(reader))
    _copy_facilities(connection, journal.seed, 1)
    expected = accountant.expected
    took = time.monotonic() - began
    print(f"health: wrote {expected.read:,} rows of visits in {took:.1f} s", file=sys.stderr)
    return {"health.visits": expected, "health.facilities": _facilities(journal.seed, 1)}


def _remember(
    connection: Connection,
    journal: Journal,
    night: int,
    account: dict[str, Expected],
    truths: dict[int, dict[str, Expected]],
) -> None:
    truth = {name: expected.model_dump() for name, expected in account.items()}
    values = [night, journal.seed, journal.visits, psycopg.types.json.Jsonb(truth)]
    connection.execute("INSERT INTO demo.state VALUES (%s, %s, %s, %s)", values)
    truths[night] = account


def _copy_visits(connection: Connection, rows: Iterable[Visit]) -> None:
    """COPY's own text form, joined by hand: no value of ours holds a tab or a backslash."""
    pending: list[str] = []
    with connection.cursor().copy("COPY visits FROM STDIN") as copy:
        for row in rows:
            values = ("\\N" if value is None else str(value) for value in row)
            pending.append("\t".join(values))
            if len(pending) == 5000:
                copy.write("\n".join(pending) + "\n")
                pending.clear()
        if pending:
            copy.write("\n".join(pending) + "\n")


def _copy_facilities(connection: Connection, seed: int, night: int) -> None:
    connection.execute("DELETE FROM facilities")
    with connection.cursor().copy("COPY facilities FROM STDIN") as copy:
        for facility in facilities.register(seed, night):
            copy.write_row(tuple(vars(facility).values()))


def _facilities(seed: int, night: int) -> Expected:
    now = {f.facility_id: f for f in facilities.register(seed, night)}
    before = {} if night == 1 else {f.facility_id: f for f in facilities.register(seed, night - 1)}
    changed = sum(1 for key, row in now.items() if key in before and before[key] != row)
    inserted = len(now.keys() - before.keys())
    return Expected(
        read=len(now),
        inserted=inserted,
        updated=changed,
        unchanged=len(now) - inserted - changed,
        deleted=len(before.keys() - now.keys()),
    )
