"""Files that can't be read as their contract says, and what is said of each."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from typing import Any

from format_samples import HEADER, JSON, PLATES, SAMPLES, feed, parquet, vehicle, xlsx, zipped

TREES = [HEADER, ["t1", "oak", 12.5]]
TABLE = {"tree_id": ["t1"], "species": ["oak"], "height": [12.5]}
BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<trees><tree><tree_id>&c;</tree_id></tree></trees>"""
OUTSIDE = """<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<trees><tree><tree_id>&a;</tree_id></tree></trees>"""
TREE = {"records": "tree"}
MANY = "".join(f'{{"tree_id": "t{n}", "species": "oak", "height": {n}}}\n' for n in range(3000))


SIZES = [
    {"name": "tree_id", "logicalType": "integer", "primaryKey": True, "required": True},
    {"name": "size_cm", "physicalName": "size.cm", "logicalType": "integer"},
]


def under_password(files: dict[str, bytes]) -> bytes:
    """A zip that says of its files that they are encrypted."""
    packed = bytearray(zipped(files))
    packed[6] |= 1
    packed[packed.find(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def rewritten(book: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook with other parts."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, change(info.filename, old.read(info)))
    return packed.getvalue()


def sheet(book: bytes, old: str, new: str) -> bytes:
    def change(name: str, part: bytes) -> bytes:
        if not name.startswith("xl/worksheets/"):
            return part
        assert old in part.decode()
        return part.decode().replace(old, new).encode()

    return rewritten(book, change)


def binary_workbook(book: bytes) -> bytes:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as old,
        zipfile.ZipFile(packed, "w") as new,
    ):
        for name in old.namelist():
            part = old.read(name).replace(b"xl/workbook.xml", b"xl/workbook.bin")
            new.writestr(name.replace("workbook.xml", "workbook.bin"), part)
    return packed.getvalue()


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
        lambda: sheet(xlsx(TREES), "<worksheet", '<!DOCTYPE x [<!ENTITY a "b">]><worksheet'),
        {},
        "it defines entities, which no workbook needs",
    ),
    "xlsx bomb": (
        "xlsx",
        lambda: rewritten(
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
        "json",  # its text has a blank after every comma
        lambda: b'[{"tree_id": [' + b"1," * (3 << 20) + b"1]}]",
        {},
        "record 1 has a value of over 8 MiB in tree_id",
    ),
    "json named csv": ("csv", lambda: b'{"error": {"code": 400}}', {}, "it is JSON, not CSV"),
    "xml named csv": ("csv", lambda: b'<?xml version="1.0"?><a/>', {}, "it is XML, not CSV"),
    "an empty zip": ("csv.zip", lambda: zipped({}), {}, "it holds no file"),
    "a zip under a password": (
        "csv.zip",
        lambda: under_password({"a.csv": b"tree_id\n1\n"}),
        {},
        "a.csv in it is under a password: pack it without one",
    ),
    "a name twice": ("json", lambda: b'[{"a": 1}, {"a": 1, "a": 2}]', {}, "at character 12)"),
    "a path and a key of one name": (
        "json",
        lambda: b'[{"tree_id": 1, "size.cm": 5, "size": {"cm": 7}}]',
        {"columns": SIZES},
        "record 1 has two values called size.cm",
    ),
    # cut off
    "half a json": ("json", lambda: half(JSON.encode()), {}, "it is cut off before its end"),
    "a json without its end": ("json", lambda: JSON[:-1].encode(), {}, "cut off before its end"),
    "half a line": ("jsonl", lambda: MANY[:-9].encode(), {}, "line 3000 is no JSON"),
    "half an xml": ("xml", lambda: half(SAMPLES["xml"][0]()), TREE, "cut off before its end"),
    "half an xlsx": ("xlsx", lambda: half(xlsx(TREES)), {}, "no whole zip file"),
    "half a parquet": ("parquet", lambda: half(parquet(TABLE)), {}, "no whole Parquet file"),
    "half a gzip": ("json.gz", lambda: half(gzip.compress(MANY.encode())), {}, "cut off before"),
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
        "it is damaged: what it calls text is no UTF-8 (column species, row 1)",
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
        lambda: sheet(xlsx(TREES), "</row>", "<row>"),
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
    "NaN": ("jsonl", lambda: b'{"a": NaN}', {}, "line 1: it holds NaN, which JSON does not have"),
    "a NUL": ("jsonl", lambda: b'{"tree_id": "a\\u0000"}', {}, "holds a NUL character"),
    "half a character": (
        "jsonl",
        lambda: b'{"tree_id": 1}\n{"tree_id": "\\ud800"}',
        {},
        "record 2, tree_id: the value '\\ud800' holds half a character",
    ),
    "no such element": ("xml", lambda: b"<a><b/></a>", TREE, "no element tree (it holds a, b)"),
    "no xml": ("xml", lambda: b"<a><b></a>", TREE, "it is no XML: mismatched tag in line 1"),
    "a sheet of OpenDocument": (
        "xlsx",
        lambda: zipped({"mimetype": b"x", "content.xml": b"<a/>"}),
        {},
        "it is an OpenDocument file (.ods): save it as .xlsx",
    ),
    "a binary workbook": (
        "xlsx",
        lambda: binary_workbook(xlsx(TREES)),
        {},
        "it is a binary workbook (.xlsb): save it as .xlsx",
    ),
    "several sheets": (
        "xlsx",
        lambda: xlsx(TREES, TREES),
        {},
        "it holds 2 sheets (Trees, More): name one as `sheet`",
    ),
    "no such sheet": ("xlsx", lambda: xlsx(TREES), {"sheet": "T"}, "no sheet T (it holds Trees)"),
    "a blank sheet": ("xlsx", lambda: xlsx([]), {}, "its sheet is empty: the first row must name"),
    "a title above the header": (
        "xlsx",
        lambda: xlsx([["Trees of the city"], [], HEADER, ["t1", "oak", 1]]),
        {},
        "row 1 of its sheet Trees, taken for the header, holds Trees of the city and none of the "
        "contract's columns; row 3 holds them: set `header_row: 3`",
    ),
    "a formula without result": (
        "xlsx",
        lambda: xlsx([HEADER, ["t1", "oak", "=1+1"]]),
        {},
        "cell C2 holds a formula without its result",
    ),
    "bytes that are no text": (
        "parquet",
        lambda: parquet(
            {"tree_id": [b"a", b"\xff\xfe"], "species": ["oak"] * 2, "height": [1] * 2}
        ),
        {},
        "is bytes that are no text (column tree_id, row 2)",
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
