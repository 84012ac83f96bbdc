"""compare: what a table built beside the served one would change, row by row."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.steps.fold import fold

DIFFERENCE = "_difference"
ONLY_SERVED, ONLY_STAGED = "only_served", "only_staged"
CHANGED, SAME = "changed", "same"
KINDS = (ONLY_SERVED, ONLY_STAGED, CHANGED, SAME)


@dataclass(frozen=True)
class Shape:
    """By what two tables are held against each other."""

    identity: tuple[str, ...]
    """Columns that tell which row is which; they are never null."""
    values: tuple[str, ...]
    """Columns that both tables have."""


def compare(served: DataFrame, staged: DataFrame, shape: Shape) -> DataFrame:
    """One row for each row of either table.

    Returns:
        The identity's columns, ``_difference``, and for each value ``_differs_<column>``:
        whether it differs in a row that both tables have.
    """
    wanted = [F.col(f"`{name}`") for name in (*shape.identity, *shape.values)]
    mine = served.select(*wanted, F.lit(True).alias("_there")).alias("a")
    theirs = staged.select(*wanted, F.lit(True).alias("_there")).alias("b")
    on = fold(operator.and_, [_col("a", n) == _col("b", n) for n in shape.identity])
    both = F.col("a._there").isNotNull() & F.col("b._there").isNotNull()
    differs = [both & ~_col("a", n).eqNullSafe(_col("b", n)) for n in shape.values]
    any_differs = fold(operator.or_, differs) if differs else F.lit(False)
    kind = (
        F.when(F.col("b._there").isNull(), ONLY_SERVED)
        .when(F.col("a._there").isNull(), ONLY_STAGED)
        .when(any_differs, CHANGED)
        .otherwise(SAME)
    )
    keys = [F.coalesce(_col("a", n), _col("b", n)).alias(n) for n in shape.identity]
    flags = [d.alias(f"_differs_{n}") for d, n in zip(differs, shape.values, strict=True)]
    return mine.join(theirs, on, "full").select(*keys, kind.alias(DIFFERENCE), *flags)


def totals(compared: DataFrame, shape: Shape) -> DataFrame:
    """One row: the number of rows of each kind, and in how many each column differs."""
    kinds = [F.count_if(F.col(DIFFERENCE) == kind).alias(kind) for kind in KINDS]
    flags = [F.count_if(f"_differs_{name}").alias(f"_differs_{name}") for name in shape.values]
    return compared.agg(*kinds, *flags)


def examples(compared: DataFrame, shape: Shape, kind: str, limit: int) -> DataFrame:
    """Keys of a few rows of one kind, as the served table shows them (protected).

    As text: a client would shift times into its own zone, and knows no year beyond 9999.
    """
    names: Sequence[str] = shape.identity
    first = compared.where(F.col(DIFFERENCE) == kind).select(*names).orderBy(*names).limit(limit)
    return first.select(*[F.col(f"`{name}`").cast("string").alias(name) for name in names])


def _col(side: str, name: str) -> Column:
    return F.col(f"{side}.`{name}`")
