"""Whether a Delta table may hold a row, by the bounds that its log keeps of every file.

Most keys that are looked for in a ledger are news: the log tells so without a question to Spark,
which costs as much as writing the row.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from civiclake.io.lake import tables
from civiclake.settings import Settings

_ROUNDED = timedelta(milliseconds=1)
"""Delta cuts the highest moment of a file off at its millisecond."""


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
        files = _files(log)
        return files is None or any(_may_be_in(stats, row) for stats in files.values())
    return True


def _files(log: Path) -> dict[str, str | None] | None:
    """The statistics of every file that counts, by its path; None where the log is not plain."""
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
        found |= {a["add"]["path"]: a["add"].get("stats") for a in read if "add" in a}
    return found


def _checkpoint(path: Path) -> dict[str, str | None]:
    added = pq.ParquetFile(path).read(columns=["add.path", "add.stats"])["add"].to_pylist()
    return {add["path"]: add.get("stats") for add in added if add and add.get("path") is not None}


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
