"""``transit_passages``: when each planned stop was passed, told from positions along the line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.applications.transit import passing, positions, timetable
from civiclake.applications.transit.timetable import parameter


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """One row for each day, trip and stop; also of trips that nobody saw.

    A day is computed as a whole, in the memory of one worker: some 300 bytes a position.

    Args:
        inputs: the timetable and the positions.
        parameters: ``timezone``; ``day_turns_s``; ``near_m``.
    """
    seen = positions.seen(inputs, parameters)
    running = timetable.running(inputs, timetable.days_of(seen))
    compute = _of_day(str(parameters["timezone"]), float(parameter(parameters, "near_m", 200)))
    planned = timetable.plans(inputs).join(F.broadcast(running), "service_id")
    groups = seen.groupBy("day").cogroup(planned.groupBy("day"))
    return groups.applyInArrow(compute, passing.COLUMNS)


def _of_day(timezone: str, near_m: float) -> Callable[[pa.Table, pa.Table], pa.Table]:
    def compute(seen: pa.Table, planned: pa.Table) -> pa.Table:
        if not planned.num_rows or not seen.num_rows:
            return passing.SCHEMA.empty_table()
        day = planned["day"][0].as_py()
        return passing.passages(seen, planned, day, timezone, near_m)

    return compute
