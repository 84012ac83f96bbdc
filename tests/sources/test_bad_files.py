"""Files that are not what the contract says: one clear sentence, nothing half landed."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from format_samples import HEADER, JSON, PLATES, SAMPLES, feed, parquet, vehicle, xlsx, zipped
from source_city import City
from source_refusals import refused

from civiclake.errors import BatchHeld, SourceError, SourceUnavailable
from civiclake.io import streams
from civiclake.io.formats import parquet as parquet_format
from civiclake.io.formats import xlsx as xlsx_format

TREES = [HEADER, ["t1", "oak", 12.5]]
TABLE = {"tree_id": ["t1"], "species": ["oak"], "height": [12.5]}
BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<trees><tree><tree_id>&c;</tree_id></tree></trees>"""
OUTSIDE = """<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<trees><tree><tree_id>&a;</tree_id></tree></trees>"""
TREE = {"records": "tree"}
MANY = "".join(f'{{"tree_id": "t{n}", "species": "oak", "height": {n}}}\n' for n in range(3000))


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _rewritten(book: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook with other parts."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, change(info.filename, old.read(info)))
    return packed.getvalue()


def _sheet(book: bytes, old: str, new: str) -> bytes:
    def change(name: str, part: bytes) -> bytes:
        if not name.startswith("xl/worksheets/"):
            return part
        assert old in part.decode()
        return part.decode().replace(old, new).encode()

    return _rewritten(book, change)


Case = tuple[str, Callable[[], bytes], dict[str, Any], str]
CASES: dict[str, Case] = {
    # another kind than its name or its contract says
    "xlsx named csv": ("csv", lambda: xlsx(TREES), {}, "it is an XLSX workbook, not CSV"),
    "csv named xlsx": ("xlsx", SAMPLES["csv"][0], {}, "it is text, not an XLSX workbook"),
    "zip named csv": ("csv", lambda: zipped({"a": b"x"}), {}, "it is a zip archive, not CSV"),
    "gzip named csv": ("csv", lambda: gzip.compress(b"a,b"), {}, "it is a gzip file, not CSV"),
    "parquet named json": ("json", lambda: parquet(TABLE), {}, "it is Parquet, not JSON as the"),
    "pdf named xml": ("xml", lambda: b"%PDF-1.4 x", TREE, "it is a PDF, not XML"),
    "xls": ("xlsx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, {}, "old Excel file (.xls)"),
    "json as parquet": ("parquet", JSON.encode, {}, "it is text, not Parquet"),
    "noise as parquet": ("parquet", lambda: b"\1\2\3" * 9, {}, "it is something else, not Parquet"),
    "a zip of other things": (
        "xlsx",
        lambda: zipped({"trees.csv": b"x"}),
        {},
        "it is no whole workbook",
    ),
    # bombs
    "entity bomb": ("xml", BOMB.encode, TREE, "it defines entities, which no delivery needs"),
    "external entity": ("xml", OUTSIDE.encode, TREE, "it defines entities"),
    "entities in a workbook": (
        "xlsx",
        lambda: _sheet(xlsx(TREES), "<worksheet", '<!DOCTYPE x [<!ENTITY a "b">]><worksheet'),
        {},
        "it defines entities, which no workbook needs",
    ),
    "xlsx bomb": (
        "xlsx",
        lambda: _rewritten(
            xlsx(TREES), lambda name, p: p + b" " * (80 << 20) if "sheet1" in name else p
        ),
        {},
        "more than 200 times its size",
    ),
    "gzip bomb of json": (
        "json.gz",
        lambda: gzip.compress(b"[" + b" " * (80 << 20)),
        {},
        "more than 200 times its size",
    ),
    "deep nesting": (
        "json",
        lambda: b'[{"tree_id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
        {},
        "nested too deeply",
    ),
    "deep nesting beside the records": (
        "json",
        lambda: b'{"x": ' + b'{"a": ' * 5000 + b"1" + b"}" * 5000 + b', "items": []}',
        {"records": "items"},
        "nested too deeply",
    ),
    "deep nesting in lines": ("jsonl", lambda: b'{"a": ' * 9000, {}, "nested too deeply"),
    "deep nesting of elements": (
        "xml",
        lambda: b"<a>" * 5000 + b"</a>" * 5000,
        TREE,
        "its elements are nested too deeply",
    ),
    "a record without end": (
        "xml",
        lambda: b"<trees><tree>" + b"x" * (40 << 20),
        TREE,
        "it holds an element of over",
    ),
    "a value without end": (
        "json",
        lambda: b'[{"tree_id": "' + b"x" * (20 << 20),
        {},
        "it holds a value of over 8 MiB",
    ),
    "too many names": (
        "json",
        lambda: b"[{%s}]" % b",".join(b'"a%d": 1' % n for n in range(2100)),
        {},
        "over 2,000 different names",
    ),
    "a long value": (
        "json",
        lambda: b'[{"tree_id": "%s"}]' % (b"x" * 200_000),
        {},
        "record 1 has a value of over 131,072 characters in tree_id",
    ),
    # cut off
    "half a json": ("json", lambda: _half(JSON.encode()), {}, "it is cut off before its end"),
    "a json without its end": ("json", lambda: JSON[:-1].encode(), {}, "cut off before its end"),
    "half a line": ("jsonl", lambda: MANY[:-9].encode(), {}, "line 3000 is no JSON"),
    "half an xml": ("xml", lambda: _half(SAMPLES["xml"][0]()), TREE, "cut off before its end"),
    "half an xlsx": ("xlsx", lambda: _half(xlsx(TREES)), {}, "no whole zip file"),
    "half a parquet": ("parquet", lambda: _half(parquet(TABLE)), {}, "no whole Parquet file"),
    "half a gzip": ("json.gz", lambda: _half(gzip.compress(MANY.encode())), {}, "cut off before"),
    "half a feed": (
        "gtfs_rt",
        lambda: feed(vehicle())[:-5],
        {"records": "vehicle", "columns": PLATES},
        "no whole GTFS-Realtime feed",
    ),
    "a feed without header": (
        "gtfs_rt",
        lambda: feed(vehicle())[20:],
        {"records": "vehicle", "columns": PLATES},
        "no whole GTFS-Realtime feed",
    ),
    "parquet of spoilt text": (
        "parquet",
        lambda: parquet(TABLE, compression="none").replace(b"oak", b"\xff\xfe\xfd", 1),
        {},
        "it is damaged: what it calls text is no UTF-8",
    ),
    "a spoilt page of parquet": (
        "parquet",
        lambda: (whole := parquet(TABLE, compression="zstd"))[:30] + b"\0" * 20 + whole[50:],
        {},
        "it is",
    ),
    "a spoilt xlsx": (
        "xlsx",
        lambda: xlsx(TREES).replace(b"xl/worksheets/sheet1.xml", b"xl/worksheets/sheet9.xml", 1),
        {},
        "no whole zip file",
    ),
    "a spoilt sheet": (
        "xlsx",
        lambda: _sheet(xlsx(TREES), "</row>", "<row>"),
        {},
        "its sheet is damaged",
    ),
    # text that is not of its encoding
    "gbk as utf-8": (
        "json",
        lambda: JSON.encode("gbk"),
        {},
        "it is not utf-8: byte 0xcf in line 1",
    ),
    "gbk lines as utf-8": (
        "jsonl",
        lambda: (MANY + '{"tree_id": "橡"}').encode("gbk"),
        {},
        "it is not utf-8: byte 0xcf in line 3001",
    ),
    "gbk xml as utf-8": (
        "xml",
        lambda: SAMPLES["xml"][0]().decode().encode("gbk"),
        TREE,
        "it is not utf-8: byte 0xcf in line 3",
    ),
    "utf-8 as gbk": (
        "json",
        lambda: JSON.replace("橡树", "橡树林").encode(),
        {"encoding": "gb18030"},
        "it is utf-8, not gb18030: correct `encoding` in the contract",
    ),
    "utf-8 csv as gbk": (
        "csv",
        lambda: SAMPLES["csv"][0]().decode().replace("橡树", "橡树林木").encode(),
        {"encoding": "gb18030"},
        "it is utf-8, not gb18030",
    ),
    "xml that says gbk": (
        "xml",
        lambda: SAMPLES["xml"][0]().replace(b"UTF-8", b"GBK"),
        TREE,
        "it says that it is GBK, but the contract's `encoding` is utf-8",
    ),
    # another shape
    "an object": (
        "json",
        lambda: b'{"items": [], "meta": {}}',
        {},
        "the document is an object, not a list of records: name the list as `records` "
        "(it holds items, meta)",
    ),
    "another path": (
        "json",
        lambda: b'{"data": {"rows": [], "total": 0}}',
        {"records": "data.items"},
        "it has no data.items (data holds rows, total)",
    ),
    "a path through a number": (
        "json",
        lambda: b'{"data": 7}',
        {"records": "data.items"},
        "data is a number, so it has no items",
    ),
    "a path to null": ("json", lambda: b'{"data": null}', {"records": "data"}, "data is null, not"),
    "a list where a path is": ("json", lambda: b"[]", {"records": "a"}, "the document is a list,"),
    "a list of lists": ("json", lambda: b'[{"a": 1}, [2]]', {}, "record 2 is a list, not an"),
    "a line of text": ("jsonl", lambda: b'{"a": 1}\n"x"', {}, "line 2 is text, not an object"),
    "trailing garbage": (
        "json",
        lambda: JSON.encode() + b" [1]",
        {},
        "something follows its end at character 104: '[1]'",
    ),
    "garbage inside": (
        "json",
        lambda: JSON.replace('"height": 8', '"height": eight').encode(),
        {},
        "it is no JSON: Expecting value at character",
    ),
    "a missing comma": (
        "json",
        lambda: b'[{"a": 1} {"a": 2}]' + b" " * 99,
        {},
        "it is no JSON: a comma or ] is missing at character 11",
    ),
    "NaN": ("jsonl", lambda: b'{"a": NaN}', {}, "it holds NaN, which JSON does not have"),
    "a NUL": ("jsonl", lambda: b'{"tree_id": "a\\u0000"}', {}, "holds a NUL character"),
    "half a character": ("jsonl", lambda: b'{"tree_id": "\\ud800"}', {}, "can't be"),
    "no such element": ("xml", lambda: b"<a><b/></a>", TREE, "no element tree (it holds a, b)"),
    "no xml": ("xml", lambda: b"<a><b></a>", TREE, "it is no XML: mismatched tag in line 1"),
    "several sheets": (
        "xlsx",
        lambda: xlsx(TREES, TREES),
        {},
        "it holds 2 sheets (Trees, More): name one as `sheet`",
    ),
    "no such sheet": ("xlsx", lambda: xlsx(TREES), {"sheet": "T"}, "no sheet T (it holds Trees)"),
    "a blank sheet": ("xlsx", lambda: xlsx([]), {}, "its sheet is empty: the first row must name"),
    "a column without a name": (
        "xlsx",
        lambda: xlsx([["tree_id", None, "height"], ["t1", "oak", 1]]),
        {},
        "its first row leaves column B without a name",
    ),
    "a formula without result": (
        "xlsx",
        lambda: xlsx([HEADER, ["t1", "oak", "=1+1"]]),
        {},
        "cell C2 holds a formula without its result",
    ),
    "bytes that are no text": (
        "parquet",
        lambda: parquet({"tree_id": [b"\xff\xfe"], "species": ["oak"], "height": [1.0]}),
        {},
        "is bytes that are no text",
    ),
    "a differential feed": (
        "gtfs_rt",
        lambda: feed(vehicle()).replace(b"\x0a\x032.0", b"\x0a\x032.0\x10\x01", 1),
        {"records": "vehicle", "columns": PLATES},
        "GTFS-Realtime feed",
    ),
}
HEADERS: dict[str, bytes] = {
    "csv": b"tree_id,species,Species,height\n1,2,3,4\n",
    "json": b'[{"tree_id": 1, "species": 2, "species": 3}]',
    "jsonl": b'{"tree_id": 1, "species": 2, "Species": 3}',
    "xlsx": xlsx([["tree_id", "species", " species "], ["1", "2", "3"]]),
    "parquet": parquet({"tree_id": ["1"], "species": ["2"], "Species": ["3"]}),
}


def _drop(city: City, name: str, content: bytes) -> str:
    (city.drops / name).write_bytes(content)
    return name


def _kind(ending: str) -> str:
    return ending.removesuffix(".gz")


@pytest.mark.parametrize("what", CASES)
def test_a_file_that_can_not_be_read(city: City, what: str) -> None:
    ending, made, own, reason = CASES[what]
    name = _drop(city, f"a.{ending}", made())
    dataset = city.files("*", format=_kind(ending), **own)
    said = refused(city, dataset, SourceError, f"{name} can't be read: ", reason)
    assert len(said) < 600


@pytest.mark.parametrize("kind", [*SAMPLES, "gtfs_rt"])
def test_an_empty_file(city: City, kind: str) -> None:
    own = {**SAMPLES.get(kind, (None, {"records": "vehicle"}))[1]}
    for name, content in ((f"a.{kind}", b""), (f"a.{kind}.gz", gzip.compress(b""))):
        path = city.drops / _drop(city, name, content)
        dataset = city.files("*", format=kind, **own)
        refused(city, dataset, SourceError, f"{name} can't be read: it is empty: 0 bytes")
        path.unlink()


@pytest.mark.parametrize("kind", HEADERS)
def test_a_name_twice(city: City, kind: str) -> None:
    _drop(city, f"a.{kind}", HEADERS[kind])
    said = refused(city, city.files("*", format=kind), SourceError, "pecies", "more than once")
    assert re.search(r"names (Species, )?species more than once", said)


def test_two_spellings_beside_each_other(city: City) -> None:
    also = [{"property": "civiclake", "value": {"also": ["No", "Nr"]}}]
    key = {"name": "tree_id", "logicalType": "string", "primaryKey": True, "required": True}
    _drop(city, "a.csv", b"No,Nr\n1,2\n")
    dataset = city.files("*", columns=[{**key, "customProperties": also}])
    words = "its header names tree_id more than once, as No and Nr"
    refused(city, dataset, SourceError, words)


SHAPES: dict[str, tuple[list[str], list[Any], str]] = {
    "missing": (["tree_id", "species"], ["t1", "oak"], "lacks the column height (its columns are"),
    "added": ([*HEADER, "crown"], ["t1", "oak", 1, 2], "has the column crown, unknown to the"),
    "renamed": (["tree_id", "species", "tall"], ["t1", "oak", 1], "lacks the column height"),
}


@pytest.mark.parametrize("what", SHAPES)
@pytest.mark.parametrize("kind", SAMPLES)
def test_a_delivery_of_another_shape_is_held_and_kept(city: City, kind: str, what: str) -> None:
    header, row, reason = SHAPES[what]
    texts = [str(value) for value in row]
    pairs = list(zip(header, texts, strict=True))
    record = "{" + ", ".join(f'"{name}": "{value}"' for name, value in pairs) + "}"
    elements = "".join(f"<{name}>{value}</{name}>" for name, value in pairs)
    content = {
        "csv": f"{','.join(header)}\n{','.join(texts)}\n".encode(),
        "json": f"[{record}]".encode(),
        "jsonl": record.encode(),
        "xml": f"<trees><tree>{elements}</tree></trees>".encode(),
        "xlsx": xlsx([header, row]),
        "parquet": parquet({name: [value] for name, value in pairs}),
    }[kind]
    _drop(city, f"a.{kind}", content)
    dataset = city.files("*", format=kind, **SAMPLES[kind][1])
    refused(city, dataset, BatchHeld, f"a.{kind} {reason}")
    held = city.landing.held_dir("parks.trees", "bad")
    assert content in [path.read_bytes() for path in held.iterdir() if path.is_file()]


def test_ragged_rows_of_a_sheet(city: City) -> None:
    book = xlsx([HEADER, ["t1", "oak", 1, "note"], ["t2"]])
    _drop(city, "a.xlsx", book)
    words = "a.xlsx has 1 of 2 records without 3 values, the first is record 1"
    refused(city, city.files("*", format="xlsx"), BatchHeld, words)
    passed = city.files("*", format="xlsx", drift={"ragged_row": "ignore"})
    (file,) = city.extract(passed, "n1").files
    assert (file.rows, file.ragged_count, file.ragged_rows) == (2, 1, (1,))


def test_parts_of_a_workbook_are_bounded(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    _drop(city, "a.xlsx", xlsx([HEADER, *[[f"t{n}", f"s{n}", n] for n in range(2000)]]))
    dataset = city.files("*", format="xlsx")
    monkeypatch.setattr(xlsx_format, "MAX_HELD_BYTES", 1 << 13)
    refused(city, dataset, SourceError, "its part xl/theme/theme1.xml unpacks to over")
    monkeypatch.undo()
    monkeypatch.setattr(streams, "MAX_UNPACKED_BYTES", 1 << 14)
    refused(city, dataset, SourceError, "it unpacks to over")


def test_one_text_that_stands_a_million_times(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary of one long text makes a small file and a large table."""
    monkeypatch.setattr(parquet_format, "MAX_VALUE_BYTES", 1 << 10)
    table = {"tree_id": ["t"] * 9000, "species": ["x" * 2000] * 9000, "height": [1] * 9000}
    _drop(city, "a.parquet", parquet(table))
    refused(city, city.files("*", format="parquet"), SourceError, "it holds a value of over")


def test_a_growing_file_of_another_format_is_no_broken_one(city: City) -> None:
    _drop(city, "a.json.part", JSON.encode()[:20])
    with pytest.raises(SourceUnavailable, match="only files still being written"):
        city.extract(city.files("*", format="json"), "n1")
