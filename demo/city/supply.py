"""What the city offers its people, and where: enough in most divisions, too little in three.

Schools, facilities and libraries are dealt out to the divisions, and what they can take follows
the people who live there, in the middle of the town. In the under-served divisions it is far
less, in the order in which they are named, and all of it stands in one corner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil, floor

from demo.city import demand, places
from demo.city.chance import Draw
from demo.city.places import DISTRICTS, UNDER_SERVED
from demo.city.register import sound
from demo.city.residents import City

_SHARE = dict(zip(UNDER_SERVED, (0.45, 0.60, 0.75), strict=True))
"""What an under-served division has of what it needs."""
LEAST = 1.0
"""What every other division has at least."""


def school_count(city: City) -> int:
    """Schools of the city on the first night."""
    return max(80, city.residents // 400)


def dealt(city: City, kind: str, number: int, each: int, *, extra: bool = False) -> places.District:
    """The district that a public place is dealt to.

    Args:
        city: whose.
        kind: what it is.
        number: of the place, from 0, among those of its kind.
        each: how often each division gets one before chance decides.
        extra: whether it is one of those that only come where the city is served well.
    """
    if not extra and number < len(DISTRICTS) * each:
        return DISTRICTS[number % len(DISTRICTS)]
    chance = Draw(city.seed, kind, "district", number)
    while True:
        found = places.home_district(chance)
        if found.code not in UNDER_SERVED:
            return found
        if not extra and chance.happens(40):
            return found
        chance = Draw(city.seed, kind, "district", number, chance.below(1 << 30))


def stand(city: City, kind: str, number: int, district: places.District) -> places.Spot:
    """Where a public place stands that was dealt to a district."""
    chance = Draw(city.seed, kind, "place", number)
    return places.spot(chance, district, "corner" if district.code in UNDER_SERVED else "middle")


def offered(people: Mapping[str, int], for_each: float) -> dict[str, int]:
    """What each division has of something, by its code, so that the under-served are the last.

    Args:
        people: who needs it, by division.
        for_each: how much of it one of them needs.
    """
    found = {}
    for number, district in enumerate(DISTRICTS):
        needed = people.get(district.code, 0) * for_each
        if district.code not in UNDER_SERVED:
            found[district.code] = max(1, ceil(needed * (LEAST + number * 7 % 11 * 0.03)))
    before = 0.0
    for code in UNDER_SERVED:
        needed = people.get(code, 0) * for_each
        amount = floor(needed * _SHARE[code])
        # Small towns: rounding must not turn the order around.
        while needed and amount / needed <= before and amount / needed < LEAST:
            amount += 1
        found[code] = amount
        before = amount / needed if needed else before
    return found


def split(amount: int, parts: int, part: int) -> int:
    """One part of an amount that several share as equally as they can."""
    return amount // parts + (part < amount % parts)


@lru_cache(maxsize=4)
def schools(city: City) -> dict[tuple[str, int], tuple[int, ...]]:
    """Numbers of the schools that every year finds there, by district and stage."""
    found: dict[tuple[str, int], list[int]] = {}
    for number in range(sound(school_count(city))):
        where = school_district(city, number)
        found.setdefault((where.code, number % len(demand.STAGES)), []).append(number)
    return {key: tuple(numbers) for key, numbers in found.items()}


def school_district(city: City, number: int) -> places.District:
    """The district of a school."""
    group = number // len(demand.STAGES)
    extra = number >= sound(school_count(city))
    return dealt(city, "school", number if extra else group, 1, extra=extra)


@lru_cache(maxsize=4)
def seats(city: City) -> dict[tuple[str, int], int]:
    """Seats of those schools together, by district and stage."""
    children = demand.children_by_stage(city)
    stages = range(len(demand.STAGES))
    everybody = {d.code: sum(children[d.code, s] for s in stages) for d in DISTRICTS}
    found = {}
    for code, amount in offered(everybody, 1.0).items():
        by_stage = [children[code, s] for s in stages]
        for attends, part in enumerate(apportioned(amount, by_stage)):
            found[code, attends] = part
    return found


def apportioned(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount in whole parts, as near to the weights as they come (largest remainders)."""
    total = sum(weights) or 1
    parts = [amount * weight // total for weight in weights]
    by_rest = sorted(range(len(weights)), key=lambda n: -(amount * weights[n] % total))
    for n in by_rest[: amount - sum(parts)]:
        parts[n] += 1
    return parts


def school_seats(city: City, number: int) -> int:
    """Seats of a school; one of those that may come and go has a few beside the others'."""
    stage = number % len(demand.STAGES)
    code = school_district(city, number).code
    there = schools(city)[code, stage]
    if number in there:
        return split(seats(city)[code, stage], len(there), there.index(number))
    return max(1, seats(city)[code, stage] // (4 * len(there)))


PRIMARY, HOSPITALS = range(len(DISTRICTS)), range(len(DISTRICTS), 2 * len(DISTRICTS))
"""Health facilities, from 0, of which each division has one: for every day, and a hospital."""


def facility_district(city: City, number: int) -> places.District:
    """The district of a health facility, from 0."""
    return dealt(city, "facility", number, 2, extra=number >= HOSPITALS.stop)


@lru_cache(maxsize=4)
def _beds(city: City) -> dict[str, list[int]]:
    """Beds by district: of the facility for every day, and of the hospital."""
    # Few people would need less than a bed: a small city has more for each.
    for_each = max(0.008, min(0.3, 600 / city.residents))
    people = demand.residents_by_district(city)
    return {code: apportioned(beds, (3, 7)) for code, beds in offered(people, for_each).items()}


def facility_beds(city: City, number: int) -> int:
    """Beds of a health facility, from 0."""
    primary, hospital = _beds(city)[facility_district(city, number).code]
    if number in PRIMARY:
        return primary
    return hospital if number in HOSPITALS else max(1, hospital // 4)


def library_district(city: City, number: int) -> places.District:
    """The district of a library, from 0."""
    return dealt(city, "library", number, 1, extra=number >= len(DISTRICTS))


@lru_cache(maxsize=4)
def _reading_seats(city: City) -> dict[str, int]:
    for_each = max(0.005, min(0.25, 500 / city.residents))
    return offered(demand.residents_by_district(city), for_each)


def library_seats(city: City, number: int) -> int:
    """Seats of a library, from 0."""
    amount = _reading_seats(city)[library_district(city, number).code]
    return amount if number < len(DISTRICTS) else max(1, amount // 4)
