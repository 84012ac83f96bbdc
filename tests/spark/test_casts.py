"""From texts to values of a type, and how rows are counted as they are staged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nights import city
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.columns import RAW_OWN
from civiclake.contracts.model import Column
from civiclake.io import lake
from civiclake.pipeline.batch import Batch
from civiclake.settings import Settings
from civiclake.steps.standardize import standardize

CASES: dict[str, dict[str, Any]] = {
    "decimal(8,2)": {
        "1.23": Decimal("1.23"),
        " 5 ": Decimal("5.00"),
        "1.230": Decimal("1.23"),
        "-0.50": Decimal("-0.50"),
        "1e2": Decimal("100.00"),
        "1.239": None,
        "1000000.00": None,  # seven digits before the point
        "1.2300000000000001": None,
        "1,5": None,
    },
    "decimal(38,0)": {"12345678901234567890": Decimal("12345678901234567890"), "0.1": None},
    "decimal(30,20)": {"0.12345678901234567891": Decimal("0.12345678901234567891")},
    "int": {"7": 7, " 7": 7, "7.0": None, "2147483648": None, "seven": None},
    "double": {"1.5": 1.5, "-2E3": -2000.0, "NaN": None, "Infinity": None, "1e999": None},
    "date": {"2016-02-29": date(2016, 2, 29), "2015-02-29": None, "2015": None},
    "timestamp": {
        "2016-01-01T02:00:00Z": datetime(2016, 1, 1, 2, tzinfo=UTC),
        "2016-01-01 02:00": datetime(2016, 1, 1, 2, tzinfo=UTC),
        "2016-01-01T02:00:00+08:00": datetime(2015, 12, 31, 18, tzinfo=UTC),
        "2016-01-01": None,
        "02:00": None,
    },
    "string": {" a b ": "a b", "0": "0"},
}


@pytest.mark.parametrize("kind", CASES)
def test_a_text_is_a_value_only_if_it_is_exactly_one(spark: SparkSession, kind: str) -> None:
    dataset = city().dataset("meteorology.daily")
    column = Column(name="v", source_name="V", logical_type="x", spark_type=kind, required=True)
    dataset = dataset.model_copy(update={"columns": (column,), "sequence": None, "operation": None})
    texts = [*CASES[kind], "  ", None]
    lineage = f"{c.BATCH} string, {c.RECORD} string, {c.FILE} string, {c.ROW} bigint"
    schema = f"V string, {lineage}, {c.DELIVERED} timestamp, {c.CORRUPT} string"
    moment = datetime(2016, 1, 1, tzinfo=UTC)
    rows = [(t, "b", str(n), "f", n, moment, None) for n, t in enumerate(texts)]
    found = standardize(spark.createDataFrame(rows, schema), dataset).orderBy(c.ROW)
    if kind == "timestamp":  # a Connect client hands them out in its own machine's zone
        found = found.withColumn("v", F.unix_micros("v"))
    values = [row["v"] for row in found.collect()]
    if kind == "timestamp":
        values = [v and datetime.fromtimestamp(v / 1e6, UTC) for v in values]
    assert dict(zip(texts, values, strict=True)) == {**CASES[kind], "  ": None, None: None}
    if kind == "string":
        return
    wrong = {text for text, value in CASES[kind].items() if value is None}
    told = {row["V"]: row["_uncast_v"] for row in found.select(F.col(f"{c.RAW}.V"), "_uncast_v")
            .collect()}  # fmt: skip
    assert {text for text, uncast in told.items() if uncast is not None} == wrong


def test_no_source_column_can_have_the_name_of_one_of_raw_s_own() -> None:
    assert {name for name, _ in lake.RAW_LINEAGE} == RAW_OWN


@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("is_small", [True, False])
def test_rows_are_counted_as_they_are_staged(
    settings: Settings, spark: SparkSession, tmp_path: Path, is_small: bool, rows: int
) -> None:
    own = settings.model_copy(update={"state_dir": tmp_path})
    dataset = city().dataset("meteorology.daily")
    batch = Batch(spark, own, dataset, "b1", 1, is_small=is_small)
    counted = [F.count("*").alias("rows"), F.count_if(F.col("id") > 0).alias("above")]
    saved, found = batch.save_counted(spark.range(rows).toDF("id"), "x", counted)
    assert found == {"rows": rows, "above": max(rows - 1, 0)}
    assert saved.count() == rows
