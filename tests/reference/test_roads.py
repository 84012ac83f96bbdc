"""Ways over roads equal networkx' where the data are sound, and stay true where they are not."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from civiclake.errors import UserError
from civiclake.statistics import roads


def _nodes(count: int) -> pd.DataFrame:
    """A line of crossings about 111 m apart, on the equator."""
    return pd.DataFrame({"latitude": 0.0, "longitude": np.arange(count) / 1000})


def _edges(*rows: tuple[int, int, float | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["start", "end", "length_m"])


def test_ways_equal_networkx() -> None:
    random = np.random.default_rng(7)
    pairs = random.integers(0, 80, (260, 2))
    lengths = random.uniform(10, 900, 260)
    table = _edges(*((int(a), int(b), float(w)) for (a, b), w in zip(pairs, lengths, strict=True)))
    network = roads.roads(_nodes(80), table)
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(80))
    graph.add_weighted_edges_from(table.itertuples(index=False, name=None))
    wanted = dict(nx.all_pairs_dijkstra_path_length(graph))
    found = roads.travel_m(network, np.arange(80), np.array([3, 60, 3]))
    for column, target in enumerate((3, 60, 3)):
        expected = [wanted[node].get(target, np.nan) for node in range(80)]
        assert found[:, column] == pytest.approx(expected, nan_ok=True)
    assert network.parts == nx.number_connected_components(graph)
    assert network.loops == int((pairs[:, 0] == pairs[:, 1]).sum())


@pytest.mark.parametrize("length", [None, 0, -5, float("nan"), float("inf")])
def test_a_road_without_a_length_is_no_short_cut(length: float | None) -> None:
    network = roads.roads(_nodes(3), _edges((0, 1, 111.2), (1, 2, length)))
    assert network.filled == 1
    way = roads.travel_m(network, np.array([0]), np.array([2]))[0, 0]
    assert way == pytest.approx(222.6, abs=0.5)


def test_filled_roads_wind_as_the_others_do() -> None:
    network = roads.roads(_nodes(3), _edges((0, 1, 222.64), (1, 2, None)))
    assert network.matrix[1, 2] == pytest.approx(222.64, rel=1e-3)


def test_of_parallel_roads_the_shortest_is_taken() -> None:
    network = roads.roads(_nodes(2), _edges((0, 1, 300), (1, 0, 200), (0, 1, 250)))
    assert network.parallel == 2
    assert network.matrix[0, 1] == network.matrix[1, 0] == 200


def test_who_cannot_be_reached_has_no_number() -> None:
    network = roads.roads(_nodes(4), _edges((0, 1, 100), (2, 3, 100)))
    assert network.parts == 2
    found = roads.travel_m(network, np.array([0, 1]), np.array([0, 3]))
    assert found == pytest.approx(np.array([[0, np.nan], [100, np.nan]]), nan_ok=True)
    near = roads.travel_m(network, np.array([0, 1]), np.array([0]), limit_m=50)
    assert near == pytest.approx(np.array([[0], [np.nan]]), nan_ok=True)


def test_one_way_streets_go_one_way() -> None:
    edges = _edges((0, 1, 100), (1, 2, 100), (2, 0, 900), (1, 0, 120)).assign(is_one_way=True)
    network = roads.roads(_nodes(3), edges)
    assert network.parallel == 0
    found = roads.travel_m(network, np.array([0, 2]), np.array([2, 0]))
    assert found.tolist() == [[200, 0], [0, 900]]


def test_the_fastest_way_is_another_one_than_the_shortest() -> None:
    edges = _edges((0, 2, 300), (0, 1, 250), (1, 2, 250), (0, 1, 260)).assign(
        speed_kmh=[10, 15, 30, 60]
    )
    network = roads.roads(_nodes(3), edges)
    ends = np.array([0]), np.array([2])
    assert roads.travel_m(network, *ends)[0, 0] == 300
    # 260 m at 1,000 m a minute, then 250 m at 500.
    assert roads.travel_minutes(network, *ends)[0, 0] == pytest.approx(0.76)
    gaps = roads.roads(_nodes(3), edges.assign(speed_kmh=[None, 0, 30, 60]))
    assert gaps.filled_speeds == 2
    assert gaps.minutes[0, 2] == pytest.approx(300 / (45_000 / 60))
    with pytest.raises(UserError, match="no road has a speed"):
        roads.roads(_nodes(3), edges.assign(speed_kmh=None))
    with pytest.raises(UserError, match="no column speed_kmh"):
        roads.travel_minutes(roads.roads(_nodes(3), edges.drop(columns="speed_kmh")), *ends)


def test_positions_belong_to_the_nearest_crossing() -> None:
    network = roads.roads(_nodes(3), _edges((0, 1, 100)))
    found = roads.snap(network, [0.0001, 0], [0.0011, 0.5])
    assert found.node.tolist() == [1, 2]
    assert found.off_m[0] == pytest.approx(15.7, abs=0.1)
    with pytest.raises(UserError, match="no road"):
        roads.snap(roads.roads(_nodes(0), _edges()), [0], [0])


def test_roads_to_nowhere_are_refused() -> None:
    with pytest.raises(UserError, match="node 9, which is unknown"):
        roads.roads(_nodes(2), _edges((0, 9, 1)))
    with pytest.raises(UserError, match="node 0 is there twice"):
        roads.roads(_nodes(1).loc[[0, 0]], _edges())
