"""Modes of an installation: made right, and put right where a former version left them open."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from civiclake.engine import rights
from civiclake.settings import Settings

GROUP = 54321


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of an installation whose door has a group of its own, where the tests may give one."""
    group = GROUP if os.geteuid() == 0 else None
    monkeypatch.setattr(rights, "door_group", lambda: group)
    return Settings(state_dir=tmp_path / "var")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _as_it_was(settings: Settings) -> list[Path]:
    """Open to all, as version 7d6a82a left it."""
    lake = Path(settings.lake)
    files = [
        lake / "unified/parks_trees/_delta_log/0.json",
        lake / "unified/parks_trees/day=1/part.parquet",
        lake / "unified/person_link/part.parquet",
        lake / "marts/costs/part.parquet",
        lake / "backfill/parks_trees/part.parquet",
        settings.locks_dir / "parks_trees.lock",
        settings.run_dir / "engine-jobs.args",
        settings.data_docs_dir / "index.html",
        settings.state_dir / "airflow/logs/a.log",
    ]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        path.chmod(0o644)
    for folder in settings.state_dir.rglob("*"):
        if folder.is_dir():
            folder.chmod(0o755)
    return files


def test_what_stood_open_is_closed(settings: Settings) -> None:
    files = _as_it_was(settings)
    rights.secure(settings)
    for path in files:
        above = [p for p in path.parents if p.is_relative_to(settings.state_dir)]
        assert any(not _mode(p) & 0o007 for p in above[:-1]), path
    assert _mode(Path(settings.lake) / "unified/person_link") == 0o700
    assert {_mode(Path(settings.lake) / layer) for layer in rights.PRIVATE_LAYERS} == {0o700}


def test_what_is_written_later_finds_its_folder_closed(settings: Settings) -> None:
    rights.secure(settings)
    assert {_mode(p) for p in (settings.data_docs_dir, settings.run_dir)} == {0o700}
    assert _mode(settings.state_dir / "airflow") == _mode(settings.state_dir / "backfills") == 0o700


def test_the_doors_group_reads_the_open_layers(settings: Settings) -> None:
    files = _as_it_was(settings)
    rights.secure(settings)
    unified = Path(settings.lake) / "unified"
    if os.geteuid() != 0:
        assert _mode(unified) == _mode(Path(settings.lake)) == 0o700
        return
    for path in files[:2]:
        assert (_mode(path), path.stat().st_gid) == (0o640, GROUP)
    for folder in (unified, unified / "parks_trees", unified / "parks_trees/day=1"):
        assert (_mode(folder), folder.stat().st_gid) == (0o2750, GROUP)
    made = unified / "parks_trees/day=2"
    made.mkdir()
    assert made.stat().st_gid == GROUP  # what loads make belongs to the group by itself


def test_a_walk_that_broke_off_is_done_again_and_a_whole_one_is_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = _as_it_was(settings)
    walked: list[Path] = []
    below = rights._below

    def breaks(folder: Path) -> list[Path]:
        walked.append(folder)
        if len(walked) == 1 and os.geteuid() == 0:
            raise KeyboardInterrupt
        return list(below(folder))

    monkeypatch.setattr(rights, "_below", breaks)
    for _ in range(3):
        try:
            rights.secure(settings)
        except KeyboardInterrupt:
            continue
    expected = ["unified", "unified", "marts"] if os.geteuid() == 0 else []
    assert [folder.name for folder in walked] == expected
    assert os.geteuid() != 0 or _mode(files[0]) == 0o640


def test_links_are_not_followed(settings: Settings, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x")
    outside.chmod(0o644)
    link = Path(settings.lake) / "unified" / "t" / "link"
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    rights.secure(settings)
    assert _mode(outside) == 0o644
