"""Landing's renditions become files of a raw table as they are: by a name and a line of its log.

Landing has read the delivery and written it as Parquet, and where it knew as which file of its
batch raw would know it, with all of raw's columns. To let Spark read and write that once more took
a fifth of a large load. Here each file gets a second name in the table's folder, and one commit of
the engine (:mod:`civiclake.io.lake.append`) names them all. Neither name is ever written to.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from civiclake import columns as c
from civiclake.contracts.model import Load
from civiclake.io.lake import objects, tables
from civiclake.io.lake.append import Added, commit
from civiclake.io.landing.manifest import BatchManifest, LandedFile
from civiclake.io.reading.rendition import Lineage, holds
from civiclake.settings import Settings

_MANY, _SMALL_BYTES = 32, 1 << 20
"""More small files than that are better put together, which Spark does."""
_FOLDER, _FILE = 0o750, 0o640
"""As the engine makes them."""


def lineages(manifest: BatchManifest) -> list[Lineage]:
    """As what raw knows each file of a batch."""
    # The files of a snapshot are one state, and that has one time.
    taken = manifest.taken_at if manifest.load is Load.SNAPSHOT else None
    return [
        Lineage(manifest.batch_id, place, file.path, taken or file.modified_at)
        for place, file in enumerate(manifest.files)
    ]


def take(
    spark: SparkSession,
    settings: Settings,
    table: str,
    manifest: BatchManifest,
    batch_dir: Path,
    names: Sequence[str],
) -> bool:
    """Let raw have a batch's renditions.

    Args:
        spark: session on the jobs' engine.
        settings: says where the lake is.
        table: the raw table without layer, which exists.
        manifest: of the batch.
        batch_dir: the batch's folder in landing.
        names: the columns of the source that raw keeps of this batch, as stored.

    Returns:
        Whether it was done; False, and nothing is changed, where Spark has to copy them: the batch
        was tried before, is of an older CivicLake or of many small files, or a file holds a
        column that raw is not to have.

    Raises:
        StateUnavailable: the store of a lake in S3 does not answer; trying again may help.
    """
    root = tables.location(settings, tables.RAW, table)
    folder = f"{root}/{c.BATCH}={manifest.batch_id}"
    known = zip(manifest.files, lineages(manifest), strict=True)
    found = [_renditions(batch_dir, file, lineage, names) for file, lineage in known]
    if not manifest.rows or None in found or tables.is_there(settings, folder):
        return False
    files = [(path, rows) for path, rows in filter(None, found) if rows]
    if len(files) > _MANY and sum(p.stat().st_size for p, _ in files) < len(files) * _SMALL_BYTES:
        return False
    columns = [*((name, "string") for name in names), *tables.RAW_LINEAGE]
    held = [column for column in columns if column[0] != c.BATCH]
    try:
        added = [_add(settings, folder, path, n, rows) for n, (path, rows) in enumerate(files)]
    except OSError:  # the engine may have more rights, and says it better where it has not
        tables.clear(settings, folder)
        return False
    # Where this fails nobody knows whether the files were committed: they stay, and by their
    # folder the next try knows that the batch was tried before.
    if commit(spark, root, held, added):
        return True
    tables.clear(settings, folder)
    return False


def _renditions(
    batch_dir: Path, file: LandedFile, lineage: Lineage, names: Sequence[str]
) -> tuple[Path, int] | None:
    """A file's rendition and its rows, where it holds what raw would and nothing besides."""
    if file.rendition is None:
        return None
    path = batch_dir / file.rendition
    with contextlib.suppress(OSError, pa.ArrowInvalid):
        with pq.ParquetFile(path) as opened:
            schema, rows = opened.schema_arrow, opened.metadata.num_rows
        own = {name for name, _ in tables.RAW_LINEAGE}
        if holds(schema, lineage) and rows == file.rows and set(schema.names) <= {*names, *own}:
            return path, rows
    return None


def _add(settings: Settings, folder: str, path: Path, number: int, rows: int) -> Added:
    """Give a rendition its second name among the table's files, with its partition's folder."""
    name = f"part-{number:05d}-{uuid.uuid4()}-c000.zstd.parquet"
    if settings.lake_uri is not None:
        size = objects.put(settings, f"{folder}/{name}", path)
    else:
        size = _link(path, Path(folder, name))
    partition = folder.rpartition("/")[2]
    at = {c.BATCH: partition.partition("=")[2]}
    return Added(f"{partition}/{name}", size, {"numRecords": rows}, at)


def _link(path: Path, target: Path) -> int:
    """Where it can't have a second name, as on another disk, a copy."""
    target.parent.mkdir(mode=_FOLDER, exist_ok=True)
    try:
        target.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, target)
    target.chmod(_FILE)
    return target.stat().st_size
