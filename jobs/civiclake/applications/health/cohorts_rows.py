"""Cohorts by declaration: who enters, what he is exposed to, what may happen, until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from civiclake.errors import UserError
from civiclake.statistics.survival import hazards, survival

EXPOSED, OTHERS = "exposed", "others"
_WANTED = (
    "wanted is such as cohorts: {diabetes_metformin: {entry: {health.visits: [E11]}, exposure:"
    " {medical.prescriptions: [A10BA02]}, exposed_within_days: 90, outcome: {medical.admissions:"
    " [I21, I63]}, longest_days: 730}}"
)
CURVES: Mapping[str, str] = {
    "cohort": "string",
    "exposure": "string",
    "day": "integer",
    "at_risk": "integer",
    "events": "integer",
    "survival": "number",
    "lower": "number",
    "upper": "number",
    "persons": "integer",
    "total_events": "integer",
    "gap": "string",
}
RATIOS: Mapping[str, str] = {
    "cohort": "string",
    "term": "string",
    "hazard_ratio": "number",
    "lower": "number",
    "upper": "number",
    "coefficient": "number",
    "standard_error": "number",
    "p_value": "number",
    "persons": "integer",
    "events": "integer",
    "gap": "string",
}


@dataclass(frozen=True)
class Cohort:
    """One declaration; codes are beginnings of codes, by dataset."""

    name: str
    entry: Mapping[str, Sequence[str]]
    """The first such record is the first day."""
    exposure: Mapping[str, Sequence[str]]
    exposed_within_days: int
    """Of the entry; who has the outcome sooner, or is not followed for so long, is left out."""
    outcome: Mapping[str, Sequence[str]]
    longest_days: int
    """After the entry; then nobody is followed any more."""


def cohorts(parameters: Mapping[str, Any], datasets: Sequence[str]) -> list[Cohort]:
    """The cohorts that the parameters of a mart declare.

    Args:
        parameters: of the mart.
        datasets: that records may be of.

    Raises:
        UserError: there is none, or one cannot be meant.
    """
    given = parameters.get("cohorts")
    if not isinstance(given, Mapping) or not given:
        raise UserError(f"parameters: cohorts: {given!r} declares no cohort; {_WANTED}")
    return [_cohort(str(name), said, datasets) for name, said in given.items()]


def _cohort(name: str, said: Any, datasets: Sequence[str]) -> Cohort:
    at = f"parameters: cohorts: {name}"
    words = {"entry", "exposure", "exposed_within_days", "outcome", "longest_days"}
    if not isinstance(said, Mapping) or set(said) != words:
        raise UserError(f"{at}: {said!r} should have {', '.join(sorted(words))}; {_WANTED}")
    for word in ("entry", "exposure", "outcome"):
        _hold_codes(f"{at}: {word}", said[word], datasets)
    for word in ("exposed_within_days", "longest_days"):
        days = said[word]
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 36_600:
            raise UserError(f"{at}: {word}: {days!r}; 1 to 36600 days are allowed")
    if said["exposed_within_days"] >= said["longest_days"]:
        raise UserError(f"{at}: longest_days must be more than exposed_within_days")
    return Cohort(name=name, **said)


def _hold_codes(at: str, said: Any, datasets: Sequence[str]) -> None:
    if not isinstance(said, Mapping) or not said:
        raise UserError(f"{at}: {said!r} should name datasets and codes; {_WANTED}")
    for dataset, codes in said.items():
        if dataset not in datasets:
            raise UserError(f"{at}: {dataset!r}; one of {', '.join(datasets)} is allowed")
        if not isinstance(codes, list) or not all(isinstance(c, str) and c for c in codes):
            raise UserError(f"{at}: {dataset}: {codes!r}; a list of codes is allowed")


def followed(people: pd.DataFrame, cohort: Cohort) -> pd.DataFrame:
    """Who is followed, from the day on which it is known who is exposed (the landmark).

    Counting from there keeps those who had to live until they were exposed from looking better off
    (immortal time: J. Anderson et al., Journal of Clinical Oncology 1 (1983), pp. 710-719).

    Args:
        people: one row a member: ``outcome_day`` and ``exposed_day`` (days after the entry,
            missing if never), ``last_day`` (days until he is seen last), ``age_years``, ``sex``.
        cohort: the declaration.

    Returns:
        ``days`` from the landmark on, ``happened``, ``is_exposed``, ``age_years``, ``sex``.
    """
    ends = np.minimum(people["last_day"].astype(float), cohort.longest_days)
    outcome = people["outcome_day"].astype(float)
    happened = outcome.notna() & (outcome <= ends)
    days = outcome.where(happened, ends) - cohort.exposed_within_days
    exposed = people["exposed_day"].astype(float) <= cohort.exposed_within_days
    rows = people[["age_years", "sex"]].assign(days=days, happened=happened, is_exposed=exposed)
    return rows[rows["days"] > 0].reset_index(drop=True)


def curves(members: pd.DataFrame, cohort: Cohort, smallest_group: int) -> pd.DataFrame:
    """Survival without the outcome of the exposed and the others, from the landmark on.

    Returns:
        The columns of :data:`CURVES`; a group that is too small has one row and a gap.
    """
    parts = []
    for exposure, is_exposed in ((EXPOSED, True), (OTHERS, False)):
        here = members[members["is_exposed"] == is_exposed]
        keys = {"cohort": cohort.name, "exposure": exposure, "day": 0}
        if len(here) < smallest_group:
            gap = f"fewer than {smallest_group} persons: nothing is told"
            parts.append(pd.DataFrame([{**keys, "gap": gap}]))
            continue
        count = int(here["happened"].sum())
        start = {**keys, "at_risk": len(here), "events": 0, "survival": 1.0}
        table = survival(here["days"], here["happened"]).reset_index().drop(columns="error")
        both = pd.concat([pd.DataFrame([start]), table], ignore_index=True)
        parts.append(
            both.assign(
                cohort=cohort.name,
                exposure=exposure,
                persons=len(here),
                total_events=count,
                gap=None if count else "nothing has happened to anybody",
            )
        )
    return pd.concat(parts, ignore_index=True).reindex(columns=list(CURVES))


def ratios(members: pd.DataFrame, cohort: Cohort, smallest_group: int) -> pd.DataFrame:
    """Hazard ratios of exposure, a decade of age, and sex.

    Returns:
        The columns of :data:`RATIOS`; where there are none, one row a term and the reason.
    """
    known = members.dropna(subset=["age_years", "sex"])
    columns = {
        "is_exposed": known["is_exposed"].astype(float),
        "decade_of_age": known["age_years"].astype(float) / 10,
        "is_female": (known["sex"] == "2").astype(float),
    }
    groups = known.groupby("is_exposed").size().reindex([True, False], fill_value=0)
    told: dict[str, Any] = {"cohort": cohort.name}
    if groups.min() < smallest_group:
        gap = f"fewer than {smallest_group} persons are exposed, or not: nothing is told"
        rows = [{**told, "term": term, "gap": gap} for term in columns]
        return pd.DataFrame(rows).reindex(columns=list(RATIOS))
    found = hazards(known["days"], known["happened"], columns)
    told |= {"persons": found.count, "events": found.events}
    left_out = len(members) - len(known)
    unknown = f"left out without age or sex: {left_out}" if left_out else None
    z = float(stats.norm.ppf(0.975))
    rows = []
    for term in columns:
        row: dict[str, Any] = {**told, "term": term, "gap": found.gap or unknown}
        if term in found.coefficients:
            mean, error = found.coefficients[term], found.standard_errors[term]
            row |= {
                "hazard_ratio": np.exp(mean),
                "lower": np.exp(mean - z * error),
                "upper": np.exp(mean + z * error),
                "coefficient": mean,
                "standard_error": error,
                "p_value": found.p_values[term],
            }
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=list(RATIOS))
