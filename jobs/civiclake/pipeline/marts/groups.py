"""What a mart's inputs have changed since it was built last, and which of its groups that touches.

The mart's own commit says by which versions of its inputs it was built, so that this is as
true as its content. From there on the inputs' change feeds tell every row as it was and as it
is: the groups of both are touched. Where they can't tell, the mart is built whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake.contracts.model import Mart
from civiclake.contracts.read.query import Query
from civiclake.contracts.sql import sql_text
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

    dataset: str
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
        table = dataset_id.replace(".", "_", 1)
        if not tables.exists(spark, settings, tables.UNIFIED, table):
            raise UserError(
                f"marts.{mart.name}: its input {dataset_id} was never loaded;"
                f" run `civiclake load {dataset_id}` first"
            )
        tables.register(spark, settings, tables.UNIFIED, table)
        now = delta_log.summary(spark, settings, tables.UNIFIED, table)
        found.append(Input(dataset_id, table, now.made, now.version, now.size_bytes))
    return found


def mark(found: Sequence[Input], query: str) -> dict[str, Any]:
    """What the mart's commit says of what it was built by."""
    return {"query": _digest(query), MARK: {one.dataset: one.mark for one in found}}


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:16]


def plan(
    spark: SparkSession, settings: Settings, mart: Mart, query: str, found: Sequence[Input]
) -> Plan:
    """Which groups have changed since the mart was built last, or why it is built whole."""
    try:
        kind, former = _former(spark, settings, mart, query)
        groups: set[str | None] = set()
        for one in found:
            groups |= _changed(spark, settings, mart, one, former.get(one.dataset), kind)
        limit = settings.marts.max_changed_groups
        if len(groups) > limit:
            raise _Whole(f"more than {limit} groups have changed")
    except _Whole as why:
        return Plan(whole=str(why))
    return Plan(tuple(sorted(groups, key=lambda g: (g is None, g or ""))), kind)


def _former(
    spark: SparkSession, settings: Settings, mart: Mart, query: str
) -> tuple[str, Mapping[str, list[Any]]]:
    """The type of the mart's groups, and its inputs as they were when it was built last."""
    if mart.refresh_by is None:
        raise _Whole("its head names no groups")
    if not tables.exists(spark, settings, tables.MARTS, mart.name):
        raise _Whole("it is built for the first time")
    table = tables.by_path(settings, tables.MARTS, mart.name)
    fields = {f.name: f.dataType.simpleString() for f in spark.table(table).schema.fields}
    kind = fields.get(mart.refresh_by, "")
    if kind not in (*_NUMBERS, *_BEFORE_TEXT):
        raise _Whole(f"groups of type {kind or 'nothing'} are not told apart")
    for commit in delta_log.commits(spark, settings, tables.MARTS, mart.name, _HISTORY):
        if commit.operation in tables.SAME_ROWS:
            continue
        if MARK not in commit.said:
            raise _Whole(f"its version {commit.version} does not say what it was built by")
        if commit.said.get("query") != _digest(query):
            raise _Whole("its query has changed")
        return kind, commit.said[MARK]
    raise _Whole(f"its last {_HISTORY} commits don't say what it was built by")


def _changed(
    spark: SparkSession,
    settings: Settings,
    mart: Mart,
    one: Input,
    former: list[Any] | None,
    kind: str,
) -> set[str | None]:
    """The groups of an input's rows that have changed since."""
    if former is None or former[0] != one.made or former[1] > one.version:
        raise _Whole(f"{one.dataset} was made anew")
    if not _has_changed(spark, settings, one, int(former[1])):
        return set()
    expression = mart.groups.get(one.dataset)
    if expression is None:
        raise _Whole(f"{one.dataset} has changed, of which no group is named")
    group = F.expr(f"CAST(({expression}) AS {kind})").cast("string")
    try:
        feed = (
            spark.read.format("delta")
            .option("readChangeFeed", "true")
            .option("startingVersion", int(former[1]) + 1)
            .option("endingVersion", one.version)
            .load(tables.location(settings, tables.UNIFIED, one.table))
        )
        limit = settings.marts.max_changed_groups + 1
        rows = feed.select(group).distinct().limit(limit).collect()
    except PySparkException as error:
        said = str(error).splitlines()[0]
        raise _Whole(f"{one.dataset} can't tell its changes: {said[:200]}") from None
    return {row[0] for row in rows}


def _has_changed(spark: SparkSession, settings: Settings, one: Input, former: int) -> bool:
    """Whether a commit since has changed rows, and only such as a feed tells well."""
    if one.version == former:
        return False
    # Some more than there are since: another writer may have committed meanwhile.
    limit = one.version - former + 10
    found = delta_log.commits(spark, settings, tables.UNIFIED, one.table, limit)
    since = [commit for commit in found if former < commit.version <= one.version]
    if len(since) < one.version - former:
        raise _Whole(f"the history of {one.dataset} does not reach back to version {former}")
    has_changed = False
    for commit in since:
        if commit.operation in _KEPT_FEED:
            continue
        is_append = commit.operation == "WRITE" and commit.parameters.get("mode") == "Append"
        if commit.operation not in _ROW_CHANGES and not is_append:
            raise _Whole(f"{one.dataset} has a {commit.operation} in version {commit.version}")
        has_changed = True
    return has_changed


def bind(
    spark: SparkSession,
    settings: Settings,
    mart: Mart,
    query: str,
    found: Sequence[Input],
    made: Plan,
) -> str:
    """Let the query read its inputs at their versions, and of those only the groups' rows.

    Returns:
        The query over views of this session; texts and comments in it stay as they are.
    """
    for one in found:
        path = tables.by_path(settings, tables.UNIFIED, one.table)
        frame = spark.sql(f"SELECT * FROM {path} VERSION AS OF {one.version}")
        expression = mart.groups.get(one.dataset)
        if made.whole is None and expression is not None:
            frame = frame.where(is_one_of(f"CAST(({expression}) AS {made.kind})", made))
        frame.createOrReplaceTempView(one.table)
    return Query(query).bound([one.table for one in found])


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
