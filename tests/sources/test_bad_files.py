"""Files that are not what the contract says: one clear sentence, nothing half landed."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from bad_files import CASES, HEADERS
from format_samples import HEADER, JSON, SAMPLES, parquet, xlsx
from source_city import City
from source_refusals import refused

from civiclake.errors import BatchHeld, SourceError, SourceUnavailable
from civiclake.io.formats import parquet_text as parquet_format
from civiclake.io.formats import xlsx as xlsx_format
from civiclake.io.reading import streams


def _drop(city: City, name: str, content: bytes) -> str:
    (city.drops / name).write_bytes(content)
    return name


def _kind(ending: str) -> str:
    return ending.removesuffix(".gz").removesuffix(".zip")


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
