"""Places along a path and times between positions, where the nearest point would be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from civiclake.errors import UserError
from civiclake.statistics import along

# Out 1,000 m to the east and back on the other side of the same street, 4 m beside.
OUT_AND_BACK = along.path([0, 1000, 1000, 0], [0, 0, 4, 4])


def test_stops_of_a_street_that_is_passed_twice() -> None:
    x, y = [0, 300, 900, 900, 300, 0], [1, 3, 1, 3, 1, 3]
    alone = along.place(OUT_AND_BACK, x, y)
    assert alone.at_m[1] > alone.at_m[2]  # the nearest point is on the wrong side of the street
    found = along.place_in_order(OUT_AND_BACK, x, y)
    assert found.at_m.tolist() == [0, 300, 900, 1104, 1704, 2004]
    assert found.off_m.max() == 3


def test_a_loop_ends_at_its_end_and_not_at_its_start() -> None:
    loop = along.path([0, 100, 100, 0, 0], [0, 0, 100, 100, 0])
    found = along.place_in_order(loop, [0, 100, 0], [0, 100, 0])
    assert found.at_m.tolist() == [0, 200, 400]
    assert loop.length_m == 400


def test_spots_one_by_one_are_where_shapely_finds_them() -> None:
    random = np.random.default_rng(5)
    line = along.path(*np.cumsum(random.normal(size=(40, 2)), axis=0).T)
    x, y = random.normal(size=(2, 200)) * 5
    found = along.place(line, x, y)
    alone = [along.place_in_order(line, [a], [b]) for a, b in zip(x, y, strict=True)]
    assert found.off_m == pytest.approx([float(p.off_m[0]) for p in alone])
    assert found.at_m == pytest.approx([float(p.at_m[0]) for p in alone])


def test_many_spots_are_where_each_would_be() -> None:
    random = np.random.default_rng(6)
    line = along.path(*np.cumsum(random.normal(0, 120, (80, 2)), axis=0).T)
    x, y = random.normal(0, 900, (2, 5000))
    found, each = along.place(line, x, y), [along.place(line, a, b) for a, b in _parts(x, y)]
    assert found.off_m == pytest.approx(np.concatenate([p.off_m for p in each]))
    assert found.at_m == pytest.approx(np.concatenate([p.at_m for p in each]), abs=1e-6)


def _parts(x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(zip(np.split(x, 20), np.split(y, 20), strict=True))


def test_positions_without_a_distance_are_not_near() -> None:
    assert along.is_near([10, 200, 201, None, float("nan")], 200).tolist() == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_passages_lie_between_two_positions_and_say_how_surely() -> None:
    found = along.passages([0, 250, 500, 900], [500, 100, 400, 380, 700], [60, 0, 30, 40, 100])
    assert found.at_s.tolist() == pytest.approx([np.nan, 15, 60, np.nan], nan_ok=True)
    assert found.within_s.tolist() == pytest.approx([np.nan, 15, 0, np.nan], nan_ok=True)
    assert found.seen.tolist() == [False, True, True, False]
    assert found.backward == 1


def test_a_vehicle_that_waits_has_arrived_when_it_came() -> None:
    found = along.passages([100], [0, 100, 100, 200], [0, 60, 120, 180])
    assert found.at_s.tolist() == [60]
    assert along.passages([5], [], []).seen.tolist() == [False]


def test_a_path_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="1 points"):
        along.path([0], [0])
    with pytest.raises(UserError, match="one spot"):
        along.path([1, 1], [2, 2])


def test_passages_of_many_trips_are_those_of_each() -> None:
    random = np.random.default_rng(3)
    stops = [np.sort(random.uniform(0, 900, 6)) for _ in range(4)]
    spots = [np.sort(random.uniform(-50, 1000, n)) + random.normal(0, 9, n) for n in (9, 0, 1, 30)]
    order = [random.permutation(len(s)) for s in spots]
    spots = [s[o] for s, o in zip(spots, order, strict=True)]
    times = [o * 30.0 for o in order]
    alone = [along.passages(*one) for one in zip(stops, spots, times, strict=True)]
    found = along.passages_by_trip(
        np.repeat(np.arange(4), 6),
        np.concatenate(stops),
        np.repeat(np.arange(4), [len(s) for s in spots]),
        np.concatenate(spots),
        np.concatenate(times),
    )
    for name in ("at_s", "within_s"):
        each = np.concatenate([getattr(one, name) for one in alone])
        assert getattr(found, name) == pytest.approx(each, nan_ok=True)
    assert found.backward == sum(one.backward for one in alone)
    assert np.isfinite(found.at_s).sum() > 6


def test_a_path_meets_itself_where_it_comes_back() -> None:
    assert along.meets_itself(OUT_AND_BACK, 60)
    assert not along.meets_itself(along.path([0, 1000, 1000], [0, 0, 1000]), 60)
    assert along.meets_itself(along.path([0, 1000, 1000, 500, 500], [0, 0, 500, 500, -500]), 60)
