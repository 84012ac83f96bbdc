"""A table that is fed from frames: the steps are the real ones, and the MERGE is done by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from histories_city import Night, Row
from pyspark.sql import DataFrame, SparkSession

from civiclake import columns as c
from civiclake.contracts.model import Dataset, History, Load
from civiclake.contracts.render.layers import layer_columns
from civiclake.steps import history
from civiclake.steps.merge import (
    classify,
    comparable,
    edits,
    gone,
    last_deleted,
    late_before,
    with_edit,
)
from civiclake.steps.timeline import gone_at, timeline

Key = tuple[Any, ...]


@dataclass
class Table:
    """One unified table with its marks, held in memory between the nights."""

    spark: SparkSession
    dataset: Dataset
    served: dict[Key, dict[str, Any]] = field(default_factory=dict)
    marks: dict[Key, dict[str, Any]] = field(default_factory=dict)
    taken: list[datetime] = field(default_factory=list)
    count: int = 0

    def feed(self, night: Night) -> dict[str, int]:
        """Take one night in; gives the rows by action."""
        self.count += 1
        others = [t for t in self.taken if t != night.taken_at]
        if night.taken_at is not None:
            self.taken.append(night.taken_at)
        good = sorted((row for row in night.rows if not row.broken), key=lambda row: row.at)
        if self.dataset.history is not History.HISTORY:
            good = list({row.key: row for row in good}.values())  # the others are superseded
        masked = self._frame([self._masked(n, row) for n, row in enumerate(good)], self._kinds())
        keys = self._frame([{"tree_id": row.key} for row in night.rows], [("tree_id", "string")])
        served = self._frame(list(self.served.values()), self._table_kinds())
        if self.dataset.history is History.HISTORY:
            return self._feed_history(night, masked, keys, served, others)
        return self._feed_by_key(night, masked, keys, served, others)

    def _feed_history(
        self, night: Night, masked: DataFrame, keys: DataFrame, served: DataFrame,
        others: list[datetime],
    ) -> dict[str, int]:  # fmt: skip
        dataset, taken = self.dataset, night.taken_at
        newer = others if taken and others and max(others) > taken else []
        compared = history.compare(masked, served, newer, dataset).persist()
        going = gone_at(served, keys, taken, f"n{self.count}", dataset) if taken else None
        known = None if taken else self._frame(list(self.marks.values()), self._mark_kinds())
        loud = compared.where(f"NOT {history.QUIET}")
        line = timeline(loud, going, served, known, newer, dataset).persist()
        if dataset.load is Load.CHANGES:
            self._remember(history.deletions(line, dataset), c.MARK_DELETED)
        elif not taken:
            self._remember(history.confirmations(compared, line, dataset), c.MARK_AGAIN)
        self._merge(history.edits(line, dataset))
        counted = _counts(history.outcomes(compared, line, dataset))
        line.unpersist()
        compared.unpersist()
        return counted

    def _feed_by_key(
        self, night: Night, masked: DataFrame, keys: DataFrame, served: DataFrame,
        others: list[datetime],
    ) -> dict[str, int]:  # fmt: skip
        dataset, taken, deleted = self.dataset, night.taken_at, None
        if dataset.load is Load.CHANGES:
            marks = self._frame(list(self.marks.values()), self._mark_kinds())
            deleted = last_deleted(marks, dataset)
        found = classify(comparable(masked, dataset), served, dataset, deleted)
        if taken is not None:
            nightly = dataset.history is History.SNAPSHOT
            rivals = [t for t in others if not nightly or t.date() == taken.date()]
            if any(t > taken for t in rivals):
                found = late_before(found, others, dataset)
            else:
                tonight = served.where(f"_snapshot_date = DATE'{taken:%F}'") if nightly else served
                found = found.unionByName(gone(tonight, keys, dataset))
        found = found.persist()
        if deleted is not None:
            told = found.where(f"_is_delete AND {c.ACTION} != '{c.ACTION_CONFLICT}'")
            self._remember(told, c.MARK_DELETED)
        self._merge(edits(with_edit(found)))
        counted = _counts(found)
        found.unpersist()
        return counted

    def _merge(self, changes: DataFrame) -> None:
        """What MERGE does with the edits, and it is as strict about what must be there."""
        names = [name for name, _ in self._table_kinds()]
        for row in changes.collect():
            key = tuple(row[name] for name in c.merge_key(self.dataset))
            assert (key in self.served) == (row[c.EDIT] != c.EDIT_INSERT), row
            self.served.pop(key, None)
            if row[c.EDIT] != c.EDIT_DELETE:
                self.served[key] = {name: row[name] for name in names}

    def _remember(self, found: DataFrame, mark: str) -> None:
        for row in found.select(*[n for n, _ in self._mark_kinds() if n != c.MARK]).collect():
            self.marks.setdefault((row["tree_id"], row[c.SEQUENCE]), {**row.asDict(), c.MARK: mark})

    def _masked(self, number: int, row: Row) -> dict[str, Any]:
        return {
            "tree_id": row.key,
            "species": row.value,
            "rings": 7,
            "updated_at": row.at,
            c.SEQUENCE: row.at,
            c.BATCH: f"n{self.count}",
            c.RECORD: f"n{self.count}/0/{number}",
            c.IS_DELETE: row.value is None,
        }

    def _kinds(self) -> list[tuple[str, str]]:
        kinds = [(name, kind) for name, kind, _ in layer_columns(self.dataset, "unified")]
        own = [(c.SEQUENCE, "timestamp"), (c.BATCH, "string"), (c.RECORD, "string")]
        is_log = self.dataset.load is Load.CHANGES
        return [*kinds, *own, *([(c.IS_DELETE, "boolean")] if is_log else [])]

    def _table_kinds(self) -> list[tuple[str, str]]:
        kinds = [(name, kind) for name, kind, _ in layer_columns(self.dataset, "unified")]
        return [*kinds, *c.unified_extra(self.dataset)]

    def _mark_kinds(self) -> list[tuple[str, str]]:
        own = [(c.SEQUENCE, "timestamp"), (c.BATCH, "string"), (c.RECORD, "string")]
        return [("tree_id", "string"), *own, (c.MARK, "string")]

    def _frame(self, rows: list[dict[str, Any]], kinds: list[tuple[str, str]]) -> DataFrame:
        schema = ", ".join(f"`{name}` {kind}" for name, kind in kinds)
        values = [tuple(row[name] for name, _ in kinds) for row in rows]
        # In one partition nothing needs to be shuffled, which is what thirty nights cost.
        return self.spark.createDataFrame(values, schema).coalesce(1)

    def rows(self, *columns: str) -> set[tuple[Any, ...]]:
        """Key, text and these columns of what is served, moments in UTC."""
        found = [tuple(row[n] for n in ("tree_id", "species", *columns)) for row in
                 self.served.values()]  # fmt: skip
        assert len(found) == len(set(found)), "a row stands twice"
        return {tuple(_utc(value) for value in row) for row in found}


def _utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _counts(frame: DataFrame) -> dict[str, int]:
    return {row[c.ACTION]: row["count"] for row in frame.groupBy(c.ACTION).count().collect()}
