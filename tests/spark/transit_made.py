"""A made day of transit: two lines along one street of 3 km on the equator."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pyspark.sql import DataFrame, SparkSession

DEGREE_M = 111_319.49
DAY = date(2016, 3, 1)
PARAMETERS = {"timezone": "UTC"}
SCHEMAS = {
    "transport.routes": "route_id string, route_type string",
    "transport.trips": "trip_id string, route_id string, service_id string, direction_id int,"
    " block_id string, shape_id string",
    "transport.stops": "stop_id string, stop_lat double, stop_lon double",
    "transport.stop_times": "trip_id string, stop_sequence int, stop_id string,"
    " arrival_time string, departure_time string",
    "transport.shapes": "shape_id string, shape_pt_sequence int, shape_pt_lat double,"
    " shape_pt_lon double",
    "transport.calendar": "service_id string, monday int, tuesday int, wednesday int,"
    " thursday int, friday int, saturday int, sunday int, start_date date, end_date date",
    "transport.calendar_dates": "service_id string, date date, exception_type int",
    "transport.frequencies": "trip_id string, start_time string, end_time string,"
    " headway_secs int, exact_times int",
    "transport.vehicle_positions": "vehicle_id string, trip_id string, route_id string,"
    " direction_id int, start_date string, start_time string, timestamp timestamp,"
    " feed_timestamp timestamp, latitude double, longitude double, speed_m_per_s double,"
    " trip_schedule_relationship string",
}
LATE_S, BUNCHED_S = 600, 250
TRIPS = [f"{line}{n}" for line in ("late", "bunched") for n in range(10)]
"""Ten trips of each line, every six minutes from eight o'clock on."""


def _clock(second: int) -> str:
    return f"{second // 3600}:{second // 60 % 60:02d}:{second % 60:02d}"


def _start(trip: str) -> int:
    return 8 * 3600 + 360 * int(trip[-1])


def _behind(trip: str, metres: int) -> int:
    """The late line is late everywhere; every second bus of the other from 1,000 m on."""
    if trip.startswith("late"):
        return LATE_S
    return BUNCHED_S if int(trip[-1]) % 2 == 0 and metres > 0 else 0


def _positions() -> list[tuple[object, ...]]:
    midnight = datetime(2016, 3, 1, tzinfo=UTC)
    rows = []
    for trip in TRIPS:
        if trip == "late9":
            continue  # nobody saw it
        for metres in range(0, 3001, 250):
            at = midnight + timedelta(
                seconds=_start(trip) + metres * 360 // 3000 + _behind(trip, metres)
            )
            named = None if trip == "late8" else trip
            line = None if trip == "late8" else trip[:-1]
            rows.append((f"v-{trip}", named, line, None, "20160301", None, at, at, 0.0,
                         metres / DEGREE_M, 8.0, "SCHEDULED"))  # fmt: skip
    return rows


def inputs(spark: SparkSession) -> dict[str, DataFrame]:
    """The tables, as the lake has them."""
    rows: dict[str, list[tuple[object, ...]]] = {
        "transport.routes": [("late", "3"), ("bunched", "3")],
        "transport.trips": [
            *((t, t[:-1], "all", 0, None, "street") for t in TRIPS),
            ("empty", "late", "all", 0, None, None),
        ],
        "transport.stops": [(f"s{n}", 0.0, 1000 * n / DEGREE_M) for n in range(4)],
        "transport.stop_times": [
            (t, n, f"s{n}", _clock(_start(t) + 120 * n), _clock(_start(t) + 120 * n))
            for t in TRIPS
            for n in range(4)
        ],
        "transport.shapes": [("street", n, 0.0, 1500 * n / DEGREE_M) for n in range(3)],
        "transport.calendar": [("all", *[1] * 7, date(2016, 1, 1), date(2016, 3, 5))],
        "transport.calendar_dates": [("all", date(2016, 3, 2), 2)],
        "transport.frequencies": [],
        "transport.vehicle_positions": _positions(),
    }
    return {name: spark.createDataFrame(rows[name], schema) for name, schema in SCHEMAS.items()}
