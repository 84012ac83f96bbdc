"""A workbook: the first of its sheets that holds a table is taken for the dataset's."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.model import FileFormat
from civiclake.errors import SourceError
from civiclake.io.formats import sniff, xlsx
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.files import SAID_BY, described, look, unpacked


def take(path: Path, department: str, asked: Asked) -> Sample:
    """The rows of the first sheet that holds any; sheets that are shown come first.

    Raises:
        SourceError: it can't be read, or no sheet holds a table.
    """
    with _seekable(path) as copy:
        names = xlsx.sheets(copy)
    if len(names) == 1:
        return _sheet(path, department, asked, names[0])
    faults = []
    for name in names:
        others = ", ".join(n for n in names if n != name)[:200]
        note = f"the sheet `{name}` is taken, and not {others}"
        try:
            found = _sheet(path, department, asked, name, note, sheet=name)
        except SourceError as error:
            faults.append(error)
            continue
        if found.rows:
            return found
    if faults:
        raise faults[0]
    raise SourceError(
        f"{path.name} holds no rows in any of its sheets ({', '.join(names)[:200]}); allowed is"
        " a sheet whose first row names the columns"
    )


def _sheet(
    path: Path, department: str, asked: Asked, name: str, *notes: str, **source: Any
) -> Sample:
    """One sheet's sample; titles above the columns' names are told."""
    with _seekable(path) as copy:
        header = xlsx.header_row(copy, name)
    if header > 1:
        source["header_row"] = header
        notes = (*notes, f"row {header} is taken for the header, and what is above it for titles")
    return look(path, department, asked, described(FileFormat.XLSX, **source), notes)


@contextlib.contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    with unpacked(path) as binary, tempfile.TemporaryFile() as copy:
        sniff.check(binary, FileFormat.XLSX, said_by=SAID_BY)
        shutil.copyfileobj(binary, cast(IO[bytes], copy), 1 << 20)
        copy.seek(0)
        yield copy
