"""From judged rows to decided ones: what each row means to the table that is served."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import History, Load, Occurrence
from civiclake.engine.session import INTERPRETED_ROWS, PSEUDONYM
from civiclake.errors import BatchHeld
from civiclake.io.lake import marks
from civiclake.pipeline.night import occurrences
from civiclake.pipeline.night.batch import Batch
from civiclake.pipeline.night.judge import Judged
from civiclake.pipeline.night.occurrences import States
from civiclake.steps import history
from civiclake.steps.alike import with_names
from civiclake.steps.merge import (
    Near,
    classify,
    comparable,
    edits,
    find_places,
    gone,
    last_deleted,
    late_before,
    resolve,
    with_edit,
    with_places,
)
from civiclake.steps.occurrence import let_be
from civiclake.steps.protect import protect
from civiclake.steps.timeline import gone_at, timeline

log = logging.getLogger(__name__)

_BROADCAST_ROWS = 2_000_000
"""A batch of more rows is joined with the served table by a shuffle of both."""
_BEFORE = "reported:"
"""Of a count: only of rows whose business day was reported by an earlier delivery."""


@dataclass
class Changes:
    """What the good rows of a batch mean to the served table."""

    frame: DataFrame
    """Every record with its action; rows that a snapshot lacks, too."""
    edits: DataFrame
    """The rows of the table to insert, update and delete, and where they stand."""
    counts: dict[str, int]
    """Rows of ``frame`` by action."""
    edited: dict[str, int]
    """Rows of ``edits`` by what is to be done."""
    reported: dict[str, int] = field(default_factory=dict)
    """Rows by action whose business day was reported before."""
    remember: list[tuple[DataFrame, str]] = field(default_factory=list)
    """Marks to be kept, by kind."""
    warnings: dict[str, int] = field(default_factory=dict)
    """What is to be said of rows that break no rule."""

    def rows(self, action: str) -> int:
        """Rows with that action."""
        return self.counts.get(action, 0)


def classify_rows(batch: Batch, judged: Judged) -> Changes:
    """Protect the good rows and compare them with the served table.

    Args:
        batch: the batch under way.
        judged: its judged rows.

    Raises:
        BatchHeld: a snapshot would delete more of the table than its contract allows.
    """
    good = judged.frame.where(F.col(c.FATE) == c.FATE_GOOD)
    masked = protect(with_names(good, judged.alike), batch.dataset, _pseudonymize)
    served = batch.rows
    delivered = _delivered_keys(judged.rows, batch)
    if batch.dataset.history is History.HISTORY:
        changes = _with_history(batch, masked, served, delivered)
    else:
        changes = _by_key(batch, masked, served, delivered, judged)
    if batch.dataset.occurrence is None:
        _refuse_mass_deletion(batch, changes, served)
    elif changes.rows(c.ACTION_DELETE) and not batch.is_replay:
        occurrences.refuse_loss(batch, changes.frame, _of_night(served, batch))
    return changes


def _by_key(
    batch: Batch, masked: DataFrame, served: DataFrame, delivered: DataFrame, judged: Judged
) -> Changes:
    """One row for each key (and night): latest, append and snapshot."""
    dataset, good = batch.dataset, judged.fates[c.FATE_GOOD]
    mine, there = comparable(masked, dataset), with_places(_of_night(served, batch))
    state = None
    if dataset.occurrence is not None:
        state = occurrences.states(batch, mine, there, _near(good))
        mine = state.rows
    any_is_stale = state is not None and state.any_is_stale
    if not any_is_stale and _all_are_new(batch, good, served):
        frame = mine.withColumn(c.ACTION, F.lit(c.ACTION_INSERT))
        counts = {c.ACTION_INSERT: good}
        return Changes(frame, edits(with_edit(frame)), counts, _edited(counts))
    classified = classify(mine, there, dataset, _deleted(batch), _near(good))
    if batch.stale_before is not None:
        classified = late_before(classified, batch.snapshots, dataset)
    elif batch.taken_at is not None and state is None:
        going = gone(there, delivered, dataset)
        classified = classified.unionByName(going, allowMissingColumns=True)
    if state is not None and (batch.is_replay or batch.stale_before is None):
        classified = _in_state(batch, classified, state, there, judged)
    return _counted(batch, classified)


def _deleted(batch: Batch) -> DataFrame | None:
    """What a change log deleted so far; None where there is no log."""
    if batch.dataset.load is not Load.CHANGES:
        return None
    return last_deleted(marks.read(batch.spark, batch.settings, batch.dataset), batch.dataset)


def _counted(batch: Batch, classified: DataFrame) -> Changes:
    """Keep what was decided, and count it."""
    dataset = batch.dataset
    staged = with_edit(classified)
    frame, found = batch.save_counted(staged, "classified", _counting(batch))
    warnings: dict[str, int] = {}
    if found[c.ACTION_CONFLICT] and (dataset.is_ordered_log or dataset.is_ordered_by_name):
        frame, found, warnings = _resolved(batch, frame, found)
    counts, reported = _by_action(found)
    changes = Changes(frame, edits(frame), counts, _edited(counts), reported, warnings=warnings)
    if dataset.load is Load.CHANGES:
        told = F.col(c.IS_DELETE) & (F.col(c.ACTION) != c.ACTION_CONFLICT)
        names = [*dataset.key, c.SEQUENCE, c.BATCH, c.RECORD]
        changes.remember.append((frame.where(told).select(*names), c.MARK_DELETED))
    return changes


def _in_state(
    batch: Batch, classified: DataFrame, state: States, there: DataFrame, judged: Judged
) -> DataFrame:
    """Of a line list: what an older version of a file brings changes nothing, and what the state
    lacks goes."""
    broken = None
    if judged.fates[c.FATE_BROKEN]:
        broken = _delivered_keys(judged.rows.where(~F.col(c.IS_SOUND)), batch, c.RECORD)
    going = occurrences.vanished(batch, state, there, broken)
    if batch.dataset.occurrence is Occurrence.EQUALS:
        classified = let_be(classified)
    return classified if going is None else classified.unionByName(going, allowMissingColumns=True)


def _resolved(
    batch: Batch, frame: DataFrame, found: dict[str, int]
) -> tuple[DataFrame, dict[str, int], dict[str, int]]:
    """Decide conflicts by the order of what was delivered, which tells later from earlier."""
    ranks = occurrences.ranks(batch)
    if ranks is None:
        return frame, found, {}
    decided = with_edit(resolve(frame, ranks))
    frame, now = batch.save_counted(decided, "resolved", _counting(batch))
    by_name = found[c.ACTION_CONFLICT] - now[c.ACTION_CONFLICT]
    if not by_name or batch.dataset.is_ordered_log:
        return frame, now, {}
    log.warning(
        "%s: %d rows contradict a file of the same time; that with the later name is served",
        batch.where, by_name,
    )  # fmt: skip
    return frame, now, {occurrences.ONE_TIME: by_name}


def _all_are_new(batch: Batch, good: int, served: DataFrame) -> bool:
    """Whether a large batch finds the table empty: then it is written from where it is staged."""
    if good <= INTERPRETED_ROWS or batch.dataset.load is Load.CHANGES:
        return False
    knows_days = batch.dataset.event_time is not None and batch.reported_until is not None
    return not knows_days and served.isEmpty()


def _near(rows: int) -> Near:
    """Broadcast so many rows, or let Spark shuffle them."""
    return F.broadcast if rows <= _BROADCAST_ROWS else lambda frame: frame


def _of_night(served: DataFrame, batch: Batch) -> DataFrame:
    """Of a table of snapshots, the night that the batch brings; Delta reads no other."""
    if batch.dataset.history is not History.SNAPSHOT or batch.night is None:
        return served
    return served.where(F.col(c.SNAPSHOT_DATE) == F.lit(batch.night))


def _edited(counts: dict[str, int]) -> dict[str, int]:
    deletes = counts.get(c.ACTION_DELETE, 0) + counts.get(c.ACTION_REVOKE, 0)
    updates = counts.get(c.ACTION_UPDATE, 0) + counts.get(c.ACTION_CONFIRM, 0)
    return {
        c.EDIT_INSERT: counts.get(c.ACTION_INSERT, 0),
        c.EDIT_UPDATE: updates,
        c.EDIT_DELETE: deletes,
    }


def _with_history(
    batch: Batch, masked: DataFrame, served: DataFrame, delivered: DataFrame
) -> Changes:
    """Every version of a key; only the keys that change are put on their time line."""
    dataset = batch.dataset
    newer = batch.snapshots if batch.stale_before is not None else ()
    compared = batch.save(history.compare(masked, served, newer, dataset), "compared")
    going = None
    if batch.taken_at is not None:
        going = gone_at(served, delivered, batch.taken_at, batch.batch_id, dataset)
    by_delivery = dataset.load is Load.FILES and dataset.sequence is None
    keeps = by_delivery or dataset.load is Load.CHANGES
    known = marks.read(batch.spark, batch.settings, dataset) if keeps else None
    loud = compared.where(~F.col(history.QUIET))
    line = timeline(loud, going, served, known, newer, dataset)
    line = batch.save(line, "timeline")
    frame = history.outcomes(compared, line, dataset)
    counted = frame.agg(*_counting(batch)).collect()[0].asDict()
    counts, reported = _by_action(counted)
    rows = line.where(F.col(c.EDIT).isNotNull()).groupBy(c.EDIT).count().collect()
    edited = {row[c.EDIT]: int(row["count"]) for row in rows}
    writing = history.edits(line, dataset)
    touched = sum(edited.values()) - edited.get(c.EDIT_INSERT, 0)
    if touched:  # looked up once: what is written is read twice
        placed = find_places(writing, with_places(served), dataset, _near(touched))
        writing = batch.save(placed, "placed")
    changes = Changes(frame, writing, counts, edited, reported)
    if by_delivery:
        found = history.confirmations(compared, line, dataset)
        changes.remember.append((found, c.MARK_AGAIN))
    if dataset.load is Load.CHANGES:
        changes.remember.append((history.deletions(line, dataset), c.MARK_DELETED))
    return changes


def _counting(batch: Batch) -> list[Column]:
    """Rows by action, and those of them whose business day an earlier delivery has reported."""
    event_time, day = batch.dataset.event_time, batch.reported_until
    before = F.lit(False)
    if event_time is not None and day is not None:
        before = F.coalesce(F.col(event_time).cast("date") < F.lit(day), F.lit(False))
    made: list[Column] = []
    for action in c.ACTIONS:
        is_it = F.col(c.ACTION) == action
        made += [F.count_if(is_it).alias(action)]
        made += [F.count_if(is_it & before).alias(f"{_BEFORE}{action}")]
    return made


def _by_action(found: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Take the values of :func:`_counting` apart."""
    counts = {action: found[action] for action in c.ACTIONS}
    reported = {action: found[f"{_BEFORE}{action}"] for action in c.ACTIONS}
    return counts, reported


def _pseudonymize(value: Column, domain: str) -> Column:
    return F.call_function(PSEUDONYM, value, F.lit(domain))


def _delivered_keys(frame: DataFrame, batch: Batch, *beside: str) -> DataFrame:
    """Keys as the unified table holds them, of all rows that the snapshot delivered."""
    keys = [batch.dataset.column(name) for name in batch.dataset.key]
    shown = [
        _pseudonymize(F.col(k.name).cast("string"), k.pseudonym_domain or k.name).alias(k.name)
        if k.protection
        else F.col(k.name)
        for k in keys
    ]
    return frame.select(*shown, *beside)


def _refuse_mass_deletion(batch: Batch, changes: Changes, served: DataFrame) -> None:
    going = changes.rows(c.ACTION_DELETE)
    allowed = batch.dataset.limits.max_deleted_fraction
    if not going:
        return
    total = history.served_now(_of_night(served, batch)).count()
    if going > allowed * total:
        raise BatchHeld(
            f"{batch.where} is held: the snapshot would delete {going} of {total} served rows"
            f" ({going / total:.0%}, allowed are {allowed:.0%}); ask {batch.dataset.owner.name}"
            f" ({batch.dataset.owner.contact}) whether the delivery is whole"
        )
