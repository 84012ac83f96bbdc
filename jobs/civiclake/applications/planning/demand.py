"""People by cell of the grid and by age, never so few that one of them could be told.

A cell with fewer than the smallest group gives them to the next coarser cell that has enough, so
that everybody is counted once, near home or a little farther off. Where the bands shown of a cell
would leave a remainder that is too small, the smallest band climbs with it: it could be told by
subtraction otherwise.

Source of the climb: I. Brodsky, "H3: Uber's Hexagonal Hierarchical Spatial Index" (2018); bits of
an index as h3geo.org, "Index bit layout", has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

RESIDENTS = "public_security.residents"
EVERYBODY = (0, 150)
"""The band that all belong to."""
_GROUP = ["age_from", "age_to"]
_FINEST_DIGIT, _DIGIT_BITS, _SIZE_BIT, _UNUSED = 15, 3, 52, 7
"""H3: the digit of size n stands in 3 bits from 3 (15 - n) on, 7 where there is none; the size
itself from bit 52 on."""


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """People by cell and band of ages.

    Args:
        inputs: the register of residents.
        parameters: ``bands`` (first and last completed year), ``smallest_group`` (least people of a
            row), ``finest`` and ``coarsest`` (sizes of cells).
    """
    smallest = int(parameters["smallest_group"])
    rest = _counted(_persons(inputs[RESIDENTS]), parameters["bands"])
    shown: list[DataFrame] = []
    for size in range(int(parameters["finest"]), int(parameters["coarsest"]) - 1, -1):
        judged = rest.withColumn("_is_shown", _is_shown(smallest, first=not shown))
        shown.append(judged.where("_is_shown").drop("_is_shown"))
        up = judged.where("NOT _is_shown").withColumn("cell", _parent("cell", size))
        rest = up.groupBy("cell", *_GROUP).agg(F.sum("people").alias("people"))
    left = rest.groupBy(*_GROUP).agg(F.sum("people").alias("people"))
    shown.append(left.where(F.col("people") >= smallest).withColumn("cell", F.lit(None)))
    made = shown[0]
    for one in shown[1:]:
        made = made.unionByName(one)
    return made.select("cell", *_GROUP, "people")


def _persons(residents: DataFrame) -> DataFrame:
    """Each person once, where the newest entry says; ``age`` on the last first of September."""
    newest = Window.partitionBy("citizen_id").orderBy(F.desc("updated_at"), F.desc("register_no"))
    day = residents.agg(F.to_date(F.max("updated_at")).alias("_day")).select(
        F.make_date(F.year("_day") - (F.month("_day") < 9).cast("int"), F.lit(9), F.lit(1))
        .alias("_day")
    )  # fmt: skip
    born = F.col("birth_date")
    is_later = F.date_format(born, "MMdd") > F.date_format("_day", "MMdd")
    age = F.year("_day") - F.year(born) - is_later.cast("int")
    return (
        residents.withColumn("_n", F.row_number().over(newest))
        .where("_n = 1")
        .crossJoin(F.broadcast(day))
        .select(F.col("home_cell").alias("cell"), F.greatest(age, F.lit(0)).alias("age"))
    )


def _counted(persons: DataFrame, bands: Sequence[Sequence[int]]) -> DataFrame:
    """People by cell and band; everybody is of the band of all."""
    of = [F.when(F.col("age").between(*b), F.struct(*map(F.lit, b))) for b in bands]
    whole = F.struct(*map(F.lit, EVERYBODY))
    bands_of = F.explode(F.filter(F.array(whole, *of), lambda one: one.isNotNull()))
    return (
        persons.select("cell", bands_of.alias("band"))
        .select("cell", F.col("band.col1").alias("age_from"), F.col("band.col2").alias("age_to"))
        .groupBy("cell", *_GROUP)
        .agg(F.count("*").alias("people"))
    )


def _is_shown(smallest: int, *, first: bool) -> Column:
    """Whether a row has enough people, and leaves no remainder of its cell that has not."""
    is_enough = F.col("cell").isNotNull() & (F.col("people") >= smallest)
    if not first:  # coarser rows are of different people in each band, and subtract nothing
        return is_enough
    cell = Window.partitionBy("cell")
    is_all = (F.col("age_from") == EVERYBODY[0]) & (F.col("age_to") == EVERYBODY[1])
    bands = F.when(is_enough & ~is_all, F.col("people"))
    whole = F.max(F.when(is_all, F.col("people"))).over(cell)
    left = whole - F.coalesce(F.sum(bands).over(cell), F.lit(0))
    least = F.row_number().over(cell.orderBy(bands.asc_nulls_last(), "age_from"))
    tells = (left > 0) & (left < smallest) & ~is_all & (least == 1)
    return is_enough & ~F.coalesce(tells, F.lit(False))


def _parent(cell: str, size: int) -> Column:
    """The cell one size coarser, of cells of this size."""
    index = F.conv(F.col(cell), 16, 10).cast("bigint")
    gone = F.lit(_UNUSED << (_DIGIT_BITS * (_FINEST_DIGIT - size))).cast("bigint")
    up = (index - F.lit(1 << _SIZE_BIT).cast("bigint")).bitwiseOR(gone)
    return F.lower(F.hex(up))
