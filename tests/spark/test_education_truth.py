"""What was put into the sample city is what the education marts find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from mart_cases import city as contracts
from mart_cases import tables, types
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake.applications.education import access, equity, learners, supply
from civiclake.applications.education.standing import columns, standing
from demo.city import demand, places, pupils
from demo.city.model import Model
from demo.city.residents import City

CITY = City(20160101, 2000)
DATASETS = (
    "education.schools", "education.enrolments", "geography.divisions",
    "geography.road_segments", "public_security.residents",
)  # fmt: skip


def _frame(spark: SparkSession, name: str) -> DataFrame:
    """The clean rows of a dataset, as the lake would serve them."""
    series, known = Model(CITY).series[name], types(tables()[name])
    rows = [series.clean(number) for number in range(series.size)]
    table = pd.DataFrame(rows, columns=series.shape.columns).astype(object)
    table = table[[c for c in table.columns if c in known]]
    texts = table.map(lambda value: None if value is None else str(value))
    if "sex" in texts:
        texts["sex"] = texts["sex"].replace({"M": "1", "F": "2"})
    frame = spark.createDataFrame(texts, ", ".join(f"`{c}` string" for c in texts.columns))
    return frame.select([F.col(c).cast(known[c]).alias(c) for c in texts.columns])


def _parameters(name: str) -> Mapping[str, Any]:
    return next(mart.parameters for mart in contracts().marts if mart.name == name)


@pytest.fixture(scope="module")
def inputs(spark: SparkSession) -> dict[str, DataFrame]:
    found = {name: _frame(spark, name) for name in DATASETS}
    series = Model(CITY).series["education.enrolments"]
    assert series.shape.who is not None
    links = [
        ("education.enrolments", series.shape.label.format(n), f"P{series.shape.who(CITY, n)}")
        for n in range(series.size)
    ]
    schema = "dataset string, record_key string, person_id string"
    link = spark.createDataFrame(links, schema).withColumn(
        "valid_to", F.lit(None).cast("timestamp")
    )
    return {**found, "links.person_link": link}


@pytest.fixture(scope="module")
def reached(inputs: dict[str, DataFrame]) -> DataFrame:
    return access.build(inputs, _parameters("education_access")).persist()


@pytest.fixture(scope="module")
def supplied(inputs: dict[str, DataFrame], reached: DataFrame) -> DataFrame:
    given = {**inputs, "marts.education_access": reached}
    return supply.build(given, _parameters("education_supply")).persist()


@pytest.mark.parametrize(
    "measure", ["seats_per_child", "teachers_per_child", "spending_per_child_yuan"]
)
def test_the_under_served_districts_are_the_lowest_in_order(
    supplied: DataFrame, measure: str
) -> None:
    rows = supplied.where("school_year = 2015").toPandas()
    found = standing(rows[list(columns(measure))], measure)
    assert tuple(found["district_code"][:3]) == places.UNDER_SERVED
    assert found["is_below"].tolist() == [True] * 3 + [False] * 11


def test_children_are_those_of_the_city(supplied: DataFrame) -> None:
    found = {
        (row["district_code"], row["kind"]): row["children"]
        for row in supplied.where("school_year = 2015").collect()
    }
    made = demand.children_by_stage(CITY)
    assert len(found) == 14 * 4
    assert {key: n for key, n in found.items() if n} == {
        (code, demand.STAGES[stage]): n for (code, stage), n in made.items()
    }


def test_children_walk_longest_where_the_city_serves_them_badly(reached: DataFrame) -> None:
    rows = reached.toPandas()
    assert rows["children"].sum() == sum(demand.children_by_stage(CITY).values())
    assert rows["minutes_to_school"].notna().all()
    assert not rows.loc[rows["is_cut_off"], "seats_per_child"].any()
    cells = rows.drop_duplicates("home_cell")
    far = cells.groupby("district_code")["metres_to_any_school"].mean().nlargest(3)
    assert set(far.index) == set(places.UNDER_SERVED)


def test_those_who_left_are_found_and_nobody_else(inputs: dict[str, DataFrame]) -> None:
    parameters = {**_parameters("education_learners"), "smallest_group": 1}
    rows = learners.build(inputs, parameters).where("school_year < 2015").toPandas()
    left = rows.groupby("district_code")["left_school"].sum()
    assert left.to_dict() == {d.code: _leavers()[d.code] for d in places.DISTRICTS}
    followed = rows.groupby("district_code")["learners"].sum()
    assert (left / followed).idxmax() == pupils.LEAVING_DISTRICT
    assert rows["not_followed"].sum() == 0


def _leavers() -> Counter[str]:
    """By district of the last school: who is on no list of a year that he had to attend."""
    years: dict[int, dict[int, int]] = {}
    for index in range(pupils.count(CITY)):
        one = pupils.attendance(CITY, index)
        years.setdefault(one.child, {})[one.year] = one.school
    found: Counter[str] = Counter()
    for child, schools in years.items():
        last = max(schools)
        age = demand.school_age(CITY.childhood(child)[0], last + 1)
        if last < demand.SCHOOL_YEARS[-1] and pupils.OBLIGATION[0] <= age <= pupils.OBLIGATION[1]:
            found[pupils.supply.school_district(CITY, schools[last]).code] += 1
    return found


def test_rural_children_have_less_and_girls_are_enrolled_as_boys(
    inputs: dict[str, DataFrame], reached: DataFrame, supplied: DataFrame
) -> None:
    given = {**inputs, "marts.education_access": reached, "marts.education_supply": supplied}
    rows = (
        equity.build(given, _parameters("education_equity")).where("school_year = 2015").toPandas()
    )
    by = rows.set_index(["kind", "measure", "statistic", "groups"])
    for kind in demand.STAGES:
        assert by.loc[(kind, "seats_per_child", "parity", "rural to urban"), "value"] < 0.97
        girls = by.loc[(kind, "enrolled", "parity", "girls to boys")]
        assert girls["low"] < 1 < girls["high"]
        parts = [by.loc[(kind, "class_size", s, "districts"), "value"] for s in
                 ("theil", "theil_between", "theil_within")]  # fmt: skip
        assert parts[0] == pytest.approx(parts[1] + parts[2])
    missing = rows["value"].isna()
    assert rows.loc[missing, "gap"].notna().all()
