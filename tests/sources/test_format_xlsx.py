"""Workbooks as programs write them: values as a spreadsheet counts and shows them."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from typing import Any

import openpyxl
import pytest
from bad_files import rewritten, sheet
from format_samples import columns_named, land, read, records, xlsx
from source_city import City

from civiclake.errors import BatchHeld
from civiclake.io.reading.inspect import Unreadable

STRICT = {
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main": (
        "http://purl.oclc.org/ooxml/spreadsheetml/main"
    ),
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships": (
        "http://purl.oclc.org/ooxml/officeDocument/relationships"
    ),
}


def _shown(values: list[Any], number_format: str) -> bytes:
    """A workbook of one column, all of its cells in one format."""
    book = openpyxl.Workbook()
    own = book.active
    own.append(["v"])
    for row, value in enumerate(values, start=2):
        cell = own.cell(row, 1, value)
        cell.number_format = number_format
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _cell(written: str, **columns: str) -> list[dict[str, str | None]]:
    """The records of a sheet whose one cell is written like this."""
    book = sheet(xlsx([["v"], ["@"]]), '<c r="A2" t="inlineStr"><is><t>@</t></is></c>', written)
    return read(book, "xlsx", columns)


def _parts(book: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(parts: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return packed.getvalue()


# -- numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("0.30000000000000004", "0.3"),
        ("234.55999999999995", "234.56"),
        ("28.999999999999996", "29"),
        ("-1.1000000000000001E-7", "-0.00000011"),
        ("1.23456789012345E+15", "1234567890123450"),
        ("1234567890123456789", "1234567890123456789"),
        ("9007199254740991.0", "9007199254740991"),
        ("12.50", "12.5"),
        ("-0", "0"),
    ],
)
def test_numbers_have_fifteen_digits_and_whole_ones_all(written: str, read_as: str) -> None:
    assert _cell(f'<c r="A2"><v>{written}</v></c>') == [{"v": read_as}]


def test_a_code_shown_with_leading_zeros_is_read_so() -> None:
    book = _shown([1234, 98765, 123456, -1, 1.5], "00000")
    assert [r["v"] for r in read(book, "xlsx", {"v": "string"})] == [
        "01234", "98765", "123456", "-1", "1.5",
    ]  # fmt: skip
    assert read(book, "xlsx", {"v": "int"})[0] == {"v": "1234"}
    assert read(_shown([0.125], "0.0%"), "xlsx") == [{"v": "0.125"}]


# -- days and times ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number_format", "days", "read_as"),
    [
        ("h:mm", 0.354166666666667, "08:30:00"),
        ("h:mm", 1.04375, "25:03:00"),
        ("hh:mm:ss;@", 4.5, "108:00:00"),
        ("[h]:mm", 1.04375, "25:03:00"),
        ("[h]:mm:ss", 0.25, "6:00:00"),
        ("h:mm", 42371.3541666667, "2016-01-02T08:30:00"),
        ("yyyy-mm-dd", 42371, "2016-01-02"),
        ("DD/MM/YYYY", 42371, "2016-01-02"),
        ("yyyy-mm-dd h:mm", 42371.3541666667, "2016-01-02T08:30:00"),
        ('yyyy"年"m"月"d"日"', 42371, "2016-01-02"),
        ("[Red]0.00", 42371, "42371"),
        ('0 "days"', 3, "3"),
        ("General", 42371, "42371"),
        ("yyyy-mm-dd", 3000000, "3000000"),
    ],
)
def test_what_a_number_of_days_is(number_format: str, days: float, read_as: str) -> None:
    assert read(_shown([days], number_format), "xlsx") == [{"v": read_as}]


def test_a_contract_s_timestamp_is_an_instant_whatever_the_format_shows() -> None:
    book = _shown([1.04375, 42371], "h:mm")
    assert [r["v"] for r in read(book, "xlsx", {"v": "timestamp"})] == [
        "1900-01-01T01:03:00",
        "2016-01-02T00:00:00",
    ]
    assert read(book, "xlsx", {"v": "date"})[1] == {"v": "2016-01-02"}


def test_east_asian_formats_that_no_file_spells_out() -> None:
    book = rewritten(
        _shown([42371], "yyyy-mm-dd"),
        lambda name, part: part.replace(b'numFmtId="164" fontId', b'numFmtId="57" fontId'),
    )
    assert b'numFmtId="57"' in _parts(book)["xl/styles.xml"]
    assert read(book, "xlsx") == [{"v": "2016-01-02"}]


def test_days_since_1904() -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.MAC_EPOCH
    book.active.append(["v"])
    book.active.append([dt.date(2016, 1, 2)])
    packed = io.BytesIO()
    book.save(packed)
    assert read(packed.getvalue(), "xlsx") == [{"v": "2016-01-02"}]


def test_days_in_iso_8601() -> None:
    assert _cell('<c r="A2" t="d"><v>2016-01-02T00:00:00</v></c>') == [{"v": "2016-01-02"}]
    assert _cell('<c r="A2" t="d"><v>2016-01-02T08:30:00</v></c>') == [{"v": "2016-01-02T08:30:00"}]


# -- errors, formulas, texts -------------------------------------------------------------


def test_an_error_is_no_value_and_never_text() -> None:
    error = '<c r="A2" t="e"><f>NA()</f><v>#N/A</v></c><c r="B2"><v>1</v></c>'
    assert _cell(error)[0]["v"] is None
    assert _cell(error, v="string")[0]["v"] is None
    # There the row is set aside for it: the cast says what stands in the cell.
    assert _cell(error, v="double")[0]["v"] == "#N/A"


@pytest.mark.parametrize("result", ["<v></v>", "<v/>"])
def test_a_formula_whose_result_is_the_empty_text(result: str) -> None:
    empty = f'<c r="A2" t="str"><f>IF(A1="","","x")</f>{result}</c><c r="B2"><v>1</v></c>'
    assert _cell(empty)[0]["v"] is None


@pytest.mark.parametrize(
    "written",
    [
        '<c r="A2"><f>1+1</f></c>',
        '<c r="A2"><f>1+1</f><v></v></c>',
        '<c r="A2" t="str"><f>A1</f></c>',
        '<x:c xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" r="A2">'
        "<x:f>1+1</x:f></x:c>",
    ],
)
def test_a_formula_without_a_result_is_refused_with_its_cell(written: str) -> None:
    words = "cell A2 holds a formula without its result: open the workbook"
    with pytest.raises(Unreadable, match=words):
        _cell(written)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("a_x000D_\nb", "a\r\nb"),
        ("_x005F_x000D_", "_x000D_"),
        ("_xD83D__xDE00_", "😀"),
        ("_xD83D_ half", "_xD83D_ half"),
        ("snake_x0041y", "snake_x0041y"),
    ],
)
def test_escapes_of_texts(written: str, read_as: str) -> None:
    inline = f'<c r="A2" t="inlineStr"><is><r><t>{written}</t></r><rPh><t>x</t></rPh></is></c>'
    assert _cell(inline) == [{"v": read_as}]
    assert _cell(f'<c r="A2" t="str"><v>{written}</v></c>') == [{"v": read_as}]


# -- parts of the package ----------------------------------------------------------------


def _moved(book: bytes) -> bytes:
    """Styles elsewhere, parts in other letters and with backslashes."""
    parts = _parts(book)
    parts["office/Looks.XML"] = parts.pop("xl/styles.xml")
    for name in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
        text = re.sub(r'"/xl/styles.xml"', '"/office/looks.xml"', parts[name].decode())
        parts[name] = text.replace("/xl/worksheets/", "/XL/WorkSheets/").encode()
    return _packed({name.replace("worksheets/", "worksheets\\"): p for name, p in parts.items()})


def _prefixed(book: bytes) -> bytes:
    def change(name: str, part: bytes) -> bytes:
        if not name.startswith("xl/worksheets/"):
            return part
        text = re.sub(r"<(/?)(\w)", r"<\1x:\2", part.decode())
        return text.replace("xmlns=", "xmlns:x=").encode()

    return rewritten(book, change)


def _strict(book: bytes) -> bytes:
    def change(_name: str, part: bytes) -> bytes:
        for old, new in STRICT.items():
            part = part.replace(old.encode(), new.encode())
        return part

    return rewritten(book, change)


@pytest.mark.parametrize("change", [_moved, _prefixed, _strict])
def test_parts_are_found_by_what_refers_to_them(change: Any) -> None:
    book = xlsx([["id", "day", "text"], ["a", dt.date(2016, 1, 2), "x"]])
    assert change(book) != book
    assert read(change(book), "xlsx") == [{"id": "a", "day": "2016-01-02", "text": "x"}]


def test_texts_that_cells_share() -> None:
    book = xlsx([["v"], ["@"]])
    shared = (
        b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>a</t></si>'
        b"<si><r><t>b</t></r><r><t> c</t></r></si></sst>"
    )
    parts = _parts(
        sheet(book, '<c r="A2" t="inlineStr"><is><t>@</t></is></c>', '<c t="s"><v>1</v></c>')
    )
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    named = b'<Override PartName="/xl/texts.xml" ContentType="' + kind + b'"/></Types>'
    parts["[Content_Types].xml"] = re.sub(
        rb'<Override PartName="/xl/sharedStrings.xml"[^>]*>', b"", parts["[Content_Types].xml"]
    ).replace(b"</Types>", named)
    assert read(_packed({**parts, "xl/texts.xml": shared}), "xlsx") == [{"v": "b c"}]


def test_the_only_sheet_that_is_shown() -> None:
    book = openpyxl.Workbook()
    book.active.append(["ward"])
    book.active.append(["W1"])
    book.create_sheet("_lists").sheet_state = "veryHidden"
    packed = io.BytesIO()
    book.save(packed)
    assert read(packed.getvalue(), "xlsx") == [{"ward": "W1"}]
    with pytest.raises(Unreadable, match=r"no sheet Wards \(it holds Sheet, _lists \(hidden\)\)"):
        read(packed.getvalue(), "xlsx", sheet="Wards")


# -- header ------------------------------------------------------------------------------

TITLED = [["Visits by ward"], [], ["Ward", "2015"], ["W1", 5], [], ["W2", 7]]


def test_the_row_that_the_contract_names_is_the_header() -> None:
    wards = [{"Ward": "W1", "2015": "5"}, {"Ward": "W2", "2015": "7"}]
    assert read(xlsx(TITLED), "xlsx", header_row=3) == wards
    assert read(xlsx([[], *TITLED[2:]]), "xlsx") == wards  # blank rows above need no word
    with pytest.raises(Unreadable, match="its sheet holds nothing from row 9"):
        read(xlsx(TITLED), "xlsx", header_row=9)


def test_a_name_over_two_lines_finds_its_column() -> None:
    book = xlsx([["day\r\nof count "], [dt.date(2016, 1, 2)]])
    columns = {"day\nof count": "timestamp"}
    (found,) = read(book, "xlsx", columns)
    assert found == {"day\nof count": "2016-01-02T00:00:00"}


def test_unnamed_columns_are_named_by_their_place_or_left_out() -> None:
    book = xlsx([[None, "a", " ", "b", None], [1, 2, None, 3, None], [None, 4, None, None]])
    assert read(book, "xlsx") == [
        {"column_1": "1", "a": "2", "b": "3"},
        {"column_1": None, "a": "4", "b": None},
    ]


def test_a_held_workbook_is_told_with_its_header_s_row(city: City) -> None:
    book = xlsx([[], ["Trees"], ["tree_id", "species"], ["t1", "oak"]])
    with pytest.raises(BatchHeld, match="; row 2 of its sheet was taken for the header"):
        land(city, book, "xlsx", columns=columns_named("species", "height"))
    found, _ = land(city, book, "xlsx", columns=columns_named("species"), header_row=3)
    assert records(city, found) == [{"tree_id": "t1", "species": "oak"}]
