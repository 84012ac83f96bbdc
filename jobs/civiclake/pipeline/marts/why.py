"""``civiclake why``: where a mart's figures come from, now or as they were published.

Every commit of a mart says by which versions of its inputs it was built. So a row of any version
that is kept leads to the inputs' rows as they were then, and these to the batches that brought
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake.contracts.behind import literal
from civiclake.contracts.inputs import address
from civiclake.contracts.model import Manifest, Mart
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.contracts.sql import sql_name, sql_text
from civiclake.engine.said import first_line
from civiclake.errors import UserError
from civiclake.io.lake import delta_log, quarantine, tables
from civiclake.pipeline.marts import groups
from civiclake.pipeline.marts.build import find
from civiclake.pipeline.marts.figures import Figure, follow, told
from civiclake.settings import Settings

SHOWN_ROWS = 20
"""So many rows of the mart are shown; the rows behind are those of one row alone."""


@dataclass(frozen=True)
class Version:
    """One state of the mart."""

    number: int
    published_at: datetime
    batch_id: str
    step: str
    """Digest of the step with its parameters, by which the state was made."""
    marks: Mapping[str, Sequence[Any]]
    """Input to Delta's id of its table, and the version that was read."""


@dataclass(frozen=True)
class InputState:
    """An input as it was read."""

    id: str
    version: int
    at: datetime | None
    """When that version was made; None: its log is no longer kept."""
    newest_version: int
    batches_since: int
    """Commits with a batch that came after it."""
    set_aside: Mapping[str, int]
    """Rows that are set aside now, by reason."""


@dataclass(frozen=True)
class Change:
    """What a row says now, where it said something else then."""

    column: str
    then: str | None
    now: str | None


@dataclass
class Pedigree:
    """Where a mart's figures come from."""

    mart: Mart
    version: Version
    inputs: list[InputState]
    columns: list[str]
    rows: list[list[str | None]]
    rows_in_all: int
    figures: list[Figure] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    """Of one row, since the version that was asked for."""
    newest: Version | None = None
    """The newest state, where an older one was asked for."""


def why(
    spark: SparkSession,
    settings: Settings,
    city: Manifest,
    name: str,
    where: str | None = None,
    column: str | None = None,
    as_of: str | None = None,
) -> Pedigree:
    """Follow a mart's figures back to rows and batches.

    Args:
        spark: a session of the jobs engine.
        settings: says where the lake is.
        city: the compiled contracts.
        name: of the mart.
        where: predicate over its columns that finds one row.
        column: only this figure; None: all whose rows the contract tells.
        as_of: a version number, a day, or a time (ISO 8601; of the session's zone without one).

    Raises:
        UserError: there is no such mart, version, row or figure; each says what there is.
    """
    mart = find(city, name.removeprefix("marts."))
    if column is not None and column not in mart.behind:
        hint = did_you_mean(column, mart.behind)
        raise UserError(
            f"{mart.id} does not tell the rows behind {column!r}; it tells those of"
            f" {choice(mart.behind)}{hint}"
        )
    if not tables.exists(spark, settings, tables.MARTS, mart.name):
        raise UserError(f"{mart.id} was never built: run `civiclake mart {mart.name}`")
    states = history(spark, settings, mart)
    version = states[0] if as_of is None else _at(spark, states, mart, as_of)
    frame = _rows(spark, settings, mart, version, where)
    texts = [tuple(row) for row in _as_text(frame).limit(SHOWN_ROWS).collect()]
    if where is not None and not texts:
        raise UserError(
            f"marts.{mart.name} has no row where {where} in version {version.number}"
            f" ({version.published_at:%Y-%m-%d %H:%M:%S} UTC)"
        )
    found = Pedigree(
        mart,
        version,
        [input_state(spark, settings, city, one, mark) for one, mark in version.marks.items()],
        frame.columns,
        [list(row) for row in texts],
        len(texts) if len(texts) < SHOWN_ROWS else frame.count(),
    )
    if version.number != states[0].number:
        found.newest = states[0]
    if where is not None and len(texts) == 1:
        kinds = {f.name: f.dataType.simpleString() for f in frame.schema.fields}
        row = dict(zip(frame.columns, texts[0], strict=True))
        found.figures = [
            follow(spark, settings, mart, one, version.marks, row, kinds)
            for one in told(spark, mart, column, row, kinds)
        ]
        if found.newest is not None:
            found.changes = _changes(spark, settings, mart, states[0], row, kinds)
    return found


