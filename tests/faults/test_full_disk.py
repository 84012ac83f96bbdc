"""A disk that really is full: at every step it is told, and when room is made the batch goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nights import Nights, city, counts
from pyspark.sql import SparkSession

from civiclake.errors import EXIT_RETRYABLE, DiskFull
from civiclake.io.extract import extract
from civiclake.local.disk import size_of
from civiclake.pipeline.night import load as module
from civiclake.pipeline.night import merge
from civiclake.pipeline.night.load import load
from civiclake.settings import Settings

HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"
ROWS = 20_000


def _day(n: int) -> str:
    date = f"{1950 + n // 300}/{1 + n % 300 // 25:02d}/{1 + n % 25:02d}"
    weather = "sun" if n % 500 else "hail"  # a code that is not known: such rows are set aside
    return f"{date},{n % 9}.5,{n % 17}.25,-{n % 13}.5,{n % 11}.75,{weather}\n"


LITTLE = 4_000
"""Bytes that are left where a disk is full."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str, int], Path]]:
    """Gives a folder a disk of its own of so many megabytes."""
    mounted: list[Path] = []

    def make(name: str, megabytes: int) -> Path:
        folder = tmp_path / "state" / name
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "civiclake", folder],
            check=True,
        )
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _fill(folder: Path) -> Path:
    """Take all the room of a folder's disk but for a little."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 1000)
            except OSError:
                break
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size - LITTLE)
    return filler


@pytest.fixture
def nights(settings: Settings, spark: SparkSession, tmp_path: Path) -> Nights:
    made = Nights(settings, spark, tmp_path / "state", city().dataset("meteorology.daily"))
    made.deliver(HEAD + "".join(map(_day, range(ROWS))))
    return made


def test_landing(nights: Nights, disk: Callable[[str, int], Path]) -> None:
    filler = _fill(disk("landing", 4))
    with pytest.raises(DiskFull) as told:
        extract(nights.settings, nights.dataset, "b1")
    assert f"is not landed: the disk of {nights.settings.landing_dir} is full" in str(told.value)
    assert "at least 2 MB are missing" in str(told.value)
    filler.unlink()
    assert extract(nights.settings, nights.dataset, "b1").rows == ROWS


@pytest.mark.parametrize(
    "step",
    [
        "civiclake.io.lake.raw.stage",
        "civiclake.pipeline.night.judge.judge_rows",
        "civiclake.io.verdict.data_docs.write",
        "civiclake.pipeline.night.merge.merge",
        "civiclake.pipeline.night.merge.set_aside",
        "civiclake.io.ops.ledger.record",
    ],
)
def test_a_load(
    nights: Nights, disk: Callable[[str, int], Path], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    is_page = step.endswith("data_docs.write")
    folder = disk("data_docs" if is_page else "lake", 1 if is_page else 40)
    extract(nights.settings, nights.dataset, "b1")
    where, _, name = step.rpartition(".")
    real, fillers = getattr(__import__(where, fromlist=[name]), name), []

    def full(*given: object, **named: object) -> object:
        if not fillers:  # the disk is full from this step on
            fillers.append(_fill(folder))
        return real(*given, **named)

    monkeypatch.setattr(step, full)
    with nights.keys(), pytest.raises(DiskFull) as told:
        load(nights.settings, nights.dataset, "b1")
    said = str(told.value)
    assert f"the disk of {folder} is full" in said
    assert told.value.exit_code == EXIT_RETRYABLE
    fillers[0].unlink()
    with nights.keys():
        result = load(nights.settings, nights.dataset, "b1")
    is_done = step.endswith(("set_aside", "record"))
    assert counts(result)["read"] == ROWS
    assert (result.inserted > 0) is not is_done
    assert len(nights.table()) == ROWS - ROWS // 500 == ROWS - len(nights.quarantine())


def test_what_a_load_needs_is_about_what_it_is_told_to(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract(nights.settings, nights.dataset, "b1")
    landed = size_of(nights.settings.landing_dir / "meteorology" / "daily" / "b1")
    real, seen = merge.set_aside, []

    def weighed(*given: Any) -> Any:  # all that it writes is there: raw, staged and served rows
        seen.append(size_of(Path(nights.settings.lake)))
        return real(*given)

    monkeypatch.setattr(merge, "set_aside", weighed)
    with nights.keys():
        load(nights.settings, nights.dataset, "b1")
    foreseen = module._NEEDS * landed
    print(f"{landed} bytes were landed, {seen[0]} written, {foreseen} foreseen")
    assert foreseen / 2 < seen[0] < foreseen * 2
