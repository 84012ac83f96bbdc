"""``marts.posts`` and ``marts.post_coverage``: where who is sent should stand by, and what of it
is within reach at each hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.collected import collected, spread
from civiclake.applications.safety.incidents import PLACES, ROADS, incidents, last_days
from civiclake.applications.safety.parameters import number, whole
from civiclake.applications.safety.posts_rows import (
    COVERAGE,
    HOURS,
    POSTS,
    Demand,
    Placed,
    Service,
    coverage_of,
    placed,
    posts_of,
)
from civiclake.errors import UserError
from civiclake.statistics.roads import of_segments

PEOPLE = "marts.planning_demand"
_SEGMENT = (
    "from_node", "to_node", "from_latitude", "from_longitude", "to_latitude", "to_longitude",
    "length_m", "speed_kmh", "is_one_way",
)  # fmt: skip
_EVERYBODY = "age_from = 0 AND age_to = 150 AND cell IS NOT NULL"
_OF = ("incidents", "people")
_WANTED = (
    "wanted is such as services: {patrol: {demand: incidents, posts: 6, within_minutes: 8},"
    " ambulance: {demand: people, posts: 6, within_minutes: 12}}"
)


def posts(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """The posts of each service.

    Args:
        inputs: ``marts.incident_places``, ``marts.planning_demand``, ``geography.road_segments``.
        parameters: ``services``, ``days`` whose incidents count, ``most_candidates`` and
            ``off_road_kmh`` between a place and its crossing.

    Raises:
        UserError: a parameter is missing or cannot be meant.
    """
    return spread(inputs[PLACES], posts_of(_placed(inputs, parameters)), POSTS)


def coverage(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """What the same posts reach of each hour's demand; arguments and errors as :func:`posts`."""
    return spread(inputs[PLACES], coverage_of(_placed(inputs, parameters)), COVERAGE)


def _placed(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> list[Placed]:
    wanted = services(parameters)
    segments = collected(inputs[ROADS].orderBy("segment_id").select(*_SEGMENT), "road segments")
    network = of_segments(segments) if len(segments) else None
    people = inputs[PEOPLE].where(_EVERYBODY).select("cell", F.col("people").cast("double"))
    demands = {
        "incidents": by_incidents(incidents(inputs[PLACES]), whole(parameters, "days", 365)),
        "people": by_people(collected(people, "cells with people")),
    }
    most, off = (
        whole(parameters, "most_candidates", 60),
        number(parameters, "off_road_kmh", 20),
    )
    return [placed(one, demands[one.demand], network, most, off) for one in wanted]


def services(parameters: Mapping[str, Any]) -> list[Service]:
    """Who stands by.

    Raises:
        UserError: there is none, or one cannot be meant.
    """
    said = parameters.get("services")
    if not isinstance(said, Mapping) or not said:
        raise UserError(f"parameters: services: {said!r} names none; {_WANTED}")
    found = []
    for name, given in said.items():
        if not isinstance(given, Mapping) or given.get("demand") not in _OF:
            raise UserError(
                f"parameters: services: {name}: {given!r}; its demand is one of"
                f" {', '.join(_OF)}; {_WANTED}"
            )
        try:
            within = number(given, "within_minutes", 8)
            found.append(Service(str(name), given["demand"], whole(given, "posts", 6), within))
        except UserError as error:
            raise UserError(f"parameters: services: {name}: {error}") from None
    return found


def by_incidents(rows: pd.DataFrame, days: int) -> Demand:
    """Reported incidents of the last days, by cell and hour.

    What patrols discover lies where patrols were, and would send them there again.
    """
    if rows.empty:
        return Demand(pd.DataFrame(columns=range(HOURS), dtype=float), None, None, is_by_hour=True)
    some, from_day, to_day = last_days(rows, days)
    reported = some[~some["is_discovered"].astype(bool)]
    table = pd.crosstab(reported["cell"], reported["hour"].astype(int)).astype(float)
    table = table.reindex(columns=range(HOURS), fill_value=0.0)
    return Demand(table.sort_index(), from_day, to_day, is_by_hour=True)


def by_people(rows: pd.DataFrame) -> Demand:
    """People by cell; they are there at all hours."""
    people = rows.groupby("cell")["people"].sum().sort_index()
    return Demand(pd.DataFrame({0: people}), None, None, is_by_hour=False)
