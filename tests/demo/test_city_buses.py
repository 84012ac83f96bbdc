"""The buses of the city: a timetable that holds together, and what was made wrong is there."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from math import hypot

import pytest

from demo.city import clock, gtfs, lines, places, runs
from demo.city.deliveries import PAST
from demo.city.residents import City
from demo.city.runs import Run
from demo.city.tables import transport

CITY = City(20160101, 2000)
DAYS = [runs.FIRST_DAY + timedelta(days=n) for n in range(PAST + 1)]


def _file(name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(io.BytesIO(gtfs.feed(CITY))) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(f"{name}.txt").decode())))


def test_the_feed_is_whole() -> None:
    trips, calls = _file("trips"), _file("stop_times")
    assert {t["route_id"] for t in trips} == {r["route_id"] for r in _file("routes")}
    assert {t["service_id"] for t in trips} == {s["service_id"] for s in _file("calendar")}
    assert {t["shape_id"] for t in trips} == {p["shape_id"] for p in _file("shapes")}
    assert {c["trip_id"] for c in calls} == {t["trip_id"] for t in trips}
    assert {c["stop_id"] for c in calls} == {s["stop_id"] for s in _file("stops")}
    assert len({t["trip_id"] for t in trips}) == len(trips)
    assert {f["trip_id"] for f in _file("frequencies")} == {
        t["trip_id"] for t in trips if t["route_id"] == "K8"
    }
    assert max(c["arrival_time"] for c in calls) > "24:00:00"
    for before, after in pairwise(calls):
        if before["trip_id"] == after["trip_id"]:
            assert before["departure_time"] < after["arrival_time"]
            assert int(before["stop_sequence"]) + 1 == int(after["stop_sequence"])


def test_stops_stand_beside_their_line_and_within_the_city() -> None:
    for course in lines.courses(CITY.seed):
        for stop, (latitude, longitude) in zip(course.stops, course.shape, strict=True):
            assert hypot(stop.latitude - latitude, stop.longitude - longitude) < 0.0001
            assert places.district_of(stop.longitude, stop.latitude)


def test_a_vehicle_is_at_one_place_at_a_time() -> None:
    for day in DAYS:
        busy: dict[str, list[Run]] = {}
        for run in runs.runs(CITY, day):
            assert all(a < b for a, b in pairwise(run.times_s))
            busy.setdefault(run.vehicle, []).append(run)
        for mine in busy.values():
            for before, after in pairwise(sorted(mine, key=lambda run: run.times_s[0])):
                assert before.times_s[-1] < after.times_s[0]


def _ran(day: date, line: str) -> Iterator[tuple[lines.Trip, Run]]:
    """The line's trips of a day with their runs."""
    left = [run for run in runs.runs(CITY, day) if run.course.line.id == line and run.is_planned]
    trips = (t for t in lines.trips(CITY) if t.service == runs.service(day))
    gone = {trip.id for trip in runs.missed(CITY, day)}
    mine = [t for t in trips if t.course.line.id == line and t.id not in gone]
    yield from zip(mine, left, strict=True)


def _delays(trip: lines.Trip, run: Run) -> list[int]:
    assert trip.id == run.trip_id
    return [
        seen - trip.departs_s - offset
        for seen, offset in zip(run.times_s, trip.course.offsets_s, strict=True)
    ]


@pytest.mark.parametrize("line", [line.id for line in lines.LINES])
def test_the_named_lines_are_late_and_no_others(line: str) -> None:
    for day in DAYS:
        for trip, run in _ran(day, line):
            delays = _delays(trip, run)
            spoilt = 0 if line == runs.LATE else runs.SPOILT_FROM.get(line, len(delays))
            if line == runs.BUNCHED:
                spoilt = len(delays)  # in bunches, and yet on time
            assert all(-60 <= late <= 300 for late in delays[:spoilt]), (trip.id, delays)
            assert all(400 < late < 1000 for late in delays[spoilt:]), (trip.id, delays)


@pytest.mark.parametrize("line", [runs.BUNCHED, runs.STRAYING])
def test_buses_meet_on_the_named_line_from_the_named_stop_on(line: str) -> None:
    for day in DAYS:
        for direction in (0, 1):
            mine = [run for _, run in _ran(day, line) if run.course.direction == direction]
            for stop in range(len(mine[0].times_s)):
                gaps = [b.times_s[stop] - a.times_s[stop] for a, b in pairwise(mine)]
                meets = line == runs.BUNCHED and stop >= runs.SPOILT_FROM[line]
                assert (min(gaps) < 75) == meets, (line, stop)
                assert min(gaps) > (25 if meets else 200)
                assert (max(gaps) > 450) == meets


def test_trips_are_missed_added_and_unnamed_where_they_are_named() -> None:
    for day in DAYS:
        planned = [t for t in lines.trips(CITY) if t.service == runs.service(day)]
        ran = runs.runs(CITY, day)
        missed = runs.missed(CITY, day)
        assert {t.course.line.id for t in missed} == {runs.MISSED}
        assert Counter(t.course.direction for t in missed) == {0: 2, 1: 2}
        added = [run for run in ran if not run.is_planned]
        assert {run.course.line.id for run in added} == {runs.EXTRA} and len(added) == 2
        assert len(ran) == len(planned) - len(missed) + len(added)
        assert {run.course.line.id for run in ran if not run.is_named} == {runs.UNNAMED}
        assert not {run.trip_id for run in added} & {t.id for t in planned}


def test_positions_follow_the_line_but_for_those_that_stray() -> None:
    seen = transport.seen(CITY, 2)
    aside = {one: _from_line(one) for one in (*seen[::7], *(o for o in seen if o.is_astray))}
    assert max(far for one, far in aside.items() if not one.is_astray) < 1e-6
    assert min(far for one, far in aside.items() if one.is_astray) > 0.0025  # 250 m
    assert sum(one.is_astray for one in aside) == 2 * 5


def _from_line(one: transport.Seen) -> float:
    spot = (one.latitude, one.longitude)
    return min(_away(spot, a, b) for a, b in pairwise(one.run.course.shape))


def _away(spot: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance of a place from a segment, in degrees of latitude."""
    x, y = spot[1] * 0.906, spot[0]
    ax, ay, bx, by = a[1] * 0.906, a[0], b[1] * 0.906, b[0]
    share = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
    share = min(1.0, max(0.0, share))
    return hypot(x - ax - share * (bx - ax), y - ay - share * (by - ay))


def test_a_service_day_is_over_before_it_is_delivered() -> None:
    for night in (1, 2):
        day = clock.midnight(night).date() - timedelta(days=1)
        last = max(run.moment(run.times_s[-1]) for run in runs.runs(CITY, day))
        assert last < clock.midnight(night)
        assert (day - runs.FIRST_DAY).days == PAST + night - 2
