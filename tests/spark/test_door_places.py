"""The analysts' door connects nowhere: a place is refused before it is asked, and none shows."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import door_attacks as attacks
import pytest
from door import V, ask, connect, make_table, said_of
from pyhive import hive
from pyspark.sql import SparkSession

from civiclake.settings import Settings

_SCHEMES = ("http", "https", "hdfs", "webhdfs", "swebhdfs", "ftp", "sftp", "s3a", "abfs", "har")
_PLACE = "http://{host}/x"
WAYS = {
    **{f"detail over {s}": f"DESCRIBE DETAIL '{s}://{{host}}/x'" for s in _SCHEMES},
    **{f"history over {s}": f"DESCRIBE HISTORY '{s}://{{host}}/x'" for s in _SCHEMES},
    **{f"a name over {s}": f"SELECT * FROM delta.`{s}://{{host}}/x`" for s in _SCHEMES},
    "detail by a name": f"DESCRIBE DETAIL delta.`{_PLACE}`",
    "detail by one part": f"DESCRIBE DETAIL `{_PLACE}`",
    "history by a name": f"DESCRIBE HISTORY delta.`{_PLACE}` LIMIT 1",
    "detail executed": f"EXECUTE IMMEDIATE 'DESCRIBE DETAIL ''{_PLACE}'''",
    "detail executed from parts": f"EXECUTE IMMEDIATE 'DESCRIBE ' || 'DETAIL ''{_PLACE}'''",
    "detail explained": f"EXPLAIN DESCRIBE DETAIL '{_PLACE}'",
    "detail behind a comment": f"DESCRIBE /* unified.visits */ DETAIL '{_PLACE}'",
    "detail as FORMATTED": f"DESCRIBE DETAIL FORMATTED '{_PLACE}'",
    "detail of a file": "DESCRIBE DETAIL 'file:/etc/passwd'",
    "detail of a host's root": "DESCRIBE DETAIL 'http://{host}'",
    "detail of the lake's own name": "DESCRIBE DETAIL 'viewfs://lake/unified/visits'",
    "a table": f"DESCRIBE TABLE delta.`{_PLACE}`",
    "a table in unified": f"SELECT * FROM unified.`{_PLACE}`",
    "columns": f"SHOW COLUMNS IN delta.`{_PLACE}`",
    "properties": f"SHOW TBLPROPERTIES delta.`{_PLACE}`",
    "partitions": f"SHOW PARTITIONS delta.`{_PLACE}`",
    "create": f"SHOW CREATE TABLE delta.`{_PLACE}`",
    "views": f"SHOW VIEWS IN `{_PLACE}`",
    "tables": f"SHOW TABLES IN `{_PLACE}`",
    "tables extended": f"SHOW TABLE EXTENDED IN `{_PLACE}` LIKE '*'",
    "a schema": f"DESCRIBE SCHEMA `{_PLACE}`",
    "use": f"USE delta.`{_PLACE}`",
    "use a schema": f"USE SCHEMA `{_PLACE}`",
    "by identifier": f"SELECT * FROM IDENTIFIER('delta.`{_PLACE}`')",
    "by an identifier from parts": f"SELECT * FROM IDENTIFIER('delta.`' || '{_PLACE}`')",
    "history by identifier": f"DESCRIBE HISTORY IDENTIFIER('delta.`{_PLACE}`')",
    "columns by identifier": f"SHOW COLUMNS IN IDENTIFIER('delta.`{_PLACE}`')",
    "use by identifier": f"USE IDENTIFIER('`{_PLACE}`')",
    "changes": f"SELECT * FROM table_changes('delta.`{_PLACE}`', 0)",
    "changes by path": f"SELECT * FROM table_changes_by_path('{_PLACE}', 0)",
    "time travel": f"SELECT * FROM delta.`{_PLACE}` VERSION AS OF 0",
    "time travel by name": f"SELECT * FROM delta.`{_PLACE}@v0`",
    "in a time travel": f"SELECT * FROM {V} TIMESTAMP AS OF (SELECT max(a) FROM delta.`{_PLACE}`)",
    "in a cte": f"WITH x AS (TABLE delta.`{_PLACE}`) SELECT * FROM x",
    "in a subquery": f"SELECT (SELECT max(a) FROM delta.`{_PLACE}`)",
    "in a filter": f"SELECT 1 FROM {V} WHERE id IN (SELECT id FROM delta.`{_PLACE}`)",
    "in a lambda": f"SELECT transform(array(1), x -> (SELECT max(a) FROM delta.`{_PLACE}`))",
    "in a limit": f"SELECT 1 LIMIT (SELECT max(a) FROM delta.`{_PLACE}`)",
    "in a pipe": f"FROM {V} |> JOIN delta.`{_PLACE}` ON true",
    "described": f"DESCRIBE QUERY SELECT * FROM delta.`{_PLACE}`",
    "with options": f"SELECT * FROM {V} WITH ('path' = '{_PLACE}')",
    "with a file system": f"SELECT * FROM {V} WITH ('fs.defaultFS' = '{_PLACE}')",
    "with an endpoint": f"SELECT * FROM {V} WITH ('fs.s3a.endpoint' = '{_PLACE}')",
    "a reader": f"SELECT * FROM read_files('{_PLACE}')",
    "jdbc": "SELECT * FROM jdbc.`jdbc:postgresql://{host}/x`",
    "text": f"SELECT * FROM text.`{_PLACE}`",
    "add a file": f"ADD FILE '{_PLACE}'",
    "list files": f"LIST FILES '{_PLACE}'",
    "cache": f"CACHE TABLE x OPTIONS ('path' = '{_PLACE}') SELECT 1",
    "a view": f"CREATE TEMPORARY VIEW x USING delta OPTIONS (path '{_PLACE}')",
    "refresh": f"REFRESH '{_PLACE}'",
    "a clone": f"CREATE TABLE x SHALLOW CLONE delta.`{_PLACE}`",
    "convert": f"CONVERT TO DELTA parquet.`{_PLACE}`",
    "vacuum": f"VACUUM '{_PLACE}' DRY RUN",
    "generate": f"GENERATE symlink_format_manifest FOR TABLE delta.`{_PLACE}`",
    "restore": f"RESTORE TABLE delta.`{_PLACE}` TO VERSION AS OF 0",
}
SHOWN = (
    "DESCRIBE DETAIL unified.visits",
    "DESCRIBE HISTORY unified.visits",
    "DESCRIBE EXTENDED unified.visits",
    "DESCRIBE SCHEMA EXTENDED unified",
    "DESCRIBE SCHEMA EXTENDED default",
    "SHOW TABLE EXTENDED IN unified LIKE '*'",
    "SHOW CREATE TABLE unified.visits",
    "SHOW TBLPROPERTIES unified.visits",
    "EXPLAIN EXTENDED SELECT * FROM unified.visits",
    "EXPLAIN FORMATTED SELECT * FROM unified.visits",
    "SELECT DISTINCT input_file_name(), _metadata FROM unified.visits",
    "SELECT * FROM unified.visits VERSION AS OF 99",
    "SELECT * FROM table_changes('unified.visits', 0)",
)


@pytest.fixture(scope="module")
def analyst(lake: Settings) -> Iterator[hive.Connection]:
    connection = connect(lake)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def host() -> Iterator[tuple[str, list[object]]]:
    """Somebody who would answer, and everybody who has asked."""
    asked: list[object] = []

    def listen(server: socket.socket) -> None:
        while True:
            try:
                connection, address = server.accept()
            except OSError:
                return
            asked.append(address)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=listen, args=(server,), daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("way", WAYS)
def test_no_place_is_asked(
    way: str, analyst: hive.Connection, host: tuple[str, list[object]]
) -> None:
    where, asked = host
    said = said_of(analyst, WAYS[way].replace("{host}", where))
    assert not said.startswith("went through")
    assert re.search(rf"{attacks.CLOSED}|is not a valid identifier", said), said
    assert asked == []


@pytest.mark.parametrize("statement", SHOWN)
def test_no_place_of_the_lake_shows(
    statement: str, analyst: hive.Connection, lake: Settings
) -> None:
    assert str(lake.state_dir) not in said_of(analyst, statement)


def test_no_failure_shows_a_place_or_a_stack(analyst: hive.Connection, lake: Settings) -> None:
    place = f"{lake.lake}/unified/visits"
    cursor = analyst.cursor()
    with pytest.raises(hive.OperationalError) as failed:
        cursor.execute(f"SELECT raise_error('no {place}')")
        cursor.fetchall()
    status = failed.value.args[0].status
    assert "no .../lake/unified/visits" in status.errorMessage
    assert status.infoMessages is None


def test_who_is_who_is_closed(
    spark: SparkSession, lake: Settings, analyst: hive.Connection
) -> None:
    place = Path(lake.lake) / "unified" / "door_link"
    make_table(spark, str(place), "SELECT 'p1' AS person_id")
    assert "door_link" not in str(ask(lake, "SHOW TABLES IN unified"))
    for name in ("unified.door_link", "unified.DOOR_LINK", "spark_catalog.unified.`door_link`"):
        assert "cannot be found" in said_of(analyst, f"SELECT * FROM {name}")
