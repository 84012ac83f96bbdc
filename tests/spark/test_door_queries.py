"""What analysts need works: SQL, metadata for BI tools, fresh data, new tables, logins."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from door import RAIN, V, ask, connect, make_table
from pyhive import hive
from pyspark.sql import SparkSession
from TCLIService import ttypes as thrift

from civiclake.engine import analysts, client
from civiclake.engine.java import java_home, spark_jars
from civiclake.errors import UserError
from civiclake.settings import Settings

QUERIES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "filter by what a file holds": (f"SELECT count(*) FROM {V} WHERE id >= 100", [(11,)]),
    "cte and window": (
        f"""WITH n AS (SELECT facility, count(*) AS n FROM {V} GROUP BY facility)
        SELECT facility, n, rank() OVER (ORDER BY n DESC, facility) AS r FROM n ORDER BY r""",
        [("f0", 37, 1), ("f1", 37, 2), ("f2", 37, 3)],
    ),
    "recursive cte": (
        "WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 4)"
        " SELECT sum(n) FROM r",
        [(10,)],
    ),
    "departments joined": (
        f"SELECT count(*), max(rain_mm) FROM {V} JOIN unified.weather USING (day)"
        " WHERE rain_mm >= 4",
        [(22, 4.5)],
    ),
    "lateral": (
        "SELECT w.day, l.n FROM unified.weather w, LATERAL"
        f" (SELECT count(*) AS n FROM {V} v WHERE v.day = w.day) l ORDER BY 1 LIMIT 1",
        [(date(2026, 1, 1), 12)],
    ),
    "exists": (
        f"SELECT count(*) FROM unified.weather w WHERE EXISTS"
        f" (SELECT 1 FROM {V} v WHERE v.day = w.day AND v.id = 3)",
        [(1,)],
    ),
    "set operations": (
        f"SELECT facility FROM {V} INTERSECT SELECT facility FROM marts.costs EXCEPT SELECT 'x'",
        [("f0",)],
    ),
    "cube": (
        f"SELECT facility, grouping(facility), count(*) FROM {V} GROUP BY CUBE(facility)"
        " ORDER BY 2 DESC, 1 LIMIT 1",
        [(None, 1, 111)],
    ),
    "pivot": (
        f"SELECT * FROM (SELECT facility, id FROM {V})"
        " PIVOT (count(id) FOR facility IN ('f0', 'f1'))",
        [(37, 37)],
    ),
    "pipe": (f"FROM {V} |> WHERE id < 5 |> AGGREGATE sum(cost) AS c", [(Decimal("15.00"),)]),
    "higher order": (
        "SELECT aggregate(transform(array(1, 2), x -> x + 1), 0, (a, x) -> a + x)",
        [(5,)],
    ),
    "json": (
        """SELECT from_json('{"a": 1}', 'a INT').a, get_json_object('{"b": 2}', '$.b')""",
        [(1, "2")],
    ),
    "time windows": (
        f"SELECT count(*) FROM (SELECT window(seen, '1 day') FROM {V} GROUP BY 1)",
        [(5,)],
    ),
    "version as of": (f"SELECT count(*) FROM {V} VERSION AS OF 0", [(100,)]),
    "versions compared": (
        f"SELECT count(*) FROM {V} n LEFT ANTI JOIN {V} VERSION AS OF 0 o ON n.id = o.id",
        [(11,)],
    ),
    "identifier": ("SELECT count(*) FROM IDENTIFIER('unified.' || 'weather')", [(10,)]),
    "execute immediate": (f"EXECUTE IMMEDIATE 'SELECT max(id) FROM {V}'", [(110,)]),
    "hint": (
        f"SELECT /*+ BROADCAST(w) */ count(*) FROM {V} JOIN unified.weather w USING (day)",
        [(111,)],
    ),
    "our columns": (f"SELECT DISTINCT _batch_id FROM {V}", [("b1",)]),
    "show schemas": ("SHOW SCHEMAS LIKE 'u*'", [("unified",)]),
    "show columns": ("SHOW COLUMNS IN unified.weather", [("day",), ("rain_mm",)]),
    "describe": (
        "DESCRIBE unified.weather",
        [("day", "date", None), ("rain_mm", "double", RAIN)],
    ),
    "years of five digits, and before the first": (
        "SELECT timestamp'+10000-01-01 04:59:59', date'+10000-01-01', date'-0043-03-15',"
        " timestamp'9999-12-31 23:59:59.5', timestamp_ntz'+12000-01-01 00:00:00', null",
        [
            (
                "+10000-01-01 04:59:59",
                "+10000-01-01",
                "-0043-03-15",
                datetime(9999, 12, 31, 23, 59, 59, 500_000),
                "+12000-01-01 00:00:00",
                None,
            )
        ],
    ),
    "who am I": ("SELECT current_user()", [("analyst",)]),
}


@pytest.mark.parametrize("name", QUERIES)
def test_query(name: str, lake: Settings) -> None:
    sql, expected = QUERIES[name]
    assert [tuple(row) for row in ask(lake, sql)] == expected


@pytest.fixture(scope="module")
def session(lake: Settings) -> Iterator[hive.Connection]:
    connection = connect(lake)
    yield connection
    connection.close()


def test_columns_and_typed_rows(lake: Settings) -> None:
    columns, rows = client.query(
        lake, f"SELECT * FROM {V} WHERE id = 2;", "analyst", analysts.default_password(lake)
    )
    assert columns == ["id", "facility", "day", "cost", "seen", "_batch_id"]
    seen = datetime(2026, 1, 1, 10)
    assert list(rows) == [(2, "f2", date(2026, 1, 3), Decimal("3.00"), seen, "b1")]


def test_one_session_serves_many_statements(session: hive.Connection) -> None:
    cursor = session.cursor()
    for sql, expected in (
        ("USE unified", []),
        ("SET spark.sql.session.timeZone=Europe/Berlin", None),
        ("SELECT count(*) FROM visits", [(111,)]),
        ("SELECT date_format(timestamp'2026-07-01 00:00:00Z', 'HH')", [("02",)]),
    ):
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
        assert expected is None or rows == expected


@pytest.mark.parametrize("kind", ["", "EXTENDED", "FORMATTED", "COST", "CODEGEN"])
def test_explain(kind: str, session: hive.Connection) -> None:
    cursor = session.cursor()
    cursor.execute(f"EXPLAIN {kind} SELECT facility, sum(cost) FROM {V} GROUP BY facility")
    # With adaptive execution no code is made before the query runs.
    expected = "WholeStageCodegen" if kind == "CODEGEN" else "HashAggregate"
    assert expected in cursor.fetchone()[0]


def test_show_and_describe(lake: Settings) -> None:
    assert {row[1] for row in ask(lake, "SHOW TABLES IN unified")} >= {"visits", "weather"}
    assert "weather" in str(ask(lake, "SHOW TABLE EXTENDED IN unified LIKE 'w*'"))
    assert "delta" in str(ask(lake, f"DESCRIBE EXTENDED {V}"))
    assert ("id",) in {row[:1] for row in ask(lake, f"DESCRIBE QUERY SELECT id FROM {V}")}
    history = ask(lake, f"DESCRIBE HISTORY {V}")
    assert [row[4] for row in history][-3:] == ["DELETE", "WRITE", "CREATE TABLE AS SELECT"]
    assert ask(lake, f"DESCRIBE DETAIL {V}")[0][0] == "delta"
    assert "sum(expr)" in str(ask(lake, "DESCRIBE FUNCTION sum"))
    assert ("sum",) in ask(lake, "SHOW FUNCTIONS LIKE 'sum'")
    assert ("delta.checkpointInterval", "2") in ask(lake, f"SHOW TBLPROPERTIES {V}")


def test_time_travel_by_time(lake: Settings) -> None:
    first = ask(lake, f"DESCRIBE HISTORY {V}")[-1][1]
    rows = ask(lake, f"SELECT count(*) FROM {V} TIMESTAMP AS OF '{first}'")
    assert rows == [(100,)]


def _metadata(connection: hive.Connection, answer: Any) -> list[tuple[Any, ...]]:
    request = thrift.TFetchResultsReq(operationHandle=answer.operationHandle, maxRows=10_000)
    fetched = connection.client.FetchResults(request)
    columns = [next(v for v in vars(c).values() if v).values for c in fetched.results.columns]
    return list(zip(*columns, strict=True))


def _columns(connection: hive.Connection, table: str) -> list[tuple[Any, ...]]:
    request = thrift.TGetColumnsReq(connection.sessionHandle, None, "unified", table)
    answer = connection.client.GetColumns(request)
    return [(r[3], r[5], r[11]) for r in _metadata(connection, answer)]


def _until(found: Any, wanted: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while found() != wanted and time.monotonic() < end:
        time.sleep(0.2)
    assert found() == wanted


def test_metadata_calls(session: hive.Connection) -> None:
    ask_server, handle = session.client, session.sessionHandle
    schemas = _metadata(session, ask_server.GetSchemas(thrift.TGetSchemasReq(handle)))
    assert {"unified", "marts"} <= {row[0] for row in schemas}
    assert not {"raw", "quarantine", "ops", "staging"} & {row[0] for row in schemas}
    tables = _metadata(
        session, ask_server.GetTables(thrift.TGetTablesReq(handle, None, "unified", "%"))
    )
    assert {"visits", "weather"} <= {row[2] for row in tables}
    wanted = [("day", "DATE", ""), ("rain_mm", "DOUBLE", RAIN)]
    _until(lambda: _columns(session, "weather"), wanted)


def test_there_are_no_keys(session: hive.Connection) -> None:
    ask_server, handle = session.client, session.sessionHandle
    one = (None, "unified", "visits")
    for answer in (
        ask_server.GetPrimaryKeys(thrift.TGetPrimaryKeysReq(handle, *one)),
        ask_server.GetCrossReference(thrift.TGetCrossReferenceReq(handle, *one, *one)),
    ):
        asked = thrift.TFetchResultsReq(operationHandle=answer.operationHandle, maxRows=10)
        fetched = ask_server.FetchResults(asked)
        assert fetched.status.statusCode == thrift.TStatusCode.SUCCESS_STATUS
        assert not [v for c in fetched.results.columns for v in vars(c).values() if v and v.values]


def test_beeline(lake: Settings, tmp_path: Path, session: hive.Connection) -> None:
    _until(lambda: len(_columns(session, "weather")), 2)
    script = tmp_path / "questions.sql"
    script.write_text("!tables\n!columns weather\nSELECT 'sum', sum(id) FROM visits;\n")
    ran = subprocess.run(
        [java_home() / "bin" / "java", "-cp", ":".join(map(str, spark_jars())),
         "org.apache.hive.beeline.BeeLine", "--silent=true", "--outputformat=csv2",
         "-u", f"jdbc:hive2://{lake.engine.host}:{lake.engine.sql_port}/unified",
         "-n", "analyst", "-p", analysts.default_password(lake), "-f", script],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "unified,visits,TABLE" in ran.stdout
    assert "unified,weather,rain_mm,8,DOUBLE" in ran.stdout
    assert f"sum,{sum(range(111))}" in ran.stdout


def test_commit_is_seen_by_the_next_query(spark: SparkSession, lake: Settings) -> None:
    path = f"{lake.lake}/unified/door_fresh"
    make_table(spark, path, "SELECT 0 AS n")
    for n in range(1, 4):
        spark.sql(f"INSERT INTO delta.`{path}` SELECT {n}")
        assert ask(lake, "SELECT max(n), count(*) FROM unified.door_fresh") == [(n, n + 1)]


def test_new_table_is_seen_by_the_next_query_and_a_dropped_one_no_more(
    spark: SparkSession, lake: Settings, session: hive.Connection
) -> None:
    path = f"{lake.lake}/marts/door_new"
    cursor = session.cursor()
    make_table(spark, path, "SELECT 7 AS n")
    cursor.execute("SELECT n FROM marts.door_new")  # at once: no waiting for a poll
    assert cursor.fetchall() == [(7,)]
    spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMN more STRING")
    cursor.execute("SELECT * FROM marts.door_new")
    assert cursor.fetchall() == [(7, None)]
    subprocess.run(["rm", "-r", path], check=True)
    with pytest.raises(UserError, match="cannot be found"):
        ask(lake, "SELECT n FROM marts.door_new")


def test_a_folder_that_is_no_table_yet_is_no_name(lake: Settings) -> None:
    folder = Path(lake.lake) / "unified" / "door_half" / "_delta_log"
    folder.mkdir(parents=True)
    assert "door_half" not in str(ask(lake, "SHOW TABLES IN unified"))
    assert list(folder.iterdir()) == []
    subprocess.run(["rm", "-r", folder.parent], check=True)


def test_added_columns_reach_the_metadata_calls(
    spark: SparkSession, lake: Settings, session: hive.Connection
) -> None:
    path = f"{lake.lake}/unified/door_wider"
    make_table(spark, path, "SELECT 1 AS a")
    _until(lambda: _columns(session, "door_wider"), [("a", "INT", "")])
    wanted = [("a", "INT", "")]
    # Two within less than a minute: an answer that is made anew once a minute misses one of them.
    for name in ("b", "c"):
        spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMN {name} STRING")
        wanted.append((name, "STRING", ""))
        _until(lambda: _columns(session, "door_wider"), wanted, seconds=25)


def test_analysts_come_and_go_at_once(lake: Settings) -> None:
    password = analysts.add(lake, "newcomer")
    _, rows = client.query(lake, "SELECT current_user()", "newcomer", password)
    assert list(rows) == [("newcomer",)]
    changed = analysts.add(lake, "newcomer")
    with pytest.raises(UserError, match="wrong user name or password"):
        client.query(lake, "SELECT 1", "newcomer", password)
    assert list(client.query(lake, "SELECT 1", "newcomer", changed)[1]) == [(1,)]
    analysts.remove(lake, "newcomer")
    with pytest.raises(UserError, match="wrong user name or password"):
        client.query(lake, "SELECT 1", "newcomer", changed)


def test_faults_of_a_query_are_one_sentence(lake: Settings) -> None:
    for sql, said in (
        ("SELECT nope FROM unified.visits", "nope"),
        ("SELEC 1", "Syntax error"),
        ("SELECT 1 / 0", "Division by zero"),
        ("SELECT * FROM unified.nope", "cannot be found"),
    ):
        with pytest.raises(UserError, match=said) as fault:
            ask(lake, sql)
        assert "\n" not in str(fault.value)
        assert "java" not in str(fault.value)
