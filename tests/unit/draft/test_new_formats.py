"""First contracts of files that are no CSV: records, sheets and encodings are found by looking."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from civiclake.cli import app
from civiclake.contracts.check import check
from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.load import load_city
from civiclake.errors import SourceError
from civiclake.io import samples
from civiclake.io.extract import extract
from civiclake.io.samples.asked import Asked
from civiclake.settings import Settings

ROWS = [
    {"id": f"T{n}", "height": n + 0.5, "species": "oak", "planted": "2016-01-02"}
    for n in range(1, 4)
]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _lines() -> bytes:
    return b"\n".join(_json(row) for row in ROWS)


def _xml(rows: list[dict[str, Any]], around: str = "trees", encoding: str = "utf-8") -> bytes:
    inner = "".join(
        "<tree>" + "".join(f"<{k}>{v}</{k}>" for k, v in row.items()) + "</tree>" for row in rows
    )
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    return f"{head}<{around}>{inner}</{around}>".encode(encoding)


def _xlsx(**sheets: list[list[Any]]) -> bytes:
    book, packed = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(packed)
    return packed.getvalue()


def _grid() -> list[list[Any]]:
    return [list(ROWS[0]), *(list(row.values()) for row in ROWS)]


def _parquet() -> bytes:
    packed = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), packed)
    return packed.getvalue()


FILES: dict[str, tuple[Callable[[], bytes], str, dict[str, str]]] = {
    "t.json": (lambda: _json(ROWS), "json", {}),
    "t2.json": (lambda: _json({"n": 3, "payload": {"trees": ROWS}}), "json",
                {"records": "payload.trees"}),
    "t.jsonl": (_lines, "jsonl", {}),
    "t.ndjson": (_lines, "jsonl", {}),
    "t.xml": (lambda: _xml(ROWS), "xml", {"records": "tree"}),
    "t.xlsx": (lambda: _xlsx(Trees=_grid()), "xlsx", {}),
    "t2.xlsx": (lambda: _xlsx(Notes=[], Trees=_grid()), "xlsx", {"sheet": "Trees"}),
    "t.parquet": (_parquet, "parquet", {}),
}  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_every_format_becomes_a_contract_that_the_check_passes(
    name: str, packed: bool, schemas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, kind, own = FILES[name]
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(made()) if packed else made())
    done = CliRunner().invoke(app, ["new", "parks.trees", "--from", str(path)])
    assert done.exception is None, done.exception
    assert check(schemas, schemas.parent / "expectations", schemas / "no-marts") == []
    contract = yaml.safe_load((schemas / "parks/trees.yaml").read_text())
    (server,) = contract["servers"]
    assert (server["format"], server["type"]) == (kind, "local")
    assert server["path"] == f"${{CIVICLAKE_DROPS}}/parks/{path.name}"
    assert ("encoding" in server) == (kind in ("json", "jsonl", "xml"))
    loading = contract["customProperties"][0]["value"]
    assert {k: loading[k] for k in ("records", "sheet") if k in loading} == own
    columns = {c["name"]: c for c in contract["schema"][0]["properties"]}
    assert [c["logicalType"] for c in columns.values()] == ["string", "number", "string", "date"]
    assert columns["id"]["primaryKey"]
    purpose = contract["description"]["purpose"]
    assert purpose.count("review:") == (3 if own else 2)
    assert all(f"`{value}`" in purpose for value in own.values())
    assert _read(schemas, path, monkeypatch) == len(ROWS)


def _read(schemas: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows a night reads of the file by the contract that was made of it."""
    drops = schemas.parent / "drops"
    (drops / "parks").mkdir(parents=True)
    path.rename(drops / "parks" / path.name)
    monkeypatch.setenv("CIVICLAKE_DROPS", str(drops))
    dataset = load_city(schemas, schemas / "no-suites", schemas / "no-marts").dataset("parks.trees")
    settings = Settings(state_dir=schemas.parent / "state")
    return extract(settings, dataset, "n1", settle_seconds=0).rows


