"""Passages of a bucket, without an engine: a street of 3 km on the equator, two trips a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from civiclake.applications.transit import passing

DEGREE_M = 111_319.49
"""Metres of a degree of longitude on the equator."""
DAY = date(2016, 3, 1)
EIGHT_S = datetime(2016, 3, 1, 8, tzinfo=UTC).timestamp()


def _spots(*metres: float) -> list[dict[str, float]]:
    return [{"latitude": 0.0, "longitude": m / DEGREE_M} for m in metres]


def _plan(trip: str, start_s: int = 8 * 3600, **other: Any) -> dict[str, Any]:
    calls = [
        {"stop_sequence": 5 * n, "stop_id": f"s{n}", **spot, "arrival_s": at, "departure_s": at}
        for n, (spot, at) in enumerate(
            zip(
                _spots(0, 1000, 2000, 3000),
                (start_s, start_s + 120, None, start_s + 360),
                strict=True,
            )
        )
    ]
    return {
        "trip_id": trip, "line_id": "L", "direction_id": 0, "block_id": None, "shape_id": "x",
        "stops": calls, "shape": _spots(0, 1500, 3000), "windows": None, "day": DAY, **other,
    }  # fmt: skip


def _planned(*plans: dict[str, Any]) -> pa.Table:
    spot = [("latitude", pa.float64()), ("longitude", pa.float64())]
    call = [("stop_sequence", pa.int32()), ("stop_id", pa.string()), *spot,
            ("arrival_s", pa.int32()), ("departure_s", pa.int32())]  # fmt: skip
    window = [("start_s", pa.int32()), ("end_s", pa.int32()), ("headway_s", pa.int32()),
              ("is_exact", pa.bool_())]  # fmt: skip
    text = ("trip_id", "line_id", "block_id", "shape_id")
    lists = {"stops": pa.struct(call), "shape": pa.struct(spot), "windows": pa.struct(window)}
    types = {**dict.fromkeys(text, pa.string()), "direction_id": pa.int32(), "day": pa.date32(),
             **{name: pa.list_(kind) for name, kind in lists.items()}}  # fmt: skip
    return pa.Table.from_pylist(list(plans), schema=pa.schema(list(types.items())))


def _seen(trip: str | None, rows: list[tuple[float, float]], **other: Any) -> list[dict[str, Any]]:
    """Rows of (seconds after eight, metres along)."""
    return [
        {"trip_id": trip, "day": DAY, "start_s": None, "line_id": None, "direction_id": None,
         "vehicle_id": "v", "at_s": EIGHT_S + s, **_spots(m)[0], **other}
        for s, m in rows
    ]  # fmt: skip


def _positions(rows: list[dict[str, Any]]) -> pa.Table:
    text = ("trip_id", "line_id", "vehicle_id")
    types = {**dict.fromkeys(text, pa.string()), "day": pa.date32(), "start_s": pa.int32(),
             "direction_id": pa.int32(),
             **dict.fromkeys(("at_s", "latitude", "longitude"), pa.float64())}  # fmt: skip
    return pa.Table.from_pylist(rows, schema=pa.schema(list(types.items())))


def _run(rows: list[dict[str, Any]], *plans: dict[str, Any], zone: str = "UTC") -> Any:
    day = plans[0]["day"]
    found = passing.passages(_positions(rows), _planned(*plans), day, zone).to_pandas()
    return found.sort_values(["day", "trip_id", "run", "stop_sequence"], ignore_index=True)


DRIVEN = [
    (-300.0, 3.0), (60.0, 0.0), (160.0, 1000.0), (260.0, 1500.0), (460.0, 2500.0), (500.0, 2990.0),
]  # fmt: skip


def test_a_trip_leaves_its_first_stop_and_arrives_at_the_others() -> None:
    found = _run(_seen("t", DRIVEN), _plan("t"), _plan("missed"))
    mine = found[found["trip_id"] == "t"]
    # The stop without a time lies half of the way between those that have one.
    assert mine["delay_s"].tolist() == pytest.approx([60, 40, 360 - 240, 140], abs=0.5)
    assert mine["within_s"].tolist() == pytest.approx([100, 0, 100, 0], abs=0.5)
    assert mine["stop_sequence"].tolist() == [0, 5, 10, 15]
    assert mine["positions_near"].tolist() == [6] * 4
    assert set(mine["matched_by"]) == {"trip_id"}
    missed = found[found["trip_id"] == "missed"]
    assert missed["observed_at"].isna().all()
    assert missed["scheduled_at"].notna().all()
    assert missed["positions"].tolist() == [0] * 4
    assert missed["vehicle_id"].isna().all()


def test_positions_far_beside_the_line_are_counted_and_not_used() -> None:
    beside = [{**row, "latitude": 0.004} for row in _seen("t", [(120, 700), (130, 900)])]
    found = _run(_seen("t", DRIVEN) + beside, _plan("t"))
    assert found["positions"].tolist() == [8] * 4
    assert found["positions_near"].tolist() == [6] * 4
    assert found["delay_s"].tolist() == pytest.approx([60, 40, 120, 140], abs=0.5)


def test_of_two_vehicles_on_one_trip_the_one_seen_more_counts() -> None:
    other = _seen("t", [(0, 0), (900, 3000)], vehicle_id="ghost")
    found = _run(other + _seen("t", DRIVEN), _plan("t"))
    assert set(found["vehicle_id"]) == {"v"}
    assert found["delay_s"].iloc[-1] == pytest.approx(140, abs=0.5)


def test_runs_by_frequency_are_told_by_their_start() -> None:
    window = {"start_s": 28800, "end_s": 30600, "headway_s": 600, "is_exact": False}
    rows = _seen("f", [(600 + s, m) for s, m in DRIVEN], start_s=29400)
    found = _run(rows + _seen("f", DRIVEN, start_s=29401), _plan("f", 0, windows=[window]))
    seen = found[found["observed_at"].notna()]
    assert found["run"].tolist() == sorted([1, 2, 3] * 4)
    # A start that the timetable has not is no run of it: place and time tell which was driven.
    ways = seen.drop_duplicates("run").set_index("run")["matched_by"].to_dict()
    assert ways == {1: "place_and_time", 2: "trip_id"}
    assert not found["is_exact"].any()
    assert seen["delay_s"].iloc[0] == pytest.approx(60)


def test_a_run_that_no_timetable_has_passes_stops_without_a_schedule() -> None:
    found = _run(_seen("t", DRIVEN) + _seen("extra", DRIVEN, line_id="L"), _plan("t"))
    extra = found[found["trip_id"] == "extra"]
    assert extra["scheduled_at"].isna().all()
    assert extra["observed_at"].notna().all()
    assert extra["delay_s"].isna().all()
    assert set(extra["matched_by"]) == {"place_and_time"}


def test_without_a_trip_id_place_and_time_tell_the_trip() -> None:
    plans = [_plan("eight"), _plan("nine", 9 * 3600), _plan("ten", 10 * 3600)]
    back = [{**s, "latitude": 1e-5} for s in _spots(3000, 1500, 0)]
    calls = [
        {**call, **spot}
        for call, spot in zip(plans[0]["stops"], _spots(3000, 2000, 1000, 0), strict=True)
    ]
    other_way = _plan("back", stops=calls, shape=back, shape_id="y", direction_id=1)
    rows = _seen("eight", DRIVEN)
    rows += _seen(None, [(3600 + s, m) for s, m in DRIVEN], vehicle_id="w")
    rows += _seen(None, [(s, 3000 - m) for s, m in DRIVEN], vehicle_id="x")
    found = _run(rows, *plans, other_way).drop_duplicates("trip_id").set_index("trip_id")
    assert found["vehicle_id"].to_dict() == {"eight": "v", "nine": "w", "ten": None, "back": "x"}
    assert found.loc["nine", "matched_by"] == "place_and_time"
    assert found.loc["eight", "matched_by"] == "trip_id"


def test_on_a_late_line_a_vehicle_without_a_trip_is_taken_for_late_too() -> None:
    plans = [_plan(f"t{n}", 28800 + 360 * n) for n in range(4)]
    rows = [r for n in (0, 1) for r in _seen(f"t{n}", [(360 * n + 540 + s, m) for s, m in DRIVEN])]
    rows += _seen(None, [(720 + 540 + s, m) for s, m in DRIVEN], vehicle_id="w")
    found = _run(rows, *plans).drop_duplicates("trip_id").set_index("trip_id")
    assert found.loc["t2", "vehicle_id"] == "w"  # t3 was planned nearer to when it came
    assert found.loc["t3", "vehicle_id"] is None


def test_a_run_that_fits_no_trip_is_unscheduled_and_one_off_all_lines_is_none() -> None:
    rows = _seen("t", DRIVEN) + _seen(None, [(7200 + s, m) for s, m in DRIVEN], vehicle_id="w")
    rows += [{**r, "latitude": 0.02} for r in _seen(None, DRIVEN, vehicle_id="lost")]
    found = _run(rows, _plan("t"))
    assert set(found["trip_id"]) == {"t", "unscheduled w 09:55:00"}


def test_trips_past_midnight_and_on_days_of_changing_clocks() -> None:
    spring = date(2024, 3, 31)
    found = _run([], _plan("t", 25 * 3600, day=spring), zone="Europe/Berlin")
    # Its day began at 23:00 UTC less the hour that the night lost: 25:00 is 1 o'clock on April 1.
    assert str(found["scheduled_at"].iloc[0]) == "2024-03-31 23:00:00+00:00"


def test_a_trip_without_stops_has_no_passages() -> None:
    found = _run(
        _seen("none", DRIVEN), _plan("none", stops=[]), _plan("no shape", shape=None, shape_id=None)
    )
    assert set(found["trip_id"]) == {"no shape"}
    assert passing.passages(_positions([]), _planned(), DAY, "UTC").num_rows == 0


def test_a_line_that_meets_itself_is_read_in_the_order_of_time() -> None:
    out_and_back = [*_spots(0, 1500), *({**s, "latitude": 2e-5} for s in _spots(1500, 0))]
    stops = [
        {"stop_sequence": n, "stop_id": f"s{n}", **spot, "arrival_s": 28800 + 60 * n,
         "departure_s": 28800 + 60 * n}
        for n, spot in enumerate(_spots(0, 1000, 1400, 1000, 0))
    ]  # fmt: skip
    driven = [(0, 0), (60, 1000), (120, 1400), (180, 1000), (240, 0)]
    found = _run(_seen("t", driven), _plan("t", shape=out_and_back, stops=stops))
    assert found["along_m"].is_monotonic_increasing
    assert np.allclose(found["delay_s"], 0, atol=1)


def test_a_vehicle_that_says_two_lines_drove_both() -> None:
    there = _seen(None, DRIVEN, line_id="L")
    later = [{**row, "at_s": row["at_s"] + 900, "line_id": "M"} for row in _seen(None, DRIVEN)]
    plans = _plan("t"), _plan("u", 8 * 3600 + 900, line_id="M")
    found = _run(there + later, *plans)
    assert found.groupby("trip_id")["positions"].max().to_dict() == {"t": 6, "u": 6}
    # Each line by itself gives the same: a day may be cut between lines.
    apart = [_run(there, plans[0]), _run(later, plans[1])]
    pd.testing.assert_frame_equal(pd.concat(apart, ignore_index=True), found)
