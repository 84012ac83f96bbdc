"""What `new` takes a column's texts for: words for nothing, written numbers, dates, epochs."""

from __future__ import annotations

from typing import Any

import pytest

from civiclake.contracts.draft.guess import guess
from civiclake.contracts.draft.guessed import GuessedType
from civiclake.contracts.draft.sample import Sample
from civiclake.contracts.draft.types import guess_type


def _column(name: str, *values: str) -> GuessedType:
    return guess_type(values, name=name)


@pytest.mark.parametrize(
    ("values", "logical", "absent"),
    [
        ("5 NA 12 NA", "integer", ["NA"]),
        ("1.5 - 2.5 ..", "number", ["-", ".."]),
        ("12 #N/A 15 #DIV/0!", "integer", ["#DIV/0!", "#N/A"]),
        ("1.5 2.5 -9999", "number", ["-9999"]),
        ("5 7 NaN -99", "integer", ["NaN", "-99"]),
        ("1.5 \\N -9999 3", "number", ["\\N", "-9999"]),
        ("2016-01-01 None 2016-02-29", "date", ["None"]),
        ("12 9999 14 9999 13", "integer", ["9999"]),
    ],
)
def test_words_for_nothing_are_proposed_with_their_number(
    values: str, logical: str, absent: list[str]
) -> None:
    found = _column("x", *values.split())
    assert (found.logical, found.extension) == (logical, {"absent": absent})
    noted = " ".join(found.notes)
    assert all(repr(word) in noted for word in absent)


@pytest.mark.parametrize(
    ("values", "logical"),
    [
        ("-9 -99 -999", "integer"),
        ("9998 9999 10000 9999", "integer"),
        ("9999 12", "integer"),
        ("007 NA 008", "string"),
        ("oak NA elm", "string"),
        ("NA NA", "string"),
    ],
)
def test_what_may_be_a_value_is_left(values: str, logical: str) -> None:
    found = _column("x", *values.split())
    assert (found.logical, found.extension) == (logical, {})


def test_one_letter_alone_is_a_code_and_no_truth() -> None:
    assert _column("sex", "F", "F").logical == "string"
    assert _column("type", "t").logical == "string"
    assert _column("open", "t", "f").logical == "boolean"
    assert _column("open", "true").logical == "boolean"


def test_few_texts_among_numbers_are_named() -> None:
    found = _column("cases", *map(str, range(40)), "NR")
    assert found.logical == "string"
    assert "numbers but for 'NR' 1 times" in found.notes[0]


@pytest.mark.parametrize(
    ("values", "logical", "number"),
    [
        (("2,5", "0,125"), "number", {"decimal": ","}),
        (("1.234,50", "7"), "number", {"decimal": ",", "group": "."}),
        (("1,234.50", "7"), "number", {"group": ","}),
        (("1,234,567", "7"), "integer", {"group": ","}),
        (("24,741", "950"), "integer", {"group": ","}),
        (("1 234 567", "12"), "integer", {"group": " "}),
        (("1\u00a0234,5", "7"), "number", {"decimal": ",", "group": "\u00a0"}),
        (("$2,000.00", "$12.50"), "number", {"group": ",", "strip": ["$"]}),
        (("12 EUR", "7 EUR"), "integer", {"strip": ["EUR"]}),
        (("12.5%", "7%"), "number", {"percent": "keep"}),
    ],
)
def test_numbers_as_people_write_them(
    values: tuple[str, ...], logical: str, number: dict[str, Any]
) -> None:
    found = _column("x", *values)
    assert (found.logical, found.extension) == (logical, {"number": number})
    assert "are read with" in found.notes[0]


def test_what_is_thousands_or_a_decimal_is_said_and_not_decided() -> None:
    commas = _column("x", "149,852", "24,741")
    assert (commas.logical, commas.extension) == ("string", {})
    assert "may be thousands or a decimal, so it stays text" in commas.notes[0]
    points = _column("x", "1.234", "2.345")
    assert (points.logical, points.extension) == ("number", {})
    assert "may mean thousands" in points.notes[0]
    assert _column("x", "1.234", "2.3").notes == ()
    assert _column("x", "12.5%", "7").logical == "string"


