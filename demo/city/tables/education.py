"""Education: schools and who is enrolled in them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from demo.city import pupils, supply
from demo.city.chance import Draw
from demo.city.demand import STAGES, school_age
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import credit_code, day_from, mistyped, money
from demo.city.written import as_written

_TITLES = ("幼儿园", "小学", "初级中学", "高级中学")
_SEATS_PER_TEACHER = 13
_SEATS_PER_CLASS, _CROWDED = 38, 52
_MOVED_IN = date(2016, 1, 1)
"""First day of those who change school within the last year."""


def school_id(number: int) -> str:
    """Id of the school of that number."""
    return f"X{number:05d}"


def _school(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "school", index)
    district = supply.school_district(city, index)
    spot = supply.stand(city, "school", index, district)
    kind = index % len(STAGES)
    seats = supply.school_seats(city, index)
    crowded = district.code in supply.UNDER_SERVED
    return (
        school_id(index),
        credit_code(city.seed, "12", index),
        f"{district.name}第{index}{'新' * changes}{_TITLES[kind]}",
        STAGES[kind],
        district.code,
        spot.address,
        Decimal(spot.latitude),
        Decimal(spot.longitude),
        seats,
        Decimal(seats * 100 // _SEATS_PER_TEACHER).scaleb(-2),
        max(1, round(seats / (_CROWDED if crowded else _SEATS_PER_CLASS))),
        money(seats * chance.between(950_000, 1_050_000)),
        day_from(date(1920, 1, 1), chance.below(34_000)),
    )


SCHOOLS = Shape(
    id="education.schools",
    columns=(
        "school_id", "credit_code", "name", "kind", "district_code", "address", "latitude",
        "longitude", "places", "teachers_fte", "classes", "spending_yuan", "founded_on",
    ),
    key=("school_id",),
    make=_school,
    count=supply.school_count,
    defects=(
        Defect("enum:kind", "kind", "college"),
        Defect("range:places", "places", -40),
    ),
)  # fmt: skip


def _pupil(city: City, index: int) -> int:
    return city.child(pupils.attendance(city, index).child)


def _enrolment(city: City, index: int, changes: int) -> Row:
    attended = pupils.attendance(city, index)
    pupil = city.resident(city.child(attended.child))
    person = as_written(city, "education.enrolments", index, pupil, lacking_percent=6)
    began = date(attended.year, 9, 1)
    return (
        f"U{index:08d}",
        school_id(attended.school),
        person.citizen_id,
        person.name,
        person.sex,
        person.born,
        person.phone,
        person.address,
        max(0, school_age(pupil.born, attended.year) - 5),
        attended.year,
        _MOVED_IN if index >= pupils.count(city) else began,
        began + timedelta(days=120) if changes else None,
    )


ENROLMENTS = Shape(
    id="education.enrolments",
    columns=(
        "enrolment_id", "school_id", "citizen_id", "pupil_name", "sex", "birth_date",
        "guardian_phone", "address", "grade", "school_year", "enrolled_on", "left_on",
    ),
    key=("enrolment_id",),
    make=_enrolment,
    count=pupils.count,
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
