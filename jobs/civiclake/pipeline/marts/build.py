"""``civiclake mart``: one table that is made from others, by its query or its function."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from civiclake.contracts.inputs import readable
from civiclake.contracts.model import Manifest, Mart
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.contracts.render.ddl import made_ddl
from civiclake.engine.session import suit_bytes
from civiclake.errors import AccountError, UserError
from civiclake.io.lake import tables
from civiclake.io.lake.delta_log import Commit
from civiclake.io.lake.fence import fenced, own_commit
from civiclake.io.lake.lock import TableLock
from civiclake.io.ops import recall
from civiclake.io.ops.account import BatchResult
from civiclake.io.ops.ledger import Entry, Recorder
from civiclake.pipeline.alerts.take import take
from civiclake.pipeline.marts import groups, guard, steps
from civiclake.pipeline.marts.groups import Input, Plan
from civiclake.pipeline.marts.result import hold, shaped, withheld
from civiclake.pipeline.marts.steps import Step
from civiclake.pipeline.marts.suite import take_verdict
from civiclake.pipeline.recorded import recorded
from civiclake.pipeline.watch import deliveries
from civiclake.pipeline.writing import writing
from civiclake.settings import Settings

log = logging.getLogger(__name__)
_VIEW = "_mart"
_OUTSIDE = "DELTA_REPLACE_WHERE_MISMATCH"


class _Work(NamedTuple):
    """One build of one mart."""

    spark: SparkSession
    settings: Settings
    lock: TableLock
    mart: Mart
    entry: Entry
    city: Manifest

    @property
    def table(self) -> str:
        """The mart's identifier."""
        return tables.by_path(self.settings, tables.MARTS, self.mart.name)


def build(
    settings: Settings, city: Manifest, name: str, batch_id: str, *, full: bool = False
) -> BatchResult:
    """Bring a mart to what its step gives now, in one Delta commit, and then its alerts.

    Only the groups that its inputs have changed since are computed and replaced, where the
    mart's contract names groups and the inputs can tell their changes; else the whole. Where
    nothing has changed, nothing is written.

    Args:
        settings: of this installation.
        city: the compiled contracts.
        name: the mart, such as ``visits_by_weather``.
        batch_id: the night that it is built for.
        full: build it whole.

    Returns:
        Its account: every row that the step gave is written; its message says what was built.

    Raises:
        ContractError: its query reads what it may not, or its rows break its contract.
        UserError: there is no such mart, an input was never made, or its groups are wrong.
        AccountError: the mart does not hold what the step gave; it is as before.
    """
    mart = find(city, name)
    result = BatchResult(dataset=f"marts.{name}", batch_id=batch_id, attempt=1, status="failed")
    recorder = Recorder()
    entry = Entry(result, recorder)
    with writing(settings, f"mart_{name}", batch_id) as (spark, lock):
        work = _Work(spark, settings, lock, mart, entry, city)
        note = deliveries.noting(spark, settings, city, result.dataset)
        with (
            recorded(spark, settings, lock, (tables.MARTS, name), entry, note=note),
            recorder.step("build"),
        ):
            _build(work, full=full)
        # After the commit and its account: an alarm that can't be raised fails the try, and the
        # next one finds the mart made.
        take(spark, settings, lock, city, mart)
    log.info("marts.%s: %d rows (%s)", name, result.read, result.message)
    return result


def find(city: Manifest, name: str) -> Mart:
    """The mart of that name.

    Raises:
        UserError: there is none; it says what there is.
    """
    known = {m.name: m for m in city.marts}
    if name not in known:
        hint = did_you_mean(name, known)
        raise UserError(f"there is no mart {name!r}; allowed are {choice(known)}{hint}")
    return known[name]


def _build(work: _Work, *, full: bool) -> None:
    spark, settings, mart = work.spark, work.settings, work.mart
    result = work.entry.result
    step = steps.read(settings, mart)
    found = groups.inputs(spark, settings, mart)
    for one in found:
        work.entry.recorder.count("reads", one.id, -1)  # whose data is used, in the ledger
    suit_bytes(spark, sum(one.size_bytes for one in found))
    made = Plan(whole="it was asked for")
    if not full:
        made = groups.plan(spark, settings, mart, step.digest, found)
    if made.whole is None and not made.groups:
        result.message = "nothing has changed"
        return
    if mart.is_query:
        guard.judge_text(work.city, mart, step.text)
    said = {**recall.said(work.entry), **groups.mark(found, step.digest)}
    with _held(work, _frame(work, step, found, made), made) as frame:
        _write(work, frame, made, said)