def history(spark: SparkSession, settings: Settings, mart: Mart) -> list[Version]:
    """The mart's states that its log still tells, newest first.

    Raises:
        UserError: none says by what it was built.
    """
    told = spark.sql(f"DESCRIBE HISTORY {tables.by_path(settings, tables.MARTS, mart.name)}")
    rows = told.selectExpr("version", "unix_millis(timestamp) AS at", "userMetadata").collect()
    states = []
    for row in sorted(rows, key=lambda one: -int(one["version"])):
        said = delta_log.read_said(row["userMetadata"])
        if groups.MARK in said:
            at = datetime.fromtimestamp(row["at"] / 1000, UTC)
            batch = str(said.get("batch_id", ""))
            step = str(said.get("query", ""))
            states.append(Version(int(row["version"]), at, batch, step, said[groups.MARK]))
    if not states:
        raise UserError(
            f"no commit of marts.{mart.name} that is kept says by what it was built: build it"
            f" anew with `civiclake mart {mart.name} --full`"
        )
    return states


def _at(spark: SparkSession, states: Sequence[Version], mart: Mart, as_of: str) -> Version:
    """The newest state at that version or time."""
    first = states[-1]
    kept = (
        f"marts.{mart.name} is kept from version {first.number}"
        f" ({first.published_at:%Y-%m-%d %H:%M:%S} UTC) on"
    )
    if as_of.isdigit():
        found = [one for one in states if one.number <= int(as_of)]
        if int(as_of) > states[0].number + 1000 or not found:
            raise UserError(f"there is no version {as_of}: {kept}")
        return found[0]
    # A day means as it stood when the day was over.
    text = f"{as_of} 23:59:59.999999" if len(as_of) == len("2016-01-02") else as_of
    until = spark.sql(f"SELECT unix_millis(try_to_timestamp({sql_text(text)}))").collect()[0][0]
    if until is None:
        raise UserError(
            f"--as-of {as_of!r} is no version, day or time; allowed are such as 12, 2016-01-02 or"
            " '2016-01-02 06:00:00'"
        )
    found = [one for one in states if one.published_at.timestamp() * 1000 <= until]
    if not found:
        raise UserError(f"nothing was published at {as_of}: {kept}")
    return found[0]


def _rows(
    spark: SparkSession, settings: Settings, mart: Mart, version: Version, where: str | None
) -> DataFrame:
    frame = _state(spark, settings, mart, version)
    if where is None:
        return frame
    try:
        chosen = frame.where(where)
        _ = chosen.schema  # Spark looks at the predicate only when it is asked for something
    except PySparkException as error:
        raise UserError(
            f"--where {where!r}: {first_line(error)[:300]}; the mart's columns are"
            f" {choice(frame.columns)}"
        ) from None
    return chosen


def _state(spark: SparkSession, settings: Settings, mart: Mart, version: Version) -> DataFrame:
    path = tables.by_path(settings, tables.MARTS, mart.name)
    return spark.sql(f"SELECT * FROM {path} VERSION AS OF {version.number}")


def _as_text(frame: DataFrame) -> DataFrame:
    return frame.select([F.col(sql_name(name)).cast("string") for name in frame.columns])


def input_state(
    spark: SparkSession, settings: Settings, city: Manifest, name: str, mark: Sequence[Any]
) -> InputState:
    """What is known of an input at the version that was read, and since."""
    layer, table = address(name)
    path = tables.by_path(settings, layer, table)
    told = spark.sql(f"DESCRIBE HISTORY {path}")
    rows = told.selectExpr("version", "unix_millis(timestamp) AS at", "operation").collect()
    number = int(mark[1])
    at = {int(row["version"]): row["at"] for row in rows}
    since = [
        row
        for row in rows
        if int(row["version"]) > number and row["operation"] not in tables.SAME_ROWS
    ]
    known = {dataset.id: dataset for dataset in city.datasets}
    set_aside: dict[str, int] = {}
    if name in known and quarantine.exists(spark, settings, known[name]):
        for status, reason, count in quarantine.summary(spark, settings, known[name]):
            if status == quarantine.OPEN:
                set_aside[str(reason)] = int(count)
    made = datetime.fromtimestamp(at[number] / 1000, UTC) if number in at else None
    return InputState(name, number, made, max(at, default=number), len(since), set_aside)


def _changes(
    spark: SparkSession,
    settings: Settings,
    mart: Mart,
    newest: Version,
    row: Mapping[str, str | None],
    kinds: Mapping[str, str],
) -> list[Change]:
    """What the row of these keys says in the newest version, where that differs."""
    keys = [name for name in mart.key if name in row]
    same = " AND ".join(f"{sql_name(k)} <=> {literal(row[k], kinds[k])}" for k in keys)
    frame = _state(spark, settings, mart, newest).where(same or "false")
    found = _as_text(frame).limit(1).collect()
    now = dict(zip(frame.columns, found[0], strict=True)) if found else {}
    return [
        Change(name, row.get(name), now.get(name))
        for name in [*row, *(n for n in now if n not in row)]
        if row.get(name) != now.get(name)
    ]
