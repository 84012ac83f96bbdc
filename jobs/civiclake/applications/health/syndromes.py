"""Outpatient visits by syndrome, watched as diseases are: ``marts.syndrome_signals``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.applications.collected import collected, spread
from civiclake.applications.health.known import last_day
from civiclake.applications.health.signals import watched
from civiclake.applications.health.signals_rows import TYPES
from civiclake.applications.health.watching import watching
from civiclake.errors import UserError

_VISITS = "health.visits"
_WANTED = "wanted is such as syndromes: {respiratory: [J], diarrhoea: [A0, K52]}"


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Signals of every syndrome, by district of the facility and for the whole city.

    Args:
        inputs: ``health.visits``, ``health.facilities``, ``geography.divisions``.
        parameters: as :func:`~civiclake.applications.health.watching.watching` reads them, and
            ``syndromes``: beginnings of diagnoses by name.

    Raises:
        UserError: a parameter is missing or is none, or there is no visit to count.
    """
    named, watch = syndromes(parameters), watching(parameters)
    visits = inputs[_VISITS]
    ends = last_day(visits, _VISITS)
    divisions = inputs["geography.divisions"].select("code", "name", "former_code", "is_urban")
    here = _by_day(visits, inputs["health.facilities"], named)
    rows = watched(
        collected(here, "days, districts and syndromes"),
        collected(divisions, "divisions"),
        ends,
        watch,
    )
    types = {name.replace("disease_code", "syndrome"): kind for name, kind in TYPES.items()}
    return spread(visits, rows.rename(columns={"disease_code": "syndrome"}), types)


def syndromes(parameters: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Beginnings of diagnoses of each syndrome that the parameters of a mart name.

    Raises:
        UserError: there is none, or codes are none.
    """
    given = parameters.get("syndromes")
    if not isinstance(given, Mapping) or not given:
        raise UserError(f"parameters: syndromes: {given!r} names no syndrome; {_WANTED}")
    for name, codes in given.items():
        if not isinstance(codes, list) or not codes or not all(isinstance(c, str) for c in codes):
            raise UserError(f"parameters: syndromes: {name}: {codes!r} is no list; {_WANTED}")
    return given


def _by_day(
    visits: DataFrame, facilities: DataFrame, named: Mapping[str, Sequence[str]]
) -> DataFrame:
    """Visits by syndrome, district and day; a visit is known on the day on which it takes place."""
    day = F.to_date("visited_at")
    where = facilities.select("facility_id", "district_code")
    return (
        visits.withColumn("disease_code", F.explode(F.array_compact(F.array(*_names(named)))))
        .join(where, "facility_id", "left")
        .groupBy("disease_code", "district_code", day.alias("onset_on"), day.alias("reported_on"))
        .agg(F.count("*").alias("cases"))
    )


def _names(named: Mapping[str, Sequence[str]]) -> list[Column]:
    """Each syndrome's name where the diagnosis is of it; a visit may be of several."""
    found = []
    for name, codes in named.items():
        begins = [F.col("diagnosis_code").startswith(code) for code in codes]
        found.append(F.when(reduce(Column.__or__, begins), F.lit(name)))
    return found
