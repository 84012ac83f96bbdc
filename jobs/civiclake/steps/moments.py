"""Instants: texts that say their zone, local times of the contract's zone, and counted seconds.

A text is a local time if the parser needed no zone to read it; what stands at its end does not
decide. Twice a year local time is no sure guide: in spring the clocks skip an hour, in autumn they
show one twice. Both are told, and a time that came twice is told apart where the data allow it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts import model
from civiclake.contracts.model import Dataset
from civiclake.contracts.notation import (
    Epoch,
    by_offset,
    local_pattern,
    names_zones,
    zone_offsets,
)
from civiclake.steps.texts import is_moment, is_number, literal_map

WALL = "_wall_"
"""What the clocks showed, where the text left the zone to the contract, as if it were in UTC."""
LATER = "_later_"
"""The instant of that local time by the offset that holds a day later."""

_TIME = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{1,2}(?:\.\d*)?)?"
_LOCAL = f"^{_TIME}$"
_SPELLED = rf"^({_TIME}) ?(\S.*)$"
_MINUTES = len("2016-01-01T12:00")
_MICROS = {Epoch.SECONDS: 1_000_000, Epoch.MILLISECONDS: 1_000}
_DAY = 86_400_000_000
_START = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = (
    (moment.replace(tzinfo=UTC) - _START) // timedelta(microseconds=1)
    for moment in (datetime.min, datetime.max)
)
_NOT_ONE_PLACE = (
    "ACT", "AET", "AGT", "ART", "AST", "BET", "BST", "CAT", "CNT", "CST", "CTT", "EAT", "ECT",
    "IET", "IST", "MIT", "NET", "NST", "PLT", "PNT", "PRT", "PST", "SST", "VST",
)  # fmt: skip
"""Short names that the JVM takes for one of several zones: ``BST`` is Dhaka to it."""


def walls(text: Column, column: model.Column) -> Iterator[Column]:
    """What is read first of a column with local times, in a projection of its own."""
    if column.format:
        pattern = local_pattern(column.format)
        wall = F.try_to_timestamp(text, F.lit(pattern))
    else:
        wall = F.when(text.rlike(_LOCAL), text.try_cast("timestamp"))
    yield wall.alias(WALL + column.name)


def instants(text: Column, column: model.Column, alias: str) -> Iterator[Column]:
    """The instant, or null where the text is none, and for local times the later candidate.

    Args:
        text: what the source gave.
        column: a timestamp; where it has local times, :func:`walls` stand beside the text.
        alias: name of the instant.
    """
    if column.epoch is not None:
        yield _counted(text, column.epoch).alias(alias)
    elif not column.has_local_times:
        yield _said(text, column).alias(alias)
    else:
        wall = F.col(WALL + column.name)
        local = F.to_utc_timestamp(wall, column.timezone)
        needs_no_zone = column.format is not None and local_pattern(column.format) == column.format
        said = local if needs_no_zone else F.when(wall.isNull(), _said(text, column))
        yield F.coalesce(local, said).alias(alias)
        tomorrow = F.to_utc_timestamp(_shifted(wall, _DAY), column.timezone)
        yield _shifted(tomorrow, -_DAY).alias(LATER + column.name)


def judged(text: Column, column: model.Column, instant: Column) -> tuple[Column, list[Column]]:
    """The instant of a local time that there was, and the helper columns of the two strange hours.

    Only on a day before the clocks change do the two candidates differ.
    """
    wall, later = F.col(WALL + column.name), F.col(LATER + column.name)
    unsure = wall.isNotNull() & (instant != later)
    skipped = unsure & (F.from_utc_timestamp(instant, column.timezone) != wall)
    twice = unsure & ~skipped & (F.from_utc_timestamp(later, column.timezone) == wall)
    return F.when(~F.coalesce(skipped, F.lit(False)), instant), [
        F.when(skipped, text).alias(model.SKIPPED_PREFIX + column.name),
        F.when(twice, later).alias(model.AMBIGUOUS_PREFIX + column.name),
    ]


def _shifted(moment: Column, micros: int) -> Column:
    return F.timestamp_micros(F.unix_micros(moment) + F.lit(micros))


def _counted(text: Column, epoch: Epoch) -> Column:
    """Seconds or milliseconds since 1970; none that lie outside of the calendar's four digits."""
    number = F.when(is_number(text), text.try_cast("decimal(28,9)"))
    micros = F.floor(number * F.lit(_MICROS[epoch])).try_cast("bigint")
    return F.when(micros.between(_FIRST, _LAST), F.timestamp_micros(micros))


