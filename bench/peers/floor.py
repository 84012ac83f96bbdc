"""What nobody can go below: read what is delivered, and write what has changed.

polars is the fastest reader of gzip CSV of those that are compared here.
"""

from __future__ import annotations

import polars as pl

from bench.peers.task import Task, main


def parse(task: Task) -> None:
    """Unpack and parse every value; nothing is judged and nothing is kept."""
    rows = pl.scan_csv(task.files, infer_schema=False, missing_columns="insert")
    rows.select(pl.all().str.len_bytes().sum()).collect(engine="streaming")


def write(task: Task) -> None:
    """Write the delivered records as one Parquet file."""
    rows = pl.scan_csv(task.files, infer_schema=False, missing_columns="insert")
    task.lake.mkdir(parents=True)
    rows.sink_parquet(task.lake / "changes.parquet")


if __name__ == "__main__":
    main({"parse": parse, "write": write})
