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
    ROWS,
    SAMPLES,
    columns_named,
    dumped,
    land,
    parquet,
    records,
    rows,
    xlsx,
    zipped,
)
from source_city import COLUMNS, City

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
        assert (folder / file.path).read_bytes() == delivered
        assert (file.sha256, file.size_bytes) == (
            hashlib.sha256(delivered).hexdigest(),
            len(delivered),
        )
        left = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        assert left == {"manifest.json", file.path, file.rendition}


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
        came = json.loads((folder / file.path).read_bytes())
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
    own = {"records": "data.items", "columns": columns_named(*names)}
    manifest, _ = land(city, content.encode(), "json", **own)
    assert records(city, manifest) == [
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
    columns = columns_named(*wanted)
    manifest, _ = land(city, dumped(features), "json", columns=columns)
    assert records(city, manifest) == [
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
    columns = columns_named("@no", "tag", "at.lat", "at.lon", "note")
    manifest, _ = land(city, text.encode(), "xml", records="tree", columns=columns)
    assert records(city, manifest) == [
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
    columns = columns_named(
        "open", "small", "big", "yes", "text", "long", day="date", seen="timestamp"
    )
    manifest, _ = land(city, content, "xlsx", columns=columns)
    first, second = records(city, manifest)
    assert (first["day"], first["seen"]) == ("2016-01-02", "2016-01-02T00:00:00")
    assert (first["open"], first["small"], first["big"]) == ("07:30:00", "0.0000001", "12")
    assert (first["yes"], first["text"], first["long"]) == ("true", "-1+2", "1000000000000000")
    assert second["day"] == "1901-03-04"
    assert (second["seen"], second["small"]) == ("2016-01-02T03:04:05", "0.1")
    assert (second["big"], second["yes"]) == ("100000000000000000000", "false")
    assert second["text"] is None  # openpyxl writes such a text as the error that it is


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
        manifest, _ = land(city, parquet(table), "parquet", columns=columns_named(*own))
        first, second = records(city, manifest)
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
