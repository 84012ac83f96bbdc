"""Who is who, through Delta for real: ids, links with history, survivors, and no identifier."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from linked import TwoDepartments, number
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake import secrets
from civiclake.errors import UserError
from civiclake.io.lake import links, tables
from civiclake.io.ops.account import BatchResult
from civiclake.pipeline.links.link import link
from civiclake.settings import Settings, SubjectSettings
from civiclake.steps.survive import survive

LI, TWIN_A, TWIN_B = (
    number("99010119800101122"),
    number("99010220100304001"),
    number("99010220100304013"),
)
RESIDENTS = [
    {"record_id": "R1", "citizen_id": LI, "person_name": "欧阳李娜", "birth_date": "1980-01-01",
     "sex": "2", "phone": "10055501234", "address": "东山路17号", "district_code": "530102"},
    {"record_id": "R2", "citizen_id": TWIN_A, "person_name": "赵子轩", "birth_date": "2010-03-04",
     "sex": "1", "phone": "10055509876", "address": "西湖街8号", "district_code": "530103"},
    {"record_id": "R3", "citizen_id": TWIN_B, "person_name": "赵梓涵", "birth_date": "2010-03-04",
     "sex": "1", "phone": "10055509876", "address": "西湖街8号", "district_code": "530103"},
    {"record_id": "R4", "citizen_id": "", "person_name": "周明", "birth_date": "", "sex": "1",
     "phone": "", "address": "", "district_code": "530111"},
]  # fmt: skip
SCHOOL = {"organisation_name": "第一中学", "latitude": "31.200001", "longitude": "121.4"}
PUPILS = [
    {"record_id": "P1", "citizen_id": "", "person_name": "赵梓涵", "birth_date": "2010-03-04",
     "sex": "1", "phone": "10055509876", "address": "西湖街8号", "district_code": "530112",
     **SCHOOL},
    {"record_id": "P2", "citizen_id": LI, "person_name": "欧阳李娜", "birth_date": "1980-01-01",
     "sex": "", "phone": "", "address": "", "district_code": "", **SCHOOL},
    {"record_id": "P3", "citizen_id": "", "person_name": "周明", "birth_date": "", "sex": "",
     "phone": "", "address": "", "district_code": "", **SCHOOL},
]  # fmt: skip
SECRETS = [
    *(r[f] for r in (*RESIDENTS, *PUPILS) for f in ("person_name", "phone", "address") if r[f]),
    LI, TWIN_A, TWIN_B,
]  # fmt: skip


@pytest.fixture(scope="module")
def nights(
    settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> TwoDepartments:
    """A first night, of which the tests tell what came of it."""
    made = TwoDepartments(settings, spark, tmp_path_factory.mktemp("link"))
    made.deliver(made.residents, "20260101T020000Z", RESIDENTS)
    made.deliver(made.pupils, "20260101T020000Z", PUPILS)
    return made


@pytest.fixture(scope="module")
def log_text() -> Iterator[list[str]]:
    """All that linkage says while the module runs."""
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    handler = Keep(level=logging.DEBUG)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)  # as commands have it
    yield said
    root.removeHandler(handler)
    root.setLevel(level)


def run(nights: TwoDepartments, subject: str, night: int) -> BatchResult:
    with nights.residents.keys():
        return link(nights.settings, nights.city, subject, f"202601{night:02d}T020000Z")


def table(nights: TwoDepartments, layer: str, name: str) -> list[dict[str, Any]]:
    rows = nights.spark.table(tables.by_path(nights.settings, layer, name)).collect()
    return [row.asDict() for row in rows]


def open_links(nights: TwoDepartments) -> dict[str, dict[str, Any]]:
    rows = table(nights, "unified", "person_link")
    return {row["record_key"]: row for row in rows if row["valid_to"] is None}


def test_the_nights(nights: TwoDepartments, log_text: list[str]) -> None:
    """One story, told in order: each night costs seconds, and begins where the last ended."""
    _first_night(nights)
    _again_changes_nothing(nights)
    _a_correction_is_history(nights)
    _places_and_organisations(nights)
    _no_identifier_is_written(nights, log_text)


def _first_night(nights: TwoDepartments) -> None:
    made = run(nights, "person", 1)
    assert (made.read, made.inserted, made.status) == (7, 7, "merged")
    links_folder = Path(nights.settings.lake) / "unified" / "person_link"
    assert links_folder.stat().st_mode & 0o777 == 0o700  # closed to the analysts' door
    linked = open_links(nights)
    assert linked["P2"]["person_id"] == linked["R1"]["person_id"]
    assert linked["P2"]["method"] == "exact"
    # The pupil without a number is the twin of that name, and the twins are two.
    assert linked["P1"]["person_id"] == linked["R3"]["person_id"] != linked["R2"]["person_id"]
    assert linked["P1"]["method"] == "probabilistic"
    assert 0.95 <= linked["P1"]["match_probability"] <= 1
    # A name alone is nobody in particular.
    assert linked["P3"]["person_id"] != linked["R4"]["person_id"]
    people = {row["person_id"]: row for row in table(nights, "unified", "person")}
    assert len(people) == 5
    li = people[linked["R1"]["person_id"]]
    assert li["citizen_id"] == nights.residents.pseudonym(LI, "citizen_id")
    assert (li["sex"], li["birth_year"], li["district_code"]) == ("2", 1980, "530102")
    assert (li["is_verified"], li["record_count"], li["dataset_count"]) == (True, 2, 2)
    twin = people[linked["R3"]["person_id"]]
    assert (twin["district_code"], twin["birth_year"]) == ("530112", 2010)  # the later record


def _again_changes_nothing(nights: TwoDepartments) -> None:
    before = {name: version(nights, *name) for name in TABLES}
    made = run(nights, "person", 1)
    assert (made.read, made.unchanged) == (7, 7)
    assert {name: version(nights, *name) for name in TABLES} == before


TABLES = (("unified", "person"), ("unified", "person_link"), ("link", "person"))


def version(nights: TwoDepartments, layer: str, name: str) -> int:
    where = tables.by_path(nights.settings, layer, name)
    return int(nights.spark.sql(f"DESCRIBE HISTORY {where} LIMIT 1").collect()[0]["version"])


def _a_correction_is_history(nights: TwoDepartments) -> None:
    """The school finds that its pupil is the other twin."""
    was = open_links(nights)
    # The district too: a name alone, which is dropped, makes no new version of the row.
    corrected = {**PUPILS[0], "person_name": "赵子轩", "district_code": "530102"}
    nights.deliver(nights.pupils, "20260102T020000Z", [corrected])
    made = run(nights, "person", 2)
    assert (made.read, made.updated, made.unchanged) == (7, 1, 6)
    now = open_links(nights)
    assert now["P1"]["person_id"] == was["R2"]["person_id"]
    # Whoever stays keeps the id.
    assert {k: v["person_id"] for k, v in now.items() if k != "P1"} == {
        k: v["person_id"] for k, v in was.items() if k != "P1"
    }
    ended = [r for r in table(nights, "unified", "person_link") if r["valid_to"] is not None]
    assert [(r["record_key"], r["person_id"]) for r in ended] == [("P1", was["P1"]["person_id"])]
    assert ended[0]["valid_from"] < ended[0]["valid_to"] == now["P1"]["valid_from"]
    assert scored(nights, "20260102T020000Z") == 1


def scored(nights: TwoDepartments, batch_id: str) -> int:
    """How many profiles the night compared with the others: those that are new."""
    outcomes = nights.spark.table(tables.by_path(nights.settings, "ops", "outcomes"))
    mine = outcomes.where((F.col("batch_id") == batch_id) & (F.col("dataset") == "link.person"))
    row = mine.where(F.col("outcome") == "profiles_scored").collect()[0]
    return int(row["rows"])


def _places_and_organisations(nights: TwoDepartments) -> None:
    assert run(nights, "place", 2).inserted == 3
    (place,) = table(nights, "unified", "place")
    assert (place["latitude"], place["longitude"]) == (31.2, 121.4)
    assert place["cell"].startswith("89")
    assert place["record_count"] == 3
    assert run(nights, "organisation", 2).inserted == 3
    (school,) = table(nights, "unified", "organisation")
    assert (school["organisation_name"], school["record_count"]) == ("第一中学", 3)


def _no_identifier_is_written(nights: TwoDepartments, log_text: list[str]) -> None:
    """Every table outside of raw, every file of linkage and every line of its log."""
    seen = set()
    for layer in ("unified", "ops", links.LINK):
        for folder in sorted((Path(nights.settings.lake) / layer).iterdir()):
            text = json.dumps(table(nights, layer, folder.name), default=str, ensure_ascii=False)
            assert [secret for secret in SECRETS if secret in text] == [], folder
            seen.add(f"{layer}.{folder.name}")
    assert seen >= {"unified.person", "unified.person_link", "link.person", "ops.batches"}
    assert seen >= {"unified.civil_residents", "unified.education_pupils"}
    assert not list((Path(nights.settings.lake) / "staging").rglob("*.parquet"))
    said = "\n".join(log_text)
    assert "records" in said
    engine = nights.residents.secrets_from.run_dir.glob("*.log")
    said += "".join(path.read_text(errors="replace") for path in engine)
    assert [secret for secret in SECRETS if secret in said] == []
    assert secrets.get(nights.residents.secrets_from, "pseudonym_key_k1") not in said


def test_what_is_not_linked_is_said(nights: TwoDepartments) -> None:
    with pytest.raises(UserError, match="'persons' is not linked; allowed are"):
        run(nights, "persons", 1)
    empty = nights.city.model_copy(update={"datasets": ()})
    with nights.residents.keys(), pytest.raises(UserError, match="no contract speaks of a person"):
        link(nights.settings, empty, "person", "b1")


def test_each_rule_of_survivorship(spark: SparkSession) -> None:
    schema = (
        "entity_id string, dataset string, record_key string, seen_at timestamp,"
        " is_verified boolean, value string"
    )
    day = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        ("p", "a.x", "1", day, True, "verified"),
        ("p", "b.y", "2", day + timedelta(days=1), False, "often"),
        ("p", "b.y", "3", day + timedelta(days=2), False, "often"),
        ("p", "c.z", "4", day + timedelta(days=3), False, "trusted"),
        ("p", "d.w", "5", day + timedelta(days=4), False, "latest"),
        ("p", "d.w", "6", day + timedelta(days=5), True, None),
    ]
    frame = spark.createDataFrame(rows, schema)
    wanted = {
        "most_recent": "latest",
        "most_recent_verified": "verified",
        "most_frequent": "often",
        "source_priority": "trusted",
    }
    for rule, value in wanted.items():
        rules = SubjectSettings.model_validate(
            {"survivorship": {"value": rule}, "source_priority": ["c.z", "b.y"]}
        )
        (row,) = survive(frame, "person", [("value", "string")], rules).collect()
        assert row["value"] == value, rule
    assert (row["person_id"], row["record_count"], row["dataset_count"]) == ("p", 6, 4)
    assert row["is_verified"]
