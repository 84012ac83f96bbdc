"""What becomes of people over years: ``marts.cohort_survival`` and ``marts.cohort_hazards``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.applications.collected import collected, spread
from civiclake.applications.health import cohorts_rows
from civiclake.applications.health.cohorts_rows import Cohort, cohorts, followed
from civiclake.errors import UserError

_RECORDS: Mapping[str, tuple[str, str, str]] = {
    "health.visits": ("visit_id", "to_date(visited_at)", "diagnosis_code"),
    "medical.admissions": ("admission_id", "admitted_on", "diagnosis_code"),
    "medical.prescriptions": ("prescription_id", "prescribed_on", "drug_code"),
}
"""By dataset: the key by which a record is linked, its day and its code."""
_LINKS, _PEOPLE = "links.person_link", "public_security.residents"
_Rows = Callable[[pd.DataFrame, Cohort, int], pd.DataFrame]


def curves(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Survival of each cohort, the exposed beside the others.

    Args:
        inputs: ``health.visits``, ``medical.admissions``, ``medical.prescriptions``,
            ``public_security.residents``, ``links.person_link``.
        parameters: ``cohorts`` as :func:`~civiclake.applications.health.cohorts_rows.cohorts`
            reads them, and ``smallest_group``.

    Raises:
        UserError: a declaration cannot be meant, or there is no record at all.
    """
    return _rows(inputs, parameters, cohorts_rows.curves, cohorts_rows.CURVES)


def ratios(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Hazard ratios of each cohort; as :func:`curves`."""
    return _rows(inputs, parameters, cohorts_rows.ratios, cohorts_rows.RATIOS)


def _rows(
    inputs: Mapping[str, DataFrame],
    parameters: Mapping[str, Any],
    rows: _Rows,
    types: Mapping[str, str],
) -> DataFrame:
    declared = cohorts(parameters, list(_RECORDS))
    smallest = parameters.get("smallest_group")
    if isinstance(smallest, bool) or not isinstance(smallest, int) or smallest < 1:
        raise UserError(
            f"parameters: smallest_group: {smallest!r}; a whole number from 1 on is allowed"
        )
    links = inputs[_LINKS]
    events = {name: _events(inputs[name], links, name) for name in _RECORDS}
    ends = _last_day(list(events.values()))
    about = _about(inputs[_PEOPLE], links)
    parts = []
    for cohort in declared:
        people = collected(_members(events, about, cohort, ends), f"members of {cohort.name}")
        parts.append(rows(followed(people, cohort), cohort, smallest))
    return spread(links, pd.concat(parts, ignore_index=True), types)


def _mine(links: DataFrame, dataset: str, key: str) -> DataFrame:
    return links.where(f"dataset = '{dataset}' AND valid_to IS NULL").select(
        F.col("record_key").alias(key), "person_id"
    )


def _events(records: DataFrame, links: DataFrame, name: str) -> DataFrame:
    """Records of somebody: who, when, which code."""
    key, day, code = _RECORDS[name]
    return records.join(_mine(links, name, key), key).select(
        "person_id", F.expr(day).alias("day"), F.col(code).alias("code")
    )


def _about(residents: DataFrame, links: DataFrame) -> DataFrame:
    """Birth and sex of each person, as the newest registration says."""
    named = residents.join(_mine(links, _PEOPLE, "register_no"), "register_no")
    newest = F.max(F.struct("updated_at", "birth_date", "sex")).alias("newest")
    return (
        named.groupBy("person_id")
        .agg(newest)
        .select(
            "person_id",
            F.col("newest.birth_date").alias("birth_date"),
            F.col("newest.sex").alias("sex"),
        )
    )


def _last_day(events: Sequence[DataFrame]) -> date:
    """Until when everybody is followed: the newest day that every dataset tells of."""
    newest = [frame.agg(F.max("day").alias("day")).toPandas()["day"].iloc[0] for frame in events]
    known = [day for day in newest if day is not None and not pd.isna(day)]
    if not known:
        raise UserError(f"{', '.join(_RECORDS)}: no record of anybody: there is no cohort")
    found: date = min(known)
    return found


def _such(events: Mapping[str, DataFrame], said: Mapping[str, Sequence[str]]) -> DataFrame:
    """Records of the datasets whose codes begin like that."""
    parts = [events[dataset].where(_begins(codes)) for dataset, codes in said.items()]
    return reduce(DataFrame.unionByName, parts)


def _begins(codes: Sequence[str]) -> Column:
    return reduce(Column.__or__, [F.col("code").startswith(code) for code in codes])


def _members(
    events: Mapping[str, DataFrame], about: DataFrame, cohort: Cohort, ends: date
) -> DataFrame:
    """One row a member, in days after the entry; nobody's pseudonym is among them.

    Outcome and exposure are the first ones after the entry, or on its day.
    """
    first = _such(events, cohort.entry).groupBy("person_id")
    entry = first.agg(F.min("day").alias("entered_on")).where(F.col("entered_on") <= F.lit(ends))
    found = entry.join(about, "person_id", "left")
    for name, said in (("outcome", cohort.outcome), ("exposed", cohort.exposure)):
        after = _such(events, said).join(entry, "person_id").where("day >= entered_on")
        days = F.min(F.datediff("day", "entered_on")).alias(f"{name}_day")
        found = found.join(after.groupBy("person_id").agg(days), "person_id", "left")
    return found.select(
        "outcome_day",
        "exposed_day",
        F.datediff(F.lit(ends), F.col("entered_on")).alias("last_day"),
        F.floor(F.months_between("entered_on", "birth_date") / 12).alias("age_years"),
        "sex",
    )
