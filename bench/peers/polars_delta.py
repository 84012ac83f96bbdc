"""The nightly work with polars and delta-rs."""

from __future__ import annotations

import polars as pl

from bench.peers.task import Task, main
from bench.taps.shape import CARD_KINDS, COLUMNS, DIRECTIONS, KEY, MOMENT, SEQUENCE

_MOMENTS = ("updated_at", "tapped_at")
_TYPES = {
    "fare": pl.Decimal(8, 2),
    "discount_percent": pl.Int32,
    "distance_km": pl.Float64,
}
_REQUIRED = ("tap_id", *_MOMENTS, "stop_code", "device")


def load(task: Task) -> None:
    """Read, judge, set aside, merge, refresh the mart."""
    newest, set_aside = judge(task)
    if len(set_aside):
        set_aside.write_delta(task.quarantine, mode="append")
    _merge(newest, task)
    mart(task).write_delta(task.mart, mode="overwrite")


def load_plain(task: Task) -> None:
    """Cast and write; nothing is judged, and there is no mart."""
    _read(task).select(COLUMNS).collect().write_delta(task.taps)


def judge(task: Task) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The newest good version of each key, and the broken records with their reasons."""
    rules = _rules(pl.read_csv(task.stops).get_column("stop_code"))
    broken = pl.any_horizontal(rules.values()).fill_null(False).alias("_broken")
    judged = _read(task).with_columns(broken).collect()
    newest = _newest(judged.filter(~pl.col("_broken")))
    return newest, _reasons(judged.filter("_broken"), rules)


def _read(task: Task) -> pl.LazyFrame:
    """All columns as they came under their names with ``raw_``, and typed."""
    raw = pl.scan_csv(task.files, infer_schema=False, missing_columns="insert")
    moments = [pl.col(c).str.to_datetime(MOMENT, time_unit="us", time_zone="UTC", strict=False)
               for c in _MOMENTS]  # fmt: skip
    others = [pl.col(name).cast(kind, strict=False) for name, kind in _TYPES.items()]
    kept = [pl.col(name).alias(f"raw_{name}") for name in (*_MOMENTS, *_TYPES)]
    return raw.with_columns(*kept, *moments, *others)


def _rules(stops: pl.Series) -> dict[str, pl.Expr]:
    """What is true of a row that breaks the rule."""
    col = pl.col
    first, start = (
        pl.datetime(1900, 1, 1, time_zone="UTC"),
        pl.datetime(2020, 1, 1, time_zone="UTC"),
    )
    types = {
        f"type:{n}": col(f"raw_{n}").is_not_null() & col(n).is_null() for n in (*_MOMENTS, *_TYPES)
    }
    required = {
        f"required:{n}": col(f"raw_{n}" if n in _MOMENTS else n).is_null() for n in _REQUIRED
    }
    return {
        **types,
        **required,
        "pattern:tap_id": ~col("tap_id").str.contains(r"^T[0-9]{11}$"),
        "range:updated_at": col("updated_at") < first,
        "range:tapped_at": col("tapped_at") < start,
        "reference:stop_code": ~col("stop_code").is_in(stops.implode()),
        "enum:direction": ~col("direction").is_in(DIRECTIONS),
        "enum:card_kind": ~col("card_kind").is_in(CARD_KINDS),
        "range:fare": ~col("fare").is_between(0, 200),
        "range:discount_percent": ~col("discount_percent").is_between(0, 100),
        "changed_after_tapped": col("updated_at") < col("tapped_at"),
        "vehicle_number": ~col("vehicle").str.contains(r"^V[0-9]{5}$"),
    }


def _reasons(bad: pl.DataFrame, rules: dict[str, pl.Expr]) -> pl.DataFrame:
    """The records as they came, with the rules that they break."""
    found = [pl.when(rule).then(pl.lit(name)) for name, rule in rules.items()]
    reasons = pl.concat_list(found).list.drop_nulls().alias("reasons")
    raw = [pl.col(f"raw_{n}" if f"raw_{n}" in bad.columns else n).alias(n) for n in COLUMNS]
    return bad.select(*raw, reasons)


def _newest(good: pl.DataFrame) -> pl.DataFrame:
    """Of a key that came twice the version with the highest sequence."""
    newest = pl.col(SEQUENCE) == pl.col(SEQUENCE).max().over(KEY)
    return good.lazy().filter(newest).select(COLUMNS).collect()


def _merge(rows: pl.DataFrame, task: Task) -> None:
    if task.is_first:
        rows.write_delta(task.taps)
        return
    on = {"predicate": f"s.{KEY} = t.{KEY}", "source_alias": "s", "target_alias": "t"}
    merge = rows.write_delta(task.taps, mode="merge", delta_merge_options=on)
    assert merge is not None
    merge.when_matched_update_all(predicate=f"s.{SEQUENCE} > t.{SEQUENCE}")
    merge.when_not_matched_insert_all().execute()


def mart(task: Task) -> pl.DataFrame:
    """Taps, fares and stops of each day and line, of the table as it stands."""
    by = [pl.col("tapped_at").dt.date().alias("day"), pl.col("line")]
    figures = [
        pl.len().cast(pl.Int64).alias("taps"),
        pl.col("fare").sum().cast(pl.Decimal(18, 2)).alias("fares"),
        pl.col("stop_code").n_unique().cast(pl.Int64).alias("stops"),
    ]
    taps = pl.scan_delta(task.taps)
    return taps.group_by(*by).agg(*figures).collect(engine="streaming")


if __name__ == "__main__":
    main({"initial": load, "initial_plain": load_plain, "changes": load})
