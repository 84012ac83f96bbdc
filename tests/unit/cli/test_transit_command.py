"""``transit day`` draws a line's day, and ``export tides`` writes what the specification says."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner

from civiclake.applications.transit import tides
from civiclake.cli import app, exports
from civiclake.errors import UserError
from civiclake.settings import load_settings

SVG = "{http://www.w3.org/2000/svg}"
PASSAGES = """\
day,trip_id,run,stop_sequence,line_id,direction_id,stop_id,along_m,scheduled_at,observed_at
2015-12-28,a,0,1,K3,0,S1,0,2015-12-28 00:00:00,2015-12-28 00:01:00
2015-12-28,a,0,2,K3,0,S2,800,2015-12-28 00:02:00,2015-12-28 00:09:30
2015-12-28,a,0,3,K3,0,S3,1700,2015-12-28 00:04:00,
2015-12-28,b,0,1,K3,0,S1,0,2015-12-28 16:30:00,
2015-12-28,b,0,2,K3,0,S2,800,2015-12-28 16:32:00,
2015-12-28,x,0,1,K3,1,S2,0,,2015-12-28 04:00:00
2015-12-28,x,0,2,K3,1,S1,800,,2015-12-28 04:03:00
2015-12-28,c,0,1,K4,0,S1,0,2015-12-28 00:00:00,2015-12-28 00:00:00
"""


def _run(folder: Path, *said: str) -> str:
    file = folder / "passages.csv"
    file.write_text(PASSAGES, encoding="utf-8")
    done = CliRunner().invoke(
        app, ["transit", "day", *said, "--passages", str(file)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_a_lines_day_is_drawn_with_timetable_and_what_was_driven(tmp_path: Path) -> None:
    picture = tmp_path / "k3.svg"
    told = _run(tmp_path, "K3", "--on", "2015-12-28", "--picture", str(picture))
    assert "3 trips, 1 of them never seen" in told
    texts = [e.text for e in ET.parse(picture).iter(f"{SVG}text")]
    assert "Line K3, Monday 2015-12-28" in texts
    assert {"S1", "S2", "S3", "8", "24", "over 5 minutes late", "never seen"} <= set(texts)
    assert "direction 1: S2 → S1" in texts
    again = tmp_path / "again.svg"
    _run(tmp_path, "K3", "--on", "2015-12-28", "--picture", str(again))
    assert again.read_bytes() == picture.read_bytes()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("K9", "--on", "2015-12-28"), "no trip of this line"),
        (("K3", "--on", "28.12.2015"), "YYYY-MM-DD"),
        (("K3", "--on", "2015-12-28", "--picture", "k3.png"), ".svg"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(
    tmp_path: Path, said: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        _run(tmp_path, *said, *([] if len(said) > 3 else ["--picture", str(tmp_path / "a.svg")]))


def test_a_table_of_tides_has_all_of_its_fields_in_order(tmp_path: Path) -> None:
    path = tmp_path / "trips_performed.csv"
    given = ["trip_id_performed", "service_date", "vehicle_id"]
    names = tides.TRIPS_PERFORMED.names
    assert exports.write_table(path, names, given, [("t", "2015-12-28", None)]) == 1
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == names
    assert (row["trip_id_performed"], row["vehicle_id"]) == ("t", "")


def test_a_package_of_tides_names_its_tables_and_their_schemas() -> None:
    found = tides.package("KB", "CC-BY-4.0", "two days")
    assert [one["tides-table"] for one in found["resources"]][2:] == [
        "trips_performed", "stop_visits", "vehicle_locations",
    ]  # fmt: skip
    assert {"title", "profile", "resources"} <= set(found)
    schema = tides.STOP_VISITS.schema()
    sequence = next(f for f in schema["fields"] if f["name"] == "trip_stop_sequence")
    assert sequence == {"name": "trip_stop_sequence", "type": "integer",
                        "constraints": {"required": True}}  # fmt: skip
    for table in tides.TABLES:
        assert set(table.key) | set(table.allowed) | set(table.refers) <= set(table.names)


def test_a_folder_that_is_there_and_days_the_wrong_way_round_are_refused(tmp_path: Path) -> None:
    for said, words in (
        ([str(tmp_path)], "is there already"),
        ([str(tmp_path / "new"), "--from", "2016-01-02", "--to", "2016-01-01"], "is after"),
        ([str(tmp_path / "new"), "--from", "1.1.2016"], "YYYY-MM-DD"),
    ):
        with pytest.raises(UserError, match=words):
            CliRunner().invoke(app, ["export", "tides", *said], catch_exceptions=False)
    assert not (tmp_path / "new").exists()


def test_the_timezone_is_that_of_the_passages_contract(tmp_path: Path) -> None:
    own = load_settings().model_copy(update={"state_dir": tmp_path})
    assert exports.timezone(own) == "Asia/Shanghai"
    none = own.model_copy(update={"marts_dir": tmp_path})
    with pytest.raises(UserError, match=r"marts\.transit_passages has no `timezone`"):
        exports.timezone(none)
