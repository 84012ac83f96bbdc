"""Tables of a real PostgreSQL: what a batch takes."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql
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

from civiclake.contracts.model import Dataset
from civiclake.errors import BatchHeld, UserError
from civiclake.io.sources import parts, postgresql
from civiclake.local import postgres


def test_the_first_batch_brings_every_row_as_the_source_writes_it(city: City, db: object) -> None:
    manifest = city.extract(city.table(), "n1")
    assert city.records(manifest) == [
        ["t1", "oak", "12.5", "2026-01-01 10:00:00+00"],
        ["t2", "elm, wych", "8", "2026-01-01 11:30:00.25+00"],
        ["t3", "", "", "2026-01-01 12:00:00+00"],
    ]
    assert manifest.watermark_from is None
    assert manifest.watermark_to == "2026-01-01 12:00:00+00"
    origin = manifest.files[0].origin
    assert origin.startswith("postgresql://") and origin.endswith("/parks/trees")
    assert READER_PASSWORD not in manifest.model_dump_json()


def test_empty_text_and_null_stay_apart_in_landing(city: City, db: object) -> None:
    manifest = city.extract(city.table(), "n1")
    folder = city.landing.batch_dir(manifest.dataset, "n1")
    text = gzip.decompress((folder / manifest.files[0].path).read_bytes()).decode()
    assert 't3,"",,2026-01-01 12:00:00+00\n' in text


def test_the_next_batch_reads_from_the_watermark_less_the_overlap(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    dataset = city.table(overlap="45m")
    city.commit(dataset, "n1")
    db.execute("INSERT INTO trees VALUES ('t4', 'ash', 3, '2026-01-02 09:00+00')")
    db.execute("INSERT INTO trees VALUES ('late', 'fir', 3, '2026-01-01 11:15+00')")
    db.execute("INSERT INTO trees VALUES ('too_late', 'fir', 3, '2026-01-01 11:14:59+00')")
    second = city.extract(dataset, "n2")
    assert city.ids(second) == ["late", "t2", "t3", "t4"]
    assert second.watermark_from == "2026-01-01 12:00:00+00"
    assert second.watermark_to == "2026-01-02 09:00:00+00"


def test_a_batch_that_was_not_merged_is_read_again_by_the_next(city: City, db: object) -> None:
    dataset = city.table()
    city.extract(dataset, "n1")
    assert city.ids(city.extract(dataset, "n2")) == ["t1", "t2", "t3"]


def test_the_same_batch_is_read_once(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    dataset = city.table()
    first = city.extract(dataset, "n1")
    db.execute("DELETE FROM trees")
    assert city.extract(dataset, "n1") == first
    with pytest.raises(UserError, match="committed and can't be read again"):
        city.landing.mark_committed(dataset.id, "n1")
        city.extract(dataset, "n1", again=True)


def test_a_quiet_night_keeps_the_watermark(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    dataset = city.table(overlap="0s", limits={"allow_empty": True})
    city.commit(dataset, "n1")
    db.execute("DELETE FROM trees")
    quiet = city.commit(dataset, "n2")
    assert quiet.rows == 0
    assert city.landing.former(dataset.id).watermark() == "2026-01-01 12:00:00+00"


def test_rows_without_a_sequence_come_every_night(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    dataset = city.table(overlap="0s")
    city.commit(dataset, "n1")
    db.execute("INSERT INTO trees VALUES ('no_time', 'ash', 3, NULL)")
    assert city.ids(city.commit(dataset, "n2")) == ["no_time", "t3"]
    assert city.ids(city.extract(dataset, "n3")) == ["no_time", "t3"]


def test_a_sequence_in_the_future_hides_nothing_after_it(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    dataset = city.table(overlap="0s")
    future = datetime.now(UTC) + timedelta(days=400)
    db.execute("INSERT INTO trees VALUES ('future', 'ash', 3, %s)", [future])
    first = city.commit(dataset, "n1")
    assert "future" in city.ids(first)
    assert first.watermark_to == "2026-01-01 12:00:00+00"
    db.execute("INSERT INTO trees VALUES ('today', 'ash', 3, now())")
    assert "today" in city.ids(city.extract(dataset, "n2"))


def test_a_snapshot_brings_the_whole_table_every_night(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    dataset = city.table(load="snapshot")
    first = city.commit(dataset, "n1")
    assert (first.rows, first.watermark_to) == (3, None)
    db.execute("DELETE FROM trees WHERE tree_id = 't1'")
    assert city.ids(city.extract(dataset, "n2")) == ["t2", "t3"]


def test_a_large_table_comes_in_parts_that_add_up(
    city: City,
    db: psycopg.Connection[tuple[object, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "ROWS_PER_PART", 50)
    db.execute("DELETE FROM trees")
    db.execute("INSERT INTO trees SELECT 'n' || n, 'a\nb', n, now() FROM generate_series(1, 100) n")
    manifest = city.extract(city.table(), "n1")
    assert [file.rows for file in manifest.files] == [50, 50]
    assert all(file.multiline for file in manifest.files)
    assert len({file.path for file in manifest.files}) == 2
    assert len({file.version for file in manifest.files}) == 1  # one snapshot


def test_a_number_can_be_the_sequence(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    db.execute("ALTER TABLE trees ALTER updated_at TYPE bigint USING 9")
    columns = [*COLUMNS, {**UPDATED, "logicalType": "integer", "physicalType": "bigint"}]
    dataset = city.table(columns=columns, overlap="0s")
    city.commit(dataset, "n1")
    db.execute("INSERT INTO trees VALUES ('t10', 'ash', 3, 10)")
    city.commit(dataset, "n2")
    assert city.landing.former(dataset.id).watermark() == "10"  # as text, 9 would be above 10


def test_a_query_brings_what_it_selects(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    query = "SELECT tree_id, upper(species) AS species, height, updated_at FROM trees"
    dataset = city.table(query=f"{query} WHERE height > 5", overlap="0s")
    manifest = city.commit(dataset, "n1")
    assert [row[:2] for row in city.records(manifest)] == [["t1", "OAK"], ["t2", "ELM, WYCH"]]
    assert manifest.watermark_to == "2026-01-01 11:30:00.25+00"
    db.execute("INSERT INTO trees VALUES ('t4', 'ash', 30, '2026-01-02 09:00+00')")
    assert city.ids(city.extract(dataset, "n2")) == ["t2", "t4"]


def test_a_partitioned_table_comes_whole_from_one_snapshot(
    city: City,
    db: psycopg.Connection[tuple[object, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = [*COLUMNS, UPDATED, {"name": "number", "logicalType": "integer"}]
    db.execute("ALTER TABLE trees ADD number int")
    db.execute("INSERT INTO trees SELECT 'n' || n, 'x', n, now(), n FROM generate_series(1, 90) n")
    connect = postgresql._connect
    opened = []

    def connect_late(dataset: Dataset) -> postgresql.Connection:
        """Rows that come between the first connection and the others belong to the next batch."""
        if len(opened) == 1:
            db.execute("INSERT INTO trees VALUES ('new', 'x', 1, now(), 5)")
            db.execute("DELETE FROM trees WHERE number > 80")
        opened.append(connect(dataset))
        return opened[-1]

    monkeypatch.setattr(postgresql, "_connect", connect_late)
    partition = {"column": "number", "parts": 4}
    manifest = city.extract(city.table(columns=columns, partition=partition), "n1")
    assert len(opened) == 5
    assert city.ids(manifest) == sorted([f"n{n}" for n in range(1, 91)] + ["t1", "t2", "t3"])
    assert [file.rows for file in manifest.files] == [25, 23, 22, 23]  # three without a number
    assert len({file.path for file in manifest.files}) == 4


def test_an_empty_partitioned_table_is_one_empty_part(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    db.execute("ALTER TABLE trees ALTER height TYPE int")
    db.execute("DELETE FROM trees")
    partition = {"column": "height", "parts": 4}
    dataset = city.table(partition=partition, limits={"allow_empty": True})
    assert [file.rows for file in city.extract(dataset, "n1").files] == [0]


def test_columns_of_any_name(city: City, db: psycopg.Connection[tuple[object, ...]]) -> None:
    db.execute("DROP TABLE trees")
    names = ", ".join(f'"{name}" text' for name in ODD_NAMES)
    db.execute(f"CREATE TABLE trees ({names}); INSERT INTO trees VALUES (1, 2, 3, 4)")
    db.execute("GRANT SELECT ON trees TO public")
    known = city.table(load="snapshot", columns=ODD_COLUMNS)
    assert_odd(city, city.extract(known, "n1"))
    evolving = {"new_column": "evolve"}
    some = city.table(load="snapshot", columns=ODD_COLUMNS[:2], drift=evolving)
    assert_odd(city, city.extract(some, "n2"))


ODD = 'the "permits", 50%'


@pytest.fixture
def odd(db: psycopg.Connection[tuple[object, ...]]) -> Iterator[str]:
    """A table whose name and columns hold all that may have to be quoted."""
    table = sql.Identifier(ODD)
    columns = [sql.SQL("{} text").format(sql.Identifier(name)) for name in QUOTED_NAMES]
    columns.append(sql.SQL("{} int").format(sql.Identifier("№ %d")))
    columns.append(sql.SQL("{} timestamptz").format(sql.Identifier("last change")))
    made = sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(columns))
    db.execute(made)
    db.execute(sql.SQL("GRANT SELECT ON {} TO parks_reader").format(table))
    values = [f"v{n}" for n in range(len(QUOTED_NAMES))]
    db.execute(
        sql.SQL("INSERT INTO {} VALUES ({}, 1, '2026-01-01 10:00+00')").format(
            table, sql.SQL(", ").join(map(sql.Literal, values))
        )
    )
    yield ODD
    db.execute(sql.SQL("DROP TABLE {}").format(table))


def test_names_that_must_be_quoted(city: City, odd: str) -> None:
    columns = [*QUOTED_COLUMNS, {**UPDATED, "physicalName": "last change"}]
    columns.append({"name": "number", "physicalName": "№ %d", "logicalType": "integer"})
    own = {"columns": columns, "physical": f"public.{odd}"}
    values = [f"v{n}" for n in range(len(QUOTED_NAMES))]
    wanted = [[*values, "2026-01-01 10:00:00+00", "1"]]
    first = city.commit(city.table(**own), "n1")
    assert first.files[0].header == (*QUOTED_NAMES, "last change", "№ %d")
    assert city.records(first) == wanted
    assert city.records(city.extract(city.table(**own), "n2")) == wanted  # from the watermark
    parted = {"partition": {"column": "№ %d", "parts": 2}, "load": "snapshot"}
    assert city.records(city.extract(city.table(**own, **parted), "n3")) == wanted


def test_another_spelling_of_a_column(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    also = [{"property": "civiclake", "value": {"also": ["Changed (UTC)", "updated"]}}]
    columns = [*COLUMNS, {**UPDATED, "customProperties": also}]
    dataset = city.table(columns=columns)
    city.commit(dataset, "n1")
    db.execute('ALTER TABLE trees RENAME updated_at TO "Changed (UTC)"')
    second = city.extract(dataset, "n2")
    assert city.ids(second) == ["t2", "t3"]
    assert second.files[0].header == ("tree_id", "species", "height", "updated_at")
    db.execute("ALTER TABLE trees ADD COLUMN updated timestamptz")
    with pytest.raises(BatchHeld, match="has the column updated, unknown to the contract"):
        city.extract(dataset, "n3")


def test_values_beyond_what_python_knows_come_as_the_source_writes_them(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    dataset = city.table(overlap="0s")
    db.execute("DELETE FROM trees")
    db.execute(
        "INSERT INTO trees VALUES ('a', 'x', 'NaN', 'infinity'), ('b', 'x', 1e10, '2061-01-01'),"
        " ('c', 'x', 0.1, '0044-03-15 BC'), ('d', E'tab\tand\nline', 1, '2016-01-01 10:00+00'),"
        " ('e', 'NULL', 1, '12345-01-01 00:00+00'), ('f', '', 1, '-infinity')"
    )
    first = city.commit(dataset, "n1")
    assert {row[0]: row[1:] for row in city.records(first)} == {
        "a": ["x", "NaN", "infinity"],
        "b": ["x", "10000000000", "2061-01-01 00:00:00+00"],
        "c": ["x", "0.1", "0044-03-15 00:00:00+00 BC"],
        "d": ["tab\tand\nline", "1", "2016-01-01 10:00:00+00"],
        "e": ["NULL", "1", "12345-01-01 00:00:00+00"],
        "f": ["", "1", "-infinity"],
    }
    assert first.watermark_to == "2016-01-01 10:00:00+00"
    db.execute("UPDATE trees SET updated_at = '2016-01-05 10:00+00' WHERE tree_id = 'b'")
    second = city.extract(dataset, "n2")
    assert city.ids(second) == ["a", "b", "d", "e"]
    assert second.watermark_to == "2016-01-05 10:00:00+00"


def test_a_row_that_was_committed_late_is_found_by_the_overlap_alone(
    city: City,
    db: psycopg.Connection[tuple[object, ...]],
    server: postgres.Server,
) -> None:
    """A transaction writes its time, and others see it when it ends: after a later one, here."""
    with server.connect("parks") as slow, slow.transaction():
        slow.execute("INSERT INTO trees VALUES ('slow', 'ash', 3, '2026-01-02 09:00+00')")
        db.execute("INSERT INTO trees VALUES ('quick', 'ash', 3, '2026-01-02 09:30+00')")
        first = city.commit(city.table(), "n1")
        assert "slow" not in city.ids(first)
        assert first.watermark_to == "2026-01-02 09:30:00+00"
    assert city.ids(city.extract(city.table(overlap="0s"), "n2")) == ["quick"]
    assert city.ids(city.extract(city.table(), "n3")) == ["quick", "slow"]


def test_a_sequence_that_counts_seconds(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    db.execute(
        "ALTER TABLE trees ALTER updated_at TYPE bigint USING extract(epoch FROM updated_at)"
    )
    db.execute("INSERT INTO trees VALUES ('future', 'ash', 3, 2871763200)")
    counted = [{"property": "civiclake", "value": {"epoch": "s"}}]
    columns = [*COLUMNS, {**UPDATED, "customProperties": counted}]
    first = city.commit(city.table(columns=columns), "n1")
    assert first.watermark_to == "1767268800"
    second = city.extract(city.table(columns=columns, overlap="45m"), "n2")
    assert city.ids(second) == ["future", "t2", "t3"]
