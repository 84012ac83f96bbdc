"""Files of which every row is a record: JSON lines and Parquet."""

from __future__ import annotations

from pathlib import Path

from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.model import FileFormat
from civiclake.io.samples.asked import Asked
from civiclake.io.samples.files import described, encoding_of, look


def take(path: Path, department: str, asked: Asked) -> Sample:
    """The rows.

    Raises:
        SourceError: it can't be read, or holds no record.
    """
    if ".parquet" in (s.lower() for s in path.suffixes[-2:]):
        return look(path, department, asked, described(FileFormat.PARQUET))
    found = encoding_of(path, FileFormat.JSONL, asked)
    dataset = described(FileFormat.JSONL, encoding=found.name)
    return look(path, department, asked, dataset, (found.note,))
