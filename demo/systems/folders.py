"""The folder where departments without a server drop their files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from civiclake.local import process
from demo.city import clock, feeds
from demo.city.deliveries import Deliveries
from demo.city.model import Model
from demo.city.table import Row
from demo.encode import Format, encode
from demo.systems.site import Site

DROPPED = {
    "transport.vehicle_positions": Format("pb"),
    "medical.bed_occupancy": Format("csv.gz"),
    "medical.prescriptions": Format("xml", records="prescription"),
    "culture.venues": Format("xlsx", sheet="venues"),
    "culture.loans": Format("jsonl"),
    "culture.visitors": Format("json", records="data.days"),
    "education.schools": Format(encoding="gbk"),
    "finance.budget_lines": Format("xlsx", sheet="lines"),
    "finance.payments": Format(delimiter=";"),
    "statistics.population": Format(encoding="gb18030"),
    "statistics.enterprises": Format("parquet"),
    "meteorology.hourly": Format("jsonl.gz"),
    "environment.stations": Format(delimiter="\t"),
}
"""Datasets that are dropped, and how their departments write them."""


class Folders:
    """A folder for each department."""

    name = "folder of dropped files"

    def start(self, site: Site) -> str:
        """Make the folders."""
        departments = {name.partition(".")[0] for name in DROPPED}
        for department in (*sorted(departments), "meteorology", "public_security"):
            (site.drops / department).mkdir(parents=True, exist_ok=True)
        return str(site.drops)

    def stop(self, site: Site) -> bool:
        """A folder does not run."""
        return False

    def running(self, site: Site) -> process.Running | None:
        """A folder does not run."""
        return None

    def environment(self, site: Site) -> dict[str, str]:
        """Where the files are dropped."""
        return {"CIVICLAKE_DROPS": str(site.drops)}

    def prepare(self, site: Site, model: Model, night: int) -> None:
        """Drop a night's files, with the times at which they were delivered."""
        for dataset, form in DROPPED.items():
            for path, delivered, rows in dropped(model, dataset, form, night):
                drop(site.drops / path, delivered, form, model.series[dataset].shape.columns, rows)
        before = feeds.drops(night - 1) if night > 1 else {}
        for path, feed in feeds.drops(night).items():
            if before.get(path) != feed:
                _put(site.drops / path, feed.delivered, feed.content)


def dropped(
    model: Model, dataset: str, form: Format, night: int
) -> Iterable[tuple[str, datetime, Iterable[Row]]]:
    """Path, time and rows of the files that a night brings."""
    series, folder = model.series[dataset], dataset.replace(".", "/")
    if not isinstance(series, Deliveries):
        delivered = clock.midnight(night) + timedelta(minutes=45)
        name = f"{folder}/{delivered:%Y-%m-%d}.{form.ending}"
        yield name, delivered, series.rows(night)
        return
    for file in series.files(night):
        yield f"{folder}/{file.name}.{form.ending}", file.delivered, series.file_rows(file)


def drop(
    path: Path, delivered: datetime, form: Format, columns: tuple[str, ...], rows: Iterable[Row]
) -> None:
    """Write a file beside its place and move it there: nobody finds half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".tmp")
    with fresh.open("wb") as sink:
        encode(form, columns, rows, sink)
    _move(fresh, path, delivered)


def _put(path: Path, delivered: datetime, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".tmp")
    fresh.write_bytes(content)
    _move(fresh, path, delivered)


def _move(fresh: Path, path: Path, delivered: datetime) -> None:
    moment = delivered.timestamp()
    os.utime(fresh, (moment, moment))
    fresh.replace(path)
