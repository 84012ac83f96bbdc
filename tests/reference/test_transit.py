"""Timetable figures equal gtfs-kit's on Cairns; waiting and punctuality equal their formulas."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from civiclake.errors import UserError
from civiclake.statistics import coordinates, punctuality, timetable, trips, waiting

HERE = Path(__file__).parent
UTM_55_SOUTH = "EPSG:32755"


def _table(name: str) -> pd.DataFrame:
    with zipfile.ZipFile(HERE / "cairns" / "cairns_gtfs.zip") as feed, feed.open(name) as file:
        return pd.read_csv(file, dtype=str)


@pytest.fixture(scope="module")
def days() -> pd.DataFrame:
    return timetable.service_days(_table("calendar.txt"), _table("calendar_dates.txt"))


@pytest.fixture(scope="module")
def figures() -> pd.DataFrame:
    times, points, stops = (_table(f"{n}.txt") for n in ("stop_times", "shapes", "stops"))
    times = times.assign(
        stop_sequence=times["stop_sequence"].astype(int),
        departure_s=timetable.seconds(times["departure_time"]),
    )
    x, y = coordinates.metres(points["shape_pt_lat"], points["shape_pt_lon"], UTM_55_SOUTH)
    shapes = points.assign(x=x, y=y, sequence=points["shape_pt_sequence"].astype(int))
    x, y = coordinates.metres(stops["stop_lat"], stops["stop_lon"], UTM_55_SOUTH)
    spots = pd.DataFrame({"x": x, "y": y}, index=stops["stop_id"])
    return trips.trip_figures(_table("trips.txt"), times, shapes, spots)


@pytest.fixture(scope="module")
def monday(figures: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    running = days.loc[days["date"] == "2014-05-26", "service_id"]
    return figures[figures["service_id"].isin(running)]


def test_trips_of_cairns(figures: pd.DataFrame) -> None:
    assert len(figures) == 1339
    assert figures["distance_km"].sum() == pytest.approx(30592.796, abs=5e-4)
    assert figures["duration_h"].sum() == pytest.approx(991.1, abs=1e-9)


def test_one_day_of_cairns(monday: pd.DataFrame) -> None:
    found = trips.service(monday)
    assert (found.trips, found.routes, found.peak.vehicles) == (622, 20, 39)
    assert found.speed_kmh == pytest.approx(29.1452, abs=5e-5)
    assert found.without_distance == 0


def test_headways_of_a_line_of_cairns(monday: pd.DataFrame) -> None:
    line = monday[monday["route_id"] == "110-423"]
    assert trips.line_headways_minutes(line).mean() == pytest.approx(29.9556, abs=5e-5)


def test_days_of_cairns(days: pd.DataFrame) -> None:
    weekday = days.loc[days["service_id"] == "CNS2014-CNS_MUL-Weekday-00", "date"]
    assert pd.Timestamp("2014-06-06") in set(weekday)
    assert pd.Timestamp("2014-06-09") not in set(weekday)  # a holiday, by calendar_dates
    assert pd.Timestamp("2014-06-07") not in set(weekday)
    assert timetable.days_left(days, pd.Timestamp("2014-12-20 08:00")) == 8
    assert timetable.days_left(days.iloc[:0], pd.Timestamp("2014-12-20")) is None


def test_a_trip_without_stops_stays_and_has_no_figures() -> None:
    given = pd.DataFrame([("t", "r", "s", 0, "x")], columns=_TRIP).astype({"direction_id": int})
    times = pd.DataFrame(columns=["trip_id", "stop_sequence", "stop_id", "departure_s"])
    shapes = pd.DataFrame(columns=["shape_id", "sequence", "x", "y"])
    stops = pd.DataFrame(columns=["x", "y"])
    found = trips.trip_figures(given, times, shapes, stops)
    assert found.loc["t", "stops"] == 0
    assert pd.isna(found.loc["t", "distance_km"])
    day = trips.service(found)
    assert (day.trips, day.without_distance, day.speed_kmh, day.peak.vehicles) == (1, 1, None, 0)
    with pytest.raises(UserError, match="twice"):
        trips.trip_figures(pd.concat([given, given]), times, shapes, stops)


_TRIP = ["trip_id", "route_id", "service_id", "direction_id", "shape_id"]


def test_a_trip_that_ends_makes_room_for_the_next() -> None:
    peak = trips.peak_in_service(np.array([0.0, 10, 5]), np.array([10.0, 20, 8]))
    assert peak == trips.Peak(2, 5, 8)


def test_times_past_midnight_and_on_days_of_changing_clocks() -> None:
    found = timetable.seconds(pd.Series(["25:10:00", " 7:05:09", "", None]))
    assert found.tolist() == [90600, 25509, pd.NA, pd.NA]
    assert timetable.clock(90600) == "25:10:00"
    with pytest.raises(UserError, match="12:60:00"):
        timetable.seconds(pd.Series(["12:60:00"]))
    dates = pd.Series(pd.to_datetime(["2024-03-31", "2024-04-01"]))
    moments = timetable.instants(dates, pd.Series([8 * 3600, 25 * 3600]), "Europe/Berlin")
    # 8 o'clock of a day whose night lost an hour is 6 o'clock UTC all the same.
    assert [str(m) for m in moments] == ["2024-03-31 06:00:00+00:00", "2024-04-01 23:00:00+00:00"]


def test_calendars_that_contradict_themselves_are_refused() -> None:
    week = dict.fromkeys(timetable.WEEKDAYS, "1")
    late = pd.DataFrame([{"service_id": "s", **week, "start_date": "20240102"}])
    with pytest.raises(UserError, match="before it starts"):
        timetable.service_days(late.assign(end_date="20240101"), None)
    with pytest.raises(UserError, match="20241301"):
        timetable.service_days(late.assign(end_date="20241301"), None)
    both = pd.DataFrame(
        {"service_id": "s", "date": "20240101", "exception_type": ["1", "2"]},
    )
    with pytest.raises(UserError, match="both added and removed on 2024-01-01"):
        timetable.service_days(None, both)
    assert len(timetable.service_days(None, both.iloc[:1])) == 1


def _pattern() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trip_id": ["f", "f", "own"],
            "stop_sequence": [1, 2, 1],
            "arrival_s": [100, 400, 50],
            "departure_s": [100, 420, 50],
        }
    )


def test_frequencies_become_runs_beside_trips_of_their_own() -> None:
    often = pd.DataFrame(
        {
            "trip_id": "f",
            "start_s": [3600, 7200],
            "end_s": [7200, 7800],
            "headway_s": [1200, 600],
            "exact_times": [0, 1],
        }
    )
    found = timetable.runs(_pattern(), often)
    first = found[(found["stop_sequence"] == 1) & (found["trip_id"] == "f")]
    assert first["departure_s"].tolist() == [3600, 4800, 6000, 7200]
    assert first["run"].tolist() == [1, 2, 3, 4]
    assert first["is_exact"].tolist() == [False, False, False, True]
    second = found[(found["stop_sequence"] == 2) & (found["run"] == 1)]
    assert second[["arrival_s", "departure_s"]].values.tolist() == [[3900, 3920]]
    assert found.loc[found["trip_id"] == "own", ["run", "departure_s"]].values.tolist() == [[0, 50]]
    assert len(timetable.runs(_pattern(), None)) == 3


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("f", 0, 600, 0), "headway of 0"),
        (("f", 600, 600, 60), "after the start"),
        (("f", 60, 900, 60), "overlaps"),
        (("gone", 0, 600, 60), "no stop times"),
    ],
)
def test_frequencies_that_cannot_run_are_refused(
    row: tuple[str, int, int, int], words: str
) -> None:
    columns = ["trip_id", "start_s", "end_s", "headway_s"]
    with pytest.raises(UserError, match=words):
        timetable.runs(_pattern(), pd.DataFrame([("f", 0, 120, 60), row], columns=columns))


def test_headways_go_by_stream() -> None:
    times = [600, 0, 900, None, 300]
    assert waiting.headways_minutes(times).tolist() == [5, 5, 5]
    assert waiting.headways_minutes(times, list("abaab")).tolist() == [5, 5]


def test_waiting_follows_the_formula() -> None:
    even, uneven = [10, 10, 10, 10], [2, 18, 2, 18]
    cv = waiting.variation(uneven).value
    assert cv == pytest.approx(0.8)
    assert waiting.expected_wait(even).value == pytest.approx(5)
    assert waiting.expected_wait(uneven).value == pytest.approx(0.5 * 10 * (1 + 0.8**2))
    assert waiting.excess_wait(uneven, even).value == pytest.approx(3.2)
    assert waiting.headway_adherence(uneven, even).value == pytest.approx(0.8)
    assert waiting.excess_wait([], even).gap == "no observed headway"
    assert waiting.expected_wait([0, 0]).value is None


def test_mean_wait_is_what_passengers_at_random_see() -> None:
    departures = np.sort(np.random.default_rng(17).uniform(0, 36_000, 60))
    passengers = np.linspace(departures[0], departures[-1], 400_001)[:-1]
    next_one = departures[np.searchsorted(departures, passengers, side="right")]
    seen = (next_one - passengers).mean() / 60
    headways = waiting.headways_minutes(departures)
    assert waiting.expected_wait(headways).value == pytest.approx(seen, rel=1e-4)


def test_buffer_index_and_spacing() -> None:
    assert waiting.buffer_index([20, *[10] * 9]).value == pytest.approx((15.5 - 11) / 11)
    assert waiting.buffer_index([None, 10]).left_out == 1
    found = waiting.spacing([4, 5, 10, 15, 16], [10] * 5)
    assert (found.headways, found.bunched, found.gapped) == (5, 1, 1)
    assert found.bunched_share == 0.2
    assert waiting.spacing([], []).gapped_share is None


@pytest.fixture(scope="module")
def delays() -> dict[str, np.ndarray]:
    counted = pd.read_csv(HERE / "nycflights13" / "delays.csv")
    return {
        str(event): np.repeat(rows["delay_minutes"], rows["flights"]).to_numpy(float)
        for event, rows in counted.groupby("event")
    }


def test_delays_of_new_yorks_flights(delays: dict[str, np.ndarray]) -> None:
    departures = punctuality.mean_delay(delays["departure"])
    assert departures.count + departures.left_out == 336_776
    assert departures.left_out == 8255
    assert departures.value == pytest.approx(12.6391, abs=5e-5)
    assert punctuality.mean_delay(delays["arrival"]).value == pytest.approx(6.8954, abs=5e-5)


def test_what_did_not_come_is_not_on_time(delays: dict[str, np.ndarray]) -> None:
    found = punctuality.punctuality(delays["departure"] * 60)
    assert found.early + found.on_time + found.late + found.unobserved == 336_776
    on_time = ((delays["departure"] >= -1) & (delays["departure"] <= 5)).sum()
    assert found.on_time == on_time
    assert found.on_time_share == on_time / (336_776 - 8255)
    assert found.on_time_share_of_planned == on_time / 336_776
    narrow = punctuality.punctuality(delays["departure"] * 60, latest_s=240)
    assert narrow.on_time < found.on_time
    assert punctuality.punctuality([None]).on_time_share is None


def test_predictions_by_cal_itps_bounds() -> None:
    # 5 minutes ahead: -110.43 to 112.28 seconds; on arrival: -15.74 to 24.33.
    ahead = [5, 5, 5, 5, 0, 0, 0, 0]
    errors = [-110.4, -110.5, 112.2, 112.4, -15.7, -15.8, 24.3, 24.4]
    assert punctuality.is_accurate(ahead, errors).tolist() == [True, False] * 4
    assert punctuality.accuracy(ahead, errors).value == 0.5
    assert punctuality.accuracy([], []).gap == "no prediction"
    with pytest.raises(UserError, match="at least 0"):
        punctuality.is_accurate([-1], [0])
