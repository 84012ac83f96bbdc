"""Plans for San Francisco equal spopt's published ones; what cannot be had is told."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from spopt.locate import PCenter

from civiclake.errors import UserError
from civiclake.statistics import plans, siting

COSTS = Path(__file__).parent / "sanfrancisco" / "costs.csv.gz"
WITHIN_M = 5000


@pytest.fixture(scope="module")
def city() -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Tract by store in metres, people by tract, and the number in each store's name."""
    rows = pd.read_csv(COSTS, dtype={"tract": str})
    table = rows.pivot_table(index="tract", columns="store", values="metres", sort=False)
    people = rows.groupby("tract", sort=False)["people"].first()
    stores = [int(name.removeprefix("Store_")) for name in table.columns]
    return table.to_numpy(), people.loc[table.index].to_numpy(float), stores


def test_set_covering_of_san_francisco(city: tuple[np.ndarray, np.ndarray, list[int]]) -> None:
    plan = siting.set_covering(plans.question(*city[:2]), WITHIN_M)
    assert (len(plan.sites), plan.objective, plan.bound_gap) == (8, 8, 0)
    assert plan.share_served == 1
    assert plan.gap is None


def test_maximal_covering_of_san_francisco(
    city: tuple[np.ndarray, np.ndarray, list[int]],
) -> None:
    plan = siting.maximal_covering(plans.question(*city[:2]), 4, WITHIN_M)
    assert plan.objective == plan.people_served == 875_247
    assert plan.people == 955_113
    assert sorted(city[2][site] for site in plan.sites) == [2, 11, 12, 15]
    # Of people, not of tracts.
    assert plan.share_served == pytest.approx(875_247 / 955_113)


def test_p_median_of_san_francisco(city: tuple[np.ndarray, np.ndarray, list[int]]) -> None:
    plan = siting.p_median(plans.question(*city[:2]), 4)
    assert plan.objective == pytest.approx(2_848_268_129.71, abs=5e-3)
    assert plan.objective is not None
    assert plan.objective / plan.people == pytest.approx(2982.1269, abs=5e-5)


def test_p_center_of_san_francisco(city: tuple[np.ndarray, np.ndarray, list[int]]) -> None:
    plan = siting.p_center(plans.question(*city[:2]), 4)
    assert plan.objective == pytest.approx(7403.06, abs=5e-3)


def _best(costs: np.ndarray, people: np.ndarray, number: int) -> float:
    ways = combinations(range(costs.shape[1]), number)
    return min(float((people * costs[:, list(w)].min(axis=1)).sum()) for w in ways)


SMALL = np.random.default_rng(3).uniform(1, 100, (12, 6))
PEOPLE = np.arange(1.0, 13.0)


def test_small_plans_equal_trying_everything() -> None:
    asked = plans.question(SMALL, PEOPLE)
    for number in (1, 2, 3):
        plan = siting.p_median(asked, number)
        assert plan.objective == pytest.approx(_best(SMALL, PEOPLE, number))
        ways = combinations(range(6), number)
        worst = min(SMALL[:, list(w)].min(axis=1).max() for w in ways)
        assert siting.p_center(asked, number).objective == pytest.approx(worst)


def test_existing_sites_stay_and_do_not_count_as_new() -> None:
    asked = plans.question(SMALL, PEOPLE, existing=[5])
    for plan in (
        siting.p_median(asked, 1),
        siting.p_center(asked, 1),
        siting.maximal_covering(asked, 1, 40),
    ):
        assert 5 in plan.sites
        assert len(plan.sites) == 2
    assert 5 in siting.set_covering(asked, 60).sites
    assert siting.p_median(asked, 0).sites == (5,)


def test_who_has_no_way_is_told_and_does_not_decide_for_the_others() -> None:
    costs = SMALL.copy()
    costs[0] = np.nan
    costs[1, 1:] = np.inf
    plan = siting.p_median(plans.question(costs, PEOPLE), 2)
    assert plan.not_coverable == (0,)
    assert plan.served_by[0] == plans.NOBODY
    assert 0 in plan.sites  # the only one that place 1 can reach
    assert plan.people_served == PEOPLE.sum() - 1
    assert plan.gap == "1 places are reached from none of the chosen sites"
    assert plan.objective == pytest.approx(
        min(
            float((PEOPLE[1:] * np.nan_to_num(costs[1:, [0, n]], nan=1e9).min(axis=1)).sum())
            for n in range(1, 6)
        )
    )
    center = siting.p_center(plans.question(costs, PEOPLE), 2)
    assert center.gap == "1 places have no way to any candidate"
    cut = np.full((2, 2), np.nan)
    np.fill_diagonal(cut, 5)
    one = siting.p_center(plans.question(cut, [1, 1]), 1)
    assert (one.objective, one.gap) == (
        None,
        "1 sites cannot reach every place that some candidate can: these reach 1 of 2 people",
    )


