"""Who attended which school in which year: stays, leaves and changes, pupil by pupil."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from demo.city import supply
from demo.city.chance import Draw
from demo.city.demand import SCHOOL_YEARS, STAGES, school_age, stage
from demo.city.register import sound
from demo.city.residents import City

LEAVING_DISTRICT = "530125"
"""Where children leave school early more often than elsewhere."""
_LEAVE_PERCENT, _LEAVE_THERE_PERCENT = 3, 45
_CHANGE_PERCENT = 5
OBLIGATION = (7, 14)
"""Ages at which nobody may leave school, both included."""
_YEARS = len(SCHOOL_YEARS)


@dataclass(frozen=True, slots=True)
class Attendance:
    """One child in one school year."""

    child: int
    """Number of the child, from 0."""
    year: int
    school: int


@lru_cache(maxsize=4)
def _attendances(city: City) -> array[int]:
    """Child and year of each attendance, as one number."""
    return array("L", _all(city))


def _all(city: City) -> Iterator[int]:
    for child in range(city.children):
        born, household = city.childhood(child)
        leaves = leaves_before(city, child, household)
        for place, year in enumerate(SCHOOL_YEARS):
            age = school_age(born, year)
            gone = year >= leaves and OBLIGATION[0] <= age
            if stage(age) is not None and not gone:
                yield child * _YEARS + place


def leaves_before(city: City, child: int, household: int) -> int:
    """The school year that a child does not begin any more, if it is of an age to leave."""
    chance = Draw(city.seed, "leaves school", child)
    there = city.home(household).code == LEAVING_DISTRICT
    if not chance.happens(_LEAVE_THERE_PERCENT if there else _LEAVE_PERCENT):
        return SCHOOL_YEARS[-1] + 1
    return SCHOOL_YEARS[chance.between(1, _YEARS - 1)]


def count(city: City) -> int:
    """Attendances up to the first night."""
    return len(_attendances(city))


def attendance(city: City, index: int) -> Attendance:
    """An attendance of those; beyond them somebody changes school within the last year."""
    known = _attendances(city)
    child, place = divmod(known[index % len(known)], _YEARS)
    born, household = city.childhood(child)
    moves = index >= len(known)
    year = SCHOOL_YEARS[-1] if moves else SCHOOL_YEARS[place]
    attends = stage(school_age(born, year))
    return Attendance(child, year, _school(city, child, household, attends or 0, year, moves=moves))


def _school(city: City, child: int, household: int, attends: int, year: int, *, moves: bool) -> int:
    """Number of the school: one of the own district, another one from some year on."""
    near = supply.schools(city)[city.home(household).code, attends]
    school = Draw(city.seed, "school of", child, attends).one_of(near)
    chance = Draw(city.seed, "changes school", child)
    changes = chance.happens(_CHANGE_PERCENT) and year >= chance.between(*SCHOOL_YEARS[1:])
    return _another(city, child, attends, school) if changes != moves else school


def _another(city: City, child: int, attends: int, school: int) -> int:
    """Some other school of the same kind."""
    chance = Draw(city.seed, "another school", child, attends)
    stages = len(STAGES)
    there = chance.below(sound(supply.school_count(city)) // stages - 1)
    return (there + (there >= school // stages)) * stages + attends
