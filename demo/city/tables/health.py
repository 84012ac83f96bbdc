"""Public health: facilities, visits, notifiable diseases with an outbreak, vaccinations."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from demo.city import clock, places, supply
from demo.city.chance import Draw
from demo.city.journal import entered_on
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import (
    FACILITIES,
    VISITED,
    day_from,
    facility_id,
    money,
)
from demo.city.written import as_written

_KINDS = ("hospital", "community", "township", "clinic", "emergency", "maternal")
_TITLES = ("医院", "社区卫生服务中心", "乡镇卫生院", "门诊部", "急救站", "妇幼保健院")
_DIAGNOSES = ("J06.9", "I10", "E11.9", "K29.7", "M54.5", "J45.9", "H10.9", "N39.0", "R51", "Z00.0")


def _facility(city: City, index: int, changes: int) -> Row:
    number = index + 1
    chance = Draw(city.seed, "facility", number)
    district = supply.facility_district(city, index)
    spot = supply.stand(city, "facility", number, district)
    kind = chance.below(len(_KINDS))
    if index in supply.PRIMARY:
        kind = _KINDS.index("community" if district.code in places.URBAN else "township")
    elif index in supply.HOSPITALS:
        kind = _KINDS.index("hospital")
    title = "中心" * changes + _TITLES[kind]
    return (
        facility_id(number),
        f"{district.name}第{number}{title}",
        _KINDS[kind],
        district.code,
        supply.facility_beds(city, index),
        Decimal(spot.latitude),
        Decimal(spot.longitude),
        day_from(date(1955, 1, 1), chance.below(20_000)),
    )


FACILITY_REGISTER = Shape(
    id="health.facilities",
    columns=(
        "facility_id", "name", "kind", "district_code", "beds", "latitude", "longitude",
        "opened_on",
    ),
    key=("facility_id",),
    make=_facility,
    count=lambda city: FACILITIES,
)  # fmt: skip


def visit_count(city: City) -> int:
    """Visits of two years."""
    return max(1000, city.residents * 5 // 2)


def _visitor(city: City, index: int) -> int:
    return Draw(city.seed, "visitor", index).below(city.residents)


def _visit(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "visit", index)
    patient = city.resident(_visitor(city, index))
    person = as_written(city, "health.visits", index, patient)
    day = entered_on(visit_count(city), index) - timedelta(days=1)
    hour, minute, second = chance.between(7, 19), chance.below(60), chance.below(60)
    return (
        f"V{index:08d}",
        person.citizen_id,
        person.name,
        person.phone,
        facility_id(chance.between(1, VISITED)),
        f"{day} {hour:02d}:{minute:02d}:{second:02d}",
        chance.one_of(_DIAGNOSES),
        person.sex,
        patient.age_on(day),
        money(chance.between(1000, 200_000) + 150 * changes),
        None,
    )


VISITS = Shape(
    id="health.visits",
    columns=(
        "visit_id", "citizen_id", "patient_name", "phone", "facility_id", "visited_at",
        "diagnosis_code", "sex", "age_years", "cost_amount", "updated_at",
    ),
    key=("visit_id",),
    make=_visit,
    count=visit_count,
    hidden=("patient_name", "phone"),
    defects=(
        Defect("required:visit_id", "visit_id", None),
        Defect("required:citizen_id", "citizen_id", None),
        Defect("type:visited_at", "visited_at", "2015-02-30 10:15:00"),
        Defect("range:age_years", "age_years", 199),
        Defect("range:cost_amount", "cost_amount", lambda cost: -cost),
        Defect("code:sex", "sex", "X"),
        Defect("reference:facility_id", "facility_id", "F9999"),
        Defect("pattern:diagnosis_code", "diagnosis_code", "J6"),
    ),
    who=_visitor,
    label="V{:08d}",
)  # fmt: skip

OUTBREAK_DISEASE, OUTBREAK_DISTRICT = "B05.9", "530111"
"""Measles in Guandu: what the notifications of the last weeks must show."""
DISEASES = ("A90", "A37.9", "B01.9", "B15.9", "A03.9", "A15.0", "B26.9", "J10.1")
_VACCINES = ("BCG", "HepB", "OPV", "DTP", "MMR", "JE")
OUTBREAK_FRACTION = 0.05
"""The last part of the cases of the first night; most of these belong to it."""
OUTBREAK_PERCENT = 85
_LONGEST_DELAY_DAYS, _LONGEST_OF_OUTBREAK_DAYS = 6, 3
_BESIDE_PLAIN = 10
"""Spoilt, doubled and last entries of a night after the first."""


def case_count(city: City) -> int:
    """Notified cases of two years: two a day, so that five weeks of an outbreak are a series."""
    return max(1500, city.residents // 8)


def plain_cases_a_night(city: City) -> int:
    """New cases of a night after the first, so many that the day is as those before."""
    return max(0, case_count(city) // 730 - _BESIDE_PLAIN // 2)


def _reported_on(city: City, index: int) -> date:
    """The day of the entry; after the first night, that before the night's run."""
    after = index - case_count(city)
    if after < 0:
        return entered_on(case_count(city), index)
    nights = after // (plain_cases_a_night(city) + _BESIDE_PLAIN)
    return clock.FIRST_NIGHT.date() + timedelta(days=nights)


