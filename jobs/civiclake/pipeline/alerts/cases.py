"""Which series of a mart alarm now, and the query of the rows behind each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from civiclake.contracts.behind import bound, literal
from civiclake.contracts.inputs import address
from civiclake.contracts.model import Alert, Behind, Mart
from civiclake.contracts.sql import sql_name
from civiclake.engine.said import first_line
from civiclake.errors import UserError
from civiclake.io.lake import tables
from civiclake.io.ops.alerts import AlertRow
from civiclake.pipeline.alerts.decide import Case
from civiclake.settings import Settings

MOST = 10_000
"""More rows than these are no alarms that somebody could look after."""
_FEW = 50
"""Rows of a mart whose rows behind are asked for one by one; of more, the mart's own are told."""
_AT_ONCE = 20
_NONE = "?"
"""What stands for an empty value."""
_ALARM, _ANY, _QUIET, _NEWEST = "_alarm", "_any", "_quiet", "_newest"
Row = Mapping[str, str | None]


@dataclass(frozen=True)
class Version:
    """A mart as its newest commit made it."""

    number: int
    marks: Mapping[str, Sequence[object]]
    """Input to Delta's id of its table, and the version that was read; empty: it is not told."""


@dataclass(frozen=True)
class Detector:
    """A mart with rules by which its rows alarm."""

    spark: SparkSession
    settings: Settings
    mart: Mart
    version: Version

    def frame(self) -> DataFrame:
        """Its rows."""
        path = tables.by_path(self.settings, tables.MARTS, self.mart.name)
        return self.spark.sql(f"SELECT * FROM {path} VERSION AS OF {self.version.number}")

    def cases(self, alert: Alert) -> list[Case]:
        """Series whose newest period alarms, in order.

        Raises:
            UserError: the condition can't be computed, or far too many rows meet it.
        """
        frame = self.frame()
        kinds = {f.name: f.dataType.simpleString() for f in frame.schema.fields}
        runs: dict[str, list[Row]] = {}
        for row in self._alarming(alert, frame):
            runs.setdefault(series(alert, row), []).append(row)
        asked = {of: self._query(alert, rows, kinds) for of, rows in sorted(runs.items())}
        counted = self._count([text for text, _ in asked.values()])
        return [
            self._case(alert, of, runs[of], query, count, kinds)
            for (of, (_, query)), count in zip(asked.items(), counted, strict=True)
        ]

    def why(self, alert: Alert, former: AlertRow) -> str:
        """Why the series of an open alert is no case any more."""
        frame = _judged(self.frame(), alert)
        mine = F.concat_ws(", ", *[_named(name) for name in alert.of]) == former.of
        period = F.col(sql_name(alert.newest_by))
        row = (
            frame.where(mine)
            .agg(F.max(period).cast("string"), F.max(F.when(period == F.lit(former.last), F.col(
                _ALARM))))
            .collect()[0]
        )  # fmt: skip
        if row[0] is None:
            return "the mart has no row of it any more"
        if row[1]:
            return f"it has ended: {row[0]}, the newest period, is no alarm"
        return f"it was corrected: {former.last} is no alarm any more (the newest is {row[0]})"

    def _alarming(self, alert: Alert, frame: DataFrame) -> list[Row]:
        """Every row of the runs of alarms that reach into their series' newest period."""
        of = [F.col(sql_name(name)) for name in alert.of]
        period = F.col(sql_name(alert.newest_by))
        by_period, by_series = Window.partitionBy(*of, period), Window.partitionBy(*of)
        judged = _judged(frame, alert).withColumn(_ANY, F.max(_ALARM).over(by_period))
        judged = judged.withColumn(_QUIET, F.max(F.when(~F.col(_ANY), period)).over(by_series))
        found = judged.where(F.col(_ALARM) & (F.col(_QUIET).isNull() | (period > F.col(_QUIET))))
        shown = [F.col(sql_name(name)).cast("string").alias(name) for name in frame.columns]
        order = [alert.newest_by, *self.mart.key]
        try:
            rows = found.orderBy(*map(sql_name, order)).select(*shown).limit(MOST + 1).collect()
        except PySparkException as error:
            said = first_line(error)
            raise UserError(
                f"marts/{self.mart.path}: alert {alert.name!r}, where {alert.where!r}: {said[:300]}"
            ) from None
        if len(rows) > MOST:
            raise UserError(
                f"marts/{self.mart.path}: alert {alert.name!r}: more than {MOST} rows meet"
                f" {alert.where!r}; nobody could look after them: let it hold for fewer"
            )
        return [row.asDict() for row in rows]

    def _query(
        self, alert: Alert, rows: Sequence[Row], kinds: Mapping[str, str]
    ) -> tuple[str, str]:
        """The query of the rows behind a run, by path for this engine and by name for people."""
        name = self.mart.rows_of(alert)
        behind = self.mart.behind[name] if name is not None else None
        literals = [{n: literal(row[n], kinds[n]) for n in kinds} for row in rows]
        is_told = behind is not None and behind.when == Behind.model_fields["when"].default
        if (
            behind is None
            or not is_told  # of some rows of the mart alone
            or len(rows) > _FEW
            or behind.input not in self.version.marks
        ):
            layer, table, number = tables.MARTS, self.mart.name, self.version.number
            same = " AND ".join(f"{sql_name(n)} <=> {literals[0][n]}" for n in alert.of)
            since = f"{sql_name(alert.newest_by)} >= {literals[0][alert.newest_by]}"
            where = f"{same} AND {since} AND ({alert.where})"
        else:
            layer, table = address(behind.input)
            number = int(str(self.version.marks[behind.input][1]))
            conditions = dict.fromkeys(f"({bound(behind.where, one)})" for one in literals)
            where = " OR ".join(conditions)
        path = tables.by_path(self.settings, layer, table)
        return (
            f"SELECT * FROM {path} VERSION AS OF {number} WHERE {where}",
            f"SELECT * FROM {layer}.{table} VERSION AS OF {number} WHERE {where}",
        )

    def _count(self, queries: Sequence[str]) -> list[int]:
        """How many rows each returns, many asked in one."""
        found: dict[int, int] = {}
        for begin in range(0, len(queries), _AT_ONCE):
            parts = [
                f"SELECT {begin + n} AS place, count(*) AS rows FROM ({query})"
                for n, query in enumerate(queries[begin : begin + _AT_ONCE])
            ]
            rows = self.spark.sql(" UNION ALL ".join(parts)).collect()
            found |= {int(row["place"]): int(row["rows"]) for row in rows}
        return [found[place] for place in range(len(queries))]

    def _case(
        self,
        alert: Alert,
        of: str,
        rows: Sequence[Row],
        query: str,
        count: int,
        kinds: Mapping[str, str],
    ) -> Case:
        newest = [row for row in rows if row[alert.newest_by] == rows[-1][alert.newest_by]]
        sure = {n: _number(row[alert.sure]) for n, row in enumerate(newest)} if alert.sure else {}
        known = {n: value for n, value in sure.items() if value is not None}
        most = max(known, key=lambda n: known[n]) if known else 0
        said = {n: words(value, kinds[n]) for n, value in newest[most].items()}
        return Case(
            name=alert.name,
            of=of,
            sentence=alert.sentence(said),
            since=min(date.fromisoformat(str(row[alert.since])) for row in rows),
            last=date.fromisoformat(str(rows[-1][alert.newest_by])),
            sure=known.get(most),
            rows=count,
            query=query,
        )


