"""The nightly work with dlt: its filesystem destination, Delta tables, merge by upsert.

The rows are judged in polars before they are yielded as Arrow: dlt's own schema contracts know
types, not rules. Its upsert has no "only where newer", so it is right here because a delivery
never brings an older version than the table holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import dlt
import polars as pl

from bench.peers.polars_delta import judge, mart
from bench.peers.task import Task, main
from bench.taps.shape import KEY

_UPSERT = {"disposition": "merge", "strategy": "upsert"}


def load(task: Task) -> None:
    """Read, judge, set aside, merge, refresh the mart."""
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    folder = task.lake.parent  # the dataset's own folder is made by dlt
    pipeline = dlt.pipeline(
        "taps",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.filesystem(bucket_url=folder.as_uri()),
        dataset_name=task.lake.name,
    )
    newest, set_aside = judge(task)
    found = [_resource("taps", newest, write_disposition=_UPSERT, primary_key=KEY)]
    if len(set_aside):
        found.append(_resource("quarantine", set_aside, write_disposition="append"))
    pipeline.run(found).raise_on_failed_jobs()
    made = _resource("taps_by_line", mart(task), write_disposition="replace")
    pipeline.run(made).raise_on_failed_jobs()


def _resource(name: str, rows: pl.DataFrame, **hints: Any) -> Any:
    def tables() -> Iterator[Any]:
        yield rows.to_arrow()

    return dlt.resource(tables, name=name, table_format="delta", **hints)


if __name__ == "__main__":
    main({"initial": load, "changes": load})
