"""CSV as offices really write it: a declared or detected way in, or a message that says which."""

from __future__ import annotations

import csv
import io

import pytest
from format_samples import land, zipped
from source_city import COLUMNS, City, read_back
from source_refusals import refused

from civiclake.errors import BatchHeld, SourceError
from civiclake.io.landing.manifest import BatchManifest

HEADER = "tree_id,species,height\n"
GOOD = HEADER + "t1,oak,12.5\n"
ROW = {"tree_id": "t1", "species": "oak", "height": "12.5"}


def rows(city: City, manifest: BatchManifest) -> list[dict[str, str | None]]:
    """What stage reads of the only file."""
    (file,) = manifest.files
    return read_back(city.landing.batch_dir(manifest.dataset, manifest.batch_id), file)


def test_title_lines_are_named_and_skipped_where_the_contract_says_so(city: City) -> None:
    title = "Trees of the city\nPrinted 2016-01-02\n\n"
    (city.drops / "a.csv").write_text(title + GOOD)
    said = refused(city, city.files(), BatchHeld, "a.csv lacks the column tree_id, species, height")
    assert "line 1 was taken for the header, but line 4 has all names of the contract" in said
    assert "set `header_row: 4`" in said
    manifest, _ = land(city, (title + GOOD).encode(), "csv", header_row=4)
    assert rows(city, manifest) == [ROW]


def test_a_separator_line_says_the_delimiter(city: City) -> None:
    text = "sep=;\r\n" + GOOD.replace(",", ";")
    manifest, _ = land(city, text.encode(), "csv")
    assert rows(city, manifest) == [ROW]
    assert manifest.files[0].delimiter == ";"


def test_columns_without_a_name(city: City) -> None:
    trailing = "tree_id,species,height,,\nt1,oak,12.5,,\n"
    manifest, _ = land(city, trailing.encode(), "csv")
    assert rows(city, manifest) == [ROW]
    index = ",tree_id,species,height\n0,t1,oak,12.5\n"
    (city.drops / "a.csv").write_text(index)
    refused(city, city.files(), BatchHeld, "a.csv has the column column_1, unknown to the contract")
    manifest, _ = land(city, index.encode(), "csv", drift={"new_column": "ignore"})
    assert manifest.files[0].header == ("column_1", *ROW)
    named = {"name": "line", "physicalName": "column_1", "logicalType": "integer"}
    manifest, _ = land(city, index.encode(), "csv", columns=[*COLUMNS, named])
    assert rows(city, manifest) == [{"column_1": "0", **ROW}]


def test_names_of_any_sign(city: City) -> None:
    names = ("Unique Key", "Amount ($), net", "% of total", "Open/Closed?", "a`b.c")
    text = io.StringIO()
    csv.writer(text).writerows([("tree_id", *names), ("t1", *"12345")])
    columns = [COLUMNS[0]]
    columns += [
        {"name": f"c{place}", "physicalName": name, "logicalType": "string"}
        for place, name in enumerate(names)
    ]
    manifest, _ = land(city, text.getvalue().encode(), "csv", columns=columns)
    assert rows(city, manifest) == [{"tree_id": "t1", **dict(zip(names, "12345", strict=True))}]


@pytest.mark.parametrize(
    ("members", "own"),
    [
        ({"trees_2016-01-02.csv": GOOD}, {"member": "trees_2016-01-01.csv"}),
        ({"trees_2016-01-02.csv": GOOD}, {}),
        ({"trees_2016-01-02.csv": GOOD, "read me.txt": "-"}, {"member": "trees_*.csv"}),
        ({"a.csv": GOOD, "__MACOSX/._a.csv": "\x00", "x/.DS_Store": "", "Thumbs.db": "-"}, {}),
    ],
)
def test_the_file_of_a_zip(city: City, members: dict[str, str], own: dict[str, str]) -> None:
    packed = zipped({name: text.encode() for name, text in members.items()})
    manifest, _ = land(city, packed, "csv", "a.zip", **own)
    assert rows(city, manifest) == [ROW]


def test_two_files_of_a_zip_that_could_be_meant(city: City) -> None:
    packed = zipped({"trees_1.csv": GOOD.encode(), "trees_2.csv": GOOD.encode()})
    (city.drops / "a.zip").write_bytes(packed)
    words = "it holds more than one trees_*.csv (it holds trees_1.csv, trees_2.csv)"
    refused(city, city.files("*", member="trees_*.csv"), SourceError, words)
    words = "it holds 2 files (trees_1.csv, trees_2.csv): name one as `member`"
    refused(city, city.files("*"), SourceError, words)


def test_what_lies_where_nothing_matches_is_told(city: City) -> None:
    words = f"no file matches {city.drops}/*.csv ({city.drops} is empty)"
    refused(city, city.files(), SourceError, words)
    for number in range(12):
        (city.drops / f"trees_{number:02}.txt").write_text(GOOD)
    (city.drops / "old").mkdir()
    said = refused(city, city.files(), SourceError, f"({city.drops} holds old/, trees_00.txt, ")
    assert "trees_08.txt, ...)" in said
    (city.drops / "old").rmdir()
    words = f"there is no folder {city.drops}/new"
    refused(city, city.files("new/*.csv"), SourceError, words)


def test_names_are_told_once(city: City) -> None:
    (city.drops / "a.csv").write_text("number;kind;tall\n1;2;3\n")
    said = refused(city, city.files(delimiter=";"), BatchHeld, "is it number, kind, tall now?")
    assert said.count("kind") == 1
