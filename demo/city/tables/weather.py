"""Meteorology: hourly observations of the divisions' stations, and warnings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from demo.city.chance import Draw
from demo.city.places import DISTRICTS
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import tenths

PER_DAY = len(DISTRICTS) * 24
_FIRST = datetime(2015, 12, 26, tzinfo=UTC)


def moment(day: int, hour: int) -> str:
    """An hour of the past days, as the stations write it."""
    return f"{_FIRST + timedelta(days=day, hours=hour):%Y-%m-%dT%H:%M:%SZ}"


def _observation(city: City, index: int, changes: int) -> Row:
    day, rest = divmod(index, PER_DAY)
    station, hour = divmod(rest, 24)
    chance = Draw(city.seed, "observation", index)
    warm = 60 + 50 * (12 - abs(hour - 14)) // 12
    return (
        f"K{station + 1:03d}",
        DISTRICTS[station].code,
        moment(day, hour),
        tenths(warm + chance.below(40) + changes),
        chance.between(30, 95),
        tenths(chance.below(80)),
        tenths(chance.below(12) if chance.happens(10) else 0),
    )


HOURLY = Shape(
    id="meteorology.hourly",
    columns=(
        "station_id", "district_code", "observed_at", "temp_c", "humidity_percent", "wind_m_per_s",
        "precipitation_mm",
    ),
    key=("station_id", "observed_at"),
    make=_observation,
    count=lambda city: PER_DAY * 6,
    defects=(
        Defect("range:temp_c", "temp_c", tenths(9990)),
        Defect("range:humidity_percent", "humidity_percent", 255),
        Defect("type:wind_m_per_s", "wind_m_per_s", "calm"),
    ),
)  # fmt: skip

_KINDS = ("gale", "frost", "fog", "thunderstorm", "drought", "ice")
_LEVELS = ("blue", "yellow", "orange", "red")
WARNINGS_PER_DAY = 10


def _warning(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "warning", index)
    hour = chance.below(20)
    return (
        f"W{index:06d}",
        chance.one_of(_KINDS),
        chance.one_of(_LEVELS),
        chance.one_of(DISTRICTS).code,
        moment(index // WARNINGS_PER_DAY, hour),
        chance.between(2, 72) + changes,
    )


WARNINGS = Shape(
    id="meteorology.warnings",
    columns=("warning_id", "kind", "level", "district_code", "issued_at", "valid_hours"),
    key=("warning_id",),
    make=_warning,
    count=lambda city: WARNINGS_PER_DAY * 6,
    defects=(
        Defect("enum:level", "level", "violet"),
        Defect("type:issued_at", "issued_at", "31 December"),
    ),
)
