"""The road network: crossings of the towns' streets, and the trunk roads between the towns.

Crossings stand about 800 metres apart, none quite in line. Whoever is at one can drive to every
other: what is one-way is never the only way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import asin, ceil, cos, hypot, radians, sin, sqrt

from demo.city import boundaries, places
from demo.city.chance import Draw, numbers

EARTH_RADIUS_M = 6_371_008.8
_STEP = 0.0075
"""Between lines of crossings, in degrees."""
_REACH = 0.034
"""How far from a centre there are crossings."""
_TRUNK_PIECE_M = 5_000
_PARALLELS = 12
_KMH = {"trunk": 80, "primary": 60, "secondary": 45, "residential": 30}


@dataclass(frozen=True, slots=True)
class Crossing:
    """A node of the network."""

    id: str
    latitude: float
    longitude: float
    district: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A road between two crossings."""

    start: int
    """Number of the crossing, from 0."""
    end: int
    length_m: float
    kind: str
    one_way: bool = False

    @property
    def speed_kmh(self) -> int:
        """How fast one may drive when the road is empty."""
        return _KMH[self.kind]


@dataclass(frozen=True)
class Network:
    """Crossings, and segments by their numbers."""

    crossings: tuple[Crossing, ...]
    segments: tuple[Segment, ...]


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Great circle, in metres."""
    north, east = radians(lat_b - lat_a) / 2, radians(lon_b - lon_a) / 2
    half = sin(north) ** 2 + cos(radians(lat_a)) * cos(radians(lat_b)) * sin(east) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(half))


@cache
def network(seed: int) -> Network:
    """The roads of a city; they do not grow with its people."""
    made = _Survey(seed)
    made.streets()
    made.trunks()
    made.parallels()
    return Network(tuple(made.crossings), tuple(made.segments))


class _Survey:
    """The network as it is drawn."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.crossings: list[Crossing] = []
        self.segments: list[Segment] = []
        self._part: list[int] = []
        """A crossing that each one is connected to; of the first of a part, itself."""

    def streets(self) -> None:
        """The towns' own streets, on one grid: where towns touch, their streets meet."""
        lattice = {spot: self._crossing(*place) for spot, place in self._lattice().items()}
        pairs = [
            (node, lattice[i + down, j + right], kind)
            for (i, j), node in lattice.items()
            for down, right, line in ((0, 1, i), (1, 0, j))
            if (i + down, j + right) in lattice
            for kind in (_kind(line),)
        ]
        for a, b, kind in sorted(pairs, key=self._turn):
            needed = self._join(a, b)
            chance = Draw(self._seed, "street", a, b)
            if needed or not chance.happens(12):
                alone = not needed and kind == "residential" and chance.happens(6)
                self._segment(a, b, kind, one_way=alone)

    def trunks(self) -> None:
        """Roads from town to town, cut in pieces: the shortest first, until all are connected,
        and some more."""
        towns = [
            (distance_m(a.latitude, a.longitude, b.latitude, b.longitude), a.code, b.code)
            for a, b in combinations(places.DISTRICTS, 2)
        ]
        fresh: dict[str, int] = {}
        by_town: dict[str, list[int]] = {}
        for number, crossing in enumerate(self.crossings):
            by_town.setdefault(crossing.district, []).append(number)
        for length, one, other in sorted(towns):
            apart = self._first(by_town[one][0]) != self._first(by_town[other][0])
            few = length < 60_000 and min(fresh.get(one, 0), fresh.get(other, 0)) < 2
            if apart or (few and length > 12_000):
                self._trunk(by_town[one], by_town[other])
                for town in (one, other):
                    fresh[town] = fresh.get(town, 0) + 1

    def parallels(self) -> None:
        """Some roads beside others: the same crossings, a longer way."""
        for number in range(_PARALLELS):
            chance = Draw(self._seed, "parallel", number)
            first = self.segments[chance.below(len(self.segments) // 2)]
            longer = round(first.length_m * (1.2 + chance.below(30) / 100), 1)
            self.segments.append(Segment(first.start, first.end, longer, "residential"))

    def _lattice(self) -> dict[tuple[int, int], tuple[float, float, str]]:
        """Latitude, longitude and district of the crossings, by line of the grid."""
        found = {}
        for district in places.DISTRICTS:
            boundary = places.BOUNDARIES[district.code]
            for i in _lines(district.latitude):
                for j in _lines(district.longitude):
                    chance = Draw(self._seed, "crossing", i, j)
                    north, east = chance.between(-1200, 1200), chance.between(-1200, 1200)
                    latitude = round(i * _STEP + north / 1_000_000, 6)
                    longitude = round(j * _STEP + east / 1_000_000, 6)
                    if boundaries.inside(boundary, longitude, latitude):
                        found[i, j] = (latitude, longitude, district.code)
        return found

    def _trunk(self, here: list[int], there: list[int]) -> None:
        """A road between the nearest crossings of two towns."""
        _, a, b = min((self._apart(a, b), a, b) for a in here for b in there)
        pieces = max(1, ceil(self._apart(a, b) / _TRUNK_PIECE_M))
        from_, to = self.crossings[a], self.crossings[b]
        last = a
        for piece in range(1, pieces):
            share = piece / pieces
            latitude = round(from_.latitude + share * (to.latitude - from_.latitude), 6)
            longitude = round(from_.longitude + share * (to.longitude - from_.longitude), 6)
            district = places.district_of(longitude, latitude)
            assert district is not None, "a trunk road leaves the city"
            node = self._crossing(latitude, longitude, district.code)
            self._join(last, node)
            self._segment(last, node, "trunk")
            last = node
        self._join(last, b)
        self._segment(last, b, "trunk")

    def _apart(self, a: int, b: int) -> float:
        one, other = self.crossings[a], self.crossings[b]
        return hypot(
            (one.latitude - other.latitude) * 111_195, (one.longitude - other.longitude) * 100_700
        )

    def _turn(self, street: tuple[int, int, str]) -> tuple[bool, int]:
        """Streets within a district come first, so that it is connected without its neighbours;
        else by chance: what may be missing is not to lie at one side."""
        a, b, _ = street
        between = self.crossings[a].district != self.crossings[b].district
        return between, numbers(self._seed, "streets", a, b)

    def _crossing(self, latitude: float, longitude: float, district: str) -> int:
        number = len(self.crossings)
        self.crossings.append(Crossing(f"N{number + 1:05d}", latitude, longitude, district))
        self._part.append(number)
        return number

    def _segment(self, a: int, b: int, kind: str, *, one_way: bool = False) -> None:
        one, other = self.crossings[a], self.crossings[b]
        straight = distance_m(one.latitude, one.longitude, other.latitude, other.longitude)
        winding = 100 + Draw(self._seed, "winding", a, b).below(16)
        self.segments.append(Segment(a, b, round(straight * winding / 100, 1), kind, one_way))

    def _first(self, node: int) -> int:
        while self._part[node] != node:
            self._part[node] = self._part[self._part[node]]
            node = self._part[node]
        return node

    def _join(self, a: int, b: int) -> bool:
        """Note that two crossings are connected; whether they were not before."""
        first, second = self._first(a), self._first(b)
        self._part[first] = second
        return first != second


def _lines(centre: float) -> Iterator[int]:
    """Lines of the grid near a centre."""
    yield from range(ceil((centre - _REACH) / _STEP), int((centre + _REACH) / _STEP) + 1)


def _kind(line: int) -> str:
    return "primary" if line % 6 == 0 else "secondary" if line % 3 == 0 else "residential"
