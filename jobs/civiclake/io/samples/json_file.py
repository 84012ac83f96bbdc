"""A JSON document: where in it the records are is guessed from its lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.model import FileFormat
from civiclake.errors import SourceError
from civiclake.io.formats.json_stream import Reader
from civiclake.io.reading.inspect import text_blocks
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.files import described, encoding_of, look, unpacked
from civiclake.io.samples.records import DEPTH, no_records, path_to_records

_OUTLINED = 1000
"""Elements of a list that are looked at to tell whether it holds the records."""


def take(path: Path, department: str, asked: Asked) -> Sample:
    """The records of the list that most looks like the document's own.

    Raises:
        SourceError: it can't be read, or holds no list of records.
    """
    found = encoding_of(path, FileFormat.JSON, asked)
    records: str | None = None
    notes: tuple[str | None, ...] = (found.note,)
    with unpacked(path) as binary:
        outline = _outline(Reader(text_blocks(binary, found.name)))
    if not isinstance(outline, list):
        records = path_to_records(outline)
        if records is None:
            raise SourceError(f"{path.name} {no_records(outline)}")
        notes += (f"the records are taken from the list `{records}`",)
    dataset = described(FileFormat.JSON, encoding=found.name, records=records)
    return look(path, department, asked, dataset, notes)


def _outline(reader: Reader, depth: int = 0) -> Any:
    """The document without the ends of its lists, so that none is too long for the memory."""
    sign = reader.peek()
    if sign == "[":
        if depth == 0:
            return []  # it is the list of records, and is read as such
        found: list[Any] = []
        for element in reader.elements():
            if len(found) < _OUTLINED:
                found.append(element)
        return found
    if sign == "{" and depth < DEPTH:
        return {name: _outline(reader, depth + 1) for name in reader.members()}
    if sign == "{":
        reader.skip()
        return {}
    return reader.value()
