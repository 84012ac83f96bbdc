"""Hot spots, near repeats, forecasts, staffing and the feedback loop equal what is published."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from civiclake.errors import UserError
from civiclake.statistics import coverage, feedback, forecast, hotspots, staffing
from civiclake.statistics.coordinates import metres, utm
from civiclake.statistics.near_repeat import near_repeats

HERE = Path(__file__).parent
EAST, NORTH = [10, 20, 40, 15, 30, 30], [10, 10, 10, 20, 20, 30]
VALUES = [2, 3, 3.2, 5, 8, 7]


def test_gi_and_gi_star_of_six_points() -> None:
    # esda's documentation of G_Local: points, values, threshold 15 and standardised values.
    around = hotspots.near(EAST, NORTH, 15)
    without = hotspots.getis_ord(VALUES, around, with_self=False)
    assert without.z == pytest.approx(
        [-1.0136729, -0.04361589, 1.31558703, -0.31412676, 1.15373986, 1.77833941], abs=5e-9
    )
    star = hotspots.getis_ord(VALUES, around, with_self=True)
    assert star.z == pytest.approx(
        [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331], abs=5e-9
    )
    # Its p is of one side.
    assert star.p[0] / 2 == pytest.approx(0.08116526, abs=5e-9)


def test_places_without_a_value_or_a_neighbour_are_not_assessed_and_change_nothing() -> None:
    around = hotspots.near([*EAST, 12, 500], [*NORTH, 12, 500], 15)
    assert around[6] == [0, 1, 3]
    assert around[7] == []
    for with_self in (False, True):
        alone = hotspots.getis_ord(VALUES, hotspots.near(EAST, NORTH, 15), with_self=with_self)
        found = hotspots.getis_ord([*VALUES, None, 99], around, with_self=with_self)
        assert found.z[:6] == pytest.approx(alone.z)
        assert np.isnan(found.z[6:]).all()
        assert found.gaps[5:] == (None, hotspots.MISSING, hotspots.ISLAND)
        # Two whose only neighbour has no value are islands, too.
        close = hotspots.near(EAST, NORTH, 15)
        cut = hotspots.getis_ord([1, 2, 3, 4, None, 6], close, with_self=with_self)
        assert cut.gaps[2:] == (
            hotspots.ISLAND,
            hotspots.ALL,
            hotspots.MISSING,
            hotspots.ISLAND,
        )
        assert not hotspots.discoveries(found, 0.999)[6:].any()


def test_what_is_flat_or_too_few_says_so() -> None:
    flat = hotspots.getis_ord([0, 0, 0, 0], [[1], [0], [3], [2]], with_self=True)
    assert set(flat.gaps) == {hotspots.FLAT}
    assert not hotspots.discoveries(flat, 0.05).any()
    few = hotspots.getis_ord([1, 2, None], [[1], [0], [0]], with_self=True)
    assert few.gaps == (hotspots.FEW, hotspots.FEW, hotspots.MISSING)
    assert (
        hotspots.moran([5, 5, 5, 5], [[1], [0], [3], [2]]).gap == "all places have the same value"
    )
    with pytest.raises(UserError, match="one length"):
        hotspots.getis_ord([1, 2], [[1]], with_self=True)
    with pytest.raises(UserError, match="above 0 and below 1"):
        hotspots.discoveries(flat, 1)


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    # Their table of 15 p-values (1995, section 3.2): the first four are discoveries at 0.05.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
         0.5719, 0.6528, 0.7590, 1.0000]  # fmt: skip
    told = hotspots.Local(np.zeros(15), np.asarray(p), (None,) * 15)
    assert hotspots.discoveries(told, 0.05).tolist() == [True] * 4 + [False] * 11


def test_morans_i_of_st_louis() -> None:
    counties = pd.read_csv(HERE / "stl" / "counties.csv")
    around = [[int(n) for n in there.split()] for there in counties["neighbours"]]
    found = hotspots.moran(counties["homicides_per_100000"], around)
    assert found.value == pytest.approx(0.243656, abs=5e-7)
    assert found.expected == pytest.approx(-1 / 77)
    assert found.p == pytest.approx(0.000271479, abs=5e-10)
    more = hotspots.moran([*counties["homicides_per_100000"], None, 3.0], [*around, [0, 1], []])
    assert (more.value, more.left_out) == (pytest.approx(found.value), 2)


def test_knox_of_burkitts_cases() -> None:
    cases = pd.read_csv(HERE / "burkitt" / "cases.csv")
    days = cases["day"].to_numpy()
    before = days.copy()
    found = near_repeats(cases["x"], cases["y"], days, [20], [5], seed=1).rows.iloc[0]
    assert found["pairs"] == 13
    # pointpats' documentation: 10.1438161 by its table, 0.146 by Poisson, 0.21 by 99 runs.
    assert found["expected"] == pytest.approx(10.1438161, rel=0.03)
    assert 0.13 < found["p"] < 0.25
    assert (days == before).all()
    again = near_repeats(cases["x"], cases["y"], days, [20], [5], seed=1).rows
    assert again["p"].iloc[0] == found["p"]


def test_near_repeats_by_bands() -> None:
    # Twice at one place within a day, and a third time much later.
    x, y, at = [0, 50, 50, 5000, 9000, 13000], [0] * 6, [0, 1, 200, 90, 40, 300]
    found = near_repeats(x, y, at, [100, 200], [2, 400], runs=199)
    assert found.rows["pairs"].tolist() == [1, 2, 0, 0]
    assert found.rows[["from_m", "to_m", "from_days", "to_days"]].iloc[1].tolist() == [
        0,
        100,
        2,
        400,
    ]
    assert found.rows["ratio"].iloc[2:].isna().all()
    assert near_repeats([], [], [], [100], [7], runs=9).gap is not None
    with pytest.raises(UserError, match="bounds that rise"):
        near_repeats(x, y, at, [200, 100], [2])
    with pytest.raises(UserError, match="number 2 is nan"):
        near_repeats([0, None], [0, 0], [0, 0], [100], [7])


def test_forecasts_of_minneapolis() -> None:
    stops = pd.read_csv(HERE / "minneapolis" / "stops.csv.gz")
    plane = utm(stops["latitude"].mean(), stops["longitude"].mean())
    x, y = metres(stops["latitude"], stops["longitude"], plane)
    stops["part"] = np.where(stops["day"] < "10-01", "train", "test")
    cells = [x // 250, y // 250, stops["part"]]
    counts = stops.groupby(cells)["day"].count().unstack("part", fill_value=0)
    trained = counts[counts["train"] > 0]
    assert (len(stops), plane, len(trained)) == (51_920, "EPSG:32615", 1_986)
    found = forecast.score(trained["train"], trained["test"], 0.02)
    assert found.flagged == 39
    # By hand: 39 of 1,986 cells; two compete for the last place.
    assert found.pai == pytest.approx(10.4161, abs=5e-5)
    assert found.pei == pytest.approx(0.9286, abs=5e-5)
    assert forecast.score(trained["test"], trained["test"], 0.02).pei == 1


def test_pai_of_chaineys_examples() -> None:
    # "The utility of hotspot mapping" (2008): a quarter of the incidents in half of the area are
    # 0.5, all in all 1, and a fifth in a tenth 2.
    half = forecast.score([2, 2, 0, 0], [1, 0, 2, 1], 0.5)
    assert half.pai == 0.5
    assert forecast.score([1, 1], [3, 4], 1).pai == 1
    assert forecast.score([9, *[0] * 9], [1, *[0] * 5, 1, 1, 1, 1], 0.1).pai == pytest.approx(2)


def test_scores_share_ties_and_say_what_is_not_defined() -> None:
    # Four cells compete for the second place: a quarter of their three is expected.
    tied = forecast.score([5, 1, 1, 1, 1], [4, 3, 0, 0, 0], 0.4)
    assert (tied.flagged, tied.hits, tied.count) == (2, 4.75, 7)
    assert tied.pai == pytest.approx(4.75 / 7 / 0.4)
    assert tied.pei == pytest.approx(4.75 / 7)
    assert tied.calibration == pytest.approx(7 / 9)
    assert forecast.together([tied, tied]).pai == pytest.approx(tied.pai)
    quiet = forecast.score([1, 2], [0, 0], 0.5)
    both = forecast.together([forecast.score([1, 2], [2, 2], 0.5), quiet])
    assert (both.pai, both.pei, both.calibration, both.gap) == (1, 1, pytest.approx(4 / 6), None)
    assert (quiet.pai, quiet.pei, quiet.gap) == (None, None, forecast.NOTHING)
    assert forecast.score([0, 1], [1, 0], 0.5).log_score is None
    with pytest.raises(UserError, match="share of cells: 0"):
        forecast.score([1], [1], 0)
    with pytest.raises(UserError, match="there is no cell"):
        forecast.score([], [], 0.1)


def test_a_forecast_follows_what_moves_and_beats_its_history_only_then() -> None:
    chance = np.random.default_rng(5)
    around = [[n for n in (cell - 1, cell + 1) if 0 <= n < 40] for cell in range(40)]
    recipe = forecast.Recipe(half_life_weeks=4, spread=0.1)
    steady, moving = np.full((40, 60), 0.2), np.full((40, 60), 0.2)
    steady[:4] = 3
    for week in range(60):
        moving[week // 10 * 4 : week // 10 * 4 + 4, week] = 3
    scores = {}
    for name, rates in (("steady", steady), ("moving", moving)):
        seen = chance.poisson(rates).astype(float)
        weeks = range(30, 60)
        mine = [forecast.forecast(seen[:, :w], around, recipe) for w in weeks]
        plain = [forecast.history(seen[:, :w]) for w in weeks]
        assert all(one.sum() == pytest.approx(one.sum()) and (one > 0).all() for one in mine)
        scores[name] = [
            [forecast.score(told, seen[:, w], 0.1) for told, w in zip(way, weeks, strict=True)]
            for way in (mine, plain)
        ]
    assert forecast.beats(*scores["moving"])
    assert not forecast.beats(*scores["steady"])
    assert not forecast.beats(scores["moving"][0], scores["moving"][0])


def test_forecasts_of_little_keep_the_sum_and_stay_finite() -> None:
    recipe = forecast.Recipe(half_life_weeks=8, spread=0.3)
    assert forecast.forecast(np.zeros((3, 5)), [[1], [0], []], recipe).tolist() == [0, 0, 0]
    one = np.zeros((4, 10))
    one[1, -1] = 8
    found = forecast.forecast(one, [[1], [0, 2], [1], []], recipe)
    assert (found > 0).all()
    assert found.argmax() == 1
    assert found[0] == found[2] > found[3]
    weights = 0.5 ** (np.arange(10) / 8)
    assert found.sum() == pytest.approx(8 / weights.sum())
    with pytest.raises(UserError, match=r"counts of shape \(4, 0\)"):
        forecast.history(np.zeros((4, 0)))
    with pytest.raises(UserError, match="from 0 on"):
        forecast.history(np.full((1, 1), np.nan))
    with pytest.raises(UserError, match="half_life_weeks: 0"):
        forecast.Recipe(0)


def test_erlang_c_of_the_worked_example() -> None:
    calls = staffing.Calls(200, 180, 20, 0.8, shrinkage=0.3)
    assert calls.traffic == 10
    found = staffing.needed(calls)
    assert (found.agents, found.rostered) == (14, 20)
    assert found.share_within == pytest.approx(0.88835, abs=5e-6)
    assert found.occupancy == pytest.approx(0.714286, abs=5e-7)
    assert found.waits == pytest.approx(0.174132, abs=5e-7)
    assert staffing.with_agents(calls, 13).share_within < 0.8


def test_fewer_agents_than_traffic_are_refused() -> None:
    calls = staffing.Calls(200, 180, 20, 0.8)
    for agents in (0, 5, 10):
        with pytest.raises(UserError, match="more than 10 are allowed"):
            staffing.with_agents(calls, agents)
    quiet = staffing.needed(staffing.Calls(0, 180, 20, 0.8))
    assert (quiet.agents, quiet.waits, quiet.share_within) == (1, 0, 1)
    for wrong in ({"share_within": 1}, {"shrinkage": 1}, {"handling_s": 0}, {"per_hour": -1}):
        good = {"per_hour": 9, "handling_s": 60, "answer_within_s": 20, "share_within": 0.8}
        with pytest.raises(UserError, match=next(iter(wrong))):
            staffing.Calls(**{**good, **wrong})


LOOPS = {
    "little apart": feedback.Loop((0.10, 0.08)),
    "twice": feedback.Loop((0.2, 0.1)),
    "a biased start": feedback.Loop((0.1, 0.2), start=(100, 10)),
    "reported ones too": feedback.Loop((0.2, 0.1), reported=(2, 1)),
}


@pytest.mark.parametrize(("name", "seed"), list(product(LOOPS, (1, 2, 3))))
def test_the_feedback_loop_learns_true_rates_where_the_naive_one_runs_away(
    name: str, seed: int
) -> None:
    loop = LOOPS[name]
    truth = np.asarray(loop.rates) / sum(loop.rates)
    ours = feedback.simulate(loop, seed, is_naive=False)
    naive = feedback.simulate(loop, seed, is_naive=True)
    assert ours == pytest.approx(truth, rel=0.05)
    assert np.abs(naive / truth - 1).max() > 0.1
    assert np.abs(ours - truth).max() < np.abs(naive - truth).max() / 4


def test_the_naive_loop_sends_everybody_to_one_district() -> None:
    longer = feedback.Loop((0.4, 0.2), days=20_000)
    assert feedback.simulate(longer, 1, is_naive=True)[0] > 0.99


def test_what_counts_for_an_allocation() -> None:
    told = feedback.told_apart([3, 3], [9, 1], [0.9, 0.1])
    assert told == pytest.approx([4, 4])
    assert feedback.told_apart([3, 0], [0, 0], [0, 0]).tolist() == [3, 0]
    with pytest.raises(UserError, match="district 2: 1 discovered where no patrol was"):
        feedback.told_apart([0, 0], [5, 1], [1, 0])
    with pytest.raises(UserError, match="no chance"):
        feedback.simulate(feedback.Loop((1.5, 0.1)), 1, is_naive=True)


def test_coverage_by_hour() -> None:
    minutes = np.array([[3.0, 9.0], [12.0, 7.0], [np.nan, np.nan]])
    demand = np.array([[4.0, 0.0, 1.0], [6.0, 0.0, 1.0], [0.0, 0.0, 2.0]])
    assert coverage.covered(minutes, 7).tolist() == [True, True, False]
    found = coverage.by_hour(minutes, demand, 5)
    assert [one.share for one in found] == [0.4, None, 0.25]
    assert found[0].mean_minutes == pytest.approx((4 * 3 + 6 * 7) / 10)
    assert found[1].gap == coverage.EMPTY
    assert found[2].gap == "no post has a way to 2 of it"
    assert coverage.by_hour(np.empty((3, 0)), demand, 5)[0].gap == coverage.NO_POST
    with pytest.raises(UserError, match="above 0"):
        coverage.covered(minutes, 0)
