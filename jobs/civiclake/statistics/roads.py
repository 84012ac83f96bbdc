"""What a way over the roads costs, without the roads that a gap in the data would make up.

Source: E. Dijkstra, "A note on two problems in connexion with graphs", Numerische Mathematik 1
(1959), pp. 269-271, by scipy's csgraph. A length that is missing is the best road for networkx
and none for scipy, parallel roads are added up by a sparse matrix: so lengths are finite and
above 0 before a matrix is made, and of parallel roads the shortest is taken on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from civiclake.errors import UserError
from civiclake.statistics.coordinates import check_positions, distances_m
from civiclake.statistics.measured import Floats, Integers

LEAST_M = 1.0
"""What a filled length is at least: two crossings on one spot are still two."""
EARTH_RADIUS_M = 6_371_008.8


@dataclass(frozen=True)
class Roads:
    """A network and what had to be done to its data."""

    matrix: Any
    """scipy csr_array of lengths in metres, from row to column."""
    nodes: pd.DataFrame
    """By node: ``latitude``, ``longitude``; in the matrix' order."""
    filled: int
    """Roads whose length was missing, not finite or not above 0: the straight line, times the
    median by which the other roads are longer than theirs."""
    parallel: int
    """Roads beside a shorter one between the same crossings."""
    loops: int
    """Roads that lead back to where they begin."""
    parts: int
    """Pieces that no road connects, whichever way one may drive."""
    minutes: Any = None
    """As ``matrix``, in minutes, of the fastest of parallel roads; None where no speed is known."""
    filled_speeds: int = 0
    """Roads whose speed was missing, not finite or not above 0: the median of the others."""


def roads(nodes: pd.DataFrame, edges: pd.DataFrame) -> Roads:
    """A network of roads.

    Args:
        nodes: by node: ``latitude``, ``longitude``.
        edges: ``start``, ``end`` (nodes), ``length_m`` and, if known, ``is_one_way`` and
            ``speed_kmh``.

    Raises:
        UserError: a node is there twice or off the earth, or an edge names an unknown one.
    """
    check_positions(nodes["latitude"], nodes["longitude"])
    if not nodes.index.is_unique:
        raise UserError(f"node {nodes.index[nodes.index.duplicated()][0]} is there twice")
    ends = [_numbers(nodes.index, edges[name]) for name in ("start", "end")]
    length, filled = _lengths(nodes, ends, edges["length_m"])
    one_way = (
        edges["is_one_way"].to_numpy(bool)
        if "is_one_way" in edges
        else np.zeros(len(edges), dtype=bool)
    )
    loops = ends[0] == ends[1]
    directed = _Directed(ends, loops, ~one_way & ~loops, len(nodes))
    matrix = directed.least(length)
    minutes, filled_speeds = None, 0
    if "speed_kmh" in edges:
        speed, filled_speeds = _speeds(edges["speed_kmh"])
        minutes = directed.least(length / (speed * 1000 / 60))
    once = pd.DataFrame({"a": np.minimum(*ends), "b": np.maximum(*ends)})[~loops]
    parts = int(connected_components(matrix, connection="weak")[0]) if len(nodes) else 0
    parallel = int(once.assign(way=_ways(ends, one_way)[~loops]).duplicated().sum())
    return Roads(matrix, nodes, filled, parallel, int(loops.sum()), parts, minutes, filled_speeds)


def of_segments(segments: pd.DataFrame) -> Roads:
    """A network of segments, as surveys tell them.

    Args:
        segments: ``from_node``, ``to_node``, their positions (``from_latitude`` ...),
            ``length_m``, ``is_one_way`` (missing: it is not) and, if known, ``speed_kmh``.

    Raises:
        UserError: a position is off the earth.
    """
    ends = [
        segments[[f"{end}_node", f"{end}_latitude", f"{end}_longitude"]].set_axis(
            ["node", "latitude", "longitude"], axis=1
        )
        for end in ("from", "to")
    ]
    nodes = pd.concat(ends).drop_duplicates("node").set_index("node").sort_index().astype(float)
    edges = segments.rename(columns={"from_node": "start", "to_node": "end"})
    edges["is_one_way"] = edges["is_one_way"].fillna(False).astype(bool)
    return roads(nodes, edges)


@dataclass(frozen=True)
class _Directed:
    """The ends of roads, both ways where one may drive both."""

    ends: list[Integers]
    loops: npt.NDArray[np.bool_]
    back: npt.NDArray[np.bool_]
    size: int

    def least(self, cost: Floats) -> Any:
        """A matrix with the cheapest of parallel roads."""
        (start, end), there, back = self.ends, ~self.loops, self.back
        table = pd.DataFrame(
            {
                "start": np.concatenate([start[there], end[back]]),
                "end": np.concatenate([end[there], start[back]]),
                "cost": np.concatenate([cost[there], cost[back]]),
            }
        )
        least = table.groupby(["start", "end"], as_index=False)["cost"].min()
        return csr_array(
            (least["cost"], (least["start"], least["end"])), shape=(self.size, self.size)
        )


