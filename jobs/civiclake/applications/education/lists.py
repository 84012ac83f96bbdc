"""The schools' lists as what they tell of learners: who was where at the end of a school year."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def learners(enrolments: DataFrame, person: str = "citizen_id") -> DataFrame:
    """Each learner once in each school year.

    Who changes school within a year is on two lists: the later day of enrolment tells where he
    is. Where nobody is named every row is a learner of its own, who cannot be followed.

    Args:
        enrolments: rows of ``education.enrolments``.
        person: the column that names the learner.

    Returns:
        ``school_year``, ``person``, ``school_id`` (the last one), ``first_school_id``,
        ``grade``, ``schools`` (how many within the year), ``is_there`` (has not left it).
    """
    told = enrolments.where("school_year IS NOT NULL").select(
        "school_year",
        F.col(person).alias("person"),
        F.coalesce(person, "enrolment_id").alias("who"),
        F.struct("enrolled_on", "enrolment_id", "school_id", "grade", "left_on").alias("row"),
    )
    by = told.groupBy("school_year", "who").agg(
        F.max("person").alias("person"),
        F.max("row").alias("last"),
        F.min("row").alias("first"),
        F.count_distinct("row.school_id").alias("schools"),
    )
    return by.select(
        "school_year",
        "person",
        F.col("last.school_id").alias("school_id"),
        F.col("first.school_id").alias("first_school_id"),
        F.col("last.grade").alias("grade"),
        "schools",
        F.col("last.left_on").isNull().alias("is_there"),
    )


def pupils(enrolments: DataFrame) -> DataFrame:
    """Pupils of each school at the end of each year's list.

    Returns:
        ``school_year``, ``school_id``, ``enrolled``: 0 where all have left.
    """
    by = learners(enrolments).groupBy("school_year", "school_id")
    return by.agg(F.count_if("is_there").alias("enrolled"))
