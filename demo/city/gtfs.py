"""The timetable as the transport authority publishes it: a GTFS feed, the same every night."""

from __future__ import annotations

import csv
import io
import zipfile
from functools import lru_cache

from demo.city import lines
from demo.city.lines import FREE_DAYS, WEEKDAYS, Trip
from demo.city.residents import City
from demo.city.truth import Expected

KEY = "gtfs/kunming_gtfs.zip"
TIMEZONE = "Asia/Shanghai"
BEGINS, ENDS = "20151201", "20160630"
HOLIDAYS = ("20160101", "20160208", "20160209", "20160210", "20160404", "20160502")
"""Weekdays on which buses run as at weekends."""
Rows = list[tuple[object, ...]]
Tables = dict[str, tuple[tuple[str, ...], Rows]]
"""Header and rows of files, by their name without ending."""
_MADE = (2016, 1, 1, 0, 0, 0)
_COLOURS = ("D7263D", "F46036", "2E294E", "1B998B", "C5D86D", "5F4BB6", "0B6E4F", "8D6A9F")


@lru_cache(maxsize=2)
def tables(city: City) -> Tables:
    """Header and rows of each file of the feed, by its name without ending."""
    trips = _published(city)
    made = {**_network(city), **_trips(city, trips), **_days()}
    return {name: made[name] for name in _FILES}


def _network(city: City) -> Tables:
    """Who runs which lines, and where they go."""
    courses = lines.courses(city.seed)
    stops = sorted(
        {stop.id: stop for course in courses for stop in course.stops}.values(), key=lambda s: s.id
    )
    return {
        "agency": (
            ("agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang"),
            [("KB", "昆明公交", "https://transport.example.org", TIMEZONE, "zh")],
        ),
        "routes": (
            ("route_id", "route_short_name", "route_long_name", "route_desc", "route_type",
             "route_url", "route_color", "route_text_color"),
            [
                (line.id, line.id, line.name, None, 3, None, colour, "FFFFFF")
                for line, colour in zip(lines.LINES, _COLOURS, strict=True)
            ],
        ),
        "stops": (
            ("stop_id", "stop_code", "stop_name", "stop_desc", "stop_lat", "stop_lon", "zone_id",
             "stop_url", "location_type", "parent_station"),
            [
                (s.id, None, s.name, None, f"{s.latitude:.6f}", f"{s.longitude:.6f}", None, None, 0,
                 None)
                for s in stops
            ],
        ),
        "shapes": (
            ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"),
            [
                (course.id, f"{latitude:.6f}", f"{longitude:.6f}", number)
                for course in courses
                for number, (latitude, longitude) in enumerate(course.shape)
            ],
        ),
    }  # fmt: skip


def _trips(city: City, trips: list[Trip]) -> Tables:
    """When they leave, and where they stop."""
    return {
        "trips": (
            ("route_id", "service_id", "trip_id", "trip_headsign", "direction_id", "block_id",
             "shape_id"),
            [
                (t.course.line.id, t.service, t.id, t.course.stops[-1].name, t.course.direction,
                 None if t.course.line.by_frequency else t.block, t.course.id)
                for t in trips
            ],
        ),
        "stop_times": (
            ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence",
             "pickup_type", "drop_off_type"),
            [row for trip in trips for row in _calls(trip)],
        ),
        "frequencies": (
            ("trip_id", "start_time", "end_time", "headway_secs", "exact_times"),
            [_frequency(city, trip) for trip in trips if trip.course.line.by_frequency],
        ),
    }  # fmt: skip


def _days() -> Tables:
    """On which days a service runs."""
    return {
        "calendar": (
            ("service_id", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
             "sunday", "start_date", "end_date"),
            [
                (WEEKDAYS, 1, 1, 1, 1, 1, 0, 0, BEGINS, ENDS),
                (FREE_DAYS, 0, 0, 0, 0, 0, 1, 1, BEGINS, ENDS),
            ],
        ),
        "calendar_dates": (
            ("service_id", "date", "exception_type"),
            [
                (service, day, kind)
                for day in HOLIDAYS
                for service, kind in ((WEEKDAYS, 2), (FREE_DAYS, 1))
            ],
        ),
    }  # fmt: skip


_FILES = (
    "agency", "routes", "stops", "trips", "stop_times", "calendar", "calendar_dates", "shapes",
    "frequencies",
)  # fmt: skip
"""In the order in which the feed holds them."""
PUBLISHED = (
    "routes", "stops", "trips", "stop_times", "calendar", "calendar_dates", "shapes",
    "frequencies",
)  # fmt: skip
"""Files of the feed that are datasets of the lake."""


@lru_cache(maxsize=2)
def feed(city: City) -> bytes:
    """The feed's zip; the same city has the same bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, (header, rows) in tables(city).items():
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow(header)
            writer.writerows(rows)
            member = zipfile.ZipInfo(f"{name}.txt", _MADE)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, text.getvalue())
    return sink.getvalue()


def expected(city: City, night: int) -> dict[str, Expected]:
    """What the batches of that night must account for, when all nights before were loaded."""
    outcome = "inserted" if night == 1 else "unchanged"
    sizes = {name: len(tables(city)[name][1]) for name in PUBLISHED}
    return {
        f"transport.{name}": Expected.model_validate({"read": rows, outcome: rows})
        for name, rows in sizes.items()
    }


def clock_time(seconds: int) -> str:
    """Seconds of the service day as the feed writes them; past midnight it goes on."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _published(city: City) -> list[Trip]:
    """The trips that the feed names: of a line by frequency its first run stands for all."""
    return list({trip.id: trip for trip in reversed(lines.trips(city))}.values())[::-1]


def _calls(trip: Trip) -> Rows:
    found: Rows = []
    for number, (stop, offset) in enumerate(
        zip(trip.course.stops, trip.course.offsets_s, strict=True), start=1
    ):
        when = clock_time(trip.departs_s + offset)
        ends = (int(number == len(trip.course.stops)), int(number == 1))
        found.append((trip.id, when, when, stop.id, number, *ends))
    return found


def _frequency(city: City, trip: Trip) -> tuple[object, ...]:
    runs = sum(other.id == trip.id for other in lines.trips(city))
    headway = lines.headway_s(trip.service, lines.trips_each(city))
    until = lines.first_s() + runs * headway
    return (trip.id, clock_time(lines.first_s()), clock_time(until), headway, 0)
