"""Line lists: the rows of a batch in the states that they belong to, and what these lack."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset, Load, Occurrence
from civiclake.errors import BatchHeld, UserError
from civiclake.io.landing import file_versions
from civiclake.io.landing.file_versions import FileVersion
from civiclake.pipeline.night.batch import Batch
from civiclake.steps import occurrence
from civiclake.steps.merge import Near

ONE_TIME = "files_of_one_time"
"""Warning: rows that lost to one of a file of the same time, by the files' names alone."""
IDENTICAL = "identical_rows"
"""Warning: rows that were superseded by an identical row of the same file."""

_FILES = f"{occurrence.FILE_OF} string, {c.SOURCE_FILE} string, "


@dataclass(frozen=True)
class States:
    """Good rows with all that tells them apart, and the names of the files that came whole."""

    rows: DataFrame
    names: tuple[str, ...]
    any_is_stale: bool


def older_files(batch: Batch) -> list[str]:
    """Files of a line list that are in this batch in a newer version as well."""
    if batch.dataset.occurrence is None or batch.is_replay:
        return []
    mine = _brought(batch)
    current = {version.prefix for version in file_versions.newest(mine).values()}
    return [version.prefix for version in mine if version.prefix not in current]


def states(batch: Batch, rows: DataFrame, served: DataFrame, near: Near) -> States:
    """Tell the good rows of a line list apart.

    Args:
        batch: the batch under way.
        rows: of :func:`civiclake.steps.merge.comparable`.
        served: the unified table, of snapshots the night in question.
        near: how to join with a frame of as many rows as ``rows``.

    Raises:
        UserError: a replayed record came by a batch that landing no longer holds.
    """
    dataset = batch.dataset
    files, names, any_is_stale = _files(batch, rows)
    found = occurrence.with_file(rows, files, dataset)
    if dataset.occurrence is Occurrence.EQUALS:
        if batch.is_replay:
            found = occurrence.numbered_after(found, served, dataset)
        else:
            found = occurrence.numbered(found, dataset, near)
    return States(batch.save(found, "told_apart"), names, any_is_stale)


def vanished(
    batch: Batch, state: States, served: DataFrame, set_aside: DataFrame | None
) -> DataFrame | None:
    """Served rows that are to go, as what came is the state; None where nothing can.

    Args:
        batch: the batch under way.
        state: of :func:`states`.
        served: the unified table, of snapshots the night in question.
        set_aside: ``_record_id`` and the key, as served, of rows that were set aside.
    """
    dataset = batch.dataset
    if dataset.occurrence is not Occurrence.EQUALS:
        return None
    if batch.is_replay:
        return occurrence.read_otherwise(served, state.rows, dataset)
    if set_aside is not None and dataset.load is Load.FILES:
        files, _, _ = _files(batch, set_aside)
        placed = occurrence.with_file(set_aside, files, dataset)
        set_aside = placed.where(~F.col(c.IS_STALE))
    good = state.rows.where(~F.col(c.IS_STALE))
    return occurrence.vanished(served, good, state.names, set_aside, dataset)


def refuse_loss(batch: Batch, frame: DataFrame, served: DataFrame) -> None:
    """Hold a batch that leaves too little of a state, be it the snapshot or one file.

    A row without a key that was corrected goes and comes again: only what a state has fewer
    rows than before is lost.

    Args:
        batch: the batch under way.
        frame: every row with its action.
        served: the unified table, of snapshots the night in question.

    Raises:
        BatchHeld: more is lost than the contract allows.
    """
    dataset, allowed = batch.dataset, batch.dataset.limits.max_deleted_fraction
    scope = F.col(c.SOURCE_FILE) if dataset.load is Load.FILES else F.lit("the snapshot")
    going = F.count_if(F.col(c.ACTION) == c.ACTION_DELETE)
    coming = F.count_if(F.col(c.ACTION) == c.ACTION_INSERT)
    lost = going if dataset.key else going - coming
    found = frame.groupBy(scope.alias("_scope")).agg(lost.alias("_lost"))
    smaller = {row["_scope"]: row["_lost"] for row in found.where(F.col("_lost") > 0).collect()}
    if not smaller:
        return
    counted = served.groupBy(scope.alias("_scope")).count()
    whole = counted.where(F.col("_scope").isin(list(smaller))).collect()
    for row in sorted(whole, key=lambda row: row["_scope"]):
        gone, total = smaller[row["_scope"]], row["count"]
        if gone > allowed * total:
            raise BatchHeld(
                f"{batch.where} is held: {row['_scope']} has {gone} of {total} served rows fewer"
                f" than before ({gone / total:.0%}, allowed are {allowed:.0%}); ask"
                f" {dataset.owner.name} ({dataset.owner.contact}) whether the delivery is whole"
            )


def ranks(batch: Batch) -> DataFrame | None:
    """The order of all files that were merged, for rows that contest a key; None without any."""
    found = file_versions.versions(batch.files, batch.dataset)
    if not found:
        return None
    if not batch.dataset.comes_in_files:  # what was read later stands later in the log
        found.sort(key=lambda version: version.order[2:])
    rows = [(version.prefix, rank) for rank, version in enumerate(found)]
    return batch.spark.createDataFrame(rows, "_of string, _rank bigint")


def _brought(batch: Batch) -> list[FileVersion]:
    return file_versions.versions(batch.brought, batch.dataset)


def _files(batch: Batch, rows: DataFrame) -> tuple[DataFrame | None, tuple[str, ...], bool]:
    """The files of a batch's records; the names of those whose state came; if any is stale."""
    if batch.dataset.load is not Load.FILES:
        return None, (), False
    every = file_versions.versions(batch.files, batch.dataset)
    current = file_versions.newest(every)
    if batch.is_replay:
        of = F.substring_index(c.RECORD, "/", 2)
        wanted = {row[0] for row in rows.select(of).distinct().collect()}
        _refuse_unknown(batch.dataset, wanted - {version.prefix for version in every})
        known = [(v.prefix, v.name, current[v.name].order[0]) for v in every if v.prefix in wanted]
        schema = _FILES + f"{occurrence.NEWEST_AT} timestamp"
        return batch.spark.createDataFrame(known, schema), (), True  # some may be
    mine = _brought(batch)
    facts = [(v.prefix, v.name, current[v.name].prefix != v.prefix) for v in mine]
    names = tuple(name for _, name, is_stale in facts if not is_stale)
    frame = batch.spark.createDataFrame(facts, _FILES + f"{c.IS_STALE} boolean")
    return frame, names, any(is_stale for _, _, is_stale in facts)


def _refuse_unknown(dataset: Dataset, unknown: set[str]) -> None:
    if unknown:
        batches = sorted({prefix.partition("/")[0] for prefix in unknown})
        raise UserError(
            f"{dataset.id}: records of {', '.join(batches[:5])} can't be replayed: landing no"
            " longer says by which file they came; deliver the corrected file under its name"
        )
