"""Tables of a real PostgreSQL: what a batch takes, and what it refuses."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from source_city import COLUMNS, READER_PASSWORD, UPDATED, City
from source_refusals import refused

from civiclake.contracts.model import Dataset
from civiclake.errors import BatchHeld, SourceError, SourceUnavailable, UserError
from civiclake.io.sources import parts, postgresql
from civiclake.local import postgres, process

ROWS = """
INSERT INTO trees VALUES ('t1', 'oak', 12.5, '2026-01-01 10:00:00+00'),
    ('t2', 'elm, wych', 8, '2026-01-01 11:30:00.25+00'), ('t3', '', NULL, '2026-01-01 12:00+00')
"""


@pytest.fixture
def db(
    server: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    for name, value in {
        "PARKS_DB_HOST": server.host,
        "PARKS_DB_PORT": str(server.port),
        "PARKS_DB_USER": "parks_reader",
        "PARKS_DB_PASSWORD": READER_PASSWORD,
    }.items():
        monkeypatch.setenv(name, value)
    with server.connect("parks") as connection:
        connection.execute("DROP TABLE IF EXISTS trees")
        connection.execute(
            "CREATE TABLE trees"
            " (tree_id text, species text, height numeric, updated_at timestamptz)"
        )
        connection.execute("GRANT SELECT ON trees TO parks_reader")
        connection.execute(ROWS)
        yield connection


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
    assert city.landing.watermark(dataset.id) == "2026-01-01 12:00:00+00"


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
    assert city.landing.watermark(dataset.id) == "10"  # as text, 9 would be above 10


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


# -- what is refused ---------------------------------------------------------------------


def _after_one_night(city: City) -> Dataset:
    dataset = city.table()
    city.commit(dataset, "n1")
    return dataset


def test_a_server_that_is_down(
    city: City, db: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = _after_one_night(city)
    port = process.free_port(0)
    monkeypatch.setenv("PARKS_DB_PORT", str(port))
    refused(city, dataset, SourceUnavailable, "database parks", f"port {port}", "refused")
    assert caplog.text.count("trying again") == 2
    assert READER_PASSWORD not in caplog.text


def test_a_wrong_password(city: City, db: object, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = _after_one_night(city)
    monkeypatch.setenv("PARKS_DB_PASSWORD", "guessed-by-mistake")
    words = ("database parks refuses the login", "PARKS_DB_PASSWORD")
    refused(city, dataset, SourceError, *words, more_secrets=("guessed-by-mistake",))


def test_an_unknown_user(city: City, db: object, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = _after_one_night(city)
    monkeypatch.setenv("PARKS_DB_USER", "nobody")
    refused(city, dataset, SourceError, "refuses the login", "PARKS_DB_USER")


def test_a_password_that_is_not_set(
    city: City, db: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = city.table()
    monkeypatch.delenv("PARKS_DB_PASSWORD")
    with pytest.raises(UserError, match=r"PARKS_DB_PASSWORD is not set: parks\.trees needs it"):
        city.extract(dataset, "n1")
    assert city.landed() == []


def test_a_missing_database(city: City, db: object) -> None:
    dataset = city.table(database="gardens")
    words = ("there is no database gardens", "`database` in parks/trees.yaml")
    refused(city, dataset, SourceError, *words)


def test_a_missing_table(city: City, db: psycopg.Connection[tuple[object, ...]]) -> None:
    dataset = _after_one_night(city)
    db.execute("DROP TABLE trees")
    refused(city, dataset, SourceError, "has no table public.trees", "parks/trees.yaml")


def test_a_table_that_may_not_be_read(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    dataset = _after_one_night(city)
    db.execute("REVOKE SELECT ON trees FROM parks_reader")
    refused(city, dataset, SourceError, "may not read trees", "grant SELECT")


def test_a_missing_column(city: City, db: psycopg.Connection[tuple[object, ...]]) -> None:
    dataset = _after_one_night(city)
    db.execute("ALTER TABLE trees DROP height")
    words = ("table public.trees lacks the column height", "parks/trees.yaml")
    refused(city, dataset, BatchHeld, *words)


def test_an_added_column(city: City, db: psycopg.Connection[tuple[object, ...]]) -> None:
    dataset = _after_one_night(city)
    db.execute("ALTER TABLE trees ADD crown text")
    words = ("table public.trees has the column crown, unknown", "drift.new_column")
    refused(city, dataset, BatchHeld, *words)
    tolerant = city.table(drift={"new_column": "ignore"})
    assert city.extract(tolerant, "n2").files[0].header[-1] == "updated_at"
    evolving = city.table(drift={"new_column": "evolve"})
    assert city.extract(evolving, "n3").files[0].header[-2:] == ("updated_at", "crown")


def test_a_change_log_is_cut_by_its_watermark(city: City, db: object) -> None:
    log = [*COLUMNS, UPDATED, {"name": "op", "logicalType": "string", "required": True}]
    own = {"load": "changes", "operation": "op", "overlap": "0s", "columns": log}
    db.execute("ALTER TABLE trees ADD op text NOT NULL DEFAULT 'insert'")  # type: ignore[attr-defined]
    first = city.commit(city.table(**own), "n1")
    second = city.extract(city.table(**own), "n2")
    assert first.watermark_to is not None
    assert (second.watermark_from, second.rows < first.rows) == (first.watermark_to, True)


def test_an_emptied_table(city: City, db: psycopg.Connection[tuple[object, ...]]) -> None:
    dataset = _after_one_night(city)
    db.execute("DELETE FROM trees")
    words = ("a header but no rows", "limits.allow_empty in parks/trees.yaml")
    refused(city, dataset, SourceError, *words)


def test_a_sequence_of_a_type_without_order(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    db.execute("ALTER TABLE trees ALTER updated_at TYPE text")
    with pytest.raises(UserError, match="sequence updated_at is of type text in the source"):
        city.extract(city.table(), "n1")
    assert city.landed() == []


def test_a_partition_by_what_is_no_whole_number(city: City, db: object) -> None:
    dataset = city.table(partition={"column": "species", "parts": 2})
    with pytest.raises(UserError, match=r"partition\.column species is of type text in the source"):
        city.extract(dataset, "n1")
    missing = city.table(partition={"column": "id", "parts": 2})
    with pytest.raises(UserError, match=r"partition\.column id is not in the source"):
        city.extract(missing, "n1")


def test_one_part_that_fails_ends_all(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    db.execute("DROP TABLE trees")
    db.execute(
        "CREATE VIEW trees AS SELECT n::text AS tree_id, 'oak' AS species, n AS height,"
        " now() - make_interval(secs => 1 / (900 - n)) AS updated_at"
        " FROM generate_series(1, 999) n"
    )
    db.execute("GRANT SELECT ON trees TO parks_reader")
    try:
        dataset = city.table(load="snapshot", partition={"column": "height", "parts": 3})
        refused(city, dataset, SourceError, "the database refused", "division by zero")
    finally:
        db.execute("DROP VIEW trees")


def test_a_query_that_is_wrong(city: City, db: object) -> None:
    dataset = city.table(query="SELECT tree_id FROM tres")
    refused(city, dataset, SourceError, "the query of parks/trees.yaml", '"tres" does not exist')
    lacking = city.table(query="SELECT tree_id, updated_at FROM trees")
    refused(city, lacking, BatchHeld, "query of parks/trees.yaml lacks the column species, height")


def test_a_query_can_not_write(city: City, db: psycopg.Connection[tuple[object, ...]]) -> None:
    db.execute("GRANT DELETE ON trees TO parks_reader")
    query = "WITH gone AS (DELETE FROM trees RETURNING *) SELECT * FROM gone"
    refused(city, city.table(query=query), SourceError, "the database refused")
    assert db.execute("SELECT count(*) FROM trees").fetchone() == (3,)


def test_a_value_that_can_not_be_read_ends_in_one_sentence(
    city: City, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    """A view that fails half way: the first rows are out already."""
    db.execute("DROP TABLE trees")
    db.execute(
        "CREATE VIEW trees AS SELECT n::text AS tree_id, 'oak' AS species, (1 / (5000 - n)) AS"
        " height, now() AS updated_at FROM generate_series(1, 6000) n"
    )
    db.execute("GRANT SELECT ON trees TO parks_reader")
    try:
        refused(city, city.table(), SourceError, "the database refused", "division by zero")
    finally:
        db.execute("DROP VIEW trees")
