"""Any database that has a JDBC driver: read by the jobs engine, written as CSV into the draft.

The driver's JAR is named in the setting ``engine.jars``, its class in the contract. One
statement sees one state of the table; the ranges of a partitioned read are statements of
their own, and no driver lets them share a snapshot. The watermark is taken before the rows,
so what changes in between comes the next night as well.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from civiclake.contracts.model import Dataset
from civiclake.contracts.sql import sql_name
from civiclake.errors import EngineError, SourceError, UserError
from civiclake.io.lake import objects
from civiclake.io.lake.tables import STAGING
from civiclake.io.landing.delivery import credential, expand
from civiclake.io.landing.drafts import Draft
from civiclake.io.landing.drift import refuse_columns
from civiclake.io.landing.manifest import LandedFile
from civiclake.io.sources import parts, tables
from civiclake.io.sources.registry import Asked, Pulled
from civiclake.io.sources.tables import Fault
from civiclake.settings import Settings

_INSTANTS = ("timestamp", "timestamp_ntz", "date")
_INTEGERS = ("tinyint", "smallint", "int", "bigint", "decimal(0)")
_NUMBERS = (*_INTEGERS, "decimal")
_FETCHED = "fetched"
_FAULTS = (
    (Fault.LOGIN, r"password authentication failed|access denied|ORA-01017|login failed|28P01"),
    (Fault.FORBIDDEN, r"permission denied|command denied|permission was denied|ORA-01031"),
    (Fault.NO_DATABASE, r"database \S+ (does not|doesn't) exist|unknown database"),
    (Fault.MISSING, r"(does not|doesn't) exist|ORA-00942|invalid (object|column) name"),
    (Fault.UNREACHABLE, r"refused|timed out|unknown ?host|communications link|no route|closed"),
)
"""Drivers agree on no codes; what they say of these is what they have in common."""


@dataclass(frozen=True)
class _Table:
    """What is read, as the engine sees it."""

    dataset: Dataset
    spark: SparkSession
    options: dict[str, str]
    kinds: dict[str, str]
    """By the contract's name."""
    spelled: dict[str, str]
    """The table's own name, where it is another."""

    def column(self, name: str) -> Column:
        """A column by the contract's name."""
        return _named(self.spelled.get(name, name))

    @property
    def header(self) -> tuple[str, ...]:
        """The columns to read."""
        return tables.header(self.dataset, self.kinds)

    def frame(self, **more: str) -> DataFrame:
        """The rows; nothing is read until they are asked for."""
        return self.spark.read.format("jdbc").options(**{**self.options, **more}).load()

    def row(self, frame: DataFrame) -> list[str | None]:
        """The one row of an aggregate, as text."""
        shown = frame.select([_text(_named(name), _kind(kind)) for name, kind in frame.dtypes])
        return list(shown.collect()[0])


def pull(asked: Asked) -> Pulled:
    """Let the engine read the table, or what of it is new, into the draft.

    Args:
        asked: dataset, draft and watermark of the batch.

    Raises:
        EngineError: there is no engine that could write into landing.
    """
    dataset, watermark = asked.dataset, asked.watermark
    if asked.connect is None or asked.settings.engine.remote:
        raise EngineError(
            f"{dataset.id}: a source of connector jdbc is read by the jobs engine of this machine:"
            " run `civiclake engine up`"
        )
    spark = asked.connect(asked.settings)
    try:
        with _translated(dataset):
            table = _table(dataset, spark)
            moment, newest, condition = datetime.now(UTC), watermark, F.lit(True)
            if dataset.reads_by_watermark:
                sequence = tables.sequence(dataset, table.kinds, _INSTANTS, _NUMBERS)
                newest = _newest(table, sequence, moment) or watermark
                if watermark is not None:
                    condition = _since(table, sequence, watermark)
            count = _fetch(table, condition, asked.draft, asked.settings)
    finally:
        spark.stop()
    return Pulled(_landed(table, asked.draft, moment, count), newest)


def _table(dataset: Dataset, spark: SparkSession) -> _Table:
    source = dataset.source
    url = expand(dataset, "location", source.location)
    if re.search(r"(?i)passw|pwd|//[^/]*@(?=[^/]*/)", url):
        raise UserError(
            f"{dataset.path}: the location of {dataset.id} holds a login: leave it out, it is "
            f"taken from {(source.connection or '').upper()}_USER and _PASSWORD"
        )
    named = ".".join(filter(None, (source.db_schema, source.table or dataset.name)))
    options = {
        "fetchsize": "10000",
        "preferTimestampNTZ": "true",
        **source.options,
        "url": url,
        "dbtable": f"({source.query}) asked" if source.query else named,
        "user": credential(dataset, "USER"),
        "password": credential(dataset, "PASSWORD"),
    }
    table = _Table(dataset, spark, options, {}, {})
    found = {name: _kind(kind) for name, kind in table.frame().dtypes}
    table.spelled.update(tables.spellings(dataset, found))
    table.kinds.update(tables.in_contract_s_words(found, table.spelled))
    refuse_columns(dataset, tables.what(dataset), list(table.kinds))
    return table


def _fetch(table: _Table, condition: Column, draft: Draft, settings: Settings) -> int:
    """Let the engine write; returns how many rows it says it wrote.

    Executors of other hosts reach no folder of this one: what they write to a lake in S3 is
    fetched from there.
    """
    here = draft.folder / _FETCHED
    if not settings.engine.is_clustered:
        return _write(table, condition, f"file://{here}")
    there = f"{settings.lake}/{STAGING}/{table.dataset.table}/{_FETCHED}-{uuid.uuid4()}"
    try:
        count = _write(table, condition, there)
        here.mkdir(mode=0o700)
        for name in objects.names(settings, there):
            if name.endswith(".csv.gz"):
                objects.fetch(settings, f"{there}/{name}", here / name)
    finally:
        objects.remove(settings, there)
    return count


