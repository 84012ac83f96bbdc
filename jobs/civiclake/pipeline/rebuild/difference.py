"""How a table built beside the served one differs from it: counted, and told to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset
from civiclake.io.lake import tables
from civiclake.io.ops.backfills import Backfill
from civiclake.settings import Settings
from civiclake.steps import compare as steps
from civiclake.steps.content import content_hash
from civiclake.steps.history import served_now

EXAMPLES = 10
_VERSIONED_BY = ("_valid_from", "_snapshot_date")
"""Columns that tell the versions of a key apart, in tables that keep more than one."""


def tell_difference(
    spark: SparkSession, settings: Settings, served: Dataset, side: Dataset, row: Backfill
) -> Backfill:
    """Compare the two tables, and write the difference into a file.

    Args:
        spark: session on the jobs' engine.
        settings: of this installation.
        served: the dataset.
        side: the dataset under the name of the table beside.
        row: the backfill, as far as it is known.

    Returns:
        The backfill with its counts and the file.
    """
    table = tables.by_path(settings, tables.UNIFIED, served.table)
    ours = spark.sql(f"SELECT * FROM {table} VERSION AS OF {row.served_version}")
    theirs = spark.table(tables.by_path(settings, tables.BACKFILL, side.table))
    shapes = _shapes(ours, theirs)
    if tables.keeps_otherwise(ours.columns, served):
        # Rows of two kinds of history have no common identity; those in force have.
        ours, theirs = served_now(ours), served_now(theirs)
        shapes.append(f"history becomes {served.history.value}: rows in force are compared")
    ours, theirs = _alike(ours, theirs)
    if set(c.identity(served)) - (set(ours.columns) & set(theirs.columns)):
        ours, theirs = _told_apart(ours, served), _told_apart(theirs, served)
    shape = _shape(served, ours, theirs)
    compared = steps.compare(ours, theirs, shape)
    counted = steps.totals(compared, shape).collect()[0].asDict()
    kinds = [k for k in steps.KINDS if k != steps.SAME and counted[k]]
    shown = {
        kind: [tuple(r) for r in steps.examples(compared, shape, kind, EXAMPLES).collect()]
        for kind in kinds
    }
    folder = settings.state_dir / "backfills" / served.department / served.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{row.backfill_id}.md"
    row = row.model_copy(update={**{k: counted[k] for k in steps.KINDS}, "difference": str(path)})
    path.write_text(_page(row, shape, counted, shown, shapes), encoding="utf-8")
    return row


def read_difference(row: Backfill) -> str:
    """The difference as it was told."""
    return Path(row.difference).read_text(encoding="utf-8") if row.difference else ""


def _shape(dataset: Dataset, ours: DataFrame, theirs: DataFrame) -> steps.Shape:
    both = set(ours.columns) & set(theirs.columns)
    known = c.identity(dataset)
    if not set(known) <= both:
        known = (*(dataset.key or (c.CONTENT,)), c.OCCURRENCE)
    identity = (*known, *(name for name in _VERSIONED_BY if name in both))
    values = [col.name for col in dataset.unified_columns if col.name in both]
    return steps.Shape(identity, tuple(name for name in values if name not in identity))


def _told_apart(frame: DataFrame, dataset: Dataset) -> DataFrame:
    """Rows of a line list that was none, or is told apart otherwise now: counted among equals."""
    if not dataset.key and c.CONTENT not in frame.columns:
        frame = frame.withColumn(c.CONTENT, F.expr(content_hash(dataset)))
    by = [*(dataset.key or (c.CONTENT,)), *(n for n in _VERSIONED_BY if n in frame.columns)]
    order = Window.partitionBy(*by).orderBy(c.RECORD)
    return frame.withColumn(c.OCCURRENCE, F.row_number().over(order))


def _alike(ours: DataFrame, theirs: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Give columns that changed from text or to it the same type, so that they can be compared.

    Numbers of two types are compared as numbers, by Spark itself.
    """
    old, new = dict(ours.dtypes), dict(theirs.dtypes)
    texts = [n for n in old if n in new and old[n] != new[n] and "string" in (old[n], new[n])]
    if not texts:  # Spark Connect refuses to add no column
        return ours, theirs
    casts = {name: F.col(f"`{name}`").cast("string") for name in texts}
    return ours.withColumns(casts), theirs.withColumns(casts)


def _shapes(ours: DataFrame, theirs: DataFrame) -> list[str]:
    """What differs in the columns themselves."""
    old, new = dict(ours.dtypes), dict(theirs.dtypes)
    found = [f"column {name} goes" for name in old if name not in new]
    found += [f"column {name} ({new[name]}) comes" for name in new if name not in old]
    found += [
        f"column {name} becomes {new[name]} (was {old[name]})"
        for name in old
        if name in new and old[name] != new[name]
    ]
    return found


def _page(
    row: Backfill,
    shape: steps.Shape,
    counted: Mapping[str, int],
    shown: Mapping[str, Sequence[Sequence[object]]],
    shapes: Sequence[str],
) -> str:
    base = "nothing" if row.base_version is None else f"version {row.base_version}"
    words = {
        steps.ONLY_SERVED: "served now, and gone after the swap",
        steps.ONLY_STAGED: "new after the swap",
        steps.CHANGED: "changed by the swap",
        steps.SAME: "the same",
    }
    lines = [
        f"# Backfill {row.backfill_id} of {row.dataset}",
        "",
        f"- days {row.first_day or 'from the beginning'} to {row.last_day or 'now'},"
        f" read again from {row.source}: {row.batches} batches, on {base}",
        f"- held against version {row.served_version} of what is served",
        *(f"- {line}" for line in shapes),
        "",
        "| rows | number |",
        "|---|---:|",
        *(f"| {words[kind]} | {counted[kind]:,} |" for kind in steps.KINDS),
    ]
    differing = {n: counted[f"_differs_{n}"] for n in shape.values if counted[f"_differs_{n}"]}
    if differing:
        ranked = sorted(differing.items(), key=lambda pair: (-pair[1], pair[0]))
        lines += ["", "| column | rows in which it changes |", "|---|---:|"]
        lines += [f"| {name} | {rows:,} |" for name, rows in ranked]
    for kind, keys in shown.items():
        names = ", ".join(shape.identity)
        lines += ["", f"First of {counted[kind]:,} {words[kind]} ({names}, as served):", ""]
        lines += [f"- {', '.join(map(str, key))}" for key in keys]
    return "\n".join(lines) + "\n"
