"""Delta tables: where they stand, how they are made, and how the lake's names come to be."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from civiclake import columns as c
from civiclake.contracts.model import Dataset, History
from civiclake.contracts.render.ddl import CHANGE_FEED, add_columns, table_ddl
from civiclake.contracts.render.layers import Layer, layer_columns
from civiclake.contracts.sql import sql_name, sql_text
from civiclake.errors import UserError
from civiclake.io.lake import objects
from civiclake.io.lake.log_metadata import Metadata, metadata
from civiclake.io.reading.raw_names import stored
from civiclake.settings import Settings
from civiclake.state.held import held

RAW, QUARANTINE, MARTS, OPS = "raw", "quarantine", "marts", "ops"
UNIFIED: Layer = "unified"
MARKS = "marks"
"""What is remembered of keys beside the served rows; holds nothing that unified may not."""
BACKFILL = "backfill"
"""Tables that a backfill builds beside the served ones."""
_PROPERTIES = {
    # Every batch commits to these, a few rows at a time: a checkpoint costs as much as reading
    # some tens of such commits.
    OPS: {"delta.checkpointInterval": "50"},
    # A batch is found by its partition. Text has no order that would prune anything.
    RAW: {"delta.dataSkippingNumIndexedCols": "0"},
}
"""Table properties by layer."""
_BY_HISTORY = frozenset({c.VALID_FROM, c.VALID_TO, c.IS_CURRENT, c.SNAPSHOT_DATE})
"""Columns that a unified table has or has not by the history that it keeps."""
_BY_OCCURRENCE = frozenset({c.OCCURRENCE, c.SOURCE_FILE, c.SOURCE_ROW})
"""Columns that it has or has not by the way in which equal rows are told apart."""
_WAIT_S = 300.0
SAME_ROWS = (
    "SET TBLPROPERTIES",
    "CHANGE COLUMN",
    "OPTIMIZE",
    "REORG",
    "VACUUM START",
    "VACUUM END",
)
"""Commits of a table's history that leave every row as it was."""
STAGING = "staging"
"""Short-lived Parquet between two passes over a batch; as protected as raw."""


def location(settings: Settings, layer: str, table: str) -> str:
    """Path or URI of a table."""
    return f"{settings.lake}/{layer}/{table}"


def by_path(settings: Settings, layer: str, table: str) -> str:
    """The table as an identifier that needs no catalogue."""
    return f"delta.`{location(settings, layer, table)}`"


def exists(spark: SparkSession, settings: Settings, layer: str, table: str) -> bool:
    """Whether the Delta table was made."""
    if settings.lake_uri is None:
        # The folder of the log is there before the first commit is.
        return any((Path(location(settings, layer, table)) / "_delta_log").glob("*.json"))
    log = f"{location(settings, layer, table)}/_delta_log"
    return any(name.endswith(".json") for name in objects.names(settings, log))


def create(
    spark: SparkSession,
    settings: Settings,
    layer: str,
    table: str,
    columns: Sequence[tuple[str, str]],
    *,
    partition: str | None = None,
    comment: str = "",
) -> str:
    """Make a Delta table where there is none.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        layer: raw, unified, quarantine, marts or ops.
        table: name without layer.
        columns: name and Spark type, in order.
        partition: column to partition by.
        comment: what the table holds.

    Returns:
        The table's identifier by path.
    """
    identifier = by_path(settings, layer, table)
    if exists(spark, settings, layer, table):
        return identifier
    fields = ", ".join(f"{sql_name(name)} {kind}" for name, kind in columns)
    by = f" PARTITIONED BY (`{partition}`)" if partition else ""
    pairs = ", ".join(f"'{key}' = '{value}'" for key, value in _PROPERTIES.get(layer, {}).items())
    properties = f" TBLPROPERTIES ({pairs})" if pairs else ""
    # Two first batches that make the same table at once (the ledger's) would fail each other.
    making = f"making {layer}.{table}"
    with held(settings, settings.locks_dir / ".create", making, timeout_s=_WAIT_S):
        clear_unmade(settings, layer, table)
        spark.sql(
            f"CREATE TABLE IF NOT EXISTS {identifier} ({fields}) USING DELTA{by}"
            f" COMMENT {sql_text(comment)}{properties}"
        )
    return identifier


