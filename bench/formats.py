"""``python -m bench.formats``: rows a second from a delivered file to landing, format by format.

Landing copies, hashes, reads through and writes canonical CSV, in one process without Spark.
Each format lands in a process of its own, so that its peak of memory is its own. Results go to
``bench/results/formats.json``.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from google.transit import gtfs_realtime_pb2 as pb

from civiclake.cli.console import put, say, show_table
from civiclake.contracts.model import (
    Column,
    Dataset,
    FileFormat,
    History,
    Load,
    Owner,
    Source,
    SourceKind,
)
from civiclake.io.extract import extract
from civiclake.settings import Settings

RESULTS = Path(__file__).parent / "results" / "formats.json"
HEADER = ("visit_id", "facility", "kind", "cost", "patients", "seen_at")
_RECORDS = {"json": "items", "xml": "visit", "gtfs_rt": "vehicle"}
_VEHICLE = ("entity_id", "trip_id", "vehicle_id", "latitude", "longitude", "timestamp")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def main(rows: Annotated[int, typer.Option(help="rows of each file")] = 200_000) -> None:
    """Measure every format; print a table, and keep it."""
    measured = []
    for kind in (*FileFormat, "csv gb18030"):
        say(f"{kind}: {rows:,} rows")
        command = [sys.executable, "-m", "bench.formats", "one", kind, "--rows", str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        measured.append(json.loads(done.stdout.splitlines()[-1]))
    RESULTS.write_text(json.dumps(measured, indent=1) + "\n")
    show_table(list(measured[0]), [list(m.values()) for m in measured])


@app.command()
def one(kind: str, rows: int = 200_000) -> None:
    """Land one file, and print what it took as JSON."""
    name, _, encoding = kind.partition(" ")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{name}"
        write(path, name, rows, encoding or "utf-8")
        dataset = _dataset(path, name, encoding or "utf-8")
        before = resource.getrusage(resource.RUSAGE_SELF)
        began = time.monotonic()
        manifest = extract(
            Settings(state_dir=Path(folder) / "state"), dataset, "b", settle_seconds=0
        )
        wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert manifest.rows == rows
        found: dict[str, Any] = {
            "format": kind,
            "rows": rows,
            "file_mb": round(path.stat().st_size / 1e6, 1),
            "wall_seconds": round(wall, 2),
            "cpu_seconds": round(cpu, 2),
            "rows_per_second": round(rows / wall),
            "rows_per_cpu_second": round(rows / cpu),
            "peak_mb": round(after.ru_maxrss / 1024),
        }
        put(json.dumps(found))


def write(path: Path, kind: str, rows: int, encoding: str) -> None:
    """A file of so many visits (of vehicles, for GTFS-Realtime), written row by row."""
    if kind == "xlsx":
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet()
        sheet.append(HEADER)
        for row in _rows(rows):
            sheet.append(row)
        book.save(path)
    elif kind == "parquet":
        with pq.ParquetWriter(path, _table(1).schema) as writer:
            for _ in range(0, rows, 10_000):
                writer.write_table(_table(min(10_000, rows)))
    elif kind == "gtfs_rt":
        path.write_bytes(_feed(rows))
    else:
        with path.open("w", encoding=encoding, newline="") as file:
            file.writelines(_lines(kind, rows))


def _rows(count: int) -> Iterator[tuple[Any, ...]]:
    moment = datetime(2016, 1, 1, 8, 30)
    for n in range(count):
        yield f"V{n:08d}", f"第{n % 300}医院", "outpatient", n % 9973 / 100, n % 7, moment


def _lines(kind: str, count: int) -> Iterator[str]:
    begin, end = {"json": ('{"items": [', "]}"), "xml": ("<visits>", "</visits>")}.get(
        kind, (",".join(HEADER) + "\n" if kind == "csv" else "", "")
    )
    yield begin
    for n, row in enumerate(_rows(count)):
        texts = [*row[:-1], row[-1].isoformat()]
        pairs = dict(zip(HEADER, texts, strict=True))
        if kind == "csv":
            yield ",".join(map(str, texts)) + "\n"
        elif kind == "xml":
            yield "<visit>" + "".join(f"<{k}>{v}</{k}>" for k, v in pairs.items()) + "</visit>\n"
        else:
            text = json.dumps(pairs, ensure_ascii=False)
            yield text + "\n" if kind == "jsonl" else (f",\n{text}" if n else text)
    yield end


def _table(count: int) -> pa.Table:
    columns = zip(*_rows(count), strict=True)
    return pa.table(dict(zip(HEADER, columns, strict=True)))


def _feed(count: int) -> bytes:
    feed = pb.FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    for n in range(count):
        vehicle = feed.entity.add(id=f"v{n}").vehicle
        vehicle.trip.trip_id, vehicle.vehicle.id = f"trip-{n % 5000}", f"bus-{n}"
        vehicle.position.latitude, vehicle.position.longitude = 39.9 + n % 100 / 1000, 116.4
        vehicle.timestamp = 1451606400 + n % 600
    data: bytes = feed.SerializeToString()
    return data


def _dataset(path: Path, kind: str, encoding: str) -> Dataset:
    names = _VEHICLE if kind == "gtfs_rt" else HEADER
    columns = [
        Column(name=n, source_name=n, logical_type="string", spark_type="string", key_position=None)
        for n in names
    ]
    source = Source(
        kind=SourceKind.FILES,
        location=str(path),
        format=FileFormat(kind),
        records=_RECORDS.get(kind),
        encoding=encoding,
    )
    return Dataset(
        id=f"bench.{kind}",
        department="bench",
        name=kind,
        version=f"{datetime.now(UTC):%Y}.0.0",
        path=f"bench/{kind}.yaml",
        owner=Owner(name="Bench", contact="none"),
        source=source,
        columns=tuple(columns),
        load=Load.FILES,
        history=History.APPEND,
    )


if __name__ == "__main__":
    app()
