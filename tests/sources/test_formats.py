"""Every format: the same rows, as text, whatever they were packed in."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import tracemalloc
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from format_samples import (
    CSV,
    HEADER,
    PLATES,
    ROWS,
    SAMPLES,
    dumped,
    feed,
    land,
    parquet,
    rows,
    vehicle,
    xlsx,
    zipped,
)
from google.transit import gtfs_realtime_pb2 as pb
from source_city import COLUMNS, City

from civiclake.contracts import file_format
from civiclake.io.formats import gtfs_rt
from civiclake.io.landing import BatchManifest
from civiclake.settings import project_root

KEY = {"name": "tree_id", "logicalType": "string", "primaryKey": True, "required": True}


def _columns(*names: str, **kinds: str) -> list[dict[str, Any]]:
    """The key and further columns, by their names in the source."""
    named = [(name, "string") for name in names] + list(kinds.items())
    more = [
        {"name": f"c{place}", "physicalName": name, "logicalType": kind}
        for place, (name, kind) in enumerate(named)
    ]
    return [KEY, *more]


def _records(city: City, manifest: BatchManifest) -> list[dict[str, str | None]]:
    (file,) = manifest.files
    header = sorted(file.header, key=lambda n: HEADER.index(n) if n in HEADER else 9)
    return [dict(zip(header, row, strict=True)) for row in rows(city, manifest)]


# -- the same rows -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_format_plain_and_packed(city: City, kind: str) -> None:
    made, own = SAMPLES[kind]
    content = made()
    ways = {
        f"a.{kind}": (content, {}),
        f"b.{kind}.gz": (gzip.compress(content), {}),
        "c.zip": (zipped({f"in/{kind}": content, "else": b"-"}), {"member": f"in/{kind}"}),
    }
    for name, (delivered, more) in ways.items():
        manifest, dataset = land(city, delivered, kind, name, **own, **more)
        found = rows(city, manifest)
        assert [r if r[2] != "12.50" else [*r[:2], "12.5"] for r in found] == ROWS, name
        (file,) = manifest.files
        assert sorted(file.header) == sorted(HEADER)
        folder = city.landing.batch_dir(dataset.id, manifest.batch_id)
        assert (folder / (file.as_came or file.path)).read_bytes() == delivered
        assert (file.sha256, file.size_bytes) == (
            hashlib.sha256(delivered).hexdigest(),
            len(delivered),
        )
        if kind != "csv":
            assert file.path.startswith("parts/")
            assert (file.delimiter, file.encoding, file.compressed) == (",", "utf-8", False)
        left = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        assert left == {"manifest.json", file.path, file.as_came or file.path}


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "xml"])
@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-16"])
def test_text_in_the_contract_s_encoding(city: City, kind: str, encoding: str) -> None:
    made, own = SAMPLES[kind]
    text = made().decode().replace('encoding="UTF-8"', f'encoding="{encoding}"')
    manifest, _ = land(city, text.encode(encoding), kind, encoding=encoding, **own)
    assert rows(city, manifest)[0][1] == "橡树"


def test_a_day_s_set_of_files_and_a_replaced_one(city: City) -> None:
    dataset = city.files("*", format="json", limits={"allow_empty": True})
    for hour in range(3):
        (city.drops / f"{hour}.json").write_bytes(
            dumped([{"tree_id": f"t{hour}", "species": "oak", "height": hour}])
        )
    first = city.commit(dataset, "n1")
    assert (len(first.files), first.rows) == (3, 3)
    assert city.extract(dataset, "n2").rows == 0
    replaced = dumped([{"tree_id": "t1", "species": "fir", "height": 1}])
    (city.drops / "1.json").write_bytes(replaced)
    second = city.commit(dataset, "n3")
    (new,) = second.files
    (old,) = [f for f in first.files if f.origin == new.origin]
    assert (old.version, old.sha256) != (new.version, new.sha256)
    for batch, file, species in (("n1", old, "oak"), ("n3", new, "fir")):
        folder = city.landing.batch_dir(dataset.id, batch)
        came = json.loads((folder / (file.as_came or "")).read_bytes())
        assert came[0]["species"] == species


@pytest.mark.parametrize("kind", SAMPLES)
def test_header_variants_are_the_contract_s_columns(city: City, kind: str) -> None:
    made, own = SAMPLES[kind]
    also = [{"property": "civiclake", "value": {"also": ["Tree-No", "树号"]}}]
    columns = [{**COLUMNS[0], "physicalName": "number", "customProperties": also}, *COLUMNS[1:]]
    if kind == "xlsx":
        content = xlsx([["树号", *HEADER[1:]], ["t1", "橡树", 12.5], ["t2", None, 8]])
    elif kind == "parquet":
        content = parquet({"树号": ["t1", "t2"], "species": ["橡树", None], "height": [12.5, 8]})
    else:
        content = made().decode().replace("tree_id", "树号").encode()
    manifest, _ = land(city, content, kind, columns=columns, **own)
    assert sorted(manifest.files[0].header) == ["height", "number", "species"]
    assert manifest.rows == 2


# -- one text for every value ------------------------------------------------------------


def test_json_values_keep_every_digit(city: City) -> None:
    content = (
        '{"meta": {"a": [1, {"b": "]"}]}, "data": {"other": [[], {}], "items": [\n'
        '{"tree_id": "t1", "n": 12345678901234567890, "d": 1.50, "e": 1.5E+7, "s": 1e-7, '
        '"b": true, "o": {"x": 1.10, "y": ["ü", null]}, "l": [], "q": "a,\\"b\\"\\r\\nc", "v": ""}'
        ']}, "z": "after"}'
    )
    names = ("n", "d", "e", "s", "b", "o", "l", "q", "v")
    own = {"records": "data.items", "columns": _columns(*names)}
    manifest, _ = land(city, content.encode(), "json", **own)
    assert _records(city, manifest) == [
        {
            "tree_id": "t1",
            "n": "12345678901234567890",
            "d": "1.50",
            "e": "15000000",
            "s": "0.0000001",
            "b": "true",
            "o": '{"x": 1.10, "y": ["ü", null]}',
            "l": "[]",
            "q": 'a,"b"\r\nc',
            "v": None,
        }
    ]
    assert manifest.files[0].multiline


def test_dotted_paths_open_nested_records(city: City) -> None:
    features = [
        {
            "tree_id": "t1",
            "geometry": {"coordinates": [116.4, 39.9]},
            "properties": {"kind": "oak", "height": 3},
        },
        {"tree_id": "t2", "geometry": None, "properties": {"kind": "elm", "height": 4}},
    ]
    wanted = ("geometry.coordinates.0", "geometry.coordinates.1", "properties")
    columns = _columns(*wanted)
    manifest, _ = land(city, dumped(features), "json", columns=columns)
    assert _records(city, manifest) == [
        {
            "tree_id": "t1",
            "geometry.coordinates.0": "116.4",
            "geometry.coordinates.1": "39.9",
            "properties": '{"kind": "oak", "height": 3}',
        },
        {
            "tree_id": "t2",
            "geometry.coordinates.0": None,
            "geometry.coordinates.1": None,
            "properties": '{"kind": "elm", "height": 4}',
        },
    ]


def test_names_that_come_late_widen_the_rows_before(city: City) -> None:
    many: list[dict[str, Any]] = [{"tree_id": f"t{n}", "species": 'a\n"b"'} for n in range(1500)]
    many.append({"tree_id": "last", "species": "oak", "height": 2})
    manifest, _ = land(city, "\n".join(json.dumps(r) for r in many).encode(), "jsonl")
    found = rows(city, manifest)
    assert (len(found), found[0], found[-1]) == (
        1501,
        ["t0", 'a\n"b"', None],
        ["last", "oak", "2"],
    )


def test_xml_attributes_nested_and_repeated_elements(city: City) -> None:
    text = (
        '<c:all xmlns:c="urn:x"><c:tree no="7"><tree_id>t1</tree_id><tag>a</tag><tag>b &amp; c'
        "</tag><at><lat>1</lat><lon>2</lon></at><note><![CDATA[<x>]]></note></c:tree></c:all>"
    )
    columns = _columns("@no", "tag", "at.lat", "at.lon", "note")
    manifest, _ = land(city, text.encode(), "xml", records="tree", columns=columns)
    assert _records(city, manifest) == [
        {
            "tree_id": "t1",
            "@no": "7",
            "tag": '["a", "b & c"]',
            "at.lat": "1",
            "at.lon": "2",
            "note": "<x>",
        }
    ]


def test_xlsx_values_as_a_person_sees_them(city: City) -> None:
    moment = dt.datetime(2016, 1, 2, 3, 4, 5)
    midnight = dt.datetime(2016, 1, 2)
    content = xlsx(
        [
            ["tree_id", "day", "seen", "open", "small", "big", "yes", "text", "long"],
            ["t1", midnight, midnight, dt.time(7, 30), 1e-7, 12.0, True, "-1+2", 10**15],
            [None] * 9,
            ["t2", dt.date(1901, 3, 4), moment, None, 0.1, 1e20, False, "#N/A", 2.5],
        ]
    )
    columns = _columns("open", "small", "big", "yes", "text", "long", day="date", seen="timestamp")
    manifest, _ = land(city, content, "xlsx", columns=columns)
    first, second = _records(city, manifest)
    assert (first["day"], first["seen"]) == ("2016-01-02", "2016-01-02T00:00:00")
    assert (first["open"], first["small"], first["big"]) == ("07:30:00", "0.0000001", "12")
    assert (first["yes"], first["text"], first["long"]) == ("true", "-1+2", "1000000000000000")
    assert second["day"] == "1901-03-04"
    assert (second["seen"], second["small"]) == ("2016-01-02T03:04:05", "0.1")
    assert (second["big"], second["yes"], second["text"]) == (
        "100000000000000000000",
        "false",
        "#N/A",
    )


def test_the_sheet_that_the_contract_names(city: City) -> None:
    content = xlsx([["note"], ["read me"]], [HEADER, ["t1", "橡树", 12.5], ["t2", None, 8]])
    manifest, _ = land(city, content, "xlsx", sheet="More")
    assert rows(city, manifest) == ROWS


def test_parquet_types(city: City) -> None:
    utc = dt.UTC
    moment = dt.datetime(2016, 1, 2, 3, 4, 5, 600_000)
    shanghai = pa.timestamp("ms", "Asia/Shanghai")
    table = pa.table(
        {
            "tree_id": pa.array(["t1", "t2"]),
            "i": pa.array([2**62, None], pa.int64()),
            "f": pa.array([12.0, 1e22]),
            "f4": pa.array([39.9042, None], pa.float32()),
            "m": pa.array([Decimal("1.50"), Decimal("0.00")], pa.decimal128(12, 2)),
            "day": pa.array([dt.date(1899, 12, 31), None]),
            "seen": pa.array([moment, None], pa.timestamp("us")),
            "zoned": pa.array([moment.replace(tzinfo=utc), None], shanghai),
            "nanos": pa.array([1, 10**18 + 1], pa.timestamp("ns")),
            "yes": pa.array([True, None]),
            "coded": pa.array(["a", "b"]).dictionary_encode(),
            "raw": pa.array([b"\xe6\xa9\xa1", b"x"]),
            "list": pa.array([["a", "ü"], None]),
            "o": pa.array([{"x": 1, "y": "z"}, None]),
        }
    )
    names = ("i", "f", "f4", "m", "day", "seen", "zoned", "nanos", "yes", "coded", "raw", "list")
    for own in ((*names, "o"), (*names, "o.x", "o.y")):  # as rows, and as records
        manifest, _ = land(city, parquet(table), "parquet", columns=_columns(*own))
        first, second = _records(city, manifest)
        assert first["i"] == "4611686018427387904"
        assert (first["f"], second["f"]) == ("12", "10000000000000000000000")
        assert (first["f4"], first["m"], second["m"]) == ("39.9042", "1.50", "0.00")
        assert (first["day"], first["seen"]) == ("1899-12-31", "2016-01-02T03:04:05.6")
        assert first["zoned"] == "2016-01-02T03:04:05.6Z"
        assert first["nanos"] == "1970-01-01T00:00:00.000000001"
        assert second["nanos"] == "2001-09-09T01:46:40.000000001"
        assert (first["yes"], first["coded"], first["raw"]) == ("true", "a", "橡")
        assert first["list"] == '["a", "ü"]'
    assert (first["o.x"], first["o.y"], second["o.x"]) == ("1", "z", None)


def test_vehicle_positions(city: City) -> None:
    other = pb.FeedEntity(id="a1")
    other.alert.cause = pb.Alert.STRIKE
    content = feed(vehicle(), other)
    names = [n for n in gtfs_rt.COLUMNS["vehicle"] if n != "entity_id"]
    columns = [{**KEY, "name": "entity_id"}, *_columns(*names)[1:]]
    manifest, _ = land(city, content, "gtfs_rt", records="vehicle", columns=columns)
    (found,) = _records(city, manifest)
    assert {name: value for name, value in found.items() if value} == {
        "entity_id": "v1",
        "feed_timestamp": "2016-01-01T00:00:00Z",
        "trip_id": "trip-1",
        "route_id": "110",
        "trip_schedule_relationship": "SCHEDULED",
        "vehicle_id": "bus-7",
        "latitude": "39.9042",
        "longitude": "-116.4074",
        "speed_m_per_s": "7",
        "current_status": "STOPPED_AT",
        "timestamp": "2015-12-31T23:59:59Z",
    }


def test_trip_updates_and_their_stops(city: City) -> None:
    update = pb.FeedEntity(id="u1")
    update.trip_update.trip.trip_id = "trip-1"
    update.trip_update.delay = 90
    for number, delay in ((3, -30), (4, 120)):
        stop = update.trip_update.stop_time_update.add(stop_sequence=number, stop_id=f"s{number}")
        stop.arrival.delay = delay
        stop.arrival.time = 1451606400 + delay
    key = {**KEY, "name": "trip_id"}
    columns = [key, *_columns("delay_s", "stop_time_updates")[1:]]
    manifest, _ = land(city, feed(update), "gtfs_rt", records="trip_update", columns=columns)
    (whole,) = _records(city, manifest)
    assert (whole["trip_id"], whole["delay_s"]) == ("trip-1", "90")
    assert json.loads(whole["stop_time_updates"] or "")[0] == {
        "stop_sequence": 3,
        "arrival": {"delay": -30, "time": "2015-12-31T23:59:30Z"},
        "stop_id": "s3",
    }
    names = ("stop_sequence", "stop_id", "arrival_delay_s", "arrival_time", "departure_time")
    columns = [key, *_columns(*names)[1:]]
    manifest, _ = land(city, feed(update), "gtfs_rt", records="stop_time_update", columns=columns)
    assert [list(record.values()) for record in _records(city, manifest)] == [
        ["trip-1", "3", "s3", "-30", "2015-12-31T23:59:30Z", None],
        ["trip-1", "4", "s4", "120", "2016-01-01T00:02:00Z", None],
    ]


def test_alerts(city: City) -> None:
    entity = pb.FeedEntity(id="a1")
    entity.alert.cause = pb.Alert.STRIKE
    entity.alert.active_period.add(start=1451606400)
    entity.alert.informed_entity.add(route_id="110")
    entity.alert.header_text.translation.add(text="罢工", language="zh")
    columns = [
        {**KEY, "name": "entity_id"},
        *_columns("cause", "header_text", "active_periods", "informed_entities")[1:],
    ]
    manifest, _ = land(city, feed(entity), "gtfs_rt", records="alert", columns=columns)
    assert _records(city, manifest) == [
        {
            "entity_id": "a1",
            "cause": "STRIKE",
            "header_text": "罢工",
            "active_periods": '[{"start": "2016-01-01T00:00:00Z"}]',
            "informed_entities": '[{"route_id": "110"}]',
        }
    ]


def test_every_column_of_a_feed_is_documented() -> None:
    guide = (project_root() / "docs" / "guides" / "file-formats.md").read_text(encoding="utf-8")
    names = {name for columns in gtfs_rt.COLUMNS.values() for name in columns}
    assert {name for name in names if f"`{name}`" not in guide} == set()
    assert set(gtfs_rt.COLUMNS) == set(file_format.ENTITIES)


def test_a_feed_without_entities_is_a_quiet_one(city: City) -> None:
    own = {"records": "vehicle", "columns": PLATES, "limits": {"allow_empty": True}}
    manifest, _ = land(city, feed(), "gtfs_rt", **own)
    assert (manifest.rows, len(manifest.files)) == (0, 1)


@pytest.mark.parametrize(
    ("kind", "content", "own"),
    [
        ("json", b"[]", {}),
        ("json", b'{"items": []}', {"records": "items"}),
        ("jsonl", b"\n", {}),
        ("xml", b"<trees/>", {"records": "tree"}),
        ("xlsx", xlsx([HEADER]), {}),
        ("parquet", parquet({name: pa.array([], pa.string()) for name in HEADER}), {}),
    ],
)
def test_a_list_of_no_records(city: City, kind: str, content: bytes, own: dict[str, Any]) -> None:
    manifest, _ = land(city, content, kind, **own, limits={"allow_empty": True})
    assert manifest.rows == 0
    assert list(manifest.files[0].header) == HEADER


def test_a_formula_in_a_csv_cell_is_text(city: City) -> None:
    content = CSV.replace("橡树", "=1+cmd|' /C calc'!A0")
    manifest, _ = land(city, content.encode(), "csv")
    assert rows(city, manifest)[0][1] == "=1+cmd|' /C calc'!A0"


@pytest.mark.parametrize("kind", ["json", "jsonl", "xml"])
def test_memory_does_not_grow_with_the_file(city: City, kind: str) -> None:
    """Many records are read in the memory of a few."""
    made, own = {
        "json": (lambda r: b"[" + b",\n".join([r] * 8000) + b"]", {}),
        "jsonl": (lambda r: b"\n".join([r] * 8000), {}),
        "xml": (lambda r: b"<a>" + b"\n".join([r] * 8000) + b"</a>", {"records": "t"}),
    }[kind]
    record = b'{"tree_id": "t1", "species": "%s", "height": 12.5}' % (b"oak" * 400)
    if kind == "xml":
        record = b"<t><tree_id>t</tree_id><species>%s</species><height>1</height></t>" % (
            b"oak" * 400
        )
    content = made(record)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        manifest, _ = land(city, content, kind, **own)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert manifest.rows == 8000
    assert len(content) > 9 << 20
    assert peak < 6 << 20
