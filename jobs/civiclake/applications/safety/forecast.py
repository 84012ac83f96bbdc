"""``marts.crime_forecast`` and ``marts.forecast_scores``: next week by cell, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from civiclake.applications.collected import spread
from civiclake.applications.safety.incidents import (
    PLACES,
    ROADS,
    Area,
    area,
    crossings,
    incidents,
)
from civiclake.applications.safety.parameters import number, whole
from civiclake.applications.safety.weeks import (
    WEEK_SYSTEM,
    Kind,
    Scored,
    Way,
    kinds,
    scored,
    told_by,
)
from civiclake.errors import UserError
from civiclake.statistics.forecast import Recipe, Score, together

SCORES: Mapping[str, str] = {
    "kind": "string",
    "week_start_date": "date",
    "week_system": "string",
    "cells": "integer",
    "flagged": "integer",
    "incidents": "integer",
    "hits": "number",
    "pai": "number",
    "pei_star": "number",
    "log_score": "number",
    "calibration": "number",
    "history_hits": "number",
    "history_pai": "number",
    "history_pei_star": "number",
    "history_log_score": "number",
    "beats_history": "boolean",
    "gap": "string",
}
FORECAST: Mapping[str, str] = {
    "kind": "string",
    "cell": "string",
    "week_start_date": "date",
    "week_system": "string",
    "history_incidents": "number",
    "expected_incidents": "number",
    "is_flagged": "boolean",
    "is_shown": "boolean",
    "weeks_scored": "integer",
    "pai": "number",
    "pei_star": "number",
    "calibration": "number",
    "history_pai": "number",
    "gap": "string",
}


def scores(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """The last weeks' forecasts against what happened and against plain history.

    Args:
        inputs: ``marts.incident_places``, ``geography.road_segments``.
        parameters: of :func:`way`.

    Raises:
        UserError: a parameter is missing or cannot be meant.
    """
    rows, where = _told(inputs)
    return spread(inputs[PLACES], scores_of(rows, where, way(parameters)), SCORES)


def build(inputs: Mapping[str, DataFrame], parameters: Mapping[str, Any]) -> DataFrame:
    """Next week by cell; where it has not beaten plain history, only that is shown.

    Args:
        inputs: ``marts.incident_places``, ``geography.road_segments``.
        parameters: of :func:`way`.

    Raises:
        UserError: a parameter is missing or cannot be meant.
    """
    rows, where = _told(inputs)
    return spread(inputs[PLACES], forecast_of(rows, where, way(parameters)), FORECAST)


def way(parameters: Mapping[str, Any]) -> Way:
    """``half_life_weeks``, ``spread_share``, ``history_weeks``, ``least_weeks``, ``scored_weeks``
    and ``flagged_share``.

    Raises:
        UserError: one is missing or cannot be meant.
    """
    found = Way(
        Recipe(
            number(parameters, "half_life_weeks", 12),
            number(parameters, "spread_share", 0.1, below=1),
        ),
        whole(parameters, "history_weeks", 52),
        whole(parameters, "least_weeks", 12),
        whole(parameters, "scored_weeks", 26),
        number(parameters, "flagged_share", 0.02, below=1),
    )
    if found.least_weeks > found.history_weeks:
        raise UserError(
            f"parameters: least_weeks: {found.least_weeks}; up to history_weeks"
            f" ({found.history_weeks}) is allowed"
        )
    return found


def _told(inputs: Mapping[str, DataFrame]) -> tuple[pd.DataFrame, Area]:
    rows = incidents(inputs[PLACES])
    return rows, area(crossings(inputs[ROADS]), rows)


def scores_of(rows: pd.DataFrame, where: Area, how: Way) -> pd.DataFrame:
    """One row for each kind and scored week, with the columns of :data:`SCORES`."""
    found = [_score(kind, one) for kind in kinds(rows, where) for one in scored(kind, where, how)]
    return pd.DataFrame(found, columns=list(SCORES))


def _score(kind: Kind, one: Scored) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "week_start_date": one.week,
        "week_system": WEEK_SYSTEM,
        "cells": one.mine.cells,
        "flagged": one.mine.flagged,
        "incidents": one.mine.count,
        "hits": one.mine.hits,
        "pai": one.mine.pai,
        "pei_star": one.mine.pei,
        "log_score": one.mine.log_score,
        "calibration": one.mine.calibration,
        "history_hits": one.history.hits,
        "history_pai": one.history.pai,
        "history_pei_star": one.history.pei,
        "history_log_score": one.history.log_score,
        "beats_history": one.beats,
        "gap": one.mine.gap,
    }


def forecast_of(rows: pd.DataFrame, where: Area, how: Way) -> pd.DataFrame:
    """One row for each kind and cell, with the columns of :data:`FORECAST`."""
    parts = [_of_kind(kind, where, how) for kind in kinds(rows, where)]
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(FORECAST))


def _of_kind(kind: Kind, where: Area, how: Way) -> pd.DataFrame:
    weeks = kind.counts.shape[1]
    told, past = told_by(kind, weeks, where, how), scored(kind, where, how)
    found = pd.DataFrame({"cell": where.cells})
    found = found.assign(
        kind=kind.name,
        week_start_date=kind.next_week,
        week_system=WEEK_SYSTEM,
        weeks_scored=len(past),
        **_over(past),
    )
    none = {"history_incidents": np.nan, "expected_incidents": np.nan, "is_flagged": False}
    if told is None:
        gap = f"only {weeks} complete weeks on record; {how.least_weeks} are wanted"
        return found.assign(**none, is_shown=False, gap=gap)
    mine, plain = told
    is_shown = bool(past) and past[-1].beats
    shown = mine if is_shown else plain
    flagged = np.argsort(-shown, kind="stable")[: max(1, int(how.flagged_share * len(shown)))]
    return found.assign(
        history_incidents=plain,
        expected_incidents=mine if is_shown else np.nan,
        is_flagged=np.isin(np.arange(len(shown)), flagged) & (shown > 0),
        is_shown=is_shown,
        gap=None if is_shown else _why_not(past),
    )


def _why_not(past: list[Scored]) -> str:
    if not past:
        return "no week has been scored yet: plain history is shown"
    mine, plain = (sum(one.hits for one in way) for way in _both(past))
    return (
        f"over {len(past)} weeks the forecast had {mine:.1f} hits and plain history {plain:.1f}: it"
        " does not beat it beyond chance, and plain history is shown"
    )


def _both(past: list[Scored]) -> tuple[list[Score], list[Score]]:
    return [one.mine for one in past], [one.history for one in past]


def _over(past: list[Scored]) -> dict[str, float | None]:
    """Scores over all scored weeks together."""
    if not past:
        return dict.fromkeys(("pai", "pei_star", "calibration", "history_pai"))
    mine, plain = map(together, _both(past))
    return {
        "pai": mine.pai,
        "pei_star": mine.pei,
        "calibration": mine.calibration,
        "history_pai": plain.pai,
    }
