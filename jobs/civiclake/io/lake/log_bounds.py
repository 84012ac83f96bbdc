"""Whether a Delta table holds a row, by the bounds that its log keeps of every file.

Most keys that are looked for in a ledger are news: the log tells so without a question to Spark,
which costs as much as writing the row.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from civiclake.io.lake import tables
from civiclake.settings import Settings

_ROUNDED = timedelta(milliseconds=1)
"""Delta cuts the highest moment of a file off at its millisecond."""


@dataclass(frozen=True)
class Standing:
    """Files of a table that are to go, at the version at which they were looked at."""

    version: int
    files: tuple[Mapping[str, Any], ...]
    """As the log has added them."""

    def actions(self) -> str:
        """Lines of Delta's log that take them out of the table."""
        now = int(time.time() * 1000)
        return "\n".join(
            json.dumps(
                {
                    "remove": {
                        "path": file["path"],
                        "deletionTimestamp": now,
                        "dataChange": True,
                        "extendedFileMetadata": True,
                        "partitionValues": {},
                        "size": file["size"],
                        "stats": file.get("stats"),
                    }
                }
            )
            for file in self.files
        )


def may_hold(settings: Settings, layer: str, table: str, **row: str | datetime) -> bool:
    """Whether a row with these values may stand in a table; False is sure.

    Args:
        settings: says where the lake is.
        layer: of the table.
        table: name without layer.
        **row: some columns and the values that are looked for; moments with their zone.
    """
    if settings.lake_uri is not None:
        return True
    log = Path(tables.location(settings, layer, table)) / "_delta_log"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        read = _files(log)
        return read is None or any(_may_be_in(add.get("stats"), row) for add in read[1].values())
    return True


def standing(
    settings: Settings, layer: str, table: str, rows: Sequence[Mapping[str, str | datetime]]
) -> Standing | None:
    """The files that hold any of these rows, where they hold no others.

    What may hold one by its bounds is looked into: a table of the ledger has small files.

    Args:
        settings: says where the lake is.
        layer: of the table.
        table: name without layer.
        rows: of each some columns and the values that are looked for, the same columns of all;
            moments with their zone, in whole seconds.

    Returns:
        Them; none of them where no file holds such a row, which is sure. None where it can't be
        told, or such a row stands beside others.
    """
    if settings.lake_uri is not None:
        return None
    folder = Path(tables.location(settings, layer, table))
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        read = _files(folder / "_delta_log")
        if read is None:
            return None
        version, files = read
        found: list[Mapping[str, Any]] = []
        for path, add in files.items():
            if not any(_may_be_in(add.get("stats"), row) for row in rows):
                continue
            held = _held(folder / unquote(path), rows)
            if any(held) and (add.get("deletionVector") or not all(held)):
                return None
            if any(held):
                found.append(add)
        return Standing(version, tuple(found))
    return None


def _held(path: Path, rows: Sequence[Mapping[str, str | datetime]]) -> list[bool]:
    """Of each row of a file, whether it is one of these.

    Raises:
        ValueError: the file's moments have no zone (INT96 of a former version's Spark).
    """
    found = pq.read_table(path, columns=list(rows[0])).to_pylist()
    if any(isinstance(v, datetime) and v.tzinfo is None for row in found for v in row.values()):
        raise ValueError(f"{path} has moments without a zone")
    return [row in rows for row in found]


def _files(log: Path) -> tuple[int, dict[str, Any]] | None:
    """The newest version, and what the log says of every file of it, by its path; None where the
    log is not plain."""
    versions = sorted(int(p.stem) for p in log.glob("*.json") if p.stem.isdigit())
    if not versions:
        return None
    found, first = {}, 0
    last = log / "_last_checkpoint"
    if last.exists():
        since = int(json.loads(last.read_text(encoding="utf-8"))["version"])
        found, first = _checkpoint(log / f"{since:020d}.checkpoint.parquet"), since + 1
    for version in range(first, versions[-1] + 1):
        actions = (log / f"{version:020d}.json").read_text(encoding="utf-8").splitlines()
        read = [json.loads(line) for line in actions if line]
        for action in read:  # a changed deletion vector removes and adds one file
            if "remove" in action:
                found.pop(action["remove"]["path"], None)
        found |= {a["add"]["path"]: a["add"] for a in read if "add" in a}
    return versions[-1], found


def _checkpoint(path: Path) -> dict[str, Any]:
    wanted = ["add.path", "add.size", "add.stats", "add.deletionVector"]
    added = pq.ParquetFile(path).read(columns=wanted)["add"].to_pylist()
    return {add["path"]: add for add in added if add and add.get("path") is not None}


def _may_be_in(stats: str | None, row: Mapping[str, str | datetime]) -> bool:
    told = json.loads(stats) if stats else {}
    low, high = told.get("minValues") or {}, told.get("maxValues") or {}
    for name, value in row.items():
        if name not in low or name not in high:
            continue
        if isinstance(value, datetime):
            first, last = (datetime.fromisoformat(bound[name]) for bound in (low, high))
            if not first <= value <= last + _ROUNDED:
                return False
        elif not low[name] <= value <= high[name]:
            return False
    return True
