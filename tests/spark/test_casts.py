"""From texts to values of a type, and how rows are counted as they are staged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nights import city
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Column, Dataset
from civiclake.contracts.notation import Epoch, NumberNotation, Percent
from civiclake.contracts.read.columns import RAW_OWN
from civiclake.io.lake import tables
from civiclake.pipeline.night.batch import Batch
from civiclake.settings import Settings
from civiclake.steps.alike import Alike, with_names
from civiclake.steps.standardize import standardize


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _kind(spark_type: str, **said: Any) -> Column:
    return Column(
        name="v", source_name="V", logical_type="x", spark_type=spark_type, required=True, **said
    )


EUROPEAN = NumberNotation(decimal=",", group=".", strip=("EUR", "\u20ac"), percent=Percent.DIVIDE)
BY_BLANKS = NumberNotation(decimal=",", group=" ", percent=Percent.KEEP)
DOLLARS = NumberNotation(group=",", strip=("$",))
CASES: dict[str, tuple[Column, dict[str, Any]]] = {
    "price": (
        _kind("decimal(8,2)"),
        {
            "1.23": Decimal("1.23"),
            " 5 ": Decimal("5.00"),
            "1.230": Decimal("1.23"),
            "-0.50": Decimal("-0.50"),
            "1e2": Decimal("100.00"),
            "1.5e-2": None,
            "1200e-4": Decimal("0.12"),
            "0e-9": Decimal("0.00"),
            "1.239": None,
            "1000000.00": None,  # seven digits before the point
            "1.2300000000000001": None,
            "1.230000000000000000000000000001": None,
            "1,5": None,
        },
    ),
    "whole decimal": (
        _kind("decimal(38,0)"),
        {
            "12345678901234567890": Decimal("12345678901234567890"),
            "1" * 38: Decimal("1" * 38),
            "1" * 39: None,
            "12.0": Decimal("12"),
            "0.1": None,
        },
    ),
    "21 digits": (
        _kind("decimal(25,0)"),
        {"123456789012345678901": Decimal("123456789012345678901"), "1e24": Decimal("1e24")},
    ),
    "24 digits before the point": (
        _kind("decimal(30,2)"),
        {
            "123456789012345678901234.25": Decimal("123456789012345678901234.25"),
            "123456789012345678901234.250": Decimal("123456789012345678901234.25"),
            "123456789012345678901234.251": None,
            "1.2500000000000001e0": None,
        },
    ),
    "20 decimals": (
        _kind("decimal(30,20)"),
        {"0.12345678901234567891": Decimal("0.12345678901234567891")},
    ),
    "int": (
        _kind("int"),
        {
            "7": 7, " 7": 7, "7.0": 7, "12.00": 12, "12.": 12, "1e3": 1000, "1.2e1": 12, "-3.0": -3,
            "12.5": None, "1.25e1": None, "12.0000000000000000000001": None, "1e-1": None,
            "2147483648": None, "2147483648.0": None, "1e40": None, "seven": None, "1,000": None,
        },
    ),
    "bigint": (_kind("bigint"), {"9007199254740993.0": 9007199254740993, "9e18": 9 * 10**18}),
    "double": (
        _kind("double"),
        {"1.5": 1.5, "-2E3": -2000.0, "NaN": None, "Infinity": None, "1e999": None},
    ),
    "date": (
        _kind("date"),
        {
            "2016-02-29": date(2016, 2, 29), "2015-02-29": None, "2015": None,
            "\ufeff2016-01-01\u3000": date(2016, 1, 1),
        },
    ),
    "timestamp": (
        _kind("timestamp"),
        {
            "2016-01-01T02:00:00Z": _at("2016-01-01T02:00"),
            "2016-01-01T02:00Z": _at("2016-01-01T02:00"),
            "2016-01-01 02:00": _at("2016-01-01T02:00"),
            "2016-01-01T02:00:00+08:00": _at("2015-12-31T18:00"),
            "2016-01-01 02:00:00 BST": None,  # British summer time, or Bangladesh's
            "2016-07-01 02:00:00 EST": _at("2016-07-01T07:00"),
            "2016-01-01": None,
            "02:00": None,
            "2016-13-01 02:00": None,
        },
    ),
    "local time": (
        _kind("timestamp", timezone="Asia/Shanghai"),
        {
            "2016-01-01 12:00:00": _at("2016-01-01T04:00"),
            "2016-01-01 12:00": _at("2016-01-01T04:00"),
            "2016-01-01T12:00:00.1234567": _at("2016-01-01T04:00:00.123456"),
            "2016-01-01 12:00:00.123Z": _at("2016-01-01T12:00:00.123"),
            "2016-01-01T12:00Z": _at("2016-01-01T12:00"),
            "2016-01-01T12:00:00z": _at("2016-01-01T12:00"),
            "2016-01-01 12:00:00+00": _at("2016-01-01T12:00"),
            "2016-01-01 12:00:00 +0000": _at("2016-01-01T12:00"),
            "2016-01-01 12:00:00 UTC": _at("2016-01-01T12:00"),
            "2016-01-01 12:00 UT": _at("2016-01-01T12:00"),
            "2016-01-01 12:00:00 GMT": _at("2016-01-01T12:00"),
            "2016-01-01 12:00:00 UTC+8": _at("2016-01-01T04:00"),
            "2016-01-01 12:00:00 Europe/Paris": _at("2016-01-01T11:00"),
            "2016-01-01 12:00:00+8": _at("2016-01-01T04:00"),
            "2016-01-01 12:00:00 +8": _at("2016-01-01T04:00"),
            "2016-01-01 12:00:00 CST": _at("2016-01-01T04:00"),  # the column's zone has that name
            "2016-01-01 12:00:00 pm": None,
            "2016-13-01 12:00:00": None,
        },
    ),
    "a pattern with an offset": (
        _kind("timestamp", timezone="Asia/Shanghai", format="yyyyMMddHHmmssXX"),
        {
            "20160101120000+0000": _at("2016-01-01T12:00"),
            "20160101120000+0800": _at("2016-01-01T04:00"),
            "20160101120000": None,
        },
    ),
    "a pattern with an offset now and then": (
        _kind("timestamp", timezone="Asia/Shanghai", format="yyyyMMddHHmmss[.SSS][XX]"),
        {
            "20160101120000+0000": _at("2016-01-01T12:00"),
            "20160101120000": _at("2016-01-01T04:00"),
            "20160101120000.5": _at("2016-01-01T04:00:00.5"),
            "20160101120000.123-0500": _at("2016-01-01T17:00:00.123"),
        },
    ),
    "a pattern with a name": (
        _kind("timestamp", timezone="America/New_York", format="yyyy-MM-dd HH:mm:ss z"),
        {
            "2016-01-01 12:00:00 UTC": _at("2016-01-01T12:00"),
            "2016-01-01 12:00:00 EST": _at("2016-01-01T17:00"),
            "2016-07-01 12:00:00 EDT": _at("2016-07-01T16:00"),
            "2016-11-06 01:30:00 EDT": _at("2016-11-06T05:30"),  # the same hour, told apart
            "2016-11-06 01:30:00 EST": _at("2016-11-06T06:30"),
            "2016-01-01 12:00:00": None,
        },
    ),
    "a pattern without": (
        _kind("timestamp", timezone="Europe/Paris", format="dd/MM/yyyy HH:mm"),
        {"01/07/2016 12:00": _at("2016-07-01T10:00"), "01/07/2016 12:00 +0000": None},
    ),
    "a letter that says UTC": (
        _kind("timestamp", timezone="Asia/Shanghai", format="yyyy-MM-dd'T'HH:mm:ss'Z'"),
        {"2016-01-01T12:00:00Z": _at("2016-01-01T12:00")},
    ),
    "seconds since 1970": (
        _kind("timestamp", epoch=Epoch.SECONDS),
        {
            "1451606400": _at("2016-01-01T00:00"),
            "1451606400.25": _at("2016-01-01T00:00:00.25"),
            "1.4516064E9": _at("2016-01-01T00:00"),
            "-1": _at("1969-12-31T23:59:59"),
            "1451606400000": None,  # milliseconds: a year of five digits
            "2016-01-01T00:00:00Z": None,
            "1e300": None,
        },
    ),
    "milliseconds since 1970": (
        _kind("timestamp", epoch=Epoch.MILLISECONDS),
        {
            "1451606400000": _at("2016-01-01T00:00"),
            "1033603200000.5": _at("2002-10-03T00:00:00.0005"),
        },
    ),
    "numbers of Europe": (
        _kind("decimal(12,4)", number=EUROPEAN),
        {
            "1.234,50": Decimal("1234.5"),
            "1234,5": Decimal("1234.5"),
            "-1.234.567,5": Decimal("-1234567.5"),
            "\u2212 5".replace(" ", ""): Decimal("-5"),
            "\u20ac\xa02.000": Decimal("2000"),
            "2.000,00 EUR": Decimal("2000"),
            "-\u20ac5": Decimal("-5"),
            "\u20ac -5": Decimal("-5"),
            "12,5%": Decimal("0.125"),
            "12,5 %": Decimal("0.125"),
            "12.5": None,
            "1.23": None,
            "12.34.567,0": None,
            "(45,00)": None,
            "EUR": None,
            "5 USD": None,
        },
    ),
    "numbers of France": (
        _kind("double", number=BY_BLANKS),
        {
            "1\u202f234\u202f567,5": 1234567.5,
            "12 34 567": None,
            "1 234": 1234.0,
            "1\xa0234,5": 1234.5,
            "12,5 %": 12.5,
            ",5": 0.5,
            "1,5e3": 1500.0,
            "1 23": None,
        },
    ),
    "whole dollars, and rupees": (
        _kind("int", number=DOLLARS),
        {
            "$2,000": 2000, "12,34,567": 1234567, "1,234.0": 1234, "2000": 2000,
            "2,00": None, "1,234.5": None, "1,2345": None,
        },
    ),
    "string": (
        _kind("string"),
        {
            " a b ": "a b", "0": "0", "A\t": "A", "A\u3000": "A", "\n  P1\n  ": "P1",
            "\xa0\u4e2d\u6587\xa0": "\u4e2d\u6587", "\u200bx\ufeff": "x", "a\tb": "a\tb",
            "\u4e2d\u6587\n": "\u4e2d\u6587", "\xe9 \xe9": "\xe9 \xe9",
        },
    ),
}  # fmt: skip
NAMES = {case: f"v{n}" for n, case in enumerate(CASES)}
KINDS = [column.model_copy(update={"name": NAMES[case]}) for case, (column, _) in CASES.items()]
BLANK = ("  ", "\xa0", "\u3000\t\r\n\ufeff", "", None)
TEXTS = [*dict.fromkeys(text for _, cases in CASES.values() for text in cases), *BLANK]


def _standardized(spark: SparkSession, texts: Sequence[str | None], *columns: Column) -> list[Row]:
    found = standardize(_raw(spark, texts), _dataset(*columns)).orderBy(c.ROW)
    # A Connect client hands timestamps out in its own machine's zone.
    moments = [n for n, kind in found.dtypes if kind == "timestamp"]
    return found.withColumns({n: F.unix_micros(n) for n in moments}).collect()


def _dataset(*columns: Column) -> Dataset:
    dataset = city().dataset("meteorology.daily")
    return dataset.model_copy(update={"columns": columns, "sequence": None, "operation": None})


def _raw(spark: SparkSession, texts: Sequence[str | None]) -> DataFrame:
    lineage = f"{c.BATCH} string, {c.RECORD} string, {c.FILE} string, {c.ROW} bigint"
    schema = f"V string, {lineage}, {c.DELIVERED} timestamp, {c.CORRUPT} string"
    moment = datetime(2016, 1, 1, tzinfo=UTC)
    rows = [(t, "b", str(n), "f", n, moment, None) for n, t in enumerate(texts)]
    return spark.createDataFrame(rows, schema)


def _micros(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return value


@pytest.fixture(scope="module")
def as_every_kind(spark: SparkSession) -> dict[str | None, Row]:
    """Every text of every case, read as every kind at once."""
    return {row[c.RAW]["V"]: row for row in _standardized(spark, TEXTS, *KINDS)}


def test_columns_read_together_are_read_as_by_themselves(
    spark: SparkSession, as_every_kind: dict[str | None, Row]
) -> None:
    columns = [column for column in KINDS if "time" not in column.spark_type]
    alike = Alike(tuple((column,) for column in columns))
    found = standardize(_raw(spark, TEXTS), _dataset(*columns), alike)
    names = [column.name for column in columns] + [f"_uncast_{name}" for name in alike.cast]
    uncast = {f"_uncast_{name}": alike.uncast(name) for name in alike.cast}
    rows = with_names(found, alike).withColumns(uncast).orderBy(c.ROW).select(*names).collect()
    apart = [as_every_kind[text] for text in TEXTS]
    assert [tuple(row) for row in rows] == [tuple(row[name] for name in names) for row in apart]
    assert len(alike.cast) > 5 and len(rows) > 50


@pytest.mark.parametrize("case", CASES)
def test_a_text_is_a_value_only_if_it_is_exactly_one(
    as_every_kind: dict[str | None, Row], case: str
) -> None:
    column, cases = CASES[case]
    name = NAMES[case]
    wanted = {text: _micros(value) for text, value in cases.items()} | dict.fromkeys(BLANK)
    assert {text: as_every_kind[text][name] for text in wanted} == wanted
    if column.spark_type != "string":
        uncast = {text for text in wanted if as_every_kind[text][f"_uncast_{name}"] is not None}
        assert uncast == {text for text, value in cases.items() if value is None}


@pytest.mark.parametrize("name", ["numbers of Europe", "numbers of France"])
def test_a_number_is_read_alike_without_an_engine(name: str) -> None:
    column, cases = CASES[name]
    assert column.number is not None
    for text, value in cases.items():
        plain = column.number.plain(text)
        assert (plain and Decimal(plain)) == (None if value is None else Decimal(str(value))), text


PARIS = _kind("timestamp", timezone="Europe/Paris")


def test_clocks_skip_an_hour_and_show_one_twice(spark: SparkSession) -> None:
    texts = {
        "2016-03-27 01:59:59": ("2016-03-27T00:59:59", None),
        "2016-03-27 02:30:00": (None, None),
        "2016-03-27 03:00:00": ("2016-03-27T01:00:00", None),
        "2016-10-30 01:59:59": ("2016-10-29T23:59:59", None),
        "2016-10-30 02:30:00": ("2016-10-30T00:30:00", "2016-10-30T01:30:00"),
        "2016-10-30 02:30:00 +01:00": ("2016-10-30T01:30:00", None),
        "2016-10-30 03:00:00": ("2016-10-30T02:00:00", None),
    }
    rows = _standardized(spark, list(texts), PARIS)
    found = {r[c.RAW]["V"]: (r["v"], r["_ambiguous_v"]) for r in rows}
    assert found == {
        text: tuple(moment and _micros(_at(moment)) for moment in pair)
        for text, pair in texts.items()
    }
    assert [r["_skipped_v"] for r in rows if r["_skipped_v"]] == ["2016-03-27 02:30:00"]
    assert not any(r["_uncast_v"] for r in rows)  # it is a time, though not there


def test_words_for_nothing_and_what_nothing_is_taken_for(spark: SparkSession) -> None:
    words = ("NA", "-", "-9999")
    texts = ["5", "NA", "\xa0NA ", "-", "-9999", "na", None]
    rows = _standardized(spark, texts, _kind("int", absent=words))
    assert [r["v"] for r in rows] == [5, None, None, None, None, None, None]
    assert [r["_uncast_v"] for r in rows if r["_uncast_v"]] == ["na"]
    rows = _standardized(spark, texts, _kind("string", absent=words, absent_as="none"))
    assert [r["v"] for r in rows] == ["5", "none", "none", "none", "none", "na", "none"]


def test_no_source_column_can_have_the_name_of_one_of_raw_s_own() -> None:
    assert {name for name, _ in tables.RAW_LINEAGE} == RAW_OWN


@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("is_small", [True, False])
def test_rows_are_counted_as_they_are_staged(
    settings: Settings, spark: SparkSession, tmp_path: Path, is_small: bool, rows: int
) -> None:
    own = settings.model_copy(update={"state_dir": tmp_path})
    dataset = city().dataset("meteorology.daily")
    batch = Batch(spark, own, dataset, "b1", 1, is_small=is_small)
    counted = [F.count("*").alias("rows"), F.count_if(F.col("id") > 0).alias("above")]
    saved, found = batch.save_counted(spark.range(rows).toDF("id"), "x", counted)
    assert found == {"rows": rows, "above": max(rows - 1, 0)}
    assert saved.count() == rows