def _write(table: _Table, condition: Column, place: str) -> int:
    more = _ranges(table, condition) if table.dataset.source.partition else {}
    chosen = [_text(table.column(name), table.kinds[name]).alias(name) for name in table.header]
    seen = Observation("fetched")
    frame = table.frame(**more).where(condition).select(chosen)
    frame.observe(seen, F.count(F.lit(1)).alias("rows")).write.csv(
        place,
        header=True,
        compression="gzip",
        escape='"',
        ignoreLeadingWhiteSpace=False,
        ignoreTrailingWhiteSpace=False,
    )
    return int(seen.get["rows"])


def _ranges(table: _Table, condition: Column) -> dict[str, str]:
    partition = table.dataset.source.partition
    assert partition is not None
    name = tables.partition_column(table.dataset, table.kinds, _INTEGERS)
    column = table.column(name)
    ends = [F.min(column).alias("low"), F.max(column).alias("high")]
    low, high = table.row(table.frame().where(condition).agg(*ends))
    if low is None or high is None:
        return {}
    return {
        "partitionColumn": table.spelled.get(name, name),
        "lowerBound": low,
        "upperBound": high,
        "numPartitions": str(partition.parts),
    }


def _landed(table: _Table, draft: Draft, moment: datetime, count: int) -> tuple[LandedFile, ...]:
    """The engine's files under their names in landing, read through once."""
    dataset, origin, version = table.dataset, table.options["url"], moment.isoformat()
    landed = parts.Parts(draft, dataset.name, table.header, origin, moment, version)
    files: list[LandedFile] = []
    for made in sorted((draft.folder / _FETCHED).glob("part-*.csv.gz")):
        path = draft.place(f"{dataset.name}.csv.gz")
        made.rename(draft.path(path))
        files.append(_inspected(path, landed, len(files)))
    shutil.rmtree(draft.folder / _FETCHED)
    total = sum(file.rows for file in files)
    if total != count:
        raise SourceError(
            f"{dataset.id}: the engine read {count} rows but {total} are landed: "
            "run the batch again"
        )
    return landed.kept(files) if total else landed.fill(_nothing())


def _inspected(name: str, table: parts.Parts, place: int) -> LandedFile:
    path = table.draft.path(name)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    found = table.rendered(name, place)
    return LandedFile(
        path=name,
        rendition=parts.rendition_of(name),
        origin=table.origin,
        size_bytes=path.stat().st_size,
        sha256=digest,
        rows=found.rows,
        header=found.header,
        modified_at=table.moment,
        version=table.version,
        multiline=found.multiline,
        compressed=True,
    )


def _nothing() -> parts.Lines:
    yield from ()


def _kind(spark_type: str) -> str:
    decimal = re.fullmatch(r"decimal\(\d+,(\d+)\)", spark_type)
    if decimal:
        return "decimal" if int(decimal[1]) else "decimal(0)"
    return spark_type


def _named(name: str) -> Column:
    return F.col(sql_name(name))


def _text(column: Column, kind: str) -> Column:
    """A column as text; an instant keeps its offset, so that no zone is guessed later."""
    if kind == "timestamp":
        text = F.concat(F.date_format(column, "yyyy-MM-dd HH:mm:ss.SSSSSS"), F.lit("+00:00"))
    elif kind == "binary":
        text = F.concat(F.lit("\\x"), F.lower(F.hex(column)))
    else:
        text = column.cast("string")
    return text


def _newest(table: _Table, sequence: str, moment: datetime) -> str | None:
    column, kind = table.column(sequence), table.kinds[sequence]
    frame = table.frame()
    if kind in _INSTANTS:
        zone = table.dataset.column(table.dataset.sequence or "").timezone
        local = F.lit(moment) if kind == "timestamp" else F.from_utc_timestamp(F.lit(moment), zone)
        frame = frame.where(column <= local.cast(kind))
    unit = tables.per_second(table.dataset)
    if kind in _NUMBERS and unit:
        frame = frame.where(column <= F.lit(int(moment.timestamp() * unit)))
    (newest,) = table.row(frame.agg(F.max(column).alias("newest")))
    return newest


def _since(table: _Table, sequence: str, watermark: str) -> Column:
    column, kind = table.column(sequence), table.kinds[sequence]
    if kind not in _INSTANTS:
        counted = tables.counted_back(table.dataset, watermark)
        return (column >= F.lit(counted)) | column.isNull()
    mark = datetime.fromisoformat(watermark) - timedelta(seconds=table.dataset.overlap_seconds)
    return (column >= F.lit(mark.isoformat(" ")).cast(kind)) | column.isNull()


@contextmanager
def _translated(dataset: Dataset) -> Iterator[None]:
    """Turn what a driver says through the engine into one sentence."""
    try:
        yield
    except PySparkException as error:
        said: Any = str(error)
        if re.search(r"ClassNotFoundException|No suitable driver", said):
            raise UserError(
                f"{dataset.path}: the engine has no driver {dataset.source.options.get('driver')}: "
                "name its JAR in the setting engine.jars and start the engine again"
            ) from None
        causes = re.findall(r"(?:[\w$]+\.)+\w*Exception: ([^\n]+)", said)
        text = re.sub(r"^\[\w+(\.\w+)*\] ", "", causes[-1] if causes else said)
        kinds = [fault for fault, words in _FAULTS if re.search(words, said, re.IGNORECASE)]
        raise tables.sentence(dataset, kinds[0] if kinds else Fault.REFUSED, text) from None
