"""Connections between lines, trends of a line, and the district that a stop lies in."""

from __future__ import annotations

import pytest

from civiclake.errors import UserError
from civiclake.statistics.areas import area_of
from civiclake.statistics.transfers import connections
from civiclake.statistics.trend import difference, sen_slope

NAN = float("nan")


def test_a_connection_is_the_first_that_can_be_reached() -> None:
    # A bus each ten minutes; the other line leaves at 8, 20 and 50 minutes past.
    arrivals = [0, 600, 1200, 1800, 2400]
    departures = [480, 1200, 3000]
    # To 480 after 0; to 1200 after 600; the third is there at 1200 and needs a minute: to 3000,
    # too long; as from 1800. From 2400 it is ten minutes to 3000.
    on_time = connections((arrivals, arrivals), (departures, departures), 60, 900)
    assert on_time.planned_wait_s.tolist() == [480, 600, 600]
    assert (on_time.planned, on_time.kept, on_time.missed, on_time.untold) == (3, 3, 0, 0)
    assert on_time.kept_share == 1
    # The first comes 421 s late, so that 59 s are left; of the second departure nothing is known.
    observed = [421, 600, 1200, 1800, 2400]
    late = connections((arrivals, observed), (departures, [480, None, 2999]), 60, 900)
    assert (late.planned, late.kept, late.missed, late.untold) == (3, 1, 1, 1)
    assert late.kept_share == 1 / 2
    # A departure that is late, too, waits for those who are.
    both = connections((arrivals, observed), (departures, [481, 1200, 3000]), 60, 900)
    assert both.kept == 3


def test_no_connection_is_no_share() -> None:
    found = connections(([0.0], [0.0]), ([NAN], [100.0]), 60, 900)
    assert (found.planned, found.kept_share) == (0, None)
    with pytest.raises(UserError, match="900 and 60"):
        connections(([], []), ([], []), 900, 60)


def test_slope_of_sens_own_example() -> None:
    # The example of Sen 1968.
    times, values = (1, 2, 3, 4, 10, 12, 18), (9, 15, 19, 20, 45, 55, 78)
    assert sen_slope(times, values).value == pytest.approx(4.0)
    assert sen_slope(times, [*values[:6], 7800]).value < 5  # one bad day does not turn it
    assert sen_slope((1, 2, 3), (1, None, 3)).gap == "2 of the 3 days that a trend takes"
    assert sen_slope((1, 1, 1), (1, 2, 3)).gap == "all of one time"


def test_a_difference_says_what_it_lacks() -> None:
    assert difference(0.5, 0.75, "the day before").value == -0.25
    assert difference(None, 1, "the day before").gap == "no figure of the day"
    assert difference(1, NAN, "the day before").gap == "no figure of the day before"


SQUARE = "POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))"
WITH_HOLE = "MULTIPOLYGON (((2 0, 6 0, 6 4, 2 4, 2 0), (3 1, 5 1, 5 3, 3 3, 3 1)))"


def test_the_area_of_a_place() -> None:
    east = [1, 2, 2.5, 4, 9, None]
    north = [1, 1, 0.5, 2, 9, 1]
    # Inside, on the border of both, inside, in the hole, outside, nowhere.
    assert area_of(north, east, [None, SQUARE, WITH_HOLE]).tolist() == [1, 1, 2, -1, -1, -1]
    assert area_of([], [], []).tolist() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("POINT (1 1)", "boundary 1 is a Point; polygons are allowed"),
        ("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))", "boundary 1: Self-intersection"),
        ("nonsense", "boundary 1 can't be read"),
    ],
)
def test_a_boundary_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        area_of([1], [1], [text])
