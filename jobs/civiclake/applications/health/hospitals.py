"""Hospitals beside what their patients let expect: ``marts.hospital_outcomes``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from civiclake.applications.collected import collected, spread
from civiclake.applications.health.hospitals_rows import TYPES, Asked, asked, outcomes
from civiclake.applications.health.known import last_day

_STAYS = "medical.admissions"


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Length of stay and readmission by hospital, standardised, with limits of a funnel.

    Args:
        inputs: ``medical.admissions``, ``links.person_link``, ``medical.bed_occupancy``,
            ``health.facilities``.
        parameters: as :func:`~civiclake.applications.health.hospitals_rows.asked` reads them.

    Raises:
        UserError: a parameter is missing or is none, or there is no stay yet.
    """
    want = asked(parameters)
    stays = inputs[_STAYS]
    here = _stays(stays, inputs["links.person_link"], want)
    beds = inputs["medical.bed_occupancy"].groupBy("facility_id")
    full = beds.agg((F.sum("beds_occupied") / F.sum("beds_open")).alias("occupied_share"))
    all_of = stays.select("facility_id").distinct()
    licensed = inputs["health.facilities"].select("facility_id", "district_code")
    hospitals = all_of.join(licensed, "facility_id", "left").join(full, "facility_id", "left")
    rows = outcomes(
        collected(here, "stays"),
        collected(hospitals.select("facility_id", "district_code", "occupied_share"), "hospitals"),
        want,
    )
    return spread(stays, rows, TYPES)


def _stays(stays: DataFrame, links: DataFrame, want: Asked) -> DataFrame:
    """Stays that could be followed for long enough, and whether the patient came back."""
    followed = last_day(stays, _STAYS) - timedelta(days=want.followed_days)
    mine = links.where(f"dataset = '{_STAYS}' AND valid_to IS NULL").select(
        F.col("record_key").alias("admission_id"), "person_id"
    )
    own = Window.partitionBy("person_id").orderBy("admitted_on", "admission_id")
    after = F.datediff(F.lead("admitted_on").over(own), F.col("discharged_on"))
    is_back = F.coalesce(after.between(0, want.followed_days), F.lit(False))
    named = stays.join(mine, "admission_id", "left").withColumn(
        "is_readmitted", F.when(F.col("person_id").isNotNull(), is_back)
    )
    ago = F.datediff(F.lit(followed), F.col("discharged_on"))
    return named.where((ago >= 0) & (ago < want.days)).select(
        "facility_id",
        F.datediff("discharged_on", "admitted_on").alias("days"),
        F.floor(F.months_between("admitted_on", "birth_date") / 12).alias("age_years"),
        "sex",
        F.substring("diagnosis_code", 1, 1).alias("chapter"),
        "is_readmitted",
    )
