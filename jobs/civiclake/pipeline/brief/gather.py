"""What the marts say now and said before, asked of the lake: the applications' pages as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from civiclake.contracts.derived import derived
from civiclake.contracts.ledger_columns import LEDGER
from civiclake.contracts.model import Manifest, Mart, Page
from civiclake.contracts.page import Headline
from civiclake.contracts.read.query import Query
from civiclake.contracts.sql import sql_name
from civiclake.engine.said import first_line
from civiclake.errors import UserError
from civiclake.io.lake import tables
from civiclake.io.ops.alerts import AlertRow
from civiclake.pipeline.brief import numbers
from civiclake.pipeline.brief.sheet import Alarm, Head, Input, Part, Sheet, Source, Table, Value
from civiclake.pipeline.marts.why import Version, history, input_state
from civiclake.settings import Settings

MOST_ROWS = 5_000
"""More rows than these are no page; of so many a chart is drawn."""
_BRACED = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class _State:
    """A mart that was made: as it is, and as it was published before."""

    mart: Mart
    now: Version
    before: Version | None


@dataclass(frozen=True)
class Lake:
    """Where the pages' numbers are asked for."""

    spark: SparkSession
    settings: Settings
    city: Manifest
    alerts: Sequence[AlertRow]
    made: Mapping[str, datetime]
    """When each mart was last found to be up to date, by id."""
    now: datetime

    def sheet(self, page: Page) -> Sheet:
        """One application's page.

        A mart that was never made is said to be missing, and what is asked of it is left out.

        Raises:
            UserError: a query fails, or gives far too many rows.
        """
        marts = {mart.id: mart for mart in self.city.marts}
        read = dict.fromkeys(name for query in page.queries for name in Query(query).tables)
        states = {name: self._state(marts[name]) for name in read if name in marts}
        there = {name: state for name, state in states.items() if state is not None}
        parts = [
            self._part(page, place, there)
            for place, part in enumerate(page.parts)
            if there.keys() >= set(Query(part.query).tables)
        ]
        changed = [
            self._changed(page, one, there)
            for one in page.headlines
            if there.keys() >= set(Query(one.query).tables)
        ]
        own = [row for row in self.alerts if row.application == page.application]
        stale = [_unknown(name) for name in read if name not in marts]
        stale += [
            self._stale(marts[name], state)
            for name, state in states.items()
            if self._is_stale(marts[name], state)
        ]
        return Sheet(
            application=page.application,
            title=page.title,
            purpose=page.purpose,
            changed=tuple(changed),
            stale=tuple(stale),
            alarms=tuple(_alarm(row) for row in own if not row.is_closed),
            parts=tuple(parts),
            sources=tuple(self._source(state) for state in there.values()),
            dags=tuple(dict.fromkeys(_dag(name, marts.get(name)) for name in read)),
        )

    def late(self) -> list[str]:
        """Ids of the marts that were made, and not as lately as promised."""
        return [
            mart.id
            for mart in self.city.marts
            if (promised := self._promised(mart)) is not None
            and (made := self.made.get(mart.id)) is not None
            and self.now - made > promised
        ]

    def failed(self, page: Page, error: UserError) -> Sheet:
        """The page that says that it could not be made."""
        marts = {mart.id: mart for mart in self.city.marts}
        told = f"This page could not be made: {error}"
        dags = tuple(dict.fromkeys(_dag(name, marts.get(name)) for name in page.marts))
        return Sheet(page.application, page.title, page.purpose, (), (told,), (), (), (), dags)

    def _state(self, mart: Mart) -> _State | None:
        if not tables.exists(self.spark, self.settings, tables.MARTS, mart.name):
            return None
        states = history(self.spark, self.settings, mart)
        now = states[0]
        before = next((one for one in states if one.batch_id != now.batch_id), None)
        return _State(mart, now, before)

    def _promised(self, mart: Mart) -> timedelta | None:
        owed = {one.id: one.latency_seconds for one in derived(self.city)}
        seconds = mart.latency_seconds or owed.get(mart.id)
        return timedelta(seconds=seconds) if seconds else None

    def _is_stale(self, mart: Mart, state: _State | None) -> bool:
        promised, made = self._promised(mart), self.made.get(mart.id)
        if state is None:
            return True
        return promised is not None and self.now - (made or state.now.published_at) > promised

    def _stale(self, mart: Mart, state: _State | None) -> str:
        owner = f"ask {mart.owner.name} ({mart.owner.contact})"
        if state is None:
            return f"{mart.id} was never made, and what it tells is missing here; {owner}"
        made = self.made.get(mart.id) or state.now.published_at
        promised = self._promised(mart)
        hours = promised.total_seconds() / 3600 if promised else 0
        return (
            f"{mart.id} was brought up to date {numbers.age(made, self.now)} ("
            f"{numbers.moment(made)}), later than the {hours:g} hours that it promises; {owner}"
        )

    def _source(self, state: _State) -> Source:
        mart, now = state.mart, state.now
        given = ", ".join(f"{name} = {value}" for name, value in mart.parameters.items())
        inputs = []
        for name, mark in now.marks.items():
            one = input_state(self.spark, self.settings, self.city, name, mark)
            inputs.append(Input(name, one.version, one.at, sum(one.set_aside.values())))
        return Source(
            mart=mart.id,
            description=mart.description,
            limitations=mart.limitations,
            version=now.number,
            published_at=now.published_at,
            batch_id=now.batch_id,
            method=f"{mart.step}{f' with {given}' if given else ''}",
            owner=mart.owner.name,
            contact=mart.owner.contact,
            inputs=tuple(inputs),
        )

    def _part(self, page: Page, place: int, there: Mapping[str, _State]) -> Part:
        part = page.parts[place]
        where = f"marts/{page.application}/page.yaml: parts[{place}].query"
        read = Query(part.query).tables
        versions = {name: there[name].now.number for name in read}
        table = self._table(part.query, versions, where, there.values())
        smallest = max((there[name].mart.smallest_group or 0 for name in read), default=0)
        if part.persons is not None and smallest:
            table = without_small(table, part.persons, smallest)
        pinned = _pinned(
            part.query, {name: f"{name} VERSION AS OF {v}" for name, v in versions.items()}
        )
        return Part(part.title, table, pinned, part.rows, part.chart)

    def _changed(self, page: Page, one: Headline, there: Mapping[str, _State]) -> str:
        """What a headline says now, beside what it said in the publication before."""
        where = f"marts/{page.application}/page.yaml: headlines: {one.query[:60]!r}"
        read = Query(one.query).tables
        states = [there[name] for name in read]
        now = self._table(one.query, {s.mart.id: s.now.number for s in states}, where, states)
        said = _said(one, now)
        former = [s.before for s in states if s.before is not None]
        if not former:
            return f"{said}. It was published for the first time."
        versions = {s.mart.id: (s.before or s.now).number for s in states}
        try:
            then = _said(one, self._table(one.query, versions, where, states))
        except UserError:
            return f"{said}. What was published before can not be compared with it."
        day = f"{max(former, key=lambda v: v.published_at).published_at:%Y-%m-%d %H:%M} UTC"
        if then == said:
            return f"{said}, as it was published before ({day})."
        return f"{said}. Published before ({day}): {then}."

    def _table(
        self, text: str, versions: Mapping[str, int], where: str, states: Iterable[_State]
    ) -> Table:
        """A query's rows, its marts at their versions."""
        views = {}
        for name, number in versions.items():
            path = tables.by_path(self.settings, tables.MARTS, name.removeprefix("marts."))
            view = f"_brief_{name.removeprefix('marts.')}"
            frame = self.spark.sql(f"SELECT * FROM {path} VERSION AS OF {number}")
            frame.createOrReplaceTempView(view)
            views[name] = view
        try:
            return table_of(self.spark.sql(_pinned(text, views)), [s.mart for s in states])
        except PySparkException as error:
            said = first_line(error)
            raise UserError(f"{where}: {said[:300]}") from None
        except _TooMany:
            told = f"gives more than {MOST_ROWS} rows; group them, or limit it"
            raise UserError(f"{where}: {told}") from None


