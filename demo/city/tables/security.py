"""Public security: the register of residents, and incidents with their hotspots."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from demo.city import places
from demo.city.chance import Draw
from demo.city.demand import cell_of
from demo.city.journal import entered_on
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import day_from, mistyped
from demo.city.written import as_written

HOTSPOTS = (
    ("530102", Decimal("25.045300"), Decimal("102.709800")),
    ("530111", Decimal("25.017500"), Decimal("102.721400")),
    ("530103", Decimal("25.061000"), Decimal("102.745000")),
)
"""District and centre; every third incident happens within 250 metres of one of them."""
_KINDS = ("theft", "burglary", "fraud", "assault", "robbery", "damage", "traffic")
_RENAMED_ON = date(2011, 5, 20)
"""Until then, Chenggong and Jinning were counties of other codes."""


def _registered(city: City, index: int) -> int:
    """Everybody stands in the register once; who is entered later stands there again."""
    return index % city.residents


def _resident(city: City, index: int, changes: int) -> Row:
    resident = city.resident(_registered(city, index))
    chance = Draw(city.seed, "registration", index)
    spot = resident.household.spot
    address = resident.household.address
    if changes:
        spot = places.spot(chance, places.home_district(chance))
        address = f"{spot.address}2栋201室"
    since = max(resident.born, day_from(date(1985, 1, 1), chance.below(11_000)))
    old = since < _RENAMED_ON and not changes and spot.district.former_code
    return (
        f"H{index:08d}",
        resident.citizen_id,
        resident.name,
        resident.sex,
        resident.born,
        resident.phone,
        address,
        old or spot.district.code,
        f"B{resident.household.number:08d}",
        cell_of(spot),
        since,
        None,
    )


RESIDENTS = Shape(
    id="public_security.residents",
    columns=(
        "register_no", "citizen_id", "person_name", "sex", "birth_date", "phone", "address",
        "district_code", "household_no", "home_cell", "registered_on", "updated_at",
    ),
    key=("register_no",),
    make=_resident,
    count=lambda city: city.residents,
    hidden=("person_name", "phone", "address"),
    defects=(
        Defect("required:citizen_id", "citizen_id", None),
        Defect("check_digit:citizen_id", "citizen_id", mistyped),
        Defect("code:sex", "sex", "0?"),
        Defect("type:birth_date", "birth_date", "1975-02-29"),
        Defect("registered_after_birth", "registered_on", date(1901, 3, 1)),
    ),
    who=_registered,
    label="H{:08d}",
)  # fmt: skip


def _incident_count(city: City) -> int:
    return max(200, city.residents // 8)


def _reporter(city: City, index: int) -> int:
    return Draw(city.seed, "reporter", index).below(city.residents)


def incident_place(city: City, index: int) -> tuple[str, Decimal, Decimal]:
    """District and coordinates of an incident."""
    chance = Draw(city.seed, "incident place", index)
    if index % 3:
        spot = places.spot(chance, places.home_district(chance))
        return spot.district.code, Decimal(spot.latitude), Decimal(spot.longitude)
    code, latitude, longitude = HOTSPOTS[index // 3 % len(HOTSPOTS)]
    north, east = chance.between(-1600, 1600), chance.between(-1600, 1600)
    return code, latitude + Decimal(north).scaleb(-6), longitude + Decimal(east).scaleb(-6)


def _incident(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "incident", index)
    person = as_written(
        city,
        "public_security.incidents",
        index,
        city.resident(_reporter(city, index)),
        lacking_percent=10,
    )
    code, latitude, longitude = incident_place(city, index)
    day = entered_on(_incident_count(city), index) - timedelta(days=1)
    hour, minute = chance.between(0, 23), chance.below(60)
    return (
        f"P{index:08d}",
        chance.one_of(_KINDS),
        f"{day} {hour:02d}:{minute:02d}:00",
        code,
        latitude,
        longitude,
        person.citizen_id,
        person.name,
        person.born,
        person.phone,
        "closed" if changes else "open",
        None,
    )


INCIDENTS = Shape(
    id="public_security.incidents",
    columns=(
        "incident_id", "kind", "occurred_at", "district_code", "latitude", "longitude",
        "reporter_id", "reporter_name", "reporter_birth_date", "reporter_phone", "state",
        "updated_at",
    ),
    key=("incident_id",),
    make=_incident,
    count=_incident_count,
    hidden=("reporter_name", "reporter_phone"),
    defects=(
        Defect("enum:kind", "kind", "mischief"),
        Defect("range:latitude", "latitude", Decimal("250.36")),
        Defect("origin:latitude", "latitude", 0, (("longitude", 0),)),
        Defect("type:occurred_at", "occurred_at", "2015-02-30 10:15:00"),
        Defect("required:state", "state", None),
    ),
    who=_reporter,
    label="P{:08d}",
)  # fmt: skip

SIGNALS = {
    "hotspots": {
        "dataset": "public_security.incidents",
        "radius_m": 250,
        "share": "a third of all incidents",
        "centres": [
            {"district_code": code, "latitude": float(lat), "longitude": float(lon)}
            for code, lat, lon in HOTSPOTS
        ],
    }
}
