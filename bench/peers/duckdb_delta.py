"""The nightly work with DuckDB and delta-rs."""

from __future__ import annotations

import duckdb
from deltalake import DeltaTable, write_deltalake

from bench.peers.task import Task, main
from bench.taps.shape import CARD_KINDS, COLUMNS, DIRECTIONS, KEY, MOMENT, SEQUENCE

_MOMENTS = ("updated_at", "tapped_at")
_TYPES = {"fare": "DECIMAL(8, 2)", "discount_percent": "INTEGER", "distance_km": "DOUBLE"}
_CAST = (*_MOMENTS, *_TYPES)
_REQUIRED = ("tap_id", *_MOMENTS, "stop_code", "device")


def load(task: Task) -> None:
    """Read, judge, set aside, merge, refresh the mart."""
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute("SET preserve_insertion_order = false")
        db.execute(f"CREATE TABLE stops AS SELECT stop_code FROM read_csv('{task.stops}')")
        db.execute(f"CREATE TABLE judged AS {_judging(task)}")
        _set_aside(db, task)
        _merge(db, task)
        _refresh_mart(db, task)


def _judging(task: Task) -> str:
    """The records as they came, typed, and whether they break a rule."""
    files = ", ".join(f"'{file}'" for file in task.files)
    read = f"read_csv([{files}], header = true, all_varchar = true, null_padding = true)"
    typed = [f"CAST(try_strptime({n}, '{MOMENT}') AS TIMESTAMPTZ) AS {n}" for n in _MOMENTS]
    typed += [f"TRY_CAST({name} AS {kind}) AS {name}" for name, kind in _TYPES.items()]
    came = [f"{name} AS raw_{name}" for name in _CAST]
    others = [name for name in COLUMNS if name not in _CAST]
    broken = " OR ".join(f"coalesce({rule}, false)" for rule in _rules().values())
    return (
        f"SELECT *, {broken} AS broken FROM"
        f" (SELECT {', '.join([*others, *typed, *came])} FROM {read})"
    )


def _rules() -> dict[str, str]:
    """What is true of a row that breaks the rule."""
    types = {f"type:{n}": f"raw_{n} IS NOT NULL AND {n} IS NULL" for n in _CAST}
    given = {n: f"raw_{n}" if n in _CAST else n for n in _REQUIRED}
    required = {f"required:{n}": f"{value} IS NULL" for n, value in given.items()}
    return {
        **types,
        **required,
        "pattern:tap_id": "NOT regexp_full_match(tap_id, 'T[0-9]{11}')",
        "range:updated_at": "updated_at < TIMESTAMPTZ '1900-01-01 00:00:00+00'",
        "range:tapped_at": "tapped_at < TIMESTAMPTZ '2020-01-01 00:00:00+00'",
        "reference:stop_code": "stop_code NOT IN (SELECT stop_code FROM stops)",
        "enum:direction": f"direction NOT IN {DIRECTIONS}",
        "enum:card_kind": f"card_kind NOT IN {CARD_KINDS}",
        "range:fare": "fare NOT BETWEEN 0 AND 200",
        "range:discount_percent": "discount_percent NOT BETWEEN 0 AND 100",
        "changed_after_tapped": "updated_at < tapped_at",
        "vehicle_number": "NOT regexp_full_match(vehicle, 'V[0-9]{5}')",
    }


def _set_aside(db: duckdb.DuckDBPyConnection, task: Task) -> None:
    """The records as they came, with the rules that they break."""
    found = ", ".join(f"CASE WHEN {rule} THEN '{name}' END" for name, rule in _rules().items())
    came = ", ".join(f"raw_{name} AS {name}" if name in _CAST else name for name in COLUMNS)
    rows = db.sql(
        f"SELECT {came}, list_filter([{found}], lambda reason: reason IS NOT NULL) AS reasons"
        " FROM judged WHERE broken"
    ).to_arrow_table()
    if rows.num_rows:
        write_deltalake(task.quarantine, rows, mode="append")


def _merge(db: duckdb.DuckDBPyConnection, task: Task) -> None:
    """Of a key that came twice the version with the highest sequence goes into the table."""
    columns = ", ".join(COLUMNS)
    newest = db.sql(
        f"SELECT {columns} FROM judged WHERE NOT broken"
        f" QUALIFY row_number() OVER (PARTITION BY {KEY} ORDER BY {SEQUENCE} DESC) = 1"
    ).to_arrow_reader()
    if task.is_first:
        write_deltalake(task.taps, newest)
        return
    merge = DeltaTable(task.taps).merge(
        newest, f"s.{KEY} = t.{KEY}", source_alias="s", target_alias="t"
    )
    merge.when_matched_update_all(predicate=f"s.{SEQUENCE} > t.{SEQUENCE}")
    merge.when_not_matched_insert_all().execute()


def _refresh_mart(db: duckdb.DuckDBPyConnection, task: Task) -> None:
    db.register("taps", DeltaTable(task.taps).to_pyarrow_dataset())
    mart = db.sql(
        "SELECT CAST(tapped_at AS DATE) AS day, line, count(*) AS taps,"
        " CAST(sum(fare) AS DECIMAL(18, 2)) AS fares, count(DISTINCT stop_code) AS stops"
        " FROM taps GROUP BY ALL"
    )
    write_deltalake(task.mart, mart.to_arrow_table(), mode="overwrite")


if __name__ == "__main__":
    main({"initial": load, "changes": load})
