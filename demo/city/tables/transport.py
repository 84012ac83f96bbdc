"""Transport: where the buses are, against the timetable that the department published."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from demo.city import feeds
from demo.city.chance import Draw
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import tenths

BUSES = 120
"""Buses in a snapshot."""
LATE_ROUTES = 2
_LATE_SECONDS = (480, 900)
_USUAL_SECONDS = (-60, 180)
_FIRST_DAY = datetime(2015, 12, 25, 14, tzinfo=UTC)
"""Midnight in Cairns, ten hours before Greenwich's."""


class Call(NamedTuple):
    """A call of a trip at a stop, as the timetable says it."""

    trip_id: str
    route_id: str
    stop_id: str
    stop_sequence: int
    seconds: int
    latitude: Decimal
    longitude: Decimal


@cache
def _calls() -> tuple[Call, ...]:
    """All calls with a time, in the timetable's order."""
    with zipfile.ZipFile(io.BytesIO(feeds.gtfs())) as archive:
        tables = {
            name: list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
            for name in ("trips.txt", "stops.txt", "stop_times.txt")
        }
    routes = {row["trip_id"]: row["route_id"] for row in tables["trips.txt"]}
    stops = {row["stop_id"]: row for row in tables["stops.txt"]}
    found = []
    for row in tables["stop_times.txt"]:
        if row["arrival_time"]:
            hours, minutes, seconds = map(int, row["arrival_time"].split(":"))
            stop = stops[row["stop_id"]]
            found.append(
                Call(
                    row["trip_id"],
                    routes[row["trip_id"]],
                    row["stop_id"],
                    int(row["stop_sequence"]),
                    hours * 3600 + minutes * 60 + seconds,
                    Decimal(stop["stop_lat"]),
                    Decimal(stop["stop_lon"]),
                )
            )
    return tuple(found)


@cache
def late_routes() -> list[str]:
    """The routes whose buses are eight to fifteen minutes late."""
    return sorted({call.route_id for call in _calls()})[:LATE_ROUTES]


def call_of(city: City, index: int) -> Call:
    """The call at which a bus was seen."""
    return Draw(city.seed, "bus call", index).one_of(_calls())


def delay_s(city: City, index: int) -> int:
    """How late the bus was, in seconds."""
    late = call_of(city, index).route_id in late_routes()
    return Draw(city.seed, "delay", index).between(*(_LATE_SECONDS if late else _USUAL_SECONDS))


def _position(city: City, index: int, changes: int) -> Row:
    day, bus = divmod(index, BUSES)
    call = call_of(city, index)
    seconds = call.seconds + delay_s(city, index)
    when = _FIRST_DAY + timedelta(days=day, seconds=seconds)
    return (
        f"bus-{bus:03d}",
        call.trip_id,
        call.route_id,
        call.stop_id,
        call.stop_sequence,
        call.latitude,
        call.longitude,
        tenths(Draw(city.seed, "speed", index).below(160) + changes),
        f"{when:%Y-%m-%dT%H:%M:%SZ}",
    )


VEHICLE_POSITIONS = Shape(
    id="transport.vehicle_positions",
    columns=(
        "vehicle_id", "trip_id", "route_id", "stop_id", "current_stop_sequence", "latitude",
        "longitude", "speed_m_per_s", "timestamp",
    ),
    key=("vehicle_id", "timestamp"),
    make=_position,
    count=lambda city: BUSES * 6,
    defects=(
        Defect("reference:trip_id", "trip_id", "no such trip"),
        Defect("range:latitude", "latitude", Decimal("95.5")),
        Defect("required:trip_id", "trip_id", None),
    ),
)  # fmt: skip


def signals() -> dict[str, object]:
    """What the positions must show against the timetable."""
    return {
        "late_buses": {
            "dataset": "transport.vehicle_positions",
            "route_ids": late_routes(),
            "late_seconds": list(_LATE_SECONDS),
            "otherwise_seconds": list(_USUAL_SECONDS),
        }
    }
