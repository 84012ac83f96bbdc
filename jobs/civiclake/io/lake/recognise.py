"""Set-aside records that come again: a known fault stays one open row in quarantine.

A record is known by its id (the same batch, loaded again), by the id of its last sighting, or
by its fingerprint (delivered once more). What a newer snapshot no longer holds is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.io.lake import quarantine
from civiclake.io.lake.fingerprint import FINGERPRINT, with_fingerprint
from civiclake.settings import Settings

Save = Callable[[DataFrame, str], DataFrame]
_TARGET, _ACT = "_target", "_act"
_BAD, _RELEASE, _CLOSE = "bad", "release", "close"
_JUDGED = (
    "reasons",
    "raw",
    "malformed_text",
    "contract_version",
    "rules_version",
    "judged_by_batch",
    "judged_at",
)
"""What a later judgement says anew."""


@dataclass(frozen=True)
class Judgement:
    """What a batch says of the records that it has judged."""

    batch_id: str
    rows: DataFrame
    """What is set aside now, from :func:`civiclake.io.lake.quarantine.rows_from`."""
    judged: DataFrame | None = None
    """``_record_id`` of every record that was judged, bad or good; None where no earlier try or
    replay can have set any of them aside."""
    any_bad: bool = True
    """Whether ``rows`` holds any."""
    is_whole: bool = False
    """Whether it is the newest state of the dataset: what it lacks is gone."""


def settle(
    spark: SparkSession, settings: Settings, dataset: Dataset, said: Judgement, save: Save
) -> None:
    """Bring quarantine up to date after a batch was judged.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        dataset: the compiled contract.
        said: the judgement.
        save: writes a frame once, and goes on from what was written.
    """
    table = quarantine.create(spark, settings, dataset)
    held = spark.table(table)
    if said.judged is None:  # what was closed before is no concern of a batch that is new
        held = held.where(F.col("status") == quarantine.OPEN)
    known = save(_known(held), "known")
    is_new = said.judged is None
    if is_new and known.isEmpty():
        _append(spark, settings, dataset, said, said.rows)
        return
    bad = save(_aimed(said.rows, known), "set_aside")
    still_open = known.where(F.col("status") == quarantine.OPEN)
    closing = _closing(said, still_open, bad)
    if said.judged is not None:
        ids = _judged_again(still_open, said.judged)
        released = save(ids.join(bad.select(_TARGET), _TARGET, "left_anti"), "released")
        closing = closing.join(released, _TARGET, "left_anti")
        closing = closing.unionByName(_acting(released, _RELEASE))
    acts = _acting(bad, _BAD).unionByName(closing, allowMissingColumns=True)
    every = save(acts, "settled")
    touched = (F.col(_ACT) != _BAD) | (F.col(_TARGET) != F.col(c.RECORD))
    if is_new and every.where(touched).isEmpty():
        _append(spark, settings, dataset, said, bad.drop(_TARGET))
        return
    every.createOrReplaceTempView("_settled")
    spark.sql(_merge(table, said.batch_id))


def _append(
    spark: SparkSession, settings: Settings, dataset: Dataset, said: Judgement, rows: DataFrame
) -> None:
    """Where nothing in quarantine is touched: it takes a third of a MERGE."""
    if said.any_bad:
        quarantine.append(spark, settings, dataset, rows)


def _known(table: DataFrame) -> DataFrame:
    """The records in quarantine; one from before there were fingerprints gets its own."""
    columns = (c.RECORD, "status", FINGERPRINT, "last_seen_record", c.DELIVERED)
    told = table.where(F.col(FINGERPRINT).isNotNull()).select(*columns)
    old = table.where(F.col(FINGERPRINT).isNull()).drop(FINGERPRINT)
    of_batch = [c.BATCH, "status"]
    made = with_fingerprint(old, "raw", "malformed_text", F.lit(""), of_batch).select(*columns)
    return told.unionByName(made)


def _aimed(rows: DataFrame, known: DataFrame) -> DataFrame:
    """The rows with the id of the record in quarantine that each of them is, or its own."""
    still_open = known.where(F.col("status") == quarantine.OPEN)
    first = F.min_by(c.RECORD, c.DELIVERED)
    ways = [
        (c.RECORD, known.select(F.col(c.RECORD).alias("_0"), F.col(c.RECORD).alias("_way_0"))),
        (c.RECORD, _by(known, "last_seen_record", F.min(c.RECORD), 1)),
        (FINGERPRINT, _by(still_open, FINGERPRINT, first, 2)),
    ]
    joined = rows
    for number, (name, way) in enumerate(ways):
        joined = joined.join(way, F.col(name) == F.col(f"_{number}"), "left")
    aim = F.coalesce(*[f"_way_{number}" for number in range(len(ways))])
    # Two rows can't be one: the second stays itself.
    nearest = Window.partitionBy("_aim").orderBy(F.col("_way_0").isNull(), c.RECORD)
    told = joined.withColumn("_aim", aim).withColumn("_nearest", F.row_number().over(nearest))
    target = F.when(F.col("_nearest") == 1, F.col("_aim"))
    return told.select(*rows.columns, F.coalesce(target, c.RECORD).alias(_TARGET))


def _by(known: DataFrame, name: str, record: Column, number: int) -> DataFrame:
    named = known.where(F.col(name).isNotNull()).groupBy(F.col(name).alias(f"_{number}"))
    return named.agg(record.alias(f"_way_{number}"))


def _closing(said: Judgement, still_open: DataFrame, bad: DataFrame) -> DataFrame:
    """Open records that are gone, or that are the same as one that stays."""
    going = still_open
    if not said.is_whole:
        again = bad.select(FINGERPRINT).where(F.col(FINGERPRINT).isNotNull())
        going = still_open.join(again, FINGERPRINT, "left_semi")
    ids = going.select(F.col(c.RECORD).alias(_TARGET))
    return _acting(ids.join(bad.select(_TARGET), _TARGET, "left_anti"), _CLOSE)


def _judged_again(still_open: DataFrame, judged: DataFrame) -> DataFrame:
    """Open records that this batch has judged, by the id of their first sighting or their last."""
    ids = F.array(c.RECORD, "last_seen_record")
    names = still_open.select(F.col(c.RECORD).alias(_TARGET), F.explode(ids).alias("_told"))
    found = judged.select(c.RECORD).join(names, F.col(c.RECORD) == F.col("_told"))
    return found.select(_TARGET).distinct()


def _acting(rows: DataFrame, act: str) -> DataFrame:
    return rows.withColumn(_ACT, F.lit(act))


def _merge(table: str, batch_id: str) -> str:
    every = ", ".join(name for name, _ in quarantine.COLUMNS)
    values = ", ".join(f"s.{name}" for name, _ in quarantine.COLUMNS)
    newer = f"s.last_seen_at > coalesce(q.last_seen_at, q.{c.DELIVERED})"
    sets = [f"q.{name} = s.{name}" for name in _JUDGED]
    for name in ("last_seen_batch", "last_seen_record", "last_seen_at"):
        sets.append(f"q.{name} = CASE WHEN {newer} THEN s.{name} ELSE q.{name} END")
    sets += [
        f"q.times_seen = coalesce(q.times_seen, 1) + CASE WHEN {newer} THEN 1 ELSE 0 END",
        f"q.{FINGERPRINT} = coalesce(q.{FINGERPRINT}, s.{FINGERPRINT})",
        f"q.claimed_by_batch = nullif(q.claimed_by_batch, '{batch_id}')",
    ]
    is_open = f"q.status = '{quarantine.OPEN}'"
    return (
        f"MERGE INTO {table} AS q USING _settled AS s ON q.{c.RECORD} = s.{_TARGET}\n"
        f"WHEN MATCHED AND s.{_ACT} = '{_RELEASE}' AND {is_open} THEN UPDATE SET"
        f" q.status = '{quarantine.RELEASED}', q.released_by_batch = '{batch_id}',"
        " q.claimed_by_batch = NULL\n"
        f"WHEN MATCHED AND s.{_ACT} = '{_CLOSE}' AND {is_open} THEN UPDATE SET"
        f" q.status = '{quarantine.GONE}', q.gone_by_batch = '{batch_id}',"
        " q.claimed_by_batch = NULL\n"
        f"WHEN MATCHED AND s.{_ACT} = '{_BAD}' AND {is_open} THEN UPDATE SET {', '.join(sets)}\n"
        f"WHEN NOT MATCHED AND s.{_ACT} = '{_BAD}' THEN INSERT ({every}) VALUES ({values})"
    )
