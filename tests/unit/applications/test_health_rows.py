"""Clusters, hospitals and cohorts: declarations that cannot be meant, and what small groups get."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from civiclake.applications.health.clusters_rows import clusters, scanning
from civiclake.applications.health.cohorts_rows import (
    CURVES,
    RATIOS,
    cohorts,
    curves,
    followed,
    ratios,
)
from civiclake.applications.health.hospitals_rows import asked, outcomes
from civiclake.applications.health.syndromes import syndromes
from civiclake.errors import UserError

SCAN: Mapping[str, Any] = {
    "weeks": 8, "longest_weeks": 4, "resolution": 7, "replications": 99, "seed": 1,
    "alpha": 0.05, "smallest_group": 5,
}  # fmt: skip
COHORT: Mapping[str, Any] = {
    "entry": {"health.visits": ["E11"]},
    "exposure": {"medical.prescriptions": ["A10"]},
    "exposed_within_days": 30,
    "outcome": {"medical.admissions": ["I21"]},
    "longest_days": 365,
}
DATASETS = ("health.visits", "medical.admissions", "medical.prescriptions")


@pytest.mark.parametrize("said", [None, {}, {"eye": "H10"}, {"eye": []}])
def test_syndromes_that_cannot_be_meant(said: Any) -> None:
    with pytest.raises(UserError, match="wanted is such as syndromes"):
        syndromes({"syndromes": said})


@pytest.mark.parametrize(("name", "value"), [("weeks", 1), ("alpha", 2), ("seed", 1.5)])
def test_scans_that_cannot_be_meant(name: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"parameters: {name}: {value}; .* is allowed"):
        scanning({**SCAN, name: value})


def test_a_small_cluster_is_there_and_its_places_are_not() -> None:
    places = pd.DataFrame(
        {
            "level": "district", "place": list("abcd"), "latitude": [25.0, 25.1, 25.2, 25.3],
            "longitude": [102.0] * 4, "people": [100, 100, 100, 0],
        }
    )  # fmt: skip
    told = [("A90", "a", 0, 4), ("A90", "c", 5, 1), ("B01", "a", 0, 1), ("A90", "d", 1, 2)]
    cases = pd.DataFrame(told, columns=["disease_code", "place", "week", "cases"])
    found = clusters(cases.assign(level="district"), places, date(2016, 1, 3), scanning(SCAN))
    first = found[(found["disease_code"] == "A90") & (found["kind"] == "space_time")].iloc[0]
    assert first["is_cluster"] and pd.isna(first["places"]) and pd.isna(first["seen"])
    assert "where they are is withheld" in first["gap"] and "are left out" in first["gap"]
    assert (first["cases"], first["left_out"]) == (7, 2)
    few = found[found["disease_code"] == "B01"]
    assert not few["is_cluster"].any() and few["gap"].str.contains("too few").all()


def test_hospitals_below_thirty_cases_are_refused_and_withheld() -> None:
    with pytest.raises(UserError, match="least_cases: 10; 30 to"):
        asked({"days": 365, "followed_days": 30, "least_cases": 10})
    want = asked({"days": 365, "followed_days": 30, "least_cases": 30})
    chance = np.random.default_rng(1)
    stays = pd.DataFrame(
        {
            "facility_id": ["F1"] * 60 + ["F2"] * 29,
            "days": chance.poisson(5, 89),
            "age_years": chance.integers(0, 100, 89).astype(float),
            "sex": chance.choice(["1", "2"], 89),
            "chapter": chance.choice(["I", "J"], 89),
            "is_readmitted": [None, *(chance.random(88) < 0.2)],
        }
    )
    hospitals = pd.DataFrame(
        {"facility_id": ["F1", "F2"], "district_code": ["a", "b"], "occupied_share": [0.5, None]}
    )
    found = outcomes(stays, hospitals, want).set_index(["measure", "facility_id"])
    assert found["cases"].tolist() == [60, 29, 59, 29]
    shown = ["observed", "expected", "ratio", "upper", "is_outside"]
    assert found.xs("F2", level=1)[shown].isna().all(axis=None)
    assert found.xs("F1", level=1)[shown].notna().all(axis=None)
    assert found.loc[("readmission", "F1"), "left_out"] == 1
    nobody = outcomes(stays.assign(is_readmitted=False), hospitals, want)
    gaps = nobody[nobody["measure"] == "readmission"]["gap"]
    assert gaps.str.contains("no case has the outcome").all()


@pytest.mark.parametrize(
    ("word", "value", "said"),
    [
        ("entry", {"health.deaths": ["X"]}, "'health.deaths'; one of health.visits"),
        ("outcome", {"health.visits": "I21"}, "a list of codes is allowed"),
        ("longest_days", 20, "must be more than exposed_within_days"),
        ("exposed_within_days", 0, "1 to 36600 days are allowed"),
    ],
)
def test_declarations_that_cannot_be_meant(word: str, value: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        cohorts({"cohorts": {"c": {**COHORT, word: value}}}, DATASETS)


def test_nobody_is_followed_from_before_it_is_known_who_is_exposed() -> None:
    (cohort,) = cohorts({"cohorts": {"c": COHORT}}, DATASETS)
    people = pd.DataFrame(
        {
            "outcome_day": [20, 100, None, 500, 90],
            "exposed_day": [5, 10, 40, None, 30],
            "last_day": [400, 400, 25, 400, 80],
            "age_years": [50.0] * 5,
            "sex": ["1"] * 5,
        }
    )
    found = followed(people, cohort)
    # The first had the outcome before the landmark, the third was not seen so long.
    assert found["days"].tolist() == [70, 335, 50]
    assert found["happened"].tolist() == [True, False, False]
    assert found["is_exposed"].tolist() == [True, False, True]
    few = curves(found, cohort, 10)
    assert list(few) == list(CURVES) and few["at_risk"].isna().all()
    assert (few["gap"] == "fewer than 10 persons: nothing is told").all()
    none = ratios(found.iloc[:0], cohort, 1)
    assert list(none) == list(RATIOS) and none["hazard_ratio"].isna().all()


def test_exposed_who_do_better_have_a_ratio_below_one() -> None:
    (cohort,) = cohorts({"cohorts": {"c": COHORT}}, DATASETS)
    chance = np.random.default_rng(2)
    exposed = np.repeat([True, False], 300)
    days = np.ceil(chance.exponential(np.where(exposed, 600, 200)))
    members = pd.DataFrame(
        {
            "days": np.minimum(days, 335),
            "happened": days <= 335,
            "is_exposed": exposed,
            "age_years": chance.integers(30, 90, 600).astype(float),
            "sex": chance.choice(["1", "2"], 600),
        }
    )
    found = ratios(members, cohort, 10).set_index("term")
    assert found.loc["is_exposed", "lower"] < 1 / 3 < found.loc["is_exposed", "upper"] < 1
    assert found["gap"].isna().all()
    lines = curves(members, cohort, 10)
    last = lines.groupby("exposure")["survival"].last()
    assert last["exposed"] == pytest.approx(np.exp(-335 / 600), abs=0.07)
    assert last["others"] == pytest.approx(np.exp(-335 / 200), abs=0.07)
