"""Landing's index says what the manifests say, whatever became of it or of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from contract_city import SmallCity

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset, Load
from civiclake.errors import UserError
from civiclake.io.landing import index, index_tables
from civiclake.io.landing.manifest import COMMITTED, MANIFEST, BatchManifest, LandedFile
from civiclake.io.landing.store import Landing
from civiclake.settings import Settings

ID = "parks.trees"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    city = SmallCity(tmp_path_factory.mktemp("city")).write()
    return load_city(city.schemas, city.expectations, city.marts).dataset(ID)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(Settings(state_dir=tmp_path / "state"))


def _file(number: int, at: datetime = NOON) -> LandedFile:
    return LandedFile(
        path="a.csv", origin=f"file:///drops/a{number}.csv", size_bytes=4, sha256="0", rows=1,
        header=("a",), modified_at=at, version="1",
    )  # fmt: skip


def _manifest(number: int, **update: object) -> BatchManifest:
    fields = {
        "dataset": ID, "batch_id": f"n{number}", "contract_version": "1.0.0",
        "load": Load.INCREMENTAL, "created_at": NOON + timedelta(days=number),
        "files": (_file(number),), "rows": number, "bytes": 4, "watermark_to": str(number),
    } | update  # fmt: skip
    return BatchManifest.model_validate(fields)


def _land(landing: Landing, dataset: Dataset, number: int, *, commit: bool = True) -> None:
    with landing.drafting(dataset, f"n{number}") as draft:
        landing.publish(draft, _manifest(number))
    if commit:
        landing.mark_committed(ID, f"n{number}")


def _copy_in(landing: Landing, number: int, *, commit: bool = True) -> Path:
    """A batch as somebody brings it by hand, or an older version did."""
    folder = landing.dataset_dir(ID) / f"n{number}"
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text(_manifest(number).model_dump_json())
    if commit:
        (folder / COMMITTED).touch()
    return folder


def _index(landing: Landing) -> Path:
    return landing.dataset_dir(ID).with_name(".trees.index")


def _told(landing: Landing) -> tuple[list[int], str | None]:
    """The committed batches, and the watermark, as the index has them."""
    former = landing.former(ID)
    return [n.rows for n in former.nights() if n.is_committed], former.watermark()


@pytest.fixture
def reads(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Batches whose manifest was read."""
    found: list[str] = []
    find = Landing.find

    def noted(self: Landing, dataset_id: str, batch_id: str) -> BatchManifest | None:
        found.append(batch_id)
        return find(self, dataset_id, batch_id)

    monkeypatch.setattr(Landing, "find", noted)
    return found


def test_no_manifest_is_read_twice(landing: Landing, dataset: Dataset, reads: list[str]) -> None:
    for number in range(4):
        _land(landing, dataset, number)
    assert _told(landing) == ([0, 1, 2, 3], "3")
    reads.clear()
    assert _told(landing) == ([0, 1, 2, 3], "3")
    _land(landing, dataset, 4, commit=False)
    assert reads == []
    assert _told(landing) == ([0, 1, 2, 3], "3")
    landing.mark_committed(ID, "n4")
    assert _told(landing) == ([0, 1, 2, 3, 4], "4")
    assert reads == ["n4"]  # by who marks it


