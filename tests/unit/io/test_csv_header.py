"""Where the names of a CSV text stand, and the columns that have none."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from civiclake.io.reading.csv_header import Wanted
from civiclake.io.reading.csv_records import Form, render
from civiclake.io.reading.inspect import Inspection, Unreadable
from civiclake.io.reading.raw_names import stored


def read(folder: Path, text: str, wanted: Wanted) -> tuple[Inspection, list[tuple[str, ...]]]:
    """What was found, and the values of the columns that count."""
    target = folder / "a.parquet"
    found = render(io.BytesIO(text.encode()), target, Form(wanted))
    table = pq.read_table(target)
    columns = [table[stored(name)].to_pylist() for name in found.header]
    return found, list(zip(*columns, strict=True))


@pytest.mark.parametrize(
    ("text", "wanted", "header", "rows", "line"),
    [
        ("\n\r\n  \na,b\n1,2\n", Wanted(), "a b", [("1", "2")], 4),
        (",,\na,b\n1,2\n", Wanted(), "a b", [("1", "2")], 2),
        ("sep=;\r\na;b\r\n1;2\r\n", Wanted(), "a b", [("1", "2")], 2),
        ('"sep=;"\na;b\n1;2\n', Wanted(), "a b", [("1", "2")], 2),
        ("sep=\t\na\tb\n1\t2\n", Wanted(), "a b", [("1", "2")], 2),
        ("sep=,\na;b\n1;2\n", Wanted(";"), "a b", [("1", "2")], 2),  # the contract knows better
        ("Rain\n\nS,D\n1,2\n", Wanted(header_row=3), "S D", [("1", "2")], 3),
        ('"two\nlines"\nS,D\n1,2\n', Wanted(header_row=3), "S D", [("1", "2")], 3),
        ("a,b,,\n1,2,,\n3,4,,\n", Wanted(), "a b", [("1", "2"), ("3", "4")], 1),
        ("a,b,,\n1,2,, \n3,4\n", Wanted(), "a b", [("1", "2"), ("3", "4")], 1),
        ("a,b\n1,2,\n3,4,\n", Wanted(), "a b", [("1", "2"), ("3", "4")], 1),
        ("a,b\n1,2\n3,4,,\n", Wanted(), "a b", [("1", "2"), ("3", "4")], 1),
        (",a\n0,x\n1,y\n", Wanted(), "column_1 a", [("0", "x"), ("1", "y")], 1),
        ("a,,b\n1,,2\n1,7,2\n", Wanted(), "a column_2 b", [("1", None, "2"), ("1", "7", "2")], 1),
        ('"",a\n"1","x"\n', Wanted(), "column_1 a", [("1", "x")], 1),
    ],
)
def test_the_names_are_found(
    tmp_path: Path, text: str, wanted: Wanted, header: str, rows: list[tuple[str, ...]], line: int
) -> None:
    found, values = read(tmp_path, text, wanted)
    assert (found.header, found.header_line) == (tuple(header.split()), line)
    assert values == rows
    assert found.ragged_count == 0


def test_values_beyond_the_header_are_not_lost(tmp_path: Path) -> None:
    """Row names that R writes without a header of their own would shift every column."""
    found, _ = read(tmp_path, "a,b\n1,x,2\n2,y,3\n", Wanted())
    assert (found.header, found.ragged_count) == (("a", "b"), 2)


def test_a_title_is_told_from_the_header(tmp_path: Path) -> None:
    spellings = [("Station",), ("day", "Date")]
    text = "Rainfall report\nPrinted 2016-01-02\n\nStation,Date\nS1,2016-01-01\n"
    found, _ = read(tmp_path, text, Wanted(spellings=spellings))
    assert (found.header, found.header_line, found.names_line) == (("Rainfall report",), 1, 4)
    found, _ = read(tmp_path, text, Wanted(header_row=4, spellings=spellings))
    assert (found.header_line, found.names_line, found.rows) == (4, None, 1)
    # A header that lacks a column, and no line that has it.
    found, _ = read(tmp_path, "Station,Tag\nS1,x\n", Wanted(spellings=spellings))
    assert found.names_line is None


@pytest.mark.parametrize(
    ("text", "row", "reason"),
    [
        ("a,b\n1,2\n", 7, "it has 2 lines, and `header_row` is 7"),
        ("a,b\n\n1,2\n", 2, "line 2 is blank, and `header_row` says that names stand there"),
    ],
)
def test_a_header_row_without_names(tmp_path: Path, text: str, row: int, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(tmp_path, text, Wanted(header_row=row))