def is_there(settings: Settings, place: str) -> bool:
    """Whether a folder of the lake is there, or anything in it."""
    if settings.lake_uri is None:
        return Path(place).exists()
    return any(True for _ in objects.names(settings, place))


def clear_unmade(settings: Settings, layer: str, table: str) -> None:
    """Take away what a CREATE left that broke off, on a full disk for example.

    Only the table's writer may, who holds its lock.

    Delta takes a log's folder without a commit for a table that exists, and passes over CREATE ...
    IF NOT EXISTS: the table could never be made again.
    """
    place = f"{location(settings, layer, table)}/_delta_log"
    log = Path(place)
    if settings.lake_uri is not None:
        found = list(objects.names(settings, place))
    else:
        found = [path.name for path in log.iterdir()] if log.is_dir() else []
    if not any(name.endswith((".json", ".parquet")) for name in found):
        clear(settings, place)


def close(settings: Settings, layer: str, table: str) -> None:
    """Keep a table of an open layer from analysts: its files are the jobs' alone."""
    if settings.lake_uri is None:
        Path(location(settings, layer, table)).chmod(0o700)


def register(spark: SparkSession, settings: Settings, layer: str, table: str) -> str:
    """Give a table its name in the engine's catalogue; returns ``<layer>.<table>``."""
    name = f"{layer}.{table}"
    spark.sql(f"CREATE SCHEMA IF NOT EXISTS {layer}")
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {name} USING DELTA"
        f" LOCATION '{location(settings, layer, table)}'"
    )
    return name


def create_unified(
    spark: SparkSession, settings: Settings, dataset: Dataset, layer: str = UNIFIED
) -> str:
    """Make a dataset's unified table as its contract says, or give it the columns it lacks.

    A backfill builds the same table in a layer of its own.

    Raises:
        UserError: the table stands, and can't become what the contract now says.
    """
    identifier, statements = plan_unified(spark, settings, dataset, layer)
    clear_unmade(settings, layer, dataset.table)
    for statement in statements:
        spark.sql(statement)
    return identifier


def plan_unified(
    spark: SparkSession, settings: Settings, dataset: Dataset, layer: str = UNIFIED
) -> tuple[str, list[str]]:
    """A dataset's unified table, and the statements that make it what its contract says.

    None of them changes a row that is there.

    Raises:
        UserError: the table stands, and can't become what the contract now says.
    """
    identifier = by_path(settings, layer, dataset.table)
    extra = c.unified_extra(dataset)
    place = location(settings, layer, dataset.table)
    if exists(spark, settings, layer, dataset.table):
        found = metadata(spark, place)
        return identifier, _follow_contract(found, identifier, dataset, extra)
    partition = c.SNAPSHOT_DATE if dataset.history is History.SNAPSHOT else None
    # A minimum and maximum costs with every row that is written, and what has no order in the
    # files is not found by it.
    ordered = [*_known_by(dataset), c.SEQUENCE, *_moments(dataset, extra)]
    stats = {"delta.dataSkippingStatsColumns": ",".join(map(sql_name, dict.fromkeys(ordered)))}
    comments = {c.CONTENT: c.hashed(dataset)}
    made = table_ddl(
        dataset, place, UNIFIED, extra, stats,
        by_path=True, partition=partition, comments=comments,
    )  # fmt: skip
    return identifier, [made]


def _known_by(dataset: Dataset) -> list[str]:
    """The columns by which rows are found; the hash of all values has no order in the files."""
    return [name for name in c.identity(dataset) if name not in (c.CONTENT, c.OCCURRENCE)]


