"""Landing: a batch appears whole or not at all, and counts only once it is committed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from contract_city import SmallCity

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset, Load
from civiclake.errors import DiskFull, UserError
from civiclake.io.landing.drafts import Draft
from civiclake.io.landing.manifest import BatchManifest, LandedFile
from civiclake.io.landing.store import Landing
from civiclake.settings import Settings

ID = "parks.trees"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    city = SmallCity(tmp_path / "city").write()
    return load_city(city.schemas, city.expectations, city.marts).dataset(ID)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(Settings(state_dir=tmp_path / "state"))


def _file(name: str = "a.csv", version: str = "1") -> LandedFile:
    return LandedFile(
        path=name,
        origin=f"file:///drops/{name}",
        size_bytes=4,
        sha256="0" * 64,
        rows=1,
        header=("a",),
        modified_at=datetime(2026, 1, 1, tzinfo=UTC),
        version=version,
    )


def _manifest(batch_id: str, mark: str | None = None, *files: LandedFile) -> BatchManifest:
    return BatchManifest(
        dataset=ID,
        batch_id=batch_id,
        contract_version="1.0.0",
        load=Load.INCREMENTAL,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        files=files,
        rows=len(files),
        bytes=4 * len(files),
        watermark_to=mark,
    )


def _land(
    landing: Landing,
    dataset: Dataset,
    batch_id: str,
    mark: str | None = None,
    *files: LandedFile,
    commit: bool = True,
) -> BatchManifest:
    with landing.drafting(dataset, batch_id) as draft:
        for file in files:
            draft.path(file.path).write_text("a\n1\n")
        manifest = landing.publish(draft, _manifest(batch_id, mark, *files))
    if commit:
        landing.mark_committed(ID, batch_id)
    return manifest


def _taken(landing: Landing, *versions: str) -> set[tuple[str, int, str]]:
    """Which of two files in these versions were taken."""
    asked = [_file(name, version).identity for name in ("a.csv", "b.csv") for version in versions]
    return set(landing.former(ID).times(asked))


def test_a_batch_appears_in_one_rename(
    landing: Landing, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    renames: list[tuple[list[str], bool]] = []
    target = landing.batch_dir(ID, "n1")
    rename = Path.rename

    def watched(self: Path, to: Path) -> Path:
        renames.append((sorted(p.name for p in self.iterdir()), target.exists()))
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", watched)
    found = _land(landing, dataset, "n1", "5", _file(), commit=False)
    assert renames == [(["a.csv", "manifest.json"], False)]  # complete before, absent before
    assert landing.find(ID, "n1") == landing.manifest(ID, "n1") == found
    assert sorted(p.name for p in target.parent.iterdir()) == ["n1"]


def test_nobody_else_may_look(landing: Landing, dataset: Dataset) -> None:
    _land(landing, dataset, "n1", None, _file())
    for folder in (landing.batch_dir(ID, "n1"), *landing.batch_dir(ID, "n1").parents[:3]):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_what_fails_half_way_leaves_nothing(landing: Landing, dataset: Dataset) -> None:
    with pytest.raises(ZeroDivisionError), landing.drafting(dataset, "n1") as draft:
        draft.path("parts/a.csv").write_text("half")
        raise ZeroDivisionError
    assert list(landing.dataset_dir(ID).iterdir()) == []
    assert landing.find(ID, "n1") is None


def test_drafts_of_dead_processes_are_swept_and_those_of_the_living_stay(
    landing: Landing, dataset: Dataset
) -> None:
    _land(landing, dataset, "n0", None, _file())
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder = landing.dataset_dir(ID)
    drafts = folder.with_name(".trees.drafts")
    for pid in (dead.pid, os.getppid()):
        (folder / f".n1.{pid}").mkdir()  # where they once stood
        (drafts / f"n1.{pid}").mkdir()
    _land(landing, dataset, "n2", None, _file())
    assert len(landing.former(ID).nights()) == 2
    assert [p.name for p in drafts.iterdir()] == [f"n1.{os.getppid()}"]
    assert sorted(p.name for p in folder.iterdir()) == [f".n1.{os.getppid()}", "n0", "n2"]


def test_the_first_of_two_that_land_the_same_batch_wins(landing: Landing, dataset: Dataset) -> None:
    with landing.drafting(dataset, "n1") as late:
        first = _manifest("n1", "1", _file("first.csv"))
        folder = landing.batch_dir(ID, "n1").with_name(".n1.other")
        folder.mkdir()
        assert landing.publish(Draft(folder, "n1"), first) == first
        assert landing.publish(late, _manifest("n1", "2", _file("late.csv"))) == first
    assert landing.manifest(ID, "n1") == first


def test_only_committed_batches_count(landing: Landing, dataset: Dataset) -> None:
    assert (landing.former(ID).watermark(), _taken(landing, "1")) == (None, set())
    _land(landing, dataset, "n1", "2026-01-01 10:00:00+00", _file("a.csv"))
    _land(landing, dataset, "n2", "2026-01-02 10:00:00+00", _file("b.csv"), commit=False)
    assert landing.former(ID).watermark() == "2026-01-01 10:00:00+00"
    assert _taken(landing, "1") == {_file("a.csv").identity}
    assert not landing.is_committed(ID, "n2")
    landing.mark_committed(ID, "n2")
    assert landing.former(ID).watermark() == "2026-01-02 10:00:00+00"
    assert [m.batch_id for m in landing.committed(ID)] == ["n1", "n2"]


@pytest.mark.parametrize(
    ("marks", "highest"),
    [
        (["9", "10"], "10"),
        (["2.50", "-3"], "2.50"),
        (["2026-01-02 00:00:00+00", "2026-01-01 23:59:59.9+00"], "2026-01-02 00:00:00+00"),
        (["2026-01-01 10:00:00.5+00", "2026-01-01 10:00:00+00"], "2026-01-01 10:00:00.5+00"),
        (["2026-01-02", "2025-12-31"], "2026-01-02"),
    ],
)
def test_the_watermark_is_the_highest_and_not_the_last(
    landing: Landing, dataset: Dataset, marks: list[str], highest: str
) -> None:
    for number, mark in enumerate([*marks, None]):
        _land(landing, dataset, f"n{number}", mark, _file())
    assert landing.former(ID).watermark() == highest
    _land(landing, dataset, "n9", marks[-1], _file())
    assert landing.former(ID).watermark() == highest


def test_another_version_of_a_file_is_not_taken_yet(landing: Landing, dataset: Dataset) -> None:
    _land(landing, dataset, "n1", None, _file(version="1"))
    assert _taken(landing, "1", "2") == {_file(version="1").identity}


def test_a_batch_is_discarded_unless_its_rows_are_served(
    landing: Landing, dataset: Dataset
) -> None:
    _land(landing, dataset, "n1", None, _file(), commit=False)
    landing.discard(ID, "n1")
    assert landing.find(ID, "n1") is None
    landing.discard(ID, "never")
    _land(landing, dataset, "n1", None, _file())
    with pytest.raises(UserError, match=r"batch n1 of parks\.trees is committed and can't be"):
        landing.discard(ID, "n1")
    assert landing.manifest(ID, "n1").rows == 1


def test_a_held_delivery_stays_to_be_looked_at_until_a_good_one_comes(
    landing: Landing, dataset: Dataset
) -> None:
    for content in ("first", "second"):  # held again: the newer one is kept
        with landing.drafting(dataset, "n1") as draft:
            draft.path("a.csv").write_text(content)
            landing.hold(draft, dataset, "n1")
    held = landing.held_dir(ID, "n1")
    assert (held / "a.csv").read_text() == "second"
    assert landing.find(ID, "n1") is None
    assert landing.committed(ID) == []
    _land(landing, dataset, "n1", None, _file())
    assert not held.exists()


@pytest.mark.parametrize("batch_id", ["", ".", "..", "../x", "a/b", ".n1", "n1.held", "x" * 65])
def test_a_batch_id_is_a_plain_name(landing: Landing, dataset: Dataset, batch_id: str) -> None:
    with pytest.raises(UserError, match="is not allowed: use letters, digits, - and _"):
        landing.batch_dir(ID, batch_id)


def test_a_batch_that_was_never_extracted_names_the_command(landing: Landing) -> None:
    with pytest.raises(UserError, match=r"`civiclake extract parks\.trees --batch-id n7` first"):
        landing.manifest(ID, "n7")
    with pytest.raises(UserError, match="is not in landing"):
        landing.mark_committed(ID, "n7")


def test_a_manifest_of_another_version_is_refused(landing: Landing, dataset: Dataset) -> None:
    _land(landing, dataset, "n1", None, _file())
    path = landing.batch_dir(ID, "n1") / "manifest.json"
    path.write_text(path.read_text().replace('"rows"', '"lines"'))
    with pytest.raises(UserError, match="is no manifest of this version"):
        landing.find(ID, "n1")


def test_names_in_a_draft_are_plain_and_their_own(tmp_path: Path) -> None:
    draft = Draft(tmp_path, "n1")
    names = [draft.place(n) for n in ("a.csv", "a.csv", "_hidden *?.csv", ".x", "y" * 300)]
    assert names[:3] == ["0001-a.csv", "0002-a.csv", "0003-_hidden___.csv"]
    assert all(len(n) <= 105 and n[0] == "0" for n in names)


def test_a_disk_that_is_full_is_not_told_as_a_batch_that_was_never_landed(
    landing: Landing, dataset: Dataset
) -> None:
    said = r"batch b1 is not landed: the disk of .*/landing is full"
    for name in ("manifest.json", "0001-a.csv"):
        with pytest.raises(DiskFull, match=said), landing.drafting(dataset, "b1") as draft:
            (draft.folder / name).symlink_to("/dev/full")
            draft.path("0001-a.csv").write_bytes(b"x" * 100_000)
            landing.publish(draft, _manifest("b1"))
    assert landing.find(ID, "b1") is None
    blocked = landing.batch_dir(ID, "b2")
    blocked.parent.mkdir(parents=True, exist_ok=True)
    with pytest.raises(NotADirectoryError), landing.drafting(dataset, "b2") as draft:
        blocked.write_text("no folder")
        landing.publish(draft, _manifest("b2"))
