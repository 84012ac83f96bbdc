"""What persons do with alerts: look at them, take them, and close them with what they found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.engine.session import connect
from civiclake.errors import UserError
from civiclake.io.ops import alerts
from civiclake.io.ops.alerts import ACKNOWLEDGED, CLOSED, OPEN, AlertRow
from civiclake.pipeline.alerts.take import writing_alerts
from civiclake.settings import Settings

_ORDER = {OPEN: 0, ACKNOWLEDGED: 1, CLOSED: 2}


def every(settings: Settings) -> list[AlertRow]:
    """All alerts: the open ones first, of each state the newest first."""
    spark = connect(settings)
    try:
        rows = alerts.read(spark, settings)
    finally:
        spark.stop()
    return sorted(rows, key=lambda row: (_ORDER[row.state], -row.raised_at.timestamp()))


def find(rows: Sequence[AlertRow], alert_id: str) -> AlertRow:
    """The alert of that id, or of the only one that begins so.

    Raises:
        UserError: there is none, or there are several.
    """
    found = [row for row in rows if row.alert_id == alert_id]
    found = found or [row for row in rows if alert_id and row.alert_id.startswith(alert_id)]
    known = [row.alert_id for row in rows]
    if not found:
        there = f"allowed are {choice(known)}" if known else "none was ever raised"
        raise UserError(f"there is no alert {alert_id!r}; {there}{did_you_mean(alert_id, known)}")
    if len(found) > 1:
        raise UserError(f"several alerts begin with {alert_id!r}: {choice(known)}; say more of it")
    return found[0]


def acknowledge(settings: Settings, alert_id: str, by: str) -> AlertRow:
    """Somebody looks after an alert; acknowledging it again changes nothing.

    Raises:
        UserError: there is no such alert, or it is closed.
    """

    def change(row: AlertRow, now: datetime) -> AlertRow:
        if row.is_closed:
            raise UserError(f"alert {row.alert_id} was closed by {row.closed_by}: {row.reason}")
        if row.state == ACKNOWLEDGED:
            return row
        update = {"state": ACKNOWLEDGED, "acknowledged_by": by, "acknowledged_at": now}
        return row.model_copy(update=update)

    return _changed(settings, alert_id, change)


def close(
    settings: Settings, alert_id: str, by: str, reason: str, verdict: str | None = None
) -> AlertRow:
    """Somebody is done with an alert, and says why.

    It stays closed as long as the same run of alarms goes on. One that the data closed may be
    closed once more, to say what it was.

    Raises:
        UserError: there is no such alert, a person has closed it, or the reason is empty.
    """
    if not reason.strip():
        raise UserError("--reason is empty; say what was found or done, such as 'pump replaced'")

    def change(row: AlertRow, now: datetime) -> AlertRow:
        if row.is_closed and row.closed_by not in (alerts.DATA, alerts.CONTRACT):
            raise UserError(f"alert {row.alert_id} was closed by {row.closed_by}: {row.reason}")
        said = f"{row.reason}; {reason}" if row.is_closed else reason
        update: dict[str, Any] = {"state": CLOSED, "reason": said, "verdict": verdict}
        if not row.is_closed:
            update |= {"closed_by": by, "closed_at": now}
        return row.model_copy(update=update)

    return _changed(settings, alert_id, change)


def _changed(
    settings: Settings, alert_id: str, change: Callable[[AlertRow, datetime], AlertRow]
) -> AlertRow:
    spark = connect(settings)
    try:
        with writing_alerts(settings):
            rows = alerts.read(spark, settings)
            row = find(rows, alert_id)
            now = datetime.now(UTC)
            made = change(row, now)
            if made != row:
                made = made.model_copy(update={"updated_at": now})
                alerts.write(spark, settings, [made], rows)
            return made
    finally:
        spark.stop()