def _ways(ends: list[Integers], one_way: npt.NDArray[np.bool_]) -> Integers:
    """0 for both ways, else 1 or 2 by the direction: a street each way is not parallel."""
    return np.where(one_way, np.where(ends[0] < ends[1], 1, 2), 0).astype(np.int64)


def _numbers(index: pd.Index, names: pd.Series) -> Integers:
    found = index.get_indexer(pd.Index(names))
    if (found < 0).any():
        raise UserError(f"road to node {names.iloc[int((found < 0).argmax())]}, which is unknown")
    return np.asarray(found, dtype=np.int64)


def _lengths(nodes: pd.DataFrame, ends: list[Integers], given: pd.Series) -> tuple[Floats, int]:
    length = pd.to_numeric(given, errors="coerce").to_numpy(float, na_value=np.nan)
    bad = ~(np.isfinite(length) & (length > 0))
    if not bad.any():
        return length, 0
    north, east = nodes["latitude"].to_numpy(float), nodes["longitude"].to_numpy(float)
    straight = distances_m(north[ends[0]], east[ends[0]], north[ends[1]], east[ends[1]])
    sound = ~bad & (straight > 0)
    factor = float(np.median(length[sound] / straight[sound])) if sound.any() else 1.0
    filled = np.maximum(straight * max(factor, 1.0), LEAST_M)
    return np.where(bad, filled, length), int(bad.sum())


def _speeds(given: pd.Series) -> tuple[Floats, int]:
    """Kilometres an hour, with the median where there is none; and how many were filled.

    Raises:
        UserError: no road has any.
    """
    speed = pd.to_numeric(given, errors="coerce").to_numpy(float, na_value=np.nan)
    bad = ~(np.isfinite(speed) & (speed > 0))
    if len(speed) and bad.all():
        raise UserError("roads: no road has a speed above 0, so ways have no minutes")
    filled = float(np.median(speed[~bad])) if bad.any() else np.nan
    return np.where(bad, filled, speed), int(bad.sum())


@dataclass(frozen=True)
class Snapped:
    """The crossing that a position belongs to, and how far away it is."""

    node: Integers
    """By number, in the matrix' order."""
    off_m: Floats


def snap(network: Roads, latitudes: Iterable[Any], longitudes: Iterable[Any]) -> Snapped:
    """The nearest crossing of each position.

    Raises:
        UserError: a position is off the earth, or there is no road at all.
    """
    if network.nodes.empty:
        raise UserError("no road: there is no crossing to be near to")
    north, east = check_positions(latitudes, longitudes)
    at, beside = network.nodes["latitude"], network.nodes["longitude"]
    tree = cKDTree(_sphere(at.to_numpy(float), beside.to_numpy(float)))
    node = np.asarray(tree.query(_sphere(north, east))[1], dtype=np.int64)
    off = distances_m(north, east, at.to_numpy()[node], beside.to_numpy()[node])
    return Snapped(node, off)


def _sphere(latitudes: Floats, longitudes: Floats) -> npt.NDArray[np.float64]:
    north, east = np.radians(latitudes), np.radians(longitudes)
    level = np.cos(north)
    return EARTH_RADIUS_M * np.column_stack(
        [level * np.cos(east), level * np.sin(east), np.sin(north)]
    )


def travel_m(
    network: Roads, origins: Integers, destinations: Integers, limit_m: float = np.inf
) -> npt.NDArray[np.float64]:
    """Metres of the shortest way from each origin (row) to each destination (column).

    NaN where there is no way, or none within the limit: never a number that could be averaged.

    Args:
        network: of :func:`roads`.
        origins: nodes by number.
        destinations: nodes by number; the search starts from them, for they are fewer.
        limit_m: beyond which is not searched.
    """
    return _travel(network.matrix, origins, destinations, limit_m)


def travel_minutes(
    network: Roads, origins: Integers, destinations: Integers, limit_minutes: float = np.inf
) -> npt.NDArray[np.float64]:
    """Minutes of the fastest way, as :func:`travel_m` in all else.

    Raises:
        UserError: the network knows no speeds.
    """
    if network.minutes is None:
        raise UserError("roads: no column speed_kmh, so ways have no minutes")
    return _travel(network.minutes, origins, destinations, limit_minutes)


def _travel(
    matrix: Any, origins: Integers, destinations: Integers, limit: float
) -> npt.NDArray[np.float64]:
    wanted, back = np.unique(np.asarray(destinations, dtype=np.int64), return_inverse=True)
    if not len(wanted) or not len(origins):
        return np.empty((len(origins), len(destinations)))
    table = dijkstra(matrix.T.tocsr(), indices=wanted, limit=limit)
    found = table[back][:, np.asarray(origins, dtype=np.int64)].T
    return np.where(np.isfinite(found), found, np.nan)
