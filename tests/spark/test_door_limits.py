"""What one login may ask of the door: a query that asks for more fails alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from door import ask, said_of
from pyhive import hive
from TCLIService import ttypes as thrift

from civiclake.engine import analysts
from civiclake.settings import Settings

PASSWORD = "limited-is-the-word"
RUNAWAY = "SELECT count(*) FROM range(3000000) a CROSS JOIN range(3000000) b WHERE a.id + b.id < 0"


@pytest.fixture(scope="module")
def limited(lake: Settings) -> Iterator[Settings]:
    for name in ("limited", "hasty"):
        analysts.add(lake, name, PASSWORD)
    yield lake
    for name in ("limited", "hasty"):
        analysts.remove(lake, name)


def _connect(settings: Settings, name: str = "limited") -> hive.Connection:
    return hive.connect(
        host=settings.engine.host, port=settings.engine.sql_port, username=name,
        password=PASSWORD, auth="CUSTOM",
    )  # fmt: skip


@pytest.fixture
def session(limited: Settings) -> Iterator[hive.Connection]:
    connection = _connect(limited)
    yield connection
    connection.close()


def test_a_result_within_the_limits_is_whole(session: hive.Connection) -> None:
    cursor = session.cursor()
    cursor.execute("SELECT id FROM range(500)")
    assert cursor.fetchall() == [(n,) for n in range(500)]


def test_too_many_rows_are_refused_and_the_session_goes_on(session: hive.Connection) -> None:
    said = said_of(session, "SELECT id FROM range(501)")
    assert "the result has more than 500 rows, the most for limited" in said
    assert said_of(session, "SELECT 7") == "went through: [(7,)]"


def test_too_large_a_result_is_refused(session: hive.Connection) -> None:
    said = said_of(session, "SELECT repeat('x', 10000) FROM range(200)")
    assert "the result is larger than 1 MB, the most for limited" in said


def test_no_more_statements_are_open_at_once(session: hive.Connection) -> None:
    cursors = [session.cursor() for _ in range(3)]
    for cursor in cursors[:2]:
        cursor.execute("SELECT id FROM range(100)")
    with pytest.raises(hive.OperationalError, match="may have 2 at once"):
        cursors[2].execute("SELECT 1")
    assert len(cursors[0].fetchall()) == 100
    cursors[2].execute("SELECT 1")
    for cursor in cursors:
        cursor.close()


def test_a_fetch_brings_no_more_than_its_cap_whatever_is_asked(lake: Settings) -> None:
    connection = hive.connect(
        host=lake.engine.host, port=lake.engine.sql_port, username=analysts.DEFAULT,
        password=analysts.default_password(lake), auth="CUSTOM",
    )  # fmt: skip
    cursor = connection.cursor()
    cursor.execute("SELECT id FROM range(30000)")
    sizes = []
    while not sizes or sizes[-1]:
        fetched = connection.client.FetchResults(
            thrift.TFetchResultsReq(operationHandle=cursor._operationHandle, maxRows=20_000_000)
        )
        sizes.append(len(fetched.results.columns[0].i64Val.values))
    connection.close()
    assert sum(sizes) == 30_000
    assert max(sizes) == lake.engine.limits.fetch_rows


def test_a_statement_ends_with_its_time(limited: Settings) -> None:
    connection = _connect(limited, "hasty")
    said = said_of(connection, RUNAWAY)
    assert "the statement has worked for 2 seconds, the most for hasty" in said
    connection.close()


def test_nobody_waits_for_a_runaway_query_and_it_ends_when_it_is_cancelled(
    limited: Settings, session: hive.Connection
) -> None:
    runaway = session.cursor()
    runaway.execute(RUNAWAY, async_=True)
    # How soon they are answered beside a night: tests/faults.
    assert ask(limited, "SELECT count(*) FROM unified.weather") == [(10,)]
    assert runaway.poll().operationState == thrift.TOperationState.RUNNING_STATE
    runaway.cancel()
    assert runaway.poll().operationState == thrift.TOperationState.CANCELED_STATE
    assert said_of(session, "SELECT 7") == "went through: [(7,)]"
