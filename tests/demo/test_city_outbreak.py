"""The sample city's outbreak is found within a week, and quiet diseases stay quiet.

Every night is judged by what was known on it: cases that were reported later are not there yet.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from civiclake.applications.health.clusters_rows import clusters, scanning
from civiclake.applications.health.counted import Counted, counted
from civiclake.applications.health.judging import seven_days
from civiclake.applications.health.signals_rows import signals, standing
from civiclake.applications.health.watching import Watching, watching
from civiclake.contracts.load import load_city
from civiclake.settings import project_root
from demo.city import places
from demo.city.journal import Journal
from demo.city.model import Model
from demo.city.outbreak import NAME, outbreak
from demo.city.residents import City
from demo.city.table import OLDER, TWICE

LAST_DAY = date(2015, 12, 31)
CODES = [district.code for district in places.DISTRICTS]


@pytest.fixture(scope="module")
def watch() -> Watching:
    root = project_root()
    marts = load_city(root / "schemas", root / "expectations").marts
    return watching(next(mart.parameters for mart in marts if mart.name == "outbreak_signals"))


def _cases(residents: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    model = Model(City(20160101, residents))
    series = model.series[NAME]
    assert isinstance(series, Journal)
    kept = (n for n in range(series.size) if series.special.get(n, TWICE) in (TWICE, OLDER))
    rows = pd.DataFrame([series.clean(n) for n in kept], columns=series.shape.columns)
    return rows.assign(cases=1), outbreak(model)


def _known(rows: pd.DataFrame, day: date, watch: Watching) -> Counted:
    known = rows[(rows["reported_on"] <= day) & (rows["onset_on"] <= day)]
    return counted(known, CODES, watch.city_code, day, watch.years, watch.longest_delay_days)


def _signal(rows: pd.DataFrame, day: date, watch: Watching) -> pd.DataFrame:
    found = _known(rows, day, watch)
    judged = seven_days(found, watch, found.counts.shape[1] - 1)
    return found.series.assign(day=day, is_signal=judged.figures.is_signal)


def _found_on(told: dict[str, Any], nights: pd.DataFrame) -> date:
    mine = (nights["disease_code"] == told["disease_code"]) & nights["is_signal"]
    here = nights[mine & (nights["district_code"] == told["district_code"])]
    found: date = here["day"].min()
    return found


def test_the_outbreak_is_found_and_quiet_diseases_stay_quiet(watch: Watching) -> None:
    rows, told = _cases(2000)
    days = [LAST_DAY - timedelta(days=n) for n in reversed(range(100))]
    nights = pd.concat([_signal(rows, day, watch) for day in days])
    starts = date.fromisoformat(told["starts_on"])
    assert timedelta(0) <= _found_on(told, nights) - starts <= timedelta(days=7)
    quiet = nights[nights["disease_code"].isin(told["quiet_diseases"]) & ~nights["is_citywide"]]
    by_day = quiet.pivot(index=["disease_code", "district_code"], columns="day", values="is_signal")
    assert by_day.shape == (8 * 14, 100)
    stands, _ = standing(by_day.to_numpy(bool), watch.alarm_stands_days)
    began = stands & ~np.pad(stands, ((0, 0), (1, 0)))[:, :-1]
    assert began.sum() / len(CODES) < 1


def test_a_larger_city_finds_it_too(watch: Watching) -> None:
    rows, told = _cases(20_000)
    starts = date.fromisoformat(told["starts_on"])
    nights = [_signal(rows, starts + timedelta(days=n), watch) for n in range(8)]
    assert _found_on(told, pd.concat(nights)) <= starts + timedelta(days=7)


def test_the_mart_shows_the_outbreak_and_nothing_else(watch: Watching) -> None:
    rows, told = _cases(2000)
    found = signals(_known(rows, LAST_DAY, watch), watch)
    tonight = found[(found["period"] == "seven_days") & (found["ends_on"] == LAST_DAY)]
    alarms = tonight[tonight["is_alarm"] & ~tonight["is_citywide"]]
    assert alarms[["disease_code", "district_code"]].to_numpy().tolist() == [
        [told["disease_code"], told["district_code"]]
    ]
    assert not alarms["is_complete"].any()
    assert (alarms["expected_when_complete"] > alarms["observed"]).all()
    assert len(found) == (8 + 1) * (14 + 1) * (28 * 3 + 13 * 2 + 28)
    assert not found["upper_bound"].isna().any()


def test_the_outbreak_is_a_cluster_of_its_district(watch: Watching) -> None:
    rows, told = _cases(2000)
    asked = scanning({"weeks": 8, "longest_weeks": 4, "resolution": 7, "replications": 999,
                      "seed": 1, "alpha": 0.01, "smallest_group": 5})  # fmt: skip
    age = rows["onset_on"].map(lambda day: (LAST_DAY - day).days)
    here = rows[(age >= 0) & (age < asked.days)].assign(
        level="district", place=rows["district_code"], week=age // 7
    )
    places_ = pd.DataFrame(
        [("district", d.code, d.latitude, d.longitude, d.weight) for d in places.DISTRICTS],
        columns=["level", "place", "latitude", "longitude", "people"],
    )
    found = clusters(here, places_, LAST_DAY, asked)
    mine = found[found["is_cluster"]]
    assert set(mine["disease_code"]) == {told["disease_code"]}
    assert set(mine["kind"]) == {"space", "space_time"}
    assert set(mine["places"]) == {told["district_code"]}
