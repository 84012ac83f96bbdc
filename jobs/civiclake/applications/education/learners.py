"""What became of learners from one school year to the next: ``marts.education_learners``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from civiclake.applications.collected import collected, spread
from civiclake.applications.education import lists
from civiclake.applications.education.learners_rows import COUNTS, TYPES, followed
from civiclake.errors import UserError

_LISTS = "education.enrolments"


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Who stayed, changed school, moved up, left or ended: counts by year, district and grade.

    Args:
        inputs: ``education.enrolments``, ``links.person_link`` (whose each of its records is),
            ``education.schools``, ``geography.divisions``.
        parameters: ``obligation`` (the first and last grade that have to be attended) and
            ``smallest_group``: of fewer learners nothing is told.

    Raises:
        UserError: a parameter is missing or cannot be meant, or there are more districts and
            grades than the method takes.
    """
    first, last = _obligation(parameters)
    smallest = parameters.get("smallest_group")
    if isinstance(smallest, bool) or not isinstance(smallest, int) or smallest < 1:
        raise UserError(
            f"parameters: smallest_group: {smallest!r}; a whole number from 1 on is allowed"
        )
    schools = inputs["education.schools"].select("school_id", "kind", "district_code")
    named = _named(inputs["education.enrolments"], inputs["links.person_link"])
    here = lists.learners(named, "person_id").join(schools, "school_id", "left")
    kinds = schools.select(
        F.col("school_id").alias("next_school_id"), F.col("kind").alias("next_kind")
    )
    found = _what_became(_with_next(here).join(kinds, "next_school_id", "left"), first, last)
    counts = found.groupBy("school_year", "district_code", "grade").agg(
        F.count("*").alias("learners"),
        F.count_if(F.col("person").isNull()).alias("not_followed"),
        F.count_if(F.col("schools") > 1).alias("moved_within_year"),
        *(F.count_if(F.col("became") == name).alias(name) for name in COUNTS),
    )
    divisions = inputs["geography.divisions"].select("code", "name", "former_code", "is_urban")
    rows = followed(
        collected(counts, "districts and grades"),
        collected(schools.select("district_code"), "schools"),
        collected(divisions, "divisions"),
        smallest,
    )
    return spread(here, rows, TYPES)


def _named(enrolments: DataFrame, links: DataFrame) -> DataFrame:
    """Rows with the ``person_id`` whose they are: a list may not know an identity number."""
    mine = links.where(f"dataset = '{_LISTS}' AND valid_to IS NULL").select(
        F.col("record_key").alias("enrolment_id"), "person_id"
    )
    return enrolments.join(mine, "enrolment_id", "left")


def _with_next(here: DataFrame) -> DataFrame:
    """The next list that has each learner: ``next_year``, ``next_school_id``."""
    own = Window.partitionBy("person").orderBy("school_year")
    is_named = F.col("person").isNotNull()
    return here.withColumns(
        {
            "next_year": F.when(is_named, F.lead("school_year").over(own)),
            "next_school_id": F.when(is_named, F.lead("first_school_id").over(own)),
        }
    )


def _what_became(found: DataFrame, first: int, last: int) -> DataFrame:
    """``became`` of each learner whom one can follow, one of :data:`COUNTS`."""
    goes_on = F.col("next_year") == F.col("school_year") + 1
    is_obliged = F.col("grade").between(first, last - 1)
    became = (
        F.when(F.col("person").isNull(), None)
        .when(goes_on & (F.col("next_school_id") == F.col("school_id")), "stayed")
        .when(goes_on & (F.col("next_kind") == F.col("kind")), "changed_school")
        .when(goes_on, "moved_up")
        .when(F.col("next_year").isNotNull(), "away")
        .when(is_obliged, "left_school")
        .otherwise("ended")
    )
    return found.withColumn("became", became)


def _obligation(parameters: Mapping[str, Any]) -> tuple[int, int]:
    said = parameters.get("obligation")
    if not (
        isinstance(said, list)
        and len(said) == 2
        and all(isinstance(grade, int) for grade in said)
        and 0 <= said[0] <= said[1]
    ):
        raise UserError(
            f"parameters: obligation: {said!r} should be the first and the last grade that have to"
            " be attended, such as [1, 9]"
        )
    return said[0], said[1]
