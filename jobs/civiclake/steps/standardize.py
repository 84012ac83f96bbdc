"""standardize: raw text -> the contract's types and the city's codes.

Nothing is lost on the way: a text that can't be cast, or that is in no code list, stands
in a helper column beside the null that took its place, so that validation can name it.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts import model
from civiclake.contracts.model import Codes, Dataset

ISO_DATE = "yyyy-MM-dd"
_LOOKS_LIKE_TIMESTAMP = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"
_LOOKS_LIKE_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def standardize(raw: DataFrame, dataset: Dataset) -> DataFrame:
    """Give every column its type, its code and its unified name.

    Args:
        raw: one row per record; every source column is text; lineage columns are there.
        dataset: the compiled contract.

    Returns:
        Per contract column the typed value, then the helper columns that its rules need
        (see :mod:`civiclake.contracts.model`), the record as it came, its lineage, and
        ``_sequence``.
    """
    selected: list[Column] = []
    for column in dataset.columns:
        selected.extend(_typed(column))
    record = F.create_map(
        *[part for col in dataset.columns for part in (F.lit(col.source_name), _source(col))]
    )
    sequence = F.col(dataset.sequence) if dataset.sequence else F.col(c.DELIVERED)
    lineage = [F.col(name) for name in (*c.LINEAGE, c.CORRUPT)]
    return raw.select(*selected, record.alias(c.RAW), *lineage).withColumn(c.SEQUENCE, sequence)


def _source(column: model.Column) -> Column:
    return F.col(f"`{column.source_name}`")


def _typed(column: model.Column) -> list[Column]:
    """The typed value and the helper columns of one contract column."""
    given = F.nullif(F.trim(_source(column)), F.lit(""))
    made: list[Column] = []
    value = given
    if column.codes is not None:
        value, known = _coded(given, column.codes)
        unknown = F.when(given.isNotNull() & ~known, given)
        made.append(unknown.alias(model.UNKNOWN_PREFIX + column.name))
        value = F.when(known, value)
    if column.is_cast:
        typed = _cast(value, column)
        made.append(
            F.when(value.isNotNull() & typed.isNull(), value).alias(
                model.UNCAST_PREFIX + column.name
            )
        )
        value = typed
    if column.required and (column.is_cast or column.codes is not None):
        made.append(given.alias(model.GIVEN_PREFIX + column.name))
    return [value.alias(column.name), *made]


def _coded(given: Column, codes: Codes) -> tuple[Column, Column]:
    """The city's code of a source code, and whether there is one."""
    city = given
    if codes.mapping:
        pairs = [F.lit(text) for pair in codes.mapping.items() for text in pair]
        city = F.coalesce(F.try_element_at(F.create_map(*pairs), given), given)
    return city, F.coalesce(city.isin(list(codes.values)), F.lit(False))


def _cast(text: Column, column: model.Column) -> Column:
    """The typed value, or null where the text is not exactly of that type.

    Spark's own casts are kinder than a record-keeper should be: ``2015`` is a date to
    them, ``1.239`` a price with two decimals, ``NaN`` a measurement.
    """
    kind = column.spark_type
    if kind == "date":
        return F.try_to_timestamp(text, F.lit(column.format or ISO_DATE)).cast("date")
    if kind == "timestamp":
        return _timestamp(text, column)
    if kind.startswith("decimal"):
        exact = text.try_cast("decimal(38,18)")
        typed = text.try_cast(kind)
        return F.when(exact == typed.cast("decimal(38,18)"), typed)
    if kind in ("double", "float"):
        typed = text.try_cast(kind)
        return F.when(text.rlike(_LOOKS_LIKE_NUMBER) & (F.abs(typed) < F.lit(float("inf"))), typed)
    return text.try_cast(kind)


def _timestamp(text: Column, column: model.Column) -> Column:
    if column.format:
        moment = F.try_to_timestamp(text, F.lit(column.format))
    else:
        moment = F.when(text.rlike(_LOOKS_LIKE_TIMESTAMP), text.try_cast("timestamp"))
    if column.timezone == "UTC":
        return moment
    # The session's zone is UTC: a text without an offset was read as if it were.
    return F.to_utc_timestamp(moment, column.timezone)


def with_references(typed: DataFrame, dataset: Dataset, parents: dict[str, DataFrame]) -> DataFrame:
    """Mark values that the referenced table doesn't hold.

    Args:
        typed: result of :func:`standardize`.
        dataset: the compiled contract.
        parents: per column with a reference, a frame whose only column holds the
            allowed values.

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
        typed = (
            typed.join(F.broadcast(allowed), value == F.col(seen), "left")
            .withColumn(model.ORPHAN_PREFIX + column.name, orphan)
            .drop(seen)
        )
    return typed
