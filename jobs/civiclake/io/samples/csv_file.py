"""A CSV file: its encoding and delimiter are found by trying."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

from civiclake.contracts.faults import choice
from civiclake.contracts.model import FileFormat
from civiclake.contracts.sample import Sample
from civiclake.errors import SourceError
from civiclake.io.inspect import Unreadable, text_lines, why
from civiclake.io.samples.files import ENCODINGS, server, unpacked

_DELIMITERS = ",;\t|"
_SNIFFED_CHARACTERS = 64_000


def take(path: Path, department: str, rows: int) -> Sample:
    """The header and the first rows.

    Raises:
        SourceError: it can't be read, or has no header.
    """
    head, encoding = _head(path, rows + 1)
    delimiter = _delimiter(head)
    try:
        records = list(csv.reader(head.splitlines(keepends=True), delimiter=delimiter))
    except csv.Error as error:
        raise SourceError(f"{path.name} can't be read: {why(Unreadable(str(error)))}") from None
    if not records or not records[0]:
        raise SourceError(f"{path.name} is empty: its first line must name the columns")
    header = tuple(name.strip() for name in records[0])
    whole = [tuple(r) for r in records[1:] if len(r) == len(header)]
    return Sample(
        header=header,
        rows=tuple(whole),
        server=server(path, department, FileFormat.CSV, encoding),
        loading={"load": "files"} | ({} if delimiter == "," else {"delimiter": delimiter}),
        origin=path.name,
        physical_type="file",
    )


def _head(path: Path, lines: int) -> tuple[str, str]:
    """The first lines, and the encoding in which they can be read."""
    for encoding in ENCODINGS:
        with unpacked(path) as binary:
            try:
                return "".join(itertools.islice(text_lines(binary, encoding), lines)), encoding
            except UnicodeError:
                continue
    raise SourceError(f"{path.name} is neither of {choice(ENCODINGS)}")


def _delimiter(head: str) -> str:
    """What splits the header into most columns, if the lines after it agree."""
    lines = head[:_SNIFFED_CHARACTERS].splitlines()[:50]

    def columns(delimiter: str) -> int:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        agreed = sum(width == widths[0] for width in widths) if widths else 0
        return widths[0] if widths and agreed >= 0.8 * len(widths) else 0

    return max(_DELIMITERS, key=columns)
