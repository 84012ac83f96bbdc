"""Where the sample city lies: the fourteen divisions of Kunming, their roads and their places.

Codes and names are those of GB/T 2260; centres are rounded to a few hundred metres, and
the weights follow the census of 2020. Boundaries, roads, house numbers and everything that
stands at them are made up.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from demo.city import boundaries
from demo.city.chance import Draw

ROADS_PER_DISTRICT = 12
_ROAD_NAMES = "春城翠湖滇池金马碧鸡长虹青年人民东风北京白塔圆通学府龙泉穿金官南"
_ROAD_KINDS = ("路", "街", "巷", "大道")


@dataclass(frozen=True)
class District:
    """A division of the county level."""

    code: str
    name: str
    latitude: float
    longitude: float
    weight: int
    """Residents of it among a thousand or so."""
    former_code: str | None = None
    """Its code before it became a district; old systems still write it."""


@dataclass(frozen=True)
class Spot:
    """A place with an address."""

    district: District
    road: int
    """Number of its road, from 0, within the district."""
    address: str
    latitude: str
    longitude: str


DISTRICTS = (
    District("530102", "五华区", 25.0436, 102.7068, 114),
    District("530103", "盘龙区", 25.0704, 102.7517, 99),
    District("530111", "官渡区", 25.0150, 102.7437, 160),
    District("530112", "西山区", 25.0380, 102.6647, 96),
    District("530113", "东川区", 26.0830, 103.1878, 26),
    District("530114", "呈贡区", 24.8855, 102.8014, 65, "530121"),
    District("530115", "晋宁区", 24.6697, 102.5952, 35, "530122"),
    District("530124", "富民县", 25.2217, 102.4976, 15),
    District("530125", "宜良县", 24.9167, 103.1412, 38),
    District("530126", "石林彝族自治县", 24.7718, 103.2900, 24),
    District("530127", "嵩明县", 25.3386, 103.0367, 41),
    District("530128", "禄劝彝族苗族自治县", 25.5513, 102.4713, 38),
    District("530129", "寻甸回族彝族自治县", 25.5584, 103.2564, 46),
    District("530181", "安宁市", 24.9193, 102.4782, 48),
)
BY_CODE = {district.code: district for district in DISTRICTS}
UNDER_SERVED = ("530113", "530128", "530129")
"""Divisions where facilities, schools and libraries are rarer than their people would need."""
URBAN = ("530102", "530103", "530111", "530112", "530114", "530181")
"""Divisions that are a town rather than land with towns in it."""
_CENTRES = tuple((d.longitude, d.latitude) for d in DISTRICTS)
BOUNDARIES = dict(zip(BY_CODE, boundaries.boundaries(_CENTRES), strict=True))
"""Each division's boundary, by its code."""
TOWN = 30_000
"""How far to each side of its centre a division's town reaches, in millionths of a degree."""
_SERVED = tuple(d for d in DISTRICTS if d.code not in UNDER_SERVED)
_SUMS = tuple(accumulate(d.weight for d in DISTRICTS))


def home_district(chance: Draw) -> District:
    """A district, as likely as people live in it."""
    return DISTRICTS[bisect(_SUMS, chance.below(_SUMS[-1]))]


def served_district(chance: Draw) -> District:
    """A district for a public place: nineteen of twenty stand where the city is served well."""
    return chance.one_of(_SERVED) if chance.happens(95) else home_district(chance)


def road_name(district: District, road: int) -> str:
    """Name of a road; its number within the district makes it unique there."""
    first = (DISTRICTS.index(district) * 5 + road * 2) % (len(_ROAD_NAMES) // 2) * 2
    return _ROAD_NAMES[first : first + 2] + _ROAD_KINDS[road * len(_ROAD_KINDS) // 12]


def spot(chance: Draw, district: District, part: str = "") -> Spot:
    """Some place in a district.

    Args:
        chance: where to draw it from.
        district: which.
        part: of its town: ``corner``, the north-eastern one; ``middle``; or anywhere.
    """
    road = chance.below(ROADS_PER_DISTRICT)
    house = chance.between(1, 399)
    north, east = chance.between(-TOWN, TOWN), chance.between(-TOWN, TOWN)
    if part == "corner":
        north, east = (TOWN + abs(north)) // 2, (TOWN + abs(east)) // 2
    elif part == "middle":
        north, east = north // 3, east // 3
    while not _within(district, north, east):
        # Towards the centre: a town is denser there.
        north, east = north * 3 // 4, east * 3 // 4
    return Spot(
        district=district,
        road=road,
        address=f"昆明市{district.name}{road_name(district, road)}{house}号",
        latitude=f"{district.latitude + north / 1_000_000:.6f}",
        longitude=f"{district.longitude + east / 1_000_000:.6f}",
    )


def district_of(longitude: float, latitude: float) -> District | None:
    """The district in which a place lies."""
    found = (c for c, b in BOUNDARIES.items() if boundaries.inside(b, longitude, latitude))
    return next((BY_CODE[code] for code in found), None)


def _within(district: District, north: int, east: int) -> bool:
    """Whether a place so far from the centre, in millionths of a degree, is the district's."""
    if north * north + east * east < _clear(district.code):
        return True
    boundary = BOUNDARIES[district.code]
    # As it will be written.
    longitude = round(district.longitude + east / 1_000_000, 6)
    return boundaries.inside(boundary, longitude, round(district.latitude + north / 1_000_000, 6))


@cache
def _clear(code: str) -> float:
    """Square of the distance within which all is the district's."""
    district = BY_CODE[code]
    clear = boundaries.clear_of(BOUNDARIES[code], (district.longitude, district.latitude))
    return float((clear * 999_000) ** 2)
