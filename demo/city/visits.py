"""Visits of the health department: clean rows by number, and the ways to spoil one.

Every row is a function of seed and number alone, so that millions can be streamed and any
one can be made again. A spoilt row breaks exactly one rule, named as the contract's rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from demo.city.facilities import VISITED, facility_id
from demo.city.people import numbers, person

_DIAGNOSES = ("J06.9", "I10", "E11.9", "K29.7", "M54.5", "J45.9", "H10.9", "N39.0", "R51", "Z00.0")
_FIRST_SECOND = int(datetime(2014, 1, 1, tzinfo=UTC).timestamp())
_LAST_SECOND = int(datetime(2015, 12, 31, 20, tzinfo=UTC).timestamp())
VISITS_PER_PERSON = 3


class Visit(NamedTuple):
    """One row of the hospitals' journal: the same visit may stand there several times."""

    visit_id: str | None
    citizen_id: str | None
    patient_name: str
    phone: str
    facility_id: str
    visited_at: str
    diagnosis_code: str
    sex: str
    age_years: int
    cost_amount: str
    updated_at: str

    @property
    def served(self) -> tuple[object, ...]:
        """What goes further than the masks: without name and phone."""
        return (self.visit_id, self.citizen_id, *self[4:])


def visit_id(index: int) -> str:
    """Id of the visit of that number."""
    return f"V{index:08d}"


def moment(when: datetime) -> str:
    """How the source writes a time."""
    return f"{when:%Y-%m-%d %H:%M:%S}+00"


def old_visit(seed: int, visits: int, index: int) -> Visit:
    """A visit of 2014 or 2015, entered the same day."""
    left = numbers(seed, "visit", index)
    left, second = divmod(left, _LAST_SECOND - _FIRST_SECOND)
    left, delay = divmod(left, 6600)
    visited = datetime.fromtimestamp(_FIRST_SECOND + second, UTC)
    return _visit(seed, visits, index, left, visited, visited + timedelta(seconds=600 + delay))


def late_evening_visit(seed: int, visits: int, index: int, updated: datetime) -> Visit:
    """A visit that was entered at that time, some hours after it took place."""
    left, hours = divmod(numbers(seed, "visit", index), 4 * 3600)
    return _visit(seed, visits, index, left, updated - timedelta(seconds=3600 + hours), updated)


def _visit(
    seed: int, visits: int, index: int, left: int, visited: datetime, updated: datetime
) -> Visit:
    left, who = divmod(left, max(1, visits // VISITS_PER_PERSON))
    left, where = divmod(left, VISITED)
    left, what = divmod(left, len(_DIAGNOSES))
    cents = 1000 + left % 200_000
    patient = person(seed, who)
    return Visit(
        visit_id=visit_id(index),
        citizen_id=patient.citizen_id,
        patient_name=patient.name,
        phone=patient.phone,
        facility_id=facility_id(where + 1),
        visited_at=f"{visited:%Y-%m-%d %H:%M:%S}",
        diagnosis_code=_DIAGNOSES[what],
        sex=patient.sex,
        age_years=patient.age_on(visited.date()),
        cost_amount=f"{cents // 100}.{cents % 100:02d}",
        updated_at=moment(updated),
    )


def dearer(row: Visit, cents: int = 150) -> Visit:
    """The same visit at another price."""
    total = int(row.cost_amount.replace(".", "")) + cents
    return row._replace(cost_amount=f"{total // 100}.{total % 100:02d}")


def written(row: Visit, when: datetime) -> Visit:
    """The same visit as entered at another time."""
    return row._replace(updated_at=moment(when))


def earlier(row: Visit, seconds: int) -> Visit:
    """A version of the visit that was written before this one."""
    when = datetime.fromisoformat(row.updated_at) - timedelta(seconds=seconds)
    return written(dearer(row, -10), when)


SPOIL: dict[str, Callable[[Visit], Visit]] = {
    "required:visit_id": lambda row: row._replace(visit_id=None),
    "required:citizen_id": lambda row: row._replace(citizen_id=None),
    "type:visited_at": lambda row: row._replace(visited_at="2015-02-30 10:15:00"),
    "range:age_years": lambda row: row._replace(age_years=199),
    "range:cost_amount": lambda row: row._replace(cost_amount="-" + row.cost_amount),
    "code:sex": lambda row: row._replace(sex="X"),
    "reference:facility_id": lambda row: row._replace(facility_id="F9999"),
    "pattern:diagnosis_code": lambda row: row._replace(diagnosis_code="J6"),
}
"""How to break one rule of the contract, and no other."""
