"""``marts.staffing``: how many must be there in each shift for calls to be answered in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from civiclake.applications.collected import spread
from civiclake.applications.safety.incidents import PLACES, incidents, last_days
from civiclake.applications.safety.parameters import number, whole
from civiclake.errors import UserError
from civiclake.statistics.staffing import Calls, needed

TYPES: Mapping[str, str] = {
    "service": "string",
    "shift": "string",
    "days": "string",
    "from_hour": "integer",
    "to_hour": "integer",
    "from_day": "date",
    "to_day": "date",
    "days_counted": "integer",
    "incidents": "integer",
    "busiest_hour": "integer",
    "calls_per_hour": "number",
    "traffic_erlangs": "number",
    "agents": "integer",
    "rostered": "integer",
    "waiting_share": "number",
    "answered_share": "number",
    "mean_wait_s": "number",
    "occupancy_share": "number",
    "gap": "string",
}
HOURS = 24
_WEEKEND = 5
_WANTED = (
    "wanted is such as services: {call_takers: {calls_per_incident: 2, handling_minutes: 4,"
    " answer_within_s: 20, answered_share: 0.8, shrinkage: 0.3}}"
)
_SHIFTS = "wanted is such as shifts: {night: [0, 8], day: [8, 16], evening: [16, 24]}"


@dataclass(frozen=True)
class Shift:
    """Hours of the day."""

    name: str
    from_hour: int
    to_hour: int
    """The first that is not of it."""


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Who must be there, by service, shift, and working days or weekends.

    Args:
        inputs: ``marts.incident_places``.
        parameters: ``days`` that are looked at, ``shifts`` and ``services``.

    Raises:
        UserError: a parameter is missing or cannot be meant.
    """
    found = staffing(
        incidents(inputs[PLACES]),
        whole(parameters, "days", 365),
        shifts(parameters),
        services(parameters),
    )
    return spread(inputs[PLACES], found, TYPES)


def shifts(parameters: Mapping[str, Any]) -> tuple[Shift, ...]:
    """The shifts, which are all hours of a day, each once.

    Raises:
        UserError: they are not.
    """
    said = parameters.get("shifts")
    if not isinstance(said, Mapping) or not said:
        raise UserError(f"parameters: shifts: {said!r}; {_SHIFTS}")
    hours: list[int] = []
    for name, pair in said.items():
        if not (
            isinstance(pair, list)
            and len(pair) == 2
            and all(isinstance(hour, int) for hour in pair)
            and 0 <= pair[0] < pair[1] <= HOURS
        ):
            raise UserError(f"parameters: shifts: {name}: {pair!r} are no hours; {_SHIFTS}")
        hours += range(*pair)
    if sorted(hours) != list(range(HOURS)):
        raise UserError(f"parameters: shifts: should hold each hour of a day once; {_SHIFTS}")
    return tuple(Shift(str(name), *pair) for name, pair in said.items())


@dataclass(frozen=True)
class Service:
    """Who answers, or is sent."""

    name: str
    calls_per_incident: float
    calls: Calls
    """With the rate of nobody yet."""

    def at(self, incidents_per_hour: float) -> Calls:
        """Its calls at a rate of incidents."""
        rate = incidents_per_hour * self.calls_per_incident
        some = self.calls
        return Calls(rate, some.handling_s, some.answer_within_s, some.share_within, some.shrinkage)


def services(parameters: Mapping[str, Any]) -> tuple[Service, ...]:
    """The services that are staffed.

    Raises:
        UserError: there is none, or a figure of one cannot be meant.
    """
    said = parameters.get("services")
    if not isinstance(said, Mapping) or not said:
        raise UserError(f"parameters: services: {said!r} names none; {_WANTED}")
    found = []
    for name, given in said.items():
        if not isinstance(given, Mapping):
            raise UserError(f"parameters: services: {name}: {given!r}; {_WANTED}")
        try:
            calls = Calls(
                0,
                number(given, "handling_minutes", 4) * 60,
                number(given, "answer_within_s", 20),
                number(given, "answered_share", 0.8, below=1),
                number(given, "shrinkage", 0.3, below=1),
            )
            found.append(Service(str(name), number(given, "calls_per_incident", 2), calls))
        except UserError as error:
            raise UserError(f"parameters: services: {name}: {error}") from None
    return tuple(found)


def staffing(
    rows: pd.DataFrame, days: int, of_day: tuple[Shift, ...], wanted: tuple[Service, ...]
) -> pd.DataFrame:
    """One row for each service, shift, and working days or weekends.

    A shift is staffed for its busiest hour, in the mean of the days.

    Args:
        rows: of :func:`civiclake.applications.safety.incidents.incidents`.
        days: the last so many are looked at, or as many as there are on record.
        of_day: the shifts.
        wanted: the services.

    Returns:
        The columns of :data:`TYPES`.
    """
    if rows.empty:
        return pd.DataFrame(columns=list(TYPES))
    some, from_day, to_day = last_days(rows, days)
    from_day = max(from_day, rows["day"].min().date())
    found = []
    for name, is_weekend in (("working", False), ("weekend", True)):
        mine = some[(some["day"].dt.weekday >= _WEEKEND) == is_weekend]
        by_hour = np.bincount(mine["hour"].astype("int64"), minlength=HOURS)
        among = pd.date_range(from_day, to_day).weekday
        counted = int(((among >= _WEEKEND) == is_weekend).sum())
        span = {"days": name, "from_day": from_day, "to_day": to_day, "days_counted": counted}
        found += [
            {**span, **_row(service, shift, by_hour, counted)}
            for service in wanted
            for shift in of_day
        ]
    return pd.DataFrame(found)[list(TYPES)]


def _row(service: Service, shift: Shift, by_hour: Any, counted: int) -> dict[str, Any]:
    mine = by_hour[shift.from_hour : shift.to_hour]
    busiest = int(mine.argmax())
    row = {
        "service": service.name,
        "shift": shift.name,
        "from_hour": shift.from_hour,
        "to_hour": shift.to_hour,
        "incidents": int(mine.sum()),
        "busiest_hour": shift.from_hour + busiest,
    }
    if not counted:
        figures = dict.fromkeys(TYPES.keys() - row.keys())
        return {**figures, **row, "gap": "there is no such day on record"}
    calls = service.at(float(mine[busiest]) / counted)
    staff = needed(calls)
    return {
        **row,
        "calls_per_hour": calls.per_hour,
        "traffic_erlangs": calls.traffic,
        "agents": staff.agents,
        "rostered": staff.rostered,
        "waiting_share": staff.waits,
        "answered_share": staff.share_within,
        "mean_wait_s": staff.mean_wait_s,
        "occupancy_share": staff.occupancy,
        "gap": None if mine.sum() else "no incident is on record: it is staffed by the least",
    }
