"""What was put into the sample city is what the health marts find, from the rows served."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd
import pytest
from mart_cases import city as contracts
from mart_cases import tables, types
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake.pipeline.marts import steps
from civiclake.pipeline.marts.result import hold, shaped
from demo.city.deliveries import Deliveries
from demo.city.journal import Journal
from demo.city.model import Model
from demo.city.outbreak import outbreak
from demo.city.register import Register
from demo.city.residents import City
from demo.city.table import OLDER, TWICE

MODEL = Model(City(20160101, 2000))
MARTS = (
    "outbreak_signals", "outbreak_clusters", "hospital_outcomes", "cohort_survival",
    "cohort_hazards",
)  # fmt: skip
LINK = "links.person_link"


def _frame(spark: SparkSession, name: str) -> DataFrame:
    """The rows of a dataset, as the lake would serve them of the first night."""
    series, known = MODEL.series[name], types(tables()[name])
    assert isinstance(series, Register | Journal | Deliveries)
    if isinstance(series, Deliveries):
        rows = [series.clean(number) for number in range(series.size)]
    else:
        sound = (TWICE, OLDER)
        kept = (n for n in range(series.size) if series.special.get(n, TWICE) in sound)
        rows = (
            [version.row for n in kept for version in series.first(n)[-1:]]
            if isinstance(series, Journal)
            else [series.clean(n) for n in kept]
        )
    table = pd.DataFrame(rows, columns=series.shape.columns).astype(object)
    texts = table[[c for c in table.columns if c in known]].map(
        lambda value: None if value is None else str(value)
    )
    if "sex" in texts:
        texts["sex"] = texts["sex"].replace({"M": "1", "F": "2"})
    frame = spark.createDataFrame(texts, ", ".join(f"`{c}` string" for c in texts.columns))
    return frame.select([F.col(c).cast(known[c]).alias(c) for c in texts.columns])


def _links(spark: SparkSession, names: list[str]) -> DataFrame:
    rows = []
    for name in names:
        series = MODEL.series[name]
        if series.shape.who is not None:
            label, who = series.shape.label.format, series.shape.who
            rows += [(name, label(n), f"P{who(MODEL.city, n)}") for n in range(series.size)]
    found = spark.createDataFrame(rows, "dataset string, record_key string, person_id string")
    return found.withColumn("valid_to", F.lit(None).cast("timestamp"))


@pytest.fixture(scope="module")
def made(spark: SparkSession) -> Mapping[str, pd.DataFrame]:
    marts = {mart.name: mart for mart in contracts().marts if mart.name in MARTS}
    names = sorted({name for mart in marts.values() for name in mart.inputs} - {LINK})
    inputs = {name: _frame(spark, name) for name in names}
    inputs[LINK] = _links(spark, names)
    found = {}
    for name, mart in marts.items():
        given = {one: inputs[one] for one in mart.inputs}
        frame = shaped(mart, steps.apply(mart, given, tables())).persist()
        hold(mart, frame)
        found[name] = frame.toPandas()
        frame.unpersist()
    return found


def test_the_outbreak_alarms_and_nothing_else_does(made: Mapping[str, pd.DataFrame]) -> None:
    told: dict[str, Any] = outbreak(MODEL)
    rows = made["outbreak_signals"]
    tonight = rows[(rows["period"] == "seven_days") & (rows["ends_on"] == date(2015, 12, 31))]
    alarms = tonight[tonight["is_alarm"] & ~tonight["is_citywide"]]
    assert alarms["disease_code"].tolist() == [told["disease_code"]]
    assert alarms["district_code"].tolist() == [told["district_code"]]
    assert len(tonight) == 9 * 15
    clusters = made["outbreak_clusters"]
    sure = clusters[clusters["is_cluster"] & (clusters["level"] == "district")]
    assert set(sure["disease_code"]) == {told["disease_code"]}
    assert set(sure["places"]) == {told["district_code"]}


def test_hospitals_and_cohorts_tell_a_figure_or_why_not(made: Mapping[str, pd.DataFrame]) -> None:
    hospitals = made["hospital_outcomes"]
    assert hospitals.groupby("measure").size().tolist() == [38, 38]
    few = hospitals["cases"] < 30
    assert few.any() and hospitals.loc[few, "observed"].isna().all()
    assert hospitals.loc[few, "gap"].notna().all()
    for name, figure in (("cohort_survival", "survival"), ("cohort_hazards", "hazard_ratio")):
        rows = made[name]
        assert rows["cohort"].nunique() == 2
        assert rows.loc[rows[figure].isna(), "gap"].notna().all()
