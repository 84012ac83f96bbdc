"""The rows of ``marts.education_supply``, from counts by school and district."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from civiclake.applications.education.districts import CARRIED, UNKNOWN, carried, places
from civiclake.applications.education.kinds import MEASURES, Kind
from civiclake.applications.sentences import Sentence, gaps

_KEYS = ["school_year", "district_code", "kind"]
_SUPPLY = {
    "seats": "seats",
    "teachers_fte": "teachers",
    "classes": "classes",
    "spending_yuan": "spending",
}
"""What the register of schools tells of each, and how a sentence calls it."""
_PER_CHILD = dict(zip(MEASURES, ("seats", "teachers_fte", "spending_yuan"), strict=True))
TYPES: Mapping[str, str] = {
    "school_year": "integer",
    "district_code": "string",
    "kind": "string",
    "district_name": "string",
    "is_urban": "boolean",
    "former_code": "string",
    "children": "integer",
    "enrolled": "integer",
    "schools": "integer",
    "seats": "integer",
    "teachers_fte": "number",
    "classes": "integer",
    "spending_yuan": "number",
    "class_size": "number",
    "minutes_to_school_mean": "number",
    "children_cut_off": "integer",
    **dict.fromkeys(MEASURES, "number"),
    **{f"{measure}_floor": "number" for measure in MEASURES},
    **{f"is_below_{measure}_floor": "boolean" for measure in MEASURES},
    "gap": "string",
}


@dataclass(frozen=True)
class Told:
    """What supply is made of."""

    divisions: pd.DataFrame
    """``code``, ``name``, ``former_code``, ``is_urban``."""
    schools: pd.DataFrame
    """``school_id``, ``kind``, ``district_code``, ``seats``, ``teachers_fte``, ``classes``,
    ``spending_yuan``: today's."""
    enrolled: pd.DataFrame
    """``school_year``, ``school_id``, ``enrolled``."""
    children: pd.DataFrame
    """``school_year``, ``district_code``, ``kind``, ``children``."""
    ways: pd.DataFrame
    """Of the latest year, ``district_code``, ``kind``, ``children_with_way``, ``minutes`` (of all
    of them together) and ``children_cut_off``."""


def supply(told: Told, kinds: Sequence[Kind], years: Sequence[int]) -> pd.DataFrame:
    """One row for each district, kind and school year.

    The register of schools tells today's supply, which is that of the latest year; of others it is
    not known.

    Args:
        told: counts by school and district.
        kinds: with the city's floors.
        years: in which school years begin.

    Returns:
        The columns of :data:`TYPES`.
    """
    schools = carried(told.schools, told.divisions)
    children = carried(told.children, told.divisions)
    here = places(told.divisions, schools, children)
    grid = here.merge(pd.DataFrame({"school_year": list(years)}), how="cross").merge(
        pd.DataFrame({"kind": [kind.name for kind in kinds]}), how="cross"
    )
    counted = children.groupby(_KEYS, as_index=False).agg(
        children=("children", "sum"), carried_children=("is_carried", "sum")
    )
    rows = grid.merge(counted, how="left", on=_KEYS)
    rows = rows.merge(_enrolled(told.enrolled, schools), how="left", on=_KEYS)
    rows = rows.merge(_of_today(schools), how="left", on=["district_code", "kind"])
    rows = rows.merge(told.ways, how="left", on=["district_code", "kind"])
    figures = _figures(rows, kinds, max(years, default=0))
    return figures.sort_values(_KEYS, ignore_index=True)


def _enrolled(enrolled: pd.DataFrame, schools: pd.DataFrame) -> pd.DataFrame:
    placed = enrolled.merge(schools[["school_id", "district_code", "kind"]], on="school_id")
    return placed.groupby(_KEYS, as_index=False).agg(enrolled=("enrolled", "sum"))


def _of_today(schools: pd.DataFrame) -> pd.DataFrame:
    """Sums by district and kind; one that a school does not tell is not known of the district."""
    by = schools.groupby(["district_code", "kind"])
    sums = {
        name: by[name].sum(min_count=1).where(by[name].count() == by.size()) for name in _SUPPLY
    }
    return pd.DataFrame(
        {"schools": by.size(), "carried_schools": by["is_carried"].sum(), **sums}
    ).reset_index()


def _figures(rows: pd.DataFrame, kinds: Sequence[Kind], latest: int) -> pd.DataFrame:
    counts = ["children", "enrolled", "schools", "carried_children", "carried_schools"]
    rows = rows.assign(**{name: rows[name].fillna(0) for name in counts})
    is_told = rows["school_year"] == latest
    without = is_told & (rows["schools"] == 0)
    for name in _SUPPLY:
        rows[name] = rows[name].astype(float).mask(without, 0.0).where(is_told)
    rows["minutes_to_school_mean"] = _ratio(rows["minutes"], rows["children_with_way"]).where(
        is_told
    )
    rows["children_cut_off"] = rows["children_cut_off"].fillna(0).where(is_told)
    rows["class_size"] = _ratio(rows["enrolled"], rows["classes"])
    for measure, name in _PER_CHILD.items():
        rows[measure] = _ratio(rows[name], rows["children"])
        rows[f"{measure}_floor"] = rows["kind"].map({k.name: k.floors.get(measure) for k in kinds})
        rows[f"is_below_{measure}_floor"] = _is_below(rows[measure], rows[f"{measure}_floor"])
    rows["gap"] = gaps(rows, _sentences(is_told, latest))
    return rows


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    """NaN, which becomes a null, where there is nothing to divide by."""
    return part.astype(float) / whole.astype(float).replace(0.0, np.nan)


def _is_below(value: pd.Series, floor: pd.Series) -> pd.Series:
    least = floor.astype(float)
    return (value < least).astype("boolean").where(value.notna() & least.notna())


def _sentences(is_told: pd.Series, latest: int) -> list[Sentence]:
    def told_by(name: str) -> Sentence:
        return (
            lambda rows: is_told & (rows["schools"] > 0) & rows[name].isna(),
            f"a school tells no {_SUPPLY[name]}",
        )

    return [
        (
            lambda rows: ~is_told,
            f"seats, teachers, classes, spending and ways are known for {latest} only",
        ),
        (lambda rows: rows["district_name"].isna(), UNKNOWN),
        (lambda rows: (rows["carried_children"] + rows["carried_schools"]) > 0, CARRIED),
        (
            lambda rows: rows["children"] == 0,
            "no child of this age is registered: nothing per child",
        ),
        (lambda rows: is_told & (rows["schools"] == 0), "no school of this kind: no class size"),
        (lambda rows: is_told & (rows["schools"] == 1), "one school only"),
        (
            lambda rows: is_told & (rows["children"] > 0) & rows["minutes_to_school_mean"].isna(),
            "no way to a school of this kind is known: no minutes",
        ),
        *(told_by(name) for name in _SUPPLY),
        (
            lambda rows: is_told & (rows["schools"] > 0) & (rows["seats"] == 0),
            "its schools have no seats",
        ),
    ]
