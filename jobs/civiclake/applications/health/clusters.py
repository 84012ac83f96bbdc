"""Where cases stand together, and since when: ``marts.outbreak_clusters``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.collected import collected, spread
from civiclake.applications.education.children import persons
from civiclake.applications.education.districts import carried
from civiclake.applications.health.clusters_rows import CELL, DISTRICT, TYPES, clusters, scanning
from civiclake.applications.health.known import last_day
from civiclake.statistics.grid import centres, climb

_CASES = "health.notifiable_cases"


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Clusters of every notifiable disease among districts and cells of the grid.

    Args:
        inputs: ``health.notifiable_cases``, ``public_security.residents``,
            ``geography.divisions``.
        parameters: as :func:`~civiclake.applications.health.clusters_rows.scanning` reads them.

    Raises:
        UserError: a parameter is missing or is none, or there is no case yet.
    """
    asked = scanning(parameters)
    given = inputs[_CASES]
    ends = last_day(given, _CASES)
    register = persons(inputs["public_security.residents"])
    here = _latest(given, register, ends, asked.days)
    divisions = inputs["geography.divisions"].select(
        "code", "name", "former_code", "latitude", "longitude"
    )
    known = collected(divisions, "divisions")
    people = collected(
        register.groupBy("district_code", "home_cell").agg(F.count("*").alias("people")),
        "inhabited cells",
    )
    cases = pd.concat([_by_district(here, known), _by_cell(here, asked.resolution)])
    places = pd.concat([_districts(people, known), _cells(people, asked.resolution)])
    return spread(given, clusters(cases, places, ends, asked), TYPES)


def _latest(cases: DataFrame, register: DataFrame, ends: date, days: int) -> pd.DataFrame:
    """Cases of the latest weeks by disease, district, cell of the home, and week."""
    age = F.datediff(F.lit(ends), F.col("onset_on"))
    homes = register.select("citizen_id", "home_cell")
    counted = (
        cases.where((age >= 0) & (age < days))
        .join(homes, "citizen_id", "left")
        .groupBy("disease_code", "district_code", "home_cell", (age / 7).cast("int").alias("week"))
        .agg(F.count("*").alias("cases"))
    )
    return collected(counted, "diseases, cells and weeks")


def _by_district(cases: pd.DataFrame, divisions: pd.DataFrame) -> pd.DataFrame:
    today = carried(cases, divisions)
    return _summed(today.assign(level=DISTRICT, place=today["district_code"]))


def _by_cell(cases: pd.DataFrame, resolution: int) -> pd.DataFrame:
    return _summed(cases.assign(level=CELL, place=_parents(cases["home_cell"], resolution)))


def _summed(cases: pd.DataFrame) -> pd.DataFrame:
    keys = ["disease_code", "level", "place", "week"]
    return cases.groupby(keys, dropna=False)["cases"].sum().reset_index()


def _parents(cells: pd.Series, resolution: int) -> pd.Series:
    """The larger cell that each lies in; missing where it is not known."""
    known = cells.dropna()
    return pd.Series(climb(known, resolution), index=known.index, dtype=object).reindex(cells.index)


def _districts(people: pd.DataFrame, divisions: pd.DataFrame) -> pd.DataFrame:
    sums = carried(people, divisions).groupby("district_code")["people"].sum()
    found = divisions.assign(people=divisions["code"].map(sums).fillna(0), level=DISTRICT)
    names = ["level", "place", "latitude", "longitude", "people"]
    return found.rename(columns={"code": "place"})[names].astype(
        {"latitude": float, "longitude": float}
    )


def _cells(people: pd.DataFrame, resolution: int) -> pd.DataFrame:
    here = people.assign(place=_parents(people["home_cell"], resolution))
    sums = here.dropna(subset=["place"]).groupby("place")["people"].sum()
    return centres(sums.index).assign(
        level=CELL, place=list(sums.index), people=sums.to_numpy(float)
    )
