"""A workbook: the first of its sheets that holds a table is taken for the dataset's."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import IO, cast

from civiclake.contracts.model import FileFormat
from civiclake.contracts.sample import Sample
from civiclake.errors import SourceError
from civiclake.io.formats import sniff, xlsx
from civiclake.io.samples.files import SAID_BY, described, look, unpacked


def take(path: Path, department: str, rows: int) -> Sample:
    """The first rows of the first sheet that holds any.

    Raises:
        SourceError: it can't be read, or no sheet holds a table.
    """
    names = _sheets(path)
    if len(names) == 1:
        return look(path, department, rows, described(FileFormat.XLSX))
    faults = []
    for name in names:
        others = ", ".join(n for n in names if n != name)[:200]
        note = f"the sheet `{name}` is taken, and not {others}"
        try:
            dataset = described(FileFormat.XLSX, sheet=name)
            found = look(path, department, rows, dataset, (note,))
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


def _sheets(path: Path) -> list[str]:
    with unpacked(path) as binary, tempfile.TemporaryFile() as copy:
        sniff.check(binary, FileFormat.XLSX, said_by=SAID_BY)
        shutil.copyfileobj(binary, cast(IO[bytes], copy), 1 << 20)
        copy.seek(0)
        return xlsx.sheets(copy)
