"""Geography: divisions with their boundaries, roads, the network that they make, and parcels."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from demo.city import boundaries, places, streets
from demo.city.chance import Draw
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import day_from, tenths

_ROAD_KINDS = ("primary", "secondary", "residential", "service")
_LAND_USES = ("residential", "commercial", "industrial", "public", "green", "farmland")


def _flag(value: bool) -> str:
    """As the survey office writes it."""
    return "true" if value else "false"


def _division(city: City, index: int, changes: int) -> Row:
    district = places.DISTRICTS[index]
    return (
        district.code,
        district.name,
        district.former_code,
        Decimal(str(district.latitude)),
        Decimal(str(district.longitude)),
        _flag(district.code in places.URBAN),
        boundaries.wkt(places.BOUNDARIES[district.code]),
        date(2016, 1, 1) if changes else date(2015, 6, 30),
    )


DIVISIONS = Shape(
    id="geography.divisions",
    columns=(
        "code", "name", "former_code", "latitude", "longitude", "is_urban", "boundary",
        "revised_on",
    ),
    key=("code",),
    make=_division,
    count=lambda city: len(places.DISTRICTS),
)  # fmt: skip


def _road(city: City, index: int, changes: int) -> Row:
    place, road = divmod(index, places.ROADS_PER_DISTRICT)
    district = places.DISTRICTS[place]
    chance = Draw(city.seed, "road", index)
    return (
        f"{district.code}-{road:03d}",
        places.road_name(district, road),
        district.code,
        chance.one_of(_ROAD_KINDS),
        chance.between(300, 9000) + changes,
        chance.between(1, 8),
    )


ROADS = Shape(
    id="geography.roads",
    columns=("road_id", "name", "district_code", "kind", "length_m", "lanes"),
    key=("road_id",),
    make=_road,
    count=lambda city: len(places.DISTRICTS) * places.ROADS_PER_DISTRICT,
    defects=(
        Defect("range:length_m", "length_m", 0),
        Defect("code:district_code", "district_code", "530199"),
        Defect("type:lanes", "lanes", "2-3"),
    ),
)


def _segment(city: City, index: int, changes: int) -> Row:
    roads = streets.network(city.seed)
    segment = roads.segments[index]
    start, end = roads.crossings[segment.start], roads.crossings[segment.end]
    surveyed = day_from(date(2011, 1, 1), Draw(city.seed, "surveyed", index).below(1700))
    return (
        f"R{index + 1:06d}",
        start.id,
        end.id,
        *(Decimal(f"{degrees:.6f}") for degrees in (start.latitude, start.longitude)),
        *(Decimal(f"{degrees:.6f}") for degrees in (end.latitude, end.longitude)),
        tenths(round(segment.length_m * 10)),
        segment.speed_kmh,
        segment.kind,
        _flag(segment.one_way),
        start.district,
        date(2015, 12, 30) if changes else surveyed,
    )


ROAD_SEGMENTS = Shape(
    id="geography.road_segments",
    columns=(
        "segment_id", "from_node", "to_node", "from_latitude", "from_longitude", "to_latitude",
        "to_longitude", "length_m", "speed_kmh", "road_class", "is_one_way", "district_code",
        "surveyed_on",
    ),
    key=("segment_id",),
    make=_segment,
    count=lambda city: len(streets.network(city.seed).segments),
)  # fmt: skip


def _parcel(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "parcel", index)
    spot = places.spot(chance, places.home_district(chance))
    use = chance.below(len(_LAND_USES))
    return (
        f"{spot.district.code}G{index:07d}",
        spot.district.code,
        spot.address,
        _LAND_USES[(use + changes) % len(_LAND_USES)],
        chance.between(60, 40_000),
        Decimal(spot.latitude),
        Decimal(spot.longitude),
        day_from(date(1990, 1, 1), chance.below(9000)),
    )


PARCELS = Shape(
    id="geography.parcels",
    columns=(
        "parcel_id", "district_code", "address", "land_use", "area_m2", "latitude",
        "longitude", "registered_on",
    ),
    key=("parcel_id",),
    make=_parcel,
    count=lambda city: max(300, city.residents // 5),
    defects=(
        Defect("enum:land_use", "land_use", "moon"),
        Defect("range:area_m2", "area_m2", -100),
        Defect("code:district_code", "district_code", "530199"),
        Defect("range:longitude", "longitude", Decimal("1027.104")),
        Defect("type:registered_on", "registered_on", "1999-04-31"),
    ),
)  # fmt: skip
