"""Faults in what a contract says of the city's standards, and in the standards' own files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract_city import SmallCity

from civiclake.contracts.check import check
from civiclake.contracts.code_store import keep, kept
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Manifest, Severity
from civiclake.contracts.standards import Area, Check, CheckKind
from civiclake.errors import UserError
from civiclake.settings import load_settings

Spoil = Callable[[SmallCity], object]
TABLE = "code,label,since,until,became\noak,Oak,,,\nelm,Elm,,,\nulmus,Elm,,2001-01-01,elm\n"
AREA = {"south": 24.3, "west": 102.1, "north": 26.6, "east": 103.7}


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    return SmallCity(tmp_path)


def _problems(city: SmallCity) -> list[str]:
    city.write()
    return check(city.schemas, city.expectations, city.marts)


def _own(column: str, **value: object) -> Spoil:
    entry = [{"property": "civiclake", "value": value}]
    return lambda city: city.column(column).update(customProperties=entry)


def _species(**values: object) -> Spoil:
    return lambda city: city.species.update(values)


def _position(city: SmallCity, **value: object) -> None:
    """A latitude and a longitude more."""
    city.trees["schema"][0]["properties"] += [
        {
            "name": "latitude",
            "logicalType": "number",
            "customProperties": [{"property": "civiclake", "value": value}],
        },
        {"name": "longitude", "logicalType": "number"},
    ]


def _table(city: SmallCity, text: str = TABLE, **values: Any) -> None:
    """The species in a table beside their file."""
    city.species = {"title": "Species", "table": "species.csv", **values}
    city.files["schemas/_codes/species.csv"] = text


def _format(pattern: str) -> Spoil:
    return lambda city: city.column("updated_at").update(logicalTypeOptions={"format": pattern})


FAULTS: dict[str, tuple[Spoil, str, str]] = {
    "unknown check": (
        _own("tree_id", check="citizen"),
        "tree_id.customProperties.civiclake.value.check",
        "is 'citizen'; allowed are 'citizen_id', 'credit_code' or 'coordinates'; did you mean",
    ),
    "check of a number": (
        _own("height_m", check="credit_code"),
        "height_m.logicalType",
        "is 'number'; the check 'credit_code' wants 'string'",
    ),
    "check of codes": (
        _own("species", codes="species", check="credit_code"),
        "species.customProperties.civiclake.value.check",
        "the column is coded; choose one",
    ),
    "coordinates of a text": (
        _own("species", check="coordinates", longitude="height_m"),
        "species.logicalType",
        "the check 'coordinates' wants 'number'",
    ),
    "no longitude": (
        _own("height_m", check="coordinates"),
        "height_m.customProperties.civiclake.value.longitude",
        "there is no column 'height_m' beside it",
    ),
    "longitude misspelt": (
        lambda city: _position(city, check="coordinates", longitude="longitud"),
        "latitude.customProperties.civiclake.value.longitude",
        "there is no column 'longitud' beside it; allowed are 'height_m' or 'longitude'; did you",
    ),
    "longitude is a text": (
        lambda city: _position(city, check="coordinates", longitude="species"),
        "value.longitude",
        "column 'species' is a string; allowed is a 'number'",
    ),
    "area without check": (
        lambda city: _position(city, within=AREA),
        "latitude.customProperties.civiclake.value.within",
        "write check: coordinates beside it",
    ),
    "empty area": (
        lambda city: _position(city, check="coordinates", within={**AREA, "south": 30}),
        "value.within",
        "allowed is south below north and west below east",
    ),
    "area off the globe": (
        lambda city: _position(city, check="coordinates", within={**AREA, "north": 91}),
        "within.north",
        "is 91; input should be less than or equal to 90",
    ),
    "as_of without codes": (
        _own("tree_id", as_of="updated_at"),
        "tree_id.customProperties.civiclake.value.as_of",
        "as_of wants the code list it belongs to",
    ),
    "as_of nothing": (
        _own("species", codes="species", as_of="update_at"),
        "species.customProperties.civiclake.value.as_of",
        "there is no column 'update_at' beside it; allowed are 'updated_at'; did you mean",
    ),
    "as_of a number": (
        _own("species", codes="species", as_of="height_m"),
        "value.as_of",
        "column 'height_m' is a number; allowed is a 'date' or 'timestamp'",
    ),
    "other check than the shared column's": (
        lambda city: (
            city.person["person_id"]["civiclake"].update(check="citizen_id"),
            _own("keeper_id", protect="pseudonym", check="credit_code")(city),
        ),
        "value.check",
        "is 'credit_code', but the shared column 'person_id' says 'citizen_id'",
    ),
    "two digits of a year": (
        _format("dd.MM.yy HH:mm"),
        "updated_at.logicalTypeOptions.format",
        "is 'dd.MM.yy HH:mm'; a year of two digits leaves the century to a guess",
    ),
    "minutes as months": (
        _format("yyyy-MM-dd HH:MM"),
        "updated_at.logicalTypeOptions.format",
        "'M' is the month, and stands twice; minutes are 'm'",
    ),
    "half a day without its half": (
        _format("yyyy-MM-dd hh:mm"),
        "updated_at.logicalTypeOptions.format",
        "'h' counts the hours of half a day and wants 'a' beside it; write 'H'",
    ),
    "a letter that Spark does not read": (
        _format("EEE dd/MM/yyyy"),
        "updated_at.logicalTypeOptions.format",
        "'E' is nothing that can be read",
    ),
    "a year of the JDK alone": (
        _format("uuuu-MM-dd"),
        "updated_at.logicalTypeOptions.format",
        "'u' is nothing that can be read",
    ),
    "ten decimals": (
        _format("yyyy-MM-dd HH:mm:ss.SSSSSSSSSS"),
        "updated_at.logicalTypeOptions.format",
        "'SSSSSSSSSS' has too many letters; allowed are up to 9",
    ),
    "an open quotation mark": (
        _format("yyyy-MM-dd'T"),
        "updated_at.logicalTypeOptions.format",
        "a quotation mark is not closed",
    ),
    "map to a withdrawn code": (
        lambda city: (
            _table(city),
            _own("species", codes="species", map={"Ulme": "ulmus"})(city),
        ),
        "value.map.Ulme",
        "leads to 'ulmus'; allowed are 'elm' or 'oak'",
    ),
    "codes and table": (
        lambda city: _table(city, codes={"oak": "Oak"}),
        "schemas/_codes/species.yaml",
        "stands beside 'table'; keep one of the two",
    ),
    "neither codes nor table": (
        lambda city: city.files.update({"schemas/_codes/kinds.yaml": "title: Kinds\n"}),
        "schemas/_codes/kinds.yaml",
        "'codes' is missing (a long list names a 'table' instead)",
    ),
    "no such table": (
        lambda city: city.species.update(table="specis.csv") or city.species.pop("codes"),
        "schemas/_codes/specis.csv",
        "there is no such file",
    ),
    "replaced beside a table": (
        lambda city: _table(city, replaced={"x": "elm"}),
        "schemas/_codes/species.yaml",
        "the table says what became of a code",
    ),
    "replaced by nothing": (
        _species(replaced={"ulmus": "elmm"}),
        "replaced.ulmus",
        "leads to 'elmm'; allowed are 'oak' or 'elm'",
    ),
    "replaced and a code": (
        _species(replaced={"oak": "elm"}),
        "replaced.oak",
        "is a code of the list as well",
    ),
    "a row of a table": (
        lambda city: _table(city, TABLE + "ash,Ash,long ago,,\n"),
        "schemas/_codes/species.csv:5",
        "is 'long ago'; allowed is a day such as '2016-12-01'",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_one_sentence_with_place_and_way_out(name: str, city: SmallCity) -> None:
    spoil, place, message = FAULTS[name]
    spoil(city)
    problems = _problems(city)
    assert len(problems) == 1, problems
    assert place in problems[0] and message in problems[0], problems


def test_faults_of_all_kinds_come_at_once(city: SmallCity) -> None:
    _table(city, TABLE + "ash,Ash,long ago,,\n")
    _position(city, check="coordinates", longitude="longitud")
    _format("dd.MM.yy")(city)
    _own("tree_id", check="citizen")(city)
    problems = _problems(city)
    for word in ("'long ago'", "'longitud'", "'dd.MM.yy'", "'citizen'"):
        assert any(word in p for p in problems), (word, problems)


def _load(city: SmallCity) -> Manifest:
    city.write()
    return load_city(city.schemas, city.expectations, city.marts)


def test_a_long_list_does_not_travel_with_the_contract(city: SmallCity) -> None:
    _table(city, revision="7")
    manifest = _load(city)
    codes = manifest.dataset("parks.trees").column("species").codes
    assert codes is not None
    assert (codes.values, codes.table, codes.revision) == ({}, "species.csv", "7")
    assert codes.carries
    assert "ulmus" not in manifest.model_dump_json()
    rules = {r.id: r for r in manifest.dataset("parks.trees").rules}
    assert rules["replaced:species"].severity is Severity.INFO
    assert rules["replaced:species"].kwargs == {"column": "_replaced_species"}


def test_a_change_of_a_table_is_a_change_of_the_city(city: SmallCity) -> None:
    _table(city)
    before = _load(city)
    _table(city, TABLE + "ash,Ash,,,\n")
    after = _load(city)
    assert before.fingerprint != after.fingerprint
    assert before.dataset("parks.trees") != after.dataset("parks.trees")


def test_a_night_keeps_the_lists_it_was_compiled_with(city: SmallCity) -> None:
    _table(city)
    manifest = _load(city)
    codes = manifest.dataset("parks.trees").column("species").codes
    assert codes is not None
    settings = load_settings().model_copy(
        update={"state_dir": city.root / "state", "schemas_dir": city.schemas}
    )
    keep(settings, manifest)
    _table(city, "code,label\n")
    city.write()
    assert kept(settings, codes).read_text() == TABLE
    kept(settings, codes).unlink()
    with pytest.raises(UserError, match="run `civiclake compile`"):
        kept(settings, codes)


def test_a_position_is_checked_with_its_longitude(city: SmallCity) -> None:
    _position(city, check="coordinates", within=AREA)
    trees = _load(city).dataset("parks.trees")
    wanted = Check(kind=CheckKind.COORDINATES, longitude="longitude", within=Area(**AREA))
    assert trees.column("latitude").check == wanted
    found = {r.id: r.severity for r in trees.rules if r.id.endswith(":latitude")}
    assert found == {
        "type:latitude": Severity.CRITICAL,
        "origin:latitude": Severity.CRITICAL,
        "swapped:latitude": Severity.CRITICAL,
        "off_globe:latitude": Severity.CRITICAL,
        "outside:latitude": Severity.WARNING,
    }


def test_bounds_of_the_earth_are_asked_for_once(city: SmallCity) -> None:
    _position(city, check="coordinates")
    city.column("latitude").update(logicalTypeOptions={"minimum": -90, "maximum": 90})
    city.column("longitude").update(logicalTypeOptions={"minimum": -180, "maximum": 190})
    assert "off_globe:latitude" in {r.id for r in _load(city).dataset("parks.trees").rules}
    city.column("longitude")["logicalTypeOptions"]["maximum"] = 180
    found = {r.id for r in _load(city).dataset("parks.trees").rules}
    assert "off_globe:latitude" not in found
    assert {"range:latitude", "range:longitude"} <= found


def test_a_contract_may_allow_earlier_dates(city: SmallCity) -> None:
    city.column("updated_at").update(logicalTypeOptions={"minimum": "1850-01-01T00:00:00Z"})
    rules = {r.id: r for r in _load(city).dataset("parks.trees").rules}
    assert rules["range:updated_at"].kwargs["min_value"] == "1850-01-01T00:00:00Z"
