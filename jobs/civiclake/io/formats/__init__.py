"""Readers of file formats: each turns the bytes of one file into a header and rows of text.

CSV needs none (:mod:`civiclake.io.reading.csv_records` reads it). A reader is one module with
``read(binary, dataset) -> Table``; it is imported only when a file of its kind comes, because
some of the libraries take half a second.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import IO, cast

from civiclake.contracts.model import Dataset, FileFormat
from civiclake.io.formats import canonical, sniff
from civiclake.io.formats.table import Table
from civiclake.io.reading.csv_records import Rename
from civiclake.io.reading.inspect import Inspection, Unreadable
from civiclake.io.reading.rendition import Lineage

_READERS = {
    FileFormat.JSON: "json_document",
    FileFormat.JSONL: "json_lines",
    FileFormat.XML: "xml_records",
    FileFormat.XLSX: "xlsx",
    FileFormat.PARQUET: "parquet",
    FileFormat.GTFS_RT: "gtfs_rt",
}
_SEEKING = (FileFormat.XLSX, FileFormat.PARQUET)
"""They have their table of contents at the end."""


def render(
    dataset: Dataset,
    binary: io.BufferedReader,
    target: Path,
    rename: Rename,
    lineage: Lineage | None = None,
) -> Inspection:
    """Read a file that is no CSV to its end, and write its rendition.

    Args:
        dataset: the compiled contract, which says the format and what it wants to know.
        binary: the file's bytes, unpacked.
        target: the Parquet file to write; its folder is there.
        rename: gives the header in the contract's words.
        lineage: of the delivered file, where that is known.

    Raises:
        Unreadable: the file is not what the contract says, or is damaged.
    """
    expected = tuple(column.source_name for column in dataset.columns)
    with reading(dataset, binary, target.parent) as table:
        return canonical.write(table, target, expected, rename, lineage)


@contextlib.contextmanager
def reading(
    dataset: Dataset,
    binary: io.BufferedReader,
    folder: Path | None = None,
    *,
    said_by: str = "the contract's `format`",
) -> Iterator[Table]:
    """The table of a file that is no CSV, while it is read.

    Args:
        dataset: what says the format and what the format's reader wants to know.
        binary: the file's bytes, unpacked.
        folder: for a copy, where the format needs one; by default the system's own.
        said_by: who says what the format is.

    Raises:
        Unreadable: the file is not what it should be, or is damaged.
    """
    kind = dataset.source.format
    sniff.check(binary, kind, said_by=said_by, encoding=dataset.source.encoding)
    reader = import_module(f"{__name__}.{_READERS[kind]}")
    try:
        if kind not in _SEEKING:
            yield cast(Table, reader.read(binary, dataset))
            return
        with tempfile.TemporaryFile(dir=folder) as copy:
            shutil.copyfileobj(binary, cast(IO[bytes], copy), 1 << 20)
            copy.seek(0)
            yield cast(Table, reader.read(copy, dataset))
    except RecursionError:
        raise Unreadable("its values are nested too deeply") from None
