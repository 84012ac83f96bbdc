"""The sample city's hot spots are found by the product's own steps, on its own records."""

from __future__ import annotations

import pandas as pd
import pytest

from civiclake.applications.safety.hot_spots import hot_spots
from civiclake.applications.safety.incidents import ALL, Area, area, dated
from civiclake.statistics import grid
from demo.city import streets
from demo.city.demand import CELL_RESOLUTION
from demo.city.hot_places import hot_places, served_incidents
from demo.city.model import Model
from demo.city.residents import City
from demo.city.tables.security import INCIDENTS

MODEL = Model(City(20160101, 2000))
TOP = 0.05
"""Share of the cells in which the truth must lie."""


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """As ``marts.incident_places`` serves them."""
    table = pd.DataFrame(list(served_incidents(MODEL)), columns=list(INCIDENTS.columns))
    at = pd.to_datetime(table["occurred_at"])
    table = table.assign(
        day=at.dt.normalize(),
        week_start_date=(at - pd.to_timedelta(at.dt.weekday, unit="D")).dt.normalize(),
        hour=at.dt.hour,
        occurred_at=at,
        latitude=table["latitude"].astype(float),
        longitude=table["longitude"].astype(float),
        is_discovered=table["kind"] == "traffic",
    )
    cells = grid.cells(table["latitude"], table["longitude"], CELL_RESOLUTION)
    return dated(table.assign(cell=cells))


@pytest.fixture(scope="module")
def where(rows: pd.DataFrame) -> Area:
    crossings = streets.network(MODEL.city.seed).crossings
    spots = [(one.latitude, one.longitude) for one in crossings]
    return area(pd.DataFrame(spots, columns=["latitude", "longitude"]), rows)


def test_hot_spots_are_in_the_top_twentieth_of_cells(rows: pd.DataFrame, where: Area) -> None:
    told = hot_places(MODEL)
    assert told["incidents"] == len(rows)
    found = hot_spots(rows, where, days=365, rate=0.05, least=30)
    scored = found[found["kind"] == ALL].set_index("cell")
    assert len(scored) == len(where.cells) > 500
    for spot in told["hot_cells"]:
        assert scored.loc[spot["cell"], "top_share"] <= TOP, spot
        assert scored.loc[spot["cell"], "is_hot"], spot
    assert scored["is_hot"].sum() <= TOP * scored["is_assessed"].sum()
    assert not scored["is_cold"].any()
    # Recorded incidents of two years: the marts' year counts its own.
    assert 0 < scored["incidents"].sum() < len(rows)
