"""Education: schools and who is enrolled in them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from demo.city.chance import Draw
from demo.city.register import sound
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import credit_code, day_from, mistyped, public_place
from demo.city.written import as_written

_KINDS = ("kindergarten", "primary", "junior", "senior")
_TITLES = ("幼儿园", "小学", "初级中学", "高级中学")


def school_count(city: City) -> int:
    """Schools of the city."""
    return max(60, city.residents // 400)


def school_id(number: int) -> str:
    """Id of the school of that number."""
    return f"X{number:05d}"


def _school(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "school", index)
    spot = public_place(city.seed, "school", index)
    kind = index % len(_KINDS)
    return (
        school_id(index),
        credit_code(city.seed, "12", index),
        f"{spot.district.name}第{index}{_TITLES[kind]}",
        _KINDS[kind],
        spot.district.code,
        spot.address,
        Decimal(spot.latitude),
        Decimal(spot.longitude),
        chance.between(120, 2400) + 20 * changes,
        day_from(date(1920, 1, 1), chance.below(34_000)),
    )


SCHOOLS = Shape(
    id="education.schools",
    columns=(
        "school_id", "credit_code", "name", "kind", "district_code", "address", "latitude",
        "longitude", "places", "founded_on",
    ),
    key=("school_id",),
    make=_school,
    count=school_count,
    defects=(
        Defect("enum:kind", "kind", "college"),
        Defect("range:places", "places", -40),
    ),
)  # fmt: skip


def _enrolment_count(city: City) -> int:
    return max(100, city.children)


def _pupil(city: City, index: int) -> int:
    return city.child(index % max(1, city.children))


def _enrolment(city: City, index: int, changes: int) -> Row:
    pupil = city.resident(_pupil(city, index))
    chance = Draw(city.seed, "enrolment", index)
    person = as_written(city, "education.enrolments", index, pupil, lacking_percent=6)
    age = pupil.age_on(date(2015, 9, 1))
    kind = 0 if age < 6 else 1 if age < 12 else 2 if age < 15 else 3
    number = 4 * chance.below(sound(school_count(city)) // 4) + kind
    return (
        f"U{index:08d}",
        school_id(number),
        person.citizen_id,
        person.name,
        person.sex,
        person.born,
        person.phone,
        person.address,
        max(0, age - 5) + changes,
        date(2015, 9, 1),
    )


ENROLMENTS = Shape(
    id="education.enrolments",
    columns=(
        "enrolment_id", "school_id", "citizen_id", "pupil_name", "sex", "birth_date",
        "guardian_phone", "address", "grade", "enrolled_on",
    ),
    key=("enrolment_id",),
    make=_enrolment,
    count=_enrolment_count,
    hidden=("pupil_name", "guardian_phone", "address"),
    defects=(
        Defect("reference:school_id", "school_id", "X99999"),
        Defect("range:grade", "grade", 35_109),
        Defect("code:sex", "sex", "Z"),
        Defect("check_digit:citizen_id", "citizen_id", mistyped),
    ),
    who=_pupil,
    label="U{:08d}",
)  # fmt: skip
