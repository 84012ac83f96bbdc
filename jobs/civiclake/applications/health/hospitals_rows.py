"""The rows of ``marts.hospital_outcomes``: each hospital beside what its patients let expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from civiclake.errors import UserError
from civiclake.statistics.funnel import funnel, standard

STAY, READMISSION = "days_of_stay", "readmission"
TYPES: Mapping[str, str] = {
    "facility_id": "string",
    "measure": "string",
    "district_code": "string",
    "cases": "integer",
    "left_out": "integer",
    "observed": "number",
    "expected": "number",
    "ratio": "number",
    "lower": "number",
    "upper": "number",
    "adjusted_lower": "number",
    "adjusted_upper": "number",
    "is_outside": "boolean",
    "is_outside_adjusted": "boolean",
    "dispersion": "number",
    "occupied_share": "number",
    "gap": "string",
}
_FUNNEL = (
    "observed", "expected", "ratio", "lower", "upper", "adjusted_lower", "adjusted_upper",
)  # fmt: skip
_LARGEST_AGE_YEARS = 120


@dataclass(frozen=True)
class Asked:
    """What is compared."""

    days: int
    """Of discharges, up to the last that has been followed."""
    followed_days: int
    """Within which a readmission counts."""
    least_cases: int


def asked(parameters: Mapping[str, Any]) -> Asked:
    """What the parameters of a mart say.

    Raises:
        UserError: one is missing or is none.
    """
    found = {}
    bounds = {"days": (30, 3660), "followed_days": (1, 365), "least_cases": (30, 100_000)}
    for name, (low, high) in bounds.items():
        said = parameters.get(name)
        if isinstance(said, bool) or not isinstance(said, int) or not low <= said <= high:
            raise UserError(f"parameters: {name}: {said!r}; {low} to {high} is allowed")
        found[name] = said
    return Asked(**found)


def outcomes(stays: pd.DataFrame, hospitals: pd.DataFrame, want: Asked) -> pd.DataFrame:
    """Two measures of every hospital.

    Args:
        stays: ``facility_id``, ``days``, ``age_years``, ``sex``, ``chapter`` (of the diagnosis),
            ``is_readmitted`` (missing where nobody knows who it was).
        hospitals: ``facility_id``, ``district_code``, ``occupied_share``; all that are to have
            rows.
        want: what is compared.

    Returns:
        The columns of :data:`TYPES`.
    """
    sound = stays["age_years"].between(0, _LARGEST_AGE_YEARS) & (stays["days"] >= 0)
    parts = [
        _measure(stays, hospitals, STAY, sound, stays["days"], want),
        _measure(
            stays,
            hospitals,
            READMISSION,
            sound & stays["is_readmitted"].notna(),
            stays["is_readmitted"],
            want,
        ),
    ]
    return pd.concat(parts, ignore_index=True)


def _measure(
    stays: pd.DataFrame,
    hospitals: pd.DataFrame,
    measure: str,
    known: pd.Series,
    values: pd.Series,
    want: Asked,
) -> pd.DataFrame:
    here = stays[known]
    away = stays[~known].groupby("facility_id").size()
    rows = hospitals.set_index("facility_id")
    rows = rows.assign(
        measure=measure, left_out=away.reindex(rows.index).fillna(0), cases=0, dispersion=np.nan
    )
    told = None
    if len(here):
        y = values[known].astype(float)
        expected = standard(y, _explaining(here), is_share=measure == READMISSION)
        found = funnel(here["facility_id"], y, expected.expected, least_cases=want.least_cases)
        table = found.providers.reindex(rows.index)
        rows = rows.assign(
            **{name: table[name] for name in _FUNNEL},
            cases=table["cases"].fillna(0),
            dispersion=found.dispersion,
            is_outside=_flags(table, "is_outside"),
            is_outside_adjusted=_flags(table, "is_outside_adjusted"),
            gap=table["gap"].astype(object),
        )
        told = expected.gap
    rows = rows.reindex(columns=[name for name in TYPES if name != "facility_id"])
    none = rows["cases"] == 0
    gap = rows["gap"].astype(object).where(~none, "no case with all that it takes")
    if told:
        gap = gap.map(lambda said: told if said is None or said is np.nan else f"{said}; {told}")
    return rows.assign(gap=gap.where(gap.notna(), None)).reset_index()


def _flags(table: pd.DataFrame, name: str) -> pd.Series:
    """Whether it is outside; missing where there is no figure."""
    return table[name].astype("boolean").where(table["ratio"].notna())


def _explaining(stays: pd.DataFrame) -> dict[str, pd.Series]:
    """What patients bring with them: age (and its square), sex, and the chapter of the diagnosis.

    Never the hospital, and nothing that it decides.
    """
    decades = stays["age_years"].astype(float) / 10
    first = stays["chapter"].value_counts().idxmax()
    chapters = {
        f"chapter {name}": (stays["chapter"] == name).astype(float)
        for name in sorted(set(stays["chapter"]) - {first})
    }
    is_female = (stays["sex"] == "2").astype(float)
    return {"decades": decades, "decades_squared": decades**2, "is_female": is_female, **chapters}
