"""What every part of a load needs to know about the batch it works on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql.types import StructType

from civiclake.contracts.model import Dataset, History
from civiclake.io.lake import tables
from civiclake.io.lake.lock import TableLock
from civiclake.io.landing.former import CameFile, Former, Gathered
from civiclake.io.ops.ledger import Recorder
from civiclake.pipeline.night.served import Served, follow, look, schema
from civiclake.settings import Settings

_SHORT_LIVED = {
    "compression": "lz4_raw",
    "parquet.enable.dictionary": "false",
    "parquet.column.statistics.enabled": "false",
}
"""What is read whole, once or twice, and then removed need be neither small nor searched: a third
of a write's time."""

_SPARK_COLUMNS = b"org.apache.spark.sql.parquet.row.metadata"
"""Where a Parquet file holds its columns in Spark's own words."""


@dataclass
class Batch:
    """A batch under way."""

    spark: SparkSession
    settings: Settings
    dataset: Dataset
    batch_id: str
    attempt: int
    is_replay: bool = False
    is_small: bool = False
    """Whether another job costs more than what it does (:func:`civiclake.engine.session.suit`)."""
    layer: str = tables.UNIFIED
    """Where the rows go: what is served, or a backfill's table beside it."""
    landed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """By this moment a row lies in the future; for a replay, the moment in which it judges."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Of each landed file, where it came from; empty where that tells no record from another."""
    taken_at: datetime | None = None
    """When the snapshot was taken that the batch brings whole; a replay brings parts of many."""
    snapshots: tuple[datetime, ...] = ()
    """When the other snapshots were taken that are merged."""
    former: Former = field(default_factory=Gathered)
    """The batches that are merged."""
    brought: tuple[CameFile, ...] = ()
    """The files of this one; a replay brings none."""
    reported_until: date | None = None
    """Day of the newest delivery before this one: what happened earlier was reported already."""
    usual_rows: float | None = None
    """Median of the rows of the last batches before this one."""
    needs: int | None = None
    """Bytes that it is thought to write in all, where that is known."""
    warnings: dict[str, int] = field(default_factory=dict)
    """What is to be said of the batch beside its rules, with a number of rows."""
    folded: Mapping[str, int] = field(default_factory=dict)
    """Rows that its source gave twice in one reading: how many, by what they were."""
    recorder: Recorder = field(default_factory=Recorder)

    @property
    def files(self) -> list[CameFile]:
        """All that say in which order files came: of the batches that are merged, and of this."""
        return [*self.former.files(but=self.batch_id), *self.brought]

    @property
    def where(self) -> str:
        """For messages: which batch of what."""
        return f"{self.dataset.id} batch {self.batch_id}"

    @property
    def night(self) -> date | None:
        """The night (UTC) whose full state the batch brings."""
        return self.taken_at.astimezone(UTC).date() if self.taken_at else None

    @property
    def stale_before(self) -> datetime | None:
        """When a snapshot was taken that is served and newer than this batch, or than a part
        of this replay."""
        others = self.snapshots
        if self.taken_at is None:
            return max(others, default=None)
        if self.dataset.history is History.SNAPSHOT:
            others = tuple(t for t in others if t.astimezone(UTC).date() == self.night)
        return max((t for t in others if t > self.taken_at), default=None)

    @cached_property
    def rules_version(self) -> str:
        """Fingerprint of everything that judges a row: columns, code lists and rules."""
        judged_by = self.dataset.model_dump(mode="json", include={"columns", "rules"})
        text = json.dumps(judged_by, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def served(self) -> Served:
        """The dataset's unified table as this batch finds it."""
        return look(self.spark, self.settings, self.dataset, self.layer)

    @cached_property
    def rows(self) -> DataFrame:
        """The rows of the unified table, under the contract as it is now."""
        if self.served.frame is not None:
            return self.served.frame
        # Read from a file, as a table's rows are: what asks where a row stands gets an answer.
        return self.save(self.spark.createDataFrame([], schema(self.dataset)), "served")

    def follow_contract(self, lock: TableLock) -> bool:
        """Make the table, or let it be what the contract says: this batch is to be merged.

        Returns:
            Whether rows stand elsewhere since, so that they are to be compared again.
        """
        found = self.served
        is_moved = follow(self.spark, self.settings, self.dataset, self.layer, found, lock)
        if is_moved:
            del self.served, self.rows
        return is_moved

    def staging(self, name: str) -> str:
        """Path of a Parquet folder of this batch that lives as long as the load."""
        root = tables.location(self.settings, tables.STAGING, self.dataset.table)
        return f"{root}/{self.batch_id}/{name}"

    def save(self, frame: DataFrame, name: str) -> DataFrame:
        """Write a frame once and go on from what was written."""
        path = self.staging(name)
        frame.write.mode("overwrite").options(**_SHORT_LIVED).parquet(path)
        return self.spark.read.schema(_written(path) or frame.schema).parquet(path)

    def save_counted(
        self, frame: DataFrame, name: str, counted: Sequence[Column]
    ) -> tuple[DataFrame, dict[str, int]]:
        """Write a frame once and count its rows.

        A small frame is counted on the way, which saves a job. Spark does that outside of its
        compiled code, and row by row: of a large one the few columns that are counted are read
        again, in a fraction of the time.

        Args:
            frame: what to write.
            name: of the staged copy.
            counted: aggregates, each with a name.

        Returns:
            What was written, and the aggregates by name.
        """
        found: dict[str, int] = {}
        if self.is_small:
            # By its name alone: an Observation lets the engine analyse the whole plan once more.
            watched = frame.observe(name, *counted)
            saved = self.save(watched, name)
            told = watched.executionInfo
            found = dict(told.flows).get(name, {}) if told else {}
        else:
            saved = self.save(frame, name)
        if not found:  # Spark drops the observation of a frame that it finds to be empty
            found = saved.agg(*counted).collect()[0].asDict()
        return saved, {key: int(value) for key, value in found.items()}


def _written(path: str) -> StructType | None:
    """The columns of a staged copy as Spark wrote them down in it: to ask Spark is to let it
    analyse the whole plan once more. None where the lake is not on a local disk."""
    part = next(Path(path).glob("part-*.parquet"), None)
    told = part and pq.read_metadata(part).metadata.get(_SPARK_COLUMNS)
    return StructType.fromJson(json.loads(told)) if told else None
