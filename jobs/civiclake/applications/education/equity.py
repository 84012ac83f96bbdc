"""How evenly the city's schools serve its children: ``marts.education_equity``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.collected import collected, spread
from civiclake.applications.education import lists
from civiclake.applications.education.children import counted, persons
from civiclake.applications.education.equity_rows import TYPES, Told, equity
from civiclake.applications.education.kinds import begins, kinds, positive

_SUPPLY = (
    "school_year", "district_code", "kind", "is_urban", "children", "seats", "teachers_fte",
    "spending_yuan", "seats_per_child", "teachers_per_child", "spending_per_child_yuan",
)  # fmt: skip
_ACCESS = (
    "home_cell", "kind", "district_code", "is_urban", "children", "minutes_to_school",
    "seats_per_child",
)  # fmt: skip


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Gini, Theil and parity indices of what children have, by year and kind of school.

    Args:
        inputs: ``education.schools``, ``education.enrolments``, ``geography.divisions``,
            ``public_security.residents``, ``marts.education_supply``,
            ``marts.education_access``.
        parameters: ``kinds`` with ``ages``, ``year_begins``, and ``near_minutes`` within which a
            school is near.

    Raises:
        UserError: a parameter is missing or cannot be meant, or there are more places or schools
            than the method takes.
    """
    named, first = kinds(parameters), begins(parameters)
    enrolments = inputs["education.enrolments"]
    by_year = enrolments.groupBy("school_year").agg(
        F.count_if(F.col("citizen_id").isNull()).alias("without_pseudonym")
    )
    unknown = collected(by_year, "years").dropna().astype(int)
    years = sorted(unknown["school_year"].tolist())
    pupils = lists.pupils(enrolments).where(F.col("school_year") == max(years, default=0))
    schools = inputs["education.schools"].select(
        "school_id", "kind", "district_code", "teachers_fte", "classes", "spending_yuan"
    )
    divisions = inputs["geography.divisions"].select("code", "name", "former_code", "is_urban")
    told = Told(
        years=years,
        without_pseudonym=dict(
            zip(unknown["school_year"], unknown["without_pseudonym"], strict=True)
        ),
        divisions=collected(divisions, "divisions"),
        supply=collected(inputs["marts.education_supply"].select(*_SUPPLY), "districts and kinds"),
        schools=collected(schools.join(pupils, "school_id", "left"), "schools"),
        cells=collected(inputs["marts.education_access"].select(*_ACCESS), "cells and kinds"),
        children=counted(
            _with_years(persons(inputs["public_security.residents"]), enrolments),
            ["district_code", "sex"],
            years,
            named,
            first,
            {"enrolled": lambda year: F.array_contains("years", year)},
        ),
    )
    near = positive(parameters, "near_minutes", 20)
    return spread(enrolments, equity(told, [kind.name for kind in named], near), TYPES)


def _with_years(people: DataFrame, enrolments: DataFrame) -> DataFrame:
    """Each person with the school years that he is on a list of."""
    known = enrolments.where(F.col("citizen_id").isNotNull())
    years = known.groupBy("citizen_id").agg(F.collect_set("school_year").alias("years"))
    return people.join(years, "citizen_id", "left")