@contextmanager
def _held(work: _Work, frame: DataFrame, made: Plan) -> Iterator[DataFrame]:
    """Rows that keep to the contract, computed once: they are judged, and then written."""

    def others() -> int:
        if made.whole is not None:
            return 0
        mine = groups.is_one_of(f"`{work.mart.refresh_by}`", made)
        return work.spark.table(work.table).where(f"NOT coalesce({mine}, false)").count()

    kept = withheld(work.mart, frame).persist()
    try:
        held = hold(work.mart, kept, others)
        take_verdict(work.settings, work.mart, kept, work.entry)
        yield kept
        if held.withheld:
            work.entry.result.message += (
                f"; {held.withheld} of {held.rows} rows are of fewer than"
                f" {work.mart.smallest_group} persons and withheld"
            )
    finally:
        kept.unpersist()


def _write(work: _Work, frame: DataFrame, made: Plan, said: Mapping[str, Any]) -> None:
    result, recorder, mart = work.entry.result, work.entry.recorder, work.mart
    if made.whole is None:
        result.read, result.inserted = _replace_groups(work, frame, made, said)
        result.message = f"{len(made.groups)} groups of {mart.refresh_by} have changed"
        recorder.count("refresh", "groups", len(made.groups))
    else:
        result.read, result.inserted = _replace_all(work, frame, said)
        result.message = f"built whole: {made.whole}"
        recorder.count("refresh", "whole", result.read)


def _frame(work: _Work, step: Step, found: Sequence[Input], made: Plan) -> DataFrame:
    """What the step makes of the inputs, as its contract words it; nothing is computed yet."""
    spark, settings, mart = work.spark, work.settings, work.mart
    frames = groups.frames(spark, settings, mart, found, made)
    if mart.is_query:
        text = groups.bind(step.text, found, frames)
        guard.judge_plan(spark, settings, mart, text, found)
        return shaped(mart, spark.sql(text))
    known = readable(work.city.datasets, work.city.marts, work.city.links)
    frame = steps.apply(mart, frames, known)
    frame.createOrReplaceTempView(_VIEW)
    guard.judge_plan(spark, settings, mart, f"SELECT * FROM {_VIEW}", found)
    return shaped(mart, frame)


def _replace_all(work: _Work, frame: DataFrame, said: Mapping[str, Any]) -> tuple[int, int]:
    """The whole table anew; rows that the query gave, and rows that are there."""
    frame.createOrReplaceTempView(_VIEW)
    days = work.settings.maintenance.keep_days
    with fenced(work.spark, work.lock, said) as signed:
        work.spark.sql(made_ddl(work.mart, work.table, f"SELECT * FROM {_VIEW}", days)).collect()
    commit = _own_commit(work, signed)
    read, there = commit.rows_written, work.spark.table(work.table).count()
    _refuse_unequal(work, commit, read, there, "rows")
    return read, there


def _refuse_unequal(work: _Work, commit: Commit, read: int, there: int, what: str) -> None:
    """Take a commit back by which the mart does not hold what its query gave.

    Raises:
        AccountError: the two differ; the mart is as it was before.
    """
    if read == there:
        return
    before = commit.version - 1
    if before < 0:
        tables.remove(work.settings, tables.MARTS, work.mart.name)
        now = "the table is taken away again"
    else:
        work.lock.renew()
        said = {recall.UNDOES: commit.said["token"]}
        with fenced(work.spark, work.lock, said) as signed:
            work.spark.sql(f"RESTORE TABLE {work.table} TO VERSION AS OF {before}").collect()
        _own_commit(work, signed)
        now = f"the table is back at version {before}"
    raise AccountError(
        f"marts.{work.mart.name}: the query gave {read} {what}, but {there} were there; {now}"
    )


def _replace_groups(
    work: _Work, frame: DataFrame, made: Plan, said: Mapping[str, Any]
) -> tuple[int, int]:
    """These groups alone, in one commit; rows that the query gave, and rows that are there."""
    where = groups.is_one_of(f"`{work.mart.refresh_by}`", made)
    seen = Observation("mart")
    writer = frame.observe(seen, F.count("*").alias("rows")).write.format("delta")
    writer = writer.mode("overwrite").option("replaceWhere", where)
    try:
        with fenced(work.spark, work.lock, said) as signed:
            writer.save(tables.location(work.settings, tables.MARTS, work.mart.name))
    except PySparkException as error:
        if _OUTSIDE not in str(error):
            raise
        raise UserError(
            f"marts/{work.mart.path}: the changed rows of the inputs give rows of other groups"
            f" of {work.mart.refresh_by} as well: put the groups right, or leave refresh_by"
            " out; nothing was written"
        ) from None
    commit = _own_commit(work, signed)
    # Spark drops the observation of a frame that it finds to be empty.
    read = int((seen.get or {}).get("rows", 0))
    there = work.spark.table(work.table).where(where).count()
    work.entry.recorder.count("refresh", "replaced", commit.rows_deleted)
    _refuse_unequal(work, commit, read, there, "rows of the changed groups")
    return read, there


def _own_commit(work: _Work, signed: Mapping[str, Any]) -> Commit:
    return own_commit(work.spark, work.settings, tables.MARTS, work.mart.name, signed)
