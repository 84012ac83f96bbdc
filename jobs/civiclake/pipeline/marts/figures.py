"""Rows behind a figure: of which they can be told, and what they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.behind import bound, literal
from civiclake.contracts.inputs import address
from civiclake.contracts.model import Mart
from civiclake.engine.said import first_line
from civiclake.errors import UserError
from civiclake.io.lake import tables
from civiclake.settings import Settings


@dataclass(frozen=True)
class Figure:
    """One figure, and what its rows give."""

    column: str
    value: str | None
    query: str
    """Returns the rows behind it."""
    gives: str
    """What is computed over them."""
    computed: str | None
    rows: int
    batches: Mapping[str, int]
    """Batch to how many of the rows it brought or changed last."""
    gap: str = ""
    """Why nothing could be computed; empty: it was."""

    @property
    def is_equal(self) -> bool:
        """Whether the rows give the figure."""
        return not self.gap and self.value == self.computed


def told(
    spark: SparkSession,
    mart: Mart,
    column: str | None,
    row: Mapping[str, str | None],
    kinds: Mapping[str, str],
) -> list[str]:
    """The figures whose rows can be told of this row of the mart.

    Args:
        spark: session on the jobs' engine.
        mart: its contract.
        column: this one alone; None: all that the contract has.
        row: its values as text, by column.
        kinds: Spark's names of its columns' types.

    Raises:
        UserError: the rows behind that column can't be told of such a row.
    """
    names = list(mart.behind) if column is None else [column]
    literals = {name: literal(row[name], kinds[name]) for name in row}
    asked = [f"coalesce({bound(mart.behind[name].when, literals)}, false)" for name in names]
    holds = spark.sql(f"SELECT {', '.join(asked)}").collect()[0] if asked else ()
    found = [name for name, is_told in zip(names, holds, strict=True) if is_told]
    if column is not None and not found:
        raise UserError(
            f"{mart.id} tells the rows behind {column!r} of a row only when"
            f" {mart.behind[column].when}; this one is another"
        )
    return found


def follow(
    spark: SparkSession,
    settings: Settings,
    mart: Mart,
    column: str,
    marks: Mapping[str, Sequence[object]],
    row: Mapping[str, str | None],
    kinds: Mapping[str, str],
) -> Figure:
    """Run the query of the rows behind a figure, and compute the figure from them.

    Args:
        spark: session on the jobs' engine.
        settings: of this installation.
        mart: its contract.
        column: the figure's.
        marks: by which version of each input the row was made.
        row: its values as text, by column.
        kinds: Spark's names of its columns' types.
    """
    behind = mart.behind[column]
    literals = {name: literal(row[name], kinds[name]) for name in row}
    layer, table = address(behind.input)
    number = int(str(marks[behind.input][1]))
    where = bound(behind.where, literals)
    query = f"SELECT * FROM {layer}.{table} VERSION AS OF {number} WHERE {where}"
    gives = bound(behind.gives, literals)
    try:
        path = tables.by_path(settings, layer, table)
        rows = spark.sql(f"SELECT * FROM {path} VERSION AS OF {number}").where(where)
        computed = F.expr(f"CAST(CAST(({gives}) AS {kinds[column]}) AS STRING)")
        count, given = rows.agg(F.count("*"), computed).collect()[0]
        batches = _batches(rows) if c.BATCH in rows.columns else {}
    except PySparkException as error:
        said = first_line(error)[:200]
        gap = f"{behind.input} at version {number} can not be read any more: {said}"
        return Figure(column, row[column], query, gives, None, 0, {}, gap)
    return Figure(column, row[column], query, gives, given, int(count), batches)


def _batches(rows: DataFrame) -> dict[str, int]:
    found = rows.groupBy(c.BATCH).count().orderBy(c.BATCH).collect()
    return {str(row[0]): int(row[1]) for row in found}
