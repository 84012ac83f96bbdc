"""EARS and Farrington's algorithms find what the field has published, on the same series."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from civiclake.errors import UserError
from civiclake.statistics import farrington, loglinear
from civiclake.statistics.ears import METHODS, ears, first_period
from civiclake.statistics.measured import Floats
from civiclake.statistics.nowcast import nowcast, shares
from civiclake.statistics.weeks import System, system, week, weeks, weeks_of_year

HERE = Path(__file__).parent / "surveillance"


@pytest.fixture(scope="module")
def agona() -> Floats:
    found = pd.read_csv(HERE / "salmonella_agona.csv")["cases"].to_numpy(float)
    assert (len(found), found.sum()) == (312, 897)
    return found[None]


@pytest.mark.parametrize(
    ("method", "signals", "bounds"), [("C1", 16, 2614.502), ("C2", 20, 2604.623)]
)
def test_ears_of_salmonella_agona(agona: Floats, method: str, signals: int, bounds: float) -> None:
    found = ears(agona, method)
    assert found.is_above.sum() == signals
    assert np.nansum(found.upper) == pytest.approx(bounds, abs=5e-4)


def test_c3_of_salmonella_agona(agona: Floats) -> None:
    found = ears(agona, "C3")
    # R's surveillance 1.20 adds the room to the judged count, not to the baseline's mean: 36.
    assert (agona > np.maximum(agona + found.room, 0)).sum() == 36
    # By the mean, as the method is published, it is
    assert found.is_above.sum() == 72
    c2 = ears(agona, "C2").score[0]
    sd = agona[0, 20 - 9 : 20 - 2].std(ddof=1)
    spent = sum(max(0, c2[at] - 1) for at in (19, 18))
    mean = agona[0, 20 - 9 : 20 - 2].mean()
    assert found.upper[0, 20] == pytest.approx(max(0, mean + sd * (1.959964 - spent)), abs=1e-5)


def test_ears_judges_each_series_by_itself_and_from_its_baseline_on(agona: Floats) -> None:
    both = np.vstack([agona, np.zeros_like(agona)])
    for method in METHODS:
        found = ears(both, method)
        assert np.array_equal(found.upper[:1], ears(agona, method).upper, equal_nan=True)
        assert np.isnan(found.upper[:, : first_period(method)]).all()
        assert np.isfinite(found.upper[:, first_period(method) :]).all()
        assert not found.is_above[1].any() and not found.score[1, first_period(method) :].any()
        short = ears(both[:, : first_period(method)], method)
        assert np.isnan(short.upper).all() and not short.is_above.any()
    quiet = np.zeros((1, 30))
    quiet[0, 20] = 1
    assert ears(quiet, "C2").is_above[0, 20]
    assert not ears(quiet, "C2", least_sd=0.5).is_above.any()


def test_ears_refuses_what_cannot_be_meant(agona: Floats) -> None:
    with pytest.raises(UserError, match="C1, C2, C3 is allowed"):
        ears(agona, "C4")
    with pytest.raises(UserError, match="alpha 1"):
        ears(agona, "C1", alpha=1)
    with pytest.raises(UserError, match="at least 0"):
        ears(-agona, "C1")


def test_farrington_of_salmonella_agona(agona: Floats) -> None:
    four = replace(farrington.ORIGINAL, years=4)
    last = [farrington.judge(agona, at, four) for at in range(308, 312)]
    assert [one.upper[0] for one in last] == pytest.approx(
        [7.928645, 6.872412, 7.362888, 17.290589], abs=5e-7
    )
    assert not any(one.is_above[0] for one in last)
    three = replace(four, years=3)
    found = {at + 1: farrington.judge(agona, at, three) for at in range(208, 312)}
    signals = [at for at, one in found.items() if one.is_above[0]]
    assert signals == [239, 249, 250, 254, 255, 257, 262, 263, 264]
    assert sum(one.upper[0] for one in found.values()) == pytest.approx(755.5, abs=0.05)


@pytest.fixture(scope="module")
def newport() -> tuple[Floats, list[date]]:
    rows = pd.read_csv(HERE / "salmonella_newport.csv")
    days = [date.fromisoformat(day) for day in rows["week_start_date"]]
    return rows["cases"].to_numpy(float)[None], days


def test_flexible_farrington_of_salmonella_newport(newport: tuple[Floats, list[date]]) -> None:
    counts, days = newport
    rule = replace(farrington.FLEXIBLE, years=4, alpha=0.05, least_cases=0, of_weeks=50)
    of_2011 = [at for at, day in enumerate(days) if week(day).year == 2011]
    found = {week(days[at]).number: farrington.judge(counts, at, rule, days) for at in of_2011}
    assert [n for n, one in found.items() if one.is_above[0]] == [35, 44, 45, 46, 47, 50, 51, 52]
    assert sum(one.upper[0] for one in found.values()) == 212


def test_many_series_are_judged_as_each_alone(
    agona: Floats, newport: tuple[Floats, list[date]]
) -> None:
    counts, days = newport
    both = np.vstack([agona[:, :312], counts[:, :312], np.zeros((1, 312))])
    for rule in (farrington.ORIGINAL, farrington.FLEXIBLE):
        together = farrington.judge(both, 311, rule, days)
        alone = [farrington.judge(row[None], 311, rule, days) for row in both]
        assert together.upper == pytest.approx([one.upper[0] for one in alone], rel=1e-9)
        assert together.upper[2] == 0 and not together.is_above[2]
        assert "no case in its baseline" in str(together.gaps[2])
        assert np.isfinite(together.score).all()


def test_short_series_and_fits_that_fail_say_so(
    agona: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = farrington.judge(agona[:, :54], 53)
    assert np.isnan(short.upper[0]) and not short.is_above[0]
    assert short.gaps == ["53 weeks of history; at least 55 are wanted"]
    assert farrington.judge(agona[:, :120], 119).years == 2
    monkeypatch.setattr(loglinear, "MOST_STEPS", 1)
    for rule in (farrington.ORIGINAL, farrington.FLEXIBLE):
        found = farrington.judge(agona, 311, rule)
        assert found.gaps == ["the fit did not converge: judged by the mean of its baseline"]
        assert np.isfinite([found.expected[0], found.upper[0], found.score[0]]).all()
    with pytest.raises(UserError, match="week 312 of 312"):
        farrington.judge(agona, 312)


def test_the_flexible_rule_tells_no_season_from_two_years(agona: Floats) -> None:
    found = farrington.judge(agona[:, :120], 119, farrington.FLEXIBLE)
    assert found.years == 2 and not found.has_trend[0]
    assert "without season" in str(found.gaps[0])
    assert found.expected[0] == pytest.approx(agona[0, : 119 - 26].mean(), rel=0.1)


TAYLOR_ASHE = [
    [357848, 766940, 610542, 482940, 527326, 574398, 146342, 139950, 227229, 67948],
    [352118, 884021, 933894, 1183289, 445745, 320996, 527804, 266172, 425046],
    [290507, 1001799, 926219, 1016654, 750816, 146923, 495992, 280405],
    [310608, 1108250, 776189, 1562400, 272482, 352053, 206286],
    [443160, 693190, 991983, 769488, 504851, 470639],
    [396132, 937085, 847498, 805037, 705960],
    [440832, 847631, 1131398, 1063269],
    [359480, 1061648, 1443370],
    [376686, 986608],
    [344014],
]


def test_what_is_not_reported_yet_by_macks_example() -> None:
    # Mack (1993), table 3, of the triangle of Taylor and Ashe (1983), in thousands.
    triangle = np.full((10, 10), np.nan)
    for period, row in enumerate(TAYLOR_ASHE):
        triangle[period, : len(row)] = row
    found = nowcast(triangle)
    missing = (found.complete - found.reported) / 1000
    assert missing.round().tolist() == [0, 95, 470, 710, 985, 1419, 2178, 3920, 4279, 4626]
    assert missing.sum() == pytest.approx(18681, abs=0.5)
    parts = found.error[1:] / 1000
    assert parts.round().tolist() == [76, 122, 134, 261, 411, 558, 875, 971, 1363]
    assert shares(triangle)[-1] == 1 and (np.diff(shares(triangle)) > 0).all()


def test_a_triangle_that_tells_nothing_is_refused_and_zeros_stay_zeros() -> None:
    with pytest.raises(UserError, match="one period that all have come for"):
        nowcast(np.array([[1.0, np.nan], [2.0, np.nan]]))
    with pytest.raises(UserError, match="at least 0"):
        nowcast(np.array([[1.0, -1.0]]))
    quiet = nowcast(np.array([[0.0, 0.0], [0.0, np.nan]]))
    assert quiet.complete.tolist() == [0, 0] and quiet.error.tolist() == [0, 0]
    late = nowcast(np.array([[0.0, 3.0, 1.0], [0.0, 4.0, np.nan], [0.0, np.nan, np.nan]]))
    assert late.reported_share.tolist() == [0, 0.75, 1]
    assert late.complete[:2] == pytest.approx([4, 16 / 3]) and np.isnan(late.complete[2])


def test_a_poisson_line_of_mccullagh_and_nelder() -> None:
    # Of two cells the fit is exact: 10 and 20, so that the slope is log 2.
    found = loglinear.fit(
        np.array([[10.0, 20.0, 10.0, 20.0]]), np.array([[1.0, 0.0], [1.0, 1.0]] * 2)
    )
    assert found.coefficients[0] == pytest.approx([np.log(10), np.log(2)])
    assert found.dispersion[0] == 1 and found.leverage[0].sum() == pytest.approx(2)


def test_weeks_at_the_turns_of_2025_and_2026() -> None:
    turn = {
        (2024, 12, 29): ((2024, 52), (2025, 1)),
        (2025, 12, 28): ((2025, 52), (2025, 53)),
        (2025, 12, 29): ((2026, 1), (2025, 53)),
        (2026, 1, 1): ((2026, 1), (2025, 53)),
        (2026, 1, 3): ((2026, 1), (2025, 53)),
        (2026, 1, 4): ((2026, 1), (2026, 1)),
        (2026, 12, 31): ((2026, 53), (2026, 52)),
        (2027, 1, 3): ((2026, 53), (2027, 1)),
        (2027, 1, 4): ((2027, 1), (2027, 1)),
    }
    for day, wanted in turn.items():
        found = [week(date(*day), by) for by in System]
        assert tuple((one.year, one.number) for one in found) == wanted, day
    first = {
        by: next(w for w in weeks(date(2025, 6, 1), date(2026, 6, 1), by) if w.year == 2026)
        for by in System
    }
    assert first[System.CDC].first_day - first[System.ISO].first_day == date(2026, 1, 4) - date(
        2025, 12, 29
    )
    assert first[System.ISO].name == "2026-W01 (ISO)"
    assert [weeks_of_year(2025, by) for by in System] == [52, 53]
    assert [weeks_of_year(2026, by) for by in System] == [53, 52]
    iso = [date(2000, 1, 1).fromordinal(n) for n in range(730_000, 742_000, 13)]
    assert all(week(d).first_day == d.fromisocalendar(*d.isocalendar()[:2], 1) for d in iso)
    assert all((week(d).year, week(d).number) == d.isocalendar()[:2] for d in iso)
    with pytest.raises(UserError, match="ISO, CDC is allowed"):
        system("epi")
