"""Who lives where: counted once, household by household, without making a single resident."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import lru_cache

import h3

from demo.city import places
from demo.city.residents import HOUSEHOLDS, City

STAGES = ("kindergarten", "primary", "junior", "senior")
"""Kinds of school, in the order in which a child attends them."""
FIRST_AGE = (3, 6, 12, 15)
"""The age on 1 September from which on a child attends each."""
LAST_AGE = 17
CELL_RESOLUTION = 8
"""Of the city's grid: three quarters of a square kilometre."""
SCHOOL_YEARS = (2013, 2014, 2015)
"""Years in which the school years on record began."""


def stage(age: int) -> int | None:
    """Number of the kind of school for an age; None of those who attend none."""
    if not FIRST_AGE[0] <= age <= LAST_AGE:
        return None
    return sum(age >= first for first in FIRST_AGE) - 1


def school_age(born: date, year: int) -> int:
    """Completed years on the first day of a school year."""
    return year - born.year - ((born.month, born.day) > (9, 1))


@lru_cache(maxsize=4)
def residents_by_district(city: City) -> Counter[str]:
    """Residents of each district, by its code."""
    found: Counter[str] = Counter()
    left, number = city.residents, 0
    while left > 0:
        people = min(left, len(HOUSEHOLDS[number % len(HOUSEHOLDS)]))
        found[city.home(number).code] += people
        left -= people
        number += 1
    return found


PEOPLE = "people"
"""Everybody, whatever their age."""


@lru_cache(maxsize=2)
def by_cell(city: City) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """People and children of each stage, by cell of the grid and by district."""
    cells: Counter[tuple[str, str]] = Counter()
    districts: Counter[tuple[str, str]] = Counter()
    number, left = 0, city.residents
    while left > 0:
        household = city.household(number)
        cell = cell_of(household.spot)
        ages = [PEOPLE] * min(left, len(HOUSEHOLDS[number % len(HOUSEHOLDS)]))
        for group in (*ages, *_stages(city, number, len(ages))):
            cells[cell, group] += 1
            districts[household.spot.district.code, group] += 1
        left -= len(ages)
        number += 1
    return cells, districts


def cell_of(spot: places.Spot) -> str:
    """The cell of the city's grid in which a place lies."""
    return str(h3.latlng_to_cell(float(spot.latitude), float(spot.longitude), CELL_RESOLUTION))


def _stages(city: City, household: int, people: int) -> list[str]:
    """The stages that the children of a household attend."""
    births = city.births(household)[:people]
    attended = (stage(school_age(born, SCHOOL_YEARS[-1])) for born in births if born)
    return [STAGES[number] for number in attended if number is not None]


@lru_cache(maxsize=4)
def children_by_stage(city: City) -> Counter[tuple[str, int]]:
    """Children by district and kind of school, in the last school year on record."""
    found: Counter[tuple[str, int]] = Counter()
    for number in range(city.children):
        born, household = city.childhood(number)
        attends = stage(school_age(born, SCHOOL_YEARS[-1]))
        if attends is not None:
            found[city.home(household).code, attends] += 1
    return found
