"""Columns that are read alike, by the hundred: one expression over an array of their texts.

A table with a column for each week has a thousand columns that are cast the same way. As columns
of their own each one costs Spark's analysis and its optimizer a dozen expressions in every stage,
which for a small batch is all that it costs. Here each stage has one expression for all of them,
and they get their names once they are judged and compared with the served table. Lambdas are
never compiled to Java: this is for batches whose expressions are interpreted anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake.contracts import model
from civiclake.contracts.model import Dataset, Rule
from civiclake.contracts.rules.loading import TYPE
from civiclake.contracts.sql import sql_name
from civiclake.steps import texts
from civiclake.steps.casts import cast, plain_number

UNCAST = "_alike_uncast"
"""What could not be cast of all columns alike, in the order of :attr:`Alike.cast`; null where all
could."""
_GIVEN, _PLAIN, _TYPED = "_alike_given_", "_alike_plain_", "_alike_typed_"
_EVERY = "_alike_every"
"""As :data:`UNCAST`, and nulls alone where all could be cast."""
_About = TypeVar("_About")
_LEAST_COLUMNS = 50
_LEAST_OF_KIND = 10
"""Fewer columns of one kind than this are read one by one."""


@dataclass(frozen=True)
class Alike:
    """The columns of a dataset that are read alike, by kind."""

    kinds: tuple[tuple[model.Column, ...], ...]

    @property
    def names(self) -> frozenset[str]:
        """All of the columns."""
        return frozenset(column.name for kind in self.kinds for column in kind)

    @property
    def cast(self) -> list[str]:
        """Those that have a type, in the order of :data:`UNCAST`."""
        return [column.name for kind in self.kinds if kind[0].is_cast for column in kind]

    def uncast(self, column: str) -> Column:
        """The text of one column that could not be cast, of a judged row."""
        return F.col(UNCAST)[self.cast.index(column)]

    def first_uncast(self, of: Collection[str]) -> Column:
        """Any text of some columns that could not be cast, of a judged row."""
        left_out = [F.lit(n) for n, name in enumerate(self.cast) if name not in of]
        texts = F.col(UNCAST)
        if left_out:
            out = F.array(*left_out)
            texts = F.filter(texts, lambda _, place: ~F.array_contains(out, place))
        return F.get(F.filter(texts, lambda text: text.isNotNull()), F.lit(0))


def find_alike(dataset: Dataset) -> Alike | None:
    """The columns that nothing is asked of but their type, where they are many."""
    if dataset.operation is not None:  # a deletion is spared its rules, one by one
        return None
    named = _named(dataset)
    kinds: dict[tuple[object, ...], list[model.Column]] = {}
    for column in dataset.columns:
        if column.name not in named and _is_plain(column):
            kinds.setdefault(_kind(column), []).append(column)
    many = tuple(tuple(kind) for kind in kinds.values() if len(kind) >= _LEAST_OF_KIND)
    return Alike(many) if sum(map(len, many)) >= _LEAST_COLUMNS else None


def _named(dataset: Dataset) -> set[str]:
    """Columns that something other than their own type is asked of, or by which rows are told."""
    found = {*dataset.key, dataset.sequence or "", dataset.event_time or ""}
    asked = " ".join(str(rule.kwargs) for rule in dataset.rules if not is_of_type(rule))
    # A rule may name columns within a text, such as a condition on rows.
    found |= {column.name for column in dataset.columns if column.name in asked}
    for column in dataset.columns:
        if column.check is not None and column.check.longitude is not None:
            found.add(column.check.longitude)
        if column.codes is not None and column.codes.as_of is not None:
            found.add(column.codes.as_of)
    return found


def is_of_type(rule: Rule) -> bool:
    """Whether a rule is the contract's own on a column's type."""
    return rule.id.startswith(TYPE) and rule.origin == "contract"


def _is_plain(column: model.Column) -> bool:
    special = (column.codes, column.check, column.reference)
    return column.spark_type != "timestamp" and all(found is None for found in special)


def _kind(column: model.Column) -> tuple[object, ...]:
    """All that :mod:`civiclake.steps.texts` and :mod:`civiclake.steps.casts` ask of a column."""
    number = None if column.number is None else column.number.model_dump_json()
    return (column.spark_type, column.format, column.absent, column.absent_as, number)


def given(alike: Alike) -> Iterator[Column]:
    """The texts of each kind, from raw rows."""
    for index, kind in enumerate(alike.kinds):
        came = F.array(*[F.col(sql_name(column.source_name)) for column in kind])
        yield _each(came, texts.given, kind[0]).alias(f"{_GIVEN}{index}")


def looked_up(alike: Alike) -> Iterator[Column]:
    """The numbers of each kind as every program writes them, where the source does not."""
    for index, kind in enumerate(alike.kinds):
        if kind[0].number is not None:
            plain = _each(F.col(f"{_GIVEN}{index}"), plain_number, kind[0].number)
            yield plain.alias(f"{_PLAIN}{index}")


def typed(alike: Alike) -> Iterator[Column]:
    """The values of each kind."""
    for index, kind in enumerate(alike.kinds):
        if kind[0].is_cast:
            text = F.col(f"{_GIVEN if kind[0].number is None else _PLAIN}{index}")
            yield _each(text, cast, kind[0]).alias(f"{_TYPED}{index}")


def values(alike: Alike) -> Iterator[Column]:
    """The values of each kind, and what could not be cast of any."""
    lost = []
    for index, kind in enumerate(alike.kinds):
        text = F.col(f"{_GIVEN}{index}")
        if not kind[0].is_cast:
            yield text.alias(f"{_TYPED}{index}")
            continue
        value = F.col(f"{_TYPED}{index}")
        yield value
        lost.append(F.zip_with(text, value, lambda t, v: F.when(t.isNotNull() & v.isNull(), t)))
    if lost:
        yield F.concat(*lost).alias(_EVERY)


def only_lost(typed: DataFrame, alike: Alike) -> DataFrame:
    """Leave :data:`UNCAST` out where there is none, which is of nearly every row."""
    if not alike.cast:
        return typed
    lost = F.when(F.exists(_EVERY, lambda text: text.isNotNull()), F.col(_EVERY))
    return typed.withColumn(UNCAST, lost).drop(_EVERY)


def lost_bits(first: int, columns: int) -> Column:
    """A bit for each of some columns in :data:`UNCAST` whose text could not be cast."""
    texts = F.reverse(F.slice(UNCAST, first + 1, columns))
    none = F.lit(0).cast("bigint")
    bits = F.aggregate(
        texts, none, lambda bits, text: bits * 2 + F.when(text.isNotNull(), 1).otherwise(0)
    )
    return F.coalesce(bits, none)


def in_order(rules: Sequence[Rule], alike: Alike | None) -> list[Rule]:
    """The rules on the types of columns that are read together first, in their order."""
    if alike is None:
        return list(rules)
    place = {f"{TYPE}{name}": n for n, name in enumerate(alike.cast)}
    last = len(place)
    return sorted(rules, key=lambda r: place.get(r.id, last) if is_of_type(r) else last)


def with_names(judged: DataFrame, alike: Alike | None) -> DataFrame:
    """Give every column its name, in place of its kind's array."""
    if alike is None:
        return judged
    arrays = {f"{_TYPED}{index}" for index in range(len(alike.kinds))}
    others = [F.col(sql_name(name)) for name in judged.columns if name not in arrays]
    named = [
        F.col(f"{_TYPED}{index}")[place].alias(column.name)
        for index, kind in enumerate(alike.kinds)
        for place, column in enumerate(kind)
    ]
    return judged.select(*named, *others)


def _each(array: Column, make: Callable[[Column, _About], Column], about: _About) -> Column:
    return F.transform(array, lambda text: make(text, about))
