"""Statistics: population by division, sex and age, and the enterprises of a year."""

from __future__ import annotations

from demo.city.chance import Draw
from demo.city.places import DISTRICTS
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import money
from demo.city.tables.employment import (
    employer_code,
    employer_count,
    employer_industry,
    employer_name,
)

YEARS = (2008, 2010, 2012, 2014)
"""The first two were counted under the divisions of their time."""
_BANDS = ("0-14", "15-29", "30-44", "45-59", "60-74", "75+")
_SEXES = ("男", "女")


def _population(city: City, index: int, changes: int) -> Row:
    left, band = divmod(index, len(_BANDS))
    left, sex = divmod(left, len(_SEXES))
    year, place = divmod(left, len(DISTRICTS))
    district = DISTRICTS[place]
    chance = Draw(city.seed, "population", index)
    old = YEARS[year] < 2011 and district.former_code
    return (
        YEARS[year],
        old or district.code,
        _SEXES[sex],
        _BANDS[band],
        district.weight * chance.between(300, 500) + changes,
    )


POPULATION = Shape(
    id="statistics.population",
    columns=("year", "district_code", "sex", "age_band", "persons"),
    key=("year", "district_code", "sex", "age_band"),
    make=_population,
    count=lambda city: len(YEARS) * len(DISTRICTS) * len(_SEXES) * len(_BANDS),
    defects=(
        Defect("range:persons", "persons", -5),
        Defect("type:persons", "persons", "约三万"),
    ),
)


def _enterprise(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "enterprise", index)
    return (
        employer_code(city, index),
        employer_name(city.seed, index),
        employer_industry(city.seed, index),
        chance.between(1, 400) + changes,
        money(chance.between(1_000_000, 90_000_000_00)),
    )


ENTERPRISES = Shape(
    id="statistics.enterprises",
    columns=("credit_code", "name", "industry_section", "employees", "turnover_amount"),
    key=("credit_code",),
    make=_enterprise,
    count=employer_count,
    defects=(
        Defect("code:industry_section", "industry_section", "?"),
        Defect("range:employees", "employees", -9),
        Defect("length:name", "name", "厂" * 250),
    ),
)