def _moments(dataset: Dataset, extra: Sequence[tuple[str, str]]) -> list[str]:
    """Columns of dates and times, in which rows come in order; a partition has no statistics."""
    contract = [(name, kind) for name, kind, _ in layer_columns(dataset, UNIFIED)]
    found = [name for name, kind in (*contract, *extra) if kind in ("date", "timestamp")]
    return [name for name in found if name != c.SNAPSHOT_DATE]


def _follow_contract(
    found: Metadata, identifier: str, dataset: Dataset, extra: Sequence[tuple[str, str]]
) -> list[str]:
    """Columns that the contract has named since come last and are null in the rows so far."""
    have = {f.name: f.dataType.simpleString() for f in found.schema.fields}
    contract = [(name, kind) for name, kind, _ in layer_columns(dataset, UNIFIED)]
    for name, kind in (*contract, *extra):
        if name in have and have[name] != kind:
            raise UserError(
                f"{dataset.path}: column {name} is of type {kind}, but unified.{dataset.table}"
                f" holds it as {have[name]}: keep the type, or {_rebuild(dataset)}"
            )
    if keeps_otherwise(have, dataset):
        equal = f" and occurrence {dataset.occurrence.value}" if dataset.occurrence else ""
        raise UserError(
            f"{dataset.path}: history is {dataset.history.value}{equal}, but"
            f" unified.{dataset.table} was made for another one: keep that, or {_rebuild(dataset)}"
        )
    added = [name for name, _ in contract if name not in have]
    statements = [add_columns(dataset, identifier, added)] if added else []
    if c.CONTENT not in have and c.CONTENT in dict(extra):  # made before rows had a hash
        statements.append(f"ALTER TABLE {identifier} ADD COLUMNS ({c.CONTENT} BIGINT)")
    if dataset.has_change_feed and found.properties.get(CHANGE_FEED) != "true":
        feed = f"'{CHANGE_FEED}' = 'true'"
        statements.append(f"ALTER TABLE {identifier} SET TBLPROPERTIES ({feed})")
    return statements


def keeps_otherwise(have: Iterable[str], dataset: Dataset) -> bool:
    """Whether a table with these columns was made for rows of another kind than the contract's."""
    wanted = {name for name, _ in c.unified_extra(dataset)}
    return bool((_BY_HISTORY | _BY_OCCURRENCE) & (set(have) ^ wanted))


def _rebuild(dataset: Dataset) -> str:
    return (
        "rebuild the table from landing under the contract as it is now:"
        f" `civiclake backfill {dataset.id} --swap`"
    )


RAW_LINEAGE: Sequence[tuple[str, str]] = (
    (c.BATCH, "string"),
    (c.RECORD, "string"),
    (c.FILE, "string"),
    (c.ROW, "bigint"),
    (c.DELIVERED, "timestamp"),
    (c.CORRUPT, "string"),
)


def create_raw(spark: SparkSession, settings: Settings, dataset: Dataset) -> str:
    """Make a dataset's raw table where there is none; returns its identifier."""
    texts = [(stored(col.source_name), "string") for col in dataset.columns]
    return create(
        spark,
        settings,
        RAW,
        dataset.table,
        [*texts, *RAW_LINEAGE],
        partition=c.BATCH,
        comment=f"{dataset.id} as it came, every value text",
    )


def remove(settings: Settings, layer: str, table: str) -> None:
    """Take a table of our own making away."""
    clear(settings, location(settings, layer, table))


def clear(settings: Settings, place: str) -> None:
    """Take a folder of the lake away, where there is one."""
    if settings.lake_uri is None:
        shutil.rmtree(place, ignore_errors=True)
    else:
        objects.remove(settings, place)


def clear_file(settings: Settings, place: str) -> None:
    """Take a file of ours away that no table has come to know."""
    if settings.lake_uri is None:
        Path(place).unlink(missing_ok=True)
    else:
        objects.drop(settings, place)
