"""Line lists: every row of a delivery is a row of its own, and equal ones are counted.

A row is known by its key, or by all its values where there is no key, and by its place among
the rows that are equal by it. A delivery is the whole state of its scope: the snapshot, or the
file of that name. What is served and what came are then held against each other as multisets.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset, Load, Occurrence
from civiclake.steps.fold import fold
from civiclake.steps.merge import Near

FILE_OF = "_file_of"
"""What the ids of a file's records begin with, such as ``b1/0``."""
NEWEST_AT = "_newest_at"
"""For records that are replayed: the time of their file's newest version that is merged."""


def with_file(rows: DataFrame, files: DataFrame | None, dataset: Dataset) -> DataFrame:
    """Say of each row in which file it stands, and whether a newer version of it is merged.

    Args:
        rows: of :func:`civiclake.steps.merge.comparable`.
        files: ``_file_of``, ``_source_file``, and ``_is_stale`` or ``_newest_at``; None where a
            state is no file.
        dataset: the compiled contract.
    """
    if files is None:
        return rows.withColumn(c.IS_STALE, F.lit(False))
    of = F.substring_index(c.RECORD, "/", 2)
    found = rows.withColumn(FILE_OF, of).join(F.broadcast(files), FILE_OF, "left").drop(FILE_OF)
    if NEWEST_AT in found.columns:
        # A record that was set aside may have come again: its time is that of its last sighting.
        is_older = F.col(c.SEQUENCE) < F.col(NEWEST_AT)
        found = found.withColumn(c.IS_STALE, is_older).drop(NEWEST_AT)
    if dataset.occurrence is Occurrence.ROW:
        place = F.substring_index(c.RECORD, "/", -1).cast("bigint")
        return found.withColumn(c.SOURCE_ROW, place)
    return found


def numbered(rows: DataFrame, dataset: Dataset, near: Near) -> DataFrame:
    """Give each row of a whole state its place among its equals.

    Few rows have an equal: only those are put in order. Values that differ under one key are
    ordered by what they are, so that the same delivery always gives the same places.

    Args:
        rows: of :func:`with_file`.
        dataset: the compiled contract.
        near: how to join with a frame of as many rows as ``rows``.
    """
    by = c.equals_key(dataset)
    hashed = F.xxhash64(*by)
    shared = rows.select(hashed.alias("_again")).groupBy("_again").agg(F.count("*").alias("_rows"))
    again = near(shared.where(F.col("_rows") > 1).select("_again"))
    several = rows.join(again, hashed == F.col("_again"), "left_semi")
    order = Window.partitionBy(*by).orderBy(c.CONTENT, c.RECORD)
    places = several.select(
        F.col(c.RECORD).alias("_placed"), F.row_number().over(order).alias(c.OCCURRENCE)
    )
    joined = rows.join(near(places), F.col(c.RECORD) == F.col("_placed"), "left").drop("_placed")
    return joined.withColumn(c.OCCURRENCE, F.coalesce(c.OCCURRENCE, F.lit(1)))


def numbered_after(rows: DataFrame, served: DataFrame, dataset: Dataset) -> DataFrame:
    """Give rows that are added to a state the places after those that are served.

    A record that is served already keeps its place: a replay that broke off adds nothing twice.

    Args:
        rows: of :func:`with_file`, of records that were set aside: they are few.
        served: the unified table.
        dataset: the compiled contract.
    """
    by = list(c.equals_key(dataset))
    there = served.join(F.broadcast(rows.select(*by).distinct()), by, "left_semi")
    own = there.select(*by, c.RECORD, F.col(c.OCCURRENCE).alias("_own"))
    last = there.groupBy(*by).agg(F.max(c.OCCURRENCE).alias("_last"))
    found = rows.join(own, [*by, c.RECORD], "left").join(last, by, "left")
    is_new = F.col("_own").isNull() & ~F.col(c.IS_STALE)
    order = Window.partitionBy(*by, is_new).orderBy(c.CONTENT, c.RECORD)
    place = F.coalesce(F.col("_last"), F.lit(0)) + F.row_number().over(order)
    return found.withColumn(c.OCCURRENCE, F.coalesce("_own", place).cast("int")).select(
        *rows.columns, c.OCCURRENCE
    )


def let_be(classified: DataFrame) -> DataFrame:
    """Let rows of a file change nothing once a newer version of it is merged."""
    action = F.when(F.col(c.IS_STALE), c.ACTION_LATE).otherwise(F.col(c.ACTION))
    return classified.withColumn(c.ACTION, action)


def vanished(
    served: DataFrame,
    state: DataFrame,
    names: Sequence[str],
    set_aside: DataFrame | None,
    dataset: Dataset,
) -> DataFrame:
    """Served rows that the delivered state no longer holds.

    A row that is set aside tonight is in quarantine and not in the state. But what a replay
    made of this very record stays, and so does the key of which nothing but broken rows came.

    Args:
        served: the unified table, of snapshots the night in question.
        state: the good rows with their places.
        names: of the files whose state came; of no interest where a state is no file.
        set_aside: ``_record_id`` and the key of the rows that were set aside, None for none.
        dataset: the compiled contract.

    Returns:
        The served rows to delete, with ``_action`` = ``delete``.
    """
    identity = list(c.merge_key(dataset))
    scope = served.where(F.col(c.SOURCE_FILE).isin(list(names))) if _by_file(dataset) else served
    left = scope.join(state.select(*identity), identity, "left_anti")
    if set_aside is not None:
        left = left.join(set_aside.select(c.RECORD), c.RECORD, "left_anti")
        if dataset.key:
            key = [*dataset.key, *([c.SOURCE_FILE] if _by_file(dataset) else [])]
            only_broken = (
                set_aside.select(*key).distinct().join(state.select(*key), key, "left_anti")
            )
            left = left.join(only_broken, key, "left_anti")
    return left.select(*served.columns).withColumn(c.ACTION, F.lit(c.ACTION_DELETE))


def read_otherwise(served: DataFrame, added: DataFrame, dataset: Dataset) -> DataFrame:
    """Served rows of records that are replayed once more, with other values than before.

    Args:
        served: the unified table.
        added: the replay's rows with their places.
        dataset: the compiled contract.

    Returns:
        The served rows to delete, with ``_action`` = ``delete``.
    """
    names = c.merge_key(dataset)
    mine = added.where(~F.col(c.IS_STALE)).select(
        c.RECORD, *[F.col(n).alias(f"_new_{n}") for n in names]
    )
    met = served.join(F.broadcast(mine), c.RECORD)
    same = fold(operator.and_, [F.col(f"`{n}`") == F.col(f"`_new_{n}`") for n in names])
    return met.where(~same).select(*served.columns).withColumn(c.ACTION, F.lit(c.ACTION_DELETE))


def _by_file(dataset: Dataset) -> bool:
    return dataset.load is Load.FILES
