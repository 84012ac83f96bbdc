"""The city's standards on one delivery: each kind of wrong value, and right ones beside it.

The load compares its own count of every rule with Great Expectations' and is held when they
differ, so a batch that is merged proves the two equal.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from nights import Nights
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from stdnum.cn import ric, uscc

from civiclake import columns as c
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset
from civiclake.contracts.standards import Area, Check, CheckKind
from civiclake.io.lake import tables
from civiclake.io.ops.account import BatchResult
from civiclake.settings import Settings, project_root
from civiclake.steps.standardize import standardize, with_positions


def citizen(first: str) -> str:
    """A number with the right check digit."""
    return first + ric.calc_check_digit(first + "?")


def company(first: str) -> str:
    return first + uscc.calc_check_digit(first)


GOOD = {
    "citizen_id": citizen("53010219800101123"),
    "birth_date": "1980-01-01",
    "age_years": "35",
    "county_code": "530102",
    "registered_on": "2015-06-01",
    "diagnosis": "J06.9",
    "latitude": "25.04",
    "longitude": "102.71",
    "time_zone": "Asia/Shanghai",
    "credit_code": company("91530102MA6K1234X"),
    "sex": "f",
}
WRONG_DIGIT = GOOD["citizen_id"][:-1] + ("1" if GOOD["citizen_id"][-1] != "1" else "2")
CASES: dict[str, tuple[dict[str, str], set[str]]] = {
    "good": ({}, set()),
    # Numbers with a check digit.
    "small_x": ({"citizen_id": citizen("53010219800101101").lower()}, set()),
    "full_width": ({"citizen_id": "\uff15" + GOOD["citizen_id"][1:]}, set()),
    "born_before_district": ({"citizen_id": citizen("53011419500101101")}, set()),
    "no_number": ({"citizen_id": "", "credit_code": ""}, set()),
    "wrong_digit": ({"citizen_id": WRONG_DIGIT}, {"check_digit:citizen_id"}),
    "short": ({"citizen_id": "530102800101123"}, {"form:citizen_id"}),
    "letters": ({"citizen_id": "A" + GOOD["citizen_id"][1:]}, {"form:citizen_id"}),
    "no_day": ({"citizen_id": citizen("53010219800230123")}, {"birth_date:citizen_id"}),
    "born_1850": ({"citizen_id": citizen("53010218500101123")}, {"birth_date:citizen_id"}),
    "born_2099": ({"citizen_id": citizen("53010220990101123")}, {"birth_date:citizen_id"}),
    "no_region": ({"citizen_id": citizen("99010219800101123")}, set()),
    "wrong_company": ({"credit_code": "91530102MA6K1234XX"}, {"check_digit:credit_code"}),
    "company_form": ({"credit_code": "9153010OMA6K1234XX"}, {"form:credit_code"}),
    "company_region": ({"credit_code": company("91990102MA6K1234X")}, set()),
    "company_state": ({"credit_code": company("91100000MA6K1234X")}, set()),
    # Codes with a history.
    "chenggong": ({"county_code": "530121", "registered_on": "1999-01-01"}, set()),
    "jinning": ({"county_code": "530122"}, set()),
    "chain": ({"county_code": "510221"}, set()),  # withdrawn twice
    "merged": ({"county_code": "110103"}, set()),
    "unknown_code": ({"county_code": "539999"}, {"code:county_code"}),
    "lost": ({"county_code": "530101"}, {"code:county_code"}),
    "reused_then": ({"county_code": "362302", "registered_on": "1995-01-01"}, set()),
    "reused_before": (
        {"county_code": "362302", "registered_on": "1985-01-01"},
        {"code:county_code"},
    ),
    "reused_undated": ({"county_code": "362302", "registered_on": ""}, {"code:county_code"}),
    "current_undated": ({"registered_on": ""}, set()),
    "dengue": ({"diagnosis": "A90"}, set()),
    "no_disease": ({"diagnosis": "J6"}, {"code:diagnosis"}),
    "link": ({"time_zone": "PRC"}, set()),
    "mapped": ({"time_zone": "Peking"}, set()),
    "no_zone": ({"time_zone": "Asia/Kunming"}, {"code:time_zone"}),
    "replaced_short": ({"sex": "w"}, set()),
    "no_sex": ({"sex": "?"}, {"code:sex"}),
    # Ages, dates and places that can't be.
    "age_words": ({"age_years": "35,109"}, {"type:age_years"}),
    "age": ({"age_years": "35109"}, {"range:age_years"}),
    "age_below": ({"age_years": "-1"}, {"range:age_years"}),
    "old_date": ({"birth_date": "1899-12-31"}, {"range:birth_date"}),
    "first_date": ({"birth_date": "1900-01-01"}, set()),
    "two_digits": ({"birth_date": "80-01-01"}, {"type:birth_date"}),
    "year_80": ({"birth_date": "0080-01-01"}, {"range:birth_date"}),
    "floor": ({"registered_on": "1899-12-31"}, {"range:registered_on"}),
    "null_island": ({"latitude": "0", "longitude": "0.0"}, {"origin:latitude"}),
    "swapped": (
        {"latitude": "102.71", "longitude": "25.04"},
        {"swapped:latitude", "range:latitude"},
    ),
    "berlin": ({"latitude": "52.5", "longitude": "13.4"}, set()),
    "no_place": ({"latitude": "", "longitude": ""}, set()),
    "half_place": ({"longitude": ""}, set()),
    "far": (
        {"latitude": "91", "longitude": "102.71"},
        {"range:latitude"},
    ),
    # The same key twice, with different facts.
    "twice": ({}, {"duplicate_key"}),
}
WARNINGS = {
    "region:citizen_id": {"no_region"},
    "region:credit_code": {"company_region"},
    "replaced:county_code": {"chenggong", "jinning", "chain", "merged", "reused_then"},
    "replaced:diagnosis": {"dengue"},
    "replaced:time_zone": {"link"},
    "replaced:sex": {"replaced_short"},
    "outside:latitude": {"berlin"},
}
TODAY = {
    "chenggong": ("county_code", "530114"),
    "jinning": ("county_code", "530115"),
    "chain": ("county_code", "500115"),
    "merged": ("county_code", "110101"),
    "reused_then": ("county_code", "361181"),
    "current_undated": ("county_code", "530102"),
    "dengue": ("diagnosis", "A97"),
    "link": ("time_zone", "Asia/Shanghai"),
    "mapped": ("time_zone", "Asia/Shanghai"),
    "replaced_short": ("sex", "f"),
}


def _own(**value: Any) -> list[dict[str, Any]]:
    return [{"property": "civiclake", "value": value}]


def _shared(name: str, where: str, **more: Any) -> dict[str, Any]:
    kinds = {"age_years": "integer", "birth_date": "date", "city_latitude": "number",
             "city_longitude": "number"}  # fmt: skip
    classes = {"citizen_id": "restricted", "birth_date": "confidential", "age_years": "internal"}
    return {
        "name": name.removeprefix("city_"),
        "logicalType": kinds.get(name, "string"),
        "classification": classes.get(name, "public"),
        "authoritativeDefinitions": [{"type": "column", "url": f"_columns/{where}.yaml#{name}"}],
        **more,
    }


CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.2.0", "kind": "DataContract", "id": "register.people", "version": "1.0.0",
    "status": "active", "domain": "register",
    "servers": [{"server": "source", "type": "local", "path": "x/*.csv", "format": "csv"}],
    "team": {"name": "T", "members": [{"username": "a@b.example", "role": "owner"}]},
    "schema": [{"name": "people", "properties": [
        {"name": "case", "logicalType": "string", "primaryKey": True, "required": True},
        _shared("citizen_id", "person", customProperties=_own(protect="pseudonym")),
        _shared("birth_date", "person"),
        _shared("age_years", "person"),
        _shared("county_code", "place", customProperties=_own(as_of="registered_on")),
        {"name": "registered_on", "logicalType": "date"},
        {"name": "diagnosis", "logicalType": "string", "customProperties": _own(codes="icd10")},
        _shared("city_latitude", "place"),
        _shared("city_longitude", "place"),
        _shared("time_zone", "time", customProperties=_own(map={"Peking": "Asia/Shanghai"})),
        _shared("credit_code", "organisation"),
        {"name": "sex", "logicalType": "string", "customProperties": _own(codes="short")},
    ]}],
    "customProperties": _own(load="files", limits={"max_set_aside_fraction": 1.0}),
}  # fmt: skip
SHORT = {"title": "A short list", "codes": {"f": "F", "m": "M"}, "replaced": {"w": "f"}}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    schemas = tmp_path_factory.mktemp("standards") / "schemas"
    for name in ("_columns", "_codes"):
        shutil.copytree(project_root() / "schemas" / name, schemas / name)
    (schemas / "_codes/short.yaml").write_text(yaml.safe_dump(SHORT))
    (schemas / "register").mkdir()
    (schemas / "register/people.yaml").write_text(yaml.safe_dump(CONTRACT))
    manifest = load_city(schemas, schemas.parent / "none", schemas.parent / "none")
    return manifest.dataset("register.people")


class Loaded:
    def __init__(self, nights: Nights, result: BatchResult, log: str) -> None:
        self.result, self.log = result, log
        self.table = {row["case"]: row for row in nights.table()}
        aside = tables.by_path(nights.settings, tables.QUARANTINE, nights.dataset.table)
        found = nights.spark.table(aside).collect()
        self.set_aside = len(found)
        self.reasons = {row["raw"]["case"]: set(row["reasons"]) for row in found}


@pytest.fixture(scope="module")
def loaded(
    people: Dataset,
    settings: Settings,
    spark: SparkSession,
    tmp_path_factory: pytest.TempPathFactory,
) -> Loaded:
    nights = Nights(settings, spark, tmp_path_factory.mktemp("night"), people)
    rows = [{"case": case, **GOOD, **given} for case, (given, _) in CASES.items()]
    rows.append({**rows[-1], "age_years": "36"})
    lines = [",".join(rows[0])]
    lines += [",".join(f'"{value}"' for value in row.values()) for row in rows]
    log = _Log()
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(log)
    root.setLevel(logging.INFO)
    try:
        result = nights.run("b1", "\n".join(lines) + "\n")
    finally:
        root.setLevel(level)
        root.removeHandler(log)
    return Loaded(nights, result, log.text)


class _Log(logging.Handler):
    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage()


@pytest.mark.parametrize("case", CASES)
def test_a_row_is_set_aside_for_what_is_wrong_and_for_nothing_else(
    case: str, loaded: Loaded
) -> None:
    wanted = CASES[case][1]
    assert loaded.reasons.get(case, set()) == wanted
    assert (case in loaded.table) == (not wanted)


def test_what_is_only_counted_is_counted(loaded: Loaded) -> None:
    assert loaded.result.warnings == {rule: len(cases) for rule, cases in WARNINGS.items()}


@pytest.mark.parametrize("case", TODAY)
def test_a_code_is_served_as_todays(case: str, loaded: Loaded) -> None:
    column, wanted = TODAY[case]
    assert loaded.table[case][column] == wanted


def test_one_number_is_one_person_however_it_is_typed(loaded: Loaded) -> None:
    good, wide = loaded.table["good"], loaded.table["full_width"]
    assert good["citizen_id"] == wide["citizen_id"]
    assert good["citizen_id"] != loaded.table["small_x"]["citizen_id"]


def test_a_key_that_repeats_in_the_source_sets_all_its_rows_aside(loaded: Loaded) -> None:
    assert loaded.result.reasons["duplicate_key"] == 2
    assert loaded.result.quarantined == loaded.set_aside
    assert loaded.result.read == len(CASES) + 1
    assert loaded.result.balances


def test_swapped_is_told_from_outside_where_both_could_be_a_latitude(
    people: Dataset, spark: SparkSession
) -> None:
    berlin = Area(south=52.3, west=13.0, north=52.7, east=13.8)
    check = Check(kind=CheckKind.COORDINATES, longitude="longitude", within=berlin)
    latitude = people.column("latitude").model_copy(update={"check": check})
    dataset = people.model_copy(update={"columns": (latitude,)})
    rows = [(52.5, 13.4), (13.4, 52.5), (0.0, 0.0), (48.1, 11.6), (None, 13.4), (52.5, None)]
    rows += [(48.1, 190.0), (95.0, None), (-90.0, 180.0)]
    frame = spark.createDataFrame(rows, "latitude double, longitude double")
    found = with_positions(frame, dataset).select("_invalid_latitude").collect()
    wanted = [None, "swapped", "origin", "outside", None, None, "off_globe", "off_globe", "outside"]
    assert [row[0] for row in found] == wanted
    anywhere = latitude.model_copy(update={"check": check.model_copy(update={"within": None})})
    dataset = people.model_copy(update={"columns": (anywhere,)})
    found = with_positions(frame, dataset).select("_invalid_latitude").collect()
    wanted = [None, None, "origin", None, None, None, "off_globe", "off_globe", None]
    assert [row[0] for row in found] == wanted


@pytest.mark.parametrize(
    ("pattern", "text", "day"),
    [
        (None, "2016-01-05", "2016-01-05"),
        (None, "16-01-05", None),
        (None, "0016-01-05", "0016-01-05"),  # then refused by its range
        ("dd/MM/yyyy", "05/01/2016", "2016-01-05"),
        ("dd/MM/yyyy", "05/01/16", None),
        ("d/M/y", "5/1/16", "0016-01-05"),
        ("yyyyMMdd", "20160230", None),
        ("yyyyMMdd", "160105", None),
    ],
)
def test_a_year_of_two_digits_is_no_year(
    pattern: str | None, text: str, day: str | None, people: Dataset, spark: SparkSession
) -> None:
    column = people.column("birth_date").model_copy(update={"format": pattern})
    dataset = people.model_copy(update={"columns": (column,)})
    lineage = ", ".join(f"NULL AS {name}" for name in (*c.LINEAGE, c.CORRUPT))
    raw = spark.sql(f"SELECT '{text}' AS birth_date, {lineage}")
    row = (
        standardize(raw, dataset)
        .select(F.col("birth_date").cast("string"), "_uncast_birth_date")
        .first()
    )
    assert row is not None
    assert tuple(row) == (day, None if day else text)


def test_no_number_is_in_the_log_or_the_verdict(loaded: Loaded) -> None:
    told = loaded.log + Path(loaded.result.data_docs).read_text() + loaded.result.model_dump_json()
    assert "judge" in loaded.log  # the log was listened to
    numbers = {given.get("citizen_id", "") for given, _ in CASES.values()} | {GOOD["citizen_id"]}
    assert not [number for number in numbers if number and number in told]
