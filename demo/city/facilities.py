"""The health department's register of facilities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from demo.city.people import numbers

COUNT = 40
VISITED = 38
"""The first so many receive visits; the last two don't, so that closing one harms none."""
_KINDS = ("hospital", "community", "township", "clinic", "emergency", "maternal")
_TITLES = ("Hospital", "Health Centre", "Township Centre", "Clinic", "Emergency", "Maternity")
_QUARTERS = ("North", "East", "South", "West", "Central", "Harbour", "Hill", "Lake")


@dataclass(frozen=True)
class Facility:
    """One row of the register."""

    facility_id: str
    name: str
    kind: str
    district_code: str
    beds: int
    latitude: str
    longitude: str
    opened_on: date


def facility_id(number: int) -> str:
    """Id of the facility of that number, from 1."""
    return f"F{number:04d}"


def register(seed: int, night: int) -> list[Facility]:
    """All licensed facilities on that night.

    Night 2 closes one, opens one and changes one; every later night changes one.
    """
    found = {n: _facility(seed, n) for n in range(1, COUNT + 1)}
    for later in range(2, night + 1):
        changed = 2 + later % VISITED
        found[changed] = replace(found[changed], beds=found[changed].beds + 5)
    if night >= 2:
        del found[COUNT]
        found[COUNT + 1] = _facility(seed, COUNT + 1)
    return list(found.values())


def ids(seed: int, night: int) -> frozenset[str]:
    """Ids of all licensed facilities on that night."""
    return frozenset(facility.facility_id for facility in register(seed, night))


def _facility(seed: int, number: int) -> Facility:
    left = numbers(seed, "facility", number)
    left, kind = divmod(left, len(_KINDS))
    left, beds = divmod(left, 800)
    left, north = divmod(left, 200_000)
    left, east = divmod(left, 200_000)
    left, days = divmod(left, 20_000)
    quarter = _QUARTERS[number % len(_QUARTERS)]
    return Facility(
        facility_id=facility_id(number),
        name=f"{quarter} {_TITLES[kind]} No. {number}",
        kind=_KINDS[kind],
        district_code=f"99010{number % 10}",
        beds=beds,
        latitude=f"{47.5 + north / 1_000_000:.6f}",
        longitude=f"{-122.4 + east / 1_000_000:.6f}",
        opened_on=date(1955, 1, 1) + timedelta(days=days),
    )
