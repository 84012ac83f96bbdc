"""``education`` shows who is below the floor and what would help, from a file as from the lake."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from civiclake.cli import app, query
from civiclake.engine import client
from civiclake.errors import UserError

SVG = "{http://www.w3.org/2000/svg}"
SUPPLY = """\
school_year,district_code,district_name,kind,children,seats,classes,teachers_fte,\
seats_per_child_floor,teachers_per_child_floor,note
2014,530102,五华区,primary,90,,,,0.9,0.065,
2015,530102,五华区,primary,400,480,12,40.5,0.9,0.065,
2015,530113,东川区,primary,200,80,2,5,0.9,0.065,
2015,530113,东川区,junior,100,40,1,3,0.9,0.065,
2015,530128,禄劝县,primary,200,150,4,13,0.9,0.065,
2015,530199,,primary,0,20,1,1,0.9,0.065,merged
"""
BOUNDARIES = """\
code,boundary
530102,"POLYGON ((102.6 25.0, 102.8 25.0, 102.8 25.2, 102.6 25.2, 102.6 25.0))"
530113,"POLYGON ((102.8 25.0, 103.0 25.0, 103.0 25.2, 102.8 25.2, 102.8 25.0))"
530128,"POLYGON ((102.6 25.2, 103.0 25.2, 103.0 25.4, 102.6 25.4, 102.6 25.2))"
530181,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "supply.csv").write_text(SUPPLY, encoding="utf-8")
    (tmp_path / "boundaries.csv").write_text(BOUNDARIES, encoding="utf-8")
    return tmp_path


def _run(folder: Path, *said: str) -> str:
    done = CliRunner().invoke(
        app, ["education", *said, "--supply", str(folder / "supply.csv")], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_districts_stand_lowest_first_with_their_floor(folder: Path) -> None:
    told = _run(folder, "districts", "--to", str(folder / "out.csv"))
    with (folder / "out.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["district_code"] for row in rows] == ["530113", "530128", "530102", "530199"]
    assert [row["is_below"] for row in rows] == ["True", "True", "False", ""]
    assert rows[0]["value"] == "0.4"
    assert rows[3]["gap"] == "no child of these ages"
    assert "seats_per_child in 2015: all kinds of school" in told
    assert told.index("东川区") < told.index("禄劝县") < told.index("五华区")
    assert told.count("below the floor") == 2
    alone = _run(folder, "districts", "--measure", "teachers_per_child", "--kind", "junior")
    assert "东川区" in alone
    assert "五华区" not in alone


def test_the_map_names_districts_and_the_floor(folder: Path) -> None:
    picture = folder / "out.svg"
    said = ["districts", "--boundaries", str(folder / "boundaries.csv"), "--picture", str(picture)]
    _run(folder, *said)
    text = picture.read_text(encoding="utf-8")
    shown = {"".join(node.itertext()) for node in ET.fromstring(text).iter(f"{SVG}text")}
    assert {"东川区", "禄劝县", "五华区", "0.40", "0.75", "1.20"} <= shown
    assert {"below the city's floor (0.90):", "2 of 3 districts"} <= shown
    assert {"not on the map, for lack of a boundary:", "530199"} <= shown
    _run(folder, *said)
    assert picture.read_text(encoding="utf-8") == text


def test_the_lake_is_asked_through_the_analysts_door(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    boundary = "POLYGON ((102.6 25.0, 102.8 25.0, 102.8 25.2, 102.6 25.2, 102.6 25.0))"
    rows: dict[str, list[tuple[Any, ...]]] = {
        "marts.education_supply": [
            (2014, "530102", "五华区", "primary", 90, None, None),
            (2015, "530102", "五华区", "primary", 40, 30, 0.9),
            (2015, "530199", None, "primary", 0, 0, None),
        ],
        "unified.geography_divisions": [("530102", boundary), ("530181", None)],
    }

    def answer(_: Any, sql: str, user: str, password: str) -> tuple[list[str], Any]:
        asked.append((sql, user, password))
        table = sql.rpartition(" ")[2]
        columns = sql.removeprefix("SELECT ").partition(" FROM ")[0].split(", ")
        return columns, iter(rows[table])

    monkeypatch.setattr(client, "query", answer)
    monkeypatch.setenv(query.PASSWORD, "given")
    picture = folder / "out.svg"
    said = ["education", "districts", "--user", "li", "--picture", str(picture)]
    done = CliRunner().invoke(app, said, catch_exceptions=False)
    assert done.exit_code == 0
    assert "below the floor" in done.output
    assert "五华区" in picture.read_text(encoding="utf-8")
    assert [sql.rpartition(" ")[2] for sql, _, _ in asked] == list(rows)
    assert {(user, password) for _, user, password in asked} == {("li", "given")}


def test_what_would_help_is_shown_and_written(folder: Path) -> None:
    out = folder / "out.json"
    told = _run(folder, "improve", "--classes", "3", "--teachers", "20", "--to", str(out))
    assert "Classes to open: 3" in told
    assert "Teachers to move: 8" in told
    assert "8 of 20 units are used: nobody else is below the floor" in told
    answer = json.loads(out.read_text(encoding="utf-8"))
    assert answer["school_year"] == 2015
    classes, teachers = answer["changes"]
    assert {p["district_code"]: p["given"] for p in classes["places"] if p["given"]} == {
        "530113": 2
    }
    assert sum(p["given"] for p in classes["places"]) == 3
    assert teachers["after"]["severity"] < teachers["before"]["severity"]
    near = _run(folder, "improve", "--classes", "3", "--within", "禄劝县", "--class-size", "10")
    assert "Classes to open: 3" in near


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["improve"], "at least one of one of them is wanted"),
        (["improve", "--classes", "1", "--within", "昆明"], "district '昆明': allowed are 530102"),
        (["improve", "--classes", "1", "--to", "a.txt"], r"ends in \.csv or \.json"),
        (["districts", "--measure", "books"], "measure 'books': allowed are seats_per_child"),
        (["districts", "--measure", "spending_per_child_yuan"], "'spending_yuan' is missing"),
        (["districts", "--kind", "college"], "kind 'college': allowed are junior, primary"),
        (["districts", "--picture", "a.png"], r"ends in \.svg"),
    ],
)
def test_what_cannot_be_meant_is_told(folder: Path, said: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        _run(folder, *said)


def test_files_that_cannot_be_read_are_told(folder: Path) -> None:
    (folder / "supply.csv").write_text(SUPPLY.replace("480", "many"), encoding="utf-8")
    with pytest.raises(UserError, match=r"supply.csv: column 'seats': .*numbers are wanted"):
        _run(folder, "districts")
    (folder / "supply.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="cannot be read as CSV in UTF-8"):
        _run(folder, "districts")
    (folder / "supply.csv").write_text(SUPPLY.splitlines()[0] + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="there is no row"):
        _run(folder, "districts")


def test_a_boundary_that_is_none_is_told(folder: Path) -> None:
    (folder / "boundaries.csv").write_text('code,boundary\n530102,"POINT (1 2)"\n')
    said = ["--boundaries", str(folder / "boundaries.csv"), "--picture", str(folder / "a.svg")]
    with pytest.raises(UserError, match=r"boundary of 530102: 'POINT \(1 2\)' is no valid POLYGON"):
        _run(folder, "districts", *said)
    (folder / "boundaries.csv").write_text("code,boundary\n530102,\n")
    with pytest.raises(UserError, match="no district has a boundary"):
        _run(folder, "districts", *said)