def test_an_older_lake_s_batches_are_read_once_and_told(
    landing: Landing, reads: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        _copy_in(landing, number)
    assert _told(landing) == ([0, 1, 2], "2")
    assert _told(landing) == ([0, 1, 2], "2")
    assert sorted(reads) == ["n0", "n1", "n2"]
    said = [r.message for r in caplog.records]
    assert said == [f"{ID}: the index of landing knew 0 batches; the manifests of 3 more were read"]


Change = Callable[[Landing], object]


def _rewrite(landing: Landing) -> None:
    path = landing.batch_dir(ID, "n1") / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rows": 77}))


def _replace_folder(landing: Landing) -> None:
    """Another folder of the same names: a backup that was put back."""
    folder = landing.dataset_dir(ID)
    other = shutil.copytree(folder, folder.with_name("other"))
    (other / "n1" / COMMITTED).unlink()
    shutil.rmtree(folder)
    other.rename(folder)


def _replace_one(landing: Landing) -> None:
    folder = landing.batch_dir(ID, "n1")
    other = shutil.copytree(folder, folder.with_name("n1.other"))
    (other / COMMITTED).unlink()
    shutil.rmtree(folder)
    other.rename(folder)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda landing: _copy_in(landing, 3), [0, 1, 2, 3]),
        (lambda landing: _copy_in(landing, 3, commit=False), [0, 1, 2]),
        (lambda landing: shutil.rmtree(landing.batch_dir(ID, "n1")), [0, 2]),
        (lambda landing: (landing.batch_dir(ID, "n1") / COMMITTED).unlink(), [0, 2]),
        (lambda landing: (landing.batch_dir(ID, "n1") / MANIFEST).unlink(), [0, 2]),
        (_rewrite, [0, 77, 2]),
        (_replace_one, [0, 2]),
        (_replace_folder, [0, 2]),
        (lambda landing: shutil.rmtree(landing.dataset_dir(ID)), []),
    ],
    ids=["copied", "copied, not merged", "removed", "unmarked", "emptied", "rewritten",
         "another batch", "another folder", "all removed"],
)  # fmt: skip
def test_what_is_done_to_landing_by_hand_is_seen(
    landing: Landing, dataset: Dataset, change: Change, left: list[int]
) -> None:
    for number in range(3):
        _land(landing, dataset, number)
    assert _told(landing)[0] == [0, 1, 2]
    change(landing)
    assert _told(landing)[0] == left


@pytest.mark.parametrize("change", [_replace_one, _replace_folder])
def test_old_batches_are_other_ones_if_their_folders_are(
    landing: Landing, dataset: Dataset, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_LOOKED_AT_AGAIN", 0)  # all are older than that
    for number in range(3):
        _land(landing, dataset, number)
    assert _told(landing)[0] == [0, 1, 2]
    change(landing)
    assert _told(landing)[0] == [0, 2]


def test_a_batch_whose_manifest_comes_after_its_folder_is_seen(
    landing: Landing, dataset: Dataset
) -> None:
    _land(landing, dataset, 0)
    (landing.dataset_dir(ID) / "n1").mkdir()
    assert _told(landing)[0] == [0]
    shutil.rmtree(landing.dataset_dir(ID) / "n1")
    folder = _copy_in(landing, 1, commit=False)
    assert _told(landing)[0] == [0]
    (folder / COMMITTED).touch()
    assert _told(landing)[0] == [0, 1]


def _cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)


