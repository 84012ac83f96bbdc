"""What a mart's inputs have changed since it was built last, and which of its groups that touches.

The mart's own commit says by which versions of its inputs it was built, so that this is as
true as its content. From there on the inputs' change feeds tell every row as it was and as it
is: the groups of both are touched. Where they can't tell, the mart is built whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake.contracts.inputs import LINKS, MARTS, address
from civiclake.contracts.ledger_columns import LEDGER
from civiclake.contracts.model import Mart
from civiclake.contracts.read.query import Query
from civiclake.contracts.sql import sql_text
from civiclake.engine.said import first_line
from civiclake.errors import UserError
from civiclake.io.lake import delta_log, tables
from civiclake.settings import Settings

MARK = "inputs"
"""Where the mart's commit says what it was built by."""
_NUMBERS = ("tinyint", "smallint", "int", "bigint")
_BEFORE_TEXT = {"date": "DATE ", "timestamp": "TIMESTAMP ", "string": ""}
"""Types that groups may have beside whole numbers, and what SQL puts before a value's text."""
_ROW_CHANGES = ("MERGE", "UPDATE", "DELETE")
_KEPT_FEED = (*tables.SAME_ROWS, "ADD COLUMNS")
_FEW = 50
"""Up to here each group is compared by itself, which file statistics can prune."""
_HISTORY = 100
"""How many commits back a mart's last build is looked for."""


@dataclass(frozen=True)
class Input:
    """An input as it stands now."""

    id: str
    layer: str
    table: str
    made: str
    """Delta's id of the table: another one, if it was made anew."""
    version: int
    size_bytes: int

    @property
    def mark(self) -> list[Any]:
        """What a mart's commit keeps of it."""
        return [self.made, self.version]


@dataclass(frozen=True)
class Plan:
    """What is to be built."""

    groups: tuple[str | None, ...] = ()
    """Values of the mart's group column, as text; None is null."""
    kind: str = ""
    """Spark type of that column."""
    whole: str | None = None
    """Why the mart is built whole; None: only these groups are."""


class _Whole(Exception):
    """The changes can't be told by groups; the message says why."""


def inputs(spark: SparkSession, settings: Settings, mart: Mart) -> list[Input]:
    """The mart's inputs, each at its newest version.

    Raises:
        UserError: one was never loaded.
    """
    found = []
    for dataset_id in mart.inputs:
        layer, table = address(dataset_id)
        if not tables.exists(spark, settings, layer, table):
            raise UserError(
                f"marts.{mart.name}: its input {dataset_id} was never made;"
                f" run `civiclake {_making(dataset_id)}` first"
            )
        now = delta_log.summary(spark, settings, layer, table)
        found.append(Input(dataset_id, layer, table, now.made, now.version, now.size_bytes))
    return found


def _making(input_id: str) -> str:
    kind, _, name = input_id.partition(".")
    if input_id in LEDGER:
        return "mart NAME` of a mart with alerts, or `civiclake deliveries check"
    if kind == MARTS:
        return f"mart {name}"
    return f"link {name.removesuffix('_link')}" if kind == LINKS else f"load {input_id}"


def mark(found: Sequence[Input], digest: str) -> dict[str, Any]:
    """What the mart's commit says of what it was built by."""
    return {"query": digest, MARK: {one.id: one.mark for one in found}}


def plan(
    spark: SparkSession, settings: Settings, mart: Mart, digest: str, found: Sequence[Input]
) -> Plan:
    """Which groups have changed since the mart was built last, or why it is built whole.

    Args:
        spark: session on the jobs' engine.
        settings: of this installation.
        mart: its contract.
        digest: of its step and contract.
        found: its inputs as they stand now.
    """
    try:
        former = _former(spark, settings, mart, digest)
        changed = {
            one.id: int(former[one.id][1])
            for one in found
            if _was(one, former.get(one.id)) and _has_changed(spark, settings, one, former[one.id])
        }
        if not changed:
            return Plan()
        kind = _kind(spark, settings, mart, changed)
        groups: set[str | None] = set()
        for one in found:
            if one.id in changed:
                groups |= _changed(spark, settings, mart, one, changed[one.id], kind)
        limit = settings.marts.max_changed_groups
        if len(groups) > limit:
            raise _Whole(f"more than {limit} groups have changed")
    except _Whole as why:
        return Plan(whole=str(why))
    return Plan(tuple(sorted(groups, key=lambda g: (g is None, g or ""))), kind)


def _former(
    spark: SparkSession, settings: Settings, mart: Mart, digest: str
) -> Mapping[str, list[Any]]:
    """The mart's inputs as they were when it was built last."""
    if not tables.exists(spark, settings, tables.MARTS, mart.name):
        raise _Whole("it is built for the first time")
    for commit in delta_log.commits(spark, settings, tables.MARTS, mart.name, _HISTORY):
        if commit.operation in tables.SAME_ROWS:
            continue
        if MARK not in commit.said:
            raise _Whole(f"its version {commit.version} does not say what it was built by")
        if commit.said.get("query") != digest:
            raise _Whole("its contract or its step has changed")
        found: Mapping[str, list[Any]] = commit.said[MARK]
        return found
    raise _Whole(f"its last {_HISTORY} commits don't say what it was built by")