def test_covering_everybody_where_that_cannot_be_answers_the_nearest() -> None:
    costs = np.array([[100.0, 900.0], [900.0, 200.0], [450.0, 800.0]])
    plan = siting.set_covering(plans.question(costs, [10, 20, 30]), 300)
    assert plan.sites == (0, 1)
    assert plan.not_coverable == (2,)
    assert plan.people_served == 30
    assert plan.gap == "1 places have no candidate within 300; 450 would do for all"
    with pytest.raises(UserError, match="nobody is within 50 of any candidate; 450 would do"):
        siting.set_covering(plans.question(costs, [10, 20, 30]), 50)


def test_capacities_hold_and_more_sites_are_taken_where_it_needs_them() -> None:
    costs = np.array([[1.0, 5.0], [1.0, 5.0], [1.0, 5.0]])
    held = plans.question(costs, [10, 10, 10], capacities=[20, 20])
    plan = siting.p_median(held, 1)
    assert plan.gap == "1 sites cannot hold everybody: 2 can"
    assert plan.objective == 10 + 10 + 50
    assert sorted(plan.served_by.tolist()) == [0, 0, 1]
    assert siting.set_covering(held, 5).sites == (0, 1)
    with pytest.raises(UserError, match="all sites hold 20 of 30"):
        siting.p_median(plans.question(costs, [10, 10, 10], capacities=[10, 10]), 2)
    # Together they hold everybody, but no place can be cut in two.
    with pytest.raises(UserError, match="as a whole"):
        siting.p_median(plans.question(costs, [10, 10, 10], capacities=[15, 15]), 2)


def test_a_plan_that_time_ends_tells_how_far_it_may_be_from_the_best() -> None:
    random = np.random.default_rng(1)
    costs = random.uniform(0, 1, (60, 30))
    model = PCenter.from_cost_matrix(costs, 4)  # in one piece it takes HiGHS minutes
    found = plans.solve(model, plans.question(costs, np.ones(60), time_limit_s=3))
    assert found is not None
    assert len(found[0]) == 4
    assert 0 < found[2] < 1
    with pytest.raises(UserError, match="no plan was found within 0 s"):
        siting.p_median(plans.question(SMALL, PEOPLE, time_limit_s=0), 2)


def test_highs_says_nothing_where_results_stand() -> None:
    text = (
        "from civiclake.statistics import plans, siting\n"
        "print(siting.p_median(plans.question([[1, 2]], [1]), 1).sites)"
    )
    ran = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert ran.stdout == "(0,)\n"


@pytest.mark.parametrize(
    ("costs", "people", "more", "words"),
    [
        ([[]], [1], {}, "no candidate site"),
        ([[1.0]], [0], {}, "nobody lives"),
        ([[-1.0]], [1], {}, "below 0"),
        ([[1.0]], [1, 2], {}, "one length"),
        ([[1.0]], [1], {"existing": [1]}, "existing site 1"),
        (np.ones((1001, 500)), np.ones(1001), {}, "500500 pairs"),
    ],
)
def test_questions_that_have_no_answer_are_refused(
    costs: object, people: object, more: dict[str, object], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        plans.question(costs, people, **more)  # type: ignore[arg-type]


def test_capacities_are_never_passed_over() -> None:
    held = plans.question(SMALL, PEOPLE, capacities=[50] * 6)
    with pytest.raises(UserError, match="maximal covering does not know them"):
        siting.maximal_covering(held, 2, 40)
    with pytest.raises(UserError, match="p-center does not know them"):
        siting.p_center(held, 2)


def test_more_sites_than_candidates_are_refused() -> None:
    with pytest.raises(UserError, match="1 to 6"):
        siting.p_median(plans.question(SMALL, PEOPLE), 7)
