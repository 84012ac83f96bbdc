"""The small rules of linkage, each with what it takes and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from civiclake.errors import UserError
from civiclake.linkage import text
from civiclake.linkage.clusters import EXACT, PROBABILISTIC, SINGLE, cluster, keep_ids
from civiclake.linkage.organisation import ORGANISATION
from civiclake.linkage.person import PERSON
from civiclake.linkage.places import FIELDS, Districts, attributes, resolve
from civiclake.linkage.profiles import PROFILE, derive
from civiclake.linkage.resolve import Former

CODE = "91110000600037341L"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("王小明", ("王", "小明")),
        ("王 小明", ("王", "小明")),
        ("欧阳娜", ("欧阳", "娜")),
        ("欧阳", ("欧", "阳")),
        ("Ana María  LÓPEZ", ("lópez", "ana maría")),
        ("王", ("王", None)),
        (" - ", (None, None)),
        (None, (None, None)),
    ],
)
def test_names_are_split(given: str | None, wanted: tuple[str | None, str | None]) -> None:
    assert text.split_name(given) == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("+86 100-5550-1234", "10055501234"),
        ("".join(chr(ord(d) + 0xFEE0) for d in "10055501234"), "10055501234"),  # full width
        ("00000000000", None),
        ("12", None),
        (None, None),
    ],
)
def test_telephones(given: str | None, wanted: str | None) -> None:
    assert text.digits(given) == wanted


def test_days() -> None:
    assert text.iso_date("19800101") == text.iso_date("1980-01-01 00:00") == "1980-01-01"
    assert text.iso_date("1980-02-30") is text.iso_date("soon") is text.iso_date(None) is None


def test_numbers_are_verified_by_their_check_digit() -> None:
    right = _right("99010119800101121")
    assert text.verified_citizen_id(right.lower()) == right
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    assert text.verified_citizen_id(wrong) is None
    assert text.verified_citizen_id(_right("99010119801301121")) is None  # a thirteenth month
    assert text.verified_citizen_id("12345") is None
    assert text.verified_credit_code(CODE) == CODE
    assert text.verified_credit_code(CODE[:-1] + "M") is None


def _right(first: str) -> str:
    from stdnum.cn import ric

    return first + ric.calc_check_digit(first + "?")


def _person(profile: str, **values: str) -> dict[str, str | None]:
    return {PROFILE: profile, **{f: values.get(f) for f in PERSON.fields}}


def _derived(*rows: dict[str, str | None]) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in (PROFILE, *PERSON.fields)])
    return derive(PERSON, pa.Table.from_pylist(list(rows), schema=schema))


def test_a_parents_number_on_a_childs_record_proves_nothing() -> None:
    right = _right("99010119800101121")
    table = _derived(
        _person("a", citizen_id=right, birth_date="1980-01-01"),
        _person("b", citizen_id=right, birth_date="1980-01-10"),  # a slip
        _person("c", citizen_id=right, birth_date="2011-07-30"),
        _person("d", citizen_id=right),
    )
    assert table["verified"].to_pylist() == [right, right, None, right]
    assert table["number"].to_pylist() == [right, right, None, right]
    assert table["birth"].to_pylist()[3] == "1980-01-01"


def test_a_number_under_a_wholly_other_name_is_held_apart() -> None:
    right = _right("99010119800101121")
    table = _derived(
        _person("a", citizen_id=right, person_name="王小明"),
        _person("b", citizen_id=right, person_name="王小明", phone="10055501234"),
        _person("c", citizen_id=right, person_name="李小明"),  # married
        _person("d", citizen_id=right, person_name="赵国强"),  # somebody else
    )
    found = cluster(PERSON, table, [])
    assert {p: m.cluster for p, m in found.items()} == {"a": "a", "b": "a", "c": "a", "d": "d"}
    assert {m.method for m in found.values()} == {EXACT}


def test_the_surer_pair_wins_and_two_numbers_never_meet() -> None:
    one, two = _right("99010120100304001"), _right("99010120100304013")
    table = _derived(
        _person("a", citizen_id=one), _person("b", citizen_id=two), _person("x"), _person("y")
    )
    found = cluster(PERSON, table, [("a", "x", 0.96), ("b", "x", 0.99), ("x", "y", 0.97)])
    assert {p: m.cluster for p, m in found.items()} == {"a": "a", "b": "b", "x": "b", "y": "b"}
    assert (found["x"].method, found["x"].match_probability) == (PROBABILISTIC, 0.99)
    assert (found["y"].method, found["y"].match_probability) == (PROBABILISTIC, 0.97)
    alone = cluster(PERSON, table, [])
    assert (alone["x"].method, alone["x"].match_probability) == (SINGLE, 1.0)


def test_ids_go_on_with_most_of_their_profiles() -> None:
    former = {"a": "1", "b": "1", "c": "1", "d": "2"}
    # c leaves 1; d and c come together: 1 goes on with a and b, 2 with d.
    assert keep_ids({"a": "a", "b": "a", "c": "c", "d": "c"}, former) == {"a": "1", "c": "2"}
    # All come together: the id of most goes on, the other ends.
    assert keep_ids(dict.fromkeys("abcd", "a"), former) == {"a": "1"}
    # A half each: the tie goes to the smaller name, the other cluster is new.
    assert keep_ids({"a": "a", "b": "b"}, {"a": "1", "b": "1"}) == {"a": "1"}
    assert keep_ids({"e": "e"}, former) == {}


def test_organisations_keep_their_code_under_a_new_name() -> None:
    rows = [
        {PROFILE: "a", "credit_code": CODE, "organisation_name": "东山百货有限公司"},
        {PROFILE: "b", "credit_code": CODE, "organisation_name": "西湖商场"},
    ]
    schema = pa.schema([(name, pa.string()) for name in (PROFILE, *ORGANISATION.fields)])
    table = derive(ORGANISATION, pa.Table.from_pylist(rows, schema=schema))
    assert table["name"].to_pylist() == ["东山百货", "西湖商场"]
    assert {m.cluster for m in cluster(ORGANISATION, table, []).values()} == {"a"}


def _square(code: str, west: float) -> dict[str, object]:
    ring = [[west, 31.0], [west + 1, 31.0], [west + 1, 32.0], [west, 32.0], [west, 31.0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"district_code": code}, "geometry": geometry}


def test_places_by_spot_or_address_with_district_and_cell(tmp_path: Path) -> None:
    boundaries = tmp_path / "districts.geojson"
    features = [_square("990101", 121.0), _square("990102", 122.0)]
    boundaries.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    rows = [
        ("a", "31.5", "121.5", None, None),
        ("b", "31.500001", "121.500001", "东山路 17号", "990109"),
        ("c", None, None, "东山路17号", "990109"),
        ("d", None, None, "东山路 17号", "990109"),
        ("e", None, None, "东山路 17号", "990108"),
        ("f", "31.5", "125", None, "990107"),
    ]
    table = pa.table([list(column) for column in zip(*rows, strict=True)], [PROFILE, *FIELDS])
    found = resolve(table, Former(ids={"a": "was"}), 9, boundaries)
    got = {p: m.cluster for p, m in found.members.items()}
    assert got == {"a": "a", "b": "a", "c": "a", "d": "a", "e": "e", "f": "f"}
    assert found.kept == {"a": "was"}
    assert found.attributes["a"]["district_code"] == "990101"  # by its spot
    assert found.attributes["b"]["district_code"] == "990101"  # whatever it declares
    assert found.attributes["c"]["district_code"] == "990109"
    assert found.attributes["f"]["district_code"] == "990107"  # outside of all
    assert found.attributes["a"]["cell"] == found.attributes["b"]["cell"]
    assert found.attributes["c"]["cell"] is None
    boundaries.write_text("{}")
    with pytest.raises(UserError, match="no boundaries to be read"):
        resolve(table, Former(), 9, boundaries)


def test_a_district_that_nobody_has_drawn_yet_is_passed_over(tmp_path: Path) -> None:
    boundaries = tmp_path / "districts.geojson"

    def written(*features: object) -> Districts:
        boundaries.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return Districts.read(boundaries)

    drawn = _square("990101", 121.0)
    undrawn = {**_square("990102", 122.0), "geometry": None}
    empty = {**undrawn, "geometry": {"type": "Polygon", "coordinates": []}}
    found = written(undrawn, drawn, empty)
    assert (found.at(31.5, 121.5), found.at(31.5, 122.5)) == ("990101", None)
    with pytest.raises(UserError, match=r"districts.geojson: none of its features has a geometry"):
        written(undrawn)
    broken = {**undrawn, "geometry": {"type": "Polygon", "coordinates": 7}}
    with pytest.raises(UserError, match=r"feature 2 \(district_code 990102\) has no geometry"):
        written(drawn, broken)
    with pytest.raises(UserError, match="feature 2 lacks the property 'district_code'"):
        written(drawn, {**drawn, "properties": None})


@pytest.mark.parametrize(
    ("north", "east", "is_spot"),
    [
        ("31.5", "121.5", True), ("-90", "180", True), ("90.1", "0", False),
        ("31.5", "-180.5", False), ("1215", "315", False), ("nan", "0", False),
        ("0", "inf", False),
    ],
)  # fmt: skip
def test_what_is_not_on_the_earth_gets_no_cell(north: str, east: str, is_spot: bool) -> None:
    row = dict.fromkeys(FIELDS) | {"latitude": north, "longitude": east, "district_code": "1"}
    found = attributes(row, 9, None)
    assert [found[name] is not None for name in ("cell", "latitude", "longitude")] == [is_spot] * 3
    assert found["district_code"] == "1"
