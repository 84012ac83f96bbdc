"""What a planner hands in is read, or refused with the place of the fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import small_town

from civiclake.errors import UserError
from civiclake.pipeline.plans import town as towns
from civiclake.pipeline.plans.asked import Asked
from civiclake.pipeline.plans.given import read_forbidden, read_sites
from civiclake.pipeline.plans.kinds import By, Kind, Solve, find_kind, read_kinds
from civiclake.pipeline.plans.reach import Reach, Unit


@pytest.mark.parametrize(
    ("said", "amount", "unit", "shown"),
    [
        ("1500m", 1500, Unit.METRES, "1,500 m"),
        ("1.5km", 1500, Unit.METRES, "1,500 m"),
        ("15min", 15, Unit.MINUTES, "15 min"),
        (" 7.5 min", 7.5, Unit.MINUTES, "7.5 min"),
    ],
)
def test_a_reach_is_a_length_or_a_time(said: str, amount: float, unit: Unit, shown: str) -> None:
    found = Reach.of(said)
    assert (found.amount, found.unit, str(found)) == (amount, unit, shown)


@pytest.mark.parametrize("said", ["1500", "0m", "-3m", "15 minutes", "101km", "1e3m", "", "٣m"])
def test_what_is_no_reach_is_refused(said: str) -> None:
    with pytest.raises(UserError, match=r"within .* is allowed"):
        Reach.of(said)


def test_every_kind_that_a_city_plans_is_declared(kinds: dict[str, Kind]) -> None:
    assert {
        "hospital",
        "school",
        "library",
        "sports-ground",
        "subway-station",
        "fire-post",
        "police-post",
        "ambulance-post",
        "industrial-park",
        "shopping-centre",
    } <= set(kinds)
    assert kinds["library"].facilities is not None
    assert kinds["library"].facilities.where == {"kind": ("library",)}
    assert kinds["fire-post"].within == Reach(8, Unit.MINUTES)


def test_an_unknown_kind_is_told_with_what_it_may_mean(kinds: dict[str, Kind]) -> None:
    with pytest.raises(UserError, match=r"kind 'libary' is not known; .* did you mean 'library'"):
        find_kind(kinds, "libary")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one entry for each kind"),
        ("library: 3", "library: title"),
        ("a: {title: A, solve: best, within: 1m, by: foot}", "a.solve: Input should be"),
        ("a: {title: A, solve: p-median, within: 1, by: foot}", "a.within"),
        ("a: {title: A, solve: p-median, within: 1mile, by: foot}", "1mile"),
        ("a: {title: A, solve: p-median, within: 1m, by: foot, colour: red}", "a.colour: Extra"),
        ("a: [", "kinds.yaml"),
    ],
)
def test_faults_of_the_declaration_have_their_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "kinds.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        read_kinds(path)
    with pytest.raises(UserError, match="is missing"):
        read_kinds(tmp_path / "none.yaml")


def _file(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
    return path


def _feature(kind: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_sites_come_from_csv_and_from_geojson(tmp_path: Path) -> None:
    csv = _file(
        tmp_path,
        "s.csv",
        "\ufeffid,Name,latitude,longitude,note\nA,图书馆,25.1,102.7,x\n,,25,102.6,\n",
    )
    found = read_sites(csv)
    assert found.values.tolist() == [["A", "图书馆", 25.1, 102.7], ["s-2", "s-2", 25.0, 102.6]]
    points = {
        "type": "FeatureCollection",
        "features": [
            _feature("Point", [102.7, 25.1], id="A", name="图书馆"),
            _feature("Point", [102.6, 25]),
        ],
    }
    assert read_sites(_file(tmp_path, "s.geojson", points)).equals(found)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "id,lat,lon\nA,1,2\n", "no column 'latitude'; it has id, lat, lon"),
        ("a.csv", "", "no column 'latitude'; it has none"),
        ("a.csv", "latitude,longitude\n", "no site"),
        ("a.csv", "latitude,longitude\n25,102\nN25,102\n", r"a\.csv:3: latitude 'N25' is not"),
        ("a.csv", "latitude,longitude\n25\n", r"a\.csv:2: longitude '' is not"),
        ("a.csv", "latitude,longitude\nnan,102\n", "latitude 'nan' is not a number"),
        ("a.csv", "id,latitude,longitude\nA,25,102\nA,25,103\n", "id 'A' is there twice"),
        ("a.csv", b"latitude,longitude\n\xff\xfe,1\n", "not CSV in UTF-8"),
        ("a.json", "{", "not JSON"),
        ("a.json", [1], "not GeoJSON"),
        ("a.json", {"features": [3]}, "feature 1: geometry None; Point is allowed"),
        ("a.json", {"features": [_feature("Polygon", [])]}, "geometry 'Polygon'; Point is"),
        ("a.json", {"features": [_feature("Point", ["a", "b"])]}, "coordinates are not those of"),
        ("a.json", {"features": [_feature("Point", [])]}, "feature 1: its Point is empty"),
        ("a.json", {"features": []}, "no site"),
    ],
)
def test_files_of_sites_that_cannot_be_meant(
    tmp_path: Path, name: str, content: Any, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        read_sites(_file(tmp_path, name, content))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv: no such file"):
        read_sites(tmp_path / "none.csv")
    with pytest.raises(UserError, match="is a directory"):
        read_forbidden(tmp_path)


def test_what_is_forbidden_is_ids_or_areas(tmp_path: Path) -> None:
    assert read_forbidden(_file(tmp_path, "f.csv", "id\nA\n\nB\n")).ids == ("A", "B")
    square = [[[0, 0], [1, 0], [1, 1], [0, 0]]]
    area = {"features": [_feature("Polygon", square)]}
    assert read_forbidden(_file(tmp_path, "f.geojson", area)).areas[0].area == 0.5
    for name, content, words in (
        ("f.csv", "id\n", "no id"),
        ("f.csv", "name\nA\n", "no column 'id'"),
        ("f.geojson", {"features": [_feature("Point", [1, 2])]}, "Polygon or MultiPolygon is"),
        ("f.geojson", {"features": [_feature("Polygon", [[[0, 0]]])]}, "coordinates are not"),
        ("f.geojson", {"features": []}, "no area"),
    ):
        with pytest.raises(UserError, match=words):
            read_forbidden(_file(tmp_path, name, content))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"new": None}, "say how many"),
        ({"new": 0}, "new 0: 1 and more"),
        ({"capacity": 5.0}, "maximal-covering does not know it"),
        ({"capacity": 0.0}, "capacity 0"),
        ({"time_limit_s": 0}, "time limit 0 s"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    kinds: dict[str, Kind], more: dict[str, Any], words: str
) -> None:
    known = {"solve": Solve.MAXIMAL_COVERING, "within": Reach.of("1km"), "by": By.FOOT, "new": 1}
    with pytest.raises(UserError, match=words):
        Asked(kinds["library"], **{**known, **more})


def test_a_city_without_people_is_told() -> None:
    known, _ = towns.districts(small_town.districts())
    for people in (small_town.demand().assign(people=0), small_town.demand().head(0)):
        with pytest.raises(UserError, match="nobody whom it is for lives in any cell"):
            towns.places(people, known)
    with pytest.raises(UserError, match="cell 'nowhere' is not of the H3 grid"):
        towns.places(pd.DataFrame({"cell": ["nowhere"], "people": [1]}), known)


def test_districts_without_boundaries_are_the_nearest_centre() -> None:
    known, told = towns.districts(small_town.districts().drop(columns="boundary"))
    assert told == [
        "2 of 2 districts have no boundary: a place belongs to the district whose centre is nearest"
    ]
    assert list(towns.district_of(known, [25.02, 25.02], [102.70, 102.74])) == ["530102", "530103"]
    found = small_town.made()
    assert towns.Town(found.places, found.standing, None, known).area.contains(
        towns.shapely.Point(102.72, 25.02)
    )


@pytest.mark.parametrize("text", ["POINT (1 2)", "POLYGON EMPTY", "POLYGON (("])
def test_a_boundary_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="district 530102: boundary: "):
        towns.districts(small_town.districts().assign(boundary=text))


def test_people_outside_all_districts_are_not_lost() -> None:
    known, _ = towns.districts(small_town.districts().head(1))
    found = towns.places(small_town.demand(), known)
    assert (found["district"] == towns.OUTSIDE).any()
    assert found["people"].sum() == small_town.demand()["people"].sum()
