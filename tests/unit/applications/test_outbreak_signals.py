"""Outbreak signals: what short, late, quiet and odd series get."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from civiclake.applications.health.counted import Counted, counted
from civiclake.applications.health.judging import seven_days
from civiclake.applications.health.signals_rows import signals, standing
from civiclake.applications.health.watching import watching
from civiclake.errors import UserError

SAID: Mapping[str, Any] = {
    "city_code": "530100",
    "weeks": "ISO",
    "days_shown": 28,
    "weeks_shown": 13,
    "years": 5,
    "least_cases_in_seven_days": 3,
    "least_cases_in_four_weeks": 5,
    "longest_delay_days": 28,
    "complete_from_share": 0.95,
    "alarm_alpha": 0.001,
    "alarm_stands_days": 7,
}
WATCH = watching(SAID)
LAST = date(2016, 1, 3)


def _cases(*told: tuple[str, date, date | None, int]) -> pd.DataFrame:
    rows = [("A90", *one) for one in told]
    names = ["disease_code", "district_code", "onset_on", "reported_on", "cases"]
    return pd.DataFrame(rows, columns=names)


def _weekly(district: str, first: date, each: int, last: date = LAST) -> pd.DataFrame:
    days = pd.date_range(first, last, freq="7D").date
    return _cases(*[(district, day, day + timedelta(days=2), each) for day in days])


def _counted(cases: pd.DataFrame, last: date = LAST) -> Counted:
    return counted(cases, ["530111", "530114"], "530100", last, WATCH.years, 28)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("years", 0, "1 to 20 is allowed"),
        ("alarm_alpha", "often", "1e-09 to 0.5 is allowed"),
        ("complete_from_share", True, "0.5 to 1 is allowed"),
        ("city_code", None, "such as '530100'"),
        ("weeks", "MMWR", "ISO, CDC is allowed"),
    ],
)
def test_parameters_that_are_none_are_refused(name: str, value: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        watching({**SAID, name: value})


def test_nothing_to_count_is_said() -> None:
    with pytest.raises(UserError, match="no case with a day of onset"):
        _counted(_cases(("530111", date(2017, 1, 1), None, 1)))


def test_a_quiet_district_and_the_whole_city_have_rows_of_their_own() -> None:
    found = signals(_counted(_weekly("530111", date(2012, 1, 2), 2)), WATCH)
    assert set(found["district_code"]) == {"530100", "530111", "530114"}
    quiet = found[found["district_code"] == "530114"]
    assert (quiet["observed"] == 0).all() and not quiet["is_signal"].any()
    assert quiet["upper_bound"].notna().all()
    weeks = found[found["period"] == "week"]
    assert "2015-W53 (ISO)" in set(weeks["week"])


def test_cases_that_are_dated_ahead_are_left_out_and_told() -> None:
    ahead = _cases(("530111", LAST + timedelta(days=40), LAST, 3))
    found = signals(_counted(pd.concat([_weekly("530111", date(2015, 9, 7), 2), ahead])), WATCH)
    tonight = found[found["is_citywide"] & (found["ends_on"] == LAST)]
    assert tonight["gap"].str.contains("left out for an onset after 2016-01-03: 3").all()
    assert found["ends_on"].max() == LAST


def test_a_district_that_began_last_year_is_judged_by_its_own_history() -> None:
    old = _weekly("530111", date(2012, 1, 2), 2)
    new = _weekly("530114", LAST - timedelta(weeks=30), 9)
    both = _counted(pd.concat([old, new]))
    judged = seven_days(both, WATCH, both.counts.shape[1] - 1).figures
    gaps = dict(zip(both.series["district_code"], judged.gaps, strict=True))
    assert "judged by C2 over blocks of seven days" in str(gaps["530114"])
    assert gaps["530111"] is None
    # The city sees the new district as more cases than before.
    assert judged.is_signal.tolist() == [True, False, False]
    assert np.isfinite(judged.upper).all()


def test_without_days_of_report_nothing_is_promised() -> None:
    cases = _weekly("530111", date(2015, 9, 7), 2).assign(reported_on=None)
    found = signals(_counted(cases), WATCH)
    assert found["reported_share"].isna().all() and found["expected_when_complete"].isna().all()
    assert found["gap"].str.contains("no day of report").all()
    assert found.loc[found["period"] == "day", "is_complete"].isna().all()


def test_an_alarm_stands_some_nights_after_the_last_signal() -> None:
    signal = np.zeros((1, 12), dtype=bool)
    signal[0, [2, 4]] = True
    stands, since = standing(signal, 3)
    assert np.flatnonzero(stands[0]).tolist() == [2, 3, 4, 5, 6, 7]
    assert since[0, 7] == 2 and np.isnan(since[0, 8])
