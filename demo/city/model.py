"""The model of the whole city: every dataset's series, and what is known to be true of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from civiclake.contracts.model import History
from demo.city import clock, feeds, gtfs, places
from demo.city.deliveries import Deliveries
from demo.city.journal import Journal
from demo.city.register import Register
from demo.city.residents import City
from demo.city.table import Series
from demo.city.tables import (
    culture,
    education,
    employment,
    environment,
    finance,
    geography,
    health,
    medical,
    security,
    statistics,
    transport,
    weather,
)
from demo.city.tables.common import VISITED
from demo.city.truth import Expected, Truth


class Model:
    """One city's datasets.

    Args:
        city: the city.
    """

    def __init__(self, city: City) -> None:
        self.city = city

    @cached_property
    def series(self) -> dict[str, Series]:
        """Every generated dataset, by id."""
        found = [*_registers(self.city), *_journals(self.city), *_deliveries(self.city)]
        return {one.shape.id: one for one in found}

    def expected(self, night: int) -> dict[str, Expected]:
        """What every batch of a night must account for, when all nights before were loaded."""
        generated = {name: one.expected(night) for name, one in self.series.items()}
        return {**generated, **gtfs.expected(self.city, night), **feeds.expected(night)}

    def truth(self, night: int) -> Truth:
        """The same, as it is written beside the sources."""
        return Truth(
            night=night,
            seed=self.city.seed,
            residents=self.city.residents,
            logical_date=clock.logical_date(night),
            batch_id=clock.batch_id(night),
            datasets=self.expected(night),
        )

    def who_is_who(self, night: int) -> Iterator[tuple[str, str, int]]:
        """Dataset, key and resident of every record up to a night that is about somebody."""
        for name, one in self.series.items():
            if one.shape.who is not None:
                for index in range(one.items(night)):
                    yield name, one.shape.label.format(index), one.shape.who(self.city, index)

    def signals(self) -> dict[str, Any]:
        """What was put into the records for somebody to find."""
        return {
            **health.SIGNALS,
            **security.SIGNALS,
            "under_served": {"district_codes": list(places.UNDER_SERVED)},
        }


def _registers(city: City) -> Iterator[Register]:
    yield Register(health.FACILITY_REGISTER, city, keeps=True)
    yield Register(employment.EMPLOYERS, city, keeps=True, history=History.HISTORY)
    yield Register(employment.VACANCIES, city, unique=True)
    yield Register(medical.STAFF, city)
    yield Register(culture.VENUES, city, keeps=True)
    yield Register(education.SCHOOLS, city, keeps=True)
    yield Register(education.ENROLMENTS, city)
    yield Register(finance.BUDGET_LINES, city, grows=False)
    yield Register(statistics.ENTERPRISES, city, keeps=True)
    yield Register(statistics.POPULATION, city, grows=False, history=History.SNAPSHOT)
    yield Register(geography.DIVISIONS, city, grows=False)
    yield Register(geography.ROADS, city, grows=False)
    yield Register(geography.ROAD_SEGMENTS, city, grows=False)
    yield Register(geography.PARCELS, city)
    yield Register(environment.STATIONS, city, grows=False)


def _journals(city: City) -> Iterator[Journal]:
    yield Journal(health.VISITS, city)
    yield Journal(health.NOTIFIABLE_CASES, city, plain=health.plain_cases_a_night(city))
    yield Journal(health.VACCINATIONS, city)
    yield Journal(medical.ADMISSIONS, city)
    yield Journal(employment.CONTRACTS, city)
    yield Journal(employment.JOB_SEEKERS, city, unique=True)
    yield Journal(environment.PERMITS, city, unique=True)
    yield Journal(security.RESIDENTS, city)
    yield Journal(security.INCIDENTS, city)


def _deliveries(city: City) -> Iterator[Deliveries]:
    yield Deliveries(medical.BED_OCCUPANCY, city, per_file=VISITED)
    yield Deliveries(medical.PRESCRIPTIONS, city)
    yield Deliveries(culture.LOANS, city)
    yield Deliveries(culture.VISITORS, city, per_file=culture.VENUES_COUNT)
    yield Deliveries(finance.PAYMENTS, city, events=True)
    yield Deliveries(weather.HOURLY, city, per_file=weather.PER_DAY)
    yield Deliveries(weather.WARNINGS, city, per_file=weather.WARNINGS_PER_DAY)
    yield Deliveries(
        transport.VEHICLE_POSITIONS,
        city,
        events=True,
        per_file=transport.per_day,
        part=transport.PART,
    )
    yield Deliveries(environment.READINGS, city, per_file=environment.PER_DAY, stamp="published_at")