def is_outbreak(city: City, index: int) -> bool:
    """Whether a case of the first night belongs to the outbreak."""
    last = case_count(city)
    late = last - int(last * OUTBREAK_FRACTION) <= index < last
    return late and Draw(city.seed, "outbreak", index).happens(OUTBREAK_PERCENT)


def _patient(city: City, index: int) -> int:
    somebody = (
        city.resident(Draw(city.seed, "case", index, trial).below(city.residents))
        for trial in count()
    )
    if not is_outbreak(city, index):
        return next(somebody).index
    # One of five or six lives there.
    return next(found.index for found in somebody if found.district.code == OUTBREAK_DISTRICT)


def _case(city: City, index: int, changes: int) -> Row:
    patient = city.resident(_patient(city, index))
    chance = Draw(city.seed, "disease", index)
    person = as_written(city, "health.notifiable_cases", index, patient)
    disease = OUTBREAK_DISEASE if is_outbreak(city, index) else chance.one_of(DISEASES)
    day = _reported_on(city, index)
    # Measles are told of at once.
    longest = _LONGEST_OF_OUTBREAK_DAYS if is_outbreak(city, index) else _LONGEST_DELAY_DAYS
    return (
        f"N{index:08d}",
        person.citizen_id,
        person.name,
        person.phone,
        disease,
        patient.district.code,
        facility_id(chance.between(1, VISITED)),
        day - timedelta(days=chance.between(1, longest)),
        day,
        ("ill", "recovered")[(chance.below(2) + changes) % 2],
        None,
    )


NOTIFIABLE_CASES = Shape(
    id="health.notifiable_cases",
    columns=(
        "case_id", "citizen_id", "patient_name", "phone", "disease_code", "district_code",
        "facility_id", "onset_on", "reported_on", "outcome", "updated_at",
    ),
    key=("case_id",),
    make=_case,
    count=case_count,
    hidden=("patient_name", "phone"),
    defects=(
        Defect("required:case_id", "case_id", None),
        Defect("reference:facility_id", "facility_id", "F9999"),
        Defect("enum:outcome", "outcome", "unclear"),
        Defect("code:disease_code", "disease_code", "ZZ9"),
        Defect("type:onset_on", "onset_on", "2015-02-30"),
        Defect("range:onset_on", "onset_on", date(1875, 3, 1)),
    ),
    who=_patient,
    label="N{:08d}",
)  # fmt: skip


def _dose_count(city: City) -> int:
    return max(200, city.children)


def _vaccinated(city: City, index: int) -> int:
    return city.child(index % max(1, city.children))


def _dose(city: City, index: int, changes: int) -> Row:
    child = city.resident(_vaccinated(city, index))
    chance = Draw(city.seed, "dose", index)
    person = as_written(city, "health.vaccinations", index, child)
    return (
        f"D{index:08d}",
        person.citizen_id,
        person.name,
        chance.one_of(_VACCINES),
        chance.between(1, 3) + changes,
        facility_id(chance.between(1, VISITED)),
        entered_on(_dose_count(city), index),
        f"L{chance.below(9000) + 1000}",
        None,
    )


VACCINATIONS = Shape(
    id="health.vaccinations",
    columns=(
        "dose_id", "citizen_id", "child_name", "vaccine", "dose_no", "facility_id", "given_on",
        "lot_no", "updated_at",
    ),
    key=("dose_id",),
    make=_dose,
    count=_dose_count,
    hidden=("child_name",),
    defects=(
        Defect("range:dose_no", "dose_no", 35),
        Defect("enum:vaccine", "vaccine", "XYZ"),
        Defect("pattern:lot_no", "lot_no", "lot?"),
        Defect("required:citizen_id", "citizen_id", None),
    ),
    who=_vaccinated,
    label="D{:08d}",
)  # fmt: skip

SIGNALS = {
    "outbreak": {
        "dataset": "health.notifiable_cases",
        "disease_code": OUTBREAK_DISEASE,
        "district_code": OUTBREAK_DISTRICT,
        "district": places.BY_CODE[OUTBREAK_DISTRICT].name,
    }
}
