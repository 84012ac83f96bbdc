"""The same two trees in every format, made by each format's own library; and small helpers."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from google.transit import gtfs_realtime_pb2 as pb
from source_city import City, read_back

from civiclake.contracts.model import Column, Dataset, FileFormat
from civiclake.io import formats
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.samples.files import described

KEY = {"name": "tree_id", "logicalType": "string", "primaryKey": True, "required": True}
HEADER = ["tree_id", "species", "height"]
ROWS = [["t1", "橡树", "12.5"], ["t2", None, "8"]]
CSV = "tree_id,species,height\nt1,橡树,12.5\nt2,,8\n"
JSON = '[{"tree_id": "t1", "species": "橡树", "height": 12.5},\n'
JSON += ' {"tree_id": "t2", "species": null, "height": 8}]'
JSONL = '{"tree_id": "t1", "species": "橡树", "height": 12.50}\n\n'
JSONL += '{"tree_id": "t2", "height": 8}'
XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE trees>
<trees><tree><tree_id>t1</tree_id><species>橡树</species><height>12.5</height></tree>
<tree><tree_id>t2</tree_id><species/><height>8</height></tree></trees>
"""


def xlsx(*sheets: list[list[Any]], names: tuple[str, ...] = ("Trees", "More")) -> bytes:
    """A workbook."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in zip(names, sheets, strict=False):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def parquet(table: pa.Table | dict[str, Any], **options: Any) -> bytes:
    """A Parquet file."""
    packed = io.BytesIO()
    pq.write_table(pa.table(table) if isinstance(table, dict) else table, packed, **options)
    return packed.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    """An archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def feed(*entities: pb.FeedEntity, timestamp: int = 1451606400) -> bytes:
    """A GTFS-Realtime snapshot."""
    made = pb.FeedMessage()
    made.header.gtfs_realtime_version = "2.0"
    made.header.timestamp = timestamp
    made.entity.extend(entities)
    data: bytes = made.SerializeToString()
    return data


def vehicle(entity_id: str = "v1") -> pb.FeedEntity:
    """A bus on its way."""
    found = pb.FeedEntity(id=entity_id)
    found.vehicle.trip.trip_id = "trip-1"
    found.vehicle.trip.route_id = "110"
    found.vehicle.trip.schedule_relationship = pb.TripDescriptor.SCHEDULED
    found.vehicle.vehicle.id = "bus-7"
    found.vehicle.position.latitude = 39.9042
    found.vehicle.position.longitude = -116.4074
    found.vehicle.position.speed = 7
    found.vehicle.current_status = pb.VehiclePosition.STOPPED_AT
    found.vehicle.timestamp = 1451606399
    return found


SAMPLES: dict[str, tuple[Callable[[], bytes], dict[str, Any]]] = {
    "csv": (CSV.encode, {}),
    "json": (JSON.encode, {}),
    "jsonl": (JSONL.encode, {}),
    "xml": (XML.encode, {"records": "tree"}),
    "xlsx": (lambda: xlsx([HEADER, ["t1", "橡树", 12.5], ["t2", None, 8]]), {}),
    "parquet": (
        lambda: parquet({"tree_id": ["t1", "t2"], "species": ["橡树", None], "height": [12.5, 8]}),
        {},
    ),
}
"""Format: a file of the two trees, and what the contract says beside the format."""

PLATES = [
    {"name": "entity_id", "logicalType": "string", "primaryKey": True, "required": True},
    {"name": "trip_id", "logicalType": "string"},
    {"name": "latitude", "logicalType": "number"},
    {"name": "timestamp", "logicalType": "timestamp"},
]
"""Columns of a dataset of vehicle positions."""


def land(
    city: City, content: bytes, kind: str, name: str = "", **own: Any
) -> tuple[BatchManifest, Dataset]:
    """Drop one file, alone, and extract it."""
    for old in city.drops.iterdir():
        old.unlink()
    (city.drops / (name or f"a.{kind}")).write_bytes(content)
    dataset = city.files("*", format=kind, **own)
    number = len(city.landed())
    return city.extract(dataset, f"n{number}"), dataset


def rows(city: City, manifest: BatchManifest) -> list[list[str | None]]:
    """The only landed file's rows as Spark reads them, in the header's order of the two trees."""
    (file,) = manifest.files
    folder = city.landing.batch_dir(manifest.dataset, manifest.batch_id)
    found = [
        {name: value or None for name, value in row.items()} for row in read_back(folder, file)
    ]
    assert len(found) == file.rows
    return [[row.get(name) for name in sorted(row, key=_order)] for row in found]


def _order(name: str) -> int:
    return HEADER.index(name) if name in HEADER else len(HEADER)


def dumped(value: Any) -> bytes:
    """JSON bytes."""
    return json.dumps(value, ensure_ascii=False).encode()


def columns_named(*names: str, **kinds: str) -> list[dict[str, Any]]:
    """The key and further columns, by their names in the source."""
    named = [(name, "string") for name in names] + list(kinds.items())
    more = [
        {"name": f"c{place}", "physicalName": name, "logicalType": kind}
        for place, (name, kind) in enumerate(named)
    ]
    return [KEY, *more]


def records(city: City, manifest: BatchManifest) -> list[dict[str, str | None]]:
    """The rows of the one file that was landed, by their columns' names."""
    (file,) = manifest.files
    header = sorted(file.header, key=lambda n: HEADER.index(n) if n in HEADER else 9)
    return [dict(zip(header, row, strict=True)) for row in rows(city, manifest)]


def read(
    content: bytes, kind: str, columns: dict[str, str] | None = None, **source: Any
) -> list[dict[str, str | None]]:
    """A file's records as the reader of its format gives them.

    Args:
        content: the file's bytes.
        kind: its format.
        columns: the contract's columns, each with its Spark type.
        source: what the contract says beside the format.

    Raises:
        Unreadable: the file is not what the contract says.
    """
    named = tuple(
        Column(name=name, source_name=name, logical_type="string", spark_type=spark_type)
        for name, spark_type in (columns or {}).items()
    )
    dataset = described(FileFormat(kind), **source).model_copy(update={"columns": named})
    binary = io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]
    with formats.reading(dataset, binary) as table:
        found = list(table.rows)
    return [dict(itertools.zip_longest(table.header, row)) for row in found]
