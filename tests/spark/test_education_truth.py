"""What was put into the sample city is what the education marts find."""

from __future__ import annotations

import re
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
from demo.city import supply as supply_of_city
from demo.city.answers import answers
from demo.city.journal import Journal
from demo.city.model import Model
from demo.city.register import Register
from demo.city.residents import City
from demo.city.table import OLDER, TWICE

CITY = City(20160101, 2000)
MODEL = Model(CITY)
DATASETS = (
    "education.schools", "education.enrolments", "geography.divisions",
    "geography.road_segments", "public_security.residents",
)  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return answers(MODEL)


def _served(name: str) -> list[int]:
    """Numbers of the rows that the lake serves of the first night: those set aside are not."""
    series = MODEL.series[name]
    assert isinstance(series, Register | Journal)
    sound = (TWICE, OLDER)
    return [n for n in range(series.size) if series.special.get(n, TWICE) in sound]


def _frame(spark: SparkSession, name: str) -> DataFrame:
    """The rows of a dataset, as the lake would serve them."""
    series, known = MODEL.series[name], types(tables()[name])
    rows = [series.clean(number) for number in _served(name)]
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
    series = MODEL.series["education.enrolments"]
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
    supplied: DataFrame, truth: dict[str, Any], measure: str
) -> None:
    rows = supplied.where("school_year = 2015").toPandas()
    found = standing(rows[list(columns(measure))], measure)
    assert found["district_code"].tolist()[:3] == truth["education"]["lowest"]
    assert found["is_below"].tolist() == [True] * 3 + [False] * 11


def test_districts_have_what_the_city_gave_them(supplied: DataFrame, truth: dict[str, Any]) -> None:
    rows = supplied.where("school_year = 2015").toPandas()
    amounts = ["children", "seats", "teachers_fte", "spending_yuan"]
    sums = rows.groupby("district_code")[amounts].sum()
    for code, told in truth["education"]["by_district"].items():
        assert sums.loc[code].tolist() == pytest.approx([told[name] for name in amounts])
    by = rows.set_index(["district_code", "kind"])["children"]
    for code, told in truth["education"]["by_district"].items():
        assert {kind: by[code, kind] for kind in demand.STAGES} == told["children_by_kind"]


def test_far_cells_are_found_and_no_others(reached: DataFrame, truth: dict[str, Any]) -> None:
    far = truth["cells"]["school"]
    rows = reached.where("kind = 'primary'").toPandas().set_index("home_cell")
    found = rows.loc[rows["metres_to_school"] > far["within_m"], "metres_to_school"]
    # The truth measures on a sphere, the mart on the ellipsoid.
    assert found.to_dict() == pytest.approx(far["cells"], rel=2e-3)
    assert rows.loc[found.index, "children"].sum() == far["people"]
    means = reached.toPandas().drop_duplicates("home_cell").groupby("district_code")
    longest = means["metres_to_any_school"].mean().nlargest(3)
    assert set(longest.index) == set(places.UNDER_SERVED)


def test_those_who_left_or_changed_are_found_and_nobody_else(
    inputs: dict[str, DataFrame], truth: dict[str, Any]
) -> None:
    parameters = {**_parameters("education_learners"), "smallest_group": 1}
    rows = learners.build(inputs, parameters).where("school_year < 2015").toPandas()
    sums = rows.groupby("district_code")[["left_school", "changed_school", "learners"]].sum()
    left = Counter(_district_of(key) for key in truth["education"]["leavers"])
    changed = Counter(_district_of(key) for key, _ in truth["education"]["changers"])
    for code, row in sums.iterrows():
        assert (row["left_school"], row["changed_school"]) == (left[code], changed[code])
    assert (sums["left_school"] / sums["learners"]).idxmax() == pupils.LEAVING_DISTRICT
    assert rows["not_followed"].sum() == 0


def _district_of(enrolment: str) -> str:
    school = pupils.attendance(CITY, int(enrolment[1:])).school
    return supply_of_city.school_district(CITY, school).code


@pytest.fixture(scope="module")
def weighed(
    inputs: dict[str, DataFrame], reached: DataFrame, supplied: DataFrame
) -> dict[str, DataFrame]:
    """All inputs and all marts, by id."""
    given = {**inputs, "marts.education_access": reached, "marts.education_supply": supplied}
    fair = equity.build(given, _parameters("education_equity")).persist()
    learned = learners.build(inputs, _parameters("education_learners")).persist()
    return {**given, "marts.education_equity": fair, "marts.education_learners": learned}


@pytest.mark.parametrize("name", ["access", "equity", "learners", "supply"])
def test_the_rows_behind_a_figure_are_as_many_as_it_says(
    weighed: dict[str, DataFrame], name: str
) -> None:
    mart = next(one for one in contracts().marts if one.name == f"education_{name}")
    assert mart.behind
    for figure, behind in mart.behind.items():
        values = [F.col(c.name).alias(f"_of_{c.name}") for c in mart.columns]
        told = weighed[mart.id].select(*values, F.col(figure).alias("_told"))
        where = re.sub(r"(?<!:):(\w+)", r"_of_\1", behind.where)
        rows = weighed[behind.input].withColumn("_is_there", F.lit(1))
        both = told.join(rows, F.expr(where), "left")
        counts = both.groupBy(*[f"_of_{key}" for key in mart.key], "_told").agg(
            F.count("_is_there").alias("_counted")
        )
        assert counts.where("_told <> _counted").collect() == []
        assert counts.where("_told > 0").count() > 10


def test_rural_children_have_less_and_girls_are_enrolled_as_boys(
    weighed: dict[str, DataFrame],
) -> None:
    rows = weighed["marts.education_equity"].where("school_year = 2015").toPandas()
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
