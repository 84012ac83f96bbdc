"""The truth that the applications must find, worked out from the model, never from the lake.

It is of the first night: what its sources hold and the lake serves then. Ways are those of
:mod:`demo.city.travel`, and a plan's best sites are found by trying all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any

from demo.city import best_sites, demand, gtfs, lines, outbreak, places, pupils, runs
from demo.city.deliveries import PAST
from demo.city.demand import PEOPLE, STAGES
from demo.city.hot_places import hot_places
from demo.city.journal import Journal
from demo.city.model import Model
from demo.city.register import Register
from demo.city.table import OLDER, TWICE

CLINICS = ("community", "township", "clinic")
NAMED_UP_TO = 50_000
"""Residents of the largest city whose learners are listed one by one."""
Row = dict[str, Any]


def answers(model: Model) -> dict[str, Any]:
    """What is true of the first night, as it is written beside the sources."""
    own = _Served(model)
    return {
        "transit": transit(model),
        "education": {**_education(own), **learners(model)},
        "health": {
            **_capacity(own, {"beds": own.facilities, "clinic_beds": own.clinics}, "beds"),
            "outbreak": outbreak.outbreak(model),
        },
        "culture": _capacity(own, {"seats": own.libraries}, "seats"),
        "safety": hot_places(model),
        **_sites(own),
    }


def _sites(own: _Served) -> dict[str, Any]:
    """Who is too far from what there is, and where more of it should stand."""
    cells, plans = {}, []
    for kind, key in (("school", "school_id"), ("clinic", "facility_id"), ("library", "venue_id")):
        existing = [
            best_sites.Site(row[key], float(row["latitude"]), float(row["longitude"]))
            for row in own.sites(kind)
        ]
        asked = best_sites.Asked(own.seed, kind, own.people(kind), existing)
        cells[kind] = asked.far_cells()
        plans += asked.plans()
    return {"cells": cells, "plans": plans}


class _Served:
    """What the lake serves of the first night, as far as the applications need it."""

    def __init__(self, model: Model) -> None:
        self.city = model.city
        self.seed = model.city.seed
        self.schools = list(_rows(model, "education.schools"))
        self.facilities = list(_rows(model, "health.facilities"))
        self.clinics = [row for row in self.facilities if row["kind"] in CLINICS]
        venues = _rows(model, "culture.venues")
        self.libraries = [row for row in venues if row["kind"] == "library"]
        cells, districts = demand.by_cell(model.city)
        self.cells, self.districts = Counter(cells), Counter(districts)
        for index in _set_aside(model):
            one = model.city.resident(index)
            groups = [PEOPLE]
            attends = demand.stage(demand.school_age(one.born, demand.SCHOOL_YEARS[-1]))
            if one.kind == "child" and attends is not None:
                groups.append(STAGES[attends])
            for group in groups:
                self.cells[demand.cell_of(one.household.spot), group] -= 1
                self.districts[one.district.code, group] -= 1

    def sites(self, kind: str) -> list[Row]:
        """What there is of a kind already; of schools those for children of six to eleven."""
        if kind == "school":
            return [row for row in self.schools if row["kind"] == "primary"]
        return {"clinic": self.clinics, "library": self.libraries}[kind]

    def people(self, kind: str) -> dict[str, int]:
        """Who needs it, by cell."""
        group = "primary" if kind == "school" else PEOPLE
        return {
            cell: count
            for (cell, of), count in sorted(self.cells.items())
            if of == group and count > 0
        }


def _rows(model: Model, name: str) -> Iterator[Row]:
    series = model.series[name]
    assert isinstance(series, Register) and not series.shape.hidden
    for kept in series.kept(1):
        yield dict(zip(series.shape.columns, kept.row, strict=True))


def _set_aside(model: Model) -> Iterator[int]:
    """Residents whose only entry in the register does not reach the lake."""
    series = model.series["public_security.residents"]
    assert isinstance(series, Journal)
    yield from (index for index, kind in series.special.items() if kind not in (TWICE, OLDER))


def transit(model: Model) -> dict[str, Any]:
    """What is wrong on which line, and where from."""
    city = model.city
    days = [runs.FIRST_DAY + timedelta(days=n) for n in range(PAST)]
    ran = {f"{day}": runs.runs(city, day) for day in days}
    return {
        "timezone": gtfs.TIMEZONE,
        "late_lines": [runs.LATE, runs.SLOWED],
        "late_from": {runs.SLOWED: _calls_at(city.seed, runs.SLOWED)},
        "bunched": {runs.BUNCHED: _calls_at(city.seed, runs.BUNCHED)},
        "missed": {f"{day}": [trip.id for trip in runs.missed(city, day)] for day in days},
        "unscheduled": {
            day: [run.trip_id for run in there if not run.is_planned] for day, there in ran.items()
        },
        "without_trip_id": {
            day: [[run.trip_id, run.vehicle] for run in there if not run.is_named]
            for day, there in ran.items()
        },
        "off_shape": {day: sum(run.strays for run in there) for day, there in ran.items()},
    }


def _calls_at(seed: int, line: str) -> dict[str, list[object]]:
    """By direction: stop and its place in the trip from which on it shows."""
    at = runs.SPOILT_FROM[line]
    mine = [course for course in lines.courses(seed) if course.line.id == line]
    return {str(course.direction): [course.stops[at].id, at + 1] for course in mine}


def _education(own: _Served) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for district in places.DISTRICTS:
        there = [row for row in own.schools if row["district_code"] == district.code]
        children = {stage: own.districts[district.code, stage] for stage in STAGES}
        found[district.code] = {
            "is_urban": district.code in places.URBAN,
            "children": sum(children.values()),
            "seats": sum(row["places"] for row in there),
            "teachers_fte": float(sum(row["teachers_fte"] for row in there)),
            "spending_yuan": float(sum(row["spending_yuan"] for row in there)),
            "children_by_kind": children,
            "seats_by_kind": {
                stage: sum(row["places"] for row in there if row["kind"] == stage)
                for stage in STAGES
            },
        }
    return {"by_district": found, "lowest": _lowest(found, "seats", "children")}


def _capacity(own: _Served, kinds: Mapping[str, list[Row]], total: str) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for district in places.DISTRICTS:
        found[district.code] = {"residents": own.districts[district.code, PEOPLE]}
        for kind, rows in kinds.items():
            found[district.code][kind] = sum(
                row[total] for row in rows if row["district_code"] == district.code
            )
    return {"by_district": found, "lowest": _lowest(found, total, "residents")}


def _lowest(by_district: Mapping[str, Mapping[str, Any]], of: str, each: str) -> list[str]:
    """The three districts with the least for one of those who need it, the lowest first."""
    ratios = {code: row[of] / row[each] for code, row in by_district.items() if row[each]}
    return sorted(ratios, key=lambda code: ratios[code])[: len(places.UNDER_SERVED)]


def learners(model: Model) -> dict[str, Any]:
    """Who left school too early and who changed it, from one school year to the next."""
    city, series = model.city, model.series["education.enrolments"]
    assert isinstance(series, Register)
    gone = {index for index, kind in series.special.items() if kind != TWICE}
    there = (
        (pupils.attendance(city, index), index)
        for index in range(pupils.count(city))
        if index not in gone
    )
    left: list[tuple[str, str]] = []
    changed: list[tuple[str, str, str]] = []
    for child, held in groupby(there, key=lambda pair: pair[0].child):
        years = {one.year: (one.school, f"U{index:08d}") for one, index in held}
        born, household = city.childhood(child)
        home = city.home(household).code
        for year in demand.SCHOOL_YEARS[:-1]:
            if year not in years:
                continue
            school, key = years[year]
            after = years.get(year + 1)
            first, last = pupils.OBLIGATION
            if after is None and not any(later in years for later in range(year + 2, 2016)):
                if first <= demand.school_age(born, year + 1) <= last:
                    left.append((home, key))
            elif after is not None and school != after[0] and school % 4 == after[0] % 4:
                changed.append((home, key, after[1]))
    listed = city.residents <= NAMED_UP_TO
    return {
        "obligation_ages": list(pupils.OBLIGATION),
        "leavers_by_district": dict(sorted(Counter(one[0] for one in left).items())),
        "changers_by_district": dict(sorted(Counter(one[0] for one in changed).items())),
        "leavers": [key for _, key in left] if listed else None,
        "changers": [list(one[1:]) for one in changed] if listed else None,
    }
