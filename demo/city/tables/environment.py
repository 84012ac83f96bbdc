"""Environment: stations, the air that they measure, and who may let what into it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from demo.city import places
from demo.city.chance import Draw
from demo.city.journal import entered_on
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import day_from, mistyped, tenths
from demo.city.tables.employment import employer_code, employer_count, employer_name
from demo.city.tables.weather import moment

STATIONS_COUNT = len(places.DISTRICTS)
PER_DAY = STATIONS_COUNT * 24
_POLLUTANTS = ("SO2", "NOx", "PM10", "COD", "NH3-N")


def station_id(number: int) -> str:
    """Id of the station of that number, from 0: each division has one."""
    return f"Q{number + 1:03d}"


def _station(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "air station", index)
    spot = places.spot(chance, places.DISTRICTS[index])
    return (
        station_id(index),
        f"{spot.district.name}空气站",
        spot.district.code,
        Decimal(spot.latitude),
        Decimal(spot.longitude),
        "traffic" if changes else chance.one_of(("traffic", "background", "industry")),
        day_from(date(2005, 1, 1), chance.below(3000)),
    )


STATIONS = Shape(
    id="environment.stations",
    columns=(
        "station_id", "name", "district_code", "latitude", "longitude", "kind", "opened_on",
    ),
    key=("station_id",),
    make=_station,
    count=lambda city: STATIONS_COUNT,
)  # fmt: skip


def _reading(city: City, index: int, changes: int) -> Row:
    day, rest = divmod(index, PER_DAY)
    station, hour = divmod(rest, 24)
    chance = Draw(city.seed, "reading", index)
    fine = chance.between(80, 900)
    return (
        station_id(station),
        moment(day, hour),
        tenths(fine + changes),
        tenths(fine + chance.between(30, 600)),
        tenths(chance.between(50, 700)),
        tenths(chance.between(20, 300)),
        None,
    )


READINGS = Shape(
    id="environment.readings",
    columns=("station_id", "observed_at", "pm25", "pm10", "no2", "so2", "published_at"),
    key=("station_id", "observed_at"),
    make=_reading,
    count=lambda city: PER_DAY * 6,
    defects=(
        Defect("range:pm25_ug_per_m3", "pm25", tenths(-99990)),
        Defect("type:no2_ug_per_m3", "no2", "n/a"),
        Defect("reference:station_id", "station_id", "Q999"),
    ),
)


def _permit_count(city: City) -> int:
    return max(150, employer_count(city) // 4)


def _permit(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "permit", index)
    holder = chance.below(employer_count(city))
    granted = entered_on(_permit_count(city), index)
    return (
        f"T{index:06d}",
        employer_code(city, holder),
        employer_name(city.seed, holder),
        places.home_district(chance).code,
        chance.one_of(_POLLUTANTS),
        tenths(chance.between(10, 90_000) + changes),
        granted,
        date(granted.year + chance.between(1, 5), 12, 31),
        None,
    )


PERMITS = Shape(
    id="environment.permits",
    columns=(
        "permit_id", "credit_code", "holder_name", "district_code", "pollutant",
        "limit_t_per_a", "granted_on", "expires_on", "updated_at",
    ),
    key=("permit_id",),
    make=_permit,
    count=_permit_count,
    defects=(
        Defect("enum:pollutant", "pollutant", "noise"),
        Defect("check_digit:credit_code", "credit_code", mistyped),
        Defect("range:limit_t_per_a", "limit_t_per_a", tenths(-1)),
        Defect("expires_after_grant", "expires_on", date(2001, 1, 1)),
    ),
)  # fmt: skip
