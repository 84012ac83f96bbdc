"""Who is a child of which kind of school in which year, counted by place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.applications.collected import collected
from civiclake.applications.education.kinds import Begins, Kind

_SAYS = ("updated_at", "register_no", "district_code", "home_cell", "birth_date", "sex")


def persons(residents: DataFrame) -> DataFrame:
    """Each person once, as the newest registration says: where, born when, of which sex."""
    has = [name for name in _SAYS if name in residents.columns]
    newest = residents.groupBy("citizen_id").agg(F.max(F.struct(*has)).alias("newest"))
    return newest.select("citizen_id", *(F.col(f"newest.{name}").alias(name) for name in has[2:]))


def is_of_age(kind: Kind, year: int, begins: Begins) -> Column:
    """Whether who is born on ``birth_date`` has the kind's age when that school year begins."""
    born = F.col("birth_date")
    return (born <= F.lit(begins.years_before(year, kind.from_age))) & (
        born > F.lit(begins.years_before(year, kind.to_age + 1))
    )


def counted(
    people: DataFrame,
    by: Sequence[str],
    years: Iterable[int],
    kinds: Sequence[Kind],
    begins: Begins,
    such: Mapping[str, Callable[[int], Column]] | None = None,
) -> pd.DataFrame:
    """Children of each place, year and kind.

    Args:
        people: each once, with ``birth_date`` and the columns of ``by``.
        by: what they are counted by.
        years: in which school years begin.
        kinds: and their ages.
        begins: when a school year does.
        such: further counts of those children, by name: which of them, in a year.

    Returns:
        ``by``, ``school_year``, ``kind``, ``children`` and the further counts; places without any
        children are not among them.
    """
    which: dict[str, Callable[[int], Column]] = {"children": lambda _: F.lit(True), **(such or {})}
    asked = [(year, kind) for year in years for kind in kinds]
    if not asked:
        return pd.DataFrame(columns=[*by, "school_year", "kind", *which])
    sums = [
        F.count_if(is_of_age(kind, year, begins) & holds(year)).alias(f"{name}_{n}")
        for n, (year, kind) in enumerate(asked)
        for name, holds in which.items()
    ]
    wide = collected(people.groupBy(*by).agg(*sums), f"groups by {', '.join(by)}")
    parts = [
        wide[list(by)].assign(
            school_year=year, kind=kind.name, **{name: wide[f"{name}_{n}"] for name in which}
        )
        for n, (year, kind) in enumerate(asked)
    ]
    long = pd.concat(parts, ignore_index=True)
    return long[long["children"] > 0].reset_index(drop=True)
