"""The one reader of CSV text: what it counts, what it writes for Spark, what it refuses."""

from __future__ import annotations

import csv
import io
import random
import tracemalloc
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from civiclake.io.reading import csv_records
from civiclake.io.reading.csv_header import Wanted
from civiclake.io.reading.csv_records import Form, render
from civiclake.io.reading.inspect import LONGEST_LINE, LONGEST_VALUE, Inspection, Unreadable
from civiclake.io.reading.raw_names import named, stored


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "a.parquet"


def read(
    target: Path, text: str | bytes, encoding: str = "utf-8", **wanted: object
) -> tuple[Inspection, list[list[str | None]]]:
    """What was found, and the values of the columns that count."""
    data = text.encode(encoding) if isinstance(text, str) else text
    form = Form(Wanted(**wanted), encoding)  # type: ignore[arg-type]
    found = render(io.BytesIO(data), target, form)
    rows = pq.read_table(target).to_pylist()
    assert [row["_row"] for row in rows] == list(range(1, found.rows + 1))
    return found, [[row[stored(name)] for name in found.header] for row in rows]


def malformed(target: Path) -> list[str | None]:
    """The text of each record that is not whole."""
    found: list[str | None] = pq.read_table(target)["_malformed"].to_pylist()
    return found


@pytest.mark.parametrize(
    ("text", "rows", "multiline"),
    [
        ("a,b\n1,2\n", [["1", "2"]], False),
        ("a,b\n1,2", [["1", "2"]], False),  # no line end at the end
        ("a,b\r\n1,2\r\n3,4\r\n", [["1", "2"], ["3", "4"]], False),
        ("a,b\r1,2\r3,4\r", [["1", "2"], ["3", "4"]], False),
        ("a,b\n1,2\r\n3,4\r5,6\n", [["1", "2"], ["3", "4"], ["5", "6"]], False),
        ('a,b\n1,"2"\r\n3,4\r5,6\n', [["1", "2"], ["3", "4"], ["5", "6"]], False),
        ("a,b\n", [], False),
        ("a,b", [], False),
        ("a,b\n\n1,2\n\r\n\n3,4\n\n", [["1", "2"], ["3", "4"]], False),  # blank lines are none
        ('a,b\n1,"two, three"\n', [["1", "two, three"]], False),
        ('a,b\n1,"say ""yes"""\n', [["1", 'say "yes"']], False),
        ('a,b\n1,5" pipe\n', [["1", '5" pipe']], False),
        ('a,b\n1,"two\nlines"\n3,4\r\n', [["1", "two\nlines"], ["3", "4"]], True),
        ('a,b\r\n1,"two\r\nlines"\r\n', [["1", "two\r\nlines"]], True),
        ('a,b\n1,"two\rlines"\n', [["1", "two\rlines"]], True),
        ('a,b\n1,"\n\n"\n', [["1", "\n\n"]], True),
        ("a,b\n,\n", [[None, None]], False),
        ('a,b\n,""\n', [[None, ""]], False),
        ("a,b\nx\x0by\u2028z,\x1c\n", [["x\x0by\u2028z", "\x1c"]], False),  # these end no line
        ("a,b\n\ufeff1,2\n", [["\ufeff1", "2"]], False),
        ("a\n1\n\n2\n", [["1"], ["2"]], False),
    ],
)
def test_records_are_read_as_rfc_4180_has_them(
    target: Path, text: str, rows: list[list[str | None]], multiline: bool
) -> None:
    found, read_rows = read(target, text)
    assert (read_rows, found.rows, found.ragged_count) == (rows, len(rows), 0)
    assert found.multiline == multiline
    assert malformed(target) == [None] * len(rows)


def test_a_file_whose_lines_end_in_several_ways_leaves_no_carriage_return(target: Path) -> None:
    """Wherever the odd one stands, also at the end of a block that is read at once."""
    record = "abc,defg"
    for odd in (0, 1, 70_000, 131_071, 131_072, 200_000):
        lines = [record + ("\r\n" if place == odd else "\n") for place in range(200_001)]
        _, rows = read(target, "a,b\n" + "".join(lines))
        assert len(rows) == 200_001
        assert {value for _, value in rows} == {"defg"}


