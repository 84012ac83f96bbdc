"""``marts.plans``: every plan that was made, by what it was made, appended in one commit each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pyspark.sql import SparkSession

from civiclake.contracts.inputs import PLANS
from civiclake.contracts.sql import sql_name, sql_text
from civiclake.io.lake import tables
from civiclake.io.lake.fence import fenced, own_commit
from civiclake.io.lake.lock import TableLock
from civiclake.io.ops import recall
from civiclake.io.ops.account import BatchResult
from civiclake.io.ops.ledger import Entry, Recorder
from civiclake.pipeline.plans.answer import Answer
from civiclake.pipeline.plans.town import Town
from civiclake.pipeline.recorded import recorded
from civiclake.settings import Settings

LOCK = f"mart_{PLANS}"
_SITE = (
    "array<struct<number:int,id:string,name:string,latitude:double,longitude:double,"
    "district:string,people:double,gains:double,stop_m:double>>"
)
_DISTRICT = (
    "array<struct<code:string,name:string,people:double,within_before:double,"
    "within_after:double,gains:double,closer:double,mean_before:double,mean_after:double>>"
)
COLUMNS: Sequence[tuple[str, str, str]] = (
    ("plan_id", "string", "Plan: moment and kind."),
    ("planned_at", "timestamp", "When it was made."),
    ("kind", "string", "What is planned, as marts/planning/kinds.yaml names it."),
    ("solve", "string", "Model: p-median, maximal-covering, set-covering or p-center."),
    ("new_sites", "int", "How many sites are new."),
    ("within", "double", "Reach that was asked, in the unit."),
    ("unit", "string", "Of ways: m (metres over the roads) or min (minutes)."),
    ("travel_by", "string", "What a minute is: foot or car."),
    ("objective", "double", "Of the model, in its unit; empty where all can't be reached."),
    ("objective_unit", "string", "people-metres, people, new sites, metres or minutes."),
    ("bound_gap", "double", "Share by which a better plan may exist; 0: proven best."),
    ("people", "double", "All whom it is for."),
    ("within_before", "double", "People within reach of what stands."),
    ("within_after", "double", "People within reach with the new sites."),
    ("mean_before", "double", "Mean way of a person before, in the unit, of those who have one."),
    ("mean_after", "double", "Mean way of a person after, in the unit, of those who have one."),
    ("worst_before", "double", "Longest way of anybody before, in the unit."),
    ("worst_after", "double", "Longest way of anybody after, in the unit."),
    ("cut_off", "double", "People without any way to a site, after."),
    ("not_coverable", "double", "People whom no candidate has within reach."),
    ("sites", _SITE, "The new sites: whom they serve, who gains, metres to a stop."),
    ("districts", _DISTRICT, "Who gains where; ways in the unit."),
    ("told", "array<string>", "What cannot be had, and what was done to the data."),
    ("parameters", "string", "Question as JSON, files of sites included."),
    ("inputs", "string", "What it was made from, as JSON: by table its id and version."),
)  # fmt: skip


def name_of(kind: str) -> str:
    """A plan's id: no two are the same."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{kind}-{uuid4().hex[:6]}"


def keep(
    spark: SparkSession,
    settings: Settings,
    lock: TableLock,
    made: tuple[str, Town, Answer],
) -> BatchResult:
    """Append a plan, accounted for as every batch.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        lock: the right to write :data:`PLANS`.
        made: the plan's id, the city and the answer.

    Raises:
        FencedError: a younger writer has committed; nothing was written.
    """
    result = BatchResult(dataset=f"marts.{PLANS}", batch_id=made[0], attempt=1, status="failed")
    entry = Entry(result, Recorder())
    with (
        recorded(spark, settings, lock, (tables.MARTS, PLANS), entry),
        entry.recorder.step("keep"),
    ):
        columns = [(n, f"{kind} COMMENT {sql_text(said)}") for n, kind, said in COLUMNS]
        tables.create(
            spark, settings, tables.MARTS, PLANS, columns, comment="Every plan that was made"
        )
        schema = ", ".join(f"{sql_name(name)} {kind}" for name, kind, _ in COLUMNS)
        frame = spark.createDataFrame([_row(*made)], schema).coalesce(1)
        result.read = result.inserted = 1
        with fenced(spark, lock, recall.said(entry, result)) as signed:
            place = tables.location(settings, tables.MARTS, PLANS)
            frame.write.format("delta").mode("append").save(place)
        own_commit(spark, settings, tables.MARTS, PLANS, signed)
    return result


def _row(plan_id: str, town: Town, made: Answer) -> tuple[Any, ...]:
    asked, before, after = made.asked, made.before, made.after
    return (
        plan_id,
        datetime.now(UTC),
        asked.kind.name,
        str(asked.solve),
        len(made.chosen),
        asked.within.amount,
        str(asked.within.unit),
        str(asked.by),
        made.objective,
        made.objective_unit,
        made.bound_gap,
        after.people,
        before.within,
        after.within,
        before.mean,
        after.mean,
        before.worst,
        after.worst,
        after.cut_off,
        float(made.not_coverable["people"].sum()),
        _sites(made),
        _districts(made),
        list(made.told),
        json.dumps(asked.parameters, ensure_ascii=False, sort_keys=True),
        json.dumps(town.versions, sort_keys=True),
    )


def _sites(made: Answer) -> list[tuple[Any, ...]]:
    names = ("id", "name", "latitude", "longitude", "district", "people", "gains", "stop_m")
    rows = made.chosen[list(names)].itertuples(index=False, name=None)
    return [(number, *map(_known, row)) for number, row in enumerate(rows, 1)]


def _districts(made: Answer) -> list[tuple[Any, ...]]:
    rows = made.districts.itertuples(name=None)
    return [tuple(map(_known, row)) for row in rows]


def _known(value: Any) -> Any:
    """Nothing in the place of NaN."""
    return None if value != value else value
