"""A plan equals trying everything, tells who gains, and says what cannot be had."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
import small_town

from civiclake.errors import UserError
from civiclake.pipeline.plans.answer import Answer, answer
from civiclake.pipeline.plans.asked import Asked
from civiclake.pipeline.plans.given import Forbidden
from civiclake.pipeline.plans.kinds import By, Goes, Kind, Solve
from civiclake.pipeline.plans.reach import Reach, Unit
from civiclake.pipeline.plans.town import Town
from civiclake.pipeline.plans.ways import straight_m, ways

SOUTH, WEST, STEP = small_town.SOUTH, small_town.WEST, small_town.STEP


def _asked(kind: Kind, **more: Any) -> Asked:
    known = {"solve": Solve.MAXIMAL_COVERING, "within": Reach.of("1500m"), "by": By.FOOT, "new": 2}
    return Asked(kind, **{**known, **more})


def _sites(*spots: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(own, own, north, east) for own, north, east in spots],
        columns=["id", "name", "latitude", "longitude"],
    )


CORNERS = _sites(
    *(
        (f"P{r}{c}", SOUTH + r * STEP, WEST + c * STEP)
        for r in (0, 4, 8)
        for c in (0, 4, 8)
        if (r, c) != (0, 0)
    )
)


def _tried(town: Town, new: int) -> tuple[float, float, float]:
    """The best of each model by trying every choice: people-metres, people within, worst."""
    sites = pd.concat([CORNERS, town.standing], ignore_index=True)
    costs = ways(town, sites, Unit.METRES, By.FOOT).costs
    people = town.places["people"].to_numpy()
    least = [
        costs[:, [*chosen, len(CORNERS)]].min(axis=1)
        for chosen in combinations(range(len(CORNERS)), new)
    ]
    return (
        min(float(people @ cost) for cost in least),
        max(float(people[cost <= 1500].sum()) for cost in least),
        min(float(cost.max()) for cost in least),
    )


def test_each_model_finds_the_best_there_is(town: Town, kinds: dict[str, Kind]) -> None:
    median, covered, center = _tried(town, 2)
    library = kinds["library"]
    found: dict[Solve, Answer] = {}
    for solve in (Solve.P_MEDIAN, Solve.MAXIMAL_COVERING, Solve.P_CENTER):
        found[solve] = answer(town, _asked(library, solve=solve, candidates=CORNERS))
        assert found[solve].bound_gap == 0
        assert len(found[solve].chosen) == 2
    assert found[Solve.P_MEDIAN].objective == pytest.approx(median)
    assert found[Solve.MAXIMAL_COVERING].objective == covered
    assert found[Solve.MAXIMAL_COVERING].after.within == covered
    assert found[Solve.P_CENTER].objective == pytest.approx(center)
    assert found[Solve.P_CENTER].after.worst == pytest.approx(center)
    mean = found[Solve.P_MEDIAN].after.mean
    assert mean == pytest.approx(median / town.people)


def test_who_gains_adds_up_by_district_by_site_and_by_place(
    town: Town, kinds: dict[str, Kind]
) -> None:
    made = answer(town, _asked(kinds["library"], candidates=CORNERS))
    gained = made.after.within - made.before.within
    assert gained > 0
    assert made.districts["gains"].sum() == gained
    assert made.places["gains"].sum() == gained
    assert made.chosen["gains"].sum() == gained
    assert made.districts["people"].sum() == town.people
    assert list(made.districts["name"]) == ["五华区", "盘龙区"]
    assert set(made.chosen["district"]) <= {"530102", "530103"}
    assert made.before.people == made.after.people == town.people


def test_a_way_is_to_the_crossing_over_the_roads_and_from_it(town: Town) -> None:
    site = _sites(("a", SOUTH + 2 * STEP, WEST + 3 * STEP))
    cost = ways(town, site, Unit.METRES, By.FOOT).costs[:, 0]
    # Cells' centres lie within 220 m of their crossing; roads are 560 m north and 510 m east.
    first = town.places.index.get_indexer([small_town.demand()["cell"][0]])[0]
    assert cost[first] == pytest.approx(2 * 560 + 3 * 510, abs=220)
    minutes = ways(town, site, Unit.MINUTES, By.FOOT).costs[:, 0]
    assert minutes == pytest.approx(cost / 80)
    off = cost[first] - (2 * 560 + 3 * 510)
    by_car = ways(town, site, Unit.MINUTES, By.CAR).costs[first, 0]
    assert by_car == pytest.approx((2 * 560 + 3 * 510) / 500 + off / (20_000 / 60))


def test_a_fire_engine_goes_the_other_way_of_a_one_way_street(town: Town) -> None:
    assert town.network is not None
    roads = small_town.segments()
    roads["is_one_way"] = roads["from_latitude"] == roads["to_latitude"]  # eastward only
    there = small_town.made(roads=roads)
    site = _sites(("east", SOUTH, WEST + 8 * STEP))
    assert np.isfinite(ways(there, site, Unit.METRES, By.CAR, Goes.IN).costs).all()
    out = ways(there, site, Unit.METRES, By.CAR, Goes.OUT).costs
    assert np.isnan(out).any()
    assert np.isfinite(out).any()


def test_covering_all_says_who_cannot_be_and_what_would_do(
    town: Town, kinds: dict[str, Kind]
) -> None:
    asked = _asked(
        kinds["library"],
        solve=Solve.SET_COVERING,
        within=Reach.of("2km"),
        new=None,
        candidates=CORNERS.head(4),
    )
    made = answer(town, asked)
    lost = made.not_coverable["people"].sum()
    assert lost > 0
    assert made.after.within == town.people - lost
    assert made.told[0].startswith(
        f"{lost:,.0f} people in {len(made.not_coverable)} places (district "
    )
    assert "have no candidate within 2,000 m; " in made.told[0]
    assert made.told[0].endswith(" m would do for all")
    least = made.told[0].split("; ")[1].removesuffix(" m would do for all").replace(",", "")
    assert made.told[1].startswith("nearest feasible plan for all: ")
    at_least = answer(town, replace(asked, within=Reach(float(least), Unit.METRES)))
    assert at_least.not_coverable.empty
    assert made.told[1] == (
        f"nearest feasible plan for all: {len(at_least.chosen)} new sites"
        f" within {float(least):,.0f} m"
    )


def test_covering_all_with_too_few_answers_with_the_most_people(
    town: Town, kinds: dict[str, Kind]
) -> None:
    asked = _asked(kinds["library"], solve=Solve.SET_COVERING, within=Reach.of("3km"), new=1)
    made = answer(town, asked)
    assert made.asked.solve is Solve.MAXIMAL_COVERING
    assert len(made.chosen) == 1
    assert any("new sites would have everybody within 3,000 m" in line for line in made.told)
    few = replace(asked, within=Reach.of("2km"), candidates=CORNERS.head(4))
    told = answer(town, few).told
    assert told[1].startswith("nearest feasible plan for all: ")


@pytest.mark.parametrize("solve", [Solve.SET_COVERING, Solve.MAXIMAL_COVERING])
def test_a_reach_that_nobody_has_is_refused_with_one_that_somebody_has(
    town: Town, kinds: dict[str, Kind], solve: Solve
) -> None:
    far = _sites(("far", SOUTH + 8.9 * STEP, WEST + 8.9 * STEP))
    asked = _asked(kinds["library"], solve=solve, within=Reach.of("1m"), new=1, candidates=far)
    with pytest.raises(UserError, match=r"within 1 m: no site has anybody .* would do for all"):
        answer(replace(town, standing=small_town.standing()), asked)


def test_candidates_may_be_forbidden_by_id_and_by_area(town: Town, kinds: dict[str, Kind]) -> None:
    best = answer(town, _asked(kinds["library"], new=1, candidates=CORNERS))
    taken = best.chosen["id"].iloc[0]
    other = answer(
        town,
        _asked(
            kinds["library"],
            new=1,
            candidates=CORNERS,
            forbidden=Forbidden(Path("no.csv"), ids=(taken,)),
        ),
    )
    assert other.chosen["id"].iloc[0] != taken
    assert "1 of 8 candidates are forbidden" in other.told
    everything = Forbidden(Path("no.geojson"), areas=(shapely.box(102, 24, 104, 26),))
    with pytest.raises(UserError, match="no candidate: all 8 are forbidden"):
        answer(town, _asked(kinds["library"], candidates=CORNERS, forbidden=everything))
    unknown = Forbidden(Path("no.csv"), ids=("P4",))
    with pytest.raises(UserError, match=r"no\.csv: 'P4' is none of the 8 candidates; did you mean"):
        answer(town, _asked(kinds["library"], candidates=CORNERS, forbidden=unknown))


def test_a_decided_site_stays_and_does_not_count_as_new(town: Town, kinds: dict[str, Kind]) -> None:
    decided = _sites(("D1", SOUTH + 8 * STEP, WEST + 8 * STEP))
    made = answer(town, _asked(kinds["library"], new=1, candidates=CORNERS, fixed=decided))
    assert len(made.chosen) == 1
    assert list(made.standing["id"]) == ["C0000", "D1"]
    alone = answer(town, _asked(kinds["library"], new=1, candidates=CORNERS))
    assert made.before.within > alone.before.within


@pytest.mark.parametrize(
    ("spot", "words"),
    [
        ((102.71, 25.01), "lies outside the city .*; swapped, it would lie in it"),
        ((-16.9, 145.7), "lies outside the city"),
        ((25.01, 1e6), "lies outside the city"),
    ],
)
def test_a_site_outside_the_city_is_refused(
    town: Town, kinds: dict[str, Kind], spot: tuple[float, float], words: str
) -> None:
    bad = _sites(("X", *spot))
    with pytest.raises(UserError, match=f"candidates: 'X' at .* {words}"):
        answer(town, _asked(kinds["library"], candidates=bad))
    with pytest.raises(UserError, match=f"fixed sites: 'X' at .* {words}"):
        answer(town, _asked(kinds["library"], fixed=bad))


def test_more_new_sites_than_candidates_are_refused(town: Town, kinds: dict[str, Kind]) -> None:
    with pytest.raises(UserError, match="9 new sites: 1 to 8, the candidates, are allowed"):
        answer(town, _asked(kinds["library"], new=9, candidates=CORNERS))


def test_without_roads_ways_are_straight_lines_times_a_factor_that_is_told(
    town: Town, kinds: dict[str, Kind]
) -> None:
    there = small_town.made(roads=small_town.segments().head(0))
    made = answer(there, _asked(kinds["library"]))
    assert "no roads are known: ways are straight lines times 1.3" in made.told
    cost = ways(there, CORNERS, Unit.METRES, By.FOOT).costs
    assert cost == pytest.approx(straight_m(there.places, CORNERS) * 1.3)


def test_a_district_without_roads_is_told_and_still_has_ways(kinds: dict[str, Kind]) -> None:
    roads = small_town.segments()
    there = small_town.made(roads=roads[roads["to_longitude"] < WEST + 1.5 * STEP])
    made = answer(there, _asked(kinds["library"], candidates=CORNERS))
    told = [line for line in made.told if "have no road within 3,000 m (district 530103)" in line]
    assert len(told) == 1
    assert made.after.cut_off == 0


def test_roads_in_pieces_leave_people_cut_off_and_say_so(kinds: dict[str, Kind]) -> None:
    roads = small_town.segments()
    east, west = (
        roads["from_longitude"] > WEST + 4.5 * STEP,
        roads["to_longitude"] < WEST + 4.5 * STEP,
    )
    there = small_town.made(roads=roads[east | west])
    made = answer(there, _asked(kinds["library"], new=1, candidates=CORNERS.iloc[[0, 2]]))
    assert "the roads are 2 pieces that no road connects" in made.told
    assert made.after.cut_off > 0
    assert any("have no way to any site" in line for line in made.told)
    assert made.places["after"].isna().sum() > 0
    assert made.before.mean is not None


def test_what_was_done_to_the_roads_is_counted(kinds: dict[str, Kind]) -> None:
    roads = small_town.segments()
    roads.loc[3, "length_m"] = None
    twice = pd.concat([roads, roads.head(1).assign(length_m=9999.0)])
    made = answer(small_town.made(roads=twice), _asked(kinds["library"], candidates=CORNERS))
    assert (
        "of 145 roads: 1 without a usable length, filled; 1 beside a shorter one between the same"
        " crossings"
    ) in made.told


def test_without_any_site_of_its_kind_before_is_nothing(kinds: dict[str, Kind]) -> None:
    there = small_town.made(stands=small_town.standing())
    made = answer(there, _asked(kinds["sports-ground"], candidates=CORNERS))
    assert made.before.within == 0
    assert made.before.mean is None
    assert made.before.cut_off == there.people
    assert made.after.within > 0
    assert made.districts["mean_before"].isna().all()


def test_capacities_bind_and_have_to_be_known(town: Town, kinds: dict[str, Kind]) -> None:
    asked = _asked(kinds["school"], solve=Solve.P_MEDIAN, candidates=CORNERS, capacity=3000)
    made = answer(town, asked)
    assert made.places.groupby("site")["people"].sum().drop(len(CORNERS)).max() <= 3000
    unknown = replace(town, standing=town.standing.assign(capacity=np.nan))
    with pytest.raises(UserError, match=r"capacity: that of 'C0000' is not known \(1 of 1"):
        answer(unknown, asked)


def test_each_new_site_says_how_far_the_next_stop_is(town: Town, kinds: dict[str, Kind]) -> None:
    asked = _asked(kinds["library"], candidates=CORNERS)
    assert answer(town, asked).chosen["stop_m"].isna().all()
    stops = pd.DataFrame({"latitude": [SOUTH, 26.0], "longitude": [WEST + 8 * STEP, 103.0]})
    made = answer(replace(town, stops=stops), asked)
    for _, site in made.chosen.iterrows():
        rows = round((site["latitude"] - SOUTH) / STEP)
        columns = round((WEST + 8 * STEP - site["longitude"]) / STEP)
        assert site["stop_m"] == pytest.approx(560 * rows + 510 * columns, abs=1)


def test_the_default_candidates_are_crossings_near_people(
    town: Town, kinds: dict[str, Kind]
) -> None:
    made = answer(town, _asked(kinds["library"]))
    assert town.network is not None
    assert set(made.chosen["id"]) <= set(town.network.nodes.index)
