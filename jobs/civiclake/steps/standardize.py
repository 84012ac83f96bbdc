"""standardize: raw text -> the contract's types and the city's codes.

Nothing is lost on the way: a text that can't be cast, or that is in no code list, stands
in a helper column beside the null that took its place, so that validation can name it.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterator, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts import model
from civiclake.contracts.model import Dataset
from civiclake.contracts.read.codes import FIRST_DAY
from civiclake.contracts.sql import sql_name
from civiclake.contracts.standards import Area, Check, CheckKind, Codes, Reason
from civiclake.steps import alike as together
from civiclake.steps import moments, texts
from civiclake.steps.alike import Alike
from civiclake.steps.casts import cast, plain_number
from civiclake.steps.changes import with_operation
from civiclake.steps.fold import fold
from civiclake.steps.identifiers import REASON, VALUE, checked

_RECORD_TYPE = "map<string,string>"
MANY_COLUMNS = 100
"""Of more than these nothing is made that has a part for each, where there is another way."""


def standardize(raw: DataFrame, dataset: Dataset, alike: Alike | None = None) -> DataFrame:
    """Give every column its type, its code and its unified name.

    Every stage is a projection of its own that the next one refers to by name: in one
    expression, Spark's optimizer would copy a text's trimming and its cast to every place that
    looks at them, and each copy is evaluated.

    Args:
        raw: one row per record; every source column is text; lineage columns are there.
        dataset: the compiled contract.
        alike: columns to be read together; they have no names yet in what is given back.

    Returns:
        Per contract column the typed value, then the helper columns that its rules need
        (see :mod:`civiclake.contracts.model`), the record as it came
        (null unless :func:`carries_record`), its lineage, ``_sequence``, and for a change log
        ``_is_delete``.
    """
    kinds = alike or Alike(())
    columns = [column for column in dataset.columns if column.name not in kinds.names]
    lineage = [F.col(name) for name in (*c.LINEAGE, c.CORRUPT)]
    record = as_it_came(raw) if carries_record(dataset) else F.lit(None).cast(_RECORD_TYPE)
    texts_given = [*(_given(column) for column in columns), *together.given(kinds)]
    given = raw.select(*texts_given, record.alias(c.RAW), *lineage)
    looked_up = [found for column in columns for found in _looked_up(column)]
    found = given.select("*", *looked_up, *together.looked_up(kinds))
    read = [(column, *_text(column)) for column in columns]
    casts = [made for column, text, _ in read for made in _typed(column, text)]
    typed = found.select("*", *casts, *together.typed(kinds))
    selected = [made for of_column in read for made in _values(*of_column)]
    named = typed.select(*selected, *together.values(kinds), F.col(c.RAW), *lineage)
    named = together.only_lost(named, kinds)
    sequence = F.col(dataset.sequence) if dataset.sequence else F.col(c.DELIVERED)
    return with_operation(named.withColumn(c.SEQUENCE, sequence), dataset)


def carries_record(dataset: Dataset) -> bool:
    """Whether rows carry their record as it came on their way; else it is looked up in raw.

    A map of a thousand texts costs as much as all rules together, and few rows need theirs.
    """
    return len(dataset.columns) <= MANY_COLUMNS


def as_it_came(raw: DataFrame) -> Column:
    """The record as a map from source column to text.

    What raw holds beyond the contract belongs to it too: a later version may name it.
    """
    texts = [name for name in raw.columns if name not in (*c.LINEAGE, c.CORRUPT)]
    return F.create_map(*[part for name in texts for part in (F.lit(name), F.col(sql_name(name)))])


_CITY, _FOUND, _PLAIN, _TYPED = "_city_", "_found_", "_plain_", "_typed_"
"""Of a column under way: its text as the city says it, what a check found, its number as every
program writes it, and what was cast."""


def _given(column: model.Column) -> Column:
    text = texts.given(F.col(sql_name(column.source_name)), column)
    return text.alias(model.GIVEN_PREFIX + column.name)


def _looked_up(column: model.Column) -> Iterator[Column]:
    """What is looked up of the text by itself."""
    given = F.col(model.GIVEN_PREFIX + column.name)
    if column.codes is not None:
        yield _mapped(given, column.codes.mapping).alias(_CITY + column.name)
    standard = _standard(column)
    if standard is not None:
        yield checked(given, standard).alias(_FOUND + column.name)
    if column.number is not None:
        yield plain_number(given, column.number).alias(_PLAIN + column.name)
    if column.has_local_times:
        yield from moments.walls(given, column)


def _standard(column: model.Column) -> CheckKind | None:
    """What each value by itself is to keep; a position is judged later, by with_positions."""
    check = column.check
    return None if check is None or check.kind is CheckKind.COORDINATES else check.kind


def _text(column: model.Column) -> tuple[Column, list[Column]]:
    """The text to be cast, if there is a type, and the helper columns of what it is not."""
    given = F.col(model.GIVEN_PREFIX + column.name)
    value = given
    helpers: list[Column] = []
    if column.codes is not None:
        value = F.col(_CITY + column.name)
        if column.codes.table is None:  # a list in a table is joined later, by with_codes
            value, helpers = _coded(given, value, column)
    if _standard(column) is not None:
        found = F.col(_FOUND + column.name)
        value = found[VALUE]
        helpers = [*helpers, found[REASON].alias(model.INVALID_PREFIX + column.name)]
    return value, helpers


def _typed(column: model.Column, text: Column) -> Iterator[Column]:
    """What is cast of a column; of a local time a second candidate besides."""
    name = _TYPED + column.name
    if column.spark_type == "timestamp":
        yield from moments.instants(text, column, name)
    elif column.is_cast:
        plain = text if column.number is None else F.col(_PLAIN + column.name)
        yield cast(plain, column).alias(name)


def _values(column: model.Column, text: Column, helpers: Sequence[Column]) -> Iterator[Column]:
    """The typed value and all helper columns of one contract column; see :func:`_text`."""
    typed = F.col(_TYPED + column.name) if column.is_cast else text
    uncast = F.when(text.isNotNull() & typed.isNull(), text)
    if column.has_local_times:
        typed, of_time = moments.judged(text, column, typed)
        helpers = [*helpers, *of_time]
    yield typed.alias(column.name)
    yield from helpers
    if column.is_cast:
        yield uncast.alias(model.UNCAST_PREFIX + column.name)
    if column.required and (column.is_cast or column.codes is not None):
        yield F.col(model.GIVEN_PREFIX + column.name)


def _mapped(given: Column, mapping: dict[str, str]) -> Column:
    """The city's code of a source's own code; any other text as it is."""
    if not mapping:
        return given
    return F.coalesce(F.try_element_at(texts.literal_map(mapping), given), given)


def _coded(given: Column, city: Column, column: model.Column) -> tuple[Column, list[Column]]:
    """Today's code of a short list, and the helper columns of what is not one."""
    codes = column.codes or Codes(list_id="")
    value = _mapped(city, codes.replaced)
    known = F.coalesce(value.isin(list(codes.values)), F.lit(False))
    unknown = F.when(given.isNotNull() & ~known, given)
    helpers = [unknown.alias(model.UNKNOWN_PREFIX + column.name)]
    if codes.carries:
        carried = F.when(known & (value != city), given)
        helpers.append(carried.alias(model.REPLACED_PREFIX + column.name))
    return F.when(known, value), helpers


