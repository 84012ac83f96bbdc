"""Parameters of the education marts, and what a mart is made of: what cannot be meant is told."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
import yaml

from civiclake.applications.education.access_rows import Reach, Told, access
from civiclake.applications.education.kinds import begins, kinds, positive
from civiclake.applications.education.standing import standing
from civiclake.errors import UserError
from civiclake.settings import project_root

PRIMARY = {"ages": [6, 11], "seats_per_child": 0.9}


def test_kinds_have_ages_and_perhaps_floors() -> None:
    (kind,) = kinds({"kinds": {"primary": PRIMARY}})
    assert (kind.from_age, kind.to_age, kind.floors) == (6, 11, {"seats_per_child": 0.9})
    first = begins({"year_begins": "09-01"})
    assert first.years_before(2015, 12) == date(2003, 9, 1)
    assert positive({"walking_kmh": 5}, "walking_kmh", 4.8) == 5


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "kinds: None names no kind of school"),
        ({"kinds": {"primary": {**PRIMARY, "seats": 1}}}, "kinds: primary: .* ages and floors"),
        ({"kinds": {"primary": {"ages": [11, 6]}}}, r"ages: \[11, 6\] should be the lowest"),
        ({"kinds": {"primary": {"ages": 6}}}, "ages: 6 should be"),
        (
            {"kinds": {"primary": {**PRIMARY, "seats_per_child": 0}}},
            "seats_per_child: 0 is no floor",
        ),
        ({"kinds": {"primary": {**PRIMARY, "seats_per_child": True}}}, "True is no floor"),
    ],
)
def test_kinds_that_cannot_be_meant_are_told(said: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        kinds(said)


@pytest.mark.parametrize("said", [None, "13-01", "02-30", "September", "09"])
def test_a_year_begins_on_a_day_that_every_year_has(said: str | None) -> None:
    with pytest.raises(UserError, match="year_begins"):
        begins({"year_begins": said})


@pytest.mark.parametrize("said", [None, 0, -1, "fast", True])
def test_what_is_measured_is_above_zero(said: Any) -> None:
    with pytest.raises(UserError, match=r"walking_kmh: .* above 0 is allowed, such as 4.8"):
        positive({"walking_kmh": said}, "walking_kmh", 4.8)


def test_marts_of_education_have_the_same_kinds_and_year() -> None:
    said = []
    for path in sorted((project_root() / "marts" / "education").glob("*/mart.yaml")):
        contract = yaml.safe_load(path.read_text(encoding="utf-8"))
        own = next(c for c in contract["customProperties"] if c["property"] == "civiclake")["value"]
        parameters = own["parameters"]
        if "kinds" in parameters:
            ages = {kind.name: (kind.from_age, kind.to_age) for kind in kinds(parameters)}
            said.append((ages, begins(parameters)))
        assert parameters.get("smallest_group") == own.get("smallest_group"), path
    assert len(said) == 3
    assert said[0] == said[1] == said[2]


REACH = Reach(80, 30, 15, 2000)
DIVISIONS = pd.DataFrame(
    {"code": ["530102"], "name": ["五华区"], "former_code": [None], "is_urban": [True]}
)
CHILDREN = pd.DataFrame(
    {
        "school_year": [2015],
        "home_cell": ["8840717297fffff"],
        "district_code": ["530102"],
        "kind": ["primary"],
        "children": [3],
    }
)
SCHOOLS = pd.DataFrame(
    {
        "school_id": ["X1"],
        "kind": ["primary"],
        "latitude": [25.0],
        "longitude": [102.7],
        "seats": [9],
    }
)
SEGMENTS = pd.DataFrame(
    columns=[
        "from_node", "to_node", "from_latitude", "from_longitude", "to_latitude", "to_longitude",
        "length_m", "is_one_way",
    ]
)  # fmt: skip


def test_a_city_without_roads_or_schools_keeps_its_rows_and_says_so() -> None:
    entries = CHILDREN.drop(columns="district_code")
    without_roads = Told(DIVISIONS, SCHOOLS, SEGMENTS, CHILDREN, entries)
    (row,) = access(without_roads, REACH).to_dict("records")
    assert row["gap"] == "no road leads to a school of this kind"
    assert (row["is_cut_off"], row["seats_per_child"]) == (True, 0)
    (row,) = access(Told(DIVISIONS, SCHOOLS[:0], SEGMENTS, CHILDREN, entries), REACH).to_dict(
        "records"
    )
    assert row["gap"] == "the city has no school of this kind"
    assert access(Told(DIVISIONS, SCHOOLS, SEGMENTS, CHILDREN[:0], entries[:0]), REACH).empty


def test_a_district_stands_only_where_all_of_its_schools_tell() -> None:
    rows = pd.DataFrame(
        {
            "district_code": ["a", "a", "b", "c", "d"],
            "district_name": ["A", "A", "B", None, "D"],
            "kind": ["primary", "junior", "primary", "primary", "primary"],
            "children": [10, 10, 10, 0, 10],
            "seats": [5, None, 0, 3, 20],
            "seats_per_child_floor": [0.9, 0.5, 0.9, None, None],
        }
    )
    found = standing(rows, "seats_per_child").set_index("district_code")
    assert found.index.tolist() == ["b", "d", "a", "c"]
    assert found["value"].tolist()[:2] == [0, 2]
    assert found["floor"].tolist()[:3] == [0.9, pytest.approx(float("nan"), nan_ok=True), 0.7]
    assert found["gap"].to_dict() == {
        "a": "not told by all of its schools",
        "b": None,
        "c": "no child of these ages",
        "d": "the city has no floor",
    }
    alone = standing(rows, "seats_per_child", ["primary"]).set_index("district_code")
    assert alone.loc["a", "value"] == 0.5
