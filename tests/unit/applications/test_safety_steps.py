"""Steps of public safety in memory: what cannot be meant is told, and what is rare says so."""

from __future__ import annotations

from datetime import date
from typing import Any

import h3
import pandas as pd
import pytest

from civiclake.applications.safety import forecast, posts, posts_rows, signals, staffing
from civiclake.applications.safety.hot_spots import hot_spots
from civiclake.applications.safety.incidents import ALL, Area, area, dated
from civiclake.applications.safety.near_repeats import near_repeats
from civiclake.applications.safety.parameters import number, numbers, whole, words
from civiclake.applications.safety.weeks import complete_weeks
from civiclake.errors import UserError
from civiclake.statistics.roads import of_segments

HERE = (25.0453, 102.7098)
CELL = h3.latlng_to_cell(*HERE, 8)
WAY = {
    "half_life_weeks": 8, "spread_share": 0.1, "history_weeks": 52, "least_weeks": 12,
    "scored_weeks": 26, "flagged_share": 0.02,
}  # fmt: skip
WATCH = signals.Watch("C2", 0.001, 0.5, 4, 26, 13)


def incidents(*days: str, kind: str = "theft", is_discovered: bool = False) -> pd.DataFrame:
    at = pd.to_datetime(pd.Series(days, dtype="object"))
    rows = pd.DataFrame(
        {
            "day": at.dt.normalize(),
            "week_start_date": at.dt.normalize() - pd.to_timedelta(at.dt.weekday, unit="D"),
            "hour": at.dt.hour,
            "occurred_at": at,
            "kind": kind,
            "district_code": "530102",
            "cell": CELL,
            "latitude": HERE[0],
            "longitude": HERE[1],
            "is_discovered": is_discovered,
        }
    )
    return dated(rows)


def around(rows: pd.DataFrame) -> Area:
    spots = [h3.cell_to_latlng(cell) for cell in h3.grid_disk(CELL, 2)]
    return area(pd.DataFrame(spots, columns=["latitude", "longitude"]), rows)


NONE = incidents()


def test_a_city_without_incidents_has_no_rows() -> None:
    where = around(NONE)
    how = forecast.way(WAY)
    assert where.cells == ()
    assert hot_spots(NONE, where, 365, 0.05, 30).empty
    assert near_repeats(NONE, 365, ([200], [7]), 30, (9, 1)).empty
    assert forecast.scores_of(NONE, where, how).empty
    assert forecast.forecast_of(NONE, where, how).empty
    assert signals.signals(NONE, ["530102"], WATCH).empty
    assert staffing.staffing(NONE, 365, (), ()).empty


def test_what_is_rare_is_told_and_never_zero() -> None:
    rows = incidents("2015-12-01 10:00", "2015-12-20 10:00")
    spots = hot_spots(rows, around(rows), 365, 0.05, 30)
    assert spots["gap"].unique().tolist() == ["only 2 incidents; 30 are wanted"]
    assert spots["z"].isna().all()
    assert (spots["incidents"] == 2).all()
    pairs = near_repeats(rows, 365, ([200], [28]), 30, (9, 1))
    assert pairs["pairs"].tolist() == [1, 1]
    assert pairs["p"].isna().all()
    told = forecast.forecast_of(rows, around(rows), forecast.way(WAY))
    assert told["gap"].unique().tolist() == ["only 3 complete weeks on record; 12 are wanted"]
    assert told["expected_incidents"].isna().all()
    early = signals.signals(incidents("2015-12-01", "2015-12-20"), ["530111"], WATCH)
    assert early["gap"].str.startswith("only ").all()
    assert early["expected_incidents"].isna().all()
    assert set(early["area_code"]) == {"city", "530102", "530111"}


def test_what_patrols_discover_is_never_forecast_and_sends_nobody() -> None:
    days = [f"{day.date()} 10:00" for day in pd.date_range("2015-01-05", "2015-12-27")]
    found = incidents(*days, kind="traffic", is_discovered=True)
    reported = incidents("2015-12-20 09:00", "2015-12-27 09:00")
    rows = dated(pd.concat([found, reported], ignore_index=True))
    told = forecast.forecast_of(rows, around(rows), forecast.way(WAY))
    assert set(told["kind"]) == {ALL, "theft"}
    assert told.groupby("kind")["history_incidents"].sum().tolist() == pytest.approx([2 / 51] * 2)
    demand = posts.by_incidents(rows, 365)
    assert demand.table.to_numpy().sum() == 2
    spots = hot_spots(rows, around(rows), 365, 0.05, 1).set_index(["kind", "cell"])
    assert spots.loc[(ALL, CELL), "incidents"] == 2
    assert spots.loc[("traffic", CELL), "incidents"] == len(days)