def test_another_column_of_the_file_may_leave_no_doubt() -> None:
    rows = (("1.234", "2,5"), ("2.345", "0,75"))
    found = guess(Sample(("a", "b"), rows, {}, {"load": "files"}, "a test"))
    assert found.columns[0].type.extension == {"number": {"decimal": ",", "group": "."}}
    rows = (("1,234", "2.5"), ("2,345", "0.75"))
    found = guess(Sample(("a", "b"), rows, {}, {"load": "files"}, "a test"))
    assert found.columns[0].type.extension == {"number": {"group": ","}}


@pytest.mark.parametrize(
    ("values", "logical", "pattern"),
    [
        (("31.12.2016",), "date", "dd.MM.yyyy"),
        (("3.12.2016", "31.1.2016"), "date", "d.M.yyyy"),
        (("31-07-2022", "01-01-2022"), "date", "dd-MM-yyyy"),
        (("12/31/2016",), "date", "MM/dd/yyyy"),
        (("1/31/2016", "12/1/2016"), "date", "M/d/yyyy"),
        (("31-Dec-2016",), "date", "dd-MMM-yyyy"),
        (("2016/1/2",), "date", "yyyy/M/d"),
        (("31/12/2016 12:30",), "timestamp", "dd/MM/yyyy HH:mm"),
        (("1/31/2016 2:05 PM",), "timestamp", "M/d/yyyy h:mm a"),
        (("01/31/2016 02:15:00 PM",), "timestamp", "MM/dd/yyyy hh:mm:ss a"),
        (("20160101120000+0800",), "timestamp", "yyyyMMddHHmmssXX"),
        (("20160101120000",), "timestamp", "yyyyMMddHHmmss"),
        (("2016-01-01 12:00:00 EST",), "timestamp", "yyyy-MM-dd HH:mm:ss z"),
        (("2016-01-01 12:00:00 Europe/Paris", "2016-01-01 12:00:00 UTC"), "timestamp", None),
        (("31.12.16", "01.01.17"), "string", None),
    ],
)
def test_dates_and_times(values: tuple[str, ...], logical: str, pattern: str | None) -> None:
    found = _column("x", *values)
    assert (found.logical, found.options.get("format")) == (logical, pattern)
    assert not any("MAY BE EITHER" in note for note in found.notes)


@pytest.mark.parametrize(
    ("values", "minimum"),
    [
        ("1957-01-25 1865-04-14", "1865-01-01"),
        ("25.01.1957 14.04.1865", "1865-01-01"),
        ("1865-04-14T10:00 1957-01-25T11:30", "1865-01-01T00:00:00Z"),
        ("1957-01-25 1900-01-01", None),
        ("1957-01-25 0080-01-01", None),
    ],
)
def test_days_before_1900_that_are_seen_are_allowed(values: str, minimum: str | None) -> None:
    found = _column("born", *values.split())
    assert found.options.get("minimum") == minimum
    assert bool(minimum) == any("are seen" in note for note in found.notes)


def test_day_and_month_that_may_be_either_are_told_with_both_readings() -> None:
    found = _column("x", "03/03/2016", "04/05/2016")
    assert found.options == {"format": "dd/MM/yyyy"}
    assert found.notes == (
        "DAY AND MONTH MAY BE EITHER: '04/05/2016' is read as dd/MM/yyyy, and could be MM/dd/yyyy",
    )


def test_years_of_two_digits_stay_text_and_are_told() -> None:
    assert "leave the century to a guess" in _column("x", "31.12.16").notes[0]


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [
        ("edit_date", ("1451606400000", "1451606400001"), "ms"),
        ("created_at", ("1451606400",), "s"),
        ("cases", ("1451606400",), None),
        ("created_at", ("5", "1451606400"), None),
    ],
)
def test_seconds_and_milliseconds_by_name_and_range(
    name: str, values: tuple[str, ...], unit: str | None
) -> None:
    found = _column(name, *values)
    assert found.extension == ({"epoch": unit} if unit else {})
    if unit:
        assert "is 2016-01-01T00:00:00Z" in found.notes[0]


def test_eight_digits_are_a_day_in_a_column_named_so() -> None:
    assert _column("event_date", "20160131").options == {"format": "yyyyMMdd"}
    assert _column("cases", "20160131").logical == "integer"