def with_codes(typed: DataFrame, dataset: Dataset, tables: dict[str, DataFrame]) -> DataFrame:
    """Carry the codes of long lists to today's.

    Args:
        typed: result of :func:`standardize`.
        dataset: the compiled contract.
        tables: per column whose list stands in a table, a frame of code and today's code; with
            ``as_of`` also the first day that the line is good for and the first that it is not.

    Returns:
        ``typed`` with today's code in the column's place and its helper columns; row count
        unchanged, for a code stands once in a table, or once for each day.
    """
    for column in dataset.columns:
        codes = column.codes
        if codes is None or codes.table is None:
            continue
        names = [f"_{part}_{column.name}" for part in ("code", "today", "first", "end")]
        table = tables[column.name]
        table = table.toDF(*names[: len(table.columns)])
        given, today = F.col(column.name), F.col(names[1])
        same = given == F.col(names[0])
        if codes.as_of is not None:
            # Without a day only what always meant the same can be told.
            day = F.coalesce(F.col(codes.as_of).cast("date"), F.lit(FIRST_DAY))
            same = same & (day >= F.col(names[2])) & (day < F.col(names[3]))
        made = {
            model.UNKNOWN_PREFIX + column.name: F.when(today.isNull(), given),
            column.name: today,
        }
        if codes.carries:
            made[model.REPLACED_PREFIX + column.name] = F.when(today != given, given)
        typed = typed.join(F.broadcast(table), same, "left").withColumns(made).drop(*table.columns)
    return typed


def with_positions(typed: DataFrame, dataset: Dataset) -> DataFrame:
    """Mark positions that can't be, or are not expected, in an ``_invalid_<column>``."""
    for column in dataset.columns:
        check = column.check
        if check is not None and check.longitude is not None:
            reason = _position_fault(F.col(column.name), F.col(check.longitude), check)
            typed = typed.withColumn(model.INVALID_PREFIX + column.name, reason)
    return typed


def _position_fault(north: Column, east: Column, check: Check) -> Column:
    swapped = (F.abs(north) > 90) & (F.abs(east) <= 90)
    found = F.when((north == 0) & (east == 0), str(Reason.ORIGIN))
    off = (F.abs(north) > 90) | (F.abs(east) > 180)
    if check.within is None:
        return found.when(swapped, str(Reason.SWAPPED)).when(off, str(Reason.OFF_GLOBE))
    inside, mirrored = _inside(north, east, check.within), _inside(east, north, check.within)
    return (
        found.when(swapped | (~inside & mirrored), str(Reason.SWAPPED))
        .when(off, str(Reason.OFF_GLOBE))
        .when(~inside, str(Reason.OUTSIDE))
    )


def _inside(north: Column, east: Column, area: Area) -> Column:
    between = [north.between(area.south, area.north), east.between(area.west, area.east)]
    return fold(operator.and_, between)


def with_references(
    typed: DataFrame,
    dataset: Dataset,
    parents: dict[str, DataFrame],
    large: Collection[str] = (),
) -> DataFrame:
    """Mark values that the referenced table doesn't hold.

    Args:
        typed: result of :func:`standardize`.
        dataset: the compiled contract.
        parents: per column with a reference, a frame whose only column holds the
            allowed values.
        large: columns whose values are too many to be held in memory, once for each task.

    Returns:
        ``typed`` with an ``_orphan_<column>`` per reference; row count unchanged.
    """
    for column in dataset.columns:
        if column.reference is None:
            continue
        seen = f"_seen_{column.name}"
        allowed = parents[column.name].toDF(seen).distinct()
        value = F.col(column.name)
        orphan = F.when(value.isNotNull() & F.col(seen).isNull(), value)
        near = allowed if column.name in large else F.broadcast(allowed)
        typed = (
            typed.join(near, value == F.col(seen), "left")
            .withColumn(model.ORPHAN_PREFIX + column.name, orphan)
            .drop(seen)
        )
    return typed
