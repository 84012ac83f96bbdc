"""Every golden case of every mart: what its step makes of the case's rows is what is wanted."""

from __future__ import annotations

import pytest
from mart_cases import Case, Row, cases, differences, tables, types
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake.contracts.behind import bound, literal
from civiclake.contracts.inputs import Readable, address
from civiclake.contracts.read.query import Query
from civiclake.pipeline.marts import steps
from civiclake.pipeline.marts.result import hold, shaped, withheld
from civiclake.settings import project_root

CASES = cases()


def _frame(spark: SparkSession, one: Readable, given: list[Row]) -> DataFrame:
    """Rows as the input's table would hold them; a column that the case leaves out is null."""
    known = types(one)
    names = [n for n in known if n in one.columns or (given and n in given[0])]
    values = [[row.get(name) or None for name in names] for row in given]
    frame = spark.createDataFrame(values, ", ".join(f"`{name}` string" for name in names))
    return frame.select([F.col(name).cast(known[name]).alias(name) for name in names])


def _made(spark: SparkSession, case: Case) -> DataFrame:
    mart, given = case.mart, case.given()
    frames = {name: _frame(spark, tables()[name], given[name]) for name in mart.inputs}
    if not mart.is_query:
        return steps.apply(mart, frames, tables())
    for name, frame in frames.items():
        frame.createOrReplaceTempView(address(name)[1])
    query = (project_root() / "marts" / mart.path).with_name(mart.step).read_text()
    return spark.sql(Query(query).bound([".".join(address(name)) for name in mart.inputs]))


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_mart_gives_what_its_case_wants(case: Case, spark: SparkSession) -> None:
    frame = withheld(case.mart, shaped(case.mart, _made(spark, case))).persist()
    hold(case.mart, frame)
    texts = [F.col(c.name).cast("string").alias(c.name) for c in case.mart.columns]
    told = [row.asDict() for row in frame.orderBy(*case.mart.key).select(texts).collect()]
    frame.unpersist()
    given = [{name: value or "" for name, value in row.items()} for row in told]
    found = differences(case.mart, case.wanted(), given)
    assert not found, f"{case.folder}:\n" + "\n".join(found)
    if case.mart.behind:
        assert not _unlike_their_rows(spark, case, told[:FOLLOWED])


FOLLOWED = 3
"""So many rows of a case are followed to the rows behind; each figure costs a subquery."""


def _unlike_their_rows(
    spark: SparkSession, case: Case, rows: list[dict[str, str | None]]
) -> list[tuple[str, str | None, str | None]]:
    """Figures that the rows behind them do not give: what was asked, what they give, the figure."""
    mart = case.mart
    for name, given in case.given().items():
        _frame(spark, tables()[name], given).createOrReplaceTempView(_view(name))
    kinds = {column.name: column.spark_type for column in mart.columns}
    asked = []
    for row in rows:
        literals = {name: literal(row[name], kinds[name]) for name in kinds}
        for name, behind in mart.behind.items():
            where, gives = bound(behind.where, literals), bound(behind.gives, literals)
            computed = f"CAST(CAST(({gives}) AS {kinds[name]}) AS STRING)"
            query = f"(SELECT {computed} FROM {_view(behind.input)} WHERE {where})"
            asked.append(f"IF({bound(behind.when, literals)}, {query}, 'untold')")
    counted = spark.sql(f"SELECT {', '.join(asked)}").collect()[0]
    said = [row[name] for row in rows for name in mart.behind]
    return [
        one for one in zip(asked, counted, said, strict=True) if one[1] not in (one[2], "untold")
    ]


def _view(input_id: str) -> str:
    return f"behind_{input_id.replace('.', '_')}"
