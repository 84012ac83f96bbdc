"""The ledger, read from its Delta tables without Spark and kept by their versions.

Batches are only ever appended, so that a new version is read from where the last one ended;
a page that is opened between two batches reads nothing at all.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError, TableNotFoundError

from nightly.places import state_dir
from tonight.rows import Alarm, Batch, Count, Due, Ledger

log = logging.getLogger(__name__)

KEPT = 60
"""Attempts kept of each dataset: thirty nights, each of them tried twice."""

_DUE_FOR = timedelta(days=30)

_OVERLAP = timedelta(days=2)
"""Batches are written when they end, in another order than they began: read that much again."""

_BATCH = ", ".join(f'"{f.name}"' for f in fields(Batch))
_COUNT = ", ".join(f'"{f.name}"' for f in fields(Count))
_DUE = ", ".join(f'"{f.name}"' for f in fields(Due))
_ALARM = ", ".join(f'"{f.name}"' for f in fields(Alarm))
_COUNTED = ("rule", "reason", "warning")


def lake_uri() -> str:
    """Root of the Delta tables, as the engine has it."""
    return (os.environ.get("CIVICLAKE_LAKE_URI") or str(state_dir() / "lake")).rstrip("/")


def storage_options(uri: str, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What an object store needs, from the usual ``AWS_*`` variables; nothing for a folder."""
    if not uri.startswith(("s3://", "s3a://")):
        return {}
    found = os.environ if environment is None else environment
    options = {name: value for name, value in found.items() if name.startswith("AWS_") and value}
    if options.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        options.setdefault("AWS_ALLOW_HTTP", "true")
    return options


@dataclass
class _Table:
    """One Delta table, and the version of it that was read."""

    uri: str
    opened: DeltaTable | None = None
    table_id: str = ""
    version: int = -1

    def changed(self) -> bool:
        """Look at the log; whether it holds anything that was not read yet."""
        try:
            self.opened = DeltaTable(self.uri, storage_options=storage_options(self.uri))
        except TableNotFoundError:
            self.opened = None
        found = str(self.opened.metadata().id) if self.opened else ""
        if found != self.table_id:  # none any more, or made anew under the same name
            self.table_id, self.version = found, -1
            return True
        return self.opened is not None and self.opened.version() != self.version

    def was_read(self) -> None:
        """What `changed` saw is known now."""
        self.version = self.opened.version() if self.opened else -1

    def rows(self, columns: str, where: str = "true") -> Iterator[dict[str, Any]]:
        """Rows of the version that `changed` saw; files that can't hold any are not opened."""
        if self.opened is None:
            return
        query = QueryBuilder().register("t", self.opened)
        table = query.execute(f"SELECT {columns} FROM t WHERE {where}").read_all()
        names = table.column_names
        for values in zip(*(table.column(name).to_pylist() for name in names), strict=True):
            yield dict(zip(names, values, strict=True))


@dataclass
class Reader:
    """Follows the ledger of one lake; safe to be asked by many threads."""

    lake: str
    _batches: dict[tuple[str, str, int, datetime], Batch] = field(default_factory=dict)
    _counts: tuple[Count, ...] = ()
    _due: tuple[Due, ...] = ()
    _alarms: tuple[Alarm, ...] = ()
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._ledger = _Table(f"{self.lake}/ops/batches")
        self._outcomes = _Table(f"{self.lake}/ops/outcomes")
        self._deliveries = _Table(f"{self.lake}/ops/deliveries")
        self._alerts = _Table(f"{self.lake}/marts/alerts")

    def read(self) -> Ledger:
        """The ledger as it stands; empty while there is none."""
        with self._lock:
            fault = ""
            try:
                # A batch's counts and its account are two commits: either may be the first.
                if self._read_batches() | self._outcomes.changed():
                    self._read_counts()
                if self._deliveries.changed():
                    self._read_due()
                if self._alerts.changed():
                    self._read_alarms()
            except (OSError, DeltaError) as error:
                log.exception("the ledger at %s/ops can't be read", self.lake)
                reason = str(error).partition("\n")[0]
                fault = f"The ledger at {self.lake}/ops can't be read: {reason}"
            batches = tuple(self._batches.values())
            return Ledger(batches, self._counts, self._due, self._alarms, fault)

    def _read_batches(self) -> bool:
        """Read what was appended; whether there was anything."""
        table = self._ledger
        if not table.changed():
            return False
        if table.version < 0:
            self._batches = {}
        for row in table.rows(_BATCH, self._unread()):
            batch = Batch(**{name: _whole(name, value) for name, value in row.items()})
            key = (batch.dataset, batch.batch_id, batch.attempt, batch.started_at)
            self._batches[key] = batch
        self._prune()
        table.was_read()
        return True

    def _unread(self) -> str:
        newest = max((b.started_at for b in self._batches.values()), default=None)
        return "true" if newest is None else f"started_at >= {_literal(newest - _OVERLAP)}"

    def _prune(self) -> None:
        """Keep the newest of each dataset, and what was merged last however long ago."""
        kept: dict[str, int] = {}
        served: set[str] = set()
        ordered = sorted(self._batches.items(), key=lambda i: (i[1].night, i[1].started_at))
        for key, batch in reversed(ordered):
            kept[batch.dataset] = kept.get(batch.dataset, 0) + 1
            needed = batch.status == "merged" and batch.dataset not in served
            if batch.status == "merged":
                served.add(batch.dataset)
            if kept[batch.dataset] > KEPT and not needed:
                del self._batches[key]

    def _read_counts(self) -> None:
        """Why rows of the newest batches were set aside."""
        table = self._outcomes
        newest: dict[str, Batch] = {}
        for batch in sorted(self._batches.values(), key=lambda b: (b.night, b.started_at)):
            if batch.is_delivery:
                newest[batch.dataset] = batch
        wanted = {(b.dataset, b.batch_id) for b in newest.values()}
        ids = ", ".join(sorted({_literal(batch_id) for _, batch_id in wanted})) or "''"
        steps = ", ".join(_literal(step) for step in _COUNTED)
        found = table.rows(_COUNT, f"step IN ({steps}) AND batch_id IN ({ids})")
        self._counts = tuple(
            Count(**row) for row in found if (row["dataset"], row["batch_id"]) in wanted
        )
        table.was_read()

    def _read_due(self) -> None:
        """What was due of late; a row is replaced when more is known, so all are read again."""
        since = _literal(datetime.now(UTC) - _DUE_FOR)
        rows = self._deliveries.rows(_DUE, f"due_at >= {since}")
        self._due = tuple(Due(**row) for row in rows)
        self._deliveries.was_read()

    def _read_alarms(self) -> None:
        """What is open; rows are replaced when more is known, so all are read again."""
        found = [Alarm(**row) for row in self._alerts.rows(_ALARM, "state <> 'closed'")]
        found.sort(key=lambda one: (one.state != "open", -one.raised_at.timestamp()))
        self._alarms = tuple(found)
        self._alerts.was_read()


_TEXTS = ("message", "data_docs", "status")
_NUMBERS = tuple(f.name for f in fields(Batch) if f.type in ("int", "float"))


def _whole(name: str, value: Any) -> Any:
    """A missing value as what it means: no text, no rows."""
    if value is not None:
        return value
    return "" if name in _TEXTS else 0 if name in _NUMBERS else None


def _literal(value: str | datetime) -> str:
    """A value inside a query."""
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat()}'"
    return "'" + value.replace("'", "''") + "'"
