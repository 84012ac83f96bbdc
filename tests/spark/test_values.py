"""Values as sources write them, through whole loads: strange hours, words for nothing, blanks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from histories_city import ALL_MAY_GO, trees
from nights import Nights, counts
from pyspark.sql import SparkSession

from civiclake.contracts.model import History, Load
from civiclake.io.lake import tables
from civiclake.settings import Settings

AT: dict[str, Any] = {
    "name": "at",
    "logicalType": "timestamp",
    "logicalTypeOptions": {"defaultTimezone": "Europe/Paris"},
    "primaryKey": True,
    "required": True,
}


def _served(nights: Nights, *columns: str) -> list[tuple[Any, ...]]:
    table = nights.spark.table(tables.by_path(nights.settings, tables.UNIFIED, "parks_trees"))
    found = table.selectExpr(*[f"cast({n} as string)" for n in columns]).collect()
    return sorted((tuple(row) for row in found), key=str)


def test_two_strange_hours(settings: Settings, spark: SparkSession, tmp_path: Path) -> None:
    # A snapshot: what is told apart must not be missed in it, and go.
    dataset = trees(tmp_path, Load.SNAPSHOT, History.LATEST, columns=[AT], limits=ALL_MAY_GO)
    nights = Nights(settings, spark, tmp_path, dataset)
    told = (
        "tree_id,species,rings,at\n"
        "t1,oak,1,2016-03-27 02:30:00\n"  # the clocks skipped it
        "t1,oak,2,2016-03-27 03:30:00\n"
        "t1,oak,3,2016-10-30 02:30:00\n"
        "t1,oak,4,2016-10-30 02:30:00\n"  # an hour later, for the file goes on
        "t2,elm,5,2016-10-30 02:30:00\n"  # either of the two
        "t4,ash,6,2016-10-30 02:30:00 +01:00\n"
    )
    three = "".join(f"t3,fir,{n},2016-10-30 02:30:00\n" for n in (7, 8, 9))  # of two hours
    first = nights.run("b1", told + three)
    assert counts(first) == {"read": 9, "inserted": 5, "quarantined": 4}
    assert first.reasons == {"local_time:at": 1, "ambiguous_time:at": 3}
    assert first.warnings == {"ambiguous_time:at": 4}
    assert {row["reasons"] for row in nights.quarantine()} == {"local_time:at", "ambiguous_time:at"}
    rows = [
        ("t1", "2016-03-27 01:30:00", "2"),
        ("t1", "2016-10-30 00:30:00", "3"),
        ("t1", "2016-10-30 01:30:00", "4"),
        ("t2", "2016-10-30 00:30:00", "5"),
        ("t4", "2016-10-30 01:30:00", "6"),
    ]
    assert _served(nights, "tree_id", "at", "rings") == rows
    # Delivered again, with a correction of the later one.
    again = nights.run("b2", (told + three).replace("oak,4", "oak,40"))
    assert counts(again) == {"read": 9, "updated": 1, "unchanged": 4, "quarantined": 4}
    assert ("t1", "2016-10-30 01:30:00", "40") in _served(nights, "tree_id", "at", "rings")


def test_values_as_they_are_written(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    own = {"absent_as": "whole", "absent": ["-"]}
    segment = {"name": "segment", "logicalType": "string", "primaryKey": True, "required": True}
    number = {"decimal": ",", "group": ".", "strip": ["EUR"]}
    columns = [
        {**segment, "customProperties": [{"property": "civiclake", "value": own}]},
        {
            "name": "cost",
            "logicalType": "number",
            "physicalType": "decimal(30,2)",
            "customProperties": [{"property": "civiclake", "value": {"number": number}}],
        },
    ]
    columns.append(
        {
            "name": "valid_to",
            "logicalType": "timestamp",
            "logicalTypeOptions": {"defaultTimezone": "America/New_York"},
        }
    )
    limits = {"max_set_aside_fraction": 1}
    words = ["NA", "-99"]
    dataset = trees(
        tmp_path, Load.FILES, History.LATEST, columns=columns, limits=limits, absent=words
    )
    nights = Nights(settings, spark, tmp_path, dataset)
    content = (
        "tree_id,species,rings,segment,cost,valid_to\n"
        't1,oak,12.0,a,"1.234,50 EUR",9999-12-31 23:59:59\n'  # in UTC, the year 10000
        "t1,NA,-99,,NA,\n"
        "t1\u3000,\xa0NA,1e1,-\t,,\n"  # the same key, and not the same values
        "t2,NAN,12.5,b,12.50,\n"
        "NA,elm,1,c,1,\n"
    )
    first = nights.run("b1", content)
    assert first.reasons == {
        "duplicate_key": 2, "type:rings": 1, "type:cost": 1, "required:tree_id": 1,
    }  # fmt: skip
    assert _served(nights, "tree_id", "segment", "species", "rings", "cost", "valid_to") == [
        ("t1", "a", "oak", "12", "1234.50", "+10000-01-01 04:59:59")
    ]
    second = nights.run("b2", content.replace("1e1", "-99"))
    assert counts(second) == {"read": 5, "inserted": 1, "unchanged": 1, "superseded": 1,
                              "quarantined": 2}  # fmt: skip
    served = _served(nights, "tree_id", "segment", "species", "rings", "cost")
    assert ("t1", "whole", None, None, None) in served
