"""Set-aside records that come again: a known fault stays one open row in quarantine.

A record is known by its id (the same batch, loaded again), by the id of its last sighting, or
by its fingerprint (delivered once more). What a newer snapshot no longer holds is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.io.lake import quarantine, recognise_few, tables
from civiclake.io.lake.apply import EDITS, apply_changes
from civiclake.io.lake.fingerprint import FINGERPRINT, with_fingerprint
from civiclake.settings import Settings

_TARGET, _ACT, _AIM = "_target", "_act", "_aim"
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


class Stage(Protocol):
    """Where frames are written once, to go on from what was written."""

    def save(self, frame: DataFrame, name: str) -> DataFrame:
        """What was written."""

    def save_counted(
        self, frame: DataFrame, name: str, counted: Sequence[Column]
    ) -> tuple[DataFrame, dict[str, int]]:
        """What was written, and the aggregates by name."""


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
    is_small: bool = False
    """Whether ``rows`` are few enough to be looked at in memory."""


def settle(
    spark: SparkSession, settings: Settings, dataset: Dataset, said: Judgement, stage: Stage
) -> None:
    """Bring quarantine up to date after a batch was judged.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        dataset: the compiled contract.
        said: the judgement.
        stage: keeps what several steps look at.
    """
    table = quarantine.create(spark, settings, dataset)
    if said.judged is None:
        if said.is_small and _settle_few(spark, settings, dataset, said):
            return
        _settle_new(spark, settings, dataset, said, stage)
        return
    known = stage.save(_known(spark.table(table)), "known")
    bad = stage.save(_aimed(said.rows, known), "set_aside").drop(_AIM)
    still_open = known.where(F.col("status") == quarantine.OPEN)
    closing = _closing(said, still_open, bad)
    ids = _judged_again(still_open, said.judged)
    released = stage.save(ids.join(bad.select(_TARGET), _TARGET, "left_anti"), "released")
    closing = closing.join(released, _TARGET, "left_anti")
    closing = closing.unionByName(_acting(released, _RELEASE))
    acts = _acting(bad, _BAD).unionByName(closing, allowMissingColumns=True)
    _merge_into(spark, table, stage.save(acts, "settled"), said)


def _settle_few(spark: SparkSession, settings: Settings, dataset: Dataset, said: Judgement) -> bool:
    """The same as :func:`_settle_new` in memory; False, and nothing is written, if it can't be."""
    place = tables.location(settings, tables.QUARANTINE, dataset.table)
    held = spark.table(tables.by_path(settings, tables.QUARANTINE, dataset.table))
    where = {c.SERVED_FILE: "file_path", c.SERVED_PLACE: "row_index"}
    placed = [F.col(f"_metadata.{name}").alias(alias) for alias, name in where.items()]
    still_open = held.where(F.col("status") == quarantine.OPEN).select("*", *placed)
    known = still_open.limit(recognise_few.MOST + 1).toArrow()
    if known.num_rows > recognise_few.MOST:
        return False
    if not known.num_rows:
        if said.any_bad:
            quarantine.add(settings, dataset, said.rows)
        return True
    bad = said.rows.toArrow() if said.any_bad else known.slice(0, 0)
    made = recognise_few.changes(known, bad, said.batch_id, is_whole=said.is_whole)
    if made is None:
        return False
    counts = [made[c.EDIT].to_pylist().count(word) for word in EDITS]
    if any(counts[1:]):
        apply_changes(place, spark.createDataFrame(made), counts)
    elif any(counts):
        new = made.select([name for name, _ in quarantine.COLUMNS])
        quarantine.add(settings, dataset, spark.createDataFrame(new))
    return True


def _settle_new(
    spark: SparkSession, settings: Settings, dataset: Dataset, said: Judgement, stage: Stage
) -> None:
    """Settle a batch of which no earlier try or replay can have set anything aside.

    What was closed before is no concern of it. Most of what it sets aside nobody has seen before:
    that is looked at first, for to append it takes a third of a MERGE.
    """
    table = tables.by_path(settings, tables.QUARANTINE, dataset.table)
    held = spark.table(table).where(F.col("status") == quarantine.OPEN)
    every = F.count(F.lit(1)).alias("rows")
    known, found = stage.save_counted(_known(held), "known", [every])
    if not found["rows"]:
        if said.any_bad:
            quarantine.add(settings, dataset, said.rows)
        return
    bad = _aimed(said.rows, known)
    if said.any_bad and not said.is_whole:
        is_known = F.count_if(F.col(_AIM).isNotNull()).alias("known")
        bad, found = stage.save_counted(bad, "set_aside", [is_known])
        if not found["known"]:  # then none of those that are open is closed, either
            quarantine.add(settings, dataset, bad.drop(_TARGET, _AIM))
            return
    else:
        bad = stage.save(bad, "set_aside")
    bad = bad.drop(_AIM)
    closing = _closing(said, known, bad)
    acts = _acting(bad, _BAD).unionByName(closing, allowMissingColumns=True)
    touched = (F.col(_ACT) != _BAD) | (F.col(_TARGET) != F.col(c.RECORD))
    settled, found = stage.save_counted(acts, "settled", [F.count_if(touched).alias("touched")])
    if found["touched"]:
        _merge_into(spark, table, settled, said)
    elif said.any_bad:
        quarantine.add(settings, dataset, bad.drop(_TARGET))


def _merge_into(spark: SparkSession, table: str, settled: DataFrame, said: Judgement) -> None:
    settled.createOrReplaceTempView("_settled")
    spark.sql(_merge(table, said.batch_id))


def _known(table: DataFrame) -> DataFrame:
    """The records in quarantine; one from before there were fingerprints gets its own."""
    columns = (c.RECORD, "status", FINGERPRINT, "last_seen_record", c.DELIVERED)
    told = table.where(F.col(FINGERPRINT).isNotNull()).select(*columns)
    old = table.where(F.col(FINGERPRINT).isNull()).drop(FINGERPRINT)
    of_batch = [c.BATCH, "status"]
    made = with_fingerprint(old, "raw", "malformed_text", F.lit(""), of_batch).select(*columns)
    return told.unionByName(made)


def _aimed(rows: DataFrame, known: DataFrame) -> DataFrame:
    """The rows with the id of the record in quarantine that each of them is, or its own; and what
    was found in quarantine for it, if there was anything."""
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
    nearest = Window.partitionBy(_AIM).orderBy(F.col("_way_0").isNull(), c.RECORD)
    told = joined.withColumn(_AIM, aim).withColumn("_nearest", F.row_number().over(nearest))
    target = F.when(F.col("_nearest") == 1, F.col(_AIM))
    names = [name for name, _ in quarantine.COLUMNS]
    return told.select(*names, F.coalesce(target, c.RECORD).alias(_TARGET), _AIM)


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
