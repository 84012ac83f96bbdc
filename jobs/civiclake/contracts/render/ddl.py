"""The Delta table's DDL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from civiclake.contracts.model import Column, Dataset, Mart
from civiclake.contracts.render.layers import Layer, layer_columns
from civiclake.contracts.sql import sql_name, sql_text

CHANGE_FEED = "delta.enableChangeDataFeed"
"""Property of a table whose commits tell the rows that they changed."""
_LOG_DAYS = 30
"""How long Delta keeps a table's log by itself."""


def table_ddl(
    dataset: Dataset,
    location: str,
    layer: Layer = "unified",
    extra: Sequence[tuple[str, str]] = (),
    properties: Mapping[str, str] | None = None,
    *,
    by_path: bool = False,
    partition: str | None = None,
    comments: Mapping[str, str] | None = None,
) -> str:
    """``CREATE TABLE IF NOT EXISTS`` for a dataset's table in a layer.

    Args:
        dataset: the compiled contract.
        location: path or URI of the Delta table.
        layer: raw and quarantine keep the source's names and every value as text.
        extra: name and Spark type of CivicLake's own columns, which come last.
        properties: further table properties.
        by_path: name the table by its location alone, for an engine without a catalogue.
        partition: column to partition by.
        comments: of CivicLake's own columns, by name.
    """
    said = comments or {}
    lines = [_line(name, kind, column) for name, kind, column in layer_columns(dataset, layer)]
    lines += [
        f"  {sql_name(name)} {kind.upper()}"
        + (f" COMMENT {sql_text(said[name])}" if name in said else "")
        for name, kind in extra
    ]
    all_properties = {
        "civiclake.contract": f"{dataset.id} {dataset.version}",
        "civiclake.key": ",".join(dataset.key),
        **({"civiclake.occurrence": dataset.occurrence.value} if dataset.occurrence else {}),
        "civiclake.owner": f"{dataset.owner.name} <{dataset.owner.contact}>",
        "delta.enableDeletionVectors": "true",
        **({CHANGE_FEED: "true"} if dataset.has_change_feed else {}),
        **(properties or {}),
    }
    pairs = ",\n".join(f"  {sql_text(k)} = {sql_text(v)}" for k, v in all_properties.items())
    columns = ",\n".join(lines)
    name = f"delta.{sql_name(location)}" if by_path else f"{layer}.{sql_name(dataset.table)}"
    place = "" if by_path else f"LOCATION {sql_text(location)}\n"
    by = f"PARTITIONED BY ({sql_name(partition)})\n" if partition else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {name} (\n{columns}\n)\n"
        f"USING DELTA\n{place}{by}"
        f"COMMENT {sql_text(dataset.description)}\nTBLPROPERTIES (\n{pairs}\n)"
    )


def made_ddl(mart: Mart, name: str, query: str, keep_days: int) -> str:
    """``CREATE OR REPLACE TABLE ... AS`` for a mart; comments of columns come with the query's.

    Args:
        mart: its contract.
        name: the table's identifier.
        query: that gives its rows.
        keep_days: how long older versions can be read, where the contract says no longer.
    """
    days = max(keep_days, -(-(mart.retention_seconds or 0) // 86400))
    properties = {
        "civiclake.contract": f"{mart.id} {mart.version}",
        "civiclake.key": ",".join(mart.key),
        "civiclake.owner": f"{mart.owner.name} <{mart.owner.contact}>",
        "delta.deletedFileRetentionDuration": f"interval {days} days",
        "delta.logRetentionDuration": f"interval {max(days, _LOG_DAYS)} days",
        **({CHANGE_FEED: "true"} if mart.has_change_feed else {}),
    }
    pairs = ", ".join(f"{sql_text(k)} = {sql_text(v)}" for k, v in properties.items())
    return (
        f"CREATE OR REPLACE TABLE {name} USING DELTA COMMENT {sql_text(mart.description)}"
        f" TBLPROPERTIES ({pairs}) AS {query}"
    )


def add_columns(dataset: Dataset, table: str, names: Collection[str]) -> str:
    """``ALTER TABLE`` for columns that the contract has named since the table was made.

    Args:
        dataset: the compiled contract.
        table: identifier of the unified table.
        names: the columns that it lacks.
    """
    columns = layer_columns(dataset, "unified")
    lines = [_line(name, kind, column) for name, kind, column in columns if name in names]
    return f"ALTER TABLE {table} ADD COLUMNS (\n" + ",\n".join(lines) + "\n)"


def _line(name: str, kind: str, column: Column) -> str:
    comment = f" COMMENT {sql_text(column.description)}" if column.description else ""
    return f"  {sql_name(name)} {kind.upper()}{comment}"
