"""Scans, funnels and survival equal what the field has published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from civiclake.errors import UserError
from civiclake.statistics.funnel import INTERCEPT, funnel, standard
from civiclake.statistics.scan import log_likelihood_ratio, scan
from civiclake.statistics.survival import cumulative_incidence, hazards, survival

HERE = Path(__file__).parent


def test_likelihood_ratio_of_new_mexico() -> None:
    found = log_likelihood_ratio(np.array([106.0, 50.0]), np.array([62.13, 62.13]), 552)
    assert found == pytest.approx([14.78206, 0], abs=5e-6)


@pytest.fixture(scope="module")
def sids() -> pd.DataFrame:
    rows = pd.read_csv(HERE / "sids2" / "sids2.csv")
    return rows.assign(
        births=rows["births_1974_78"] + rows["births_1979_84"],
        deaths=rows["deaths_1974_78"] + rows["deaths_1979_84"],
    )


def _scanned(rows: pd.DataFrame, cases: np.ndarray, people: np.ndarray, **more: int):  # type: ignore[no-untyped-def]
    places = rows["latitude"].to_numpy(), rows["longitude"].to_numpy()
    return scan(cases, people, *places, **more)


def test_scan_of_sudden_infant_deaths(sids: pd.DataFrame) -> None:
    cases, births = sids["deaths"].to_numpy(float), sids["births"].to_numpy(float)
    found = _scanned(sids, cases, births, seed=1)
    first = found.clusters[0]
    assert sorted(sids["county"].iloc[list(first.places)]) == [
        "Bladen", "Hoke", "Robeson", "Scotland",
    ]  # fmt: skip
    assert first.log_likelihood_ratio == pytest.approx(17.632, abs=5e-4)
    assert first.relative_risk == pytest.approx(1.92, abs=5e-3)
    assert first.p_value == 0.001
    taken = [place for cluster in found.clusters for place in cluster.places]
    assert len(taken) == len(set(taken))
    assert _scanned(sids, cases, births, seed=1) == found


def test_scan_in_space_and_time_finds_where_and_since_when(sids: pd.DataFrame) -> None:
    chance = np.random.default_rng(3)
    births = sids["births"].to_numpy(float)
    cases = chance.poisson(np.outer(births / births.sum() * 200, np.ones(20))).astype(float)
    where = [sids.index[sids["county"] == name][0] for name in ("Wake", "Durham", "Orange")]
    cases[where, 16:] *= 3
    first = _scanned(sids, cases, births, replications=99, seed=1).clusters[0]
    assert set(where) & set(first.places) and first.first_period == 16
    assert first.p_value == 0.01
    quiet = _scanned(sids, np.outer(births, np.ones(4)), births, replications=9)
    assert quiet.clusters == []
    even = chance.poisson(births / births.sum() * 300).astype(float)
    sooner = _scanned(sids, even, births, enough_above=5, seed=2).clusters[0]
    assert sooner.p_value > 0.05
    assert sooner.places == _scanned(sids, even, births, seed=2).clusters[0].places


def test_scans_of_what_cannot_be_meant(sids: pd.DataFrame) -> None:
    nobody = np.zeros(100)
    assert _scanned(sids, nobody, nobody + 1).gap == "no case at all"
    with pytest.raises(UserError, match="place 0 has cases, and nobody lives there"):
        _scanned(sids, nobody + 1, nobody)
    with pytest.raises(UserError, match="one row a place"):
        _scanned(sids, nobody[:3], nobody[:3])


@pytest.fixture(scope="module")
def medpar() -> pd.DataFrame:
    rows = pd.read_csv(HERE / "medpar" / "medpar.csv")
    return rows.assign(urgent=rows["type"] == 2, emergency=rows["type"] == 3)


def test_funnel_of_medpar(medpar: pd.DataFrame) -> None:
    names = ["hmo", "died", "age80", "urgent", "emergency"]
    fitted = standard(medpar["los"], {name: medpar[name] for name in names})
    assert fitted.coefficients[INTERCEPT] == pytest.approx(2.26875, abs=5e-6)
    assert fitted.deviance == pytest.approx(7977.7, abs=0.05)
    assert fitted.expected.sum() == pytest.approx(medpar["los"].sum())
    found = funnel(medpar["provnum"], medpar["los"], fitted.expected, least_cases=1)
    assert len(found.providers) == 54
    assert found.providers["is_outside"].sum() == 25
    assert found.providers["is_outside_adjusted"].sum() == 9
    assert found.between_variance > 0 and found.dispersion > 1


def test_a_provider_with_few_cases_has_no_figure(medpar: pd.DataFrame) -> None:
    found = funnel(medpar["provnum"], medpar["died"], np.full(1495, medpar["died"].mean()))
    few = found.providers["cases"] < 30
    assert few.sum() > 10 and (~few).sum() > 10
    hidden = found.providers[few]
    assert (
        hidden[["observed", "expected", "ratio", "upper", "adjusted_upper"]].isna().all(axis=None)
    )
    assert (
        not hidden["is_outside"].any() and (hidden["gap"] == "fewer than 30 cases: no figure").all()
    )
    assert found.providers.loc[~few, "gap"].isna().all()


def test_a_standard_that_cannot_be_fitted_says_so(medpar: pd.DataFrame) -> None:
    died = standard(medpar["died"], {"age80": medpar["age80"]}, is_share=True)
    assert died.gap is None and died.expected.sum() == pytest.approx(medpar["died"].sum())
    apart = standard([0, 0, 0, 1, 1, 1] * 5, {"x": [0, 0, 0, 1, 1, 1] * 5}, is_share=True)
    assert str(apart.gap).endswith("the same mean for all")
    nobody = standard([0, 0, 0], {"x": [1, 2, 3]}, is_share=True)
    assert nobody.gap == "no case has the outcome: the same mean for all"
    twice = standard([1, 2, 3, 5], {"x": [1, 2, 3, 4], "y": [2, 4, 6, 8]})
    assert "follows from itself" in str(twice.gap)
    with pytest.raises(UserError, match="0 and 1 are allowed"):
        standard([0, 2], {}, is_share=True)


SIX_MP = (
    (6, 1), (6, 1), (6, 1), (6, 0), (7, 1), (9, 0), (10, 1), (10, 0), (11, 0), (13, 1), (16, 1),
    (17, 0), (19, 0), (20, 0), (22, 1), (23, 1), (25, 0), (32, 0), (32, 0), (34, 0), (35, 0),
)  # fmt: skip


def test_survival_of_freireichs_patients() -> None:
    # D. Cox and D. Oakes, "Analysis of Survival Data" (1984), and every textbook since.
    found = survival([d for d, _ in SIX_MP], [e for _, e in SIX_MP])
    assert found.index.tolist() == [6, 7, 10, 13, 16, 22, 23]
    shares = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    errors = [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert found["survival"].tolist() == pytest.approx(shares, abs=5e-4)
    assert found["error"].tolist() == pytest.approx(errors, abs=6e-5)
    assert (found["lower"] < found["survival"]).all() and (found["upper"] > found["survival"]).all()
    assert found["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]


def test_several_outcomes_of_one_day_share_those_at_risk() -> None:
    days, outcomes = [1, 1, 2, 2, 3, 3, 4, 5], [1, 2, 1, 0, 2, 1, 0, 1]
    found = cumulative_incidence(days, outcomes)
    assert found.loc[1].tolist() == pytest.approx([1 / 8, 1 / 8])
    assert found.loc[2, 1] == pytest.approx(1 / 8 + 6 / 8 / 6)
    together = survival(days, [o > 0 for o in outcomes])["survival"]
    assert (found.sum(axis=1) + together).tolist() == pytest.approx([1] * 4)
    assert cumulative_incidence(days[::-1], outcomes[::-1]).equals(found)


def test_hazards_of_rossis_convicts() -> None:
    rows = pd.read_csv(HERE / "rossi" / "rossi.csv")
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    found = hazards(rows["week"], rows["arrest"], {name: rows[name] for name in names})
    wanted = {"fin": -0.3794, "age": -0.0574, "prio": 0.0915}
    for name, value in wanted.items():
        assert found.coefficients[name] == pytest.approx(value, abs=5e-5)
    assert (found.events, found.count, found.gap) == (114, 432, None)
    assert found.p_values["prio"] == pytest.approx(0.0014, abs=5e-5)


def test_hazards_that_run_away_and_days_that_cannot_be() -> None:
    group = [1, 1, 1, 1, 0, 0, 0, 0]
    away = hazards([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 0, 0, 0, 0], {"group": group})
    assert away.coefficients == {} and "no highest point" in str(away.gap)
    assert "nothing has happened" in str(hazards([1, 2], [0, 0], {"x": [1, 2]}).gap)
    assert "does not vary" in str(hazards([1, 2], [1, 0], {"x": [1, 1]}).gap)
    with pytest.raises(UserError, match="number 2 is -3, entered 0; later is allowed"):
        survival([1, -3], [1, 0])
    late = survival([5, 6, 7], [1, 1, 1], entered=[0, 5, 0])
    assert late["at_risk"].tolist() == [2, 2, 1]
