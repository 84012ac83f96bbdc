"""One dataset of each format, from the file to the unified table: the rows are the same."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from google.transit import gtfs_realtime_pb2 as pb
from nights import Nights, counts
from pyspark.sql import SparkSession

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset, FileFormat
from civiclake.settings import Settings

HEADER = ["Tree No", "species", "height", "planted", "seen"]
SEEN = dt.datetime(2016, 1, 2, 3, 4, 5)
ROWS: list[list[Any]] = [
    ["t1", '橡,"树"\n=1', Decimal("12.50"), dt.date(2015, 12, 31), SEEN],
    ["t2", None, Decimal("8.00"), None, dt.datetime(2016, 1, 2)],
]
SERVED = [
    {
        "tree_id": "t1",
        "species": '橡,"树"\n=1',
        "height_m": "12.50",
        "planted_on": "2015-12-31",
        # The contract's zone is Asia/Shanghai.
        "seen_at": "2016-01-01 19:04:05",
    },
    {
        "tree_id": "t2",
        "species": "",
        "height_m": "8.00",
        "planted_on": "",
        "seen_at": "2016-01-01 16:00:00",
    },
]
ALSO = [{"property": "civiclake", "value": {"also": ["Tree No", "tree-no"]}}]
ZONE = {"logicalTypeOptions": {"defaultTimezone": "Asia/Shanghai"}}
KEY = {"name": "tree_id", "logicalType": "string", "primaryKey": True, "required": True}
COLUMNS = [
    {**KEY, "customProperties": ALSO},
    {"name": "species", "logicalType": "string"},
    {
        "name": "height_m",
        "physicalName": "height",
        "logicalType": "number",
        "physicalType": "numeric(6,2)",
    },
    {"name": "planted_on", "physicalName": "planted", "logicalType": "date"},
    {"name": "seen_at", "physicalName": "seen", "logicalType": "timestamp", **ZONE},
]
VEHICLES = [
    {**KEY, "name": "entity_id"},
    {"name": "latitude", "logicalType": "number"},
    {"name": "seen_at", "physicalName": "timestamp", "logicalType": "timestamp", **ZONE},
]


def _record(row: list[Any]) -> dict[str, Any]:
    texts = [v.isoformat() if isinstance(v, dt.date) else v for v in row]
    texts[2] = float(row[2])
    return dict(zip(HEADER, texts, strict=True))


def _csv() -> bytes:
    text = 'tree-no,species,height,planted,seen\nt1,"橡,""树""\n=1",12.50,2015-12-31,'
    return f"{text}2016-01-02T03:04:05\nt2,,8,,2016-01-02 00:00:00\n".encode("gb18030")


def _xml() -> bytes:
    text = "<t no='t1'><species>橡,\"树\"\n=1</species><height>12.50</height><planted>2015-12-31"
    text += "</planted><seen>2016-01-02T03:04:05</seen></t><t no='t2'><species/>"
    text += "<height>8</height><planted/><seen>2016-01-02T00:00:00</seen></t>"
    return f"<all>{text}</all>".encode()


def _xlsx() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    for row in ROWS:
        book.active.append(row)
    book.active["B2"].data_type = "s"
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _parquet() -> bytes:
    packed = io.BytesIO()
    columns = zip(*ROWS, strict=True)
    pq.write_table(pa.table(dict(zip(HEADER, columns, strict=True))), packed)
    return packed.getvalue()


FILES: dict[str, tuple[Callable[[], bytes], dict[str, Any]]] = {
    "csv": (_csv, {}),
    "json": (
        lambda: json.dumps({"rows": [_record(r) for r in ROWS]}).encode(),
        {"records": "rows"},
    ),
    "jsonl": (lambda: "\n".join(json.dumps(_record(r)) for r in ROWS).encode(), {}),
    "xml": (_xml, {"records": "t"}),
    "xlsx": (_xlsx, {}),
    "parquet": (_parquet, {}),
}


def _dataset(root: Path, kind: str, columns: list[dict[str, Any]], own: dict[str, Any]) -> Dataset:
    server = {"server": "source", "type": "local", "path": "/none/*", "format": kind}
    if kind == "csv":
        server["encoding"] = "gb18030"
    contract = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": f"parks.{kind}",
        "version": "1.0.0",
        "status": "active",
        "domain": "parks",
        "servers": [server],
        "schema": [{"name": kind, "properties": columns}],
        "team": {"members": [{"username": "data@parks.example.org", "role": "owner"}]},
        "customProperties": [{"property": "civiclake", "value": {"load": "files", **own}}],
    }
    path = root / "schemas" / "parks" / f"{kind}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(contract))
    city = load_city(root / "schemas", root / "expectations", root / "marts")
    return city.dataset(f"parks.{kind}")


def _nights(
    settings: Settings, spark: SparkSession, root: Path, dataset: Dataset, content: bytes
) -> Nights:
    nights = Nights(settings, spark, root / dataset.name, dataset)
    place = nights.dataset.source.location
    source = dataset.source.model_copy(update={"location": str(place).replace("*.csv", "*")})
    nights.dataset = dataset.model_copy(update={"source": source})
    nights.deliver(content, f"a.{dataset.name}")
    return nights


@pytest.mark.parametrize("kind", FILES)
def test_from_the_file_to_the_table(
    kind: str, settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    made, own = FILES[kind]
    columns = COLUMNS
    if kind == "xml":
        spelled = [{"property": "civiclake", "value": {"also": ["@no"]}}]
        columns = [{**KEY, "customProperties": spelled}, *COLUMNS[1:]]
    nights = _nights(settings, spark, tmp_path, _dataset(tmp_path, kind, columns, own), made())
    result = nights.run("night_1")
    assert counts(result) == {"read": 2, "inserted": 2}, nights.quarantine()
    assert nights.table() == SERVED


def test_a_feed_s_instants_are_instants_whatever_the_contract_s_zone(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    feed = pb.FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    for number in range(2):
        entity = feed.entity.add(id=f"v{number}")
        entity.vehicle.position.latitude = 39.9042
        entity.vehicle.position.longitude = 116.4
        entity.vehicle.timestamp = 1451606400 + number
    dataset = _dataset(tmp_path, str(FileFormat.GTFS_RT), VEHICLES, {"records": "vehicle"})
    nights = _nights(settings, spark, tmp_path, dataset, feed.SerializeToString())
    assert counts(nights.run("night_1")) == {"read": 2, "inserted": 2}
    assert nights.table() == [
        {"entity_id": "v0", "latitude": "39.9042", "seen_at": "2016-01-01 00:00:00"},
        {"entity_id": "v1", "latitude": "39.9042", "seen_at": "2016-01-01 00:00:01"},
    ]
