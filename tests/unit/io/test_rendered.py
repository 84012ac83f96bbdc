"""Batches that an older CivicLake landed, without renditions."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from civiclake.errors import SourceError
from civiclake.io.landing.manifest import LandedFile
from civiclake.io.landing.rendered import rendition
from civiclake.io.reading.inspect import LONGEST_LINE, LONGEST_VALUE


def landed(batch_dir: Path, text: str) -> LandedFile:
    """A table's part as it was landed once."""
    (batch_dir / "0000-trees.csv.gz").write_bytes(gzip.compress(text.encode(), 1))
    return LandedFile(
        path="0000-trees.csv.gz",
        origin="postgresql://parks/trees",
        size_bytes=1,
        sha256="0" * 64,
        rows=1,
        header=("id", "shape"),
        modified_at=datetime(2016, 7, 1, tzinfo=UTC),
        version="1",
        compressed=True,
    )


@pytest.mark.parametrize("mark", ["", '"'])
@pytest.mark.parametrize("length", [LONGEST_VALUE + 1, LONGEST_LINE * 2])
def test_what_was_accepted_once_is_read_however_long_it_is(
    tmp_path: Path, length: int, mark: str
) -> None:
    limit = csv.field_size_limit()
    shape = "x" * length
    found = rendition(tmp_path, landed(tmp_path, f"id,shape\n1,{mark}{shape}{mark}\n"))
    assert pq.read_table(found)["shape"].to_pylist() == [shape]
    assert csv.field_size_limit() == limit


def test_what_can_not_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    broken = "1,oak\n" * 3_000_000 + '1,"oak"s\n'
    with pytest.raises(SourceError, match="line 3000002"):
        rendition(tmp_path, landed(tmp_path, "id,shape\n" + broken))
    assert not list((tmp_path / "parts").iterdir())
