"""The map of the city: boundaries, roads, who lives where, and what they are offered there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import h3
import networkx as nx
import pytest
import shapely
from shapely import wkt

from demo.city import boundaries, demand, places, pupils, streets, supply
from demo.city.chance import Draw
from demo.city.model import Model
from demo.city.residents import City
from demo.city.table import Row

CITY = City(20160101, 2000)
MODEL = Model(CITY)
SHAPES = {code: wkt.loads(boundaries.wkt(b)) for code, b in places.BOUNDARIES.items()}


def _rows(name: str) -> list[dict[str, object]]:
    series = MODEL.series[name]
    return [_named(series.shape.columns, series.clean(n)) for n in range(series.size)]


def _named(columns: tuple[str, ...], row: Row) -> dict[str, object]:
    return dict(zip(columns, row, strict=True))


def test_divisions_have_neither_gaps_nor_overlaps() -> None:
    shapes = list(SHAPES.values())
    assert all(shape.is_valid and shape.exterior.is_ccw for shape in shapes)
    assert shapely.coverage_is_valid(shapes)  # neighbours share every point of their border
    whole = shapely.union_all(shapes)
    assert whole.geom_type == "Polygon" and not whole.interiors
    for code, shape in SHAPES.items():
        district = places.BY_CODE[code]
        assert shape.contains(shapely.Point(district.longitude, district.latitude))


@pytest.mark.parametrize(
    "name",
    [
        "education.schools",
        "health.facilities",
        "culture.venues",
        "geography.parcels",
        "environment.stations",
    ],
)
def test_what_stands_in_a_division_lies_within_its_boundary(name: str) -> None:
    for row in _rows(name):
        spot = shapely.Point(float(str(row["longitude"])), float(str(row["latitude"])))
        assert SHAPES[str(row["district_code"])].contains(spot), row


def test_residents_live_in_their_divisions_and_cells() -> None:
    cells = {(row["household_no"], row["home_cell"]) for row in _rows("public_security.residents")}
    assert len({cell for _, cell in cells}) > 300
    for number in range(0, 800, 3):
        spot = CITY.household(number).spot
        latitude, longitude = float(spot.latitude), float(spot.longitude)
        assert SHAPES[spot.district.code].contains(shapely.Point(longitude, latitude))
        assert (f"B{number:08d}", h3.latlng_to_cell(latitude, longitude, 8)) in cells


def test_inside_is_what_shapely_says() -> None:
    for number in range(400):
        chance = Draw("somewhere", number)
        longitude = 102 + chance.below(1_700_000) / 1_000_000
        latitude = 24.3 + chance.below(2_300_000) / 1_000_000
        found = places.district_of(longitude, latitude)
        spot = shapely.Point(longitude, latitude)
        held = [code for code, shape in SHAPES.items() if shape.contains(spot)]
        assert held == ([found.code] if found else [])


def test_every_crossing_is_reached_from_every_other() -> None:
    roads = streets.network(CITY.seed)
    graph = nx.DiGraph()
    for segment in roads.segments:
        graph.add_edge(segment.start, segment.end)
        if not segment.one_way:
            graph.add_edge(segment.end, segment.start)
    assert len(graph) == len(roads.crossings) > 1000
    assert nx.is_strongly_connected(graph)
    assert any(segment.one_way for segment in roads.segments)
    pairs = Counter(frozenset((s.start, s.end)) for s in roads.segments)
    assert {2} <= set(pairs.values())  # some roads run beside others
    for crossing in roads.crossings:
        spot = shapely.Point(crossing.longitude, crossing.latitude)
        assert SHAPES[crossing.district].contains(spot)


def test_a_segment_is_as_long_as_the_way_and_no_shorter() -> None:
    for row in _rows("geography.road_segments"):
        ends = [float(str(row[f"{end}_{c}"])) for end in ("from", "to") for c in _COORDINATES]
        straight = streets.distance_m(*ends)
        assert straight - 0.1 <= float(str(row["length_m"])) <= straight * 1.75


_COORDINATES = ("latitude", "longitude")


def _served(city: City) -> dict[str, dict[str, float]]:
    """What each kind of supply is for one of those who need it, by division."""
    people, children = demand.residents_by_district(city), demand.children_by_stage(city)
    pupils_there = {d.code: sum(children[d.code, s] for s in range(4)) for d in places.DISTRICTS}
    found: dict[str, dict[str, float]] = {"seats": {}, "beds": {}, "reading": {}}
    base = supply.sound(supply.school_count(city))
    _add(found["seats"], city, range(base), supply.school_district, supply.school_seats)
    _add(found["beds"], city, range(28), supply.facility_district, supply.facility_beds)
    _add(found["reading"], city, range(14), supply.library_district, supply.library_seats)
    for kind, amounts in found.items():
        needed = pupils_there if kind == "seats" else people
        found[kind] = {code: amount / needed[code] for code, amount in amounts.items()}
    return found


def _add(
    amounts: dict[str, float],
    city: City,
    numbers: range,
    where: Callable[[City, int], places.District],
    much: Callable[[City, int], int],
) -> None:
    for number in numbers:
        code = where(city, number).code
        amounts[code] = amounts.get(code, 0) + much(city, number)


@pytest.mark.parametrize("city", [CITY, City(20160101, 20_000), City(20160101, 1200)])
def test_the_under_served_divisions_are_the_lowest_in_their_order(city: City) -> None:
    for kind, by_code in _served(city).items():
        order = sorted(by_code, key=lambda code: by_code[code])
        assert tuple(order[:3]) == places.UNDER_SERVED, kind
        fourth, third = by_code[order[3]], by_code[order[2]]
        assert fourth > third * 1.15, kind


def test_the_whole_of_what_is_offered_is_dealt_to_schools() -> None:
    for (code, stage), numbers in supply.schools(CITY).items():
        seats = [supply.school_seats(CITY, n) for n in numbers]
        assert sum(seats) == supply.seats(CITY)[code, stage]
        assert max(seats) - min(seats) <= 1


def test_children_are_counted_as_they_live() -> None:
    made: Counter[str] = Counter()
    for number in range(CITY.children):
        child = CITY.resident(CITY.child(number))
        born, household = CITY.childhood(number)
        assert (born, household) == (child.born, child.household.number)
        made[child.district.code] += 1
    people: Counter[str] = Counter()
    for index in range(CITY.residents):
        people[CITY.resident(index).district.code] += 1
    assert demand.residents_by_district(CITY) == people


def test_pupils_stay_in_their_district_leave_and_change() -> None:
    years: dict[int, dict[int, int]] = {}
    for index in range(pupils.count(CITY)):
        one = pupils.attendance(CITY, index)
        years.setdefault(one.child, {})[one.year] = one.school
    near = left = changed = 0
    for child, schools in years.items():
        born, household = CITY.childhood(child)
        home = CITY.home(household).code
        near += any(supply.school_district(CITY, n).code == home for n in schools.values())
        last = max(schools)
        if last < 2015:
            left += 1
            assert pupils.OBLIGATION[0] <= demand.school_age(born, last + 1)
        kinds = {year: number % 4 for year, number in schools.items()}
        for year in schools:
            same_kind = kinds.get(year - 1) == kinds[year]
            changed += same_kind and schools[year - 1] != schools[year]
    assert near > len(years) * 0.9
    assert 5 < left < len(years) * 0.1
    assert 5 < changed < len(years) * 0.1