def test_a_running_week_waits_for_its_sunday() -> None:
    # 2015 ends on a Thursday of a week that has 53 as its number.
    open_week = complete_weeks(incidents("2015-12-14", "2016-01-02"))
    whole_week = complete_weeks(incidents("2015-12-14", "2016-01-03"))
    assert open_week is not None
    assert whole_week is not None
    assert (open_week.count, whole_week.count) == (2, 3)
    assert whole_week.monday(2) == date(2015, 12, 28)
    assert complete_weeks(incidents("2016-01-02")) is None


def test_posts_where_there_is_no_road_or_nothing_to_do() -> None:
    service = posts_rows.Service("patrol", "incidents", 2, 8)
    some = posts.by_incidents(incidents("2015-12-20 10:00"), 365)
    for demand in (some, posts.by_incidents(NONE, 365)):
        none = posts_rows.placed(service, demand, None, 10, 20)
        assert none.gap == posts_rows.NOTHING
        assert posts_rows.posts_of([none]).empty
    told = posts_rows.coverage_of([posts_rows.placed(service, some, None, 10, 20)])
    assert told["reached_share"].dropna().tolist() == [0, 0]
    assert told["gap"].iloc[0] == "there is no post"


def test_patrols_drive_out_of_their_post() -> None:
    # From east to west one way only: whoever stands in the west reaches nothing in the east.
    west, east = (25.0, 102.60), (25.0, 102.63)
    segment = {
        "from_node": "E", "to_node": "W", "from_latitude": east[0], "from_longitude": east[1],
        "to_latitude": west[0], "to_longitude": west[1], "length_m": 3000.0, "speed_kmh": 45.0,
        "is_one_way": True,
    }  # fmt: skip
    network = of_segments(pd.DataFrame([segment]))
    cells = [h3.latlng_to_cell(*spot, 8) for spot in (west, east)]
    demand = posts.by_people(pd.DataFrame({"cell": cells, "people": [90.0, 10.0]}))
    found = posts_rows.placed(posts_rows.Service("a", "people", 1, 10), demand, network, 9, 20)
    (post,) = posts_rows.posts_of([found]).to_dict("records")
    assert (post["longitude"], post["reached_share"]) == (east[1], 1)
    more = posts_rows.placed(posts_rows.Service("a", "people", 5, 10), demand, network, 9, 20)
    assert more.gap == "only 2 crossings are near to any demand"


def test_parameters_say_what_is_allowed() -> None:
    assert (number({"a": 1}, "a", 2), whole({"a": 3}, "a", 2)) == (1, 3)
    assert (words({"a": []}, "a", "[b]"), numbers({"a": [1, 5]}, "a", [1])) == ((), [1, 5])


@pytest.mark.parametrize(
    ("asked", "said", "text"),
    [
        (lambda p: number(p, "a", 2), {}, "a: None; a number above 0 is allowed, such as 2"),
        (lambda p: number(p, "a", 2), {"a": True}, "a: True"),
        (lambda p: number(p, "a", 0.5, below=1), {"a": 1}, "above 0 and below 1"),
        (lambda p: whole(p, "a", 2), {"a": 1.5}, "a whole number is allowed"),
        (lambda p: words(p, "a", "[b]"), {"a": "b"}, "a list is allowed"),
        (lambda p: numbers(p, "a", [1]), {"a": [5, 1]}, "that rise"),
        (forecast.way, {**WAY, "least_weeks": 60}, "least_weeks: 60; up to history_weeks"),
        (forecast.way, {**WAY, "spread_share": 1}, "spread_share: 1"),
        (staffing.shifts, {}, "shifts: None"),
        (staffing.shifts, {"shifts": {"day": [8, 25]}}, "are no hours"),
        (staffing.shifts, {"shifts": {"day": [8, 24]}}, "each hour of a day once"),
        (staffing.services, {"services": {"calls": {}}}, "calls: parameters: handling_minutes"),
        (staffing.services, {}, "names none"),
        (posts.services, {"services": {"a": {"demand": "cars"}}}, "incidents, people"),
        (posts.services, {"services": {"a": {"demand": "people", "posts": 2}}}, "within_minutes"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(asked: Any, said: dict[str, Any], text: str) -> None:
    with pytest.raises(UserError, match=text):
        asked(said)
