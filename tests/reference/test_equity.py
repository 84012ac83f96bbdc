"""Inequality, parity, regression and catchments equal what the field has published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from civiclake.errors import UserError
from civiclake.statistics import catchment
from civiclake.statistics.inequality import gini, theil
from civiclake.statistics.parity import parity, parity_of_means
from civiclake.statistics.regression import INTERCEPT, least_squares

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def mexico() -> pd.DataFrame:
    return pd.read_csv(HERE / "mexico" / "mexico.csv")


@pytest.fixture(scope="module")
def schools() -> pd.DataFrame:
    return pd.read_csv(HERE / "caschools" / "caschools.csv")


def test_gini_of_mexico(mexico: pd.DataFrame) -> None:
    assert gini(mexico["gdp_per_head_1940"]).value == pytest.approx(0.353724, abs=5e-7)
    assert gini(mexico["gdp_per_head_2000"]).value == pytest.approx(0.258113, abs=5e-7)


def test_theil_of_mexico(mexico: pd.DataFrame) -> None:
    found = theil(mexico["gdp_per_head_1940"], mexico["hanson98"])
    assert found.total == pytest.approx(0.208943, abs=5e-7)
    assert found.between == pytest.approx(0.034589, abs=5e-7)
    assert found.within == pytest.approx(0.174355, abs=5e-7)


def test_weights_are_people() -> None:
    expanded = gini([1, 1, 1, 4, 9, 9]).value
    assert gini([1, 4, 9], [3, 1, 2]).value == pytest.approx(expanded)
    whole = theil([1, 1, 1, 4, 9, 9], list("aaabbb"))
    parts = theil([1, 4, 9, 7], list("abbb"), [3, 1, 2, 0])
    assert parts.total == pytest.approx(whole.total)
    assert parts.between == pytest.approx(whole.between)


def test_lists_series_and_arrow_are_read_alike() -> None:
    wanted = gini([1, 4, 9]).value
    for column in (np.array([1, 4, 9]), pd.Series([1, 4, 9], dtype="Int64"), pa.array([1, 4, 9])):
        assert gini(column).value == wanted
    with pytest.raises(UserError, match="number 2 is nan"):
        gini(pd.Series([1, None], dtype="Int64"))
    with pytest.raises(UserError, match="not all of them are numbers"):
        gini(["1", "many"])


def test_what_cannot_be_measured_says_why() -> None:
    assert gini([0, 0]).value is None
    assert "all are zero" in str(gini([0, 0]).gap)
    assert gini([5]).value == 0
    assert "one observation" in str(gini([5]).gap)
    assert gini([3, 3, 3]).value == pytest.approx(0)
    assert theil([], []).gap == "no observation with people in it"
    with pytest.raises(UserError, match="number 2 is nan"):
        gini([1, None])
    with pytest.raises(UserError, match=r"number 1 is -1\.0"):
        gini([-1, 2])


def test_regression_of_californias_schools(schools: pd.DataFrame) -> None:
    score = (schools["read"] + schools["math"]) / 2
    fit = least_squares(score, {"ratio": schools["students"] / schools["teachers"]})
    assert fit.coefficients[INTERCEPT] == pytest.approx(698.933, abs=5e-4)
    assert fit.coefficients["ratio"] == pytest.approx(-2.2798, abs=5e-5)
    assert fit.standard_errors[INTERCEPT] == pytest.approx(10.364, abs=5e-4)
    assert fit.standard_errors["ratio"] == pytest.approx(0.5195, abs=5e-5)
    assert fit.r_squared == pytest.approx(0.0512, abs=5e-5)
    assert fit.count == 420


def test_theil_of_californias_spending(schools: pd.DataFrame) -> None:
    found = theil(schools["expenditure"], schools["county"])
    assert found.total == pytest.approx(0.006873, abs=5e-7)
    assert found.between == pytest.approx(0.002182, abs=5e-7)
    assert found.within == pytest.approx(0.004691, abs=5e-7)


def test_a_line_that_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(UserError, match="constant"):
        least_squares([1, 2, 3, 4], {"x": [5, 5, 5, 5]})
    with pytest.raises(UserError, match="2 rows for 2"):
        least_squares([1, 2], {"x": [1, 2]})


def test_ratio_of_shares_of_the_physicians_health_study() -> None:
    # Agresti, Categorical Data Analysis (2002), table 3.1: 1.82, and 1.43 to 2.31.
    found = parity(189, 11034, 104, 11037)
    assert found.index == pytest.approx(1.82, abs=5e-3)
    assert (found.low, found.high) == pytest.approx((1.43, 2.31), abs=5e-3)
    assert found.adjusted == pytest.approx(2 - 1 / 1.8178, abs=1e-4)
    assert found.is_fair is False


def test_parity_without_a_ratio_says_why() -> None:
    assert parity(98, 100, 100, 100).is_fair is True
    assert parity(1, 2, 0, 3).gap == "nobody of the other group is reached: there is no ratio"
    assert parity(0, 0, 1, 3).gap == "a group without anybody in it"
    assert parity(0, 5, 1, 3).index == 0
    assert parity_of_means(30, 0).index is None
    assert parity_of_means(30, 40).index == 0.75
    with pytest.raises(UserError, match="3 of 2"):
        parity(3, 2, 1, 1)


COSTS = {(1, 1): 1, (2, 2): 1, (3, 3): 1, (1, 3): 40, (2, 3): 40, (3, 1): 40, (3, 2): 40}


def _costs(pairs: dict[tuple[int, int], int]) -> pd.DataFrame:
    rows = [(place, supplier, cost) for (place, supplier), cost in pairs.items()]
    return pd.DataFrame(rows, columns=["place", "supplier", "cost"])


PEOPLE = pd.Series({1: 100, 2: 50, 3: 10})
DOCTORS = pd.Series({1: 15, 2: 20, 3: 100})


def test_catchment_of_the_hospital_example() -> None:
    pairs = {**COSTS, (1, 2): 80, (2, 1): 80}
    found = catchment.two_step_catchment(
        PEOPLE, DOCTORS, _costs(pairs), 61, catchment.gravity(1, -1)
    )
    shares = found.places["supply_per_person"]
    assert shares.tolist() == pytest.approx([0.331444, 0.579828, 7.286418], abs=5e-7)
    # Nothing is lost: what the places get is what the suppliers have.
    assert (PEOPLE * shares).sum() == pytest.approx(135)


def test_a_town_that_is_cut_off_lowers_the_mean() -> None:
    whole = catchment.two_step_catchment(PEOPLE, DOCTORS, _costs(COSTS), 61, catchment.none())
    fewer = {pair: cost for pair, cost in COSTS.items() if 2 not in pair}
    cut = catchment.two_step_catchment(PEOPLE, DOCTORS, _costs(fewer), 61, catchment.none())
    assert cut.places["is_cut_off"].tolist() == [False, True, False]
    assert cut.places["supply_per_person"].loc[2] == 0
    assert cut.unused_supply == 20
    assert cut.mean == pytest.approx(115 / 160)
    assert whole.mean == pytest.approx(135 / 160)


def test_decays() -> None:
    costs = np.array([0.0, 10.0, 11.0, 31.0])
    assert catchment.steps({10: 1, 30: 0.5})(costs).tolist() == [1, 1, 0.5, 0]
    assert catchment.gaussian(10)(costs)[1] == pytest.approx(np.exp(-0.5))
    with pytest.raises(UserError, match="gravity"):
        catchment.gravity()(costs)


def test_costs_that_do_not_fit_are_refused() -> None:
    pairs = _costs(COSTS)
    with pytest.raises(UserError, match="twice"):
        catchment.two_step_catchment(
            PEOPLE, DOCTORS, pd.concat([pairs, pairs]), 61, catchment.none()
        )
    with pytest.raises(UserError, match="place 1 is there twice"):
        catchment.two_step_catchment(
            pd.concat([PEOPLE, PEOPLE]), DOCTORS, pairs, 61, catchment.none()
        )
    with pytest.raises(UserError, match="supplier 9"):
        catchment.two_step_catchment(PEOPLE, DOCTORS, _costs({(1, 9): 1}), 61, catchment.none())