def test_both_ways_of_reading_agree_with_the_library(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made texts of every kind, cut into small blocks, against Python's own strict reader."""
    monkeypatch.setattr(csv_records, "_BLOCK_BYTES", 64)
    draw = random.Random(15)
    values = ["", "a", "橡树", " x ", '"', ",", "\n", "\r\n", "\r", 'a"b', "é,\n", "0" * 90, "'"]
    for _ in range(300):
        rows = [[draw.choice(values) for _ in range(3)] for _ in range(draw.randint(0, 12))]
        text = io.StringIO(newline="")
        text.write("a,b,c" + draw.choice(["\n", "\r\n", "\r"]))
        for row in rows:
            quoting = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
            line = io.StringIO(newline="")
            csv.writer(line, quoting=quoting).writerow(row)
            text.write(line.getvalue()[:-2] + draw.choice(["\n", "\r\n", "\r"]))
        _, found = read(target, text.getvalue())
        assert [[value or "" for value in row] for row in found] == rows


def test_what_is_written_here_is_read_as_it_was_written(target: Path) -> None:
    """A null, an empty text and a long one; of one column, a blank line is a null."""
    long = "x" * (LONGEST_VALUE + 1)
    form = Form(Wanted(known=("a",)), written_here=True)
    found = render(io.BytesIO(f'a\n1\n\n""\n"{long}\n"\n'.encode()), target, form)
    assert pq.read_table(target)["a"].to_pylist() == ["1", None, "", long + "\n"]
    assert (found.rows, found.multiline) == (4, True)
    longer = "x" * (2 * LONGEST_LINE)
    assert render(io.BytesIO(f"a\n{longer}\n".encode()), target, form).rows == 1
    assert pq.read_table(target)["a"].to_pylist() == [longer]


def test_the_outline_of_a_coast_is_one_value(target: Path) -> None:
    outline = "POLYGON((" + "12.3456789 56.7890123," * 40_000 + "0 0))"
    assert len(outline) > 800_000
    plain = outline.replace(",", " ")
    for text, value in ((f'"{outline}"', outline), (plain, plain)):
        found, rows = read(target, f"id,shape\n1,{text}\n2,\n")
        assert (found.ragged_count, rows) == (0, [["1", value], ["2", None]])


def test_a_byte_order_mark_is_no_part_of_the_first_column(target: Path) -> None:
    for text, encoding in (("\ufeffa,b\n1,2\n", "utf-8"), ('\ufeff"a","b"\n1,2\n', "utf-8")):
        assert read(target, text, encoding)[0].header == ("a", "b")
    assert read(target, "a,b\n1,2\n", encoding="utf-16")[0].header == ("a", "b")


def test_any_name_is_read(target: Path) -> None:
    header = ("Fee (EUR)", "a,b", "x=y;z", "Total\nvisits", "`tick`", "% of total", "100%25", "a.b")
    text = io.StringIO()
    csv.writer(text).writerows([header, range(8)])
    found, rows = read(target, text.getvalue().replace("Total\nvisits", "Total\r\nvisits"))
    assert (found.header, rows) == (header, [list("01234567")])
    names = pq.read_schema(target).names[:8]
    assert [named(name) for name in names] == list(header)
    assert not set(" ,;{}()\n\t=`") & set("".join(names))  # of which Delta would refuse all
    assert stored("100%") == "100%"  # ordinary names stay


def test_names_in_the_header_are_trimmed(target: Path) -> None:
    assert read(target, " a , b\n1,2\n")[0].header == ("a", "b")


def test_another_delimiter(target: Path) -> None:
    for sign in (";", "\t", "|", "\x01", "§"):
        found, rows = read(target, f'a{sign}b\n1{sign}"2{sign}3"\n4{sign}5\n', delimiter=sign)
        assert (found.ragged_count, rows) == (0, [["1", f"2{sign}3"], ["4", "5"]])


def test_ragged_records_are_counted_and_the_first_ten_named(target: Path) -> None:
    found, rows = read(target, 'a,b\n1,2\n3\n\n4,5,6\n7,8\n"",,9\n')
    assert (found.rows, found.ragged_count, found.ragged_rows) == (5, 3, (2, 3, 5))
    assert rows == [["1", "2"], ["3", None], ["4", "5"], ["7", "8"], ["", None]]
    assert malformed(target) == [None, "3", "4,5,6", None, '"",,9']
    found, _ = read(target, "a,b\n" + "1\n" * 25)
    assert (found.ragged_count, found.ragged_rows) == (25, tuple(range(1, 11)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"\n\n", "it is empty: a line must name the columns"),
        (b"a,b,a\n", "its header names a more than once"),
        (b"a,,column_2\n", "its header names column_2 more than once"),
        (b'a,b\n1,2\n1,"x\n3,4\n', "a quotation mark in line 3 is never closed"),
        (b'"a,b\n1,2\n', "a quotation mark in line 1 is never closed"),
        (b'a,b\n1,"x"y\n', "its quoting is broken in line 2"),
        (b'a,b\n1,"x\nx"y\n', "its quoting is broken in the record of lines 2 to 3"),
        (b"a,b\n" + b"1,2\r\n" * 500_000 + b'1,"x"y\n', "broken in line 500002"),
        (b"a,b\n1,2\n\xff,3\n", "it is not utf-8: byte 0xff in line 3 (invalid start byte)"),
        (b"a,b\n1,caf\xe9\n", "it is not utf-8: byte 0xe9 in line 2"),
        (b"a,b\n1,caf\xc3", "it is not utf-8: byte 0xc3 in line 2 (unexpected end of data)"),
        (b"a,b\n" + b"1,2\n" * 5000 + b"\xff\n", "byte 0xff in line 5002"),
    ],
)
def test_what_can_not_be_read_says_where(target: Path, text: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(target, text)
    assert reason in str(caught.value)
    assert not target.exists()


def test_the_contract_s_encoding_is_named(target: Path) -> None:
    with pytest.raises(Unreadable, match="it is not gb18030: byte 0xff in line 2"):
        read(target, b"a,b\n\xff\xff\n", encoding="gb18030")


def test_a_value_or_a_line_without_end_is_refused_before_it_fills_the_memory(
    target: Path,
) -> None:
    with pytest.raises(Unreadable, match=r"stands a value of over 8 MiB: a quotation mark"):
        read(target, 'a,b\n1,"' + ("x" * 999 + "\n") * 9000)
    with pytest.raises(Unreadable, match="it holds a line of over 8 MiB"):
        read(target, "a,b\n" + "1," * LONGEST_LINE)


def test_memory_does_not_grow_with_the_file(target: Path) -> None:
    lines = io.BufferedReader(_Repeated(b"1,2\n" * 1000, 1000))
    tracemalloc.start()
    try:
        found = render(lines, target, Form(Wanted(known=("a", "b"))))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.rows == 1_000_000 - 1
    assert peak < 8 << 20


class _Repeated(io.RawIOBase):
    """The same block many times over."""

    def __init__(self, block: bytes, count: int) -> None:
        self._block, self._left = block, count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._left:
            return 0
        self._left -= 1
        buffer[: len(self._block)] = self._block
        return len(self._block)
