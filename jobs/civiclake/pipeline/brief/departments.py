"""How each department has delivered, by the ledger: what came, what was set aside, who reads it.

Only counts and names of rules are told of what was set aside, never a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from civiclake.contracts import promise
from civiclake.contracts.inputs import LINKS
from civiclake.contracts.model import Dataset, Manifest
from civiclake.io.ops import ledger
from civiclake.pipeline.brief.sheet import Delivery, Department
from civiclake.settings import Settings

_SHOWN_REASONS = 12
_NEWEST = """
SELECT dataset, batch_id, attempt, status, read, inserted + updated + unchanged AS served,
 quarantined, date_format(started_at, "yyyy-MM-dd'T'HH:mm:ssXXX") AS at
FROM {batches} WHERE status <> 'unrenewed' AND batch_id NOT LIKE 'replay-%'
QUALIFY row_number() OVER (PARTITION BY dataset ORDER BY batch_id DESC, started_at DESC) = 1
"""


def departments(
    spark: SparkSession,
    settings: Settings,
    city: Manifest,
    served: Mapping[str, datetime],
    now: datetime,
) -> tuple[Department, ...]:
    """Every department with its datasets.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        city: the compiled contracts.
        served: when each dataset was merged last, by id.
        now: what ages are counted to.
    """
    newest = _newest(spark, settings)
    reasons = _reasons(spark, settings, newest)
    readers = _readers(city)
    by_department: dict[str, list[Delivery]] = {}
    for dataset in sorted(city.datasets, key=lambda d: d.id):
        one = replace(
            _delivery(dataset, newest.get(dataset.id), served.get(dataset.id), now),
            reasons=_explained(dataset, reasons.get(dataset.id, {})),
            readers=tuple(readers.get(dataset.id, ())),
        )
        by_department.setdefault(dataset.department, []).append(one)
    return tuple(Department(name, tuple(own)) for name, own in sorted(by_department.items()))


def merged_at(spark: SparkSession, settings: Settings) -> dict[str, datetime]:
    """When each dataset, mart and kind of link was merged last, by id."""
    if not ledger.BATCHES.exists(spark, settings):
        return {}
    ledger.BATCHES.rows(spark, settings).createOrReplaceTempView("_brief_batches")
    rows = spark.sql(
        "SELECT dataset, max(unix_micros(started_at) + CAST(seconds * 1e6 AS BIGINT)) AS at"
        " FROM _brief_batches WHERE status = 'merged' GROUP BY dataset"
    ).collect()
    return {row["dataset"]: datetime.fromtimestamp(row["at"] / 1e6, UTC) for row in rows}


def _newest(spark: SparkSession, settings: Settings) -> dict[str, Any]:
    if not ledger.BATCHES.exists(spark, settings):
        return {}
    ledger.BATCHES.rows(spark, settings).createOrReplaceTempView("_brief_batches")
    return {
        row["dataset"]: row for row in spark.sql(_NEWEST.format(batches="_brief_batches")).collect()
    }


def _reasons(
    spark: SparkSession, settings: Settings, newest: Mapping[str, Any]
) -> dict[str, dict[str, int]]:
    """Rows set aside of each dataset's newest batch, by rule."""
    if not newest or not ledger.OUTCOMES.exists(spark, settings):
        return {}
    ledger.OUTCOMES.rows(spark, settings).createOrReplaceTempView("_brief_outcomes")
    rows = spark.sql(
        "SELECT dataset, batch_id, outcome, rows FROM _brief_outcomes WHERE step = 'reason'"
        " AND recorded_at > current_timestamp() - INTERVAL 90 DAYS"
    ).collect()
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        last = newest.get(row["dataset"])
        if last is not None and last["batch_id"] == row["batch_id"]:
            found.setdefault(row["dataset"], {})[str(row["outcome"])] = int(row["rows"] or 0)
    return found


def _delivery(dataset: Dataset, newest: Any, served: datetime | None, now: datetime) -> Delivery:
    promised = timedelta(seconds=dataset.latency_seconds)
    is_late = served is None or now - served > promised
    return Delivery(
        id=dataset.id,
        description=dataset.description,
        owner=dataset.owner.name,
        contact=dataset.owner.contact,
        state=str(newest["status"]) if newest else "never delivered",
        at=served,
        is_late=is_late,
        promise=promise.span(dataset.latency_seconds),
        read=int(newest["read"] or 0) if newest else 0,
        served=int(newest["served"] or 0) if newest and newest["status"] == "merged" else 0,
        set_aside=int(newest["quarantined"] or 0) if newest else 0,
    )


def _explained(dataset: Dataset, found: Mapping[str, int]) -> tuple[tuple[str, str, int], ...]:
    meanings = {rule.id: rule.description or "" for rule in dataset.rules}
    most = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:_SHOWN_REASONS]
    return tuple((name, meanings.get(name, ""), count) for name, count in most)


def _readers(city: Manifest) -> dict[str, Sequence[str]]:
    """Ids of what is made from each dataset, directly or by way of other marts and links."""
    direct: dict[str, set[str]] = {}
    for mart in city.marts:
        for name in mart.inputs:
            direct.setdefault(name, set()).add(mart.id)
    for link in city.links:
        for name in link.inputs:
            direct.setdefault(name, set()).update(
                {f"{LINKS}.{link.name}", f"{LINKS}.{link.name}_link"}
            )
    found: dict[str, Sequence[str]] = {}
    for dataset in city.datasets:
        seen: set[str] = set()
        waiting = [dataset.id]
        while waiting:
            more = direct.get(waiting.pop(), set()) - seen
            seen |= more
            waiting += more
        found[dataset.id] = sorted(name for name in seen if not name.endswith("_link"))
    return found