def _older(path: Path) -> None:
    connection = index_tables.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    "harm",
    [
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no index at all" * 100),
        _cut,
        _scribble,
        _older,
    ],
    ids=["lost", "empty", "of another kind", "cut off", "scribbled over", "of another version"],
)
def test_an_index_that_is_lost_or_torn_is_built_anew(
    landing: Landing,
    dataset: Dataset,
    harm: Callable[[Path], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for number in range(3):
        _land(landing, dataset, number)
    before = _told(landing)
    caplog.clear()
    harm(_index(landing))
    assert _told(landing) == before == ([0, 1, 2], "2")
    assert "3 more were read" in caplog.text
    harm(_index(landing))
    _land(landing, dataset, 3)  # who lands meets it first
    assert _told(landing) == ([0, 1, 2, 3], "3")


def test_an_index_that_can_not_be_is_done_without(
    landing: Landing, dataset: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    _land(landing, dataset, 0)
    _index(landing).unlink()
    _index(landing).mkdir()  # as unwritable for root as for anybody
    _land(landing, dataset, 1)
    assert _told(landing) == ([0, 1], "1")
    assert "the manifests themselves are read" in caplog.text


def test_an_index_older_than_landing_is_no_witness(landing: Landing, dataset: Dataset) -> None:
    _land(landing, dataset, 0)
    older = _index(landing).read_bytes()
    _land(landing, dataset, 1)
    landing.discard(ID, "n9")
    _index(landing).write_bytes(older)  # a backup of it alone was put back
    assert _told(landing) == ([0, 1], "1")


KILLED = """
import os, sys
from pathlib import Path
from civiclake.io.landing import index
from civiclake.io.landing.store import Landing
from civiclake.settings import Settings
index.tables.add = lambda *a, **k: os._exit(9)
Landing(Settings(state_dir=Path(sys.argv[1]))).mark_committed("parks.trees", "n1")
"""


def test_who_is_killed_before_the_index_knows_is_found(
    landing: Landing, dataset: Dataset, tmp_path: Path
) -> None:
    _land(landing, dataset, 0)
    _land(landing, dataset, 1, commit=False)
    assert _told(landing) == ([0], "0")
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "state"], check=False)
    assert killed.returncode == 9
    assert _told(landing) == ([0, 1], "1")


def test_several_may_land_and_ask_at_once(landing: Landing, dataset: Dataset) -> None:
    def work(first: int) -> None:
        for number in range(first, first + 4):
            _copy_in(landing, 100 + number)
            _land(landing, dataset, number)
            if not {number, 100 + number} <= set(_told(landing)[0]):
                os._exit(1)

    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=work, args=[first]) for first in (0, 10, 20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(_told(landing)[0]) == 24


def test_a_merged_manifest_that_can_not_be_read_is_told(landing: Landing, dataset: Dataset) -> None:
    _land(landing, dataset, 0)
    folder = _copy_in(landing, 1, commit=False)
    (folder / MANIFEST).write_text("{")
    assert _told(landing) == ([0], "0")  # nobody has merged it
    (folder / COMMITTED).touch()
    with pytest.raises(UserError, match=r"n1/manifest\.json is no manifest of this version"):
        _told(landing)


def test_the_questions_have_the_answers_of_the_manifests(
    landing: Landing, dataset: Dataset
) -> None:
    for number in range(6):
        _land(landing, dataset, number, commit=number != 4)
    former = landing.former(ID)
    assert [n.batch_id for n in former.nights(2)] == ["n4", "n5"]
    assert former.rows(NOON + timedelta(days=5), 2) == [3, 2]
    assert former.taken_before(NOON + timedelta(days=1)) == NOON
    assert former.taken_before(NOON) is None
    assert former.newest_at() == NOON + timedelta(days=5)
    assert former.taken(but="n0") == (NOON,)
    assert {file.batch_id for file in former.files(but="n0")} == {"n1", "n2", "n3", "n5"}
    assert former.times([_file(3).identity, _file(4).identity]) == {_file(3).identity: NOON}
    first = min(p.stat().st_mtime_ns for p in landing.dataset_dir(ID).glob(f"*/{MANIFEST}"))
    assert former.first_landed_at() == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        microseconds=first // 1000
    )
    nothing = landing.former("parks.benches")
    assert (nothing.first_landed_at(), nothing.watermark(), nothing.nights()) == (None, None, [])


def test_long_numbers_are_told_apart(landing: Landing, dataset: Dataset) -> None:
    for number, mark in enumerate(["90071992547409931", "90071992547409932", "-1"]):
        with landing.drafting(dataset, f"n{number}") as draft:
            landing.publish(draft, _manifest(number, watermark_to=mark))
        landing.mark_committed(ID, f"n{number}")
    assert landing.former(ID).watermark() == "90071992547409932"


def test_a_file_of_the_future_counts_as_of_its_batch() -> None:
    ahead = [_file(n, datetime(2061, 1, n, tzinfo=UTC)) for n in (2, 1)]
    manifest = _manifest(0, files=(*ahead, _file(3)))
    times = [file.modified_at for file in manifest.files]
    assert times == [NOON, NOON - timedelta(microseconds=1), NOON]
    assert manifest.taken_at == manifest.created_at
    assert BatchManifest.model_validate_json(manifest.model_dump_json()) == manifest
    nearly = NOON + timedelta(minutes=59)
    assert _manifest(0, files=(_file(1, nearly),)).taken_at == nearly
