"""Tables of a real MariaDB: what a batch takes, and what it refuses."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import pytest
from source_city import (
    COLUMNS,
    ODD_COLUMNS,
    ODD_NAMES,
    QUOTED_COLUMNS,
    QUOTED_NAMES,
    READER_PASSWORD,
    UPDATED,
    City,
    assert_odd,
)
from source_refusals import refused

from civiclake.contracts.model import Dataset
from civiclake.errors import BatchHeld, SourceError, SourceUnavailable, UserError
from civiclake.io.sources import mysql, parts
from civiclake.local import ports
from demo import mariadb

TABLE = "(tree_id varchar(20), species varchar(40), height decimal(6,2), updated_at timestamp(6))"
ROWS = """
INSERT INTO trees VALUES ('t1', 'oak', 12.5, '2026-01-01 10:00:00'),
    ('t2', 'elm, "wych"', 8, '2026-01-01 11:30:00.25'), ('t3', '', NULL, '2026-01-01 12:00:00')
"""
READER = f"parks_reader@'{mariadb.HOST}'"


class Db:
    """The department's own hands on its tables."""

    def __init__(self, server: mariadb.Server) -> None:
        self._connection = server.connect("parks")

    def run(self, *statements: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def db(maria: mariadb.Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Db]:
    for name, value in {
        "PARKS_DB_HOST": maria.host,
        "PARKS_DB_PORT": str(maria.port),
        "PARKS_DB_USER": "parks_reader",
        "PARKS_DB_PASSWORD": READER_PASSWORD,
    }.items():
        monkeypatch.setenv(name, value)
    made = Db(maria)
    made.run(
        "SET time_zone = '+00:00', sql_mode = ''",
        "DROP VIEW IF EXISTS trees",
        "DROP TABLE IF EXISTS trees",
        f"CREATE TABLE trees {TABLE} ENGINE = InnoDB",
        f"REVOKE ALL, GRANT OPTION FROM {READER}",
        f"GRANT SELECT ON parks.* TO {READER}",
        ROWS,
    )
    yield made
    made.close()


def _table(city: City, **own: Any) -> Dataset:
    return city.table(kind="mysql", **own)


def test_the_first_batch_brings_every_row_as_the_source_writes_it(city: City, db: Db) -> None:
    manifest = city.extract(_table(city), "n1")
    assert city.records(manifest) == [
        ["t1", "oak", "12.50", "2026-01-01 10:00:00.000000+00:00"],
        ["t2", 'elm, "wych"', "8.00", "2026-01-01 11:30:00.250000+00:00"],
        ["t3", "", "", "2026-01-01 12:00:00.000000+00:00"],
    ]
    assert manifest.watermark_to == "2026-01-01 12:00:00.000000+00:00"
    origin = manifest.files[0].origin
    assert origin.startswith("mysql://") and origin.endswith("/parks/trees")
    assert READER_PASSWORD not in manifest.model_dump_json()
    folder = city.landing.batch_dir(manifest.dataset, "n1")
    text = gzip.decompress((folder / manifest.files[0].path).read_bytes()).decode()
    assert '"t3","",,2026' in text  # an empty text is not NULL


def test_every_type_comes_as_text(city: City, db: Db) -> None:
    types = {
        "id": ("bigint unsigned", "18446744073709551615", "18446744073709551615"),
        "day": ("date", "'0000-00-00'", "0000-00-00"),
        "moment": ("datetime", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
        "stamp": ("timestamp NULL", "'2026-07-01 08:00:00'", "2026-07-01 08:00:00+00:00"),
        "span": ("time", "'-838:59:59'", "-838:59:59"),
        "flags": ("bit(10)", "b'1000000001'", "513"),
        "yes": ("boolean", "true", "1"),
        "price": ("decimal(30,10)", "12345678901234567890.0123456789", None),
        "ratio": ("double", "0.1", "0.1"),
        "year_built": ("year", "1999", "1999"),
        "photo": ("varbinary(8)", "x'00ff22'", "\\x00ff22"),
        "kind": ("enum('a','b')", "'b'", "b"),
        "doc": ("json", """'{"a": "x,y"}'""", '{"a": "x,y"}'),
        "place": ("point", "point(1, 2)", "POINT(1 2)"),
        "old": ("varchar(20) CHARACTER SET gbk", "'昆明\n滇池'", "昆明\n滇池"),
        "sign": ("text", "'\\\\ \" ''\r'", "\\ \" '\r"),
        "nothing": ("binary(3)", "NULL", ""),
    }
    columns = ", ".join(f"{name} {kind}" for name, (kind, _, _) in types.items())
    values = ", ".join(value for _, value, _ in types.values())
    db.run(
        "DROP TABLE trees",
        f"CREATE TABLE trees ({columns})",
        f"INSERT INTO trees VALUES ({values})",
    )
    contract = [{"name": name, "logicalType": "string"} for name in types]
    contract[0].update({"primaryKey": True, "required": True})  # type: ignore[dict-item]
    manifest = city.extract(_table(city, columns=contract, load="snapshot"), "n1")
    (found,) = city.records(manifest)
    assert dict(zip(types, found, strict=True)) == {
        name: value if text is None else text for name, (_, value, text) in types.items()
    }
    assert manifest.files[0].multiline


def test_the_next_batch_reads_from_the_watermark_less_the_overlap(city: City, db: Db) -> None:
    dataset = _table(city, overlap="45m")
    city.commit(dataset, "n1")
    db.run(
        "INSERT INTO trees VALUES ('t4', 'ash', 3, '2026-01-02 09:00')",
        "INSERT INTO trees VALUES ('late', 'fir', 3, '2026-01-01 11:15')",
        "INSERT INTO trees VALUES ('too_late', 'fir', 3, '2026-01-01 11:14:59')",
    )
    second = city.extract(dataset, "n2")
    assert city.ids(second) == ["late", "t2", "t3", "t4"]
    assert second.watermark_to == "2026-01-02 09:00:00.000000+00:00"


@pytest.mark.parametrize("kind", ["timestamp NULL", "datetime", "date"])
def test_no_sequence_or_one_in_the_future_hides_nothing(city: City, db: Db, kind: str) -> None:
    db.run(f"ALTER TABLE trees MODIFY updated_at {kind}")
    dataset = _table(city, overlap="0s")
    future = (datetime.now(UTC) + timedelta(days=400)).date().isoformat()
    db.run(
        f"INSERT INTO trees VALUES ('future', 'ash', 3, '{future}')",
        "INSERT INTO trees VALUES ('never', 'ash', 3, NULL), ('zero', 'ash', 3, '0000-00-00')",
    )
    first = city.commit(dataset, "n1")
    assert city.ids(first) == ["future", "never", "t1", "t2", "t3", "zero"]
    assert first.watermark_to is not None and first.watermark_to.startswith("2026-01-01")
    db.run("INSERT INTO trees VALUES ('today', 'ash', 3, UTC_TIMESTAMP())")
    second = city.ids(city.commit(dataset, "n2"))
    assert {"future", "never", "today", "zero"} <= set(second)
    assert "t1" not in second or kind == "date"


def test_a_local_time_is_the_contract_s_zone(city: City, db: Db) -> None:
    """An hour ago in Kunming looks like the future to a clock in UTC."""
    db.run("ALTER TABLE trees MODIFY updated_at datetime")
    zoned = {**UPDATED, "logicalTypeOptions": {"defaultTimezone": "Asia/Shanghai"}}
    hour_ago = datetime.now(UTC) + timedelta(hours=7)
    db.run(f"INSERT INTO trees VALUES ('new', 'ash', 3, '{hour_ago:%Y-%m-%d %H:%M:%S}')")
    manifest = city.extract(_table(city, columns=[*COLUMNS, zoned]), "n1")
    assert manifest.watermark_to == f"{hour_ago:%Y-%m-%d %H:%M:%S}"


def test_a_number_can_be_the_sequence(city: City, db: Db) -> None:
    db.run(
        "ALTER TABLE trees DROP updated_at",
        "ALTER TABLE trees ADD updated_at bigint DEFAULT 9",
    )
    columns = [*COLUMNS, {**UPDATED, "logicalType": "integer", "physicalType": "bigint"}]
    dataset = _table(city, columns=columns, overlap="0s")
    city.commit(dataset, "n1")
    db.run("INSERT INTO trees VALUES ('t10', 'ash', 3, 10), ('none', 'ash', 3, NULL)")
    assert city.ids(city.commit(dataset, "n2")) == ["none", "t1", "t10", "t2", "t3"]
    assert city.landing.former(dataset.id).watermark() == "10"


def test_a_query_brings_what_it_selects(city: City, db: Db) -> None:
    query = "SELECT tree_id, upper(species) species, height, updated_at FROM trees WHERE height > 5"
    dataset = _table(city, query=query, overlap="0s")
    city.commit(dataset, "n1")
    db.run("INSERT INTO trees VALUES ('t4', 'ash', 30, '2026-01-02 09:00')")
    manifest = city.extract(dataset, "n2")
    assert [row[1] for row in city.records(manifest)] == ['ELM, "WYCH"', "ASH"]


def test_a_snapshot_in_parts_adds_up(city: City, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROWS_PER_PART", 50)
    db.run(
        "DELETE FROM trees",
        "INSERT INTO trees SELECT CONCAT('n', seq), 'a\nb', seq, now() FROM seq_1_to_100",
    )
    manifest = city.extract(_table(city, load="snapshot"), "n1")
    assert [file.rows for file in manifest.files] == [50, 50]
    assert all(file.multiline for file in manifest.files)
    assert manifest.watermark_to is None


def test_all_ranges_see_one_state(city: City, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    db.run(
        f"GRANT LOCK TABLES ON parks.* TO {READER}",
        "ALTER TABLE trees ADD number int unsigned",
        "INSERT INTO trees SELECT CONCAT('n', seq), 'x', seq, now(), seq FROM seq_1_to_90",
    )
    columns = [*COLUMNS, UPDATED, {"name": "number", "logicalType": "integer"}]
    rows, opened, one_at_a_time = mysql._rows, [], Lock()

    def rows_late(dataset: Dataset, connection: Any, statement: str) -> parts.Lines:
        """What changes between the first range and the others belongs to the next batch."""
        with one_at_a_time:
            if not opened:
                db.run("INSERT INTO trees VALUES ('new', 'x', 1, now(), 80)")
                db.run("DELETE FROM trees WHERE number > 85")
            opened.append(connection)
        return rows(dataset, connection, statement)

    monkeypatch.setattr(mysql, "_rows", rows_late)
    partition = {"column": "number", "parts": 4}
    manifest = city.extract(_table(city, columns=columns, partition=partition), "n1")
    assert len({id(connection) for connection in opened}) == 4
    assert city.ids(manifest) == sorted([f"n{n}" for n in range(1, 91)] + ["t1", "t2", "t3"])
    assert sorted(file.rows for file in manifest.files) == [22, 23, 23, 25]


# -- what is refused ---------------------------------------------------------------------


def test_a_server_that_is_down(
    city: City, db: Db, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PARKS_DB_PORT", str(ports.free_port(0)))
    refused(city, _table(city), SourceUnavailable, "database parks", "refused")
    assert caplog.text.count("trying again") == 2
    assert READER_PASSWORD not in caplog.text


def test_a_login_that_is_refused(city: City, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("database parks refuses the login", "PARKS_DB_PASSWORD")
    monkeypatch.setenv("PARKS_DB_PASSWORD", "guessed-by-mistake")
    refused(city, _table(city), SourceError, *words, more_secrets=("guessed-by-mistake",))
    monkeypatch.setenv("PARKS_DB_USER", "nobody")
    refused(city, _table(city), SourceError, *words)


def test_a_missing_database_table_or_column(city: City, db: Db) -> None:
    dataset = _table(city, database="gardens")
    words = ("there is no database gardens", "`database` in parks/trees.yaml")
    refused(city, dataset, SourceError, *words)
    db.run("ALTER TABLE trees DROP height")
    refused(
        city, _table(city), BatchHeld, "table trees lacks the column height", "parks/trees.yaml"
    )
    db.run("DROP TABLE trees")
    refused(city, _table(city), SourceError, "has no table trees", "parks/trees.yaml")


def test_a_table_that_may_not_be_read_or_locked(city: City, db: Db) -> None:
    partitioned = _table(city, partition={"column": "height", "parts": 2})
    refused(city, partitioned, SourceError, "may not lock table trees", "grant LOCK TABLES")
    db.run(
        f"REVOKE SELECT ON parks.* FROM {READER}",
        "CREATE TABLE IF NOT EXISTS open (one int)",
        f"GRANT SELECT ON parks.open TO {READER}",
    )
    refused(city, _table(city), SourceError, "may not read trees", "grant SELECT")


def test_a_table_that_is_locked_by_its_owner_is_tried_again_later(
    city: City, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql, "_LOCK_WAIT_S", 0)
    db.run(f"GRANT LOCK TABLES ON parks.* TO {READER}", "ALTER TABLE trees MODIFY height int")
    dataset = _table(city, partition={"column": "height", "parts": 2})
    db.run("LOCK TABLES trees WRITE")
    refused(city, dataset, SourceUnavailable, "does not answer", "Lock wait timeout")
    db.run("UNLOCK TABLES")


def test_an_added_column(city: City, db: Db) -> None:
    db.run("ALTER TABLE trees ADD crown text")
    refused(city, _table(city), BatchHeld, "table trees has the column crown, unknown")
    tolerant = _table(city, drift={"new_column": "ignore"})
    assert city.extract(tolerant, "n2").files[0].header[-1] == "updated_at"


def test_a_sequence_or_partition_of_the_wrong_type(city: City, db: Db) -> None:
    db.run(f"GRANT LOCK TABLES ON parks.* TO {READER}")
    dataset = _table(city, partition={"column": "species", "parts": 2})
    with pytest.raises(UserError, match=r"partition\.column species is of type text"):
        city.extract(dataset, "n1")
    db.run("ALTER TABLE trees MODIFY updated_at text")
    with pytest.raises(UserError, match="sequence updated_at is of type text in the source"):
        city.extract(_table(city), "n1")
    assert city.landed() == []


def test_a_row_beyond_the_server_s_own_limit_is_not_lost_without_a_word(city: City, db: Db) -> None:
    limit = int(db.run("SELECT @@max_allowed_packet")[0][0])
    db.run(
        "ALTER TABLE trees MODIFY species longtext",
        f"UPDATE trees SET species = REPEAT('x', {limit - 10}) WHERE tree_id = 't2'",
    )
    refused(city, _table(city), SourceError, "longer than the server's max_allowed_packet")


def test_a_read_that_fails_half_way_ends_in_one_sentence_and_is_stopped(city: City, db: Db) -> None:
    db.run(
        "DROP TABLE trees",
        "CREATE FUNCTION IF NOT EXISTS fail_at(n int) RETURNS int BEGIN IF n = 5000 THEN SIGNAL"
        " SQLSTATE '45000' SET MESSAGE_TEXT = 'the disk is broken'; END IF; RETURN n; END",
        "CREATE SQL SECURITY DEFINER VIEW trees AS SELECT CONCAT('t', seq) AS tree_id, 'oak' AS"
        " species, fail_at(seq) AS height, now() AS updated_at FROM seq_1_to_2000000",
    )
    refused(city, _table(city), SourceError, "the database refused", "the disk is broken")
    left = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'parks_reader'"
    deadline = time.monotonic() + 20  # of two million rows, which would take longer
    while int(db.run(left)[0][0]):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_columns_of_any_name(city: City, db: Db) -> None:
    names = ", ".join("`" + name.replace("`", "``") + "` text" for name in ODD_NAMES)
    db.run("DROP TABLE trees", f"CREATE TABLE trees ({names})")
    db.run("INSERT INTO trees VALUES (1, 2, 3, 4)", "COMMIT")
    known = _table(city, load="snapshot", columns=ODD_COLUMNS)
    assert_odd(city, city.extract(known, "n1"))
    evolving = {"new_column": "evolve"}
    some = _table(city, load="snapshot", columns=ODD_COLUMNS[:2], drift=evolving)
    assert_odd(city, city.extract(some, "n2"))


def test_names_that_must_be_quoted(city: City, db: Db) -> None:
    names = [*QUOTED_NAMES, "last change", "№ %d"]
    quoted = [f"`{name.replace('`', '``')}`" for name in names]
    kinds = [*["varchar(9)"] * len(QUOTED_NAMES), "timestamp(6)", "int"]
    table = "`the ``permits``, 50%`"
    values = [f"v{n}" for n in range(len(QUOTED_NAMES))]
    db.run(
        f"CREATE TABLE {table} ({', '.join(map(' '.join, zip(quoted, kinds, strict=True)))})",
        f"INSERT INTO {table} VALUES ({', '.join(map(repr, values))}, '2026-01-01 10:00:00', 1)",
    )
    columns = [*QUOTED_COLUMNS, {**UPDATED, "physicalName": "last change"}]
    columns.append({"name": "number", "physicalName": "№ %d", "logicalType": "integer"})
    own = {"kind": "mysql", "columns": columns, "physical": "the `permits`, 50%"}
    try:
        first = city.commit(city.table(**own), "n1")
        assert first.files[0].header == tuple(names)
        wanted = [[*values, "2026-01-01 10:00:00.000000+00:00", "1"]]
        assert city.records(first) == wanted
        assert city.records(city.extract(city.table(**own), "n2")) == wanted
    finally:
        db.run(f"DROP TABLE {table}")


def test_another_spelling_of_a_column(city: City, db: Db) -> None:
    also = [{"property": "civiclake", "value": {"also": ["Changed (UTC)"]}}]
    columns = [*COLUMNS, {**UPDATED, "customProperties": also}]
    dataset = city.table(kind="mysql", columns=columns)
    city.commit(dataset, "n1")
    db.run("ALTER TABLE trees RENAME COLUMN updated_at TO `Changed (UTC)`")
    second = city.extract(dataset, "n2")
    assert city.ids(second) == ["t2", "t3"]
    assert second.files[0].header == ("tree_id", "species", "height", "updated_at")


def test_a_sequence_that_counts_milliseconds(city: City, db: Db) -> None:
    db.run(
        "ALTER TABLE trees ADD COLUMN at bigint",
        "UPDATE trees SET at = 1000 * UNIX_TIMESTAMP(updated_at)",
        "ALTER TABLE trees DROP COLUMN updated_at, RENAME COLUMN at TO updated_at",
        "INSERT INTO trees VALUES ('future', 'ash', 3, 2871763200000)",
    )
    counted = [{"property": "civiclake", "value": {"epoch": "ms"}}]
    columns = [*COLUMNS, {**UPDATED, "customProperties": counted}]
    first = city.commit(city.table(kind="mysql", columns=columns), "n1")
    assert first.watermark_to == "1767268800000"
    second = city.extract(city.table(kind="mysql", columns=columns, overlap="45m"), "n2")
    assert city.ids(second) == ["future", "t2", "t3"]
