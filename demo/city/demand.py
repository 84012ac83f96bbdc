"""Who lives where: counted once, household by household, without making a single resident."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import lru_cache

from demo.city.residents import HOUSEHOLDS, City

STAGES = ("kindergarten", "primary", "junior", "senior")
"""Kinds of school, in the order in which a child attends them."""
FIRST_AGE = (3, 6, 12, 15)
"""The age on 1 September from which on a child attends each."""
LAST_AGE = 17
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