def test_a_workbook_with_titles_errors_and_hidden_sheets(
    schemas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, *rows = _grid()
    rows[0][1], rows[1][1] = "#N/A", "#DIV/0!"
    titled = [["Trees of the city", None, "2016"], [], header, *rows]
    path = tmp_path / "t.xlsx"
    path.write_bytes(_xlsx(Lists=[["id", "n"], ["a", 1]], Trees=titled))
    book = openpyxl.load_workbook(path)
    book["Lists"].sheet_state = "hidden"
    book.save(path)
    done = CliRunner().invoke(app, ["new", "parks.trees", "--from", str(path)])
    assert done.exception is None, done.exception
    contract = yaml.safe_load((schemas / "parks/trees.yaml").read_text())
    loading = contract["customProperties"][0]["value"]
    assert (loading["sheet"], loading["header_row"]) == ("Trees", 3)
    purpose = contract["description"]["purpose"]
    assert "row 3 is taken for the header" in purpose
    assert "the sheet `Trees` is taken, and not Lists" in purpose
    columns = contract["schema"][0]["properties"]
    assert [c["logicalType"] for c in columns] == ["string", "number", "string", "date"]
    assert _read(schemas, path, monkeypatch) == len(ROWS)


def test_the_geometry_of_geoparquet_is_no_column_of_a_draft(tmp_path: Path) -> None:
    packed = io.BytesIO()
    pq.write_table(pa.table({"id": ["a"], "geometry": [b"\x01\x01\0\0\0\xff"]}), packed)
    assert _take(tmp_path, "t.parquet", packed.getvalue()).header == ("id",)


def _take(tmp_path: Path, name: str, content: bytes, rows: int = 1000) -> Sample:
    path = tmp_path / name
    path.write_bytes(content)
    return samples.take(str(path), "parks", Asked(rows))


@pytest.mark.parametrize(
    ("document", "records"),
    [
        ({"tags": [{"a": 1}] * 3, "data": [{"b": 1}]}, "data"),
        ({"short": [{"a": 1}], "long": [{"b": 1}] * 2}, "long"),
        ({"names": ["x", "y", "z"], "trees": [{"b": 1}]}, "trees"),
        ({"data": [], "trees": [{"b": 1}]}, "trees"),
        ({"a.b": [{"a": 1}] * 3, "a": {"b": {"c": [{"b": 1}]}}}, "a.b"),
    ],
)
def test_the_likeliest_list_holds_the_records(
    document: dict[str, Any], records: str, tmp_path: Path
) -> None:
    assert _take(tmp_path, "f.json", _json(document)).loading["records"] == records


@pytest.mark.parametrize(
    ("text", "records", "header"),
    [
        ("<r><t><tags><tag>1</tag><tag>2</tag></tags></t><t><tags/></t></r>", "t", ("tags",)),
        ("<r><info>x</info><l><t id='1'/><t id='2'/></l></r>", "t", ("@id",)),
        ("<r><trees><t><a>1</a><b>2</b></t></trees></r>", "t", ("a", "b")),
        ("<n:r xmlns:n='urn:x'><n:t><a>1</a></n:t><n:t><a>2</a></n:t></n:r>", "t", ("a",)),
    ],
)
def test_the_element_that_repeats_is_the_record(
    text: str, records: str, header: tuple[str, ...], tmp_path: Path
) -> None:
    found = _take(tmp_path, "f.xml", text.encode())
    assert (found.loading["records"], found.header) == (records, header)


def test_records_may_bring_names_late_and_only_so_many_are_looked_at(tmp_path: Path) -> None:
    lines = b'{"id": 1}\n{"id": 2, "n": {"x": [1.50]}}\n{"id": 3, "late": 1}'
    found = _take(tmp_path, "f.jsonl", lines, rows=2)
    assert found.header == ("id", "n")
    assert found.rows == (("1", None), ("2", '{"x": [1.50]}'))


def test_encodings_are_found(tmp_path: Path) -> None:
    rows = [{"区": "五华"}, {"区": "盘龙"}]
    text = json.dumps(rows, ensure_ascii=False)
    found = _take(tmp_path, "f.json", text.encode("gb18030"))
    assert (found.server["encoding"], found.rows[0]) == ("gb18030", ("五华",))
    declared = _xml([{"n": "Größe"}, {"n": "ä"}], encoding="iso-8859-1")
    found = _take(tmp_path, "f.xml", declared)
    assert (found.server["encoding"], found.rows[0]) == ("iso-8859-1", ("Größe",))
    # What no contract could name is passed over.
    for odd in ("hex", "rot13", "klingon"):
        text = f'<?xml version="1.0" encoding="{odd}"?><r><t><a>1</a></t><t><a>2</a></t></r>'
        assert _take(tmp_path, "g.xml", text.encode()).server["encoding"] == "utf-8"


BAD = {
    "a.json": (b"", "is empty: 0 bytes"),
    "b.json": (b'{"data": [{"a": 1}', "cut off before its end"),
    "c.json": (b'{"a": {"b": 1}}', "holds no list of records: it is an object that holds a"),
    "d.json": (b"7", "holds no list of records: it is a number"),
    "e.json": (b"[1, 2]", "record 1 is a number, not an object"),
    "f.json": (b"[]", "holds no record, so nothing tells its columns"),
    "g.json": (b'[{"a": 1, "A": 2}]', "more than once"),
    "h.json": (gzip.compress(b"[]"), "it is a gzip file, not JSON as its name says"),
    "i.json.gz": (b"[]", "can't be read"),
    "i2.json": (b'{"a": [' + b"[" * 99_000 + b"]" * 99_000 + b"]}", "nested too deeply"),
    "j.jsonl": (b'{"a": 1}\nno\n', "line 2 is no JSON"),
    "k.xml": (b"<r><t>1</t>", "cut off before its end"),
    "l.xml": (b"<r/>", "holds nothing but an empty r"),
    "m.xml": (b'<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>', "defines entities"),
    "n.xlsx": (b"id,n\n1,2\n", "it is text, not an XLSX workbook as its name says"),
    "o.xlsx": (_xlsx(Trees=[]), "its sheet is empty"),
    "p.xlsx": (_xlsx(A=[["id"]], B=[["id"]]), "holds no rows in any of its sheets (A, B)"),
    "q.parquet": (b"PAR1" + b"\x15" * 40, "it is no whole Parquet file"),
    "r.jsonl": (b"\xff\xff\xff", "which older encoding it is can't be told"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_can_not_be_read_is_one_sentence(name: str, tmp_path: Path) -> None:
    content, said = BAD[name]
    with pytest.raises(SourceError) as refused:
        _take(tmp_path, name, content)
    assert said in str(refused.value)
    assert str(refused.value).startswith(name)
    assert "contract" not in str(refused.value)
