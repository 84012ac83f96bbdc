"""What many landed batches cost a night: ``python -m bench.manifests --batches 100000``.

Makes a landing by hand, as an older version left it, and asks what every night asks: an extract
of one small file, what a load wants to know of former batches, and landing's part of the hourly
check of deliveries. Prints the median of each, and what the same costs without former batches.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from civiclake.contracts import promise
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset, Load
from civiclake.io.extract import extract
from civiclake.io.landing.manifest import COMMITTED, MANIFEST, BatchManifest, LandedFile
from civiclake.io.landing.store import Landing
from civiclake.pipeline.watch import deliveries, watched
from civiclake.settings import Settings, load_settings

_START = datetime(2016, 1, 1, tzinfo=UTC)
_QUARTER = timedelta(minutes=15)
_DATASET = "public_security.crimes"
_TIMES = 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.manifests", description=__doc__)
    parser.add_argument("--batches", type=int, default=100_000, help="of a dataset, and of all 38")
    parser.add_argument("--datasets", type=int, default=38, help="that the hourly check looks at")
    asked = parser.parse_args()
    logging.disable()  # that an index is built is told
    own = load_settings()
    dataset = load_city(own.schemas_dir, own.expectations_dir).dataset(_DATASET)
    for batches in (1, asked.batches):
        with tempfile.TemporaryDirectory(dir=own.state_dir) as folder:
            _measure(Path(folder), dataset, batches, asked.datasets)


def _measure(folder: Path, dataset: Dataset, batches: int, datasets: int) -> None:
    settings = Settings(state_dir=folder)
    os.environ["CRIME_DROPS"] = str(folder / "drops")
    drop = folder / "drops" / "crimes.csv"
    drop.parent.mkdir()
    source = dataset.source.model_copy(update={"location": str(drop)})
    one = dataset.model_copy(update={"source": source})
    _fill(settings, one, batches)
    began = time.monotonic()
    Landing(settings).former(one.id).nights(1)
    print(f"{batches} batches of a dataset: index built in {time.monotonic() - began:.2f} s")
    numbers = iter(range(1000))

    def night() -> None:
        number = next(numbers)
        drop.write_text(",".join(column.source_name for column in one.columns) + "\n")
        with drop.open("a") as file:
            file.write(",".join(str(number) for _ in one.columns) + "\n")
        extract(settings, one, f"a{number}", settle_seconds=0)
        Landing(settings).mark_committed(one.id, f"a{number}")

    def ask() -> None:
        former, now = Landing(settings).former(one.id), datetime.now(UTC)
        former.rows(now, 7)
        former.taken_before(now)
        former.watermark()

    _print("extract of one file, and its mark", _median(night))
    _print("what a load asks of former batches", _median(ask))
    shutil.rmtree(settings.landing_dir)
    many = [one.model_copy(update={"id": f"city.dataset{n}"}) for n in range(datasets)]
    for each in many:
        _fill(settings, each, max(1, batches // datasets))
    began = time.monotonic()
    _check(settings, many)
    first = time.monotonic() - began
    _print(f"first hourly check of {datasets} datasets, {batches} batches in all", first)
    _print("hourly check", _median(lambda: _check(settings, many)))


def _check(settings: Settings, datasets: list[Dataset]) -> None:
    """What the hourly check does beside reading and writing one table of the lake."""
    now = datetime.now(UTC)
    first = {d.id: Landing(settings).former(d.id).first_landed_at() for d in datasets}
    since = watched.since(settings, first, now)
    for dataset in datasets:
        promise.missed(dataset, (), since[dataset.id], now)
        deliveries._landed(settings, dataset)


def _fill(settings: Settings, dataset: Dataset, batches: int) -> None:
    folder = Landing(settings).dataset_dir(dataset.id)
    for number in range(batches):
        at = _START + number * _QUARTER
        file = LandedFile(
            path="0001-crimes.csv", origin=f"file:///drops/{number}.csv", size_bytes=1000,
            sha256="0" * 64, rows=10, header=tuple(c.source_name for c in dataset.columns),
            modified_at=at, version=str(number),
        )  # fmt: skip
        manifest = BatchManifest(
            dataset=dataset.id, batch_id=f"{at:%Y%m%dT%H%M%SZ}", contract_version="1.0.0",
            load=Load.FILES, created_at=at, files=(file,), rows=10, bytes=1000,
        )  # fmt: skip
        batch = folder / manifest.batch_id
        batch.mkdir(parents=True)
        (batch / MANIFEST).write_text(manifest.model_dump_json())
        (batch / COMMITTED).touch()


def _median(work: Callable[[], None]) -> float:
    spans = []
    for _ in range(_TIMES):
        began = time.monotonic()
        work()
        spans.append(time.monotonic() - began)
    return statistics.median(spans)


def _print(what: str, seconds: float) -> None:
    print(f"  {what}: {seconds:.3f} s", flush=True)


if __name__ == "__main__":
    main()
