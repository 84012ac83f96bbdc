"""``civiclake maintain``: small files become big ones, and what no version needs goes.

Whether there is anything to do is read from each table's own log, before its lock is asked
for. A table that the night writes is left alone, and one that the night comes to want is let
go at once: what was committed stays, the rest is done in another run.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from civiclake.contracts.inputs import PLANS
from civiclake.contracts.model import Manifest
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.engine.said import first_line
from civiclake.engine.session import connect, suit
from civiclake.errors import CivicLakeError, LockHeld, UserError
from civiclake.io.lake import delta_log, links, tables
from civiclake.io.lake.delta_log import Newest
from civiclake.io.lake.lock import TableLock
from civiclake.io.ops import alerts, backfills, deliveries, ledger, maintenance
from civiclake.io.ops.maintenance import Known, Upkeep
from civiclake.pipeline.upkeep.files import Task, compact, compact_what, keep, vacuum, vacuum_due
from civiclake.pipeline.writing import writing
from civiclake.settings import Settings

log = logging.getLogger(__name__)
_OPS_TABLES = (
    ledger.BATCHES,
    ledger.OUTCOMES,
    deliveries.TABLE,
    backfills.TABLE,
    maintenance.TABLE,
)
_LOOKS_S = 0.2
"""How often a holder looks whether its lock is wanted."""


class Place(NamedTuple):
    """A table, and the lock of its writers."""

    layer: str
    table: str
    lock: str

    @property
    def name(self) -> str:
        """With its layer."""
        return f"{self.layer}.{self.table}"


class _GaveWay(Exception):
    """The work was stopped; the table is as its last commit left it."""


def places(city: Manifest) -> dict[str, list[Place]]:
    """Everything that can be maintained: what it is called, and its tables."""
    found: dict[str, list[Place]] = {}
    for dataset in city.datasets:
        layers = (tables.UNIFIED, tables.RAW, tables.QUARANTINE, tables.MARKS)
        found[dataset.id] = [Place(layer, dataset.table, dataset.table) for layer in layers]
    for mart in city.marts:
        found[f"marts.{mart.name}"] = [Place(tables.MARTS, mart.name, f"mart_{mart.name}")]
    found[f"marts.{PLANS}"] = [Place(tables.MARTS, PLANS, f"mart_{PLANS}")]
    own = alerts.TABLE
    found[f"marts.{own.name}"] = [Place(own.layer, own.name, f"mart_{own.name}")]
    for link in city.links:
        lock = f"link_{link.name}"
        served = [Place(tables.UNIFIED, name, lock) for name in (link.name, f"{link.name}_link")]
        found[f"link.{link.name}"] = [*served, Place(links.LINK, link.name, lock)]
    # Everybody appends to these without a lock, which no compaction can disturb.
    found[tables.OPS] = [Place(tables.OPS, t.name, "ops_maintenance") for t in _OPS_TABLES]
    return found


def maintain(
    settings: Settings,
    city: Manifest,
    name: str | None = None,
    *,
    dry_run: bool = False,
    say: Callable[[Upkeep], None] = lambda row: None,
) -> list[Upkeep]:
    """Look at tables, and tidy the files of those where it is worth it.

    Args:
        settings: of this installation.
        city: the compiled contracts.
        name: a dataset, ``marts.<name>``, ``link.<subject>`` or ``ops``; None: all.
        dry_run: only say what there is to do.
        say: told of each table as soon as it is done.

    Returns:
        What was done to each table.

    Raises:
        UserError: there is nothing of that name.
    """
    chosen = _chosen(places(city), name)
    rows = []
    spark = connect(settings)
    try:
        suit(spark, 0)
        before = maintenance.known(spark, settings)
        for place in chosen:
            if tables.exists(spark, settings, place.layer, place.table):
                rows.append(_look(spark, settings, place, before.get(place.name), dry_run=dry_run))
                say(rows[-1])
        if not dry_run:
            maintenance.record(spark, settings, rows)
    finally:
        spark.stop()
    return rows


def _chosen(known: Mapping[str, list[Place]], name: str | None) -> list[Place]:
    if name is not None and name not in known:
        hint = did_you_mean(name, known)
        raise UserError(f"there is no {name!r}; allowed are {choice(known)}{hint}")
    return [place for key in known if name in (None, key) for place in known[key]]


def _look(
    spark: SparkSession, settings: Settings, place: Place, known: Known | None, *, dry_run: bool
) -> Upkeep:
    """Decide for one table, and do it; whatever goes wrong is told and stops no other table."""
    began = time.perf_counter()
    row = Upkeep(table=place.name)
    try:
        newest = delta_log.newest(spark, settings, place.layer, place.table)
        row.version = newest.version
        is_due = vacuum_due(settings, known, newest)
        if known and known.version == newest.version and not is_due:
            return row
        task = _task(spark, settings, place, known, newest, row)
        if dry_run or not (task.compacts or task.vacuums):
            row.done = maintenance.SEEN
        else:
            _tidy(settings, place, task, row)
    except LockHeld as error:
        row.done, row.why = maintenance.BUSY, str(error)
    except _GaveWay as error:
        row.done, row.why = maintenance.GAVE_WAY, str(error)
    except (CivicLakeError, PySparkException, ValueError) as error:
        row.done, row.why = maintenance.FAILED, first_line(error)
    row.seconds = round(time.perf_counter() - began, 2)
    return row


def _task(
    spark: SparkSession,
    settings: Settings,
    place: Place,
    known: Known | None,
    newest: Newest,
    row: Upkeep,
) -> Task:
    """What there is to do, by the table's log."""
    location = tables.location(settings, place.layer, place.table)
    small = settings.maintenance.small_mb << 20
    files = delta_log.partitions(spark, location, newest.version, small)
    row.files_before = row.files_after = sum(p.files for p in files)
    row.bytes_before = row.bytes_after = sum(p.size for p in files)
    # Before a table was made nothing can have left it.
    clean = known.clean_until if known else _made_at(spark, settings, place)
    row.clean_until = clean.isoformat()
    is_due = vacuum_due(settings, Known(newest.version, clean), newest)
    task = Task(
        table=tables.by_path(settings, place.layer, place.table),
        compacts=compact_what(settings, files),
        is_whole=all(not p.values for p in files),
        vacuums=is_due,
    )
    row.why = task.words
    return task


