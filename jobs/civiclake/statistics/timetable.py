"""A GTFS timetable as days, seconds and runs.

Source: GTFS Schedule Reference (gtfs.org): calendar, calendar_dates, frequencies; a time is
counted from noon minus twelve hours of its service day and may be past 24:00:00, so that no
trip is cut by midnight or by a change of the clocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from civiclake.errors import UserError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ADDED, REMOVED = 1, 2
_CLOCK = r"^\s*(\d{1,3}):([0-5]\d):([0-5]\d)\s*$"
_HOUR_S, _MINUTE_S = 3600, 60
NOON = pd.Timedelta(hours=12)


def seconds(times: pd.Series) -> pd.Series:
    """Seconds since the start of the service day; ``25:10:00`` is 90600; missing stays missing.

    Raises:
        UserError: a text is no time of the form H:MM:SS.
    """
    given = times.astype("string")
    given = given.mask(given.str.strip() == "")
    parts = given.str.extract(_CLOCK)
    bad = given.notna() & parts[0].isna()
    if bad.any():
        raise UserError(f"time {given[bad].iloc[0]!r}: H:MM:SS is allowed, also past 24:00:00")
    hour, minute, second = (parts[n].astype("Int64") for n in range(3))
    found: pd.Series = hour * _HOUR_S + minute * _MINUTE_S + second
    return found


def clock(second: int) -> str:
    """The text of a time of a service day, ``25:10:00`` for 90600."""
    hour, rest = divmod(second, _HOUR_S)
    return f"{hour:02d}:{rest // _MINUTE_S:02d}:{rest % _MINUTE_S:02d}"


def instants(dates: pd.Series, second: pd.Series, timezone: str) -> pd.Series:
    """The moment that a second of a service day is, in UTC.

    Counted from noon minus twelve hours, which is not midnight on a day when clocks change.

    Args:
        dates: service days.
        second: of the service day.
        timezone: of the agency, such as ``Australia/Brisbane``.
    """
    noon = (pd.to_datetime(dates).dt.normalize() + NOON).dt.tz_localize(timezone)
    return noon.dt.tz_convert("UTC") - NOON + pd.to_timedelta(second.astype("float64"), unit="s")


def service_days(calendar: pd.DataFrame | None, exceptions: pd.DataFrame | None) -> pd.DataFrame:
    """Every day of every service: ``service_id``, ``date``; sorted, each once.

    Args:
        calendar: ``calendar.txt``, or None where the feed has none.
        exceptions: ``calendar_dates.txt``, or None where the feed has none.

    Raises:
        UserError: a service ends before it starts, a date is none, or one day of a service is
            both added and removed.
    """
    regular = [] if calendar is None else [_weekly(row) for row in calendar.to_dict("records")]
    days = pd.concat([_no_days(), *regular], ignore_index=True)
    if exceptions is not None and len(exceptions):
        changes = _changes(exceptions)
        added = changes.loc[changes["exception_type"] == ADDED, ["service_id", "date"]]
        removed = changes.loc[changes["exception_type"] == REMOVED, ["service_id", "date"]]
        marked = days.merge(removed, how="left", on=["service_id", "date"], indicator=True)
        days = pd.concat(
            [marked.loc[marked["_merge"] == "left_only", ["service_id", "date"]], added]
        )
    return days.drop_duplicates().sort_values(["service_id", "date"], ignore_index=True)


def _no_days() -> pd.DataFrame:
    return pd.DataFrame(
        {"service_id": pd.Series(dtype=object), "date": pd.Series(dtype="datetime64[ns]")}
    )


def _weekly(row: dict[Any, Any]) -> pd.DataFrame:
    first, last = _dates([row["start_date"]])[0], _dates([row["end_date"]])[0]
    if last < first:
        raise UserError(
            f"service {row['service_id']!r} ends {row['end_date']}, before it starts"
            f" {row['start_date']}; an end on or after the start is allowed"
        )
    runs = np.asarray([int(row[name]) == 1 for name in WEEKDAYS])
    dates = pd.date_range(first, last)
    return pd.DataFrame({"service_id": row["service_id"], "date": dates[runs[dates.weekday]]})


def _changes(exceptions: pd.DataFrame) -> pd.DataFrame:
    found = pd.DataFrame(
        {
            "service_id": exceptions["service_id"],
            "date": _dates(exceptions["date"]),
            "exception_type": exceptions["exception_type"].astype(int),
        }
    ).drop_duplicates()
    for kind in found.loc[~found["exception_type"].isin([ADDED, REMOVED]), "exception_type"]:
        raise UserError(f"exception_type {kind}: {ADDED} (added) or {REMOVED} (removed) is allowed")
    for service, day in found.loc[
        found.duplicated(["service_id", "date"]), ["service_id", "date"]
    ].itertuples(index=False):
        raise UserError(f"service {service!r} is both added and removed on {day:%Y-%m-%d}")
    return found


def _dates(values: Iterable[Any]) -> pd.DatetimeIndex:
    texts = [str(value).strip() for value in values]
    found = pd.DatetimeIndex(pd.to_datetime(texts, format="%Y%m%d", errors="coerce"))
    if found.hasnans:
        raise UserError(f"date {texts[int(found.isna().argmax())]!r}: YYYYMMDD is allowed")
    return found


def runs(stop_times: pd.DataFrame, frequencies: pd.DataFrame | None) -> pd.DataFrame:
    """Stop times of what really runs: a trip with frequencies becomes one run per departure.

    Args:
        stop_times: ``trip_id``, ``stop_sequence``, ``arrival_s``, ``departure_s`` and whatever
            else should stay with them.
        frequencies: ``trip_id``, ``start_s``, ``end_s`` (itself without a departure),
            ``headway_s`` and, if known, ``exact_times``; or None.

    Returns:
        The same columns with ``run`` (0 for a trip of its own, else counted from 1 through the
        day) and ``is_exact``: whether the times are a timetable, or only how often it comes.

    Raises:
        UserError: a headway is not above 0, a window ends before it starts, two windows of a
            trip overlap, or a trip has frequencies and no stops.
    """
    if frequencies is None or not len(frequencies):
        return stop_times.assign(run=0, is_exact=True)
    _check_windows(frequencies, set(stop_times["trip_id"]))
    own = stop_times[~stop_times["trip_id"].isin(frequencies["trip_id"])]
    first = stop_times.sort_values("stop_sequence").groupby("trip_id")["departure_s"].first()
    starts = _starts(frequencies)
    often = stop_times.merge(starts, on="trip_id")
    shift = often["start_s"] - often["trip_id"].map(first)
    often = often.assign(
        arrival_s=often["arrival_s"] + shift, departure_s=often["departure_s"] + shift
    )
    return pd.concat(
        [own.assign(run=0, is_exact=True), often.drop(columns="start_s")], ignore_index=True
    )


def _starts(frequencies: pd.DataFrame) -> pd.DataFrame:
    windows = frequencies.assign(
        is_exact=frequencies.get("exact_times", pd.Series(0, frequencies.index)).fillna(0) == 1
    ).sort_values(["trip_id", "start_s"])
    found = pd.DataFrame(
        [
            (row["trip_id"], start, row["is_exact"])
            for row in windows.to_dict("records")
            for start in range(int(row["start_s"]), int(row["end_s"]), int(row["headway_s"]))
        ],
        columns=["trip_id", "start_s", "is_exact"],
    )
    return found.assign(run=found.groupby("trip_id").cumcount() + 1)


def _check_windows(frequencies: pd.DataFrame, trips: set[Any]) -> None:
    last_end: dict[Any, int] = {}
    for row in frequencies.sort_values(["trip_id", "start_s"]).to_dict("records"):
        trip, start, end, headway = (row[k] for k in ("trip_id", "start_s", "end_s", "headway_s"))
        where = f"frequencies of trip {trip!r} from {clock(int(start))}"
        if trip not in trips:
            raise UserError(f"{where}: the trip has no stop times to repeat")
        if not headway > 0:
            raise UserError(f"{where}: a headway of {headway} s; above 0 is allowed")
        if end <= start:
            raise UserError(f"{where}: ends at {clock(int(end))}; after the start is allowed")
        if start < last_end.get(trip, start):
            raise UserError(f"{where}: overlaps the window before; one after the other is allowed")
        last_end[trip] = end


def days_left(days: pd.DataFrame, today: pd.Timestamp) -> int | None:
    """Days from today to the last day of any service (below 0: it has ended); None without one.

    The GTFS validator warns under 30 days and, more loudly, under 7.
    """
    return None if days.empty else int((days["date"].max() - today.normalize()).days)
