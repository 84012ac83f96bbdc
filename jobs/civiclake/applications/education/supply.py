"""What each district has for its children, by kind and year: ``marts.education_supply``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.collected import collected, spread
from civiclake.applications.education import lists
from civiclake.applications.education.children import counted, persons
from civiclake.applications.education.kinds import begins, kinds
from civiclake.applications.education.supply_rows import TYPES, Told, supply


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Children, seats, teachers, spending and class size of each district, kind and year.

    Every division has a row for every kind and school year, also without a school or a child.

    Args:
        inputs: ``education.schools``, ``education.enrolments``, ``geography.divisions``,
            ``public_security.residents``, ``marts.education_access``.
        parameters: ``kinds`` with ``ages`` and the city's floors, and ``year_begins``.

    Raises:
        UserError: the parameters name no kind, or what cannot be a range of ages or a floor; or
            there are more schools or districts than the method takes.
    """
    named, first = kinds(parameters), begins(parameters)
    enrolments = inputs["education.enrolments"]
    enrolled = collected(lists.pupils(enrolments), "schools and school years")
    years = sorted({int(year) for year in enrolled["school_year"]})
    people = persons(inputs["public_security.residents"])
    schools = inputs["education.schools"].select(
        "school_id", "kind", "district_code", F.col("places").alias("seats"), "teachers_fte",
        "classes", "spending_yuan",
    )  # fmt: skip
    divisions = inputs["geography.divisions"].select("code", "name", "former_code", "is_urban")
    told = Told(
        divisions=collected(divisions, "divisions"),
        schools=collected(schools, "schools"),
        enrolled=enrolled,
        children=counted(people, ["district_code"], years, named, first),
        ways=collected(_ways(inputs["marts.education_access"]), "districts"),
    )
    return spread(enrolments, supply(told, named, years), TYPES)


def _ways(access: DataFrame) -> DataFrame:
    """Sums over each district's children: a mean is of people, not of cells."""
    has_way = F.col("minutes_to_school").isNotNull()
    return access.groupBy("district_code", "kind").agg(
        F.sum(F.when(has_way, F.col("children"))).alias("children_with_way"),
        F.sum(F.col("children") * F.col("minutes_to_school")).alias("minutes"),
        F.sum(F.when(F.col("is_cut_off"), F.col("children"))).alias("children_cut_off"),
    )