def series(alert: Alert, row: Row) -> str:
    """The series of a row, as text."""
    return ", ".join(f"{name}={_plain(row[name])}" for name in alert.of)


def words(text: str | None, kind: str) -> str:
    """A value as a sentence has it: numbers with two digits behind the point at most."""
    if text is None:
        return _NONE
    if kind in ("float", "double") or kind.startswith("decimal"):
        shown = f"{float(text):.2f}".rstrip("0").rstrip(".")
        return "0" if shown == "-0" else shown
    return text


def _judged(frame: DataFrame, alert: Alert) -> DataFrame:
    return frame.withColumn(
        _ALARM, F.coalesce(F.expr(f"CAST(({alert.where}) AS BOOLEAN)"), F.lit(False))
    )


def _named(name: str) -> Column:
    """As :func:`series` writes one column."""
    value = F.coalesce(F.col(sql_name(name)).cast("string"), F.lit(_NONE))
    return F.concat(F.lit(f"{name}="), value)


def _plain(value: str | None) -> str:
    return _NONE if value is None else value


def _number(value: str | None) -> float | None:
    return None if value is None else float(value)


def all_cases(detector: Detector) -> Iterator[Case]:
    """The cases of all of a mart's rules."""
    for alert in detector.mart.alerts:
        yield from detector.cases(alert)
