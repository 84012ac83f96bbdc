"""Medical care: staff, admissions, beds and prescriptions of the hospitals."""

from __future__ import annotations

from datetime import date, timedelta

from demo.city.chance import Draw
from demo.city.journal import entered_on
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import VISITED, day_from, facility_id, money
from demo.city.written import as_written

_TITLES = ("physician", "nurse", "pharmacist", "technician")
_WARDS = ("internal", "surgery", "paediatrics", "obstetrics", "emergency")
_DIAGNOSES = ("I21.9", "J18.9", "K35.8", "O80", "S72.0", "I63.9", "E11.9", "N20.0")
_DRUGS = ("J01CA04", "C09AA02", "A10BA02", "N02BE01", "R03AC02", "B01AC06")
_FIRST_DAY = date(2015, 12, 26)


def staff_count(city: City) -> int:
    """Licensed staff."""
    return max(120, city.residents // 100)


def _doctor(city: City, index: int) -> int:
    return city.adult(index * 7 % city.adults)


def _staff(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "staff", index)
    person = as_written(city, "medical.staff", index, city.resident(_doctor(city, index)))
    return (
        f"M{index:06d}",
        person.citizen_id,
        person.name,
        chance.one_of(_TITLES),
        facility_id(chance.between(1, VISITED)),
        chance.one_of(_WARDS) if not changes else "administration",
        day_from(date(1995, 1, 1), chance.below(7000)),
    )


STAFF = Shape(
    id="medical.staff",
    columns=(
        "staff_id", "citizen_id", "staff_name", "title", "facility_id", "ward", "employed_on",
    ),
    key=("staff_id",),
    make=_staff,
    count=staff_count,
    hidden=("staff_name",),
    defects=(
        Defect("enum:title", "title", "wizard"),
        Defect("pattern:facility_id", "facility_id", "hospital 7"),
    ),
    who=_doctor,
    label="M{:06d}",
)  # fmt: skip


def _admission_count(city: City) -> int:
    return max(200, city.residents // 6)


def _admitted(city: City, index: int) -> int:
    return Draw(city.seed, "admitted", index).below(city.residents)


def _admission(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "admission", index)
    person = as_written(
        city, "medical.admissions", index, city.resident(_admitted(city, index)), lacking_percent=5
    )
    day = entered_on(_admission_count(city), index)
    return (
        f"A{index:08d}",
        person.citizen_id,
        person.name,
        person.sex,
        person.born,
        person.phone,
        facility_id(chance.between(1, VISITED)),
        day - timedelta(days=chance.between(2, 20)),
        day,
        chance.one_of(_DIAGNOSES),
        money(chance.between(80_000, 9_000_000) + 5000 * changes),
        None,
    )


ADMISSIONS = Shape(
    id="medical.admissions",
    columns=(
        "admission_id", "citizen_id", "patient_name", "sex", "birth_date", "phone",
        "facility_id", "admitted_on", "discharged_on", "diagnosis_code", "cost_amount",
        "updated_at",
    ),
    key=("admission_id",),
    make=_admission,
    count=_admission_count,
    hidden=("patient_name", "phone"),
    defects=(
        Defect("code:sex", "sex", "X"),
        Defect("range:cost_amount", "cost_amount", lambda cost: -cost),
        Defect("type:admitted_on", "admitted_on", "2015-13-01"),
        Defect("discharge_after_admission", "discharged_on", date(2001, 1, 1)),
    ),
    who=_admitted,
    label="A{:08d}",
)  # fmt: skip


def _beds(city: City, index: int, changes: int) -> Row:
    day, facility = divmod(index, VISITED)
    chance = Draw(city.seed, "beds", index)
    open_beds = 20 + Draw(city.seed, "open beds", facility).below(700)
    return (
        facility_id(facility + 1),
        day_from(_FIRST_DAY, day),
        open_beds,
        open_beds * chance.between(55, 98) // 100 + changes,
    )


BED_OCCUPANCY = Shape(
    id="medical.bed_occupancy",
    columns=("facility_id", "day", "beds_open", "beds_occupied"),
    key=("facility_id", "day"),
    make=_beds,
    count=lambda city: VISITED * 6,
    defects=(
        Defect("range:beds_occupied", "beds_occupied", -3),
        Defect("type:beds_open", "beds_open", "many"),
        Defect("occupied_within_open", "beds_occupied", 9000),
    ),
)


def _prescription_count(city: City) -> int:
    return max(180, city.residents // 5)


def _treated(city: City, index: int) -> int:
    return Draw(city.seed, "treated", index).below(city.residents)


def _prescription(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "prescription", index)
    person = as_written(city, "medical.prescriptions", index, city.resident(_treated(city, index)))
    per_day = max(1, _prescription_count(city) // 6)
    return (
        f"R{index:08d}",
        person.citizen_id,
        facility_id(chance.between(1, VISITED)),
        chance.one_of(_DRUGS),
        chance.between(1, 60) + changes,
        day_from(_FIRST_DAY, index // per_day),
    )


PRESCRIPTIONS = Shape(
    id="medical.prescriptions",
    columns=(
        "prescription_id", "citizen_id", "facility_id", "drug_code", "quantity", "prescribed_on",
    ),
    key=("prescription_id",),
    make=_prescription,
    count=_prescription_count,
    defects=(
        Defect("pattern:drug_code", "drug_code", "aspirin"),
        Defect("range:quantity", "quantity", 0),
        Defect("required:citizen_id", "citizen_id", None),
    ),
    who=_treated,
    label="R{:08d}",
)  # fmt: skip
