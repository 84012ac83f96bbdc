"""Outbreaks, told early: ``marts.outbreak_signals``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.collected import collected, spread
from civiclake.applications.education.districts import carried, places
from civiclake.applications.health.counted import counted
from civiclake.applications.health.known import last_day
from civiclake.applications.health.signals_rows import TYPES, signals
from civiclake.applications.health.watching import Watching, watching

_CASES, _DIVISIONS = "health.notifiable_cases", "geography.divisions"


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Signals of every notifiable disease, by district and for the whole city.

    Args:
        inputs: ``health.notifiable_cases``, ``geography.divisions``.
        parameters: as :func:`~civiclake.applications.health.watching.watching` reads them.

    Raises:
        UserError: a parameter is missing or is none, or there is no case to count.
    """
    watch = watching(parameters)
    given = inputs[_CASES]
    ends = last_day(given, _CASES)
    divisions = inputs[_DIVISIONS].select("code", "name", "former_code", "is_urban")
    rows = watched(
        collected(_by_day(given), "days, districts and diseases"),
        collected(divisions, "divisions"),
        ends,
        watch,
    )
    return spread(given, rows, TYPES)


def watched(
    cases: pd.DataFrame, divisions: pd.DataFrame, ends: date, watch: Watching
) -> pd.DataFrame:
    """Signals of cases that are counted by disease, district and day.

    Args:
        cases: as :func:`~civiclake.applications.health.counted.counted` takes them, with the codes
            of their time.
        divisions: today's: ``code``, ``name``, ``former_code``, ``is_urban``.
        ends: the last day that is counted.
        watch: what is a signal.

    Returns:
        The columns of :data:`~civiclake.applications.health.signals_rows.TYPES`.
    """
    districts = places(divisions)
    found = counted(
        carried(cases, divisions),
        districts["district_code"].tolist(),
        watch.city_code,
        ends,
        watch.years,
        watch.longest_delay_days,
    )
    former = districts.set_index("district_code")["former_code"]
    rows = signals(found, watch)
    return rows.assign(former_code=rows["district_code"].map(former.where(former.notna(), None)))


def _by_day(cases: DataFrame) -> DataFrame:
    """Cases by disease, district, first day of the illness and day on which they were known.

    A case is known since it was reported or, where that is not said and the lake keeps all
    versions, since its first version.
    """
    known = F.col("reported_on")
    if "_valid_from" in cases.columns:
        first = cases.groupBy("case_id").agg(F.to_date(F.min("_valid_from")).alias("_first"))
        cases = cases.where("_is_current").join(first, "case_id")
        known = F.coalesce(known, F.col("_first"))
    keys = ["disease_code", "district_code", "onset_on"]
    return cases.groupBy(*keys, known.alias("reported_on")).agg(F.count("*").alias("cases"))
