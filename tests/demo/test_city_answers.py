"""What the applications must find: the product's own methods find the same on the same records."""

from __future__ import annotations

from typing import Any

import h3
import pandas as pd
import pytest

from civiclake.pipeline.plans import town as towns
from civiclake.pipeline.plans.answer import answer
from civiclake.pipeline.plans.asked import Asked
from civiclake.pipeline.plans.kinds import Solve, read_kinds
from civiclake.pipeline.plans.reach import Reach, Unit
from civiclake.settings import project_root
from civiclake.statistics import roads, siting
from civiclake.statistics.plans import Plan, Question, question
from demo.city import places
from demo.city.answers import answers
from demo.city.model import Model
from demo.city.residents import City

CITY = City(20160101, 1200)
MODEL = Model(CITY)


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return answers(MODEL)


@pytest.fixture(scope="module")
def network() -> roads.Roads:
    series = MODEL.series["geography.road_segments"]
    rows = pd.DataFrame(list(series.rows(1)), columns=list(series.shape.columns))
    ends = [
        rows[[f"{end}_node", f"{end}_latitude", f"{end}_longitude"]].set_axis(
            ["node", "latitude", "longitude"], axis=1
        )
        for end in ("from", "to")
    ]
    nodes = pd.concat(ends).drop_duplicates("node").set_index("node").astype(float)
    edges = pd.DataFrame(
        {
            "start": rows["from_node"],
            "end": rows["to_node"],
            "length_m": rows["length_m"].astype(float),
            "is_one_way": rows["is_one_way"] == "true",
        }
    )
    return roads.roads(nodes, edges)


def _asked(network: roads.Roads, plan: dict[str, Any]) -> Question:
    sites = [*plan["existing"], *plan["candidates"]]
    homes = [h3.cell_to_latlng(cell) for cell in plan["people"]]
    here = roads.snap(network, [lat for lat, _ in homes], [lon for _, lon in homes])
    there = roads.snap(network, [s["latitude"] for s in sites], [s["longitude"] for s in sites])
    costs = roads.travel_m(network, here.node, there.node)
    costs = here.off_m[:, None] + costs + there.off_m[None, :]
    return question(costs, plan["people"].values(), existing=range(len(plan["existing"])))


def _solved(asked: Question, plan: dict[str, Any]) -> Plan:
    if plan["model"] == "maximal_covering":
        return siting.maximal_covering(asked, plan["new"], plan["within_m"])
    model = siting.p_median if plan["model"] == "p_median" else siting.p_center
    return model(asked, plan["new"])


@pytest.mark.parametrize("number", [0, 4, 8])
def test_the_best_sites_are_what_the_solver_finds(
    told: dict[str, Any], network: roads.Roads, number: int
) -> None:
    plan = told["plans"][number]
    found = _solved(_asked(network, plan), plan)
    assert found.objective == pytest.approx(plan["objective"], rel=1e-7, abs=0.01)
    first = len(plan["existing"])
    new = sorted(plan["candidates"][n - first]["id"] for n in found.sites if n >= first)
    if len(plan["best"]) == 1:
        assert new == sorted(plan["best"][0])


@pytest.mark.parametrize("kind", ["school", "clinic", "library"])
def test_the_far_cells_are_those_of_the_network(
    told: dict[str, Any], network: roads.Roads, kind: str
) -> None:
    plan = next(p for p in told["plans"] if p["kind"] == kind)
    nearest = _asked(network, plan).costs[:, : len(plan["existing"])].min(axis=1)
    far = told["cells"][kind]
    metres = dict(zip(plan["people"], nearest.tolist(), strict=True))
    assert {cell for cell, away in metres.items() if away > far["within_m"]} == set(far["cells"])
    assert all(abs(metres[cell] - away) < 0.1 for cell, away in far["cells"].items())
    # Most of them lie where the city offers too little.
    codes = [places.district_of(*h3.cell_to_latlng(cell)[::-1]) for cell in far["cells"]]
    poor = sum(code is not None and code.code in places.UNDER_SERVED for code in codes)
    assert poor / len(codes) > 1.2 * len(places.UNDER_SERVED) / len(places.DISTRICTS)


def test_the_lowest_are_the_under_served_in_their_order(told: dict[str, Any]) -> None:
    for kind in ("education", "health", "culture"):
        assert tuple(told[kind]["lowest"]) == places.UNDER_SERVED, kind


def test_who_leaves_and_who_changes_is_told_by_the_rows(told: dict[str, Any]) -> None:
    series = MODEL.series["education.enrolments"]
    rows = {row[0]: dict(zip(series.shape.columns, row, strict=True)) for row in series.rows(1)}
    for key in told["education"]["leavers"]:
        assert rows[key]["school_year"] in (2013, 2014)
    for before, after in told["education"]["changers"]:
        assert rows[before]["school_year"] + 1 == rows[after]["school_year"]
        assert rows[before]["school_id"] != rows[after]["school_id"]
    counted = told["education"]["leavers_by_district"]
    assert sum(counted.values()) == len(told["education"]["leavers"]) > 0


@pytest.fixture(scope="module")
def map_of() -> dict[str, pd.DataFrame]:
    """The districts and the roads as the lake serves them."""
    found = {}
    for name in ("geography.divisions", "geography.road_segments"):
        series = MODEL.series[name]
        rows = pd.DataFrame(list(series.rows(1)), columns=list(series.shape.columns))
        numbers = [
            n for n in rows if n.endswith(("latitude", "longitude", "length_m", "speed_kmh"))
        ]
        found[name] = rows.astype(dict.fromkeys(numbers, float))
    found["geography.road_segments"]["is_one_way"] = (
        found["geography.road_segments"]["is_one_way"] == "true"
    )
    return found


@pytest.mark.parametrize("number", range(9))
def test_the_plan_of_the_command_is_the_best_there_is(
    told: dict[str, Any], map_of: dict[str, pd.DataFrame], number: int
) -> None:
    plan = told["plans"][number]
    districts, _ = towns.districts(map_of["geography.divisions"])
    network, _ = towns.network(map_of["geography.road_segments"])
    people = pd.DataFrame({"cell": list(plan["people"]), "people": list(plan["people"].values())})
    stand = pd.DataFrame(plan["existing"]).assign(name="", capacity=float("nan"))
    city = towns.Town(towns.places(people, districts), stand, network, districts)
    kind = read_kinds(project_root() / "marts" / "planning" / "kinds.yaml")[plan["kind"]]
    asked = Asked(
        kind,
        Solve(plan["model"].replace("_", "-")),
        Reach(plan["within_m"] or 3000, Unit.METRES),
        kind.by,
        plan["new"],
        candidates=pd.DataFrame(plan["candidates"]).assign(name=""),
    )
    made = answer(city, asked)
    assert made.bound_gap == 0
    assert made.objective == pytest.approx(plan["objective"], rel=1e-7, abs=0.01)
    if len(plan["best"]) == 1:
        assert sorted(made.chosen["id"]) == sorted(plan["best"][0])
    assert made.districts["people"].sum() == city.people == sum(plan["people"].values())
