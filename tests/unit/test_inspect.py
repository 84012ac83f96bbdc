"""Reading through CSV text once: what is counted, and what is refused."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from civiclake.io.inspect import LONGEST_LINE, Inspection, Unreadable, inspect_csv, text_lines


def _inspect(text: str | bytes, encoding: str = "utf-8", delimiter: str = ",") -> Inspection:
    data = text.encode(encoding) if isinstance(text, str) else text
    return inspect_csv(text_lines(io.BytesIO(data), encoding), delimiter)


@pytest.mark.parametrize(
    ("text", "rows", "multiline"),
    [
        ("a,b\n1,2\n", 1, False),
        ("a,b\n1,2", 1, False),  # no line end at the end
        ("a,b\r\n1,2\r\n3,4\r\n", 2, False),
        ("a,b\r1,2\r3,4\r", 2, False),
        ("a,b\n", 0, False),
        ("a,b", 0, False),
        ("a,b\n\n1,2\n\n\n3,4\n\n", 2, False),  # blank lines are no records
        ('a,b\n1,"two, three"\n', 1, False),
        ('a,b\n1,"say ""yes"""\n', 1, False),
        ('a,b\n1,"two\nlines"\n3,4\n', 2, True),
        ('a,b\r\n1,"two\r\nlines"\r\n', 1, True),
        ('a,b\n1,"\n\n"\n', 1, True),
        ('"a\nx",b\n1,2\n', 1, False),  # a header of two lines is the header's business
        ("a,b\n,\n", 1, False),
    ],
)
def test_records_are_counted_as_rfc_4180_has_them(text: str, rows: int, multiline: bool) -> None:
    found = _inspect(text)
    assert (found.rows, found.ragged_count, found.multiline) == (rows, 0, multiline)


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert _inspect("\ufeffa,b\n1,2\n").header == ("a", "b")
    assert _inspect("a,b\n1,2\n", encoding="utf-16").header == ("a", "b")


def test_names_in_the_header_are_trimmed() -> None:
    assert _inspect(" a , b\n1,2\n").header == ("a", "b")


def test_another_delimiter() -> None:
    found = _inspect('a;b\n1;"2;3"\n', delimiter=";")
    assert (found.header, found.ragged_count) == (("a", "b"), 0)


def test_ragged_records_are_counted_and_the_first_ten_named() -> None:
    found = _inspect("a,b\n1,2\n3\n\n4,5,6\n7,8\n")
    assert (found.rows, found.ragged_count, found.ragged_rows) == (4, 2, (2, 3))
    many = _inspect("a,b\n" + "1\n" * 25)
    assert (many.ragged_count, many.ragged_rows) == (25, tuple(range(1, 11)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"\n1,2\n", "it is empty: the first line must name the columns"),
        (b"a,b,a\n", "its header names a more than once"),
        (b'a,b\n1,"x\n', "its quoting is broken in or before line 2"),
        (b'a,b\n1,"x"y\n', "its quoting is broken in or before line 2"),
        (b"a,b\n1,2\n\xff,3\n", "it is not utf-8: byte 0xff in line 3 (invalid start byte)"),
        (b"a,b\n1,caf\xe9\n", "it is not utf-8: byte 0xe9 in line 2"),
        (b"a,b\n1,caf\xc3", "it is not utf-8: byte 0xc3 in line 2 (unexpected end of data)"),
        (b"a,b\n" + b"1,2\n" * 5000 + b"\xff\n", "byte 0xff in line 5002"),
    ],
)
def test_what_can_not_be_read_says_where(text: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        _inspect(text)
    assert reason in str(caught.value)


def test_the_contract_s_encoding_is_named() -> None:
    with pytest.raises(Unreadable, match="it is not gb18030: byte 0xff in line 2"):
        _inspect(b"a,b\n\xff\xff\n", encoding="gb18030")


def test_a_value_or_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(Unreadable, match=r"a value of over 131,072 characters: a quotation mark"):
        _inspect('a,b\n1,"' + "x\n" * 100_000)
    with pytest.raises(Unreadable, match="it holds a line of over 8 MiB"):
        _inspect("a,b\n" + "1," * LONGEST_LINE)


def test_memory_does_not_grow_with_the_file() -> None:
    def lines(count: int) -> io.BufferedReader:
        return io.BufferedReader(_Repeated(b"1,2\n" * 1000, count))

    tracemalloc.start()
    try:
        found = inspect_csv(text_lines(lines(500), "utf-8"), ",")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.rows == 500_000 - 1
    assert peak < 2 << 20


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