def _was(one: Input, former: list[Any] | None) -> bool:
    """Whether an input is the same table that it was, and no older than it was."""
    if former is None or former[0] != one.made or former[1] > one.version:
        raise _Whole(f"{one.id} was made anew")
    return True


def _kind(spark: SparkSession, settings: Settings, mart: Mart, changed: Collection[str]) -> str:
    """The type of the mart's groups."""
    if mart.refresh_by is None:
        raise _Whole(f"its contract names no groups, and {', '.join(sorted(changed))} has changed")
    table = tables.by_path(settings, tables.MARTS, mart.name)
    fields = {f.name: f.dataType.simpleString() for f in spark.table(table).schema.fields}
    kind = fields.get(mart.refresh_by, "")
    if kind not in (*_NUMBERS, *_BEFORE_TEXT):
        raise _Whole(f"groups of type {kind or 'nothing'} are not told apart")
    return kind


def _changed(
    spark: SparkSession, settings: Settings, mart: Mart, one: Input, former: int, kind: str
) -> set[str | None]:
    """The groups of an input's rows that have changed since a version of it."""
    expression = mart.groups.get(one.id)
    if expression is None:
        raise _Whole(f"{one.id} has changed, of which no group is named")
    group = F.expr(f"CAST(({expression}) AS {kind})").cast("string")
    try:
        feed = (
            spark.read.format("delta")
            .option("readChangeFeed", "true")
            .option("startingVersion", former + 1)
            .option("endingVersion", one.version)
            .load(tables.location(settings, one.layer, one.table))
        )
        limit = settings.marts.max_changed_groups + 1
        rows = feed.select(group).distinct().limit(limit).collect()
    except PySparkException as error:
        raise _Whole(f"{one.id} can't tell its changes: {first_line(error)[:200]}") from None
    return {row[0] for row in rows}


def _has_changed(
    spark: SparkSession, settings: Settings, one: Input, marked: Sequence[Any]
) -> bool:
    """Whether a commit since has changed rows, and only such as a feed tells well."""
    former = int(marked[1])
    if one.version == former:
        return False
    # Some more than there are since: another writer may have committed meanwhile.
    limit = one.version - former + 10
    found = delta_log.commits(spark, settings, one.layer, one.table, limit)
    since = [commit for commit in found if former < commit.version <= one.version]
    if len(since) < one.version - former:
        raise _Whole(f"the history of {one.id} does not reach back to version {former}")
    has_changed = False
    for commit in since:
        if commit.operation in _KEPT_FEED:
            continue
        if not _tells_rows(commit):
            raise _Whole(f"{one.id} has a {commit.operation} in version {commit.version}")
        has_changed = True
    return has_changed


def _tells_rows(commit: delta_log.Commit) -> bool:
    """Whether a feed tells the rows that a commit changed, and not the whole table anew."""
    if commit.operation in _ROW_CHANGES:
        return True
    said = commit.parameters
    is_part = said.get("mode") == "Append" or said.get("predicate") not in (None, "", "[]")
    return commit.operation == "WRITE" and is_part


def frames(
    spark: SparkSession, settings: Settings, mart: Mart, found: Sequence[Input], made: Plan
) -> dict[str, DataFrame]:
    """The inputs at their versions, and of those only the groups' rows, by id."""
    read = {}
    for one in found:
        tables.register(spark, settings, one.layer, one.table)
        path = tables.by_path(settings, one.layer, one.table)
        frame = spark.sql(f"SELECT * FROM {path} VERSION AS OF {one.version}")
        if one.id in LEDGER:
            frame = _allowed(frame, LEDGER[one.id])
        expression = mart.groups.get(one.id)
        if made.whole is None and expression is not None:
            frame = frame.where(is_one_of(f"CAST(({expression}) AS {made.kind})", made))
        read[one.id] = frame
    return read


def _allowed(frame: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """Of the ledger what marts may read; a table of former times lacks what came later."""
    there = set(frame.columns)
    return frame.select(
        *[
            F.col(name) if name in there else F.lit(None).cast(kind).alias(name)
            for name, kind in columns.items()
        ]
    )


def bind(query: str, found: Sequence[Input], frames: Mapping[str, DataFrame]) -> str:
    """Let a query read these frames.

    Returns:
        The query over views of this session; texts and comments in it stay as they are.
    """
    for one in found:
        frames[one.id].createOrReplaceTempView(one.table)
    return Query(query).bound([f"{one.layer}.{one.table}" for one in found])


def is_one_of(column: str, made: Plan) -> str:
    """A predicate that holds for the plan's groups, in a form that prunes files."""
    values = [group for group in made.groups if group is not None]
    if made.kind in _NUMBERS:
        values.sort(key=int)
    else:
        values = [_BEFORE_TEXT[made.kind] + sql_text(value) for value in values]
    parts = [f"{column} IS NULL"] if None in made.groups else []
    if len(values) > _FEW:
        within = f"{column} >= {values[0]} AND {column} <= {values[-1]}"
        parts.append(f"({within} AND {column} IN ({', '.join(values)}))")
    else:
        parts += [f"{column} = {value}" for value in values]
    return " OR ".join(parts) or "false"
