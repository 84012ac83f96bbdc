"""Files of which every row is a record: JSON lines and Parquet."""

from __future__ import annotations

from pathlib import Path

from civiclake.contracts.model import FileFormat
from civiclake.contracts.sample import Sample
from civiclake.io.samples.files import described, encoding_of, look


def take(path: Path, department: str, rows: int) -> Sample:
    """The first rows.

    Raises:
        SourceError: it can't be read, or holds no record.
    """
    if ".parquet" in (s.lower() for s in path.suffixes[-2:]):
        return look(path, department, rows, described(FileFormat.PARQUET))
    dataset = described(FileFormat.JSONL, encoding=encoding_of(path, FileFormat.JSONL))
    return look(path, department, rows, dataset)
