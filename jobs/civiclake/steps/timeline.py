"""The time line of a key: every known event in order, and what is to be read off it.

What came out of order is put where it belongs. All that is known of a key becomes events on
one line: the versions that are served, where they ended, what a newer delivery confirmed,
and what the batch brings. Versions and their ends are then read off the line anew, so the
result is the same in whatever order batches come.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.contracts.render.layers import layer_columns

AT, VALUES, ORIGIN = "_at", "_values", "_origin"
IS_AGAIN = "_is_again"
"""Of an event: it brings the values that the key had just before."""
_WAS_TO = "_was_to"
# Where an event comes from; of several at one moment, the first here is heard.
SERVED, DELETED, AGAIN, ENDED, RECORD, GONE, RESTORED = range(7)


def gone_at(
    served: DataFrame,
    delivered_keys: DataFrame,
    taken_at: datetime,
    batch_id: str,
    dataset: Dataset,
) -> DataFrame:
    """Keys that were valid when a snapshot was taken and that it does not hold, as events."""
    moment = F.lit(taken_at)
    valid = (F.col(c.VALID_FROM) <= moment) & (
        F.col(c.VALID_TO).isNull() | (F.col(c.VALID_TO) > moment)
    )
    keys = delivered_keys.select(*dataset.key).distinct()
    left = served.where(valid).join(keys, list(dataset.key), "left_anti")
    return left.select(
        *key_of(dataset),
        moment.alias(AT),
        _nothing(dataset).alias(VALUES),
        F.lit(None).cast("string").alias(c.RECORD),
        F.lit(batch_id).alias(c.BATCH),
        F.lit(GONE).alias(ORIGIN),
    )


def timeline(
    loud: DataFrame,
    gone: DataFrame | None,
    served: DataFrame,
    marks: DataFrame | None,
    snapshots: Sequence[datetime],
    dataset: Dataset,
) -> DataFrame:
    """Put all that is known of the touched keys on one line and read the versions off it.

    Args:
        loud: records that are not quiet, from :func:`compare`.
        gone: keys that a snapshot lacks, from :func:`gone_at`.
        served: the unified table; only the touched keys' rows are taken.
        marks: when keys were deleted, or confirmed with the same values.
        snapshots: when snapshots were taken. What an older one brings ends at the next one,
            which knew better.
        dataset: the compiled contract.

    Returns:
        One row per event with ``_action`` (of records and gone keys) and ``_edit`` (of
        table rows).
    """
    fresh = _records(loud, dataset)
    fresh = fresh if gone is None else fresh.unionByName(gone)
    touched = fresh.select(*key_of(dataset)).distinct()
    history = served.join(touched, list(dataset.key), "left_semi")
    parts = [fresh, _versions(history, dataset), _ends(history, dataset)]
    if marks is not None:
        known = marks.join(touched, list(dataset.key), "left_semi")
        parts.append(_marked(known, dataset))
    if snapshots:
        parts.append(_restored(fresh, snapshots, dataset))
    together = reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), parts)
    return _judged(_chained(_heard(_filled(together, dataset), dataset), dataset))


def key_of(dataset: Dataset) -> list[Column]:
    """The columns of the primary key."""
    return [F.col(name) for name in dataset.key]


def _struct(dataset: Dataset) -> Column:
    return F.struct(*[F.col(f"`{name}`") for name, _, _ in layer_columns(dataset, "unified")])


def _nothing(dataset: Dataset) -> Column:
    fields = ", ".join(f"`{n}`: {kind}" for n, kind, _ in layer_columns(dataset, "unified"))
    return F.lit(None).cast(f"struct<{fields}>")


def _records(loud: DataFrame, dataset: Dataset) -> DataFrame:
    values = _struct(dataset)
    if dataset.operation is not None:
        values = F.when(~F.col(c.IS_DELETE), values).otherwise(_nothing(dataset))
    return loud.select(
        *key_of(dataset),
        F.col(c.SEQUENCE).alias(AT),
        values.alias(VALUES),
        c.RECORD,
        c.BATCH,
        F.lit(RECORD).alias(ORIGIN),
    )


def _versions(history: DataFrame, dataset: Dataset) -> DataFrame:
    return history.select(
        *key_of(dataset),
        F.col(c.VALID_FROM).alias(AT),
        _struct(dataset).alias(VALUES),
        c.RECORD,
        c.BATCH,
        F.lit(SERVED).alias(ORIGIN),
        F.col(c.VALID_TO).alias(_WAS_TO),
    )


def _ends(history: DataFrame, dataset: Dataset) -> DataFrame:
    """Where a key ceased to be valid: a version ended and no other began."""
    in_order = Window.partitionBy(*dataset.key).orderBy(c.VALID_FROM)
    following = F.lead(c.VALID_FROM).over(in_order)
    ends = history.withColumn("_following", following).where(
        F.col(c.VALID_TO).isNotNull() & ~F.col("_following").eqNullSafe(F.col(c.VALID_TO))
    )
    return ends.select(
        *key_of(dataset),
        F.col(c.VALID_TO).alias(AT),
        _nothing(dataset).alias(VALUES),
        F.lit(None).cast("string").alias(c.RECORD),
        F.lit(None).cast("string").alias(c.BATCH),
        F.lit(ENDED).alias(ORIGIN),
    )


def _marked(marks: DataFrame, dataset: Dataset) -> DataFrame:
    return marks.select(
        *key_of(dataset),
        F.col(c.SEQUENCE).alias(AT),
        _nothing(dataset).alias(VALUES),
        c.RECORD,
        c.BATCH,
        F.when(F.col(c.MARK) == c.MARK_DELETED, DELETED).otherwise(AGAIN).alias(ORIGIN),
    )


def _restored(fresh: DataFrame, snapshots: Sequence[datetime], dataset: Dataset) -> DataFrame:
    """The next snapshot after an older one: from there on, what is served stays as it is."""
    times = F.array(*[F.lit(moment) for moment in sorted(snapshots)])
    following = F.array_min(F.filter(times, lambda moment: moment > F.col(AT)))
    events = fresh.withColumn(AT, following).where(F.col(AT).isNotNull())
    return events.select(
        *key_of(dataset),
        AT,
        _nothing(dataset).alias(VALUES),
        F.lit(None).cast("string").alias(c.RECORD),
        c.BATCH,
        F.lit(RESTORED).alias(ORIGIN),
    )


def _filled(events: DataFrame, dataset: Dataset) -> DataFrame:
    """Give what confirms or restores the values that the key was served with at that moment."""
    so_far = _line(dataset).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    state = F.when(F.col(ORIGIN).isin(SERVED, ENDED), F.struct(VALUES))
    repeats = F.col(ORIGIN).isin(AGAIN, RESTORED)
    served = F.last(state, ignorenulls=True).over(so_far)[VALUES]
    return events.withColumn(VALUES, F.when(repeats, served).otherwise(F.col(VALUES)))


def _heard(events: DataFrame, dataset: Dataset) -> DataFrame:
    """At one moment, one event of a key is heard: what was known, unless it is read anew."""
    moment = Window.partitionBy(*dataset.key, AT)
    first = F.first(F.struct(ORIGIN, VALUES, c.RECORD)).over(moment.orderBy(ORIGIN, c.RECORD))
    found = events.withColumn("_first", first)
    is_new = F.col(ORIGIN).isin(RECORD, GONE)
    is_known = F.col(f"_first.{ORIGIN}") < RECORD
    same = F.col(VALUES).eqNullSafe(F.col(f"_first.{VALUES}"))
    same_record = F.coalesce(F.col(c.RECORD) == F.col(f"_first.{c.RECORD}"), F.lit(False))
    renewed = is_new & is_known & same_record & ~same
    found = found.select(
        "*",
        (is_new & is_known & same).alias("_is_known"),
        renewed.alias("_is_renewed"),
        (is_new & is_known & ~same & ~same_record).alias("_is_contested"),
        F.max(renewed).over(moment).alias("_any_renewed"),
        F.row_number().over(moment.orderBy(ORIGIN, c.RECORD)).alias("_place"),
    )
    is_first = (F.col("_place") == 1) & ~F.col("_any_renewed")
    # A confirmation of nothing is left by a batch that broke off before its merge.
    says = (F.col(ORIGIN) != AGAIN) | F.col(VALUES).isNotNull()
    return found.withColumn("_is_heard", (is_first | F.col("_is_renewed")) & says)


def _chained(events: DataFrame, dataset: Dataset) -> DataFrame:
    """Values that follow the same values make no version; a version ends where the next begins."""
    line = _line(dataset)
    before = line.rowsBetween(Window.unboundedPreceding, -1)
    after = line.rowsBetween(1, Window.unboundedFollowing)
    whole = Window.partitionBy(*dataset.key)
    heard = F.col("_is_heard")
    former = F.last(F.when(heard, F.struct(VALUES)), ignorenulls=True).over(before)
    known = F.when(~F.col(ORIGIN).isin(RECORD, GONE), F.col(AT))
    found = events.select(
        "*",
        former[VALUES].alias("_former"),
        F.max(known).over(whole).alias("_last_known"),
    )
    again = heard & F.col(VALUES).eqNullSafe(F.col("_former"))
    found = found.withColumn(IS_AGAIN, again)
    begins = F.when(heard & ~F.col(IS_AGAIN), F.col(AT))
    return (
        found.withColumn(c.VALID_TO, F.first(begins, ignorenulls=True).over(after))
        .withColumn("_is_version", heard & ~F.col(IS_AGAIN) & F.col(VALUES).isNotNull())
        .withColumn("_is_row", F.max("_is_version").over(Window.partitionBy(*dataset.key, AT)))
        .withColumn(
            "_was_row", F.max(F.col(ORIGIN) == SERVED).over(Window.partitionBy(*dataset.key, AT))
        )
    )


def _judged(line: DataFrame) -> DataFrame:
    """What became of each record, and what is to be done with each row of the table."""
    ends = F.col(VALUES).isNull()
    is_late = F.col(AT) < F.col("_last_known")
    unchanged = F.col("_is_known") | F.col(IS_AGAIN)
    action = (
        F.when(F.col("_is_contested"), c.ACTION_CONFLICT)
        .when(unchanged, c.ACTION_UNCHANGED)
        .when(is_late & ~F.col("_is_renewed"), c.ACTION_LATE)
        .when(ends, c.ACTION_REVOKE)
        .when(F.col("_former").isNull() & ~F.col("_is_renewed"), c.ACTION_INSERT)
        .otherwise(c.ACTION_UPDATE)
    )
    vanished = F.when(~unchanged & ~is_late & ~F.col("_is_contested"), c.ACTION_DELETE)
    is_served = F.col(ORIGIN) == SERVED
    moved = is_served & ~F.col(c.VALID_TO).eqNullSafe(F.col(_WAS_TO))
    edit = (
        F.when(F.col("_is_version") & ~F.col("_was_row"), c.EDIT_INSERT)
        .when(F.col("_is_version") & (moved | ~is_served), c.EDIT_UPDATE)
        .when(is_served & ~F.col("_is_row"), c.EDIT_DELETE)
    )
    return line.select(
        "*",
        F.when(F.col(ORIGIN) == RECORD, action)
        .when(F.col(ORIGIN) == GONE, vanished)
        .alias(c.ACTION),
        edit.alias(c.EDIT),
    )


def _line(dataset: Dataset) -> WindowSpec:
    return Window.partitionBy(*dataset.key).orderBy(AT, ORIGIN)
