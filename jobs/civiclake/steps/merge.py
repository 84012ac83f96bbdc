"""merge, the part that decides: what each good row means to the table that is served.

The decision is made before anything is written, so that only rows that change something are,
and so that what is written can be held against it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset, History, Load, Occurrence
from civiclake.steps.content import content_hash
from civiclake.steps.fold import fold

GONE_AT, GONE_BY = "_gone_at", "_gone_by"
"""When a change log last deleted a key, and the record that said so."""
AGAINST, IF_LATER = "_against", "_if_later"
"""Of a conflict: the record that it is with, and what is done if ours stands later."""
Near = Callable[[DataFrame], DataFrame]
"""How the smaller side of a join is brought to the larger one."""
_PLACES = (c.SERVED_FILE, c.SERVED_PLACE)
_EDITS = {
    c.ACTION_INSERT: c.EDIT_INSERT,
    c.ACTION_UPDATE: c.EDIT_UPDATE,
    c.ACTION_CONFIRM: c.EDIT_UPDATE,
    c.ACTION_DELETE: c.EDIT_DELETE,
    c.ACTION_REVOKE: c.EDIT_DELETE,
}


def classify(
    masked: DataFrame,
    served: DataFrame,
    dataset: Dataset,
    deleted: DataFrame | None = None,
    near: Near = F.broadcast,
) -> DataFrame:
    """Compare good rows with the served table by the hash of their values.

    Of the served table only a few narrow columns are read, once, and only the rows that the
    batch meets go on: the batch's keys travel to the table, not the table to the batch.

    Args:
        masked: rows of :func:`comparable`, read twice.
        served: the unified table as it stands; with places, they go on.
        dataset: the compiled contract; its history is not ``history``.
        deleted: for a change log, what it deleted so far; see :func:`last_deleted`.
        near: how to join with a frame of as many rows as ``masked``: by default, broadcast it.

    Returns:
        ``masked`` with ``_action``: insert, update, confirm, revoke, unchanged, late or conflict;
        and the place of the served row where there is one. Where the place in a log or a file's
        name can decide a conflict, ``_against`` and ``_if_later``.
    """
    key, places = c.merge_key(dataset), [n for n in _PLACES if n in served.columns]
    names = dict.fromkeys([*key, c.SEQUENCE, c.BATCH, c.RECORD, c.CONTENT, *places])
    narrow = served.select(*names)
    joined = _beside(masked, narrow, masked, key, near)
    same = F.col(f"s.{c.CONTENT}") == F.col(f"t.{c.CONTENT}")
    if deleted is not None:
        joined = joined.join(deleted.alias("g"), _same(dataset.key, "g"), "left")
        action = _log_action(same)
    elif dataset.history is History.APPEND:
        action = _append_action(same)
    elif dataset.occurrence is Occurrence.EQUALS:
        action = _state_action(same)
    else:
        confirms = dataset.load is Load.FILES and dataset.sequence is None
        action = _latest_action(same, confirms=confirms)
    decides = _decides(same, dataset)
    return joined.select(
        "s.*", action.alias(c.ACTION), *decides, *[F.col(f"t.{n}") for n in places]
    )


def _decides(same: Column, dataset: Dataset) -> list[Column]:
    """Who a row contests the key with, and what it does if it stands later than that one."""
    if not (dataset.is_ordered_log or dataset.is_ordered_by_name):
        return []
    ours, served = F.col(f"s.{c.SEQUENCE}"), F.col(f"t.{c.SEQUENCE}")
    against, later = F.col(f"t.{c.RECORD}"), F.lit(c.ACTION_UPDATE)
    if dataset.is_ordered_log:
        against = F.when(ours == served, against).otherwise(F.col(f"g.{GONE_BY}"))
        later = (
            F.when(F.col(f"s.{c.IS_DELETE}"), c.ACTION_REVOKE)
            .when(F.col(f"t.{c.BATCH}").isNull(), c.ACTION_INSERT)
            .when(ours < served, c.ACTION_LATE)
            .when(same & (ours == served), c.ACTION_UNCHANGED)
            .otherwise(c.ACTION_UPDATE)
        )
    return [against.alias(AGAINST), later.alias(IF_LATER)]


def resolve(classified: DataFrame, ranks: DataFrame) -> DataFrame:
    """Let the later of two rows win that contest a key, where their order is known.

    Args:
        classified: rows of :func:`classify`.
        ranks: ``_of`` (what the ids of a file's records begin with) and ``_rank`` of the file.

    Returns:
        The rows with their actions; a conflict stays one where a file's place is not known.
    """
    found = classified
    for record, rank in ((c.RECORD, "_our_rank"), (AGAINST, "_other_rank")):
        known = F.broadcast(
            ranks.select(F.col("_of").alias("_file_of"), F.col("_rank").alias(rank))
        )
        of = F.substring_index(F.col(record), "/", 2) == F.col("_file_of")
        found = found.join(known, of, "left").drop("_file_of")
    mine = F.struct("_our_rank", _row_of(c.RECORD))
    other = F.struct("_other_rank", _row_of(AGAINST))
    decided = (
        F.when(F.col("_our_rank").isNull() | F.col("_other_rank").isNull(), F.col(c.ACTION))
        .when(mine >= other, F.col(IF_LATER))
        .otherwise(c.ACTION_LATE)
    )
    action = F.when(F.col(c.ACTION) == c.ACTION_CONFLICT, decided).otherwise(F.col(c.ACTION))
    return found.withColumn(c.ACTION, action).drop("_our_rank", "_other_rank")


def _row_of(record: str) -> Column:
    return F.substring_index(F.col(record), "/", -1).cast("bigint")


def comparable(masked: DataFrame, dataset: Dataset) -> DataFrame:
    """Rows after ``protect``, one per key, with all that the unified table adds to them."""
    if dataset.history is History.SNAPSHOT:
        masked = masked.withColumn(c.SNAPSHOT_DATE, F.col(c.SEQUENCE).cast("date"))
    return masked.withColumn(c.CONTENT, F.expr(content_hash(dataset)))


def with_places(served: DataFrame) -> DataFrame:
    """A Delta table's rows with the file that each stands in, and where in it."""
    file, place = F.col("_metadata.file_path"), F.col("_metadata.row_index")
    return served.select("*", file.alias(c.SERVED_FILE), place.alias(c.SERVED_PLACE))


def last_deleted(marks: DataFrame, dataset: Dataset) -> DataFrame:
    """Per key the last deletion that a change log told: the key's columns, when, and by what."""
    last = F.max_by(c.RECORD, c.SEQUENCE).alias(GONE_BY)
    return marks.groupBy(*dataset.key).agg(F.max(c.SEQUENCE).alias(GONE_AT), last)


def _same(key: Sequence[str], other: str) -> Column:
    return fold(operator.and_, [F.col(f"s.`{k}`") == F.col(f"{other}.`{k}`") for k in key])


def _append_action(same: Column) -> Column:
    """An event is written once: the same again is unchanged, a different one is contested."""
    return (
        F.when(F.col(f"t.{c.BATCH}").isNull(), c.ACTION_INSERT)
        .when(same, c.ACTION_UNCHANGED)
        .when(_same_record(), c.ACTION_UPDATE)
        .otherwise(c.ACTION_CONFLICT)
    )


def _state_action(same: Column) -> Column:
    """A line list's delivery is the state: no order among versions, and nothing to contest."""
    return (
        F.when(F.col(f"t.{c.BATCH}").isNull(), c.ACTION_INSERT)
        .when(same, c.ACTION_UNCHANGED)
        .otherwise(c.ACTION_UPDATE)
    )


def _latest_action(same: Column, *, confirms: bool = False) -> Column:
    """The newest sequence wins.

    Where the sequence is the time of delivery, the same values may come again: that moves the
    served row's sequence on, or a delivery from between the two would take its place.
    """
    ours, served = F.col(f"s.{c.SEQUENCE}"), F.col(f"t.{c.SEQUENCE}")
    return (
        F.when(F.col(f"t.{c.BATCH}").isNull(), c.ACTION_INSERT)
        .when(same & (ours > served) & F.lit(confirms), c.ACTION_CONFIRM)
        .when(same, c.ACTION_UNCHANGED)
        .when(ours < served, c.ACTION_LATE)
        .when(ours > served, c.ACTION_UPDATE)
        .when(_same_record(), c.ACTION_UPDATE)
        .otherwise(c.ACTION_CONFLICT)
    )


def _log_action(same: Column) -> Column:
    """A change log's newest word on a key wins, a deletion too, and it is remembered."""
    ours, served = F.col(f"s.{c.SEQUENCE}"), F.col(f"t.{c.SEQUENCE}")
    gone_at, is_missing = F.col(f"g.{GONE_AT}"), F.col(f"t.{c.BATCH}").isNull()
    ends = F.col(f"s.{c.IS_DELETE}")
    contested = (ours == gone_at) & (F.col(f"s.{c.RECORD}") != F.col(f"g.{GONE_BY}"))
    deletion = (
        F.when(is_missing, c.ACTION_UNCHANGED)
        .when(ours < served, c.ACTION_LATE)
        .when((ours > served) | _same_record(), c.ACTION_REVOKE)
        .otherwise(c.ACTION_CONFLICT)
    )
    return (
        F.when(ends, deletion)
        .when(ours < gone_at, c.ACTION_LATE)
        .when(contested, c.ACTION_CONFLICT)
        .otherwise(_latest_action(same))
    )


def _same_record() -> Column:
    """The very record that is served, read anew under a corrected rule or code list."""
    return F.col(f"s.{c.RECORD}") == F.col(f"t.{c.RECORD}")


def gone(served: DataFrame, delivered_keys: DataFrame, dataset: Dataset) -> DataFrame:
    """Served rows whose key a full snapshot no longer holds.

    Args:
        served: the unified table.
        delivered_keys: keys of every row delivered, set-aside ones too: a record that is
            wrong tonight is not a record that is gone.
        dataset: the compiled contract.

    Returns:
        The served rows to delete, with ``_action`` = ``delete``.
    """
    keys = delivered_keys.select(*dataset.key).distinct()
    left = served.join(keys, list(dataset.key), "left_anti").select(*served.columns)
    return left.withColumn(c.ACTION, F.lit(c.ACTION_DELETE))


def late_before(classified: DataFrame, taken: Sequence[datetime], dataset: Dataset) -> DataFrame:
    """Let rows of a snapshot older than the one that is served change nothing.

    Args:
        classified: rows with ``_action``.
        taken: when snapshots were taken that are served, or newer than what is given here.
        dataset: the compiled contract. Of a table of snapshots, each night is served by
            itself; with a sequence column of its own, all rows given here come from an
            older snapshot.
    """
    ours = F.col(c.SEQUENCE)
    if dataset.history is History.SNAPSHOT:
        moments = F.array(*[F.lit(moment) for moment in taken])
        same_night = F.col(c.SNAPSHOT_DATE)
        is_older = F.exists(moments, lambda m: (m > ours) & (m.cast("date") == same_night))
    else:
        is_older = F.lit(True) if dataset.sequence else ours < F.lit(max(taken))
    action = F.when(is_older, c.ACTION_LATE).otherwise(F.col(c.ACTION))
    return classified.withColumn(c.ACTION, action)


def with_edit(classified: DataFrame) -> DataFrame:
    """Add ``_edit``: what is to be done with a row's place in the table; null for nothing."""
    pairs = [F.lit(word) for pair in _EDITS.items() for word in pair]
    return classified.withColumn(c.EDIT, F.create_map(*pairs)[F.col(c.ACTION)])


def edits(classified: DataFrame) -> DataFrame:
    """The rows that change the table, of rows with ``_edit``."""
    return classified.where(F.col(c.EDIT).isNotNull())


def find_places(
    changes: DataFrame, served: DataFrame, dataset: Dataset, near: Near = F.broadcast
) -> DataFrame:
    """Say where the served rows stand that edits update or delete.

    Args:
        changes: rows with ``_edit`` and the columns of :func:`civiclake.columns.merge_key`.
        served: of :func:`with_places`.
        dataset: the compiled contract.
        near: as in :func:`classify`, for as many rows as are touched.
    """
    key = c.merge_key(dataset)
    touched = changes.where(F.col(c.EDIT) != c.EDIT_INSERT)
    joined = _beside(changes, served.select(*key, *_PLACES), touched, key, near)
    return joined.select("s.*", *[F.col(f"t.{name}") for name in _PLACES])


def _beside(
    mine: DataFrame, served: DataFrame, wanted: DataFrame, key: Sequence[str], near: Near
) -> DataFrame:
    """Each row as ``s``, and as ``t`` the served row of its key, if that key is wanted."""
    met = served.join(near(wanted.select(*key)), list(key), "left_semi")
    return mine.alias("s").join(near(met.alias("t")), _same(key, "t"), "left")
