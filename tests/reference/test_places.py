"""Cells, neighbours and distances, and coordinates that nobody may convert by guessing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from civiclake.errors import UserError
from civiclake.statistics import coordinates, grid
from civiclake.statistics.contiguity import contiguity

HERE = Path(__file__).parent


def test_cells_of_h3s_own_example() -> None:
    # h3geo.org: latLngToCell of Uber's former house.
    found = grid.cells([37.7752702151959], [-122.418307270836], 9)
    assert found.tolist() == ["8928308280fffff"]
    assert grid.climb(found, 5).tolist() == ["85283083fffffff"]


def test_nothing_is_lost_on_the_way_up() -> None:
    random = np.random.default_rng(2)
    north, east = random.uniform(24.9, 25.1, 3000), random.uniform(102.6, 102.9, 3000)
    fine = grid.cells(north, east, 11)
    people = pd.Series(random.integers(1, 5, 3000), index=fine)
    table = grid.sums(people, [11, 9, 7, 5])
    assert table.groupby("resolution")["value"].sum().unique().tolist() == [people.sum()]
    # Looked up anew at the coarse size, some of them are elsewhere: hence the climb.
    assert (grid.cells(north, east, 7) != grid.climb(fine, 7)).any()
    centre = grid.centres(fine[:1]).iloc[0]
    assert coordinates.distances_m(
        north[:1], east[:1], [centre["latitude"]], [centre["longitude"]]
    ) < [30]


def test_cells_that_are_none_are_refused() -> None:
    with pytest.raises(UserError, match="swapped"):
        grid.cells([102.7], [25.0], 9)
    with pytest.raises(UserError, match="resolution 16"):
        grid.cells([1], [1], 16)
    with pytest.raises(UserError, match="not of the H3 grid"):
        grid.climb(["nowhere"], 3)
    with pytest.raises(UserError, match="of resolution 9"):
        grid.climb(["8928308280fffff"], 10)


def test_neighbours_of_mexicos_states() -> None:
    file = HERE / "mexico" / "states.geojson.gz"
    features = json.loads(gzip.decompress(file.read_bytes()))["features"]
    names = [f["properties"]["name"] for f in features]
    states = [shapely.geometry.shape(f["geometry"]) for f in features]
    rook = contiguity(states, 1e-4)
    queen = contiguity(states, 1e-4, by_point=True)
    # libpysal 4.14: 130 links of edges, 138 of edges or points, each counted both ways.
    assert (2 * rook.joins, 2 * queen.joins) == (130, 138)
    assert rook.isolates == rook.overlaps == ()
    assert [names[n] for n in rook.neighbours[names.index("Baja California Sur")]] == [
        "Baja California Norte"
    ]


def test_blocks_that_share_half_an_edge_are_neighbours() -> None:
    blocks = [
        shapely.box(0, 0, 10, 10),
        shapely.box(10, 5, 20, 15),  # half an edge, no common drawing point
        shapely.box(20.004, 5, 30, 15),  # drawn apart by a hair
        shapely.box(30, 15, 40, 25),  # a corner only
        shapely.box(80, 80, 90, 90),
    ]
    rook = contiguity(blocks, 0.01)
    assert rook.neighbours == ((1,), (0, 2), (1,), (), ())
    assert rook.isolates == (3, 4)
    assert contiguity(blocks, 0.01, by_point=True).isolates == (4,)
    over = contiguity([shapely.box(0, 0, 10, 10), shapely.box(9, 0, 12, 10)], 0.01)
    assert over.overlaps == ((0, 1),)
    with pytest.raises(UserError, match="area 0 is smaller than the grid"):
        contiguity([shapely.box(0, 0, 1, 1)], 50)
    with pytest.raises(UserError, match="area 1 has no geometry"):
        contiguity([blocks[0], None], 0.01)


def test_distances_on_the_ellipsoid() -> None:
    # C. Karney (2013) and GeographicLib: JFK to LHR, 5551.759 km.
    found = coordinates.distances_m([40.6], [-73.8], [51.6], [-0.5])
    assert found[0] == pytest.approx(5_551_759.4, abs=0.1)
    number, metres = coordinates.nearest_m([0, 10], [0, 10], [9, 1], [9, 1])
    assert number.tolist() == [1, 0]
    assert metres[0] == pytest.approx(156_899.6, abs=0.1)
    with pytest.raises(UserError, match="no position to be near to"):
        coordinates.nearest_m([0], [0], [], [])


def test_a_ring_has_one_area_whichever_way_it_is_wound() -> None:
    north, east = [0, 0, 0.01, 0.01], [0, 0.01, 0.01, 0]
    area = coordinates.ring_area_m2(north, east)
    assert area == pytest.approx(1_230_907, rel=1e-5)
    assert coordinates.ring_area_m2(north[::-1], east[::-1]) == pytest.approx(area)


def test_east_comes_first_whatever_the_definition_says() -> None:
    # EPSG:4549 is northing first; on its central meridian, 120 E, the false easting is 500 km.
    east, north = coordinates.metres([31.23], [120.0], "EPSG:4549")
    assert east[0] == pytest.approx(500_000)
    assert north[0] == pytest.approx(3_456_000, abs=1000)
    assert CRS("EPSG:4549").axis_info[0].direction == "north"


@pytest.mark.parametrize("name", ["EPSG:2437", "EPSG:4214", "EPSG:2385", "EPSG:4610", "EPSG:4555"])
def test_datums_that_shift_from_city_to_city_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="the city's own parameters"):
        coordinates.check_plane(name)


def test_a_datum_with_the_citys_own_parameters_is_taken() -> None:
    esri = CRS("EPSG:4214").to_wkt("WKT1_ESRI")
    assert "GCS_Beijing_1954" in esri
    with pytest.raises(UserError, match="Beijing 1954"):
        coordinates.check_plane(esri)
    plane = "+proj=tmerc +lon_0=120 +x_0=500000 +ellps=krass +units=m +type=crs"
    with pytest.raises(UserError, match="no exact way"):
        coordinates.metres([31.23], [120.0], plane)
    east, _ = coordinates.metres([31.23], [120.0], f"{plane} +towgs84=16,-154,-82,0,0,0,0")
    assert east[0] == pytest.approx(500_000, abs=200)


def test_planes_that_are_none_are_refused() -> None:
    with pytest.raises(UserError, match="EPSG:99999"):
        coordinates.check_plane("EPSG:99999")
    with pytest.raises(UserError, match="plane in metres"):
        coordinates.metres([1], [1], "EPSG:4326")
    with pytest.raises(UserError, match="position 2: latitude 120"):
        coordinates.check_positions([31, 120], [121, 31])


def test_a_plane_around_a_spot_and_the_zone_of_utm() -> None:
    north, east = [25.0, 25.09, 25.0], [102.7, 102.7, 102.8]
    x, y = coordinates.metres_around(north, east, 25.0, 102.7)
    want = coordinates.distances_m([25.0] * 3, [102.7] * 3, north, east)
    assert np.hypot(x, y) == pytest.approx(want, rel=1e-4)
    assert (coordinates.utm(25, 102.7), coordinates.utm(-16.9, 145.7)) == (
        "EPSG:32648",
        "EPSG:32755",
    )
