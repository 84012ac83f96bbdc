"""Which of two delivered files is the newer, and under what name both go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Load
from civiclake.io.landing.file_versions import name_of, newest, versions
from civiclake.io.landing.former import Gathered, files_of
from civiclake.io.landing.manifest import BatchManifest, LandedFile
from civiclake.settings import project_root

NOON = datetime(2016, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("origin", "location", "name"),
    [
        ("file:///srv/drops/health/cases.csv", "${DROPS}/health/*.csv", "cases.csv"),
        ("file:///srv/drops/health/new%20cases.csv", "${DROPS}/health/*.csv", "new cases.csv"),
        ("file:///elsewhere/health/cases.csv", "/srv/drops/health/cases.csv", "cases.csv"),
        ("file:///d/north/2016/cases.csv", "${DROPS}/*/2016/cases*.csv", "north/2016/cases.csv"),
        ("s3://bucket/in/a/b.csv", "s3://bucket/in/?/*.csv", "a/b.csv"),
        ("sftp://host:22/out/100%25.csv", "sftp://host:22/out/*.csv", "100%25.csv"),
        ("file:///d/a/b/c.csv", "${DROPS}/**/*.csv", "/d/a/b/c.csv"),
    ],
)
def test_a_file_keeps_its_name_when_its_folder_moves(origin: str, location: str, name: str) -> None:
    assert name_of(origin, location) == name


def _file(name: str, at: datetime) -> LandedFile:
    return LandedFile(
        path=f"0001-{name}", origin=f"file:///d/{name}", size_bytes=1, sha256="", rows=1,
        header=("a",), modified_at=at, version=str(at),
    )  # fmt: skip


def _batch(batch_id: str, hour: int, *files: LandedFile) -> BatchManifest:
    return BatchManifest(
        dataset="meteorology.daily", batch_id=batch_id, contract_version="1.0.0", load=Load.FILES,
        created_at=NOON + timedelta(hours=hour), files=files, rows=len(files), bytes=1,
    )  # fmt: skip


def test_the_newest_is_told_by_time_then_name_then_batch() -> None:
    second = NOON + timedelta(seconds=1)
    root = project_root()
    weather = load_city(root / "schemas", root / "expectations").dataset("meteorology.daily")
    late = _batch("late", 2, _file("a.csv", NOON), _file("b.csv", NOON))
    early = _batch("early", 1, _file("a.csv", second), _file("b.csv", NOON))
    assert {*Gathered([late, early]).files()} == {*files_of(early), *files_of(late)}
    found = versions([*files_of(late), *files_of(early)], weather)
    assert [version.prefix for version in found] == ["late/0", "early/1", "late/1", "early/0"]
    current = {name: version.prefix for name, version in newest(found).items()}
    assert current == {"a.csv": "early/0", "b.csv": "late/1"}
