"""A small town: two districts on a grid of streets, people in cells, one library."""

from __future__ import annotations

import numpy as np
import pandas as pd

from civiclake.pipeline.plans import town as towns
from civiclake.pipeline.plans.town import Town
from civiclake.statistics import grid

SOUTH, WEST, STEP = 25.00, 102.70, 0.005
SIDE = 9


def segments() -> pd.DataFrame:
    """A grid of streets of about 500 m, as geography.road_segments has them."""
    rows = []
    for row in range(SIDE):
        for column in range(SIDE):
            for down, right in ((1, 0), (0, 1)):
                to = row + down, column + right
                if max(to) < SIDE:
                    rows.append((f"N{row}{column}", f"N{to[0]}{to[1]}", row, column, *to))
    table = pd.DataFrame(rows, columns=["from_node", "to_node", "r", "c", "r2", "c2"])
    return pd.DataFrame(
        {
            "from_node": table["from_node"],
            "to_node": table["to_node"],
            "from_latitude": SOUTH + table["r"] * STEP,
            "from_longitude": WEST + table["c"] * STEP,
            "to_latitude": SOUTH + table["r2"] * STEP,
            "to_longitude": WEST + table["c2"] * STEP,
            "length_m": np.where(table["r2"] > table["r"], 560.0, 510.0),
            "speed_kmh": 30,
            "is_one_way": False,
        }
    )


def districts() -> pd.DataFrame:
    """West and east of the middle."""
    low, top = SOUTH - STEP, SOUTH + SIDE * STEP
    left, middle, right = WEST - STEP, WEST + 4.5 * STEP, WEST + SIDE * STEP
    box = "POLYGON (({0} {1}, {2} {1}, {2} {3}, {0} {3}, {0} {1}))"
    return pd.DataFrame(
        {
            "code": ["530102", "530103"],
            "name": ["五华区", "盘龙区"],
            "latitude": [25.02, 25.02],
            "longitude": [102.71, 102.735],
            "boundary": [box.format(left, low, middle, top), box.format(middle, low, right, top)],
        }
    )


def demand() -> pd.DataFrame:
    """Fewer people to the east, in cells of size 9."""
    spots = [(SOUTH + r * STEP, WEST + c * STEP) for r in range(SIDE) for c in range(SIDE)]
    found = grid.cells(*zip(*spots, strict=True), 9)
    people = [100 - 10 * (n % SIDE) for n in range(len(spots))]
    return pd.DataFrame({"cell": found, "people": people}).drop_duplicates("cell")


def standing(*spots: tuple[float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"C000{n}" for n in range(len(spots))],
            "name": [f"Library {n}" for n in range(len(spots))],
            "latitude": [spot[0] for spot in spots],
            "longitude": [spot[1] for spot in spots],
            "capacity": [1000.0] * len(spots),
        }
    )


def made(
    *,
    roads: pd.DataFrame | None = None,
    people: pd.DataFrame | None = None,
    stands: pd.DataFrame | None = None,
) -> Town:
    known, told = towns.districts(districts())
    network, more = towns.network(segments() if roads is None else roads)
    return Town(
        places=towns.places(demand() if people is None else people, known),
        standing=standing((SOUTH, WEST)) if stands is None else stands,
        network=network,
        districts=known,
        told=(*told, *more),
    )
