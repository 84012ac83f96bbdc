"""``marts.alerts``: one row for each alert that was ever raised, as it stands now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict
from pyspark.sql import SparkSession

from civiclake.contracts.sql import sql_text
from civiclake.io.lake import tables
from civiclake.io.lake.log_bounds import may_hold
from civiclake.io.ops.table import OpsTable
from civiclake.settings import Settings

OPEN, ACKNOWLEDGED, CLOSED = "open", "acknowledged", "closed"
STATES = (OPEN, ACKNOWLEDGED, CLOSED)
CONFIRMED, REFUTED = "confirmed", "refuted"
VERDICTS = (CONFIRMED, REFUTED)
DATA, CONTRACT = "data", "contract"
"""Who closed an alert that no person did: its mart's rows, or the rule that is no more."""


class AlertRow(BaseModel):
    """One alert."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alert_id: str
    """The same for the same alarm, whichever night finds it."""
    mart: str
    """Id of the mart, such as ``marts.transit_lines``."""
    application: str
    name: str
    """Of the rule in the mart's contract."""
    of: str
    """Of which series, such as ``line_id=L1, direction_id=0``."""
    sentence: str
    since: date
    last: date
    """The newest period that alarms."""
    sure: float | None
    rows: int
    """How many the query returns."""
    query: str
    method: str
    """The mart's step, with its digest and parameters."""
    inputs: str
    """Versions that the mart was made from, as a JSON object."""
    mart_version: int
    owner: str
    contact: str
    channel: str
    """Airflow connection of its own; empty: the city's."""
    state: str
    verdict: str | None = None
    """What the person who closed it found: ``confirmed`` or ``refuted``."""
    reason: str | None = None
    """Why it was closed."""
    raised_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None

    @property
    def is_closed(self) -> bool:
        """Whether nobody has to look after it any more."""
        return self.state == CLOSED


_TYPES = {
    "since": "date", "last": "date", "sure": "double", "rows": "bigint", "mart_version": "bigint",
}  # fmt: skip
TABLE = OpsTable(
    "alerts",
    tuple(
        (name, "timestamp" if name.endswith("_at") else _TYPES.get(name, "string"))
        for name in AlertRow.model_fields
    ),
    "every alert that a mart's rows have raised, and what became of it",
    tables.MARTS,
)


def read(spark: SparkSession, settings: Settings, mart: str | None = None) -> list[AlertRow]:
    """Alerts, in the order in which they were raised.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        mart: only those of this one, such as ``marts.transit_lines``.
    """
    if not TABLE.exists(spark, settings):
        return []
    if mart is not None and not may_hold(settings, TABLE.layer, TABLE.name, mart=mart):
        return []
    frame = TABLE.shown(spark, settings)
    if mart is not None:
        frame = frame.where(f"mart = {sql_text(mart)}")
    rows = frame.orderBy("raised_at", "alert_id").collect()
    return [AlertRow.model_validate(row.asDict()) for row in rows]


def write(
    spark: SparkSession, settings: Settings, rows: Sequence[AlertRow], known: Sequence[AlertRow]
) -> None:
    """Put alerts in the place of what was known of them, in one commit.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        rows: as they stand now.
        known: what the table holds; to replace nothing costs more than to append.
    """
    there = {row.alert_id for row in known}
    same = [sql_text(row.alert_id) for row in rows if row.alert_id in there]
    replacing = f"alert_id IN ({', '.join(same)})" if same else None
    values = []
    for row in rows:
        found = row.model_dump()
        values.append(tuple(found[name] for name, _ in TABLE.columns))
    if replacing is None:
        TABLE.append(spark, settings, values)
        return
    # What takes a row's place must match the predicate: news are a commit of their own, first.
    news = [v for v, row in zip(values, rows, strict=True) if row.alert_id not in there]
    TABLE.append(spark, settings, news)
    old = [v for v, row in zip(values, rows, strict=True) if row.alert_id in there]
    TABLE.append(spark, settings, old, replacing=replacing)
