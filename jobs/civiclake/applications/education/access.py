"""How far children have it to school, and what they find: ``marts.education_access``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.collected import collected, spread
from civiclake.applications.education.access_rows import TYPES, Reach, Told, access
from civiclake.applications.education.children import counted, persons
from civiclake.applications.education.kinds import begins, kinds, positive

_SEGMENT = (
    "from_node", "to_node", "from_latitude", "from_longitude", "to_latitude", "to_longitude",
    "length_m", "is_one_way",
)  # fmt: skip


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """The way to the nearest school over the roads, and the seats that a child finds in reach.

    Args:
        inputs: ``education.schools``, ``education.enrolments`` (for the latest school year),
            ``geography.divisions``, ``geography.road_segments``, ``public_security.residents``.
        parameters: ``kinds`` with ``ages``, ``year_begins``, ``walking_kmh``, ``within_minutes``,
            ``decay_minutes`` and ``far_from_roads_m``.

    Raises:
        UserError: a parameter is missing or cannot be meant, or there are more places, schools or
            roads than the method takes.
    """
    named, first = kinds(parameters), begins(parameters)
    reach = Reach(
        walking_m_per_minute=positive(parameters, "walking_kmh", 4.8) * 1000 / 60,
        within_minutes=positive(parameters, "within_minutes", 30),
        decay_minutes=positive(parameters, "decay_minutes", 15),
        far_from_roads_m=positive(parameters, "far_from_roads_m", 2000),
    )
    years = inputs["education.enrolments"].agg(F.max("school_year").alias("latest"))
    latest = collected(years, "years")["latest"].dropna().astype(int).tolist()
    register = inputs["public_security.residents"]
    people = persons(register)
    schools = inputs["education.schools"].select(
        "school_id", "kind", "latitude", "longitude", F.col("places").alias("seats")
    )
    divisions = inputs["geography.divisions"].select("code", "name", "former_code", "is_urban")
    told = Told(
        divisions=collected(divisions, "divisions"),
        schools=collected(schools.orderBy("school_id"), "schools"),
        segments=collected(inputs["geography.road_segments"].select(*_SEGMENT), "road segments"),
        children=counted(people, ["home_cell", "district_code"], latest, named, first),
        registrations=counted(register, ["home_cell"], latest, named, first),
    )
    return spread(people, access(told, reach), TYPES)
