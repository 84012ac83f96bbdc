"""Tables of a real PostgreSQL: what a batch refuses."""

from __future__ import annotations

import psycopg
import pytest
from source_city import COLUMNS, READER_PASSWORD, UPDATED, City
from source_refusals import refused

from civiclake.contracts.model import Dataset
from civiclake.errors import BatchHeld, SourceError, SourceUnavailable, UserError
from civiclake.local import ports


def _after_one_night(city: City) -> Dataset:
    dataset = city.table()
    city.commit(dataset, "n1")
    return dataset


def test_a_server_that_is_down(
    city: City, db: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = _after_one_night(city)
    port = ports.free_port(0)
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
