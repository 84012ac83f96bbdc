"""A small ledger to make the page from: rows as the loads write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import arro3.core as arro
from deltalake import Field, Schema, write_deltalake
from deltalake.schema import PrimitiveType

from nightly.plan import CityPlan, DatasetPlan, DepartmentPlan, MartPlan, RulePlan
from tonight.rows import BATCH_ID_FORMAT, Alarm, Batch, Count, Due, Ledger

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
LATENCY = timedelta(days=1)
RULES = {
    "required:visit_id": RulePlan("visit_id is given", True),
    "name_once": RulePlan("Two of one name are often one.", False),
}


def dataset(dataset_id: str, **facts: Any) -> DatasetPlan:
    department, _, name = dataset_id.partition(".")
    known: dict[str, Any] = {
        "id": dataset_id,
        "name": name,
        "table": f"{department}_{name}",
        "version": "1.0.0",
        "description": f"All {name}.",
        "contract": f"{department}/{name}.yaml",
        "owner": "Data office",
        "contact": "data@example.org",
        "connection": None,
        "after": (),
        "latency_seconds": int(LATENCY.total_seconds()),
        "rules": RULES,
    }
    return DatasetPlan(**(known | facts))


def city(*datasets: DatasetPlan, marts: Sequence[MartPlan] = ()) -> CityPlan:
    found: dict[str, list[DatasetPlan]] = {}
    for one in datasets:
        found.setdefault(one.id.partition(".")[0], []).append(one)
    departments = [DepartmentPlan(n, "0 2 * * *", tuple(d)) for n, d in found.items()]
    return CityPlan(departments=tuple(departments), marts=tuple(marts), links=())


def batch(
    dataset_id: str = "health.visits", ago: timedelta = timedelta(hours=6), **facts: Any
) -> Batch:
    """A batch of the night that began so long ago, merged at once with all of its rows."""
    night = NOW - ago
    known: dict[str, Any] = {
        "dataset": dataset_id,
        "batch_id": night.strftime(BATCH_ID_FORMAT),
        "attempt": 1,
        "status": "merged",
        "message": "",
        "read": 100,
        "inserted": 100,
        "updated": 0,
        "unchanged": 0,
        "superseded": 0,
        "late": 0,
        "quarantined": 0,
        "deleted": 0,
        "started_at": night,
        "seconds": 60.0,
        "data_docs": f"/lake/data_docs/{dataset_id}.html",
    }
    return Batch(**(known | facts))


def held(dataset_id: str, message: str = "too many rows", **facts: Any) -> Batch:
    return batch(dataset_id, status="held", message=message, inserted=0, **facts)


def failed(dataset_id: str, message: str = "no route to host", **facts: Any) -> Batch:
    wanted = {"attempt": 0, "read": 0, "data_docs": "", **facts}
    return batch(dataset_id, status="failed", message=message, inserted=0, **wanted)


def unrenewed(dataset_id: str, **facts: Any) -> Batch:
    wanted = {"read": 0, "ago": timedelta(hours=1), "data_docs": "", **facts}
    return batch(dataset_id, status="unrenewed", inserted=0, **wanted)


def alarm(alert_id: str = "a1", **facts: Any) -> Alarm:
    """An open alert of a mart."""
    known: dict[str, Any] = {
        "alert_id": alert_id,
        "mart": "marts.visits_by_weather",
        "of": "weather=sun",
        "sentence": "16 visits <b>",
        "since": date(2026, 11, 22),
        "last": date(2026, 11, 23),
        "sure": 1.5,
        "rows": 16,
        "query": "SELECT * FROM unified.health_visits VERSION AS OF 3 WHERE x < 1",
        "method": "query.sql; where visits >= 15",
        "owner": "Data office",
        "contact": "data@example.org",
        "state": "open",
        "acknowledged_by": None,
        "raised_at": NOW - timedelta(hours=3),
    }
    return Alarm(**(known | facts))


def ledger(*batches: Batch, counts: Sequence[Count] = ()) -> Ledger:
    return Ledger(tuple(batches), tuple(counts))


def count(of: Batch, step: str, outcome: str, rows: int) -> Count:
    return Count(of.dataset, of.batch_id, of.attempt, step, outcome, rows)


_LEDGER = {
    "batches": (
        "dataset string, batch_id string, attempt integer, status string, message string,"
        " read long, inserted long, updated long, unchanged long, superseded long, late long,"
        " quarantined long, deleted long, watermark_from string, watermark_to string,"
        " contract_version string, rules_version string, code_version string,"
        " started_at timestamp, seconds double, data_docs string"
    ),
    "outcomes": (
        "dataset string, batch_id string, attempt integer, step string, outcome string,"
        " rows long, seconds double, recorded_at timestamp"
    ),
    "deliveries": (
        "dataset string, due_at timestamp, deadline_at timestamp, state string, batch_id string,"
        " delivered_at timestamp, age_seconds double, owner string, contact string,"
        " told_at timestamp, recorded_at timestamp"
    ),
    "alerts": (
        "alert_id string, mart string, of string, sentence string, since date, last date,"
        " sure double, rows long, query string, method string, owner string, contact string,"
        " state string, acknowledged_by string, raised_at timestamp"
    ),
}
"""The columns that `civiclake.io.ops.ledger` writes."""


def write(
    lake: Path | str, table: str, rows: Sequence[Alarm | Batch | Count | Due], **options: Any
) -> None:
    """Append rows to a table of the ledger in one commit, as a load does."""
    columns = [part.strip().split() for part in _LEDGER[table].split(",")]
    schema = Schema([Field(name, PrimitiveType(kind)) for name, kind in columns])
    names = {f.name for row in rows for f in fields(row)}
    found = [asdict(row) | {"recorded_at": NOW} for row in rows]
    empty: dict[str, Any] = {"string": None, "long": None, "double": 0.0, "timestamp": NOW}
    assert names <= {name for name, _ in columns}
    made = {}
    for (name, kind), column in zip(columns, schema.to_arrow(), strict=True):
        values = [row.get(name, empty.get(kind)) for row in found]
        if kind == "timestamp":  # arro3 makes no times from Python's
            values = [value and round(value.timestamp() * 1e6) for value in values]
            made[name] = arro.Array(values, arro.DataType.int64()).cast(column.type)
        elif kind == "date":
            days = [value and (value - date(1970, 1, 1)).days for value in values]
            made[name] = arro.Array(days, arro.DataType.int32()).cast(column.type)
        else:
            made[name] = arro.Array(values, column.type)
    table_rows = arro.Table.from_pydict(made)
    layer = "marts" if table == "alerts" else "ops"
    write_deltalake(f"{lake}/{layer}/{table}", table_rows, mode="append", **options)
