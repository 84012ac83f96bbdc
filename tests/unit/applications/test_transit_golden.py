"""The golden figures of lines are those of the methods: Spark adds up what these define."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import pytest

from civiclake.settings import project_root
from civiclake.statistics import punctuality, waiting

CASE = project_root() / "marts" / "transit" / "transit_lines" / "cases" / "one_late_one_in_pairs"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _second(text: str) -> float:
    hour, minute, second = text.split(" ")[1].split(":")
    return int(hour) * 3600 + int(minute) * 60 + float(second)


def _headways(line: str, column: str) -> dict[tuple[str, str], float]:
    """Seconds after the vehicle before, by stop and trip; nobody waits at the last stop."""
    calls = [r for r in _rows(CASE / "in" / "marts.transit_passages.csv")
             if r["line_id"] == line and r["is_exact"] == "true" and r[column]]  # fmt: skip
    found = {}
    for stop in ("S0", "S1", "S2"):
        there = sorted((_second(r[column]), r["trip_id"]) for r in calls if r["stop_id"] == stop)
        found |= {(stop, trip): at - before for (before, _), (at, trip) in pairwise(there)}
    return found


@pytest.mark.parametrize("line", ["LATE", "PAIR"])
def test_lines_are_what_the_methods_say(line: str) -> None:
    want = next(r for r in _rows(CASE / "want.csv") if r["line_id"] == line and r["hours"] == "day")

    def told(name: str) -> object:
        return pytest.approx(float(want[name]), abs=5e-4)

    delays = [r["delay_s"] or None for r in _rows(CASE / "in" / "marts.transit_passages.csv")
              if r["line_id"] == line and r["is_exact"] == "true"]  # fmt: skip
    seconds = [None if d is None else float(d) for d in delays]
    wide = punctuality.punctuality(seconds)
    assert [wide.early, wide.late] == [int(want["calls_early"]), int(want["calls_late"])]
    assert wide.on_time_share == told("on_time_share")
    assert punctuality.punctuality(seconds, -60, 240).on_time_share == told("on_time_narrow_share")
    assert punctuality.mean_delay(seconds).value == told("delay_mean_s")
    mine, planned = _headways(line, "observed_at"), _headways(line, "scheduled_at")
    pairs = [(gap, planned[call]) for call, gap in mine.items()]
    assert len(pairs) == int(want["headways"])
    gaps, plan = zip(*pairs, strict=True)
    assert waiting.expected_wait(mine.values()).value == told("wait_s")
    assert waiting.excess_wait(mine.values(), planned.values()).value == told("excess_wait_s")
    assert waiting.headway_adherence(gaps, plan).value == told("headway_adherence")
    spacing = waiting.spacing(gaps, plan)
    assert spacing.bunched_share == told("bunched_share")
    assert spacing.gapped_share == told("gapped_share")