class _TooMany(Exception):
    """A query gives more rows than a page can hold."""


def table_of(frame: DataFrame, marts: Iterable[Mart]) -> Table:
    """A frame's rows, its columns with the meanings that these marts' contracts give them."""
    # Spark's client hands moments out in this machine's zone; as texts they are in the session's.
    moments = {f.name for f in frame.schema.fields if f.dataType.simpleString() == "timestamp"}
    shown = [
        F.col(sql_name(name)).cast("string").alias(name)
        if name in moments
        else F.col(sql_name(name))
        for name in frame.columns
    ]
    rows = frame.select(*shown).limit(MOST_ROWS + 1).collect()
    if len(rows) > MOST_ROWS:
        raise _TooMany
    meanings = {c.name: c.description for mart in marts for c in mart.columns}
    heads = tuple(
        Head(f.name, meanings.get(f.name, ""), _is_number(f.dataType.simpleString()))
        for f in frame.schema.fields
    )
    return Table(heads, tuple(tuple(_plain(value) for value in row) for row in rows))


def without_small(table: Table, persons: str, smallest: int) -> Table:
    """The rows of enough persons, and how many others there were.

    A row of which it is not known how many persons it is of is not shown either.
    """
    counts = table.column(persons)
    kept = tuple(
        row
        for row, count in zip(table.rows, counts, strict=True)
        if isinstance(count, int | float) and count >= smallest
    )
    return Table(table.heads, kept, len(table.rows) - len(kept), smallest)


def _said(one: Headline, table: Table) -> str:
    if len(table.rows) != 1:
        return f"{len(table.rows)} rows where one is wanted"
    values = {
        h.name: numbers.shown(h.name, v) for h, v in zip(table.heads, table.rows[0], strict=True)
    }
    said = _BRACED.sub(lambda found: values[found[1]], one.says)
    return " ".join(said.split()).rstrip(".")


def _pinned(text: str, names: Mapping[str, str]) -> str:
    """The query with each mart read by another name; texts and comments stay as they are."""
    return Query(text).renamed(names)


def _dag(name: str, mart: Mart | None) -> str:
    """The DAG that makes a mart: whose runs somebody may read, may see it."""
    if mart is not None and set(mart.inputs) <= set(LEDGER):
        return "brief"
    return f"mart_{name.removeprefix('marts.')}"


def _unknown(name: str) -> str:
    return f"{name} has no sound contract, and what it tells is missing here"


def _alarm(row: AlertRow) -> Alarm:
    return Alarm(row.alert_id, row.of, row.sentence, f"{row.since}", row.state, row.owner, row.rows)


def _is_number(kind: str) -> bool:
    return kind in ("tinyint", "smallint", "int", "bigint", "float", "double") or kind.startswith(
        "decimal"
    )


def _plain(value: Any) -> Value:
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
