"""A table whose first commit never came is made at the next try."""

from __future__ import annotations

from pathlib import Path

import pytest

from civiclake.io.lake import tables
from civiclake.settings import load_settings


@pytest.mark.parametrize(
    ("left", "stays"),
    [
        ("_staged_commits/", False),
        (".00000000000000000000.json.4711.tmp", False),
        ("00000000000000000000.json", True),
        ("00000000000000000010.checkpoint.parquet", True),
    ],
)
def test_only_a_log_without_a_commit_goes(tmp_path: Path, left: str, stays: bool) -> None:
    settings = load_settings().model_copy(update={"state_dir": tmp_path, "lake_uri": None})
    log = Path(tables.location(settings, tables.QUARANTINE, "x")) / "_delta_log"
    log.mkdir(parents=True)
    if left.endswith("/"):
        (log / left).mkdir()
    else:
        (log / left).write_text("{}")
    tables.clear_unmade(settings, tables.QUARANTINE, "x")
    assert log.exists() is stays
    tables.clear_unmade(settings, tables.QUARANTINE, "none")
