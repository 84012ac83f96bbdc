"""A handful of rows appended to a Delta table: the client writes the file, the engine commits it.

To Spark ten rows are a plan, a job and a plan for their statistics. Here they are a Parquet file
beside the table's own, and one procedure of the engine (``jvm/``'s ``AppendFile``) that makes
Delta's commit of it. It refuses whatever an append might do more than that, and Spark writes then.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from civiclake.contracts.sql import sql_name, sql_text
from civiclake.io.lake import objects, tables
from civiclake.io.lake.log_bounds import Standing
from civiclake.settings import Settings

_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}
_PLAIN = re.compile(r"[\w.:/+-]{0,32}", re.ASCII)
"""Texts that stand in statistics as they are: nothing to be cut off, nothing that SQL reads."""
_FIRST_YEAR, _LAST_YEAR = 1000, 9998
_MODE = 0o640


def append(
    spark: SparkSession,
    settings: Settings,
    layer: str,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[tuple[Any, ...]],
    replaced: Standing | None = None,
) -> bool:
    """Append rows in one commit, without a Spark job.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        layer: of the table, which exists.
        table: name without layer.
        columns: name and Spark type of each value.
        rows: the values.
        replaced: files of the table that go in the same commit.

    Returns:
        Whether it was done; False, and nothing is written, where Spark has to: the table lacks a
        column, or it is no plain one.

    Raises:
        StateUnavailable: the store of a lake in S3 does not answer; trying again may help.
    """
    if not all(kind in _TYPES for _, kind in columns):
        return False
    made = _table(columns, rows)
    if made is None:
        return False
    place = tables.location(settings, layer, table)
    name = f"part-00000-{uuid.uuid4()}-c000.snappy.parquet"
    size = _put(settings, made, f"{place}/{name}")
    if size is None:
        return False
    added = Added(name, size, statistics(columns, rows))
    is_done = commit(spark, place, columns, [added], replaced)
    if not is_done:
        tables.clear_file(settings, f"{place}/{name}")
    return is_done


@dataclass(frozen=True)
class Added:
    """A Parquet file that stands in a table's folder and is to become one of its files."""

    path: str
    """Relative to the table, as a part of a URL."""
    size_bytes: int
    stats: Mapping[str, Any]
    """As Delta's log has them; ``numRecords`` at least."""
    partition: Mapping[str, str] = field(default_factory=dict)
    """Values of the table's partition columns, which the file itself has not."""

    def action(self) -> str:
        """A line of Delta's log."""
        told = {
            "path": self.path,
            "partitionValues": dict(self.partition),
            "size": self.size_bytes,
            "modificationTime": int(time.time() * 1000),
            "dataChange": True,
            "stats": json.dumps(self.stats),
        }
        return json.dumps({"add": told})


def commit(
    spark: SparkSession,
    place: str,
    columns: Sequence[tuple[str, str]],
    files: Sequence[Added],
    replaced: Standing | None = None,
) -> bool:
    """Add files to a Delta table in one commit, without a Spark job.

    Args:
        spark: session on the jobs' engine.
        place: path or URI of the table.
        columns: name and Spark type of what the files hold.
        files: at least one.
        replaced: files of the table that go in the same commit.

    Returns:
        Whether it was done; False, and nothing is committed, where the table is no plain one,
        lacks a column, or has another version by now than that of the replaced files: the added
        ones are the caller's then.
    """
    ddl = ", ".join(f"{sql_name(name)} {kind}" for name, kind in columns)
    actions = "\n".join(file.action() for file in files)
    rows = sum(int(file.stats["numRecords"]) for file in files)
    # Parameters can't be bound in a CALL.
    given = ", ".join(map(sql_text, (place, ddl, actions)))
    last = f", {replaced.version}, {sql_text(replaced.actions())}" if replaced else ""
    return bool(spark.sql(f"CALL civiclake.append_file({given}, {rows}{last})").collect())


def _table(columns: Sequence[tuple[str, str]], rows: Sequence[tuple[Any, ...]]) -> pa.Table | None:
    """The rows as Arrow has them; None for values that only Spark's own client knows to take."""
    if any(isinstance(v, datetime) and v.tzinfo is None for row in rows for v in row):
        return None
    fields = [pa.field(name, _TYPES[kind]) for name, kind in columns]
    with contextlib.suppress(pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        arrays = [
            pa.array([row[place] for row in rows], field.type) for place, field in enumerate(fields)
        ]
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    return None


def _put(settings: Settings, made: pa.Table, place: str) -> int | None:
    """Write a file of the lake; its size, or None where this process may not write there."""
    if settings.lake_uri is not None:
        content = io.BytesIO()
        pq.write_table(made, content)
        return objects.put(settings, place, content.getvalue())
    path = Path(place)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), _MODE)  # as the engine's files, whatever the umask is here
            pq.write_table(made, file)
    except OSError:  # the engine may have more rights, and says it better where it has not
        path.unlink(missing_ok=True)
        return None
    return path.stat().st_size


def statistics(
    columns: Sequence[tuple[str, str]], rows: Sequence[tuple[Any, ...]]
) -> dict[str, Any]:
    """What Delta's log says of a file: rows, nulls, lowest and highest values.

    A text that is long or holds more than plain letters has no bounds here, and its file is read
    whatever is looked for.
    """
    nulls, low, high = {}, {}, {}
    for place, (name, kind) in enumerate(columns):
        values = [row[place] for row in rows if row[place] is not None]
        nulls[name] = len(rows) - len(values)
        if values and _is_bounded(kind, values):
            shown = _SHOWN.get(kind, _same)
            low[name], high[name] = shown(min(values), False), shown(max(values), True)
    return {"numRecords": len(rows), "minValues": low, "maxValues": high, "nullCount": nulls}


def _is_bounded(kind: str, values: Sequence[Any]) -> bool:
    if kind == "string":
        return all(_PLAIN.fullmatch(value) for value in values)
    if kind == "double":
        return all(math.isfinite(value) for value in values)
    if kind in ("timestamp", "date"):
        return all(_FIRST_YEAR <= value.year <= _LAST_YEAR for value in values)
    return True


def _same(value: Any, is_high: bool) -> Any:
    return value


def _moment(value: datetime, is_high: bool) -> str:
    """In whole milliseconds, as Delta has them, rounded away from the values between."""
    up = timedelta(milliseconds=1) if is_high and value.microsecond % 1000 else timedelta()
    return (value.astimezone(UTC) + up).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _day(value: date, is_high: bool) -> str:
    return value.isoformat()


_SHOWN: Mapping[str, Callable[[Any, bool], Any]] = {"timestamp": _moment, "date": _day}
