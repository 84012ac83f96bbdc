"""The rows of ``marts.education_equity``: one statistic of one measure each, with its gap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from civiclake.applications.education.districts import carried
from civiclake.statistics.inequality import gini, theil
from civiclake.statistics.parity import Parity, parity, parity_of_means

_MALE, _FEMALE = "1", "2"
"""GB/T 2261.1, as the city writes sex."""
_DISTRICTS, _URBAN_RURAL, _SEXES = "districts", "rural to urban", "girls to boys"
_PER_CHILD = {
    "seats_per_child": "seats",
    "teachers_per_child": "teachers_fte",
    "spending_per_child_yuan": "spending_yuan",
}
TYPES: Mapping[str, str] = {
    "school_year": "integer",
    "kind": "string",
    "measure": "string",
    "statistic": "string",
    "groups": "string",
    "value": "number",
    "low": "number",
    "high": "number",
    "adjusted": "number",
    "is_fair": "boolean",
    "districts": "integer",
    "observations": "integer",
    "left_out": "integer",
    "gap": "string",
}


@dataclass(frozen=True)
class Told:
    """What equity is measured on."""

    years: Sequence[int]
    without_pseudonym: Mapping[int, int]
    """By year, pupils whose list does not tell who they are."""
    divisions: pd.DataFrame
    """``code``, ``former_code``, ``is_urban``."""
    supply: pd.DataFrame
    """Rows of ``marts.education_supply``."""
    schools: pd.DataFrame
    """Of the latest year: ``kind``, ``district_code``, ``enrolled``, ``teachers_fte``,
    ``classes``, ``spending_yuan``."""
    cells: pd.DataFrame
    """Rows of ``marts.education_access``."""
    children: pd.DataFrame
    """``school_year``, ``kind``, ``district_code``, ``sex``, ``children``, ``enrolled``."""


@dataclass(frozen=True)
class _Row:
    measure: str
    statistic: str
    groups: str
    value: float | None
    low: float | None = None
    high: float | None = None
    adjusted: float | None = None
    is_fair: bool | None = None
    observations: int = 0
    left_out: int = 0
    gap: str | None = None


def equity(told: Told, kinds: Sequence[str], near_minutes: float) -> pd.DataFrame:
    """Every statistic of every measure.

    Of the latest year: what a district's children have (``..._per_child``), what a school's pupils
    have (``..._per_pupil``, ``class_size``), and seats in reach by cell; of every year, who is
    enrolled. Districts, schools and cells are weighed by their children.

    Args:
        told: counts.
        kinds: of schools.
        near_minutes: the longest walk to a school that is near.

    Returns:
        The columns of :data:`TYPES`.
    """
    latest = max(told.years, default=0)
    children = _placed(told.children, told.divisions)
    found = []
    for kind in kinds:
        inhabited = told.supply[(told.supply["kind"] == kind) & (told.supply["children"] > 0)]
        districts = inhabited["school_year"].value_counts()
        for year in told.years:
            here = children[(children["kind"] == kind) & (children["school_year"] == year)]
            rows = [*_of_lists(here, told.without_pseudonym.get(year, 0))]
            if year == latest:
                rows += [*_of_districts(told, kind, latest), *_of_schools(told, kind)]
                rows += _of_cells(told.cells[told.cells["kind"] == kind], near_minutes)
            keys = {"school_year": year, "kind": kind, "districts": int(districts.get(year, 0))}
            found += [{**keys, **asdict(row)} for row in rows]
    return pd.DataFrame(found, columns=list(TYPES))


def _placed(rows: pd.DataFrame, divisions: pd.DataFrame) -> pd.DataFrame:
    today = carried(rows, divisions)
    urban = divisions.set_index("code")["is_urban"]
    return today.assign(is_urban=today["district_code"].map(urban))


def _of_districts(told: Told, kind: str, latest: int) -> Iterator[_Row]:
    here = told.supply[(told.supply["kind"] == kind) & (told.supply["school_year"] == latest)]
    for measure, part in _PER_CHILD.items():
        yield from _unequal(
            measure, here[measure], here["is_urban"], here["children"], _URBAN_RURAL
        )
        known = here[here[part].notna()]
        means = {u: _mean(known[known["is_urban"] == u], part) for u in (True, False)}
        found = parity_of_means(means[False], means[True])
        yield _parity_row(measure, _URBAN_RURAL, found, len(known), len(here) - len(known))


def _mean(rows: pd.DataFrame, part: str) -> float | None:
    children = float(rows["children"].sum())
    return float(rows[part].sum()) / children if children else None


def _of_schools(told: Told, kind: str) -> Iterator[_Row]:
    here = carried(told.schools[told.schools["kind"] == kind], told.divisions)
    pupils = here["enrolled"].fillna(0).astype(float)
    has = pupils.where(pupils > 0)
    per = {
        "class_size": pupils / here["classes"].astype(float).where(here["classes"] > 0),
        "teachers_per_pupil": here["teachers_fte"].astype(float) / has,
        "spending_per_pupil_yuan": here["spending_yuan"].astype(float) / has,
    }
    for measure, values in per.items():
        yield from _unequal(measure, values, here["district_code"], pupils, _DISTRICTS)


def _of_cells(here: pd.DataFrame, near_minutes: float) -> Iterator[_Row]:
    measure = "seats_in_reach_per_child"
    values, people = here["seats_per_child"], here["children"]
    yield from _unequal(measure, values, here["district_code"], people, _DISTRICTS)
    known = here[values.notna()]
    whole = known.assign(seats=known["seats_per_child"] * known["children"])
    means = {u: _mean(whole[whole["is_urban"] == u], "seats") for u in (True, False)}
    found = parity_of_means(means[False], means[True])
    yield _parity_row(measure, _URBAN_RURAL, found, len(known), len(here) - len(known))
    near = known.assign(near=known["children"].where(known["minutes_to_school"] <= near_minutes, 0))
    counts = {u: near[near["is_urban"] == u] for u in (True, False)}
    sums = [int(counts[u][name].sum()) for u in (False, True) for name in ("near", "children")]
    away = int(here["children"].sum() - sums[1] - sums[3])
    yield _parity_row("near_a_school", _URBAN_RURAL, parity(*sums), sums[1] + sums[3], away)


def _of_lists(here: pd.DataFrame, without_pseudonym: int) -> Iterator[_Row]:
    splits = {
        _URBAN_RURAL: (here["is_urban"] == False, here["is_urban"] == True),  # noqa: E712
        _SEXES: (here["sex"] == _FEMALE, here["sex"] == _MALE),
    }
    told = (
        f"pupils of the year whose list does not tell who they are: {without_pseudonym}; they count"
        " as not enrolled"
    )
    for groups, (worse, other) in splits.items():
        sums = [
            int(here.loc[some, name].sum())
            for some in (worse, other)
            for name in ("enrolled", "children")
        ]
        found = parity(*sums)
        gap = "; ".join(filter(None, [found.gap, told if without_pseudonym else None])) or None
        away = int(here["children"].sum()) - sums[1] - sums[3]
        yield _parity_row("enrolled", groups, found, sums[1] + sums[3], away, gap)


def _parity_row(
    measure: str, groups: str, found: Parity, count: int, left_out: int, gap: str | None = None
) -> _Row:
    no_interval = "a ratio of means has no interval" if found.index and found.low is None else None
    return _Row(
        measure,
        "parity",
        groups,
        found.index,
        found.low,
        found.high,
        found.adjusted,
        found.is_fair,
        count,
        left_out,
        gap or found.gap or no_interval,
    )


def _unequal(
    measure: str, values: pd.Series, groups: pd.Series, people: pd.Series, what: str
) -> Iterator[_Row]:
    """Gini and Theil over those whose value is known, weighed by people."""
    known = values.notna() & groups.notna() & people.notna()
    have, weights = values[known].astype(float), people[known].astype(float)
    named = groups[known].astype(str)
    whole = gini(have, weights)
    parts = theil(have, named, weights)
    there = have[weights > 0]
    same = "all have the same" if len(there) > 1 and there.nunique() == 1 else None
    gap = whole.gap or same
    count, left_out = len(have), int((~known).sum())
    for statistic, value in (
        ("gini", whole.value),
        ("theil", parts.total),
        ("theil_between", parts.between),
        ("theil_within", parts.within),
    ):
        yield _Row(measure, statistic, what, value, observations=count, left_out=left_out, gap=gap)
