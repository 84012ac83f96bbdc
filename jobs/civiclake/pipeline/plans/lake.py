"""The city's own figures, read for a plan: each table at one version, which the plan keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Manifest
from civiclake.contracts.read.faults import choice
from civiclake.errors import UserError
from civiclake.io.lake import delta_log, tables
from civiclake.pipeline.plans import town as towns
from civiclake.pipeline.plans.kinds import EVERYBODY, Kind
from civiclake.pipeline.plans.town import Town
from civiclake.settings import Settings

DEMAND = "planning_demand"
ROADS, DISTRICTS = "geography.road_segments", "geography.divisions"
STOPS = "transport.stops"
_ROAD = (
    "from_node", "to_node", "from_latitude", "from_longitude", "to_latitude", "to_longitude",
    "length_m", "speed_kmh", "is_one_way",
)  # fmt: skip


@dataclass
class _Reader:
    """Reads tables as they stand now, and notes which versions those are."""

    spark: SparkSession
    settings: Settings
    city: Manifest
    versions: dict[str, list[Any]]

    def frame(self, layer: str, table: str, name: str) -> DataFrame | None:
        """The served rows of a table; None where it was never made."""
        if not tables.exists(self.spark, self.settings, layer, table):
            return None
        now = delta_log.summary(self.spark, self.settings, layer, table)
        self.versions[name] = [now.made, now.version]
        path = tables.by_path(self.settings, layer, table)
        frame = self.spark.sql(f"SELECT * FROM {path} VERSION AS OF {now.version}")
        if c.IS_CURRENT in frame.columns:
            frame = frame.where(c.IS_CURRENT)
        if c.SNAPSHOT_DATE in frame.columns:
            newest = frame.agg(F.max(c.SNAPSHOT_DATE)).collect()[0][0]
            frame = frame.where(F.col(c.SNAPSHOT_DATE) == F.lit(newest))
        return frame

    def dataset(self, dataset_id: str) -> DataFrame | None:
        """The served rows of a dataset; None where there is no such dataset, or no load yet."""
        known = {one.id: one for one in self.city.datasets}
        found = known.get(dataset_id)
        return None if found is None else self.frame(tables.UNIFIED, found.table, found.id)


def read_town(spark: SparkSession, settings: Settings, city: Manifest, kind: Kind) -> Town:
    """All that a plan of a kind is made of.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        city: the compiled contracts.
        kind: whom it is for, and what stands.

    Raises:
        UserError: the demand or the facilities were never loaded, or do not have what the
            declaration of kinds names.
    """
    reader = _Reader(spark, settings, city, {})
    demand, told = _demand(reader, kind)
    districts, more = _districts(reader)
    segments = _pandas(reader.dataset(ROADS), _ROAD)
    network, of_roads = towns.network(segments)
    standing, of_standing = _standing(reader, kind)
    return Town(
        places=towns.places(demand, districts),
        standing=standing,
        network=network,
        districts=districts,
        stops=_stops(reader),
        told=(*told, *more, *of_standing, *of_roads),
        versions=reader.versions,
    )


def _pandas(frame: DataFrame | None, wanted: Sequence[str]) -> pd.DataFrame | None:
    """Of the wanted columns those that there are; decimals are numbers as all others."""
    if frame is None:
        return None
    kinds = dict(frame.dtypes)
    names = [name for name in wanted if name in kinds]
    values = [
        F.col(name).cast("double") if kinds[name].startswith("decimal") else F.col(name)
        for name in names
    ]
    return frame.select(*[v.alias(n) for v, n in zip(values, names, strict=True)]).toPandas()


def _demand(reader: _Reader, kind: Kind) -> tuple[pd.DataFrame, list[str]]:
    rows = _pandas(
        reader.frame(tables.MARTS, DEMAND, f"marts.{DEMAND}"),
        ("cell", "age_from", "age_to", "people"),
    )
    if rows is None:
        raise UserError(f"marts.{DEMAND} was never built: run `civiclake mart {DEMAND}` first")
    bands = list(dict.fromkeys(zip(rows["age_from"], rows["age_to"], strict=True)))
    if kind.ages not in bands:
        told = choice(f"{first} to {last}" for first, last in sorted(bands))
        raise UserError(
            f"nobody of {kind.name}'s ages ({kind.ages[0]} to {kind.ages[1]}) is counted in"
            f" marts.{DEMAND}; it has {told}"
        )
    mine = rows[(rows["age_from"] == kind.ages[0]) & (rows["age_to"] == kind.ages[1])]
    homes = mine[mine["cell"].notna()]
    said = []
    whole, placed = int(mine["people"].sum()), int(homes["people"].sum())
    if kind.ages != EVERYBODY:
        said.append(f"it is for people of {kind.ages[0]} to {kind.ages[1]} years")
    if placed < whole:
        said.append(
            f"{whole - placed:,} of {whole:,} people are left out: their home is not known, or too"
            " few live there to be shown"
        )
    sizes = homes["cell"].str[1]
    coarse = int(homes.loc[sizes < sizes.max(), "people"].sum()) if len(homes) else 0
    if coarse:
        said.append(
            f"{coarse:,} of {whole:,} people are counted in coarser cells, for too few live in"
            " theirs to be shown"
        )
    return homes, said


def _districts(reader: _Reader) -> tuple[pd.DataFrame, list[str]]:
    wanted = ("code", "name", "latitude", "longitude", "boundary")
    rows = _pandas(reader.dataset(DISTRICTS), wanted)
    if rows is None:
        empty: pd.DataFrame = pd.DataFrame({name: [] for name in wanted})
        return towns.districts(empty)[0], [f"{DISTRICTS} was never loaded: no district is known"]
    return towns.districts(rows)


def _stops(reader: _Reader) -> pd.DataFrame:
    """Where public transport stops."""
    rows = _pandas(reader.dataset(STOPS), ("stop_lat", "stop_lon"))
    if rows is None:
        return towns.no_stops()
    named = rows.rename(columns={"stop_lat": "latitude", "stop_lon": "longitude"})
    return named.dropna().reset_index(drop=True)


def _standing(reader: _Reader, kind: Kind) -> tuple[pd.DataFrame, list[str]]:
    columns = ("id", "name", "latitude", "longitude", "capacity")
    of = kind.facilities
    if of is None:
        none: pd.DataFrame = pd.DataFrame({name: [] for name in columns})
        told = f"the lake knows no {kind.title.lower()}: those that stand are what --fix names"
        return none, [told]
    frame = reader.dataset(of.dataset)
    if frame is None:
        raise UserError(
            f"{of.dataset}, where {kind.title.lower()} stand, was never loaded: run `civiclake load"
            f" {of.dataset}` first"
        )
    names = dict(zip((of.id, of.name, of.latitude, of.longitude), columns[:4], strict=True))
    for name, allowed in of.where.items():
        frame = frame.where(F.col(name).isin(*allowed))
    if kind.capacity is not None:
        names[kind.capacity.column] = "capacity"
    rows = _pandas(frame, list(names))
    assert rows is not None
    found = rows.rename(columns=names).reindex(columns=list(columns))
    found["capacity"] = pd.to_numeric(found["capacity"], errors="coerce")
    if kind.capacity is not None:
        found["capacity"] *= kind.capacity.people
    is_placed = found["latitude"].notna() & found["longitude"].notna()
    lost = int((~is_placed).sum())
    said = [f"{lost} of {len(found)} {kind.title.lower()} have no position: left out"]
    return found[is_placed].sort_values("id").reset_index(drop=True), said if lost else []