def _made_at(spark: SparkSession, settings: Settings, place: Place) -> datetime:
    table = tables.by_path(settings, place.layer, place.table)
    told = spark.sql(f"DESCRIBE DETAIL {table}").selectExpr("unix_millis(createdAt)")
    return datetime.fromtimestamp(told.collect()[0][0] / 1000, UTC)


def _tidy(settings: Settings, place: Place, task: Task, row: Upkeep) -> None:
    """Do it under the table's lock."""
    limit = settings.maintenance.max_seconds
    with writing(settings, place.lock, "maintenance", gives_way=True) as (spark, lock):
        done = []
        keep(spark, settings, task.table)
        if task.compacts:
            with _giving_way(spark, lock, limit):
                compact(spark, settings, task, row)
            done.append(maintenance.COMPACTED)
        if task.vacuums:
            with _giving_way(spark, lock, limit):
                vacuum(spark, settings, task, row)
            done.append(maintenance.VACUUMED)
        row.done = " and ".join(done)
        row.version = delta_log.newest(spark, settings, place.layer, place.table).version


@contextmanager
def _giving_way(spark: SparkSession, lock: TableLock, limit_s: float) -> Iterator[None]:
    """Stop the Spark work of this block when somebody else wants the lock, or it takes too long."""
    over = threading.Event()
    why: list[str] = []
    ends_at = time.monotonic() + limit_s

    def watch() -> None:
        while not over.wait(_LOOKS_S):
            if lock.is_wanted():
                why[:] = ["another writer wanted the table"]
            elif time.monotonic() > ends_at:
                why[:] = [f"it took more than {limit_s:g} s"]
            if why:  # again and again: between two jobs there is nothing to interrupt
                spark.interruptAll()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except PySparkException:
        if why:
            raise _GaveWay(f"{why[0]}; the rest is for the next run") from None
        raise
    finally:
        over.set()
        watcher.join()
    if why and lock.is_wanted():
        raise _GaveWay(f"{why[0]}; the rest is for the next run")