def _said(text: Column, column: model.Column) -> Column:
    """The instant of a text that says its zone, or leaves it out and means UTC."""
    if column.format is None:
        direct = F.when(is_moment(text), text.try_cast("timestamp"))
        return F.coalesce(direct, _spelled(text, column))
    found = F.try_to_timestamp(text, F.lit(column.format))
    if not names_zones(column.format):
        return found
    offsets = zone_offsets(column.timezone)
    name = F.regexp_extract(text, rf"(?<![A-Za-z/])({'|'.join(offsets)})(?![A-Za-z/])", 1)
    numbered = F.replace(text, name, F.try_element_at(literal_map(offsets), name))
    return F.coalesce(F.try_to_timestamp(numbered, F.lit(by_offset(column.format))), found)


def _spelled(text: Column, column: model.Column) -> Column:
    """The rarer ways to say a zone: by name, or after a time without seconds."""
    time, zone = (F.regexp_extract(text, _SPELLED, part) for part in (1, 2))
    whole = F.when(F.length(time) == _MINUTES, F.concat(time, F.lit(":00"))).otherwise(time)
    known = F.try_element_at(literal_map(zone_offsets(column.timezone)), F.upper(zone))
    offset = F.coalesce(known, F.when((zone != "") & ~zone.isin(*_NOT_ONE_PLACE), zone))
    return F.concat(whole, F.lit(" "), offset).try_cast("timestamp")


def local_times_of_key(dataset: Dataset) -> list[str]:
    """The columns of the key whose times clocks may have shown twice."""
    return [name for name in dataset.key if dataset.column(name).has_local_times]


def told_apart(rows: DataFrame, dataset: Dataset, column: str) -> DataFrame:
    """The rows that are the later of two of one key, which clocks showed at the same time.

    A file is written as things happened: where exactly two of its rows share a key and a time
    that came twice, the first is the earlier instant.

    Args:
        rows: judged rows.
        dataset: the compiled contract.
        column: name of the column of the key.

    Returns:
        ``_record_id`` of those rows.
    """
    unsure = rows.where(F.col(c.IS_SOUND) & F.col(model.AMBIGUOUS_PREFIX + column).isNotNull())
    same = [c.BATCH, c.FILE, *dataset.key, c.SEQUENCE]
    place = F.row_number().over(Window.partitionBy(*same).orderBy(c.ROW))
    found = unsure.select(
        c.RECORD, place.alias("_place"), F.count("*").over(Window.partitionBy(*same)).alias("_rows")
    )
    return found.where((F.col("_rows") == 2) & (F.col("_place") == 2)).select(c.RECORD)


def with_later(rows: DataFrame, later: DataFrame, dataset: Dataset, column: str) -> DataFrame:
    """Give the rows of :func:`told_apart` the later of their two instants."""
    helper = model.AMBIGUOUS_PREFIX + column
    told = later.select(F.col(c.RECORD).alias("_told_later"))
    joined = rows.join(F.broadcast(told), F.col(c.RECORD) == F.col("_told_later"), "left")
    is_later = F.col("_told_later").isNotNull()
    names = [column, c.SEQUENCE] if dataset.sequence == column else [column]
    moved = {n: F.when(is_later, F.col(helper)).otherwise(F.col(n)) for n in names}
    return joined.withColumns(moved).drop("_told_later")
