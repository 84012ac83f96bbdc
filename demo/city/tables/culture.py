"""Culture: libraries and museums, who borrows and how many come."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from demo.city import supply
from demo.city.chance import Draw
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import day_from, money, public_place
from demo.city.written import as_written

_KINDS = ("library", "museum", "theatre", "gallery")
_TITLES = {"library": "图书馆", "museum": "博物馆", "theatre": "剧院", "gallery": "美术馆"}
_FIRST_DAY = date(2015, 12, 26)
VENUES_COUNT = 84


def venue_id(number: int) -> str:
    """Id of the venue of that number."""
    return f"C{number:04d}"


def _venue(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "venue", index)
    number, which = divmod(index, len(_KINDS))
    kind, seats = _KINDS[which], chance.between(20, 900) + 10 * changes
    spot = public_place(city.seed, "venue", index)
    if kind == "library":
        spot = supply.stand(city, "library", number, supply.library_district(city, number))
        seats = supply.library_seats(city, number)
    return (
        venue_id(index),
        f"{spot.district.name}第{index}{'新' * changes}{_TITLES[kind]}",
        kind,
        spot.district.code,
        Decimal(spot.latitude),
        Decimal(spot.longitude),
        seats,
        day_from(date(1960, 1, 1), chance.below(20_000)),
    )


VENUES = Shape(
    id="culture.venues",
    columns=(
        "venue_id", "name", "kind", "district_code", "latitude", "longitude", "seats",
        "opened_on",
    ),
    key=("venue_id",),
    make=_venue,
    count=lambda city: VENUES_COUNT,
)  # fmt: skip


def _loan_count(city: City) -> int:
    return max(180, city.residents // 4)


def _reader(city: City, index: int) -> int:
    return Draw(city.seed, "reader", index).below(city.residents)


def _loan(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "loan", index)
    person = as_written(
        city, "culture.loans", index, city.resident(_reader(city, index)), lacking_percent=10
    )
    per_day = max(1, _loan_count(city) // 6)
    return (
        f"L{index:08d}",
        venue_id(4 * chance.below(VENUES_COUNT // 4)),
        person.citizen_id,
        person.name,
        person.born,
        person.phone,
        f"978{chance.below(10**10):010d}",
        day_from(_FIRST_DAY, index // per_day),
        chance.between(14, 42) + changes,
    )


LOANS = Shape(
    id="culture.loans",
    columns=(
        "loan_id", "venue_id", "citizen_id", "reader_name", "birth_date", "phone", "isbn",
        "lent_on", "days",
    ),
    key=("loan_id",),
    make=_loan,
    count=_loan_count,
    hidden=("reader_name", "phone"),
    defects=(
        Defect("pattern:isbn", "isbn", "none"),
        Defect("range:days", "days", 35_109),
        Defect("reference:venue_id", "venue_id", "C9999"),
    ),
    who=_reader,
    label="L{:08d}",
)  # fmt: skip


def _admissions(city: City, index: int, changes: int) -> Row:
    day, number = divmod(index, VENUES_COUNT)
    chance = Draw(city.seed, "museum day", index)
    visitors = chance.below(800)
    return (
        venue_id(number),
        day_from(_FIRST_DAY, day),
        visitors + changes,
        money(visitors * 500),
    )


VISITORS = Shape(
    id="culture.visitors",
    columns=("venue.id", "day", "visitors", "takings.yuan"),
    key=("venue.id", "day"),
    make=_admissions,
    count=lambda city: VENUES_COUNT * 6,
    defects=(
        Defect("range:visitors", "visitors", -12),
        Defect("required:visitors", "visitors", None),
    ),
)
