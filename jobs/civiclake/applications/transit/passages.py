"""``transit_passages``: when each planned stop was passed, told from positions along the line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit import parts, passing, positions, timetable
from civiclake.applications.transit.timetable import parameter


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """One row for each day, trip and stop; also of trips that nobody saw.

    Args:
        inputs: the timetable and the positions.
        parameters: ``timezone``; ``day_turns_s``; ``near_m``.

    Raises:
        UserError: a day that one worker's memory can't hold, and that can't be cut.
    """
    seen = positions.seen(inputs, parameters)
    return in_parts(inputs, parameters, seen, parts.of_days(inputs, seen))


def in_parts(
    inputs: Mapping[str, DataFrame],
    parameters: Mapping[str, Any],
    seen: DataFrame,
    cut: parts.Parts,
) -> DataFrame:
    """The same, in the parts given, each in the memory of one worker."""
    running = timetable.running(inputs, cut.days)
    planned = timetable.plans(inputs).join(F.broadcast(running), "service_id")
    mine, plans = parts.cut(inputs, seen, planned, cut)
    compute = _of_part(str(parameters["timezone"]), float(parameter(parameters, "near_m", 200)))
    groups = mine.groupBy("day", "part").cogroup(plans.groupBy("day", "part"))
    return groups.applyInArrow(compute, passing.COLUMNS)


def _of_part(timezone: str, near_m: float) -> Callable[[pa.Table, pa.Table], pa.Table]:
    def compute(seen: pa.Table, planned: pa.Table) -> pa.Table:
        if not planned.num_rows:
            return passing.SCHEMA.empty_table()
        day = planned["day"][0].as_py()
        parts.check(seen.num_rows, day)
        return passing.passages(seen, planned, day, timezone, near_m)

    return compute
