"""What a file is by its first bytes: another kind is told by its name, not as an encoding fault."""

from __future__ import annotations

import io

import pytest

from civiclake.contracts.model import FileFormat
from civiclake.io.formats.sniff import check
from civiclake.io.reading.inspect import Unreadable

OTHERS = {
    "a shapefile (.shp or .shx)": b"\x00\x00\x27\x0a" + bytes(20),
    "an old Excel file (.xls) or one under a password": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    + bytes(9),
    "an XLSX workbook": b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml",
    "a zip archive": b"PK\x03\x04\x14\x00\x06\x00trees.csv",
    "a PC-Axis file (.px)": b'CHARSET="ANSI";\r\nAXIS-VERSION="2010";\r\nTITLE="B\xe4ume";',
    "a PNG picture": b"\x89PNG\r\n\x1a\n",
    "a JPEG picture": b"\xff\xd8\xff\xe0",
    "a PDF": b"%PDF-1.7\n%\xe2",
    "an SQLite database (such as a GeoPackage)": b"SQLite format 3\x00",
    "a web page (HTML)": b"\n<!DOCTYPE html>\n<html>",
    "a binary file": b"tree_id,species\x00\x01\x02\n",
}


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("wanted", [FileFormat.CSV, FileFormat.JSON])
def test_a_file_of_another_kind_is_named(what: str, wanted: FileFormat) -> None:
    with pytest.raises(Unreadable) as caught:
        check(io.BufferedReader(io.BytesIO(OTHERS[what])), wanted)  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"it is {what}, not ")


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("tree_id,species\n".encode("utf-16"), "utf-16"),
        ("tree_id,species\n".encode("utf-16-le"), "utf-16-le"),
        ("tree_id,species\n".encode("utf-16"), "utf-8"),  # told when it is decoded
        (b"BZh,ORC,PAR1\n", "utf-8"),
        (b"TITLE,LANGUAGE\n", "utf-8"),
    ],
)
def test_a_text_is_let_through(head: bytes, encoding: str) -> None:
    check(io.BufferedReader(io.BytesIO(head)), FileFormat.CSV, encoding=encoding)  # type: ignore[arg-type]
