"""Which changes of a contract break somebody's work, and which version each of them wants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract_city import SmallCity

from civiclake.contracts.city import read_city
from civiclake.contracts.diff.columns import is_wider
from civiclake.contracts.diff.compare import compare, published
from civiclake.contracts.diff.model import ContractDiff, Level, Published, Version

Change = Callable[[SmallCity], Any]


def _read(city: SmallCity) -> dict[str, Published]:
    city.write()
    return published(read_city(city.schemas, city.expectations, city.marts))


def _diff(root: Path, before: Change | None, after: Change) -> dict[str, ContractDiff]:
    """What a change of the sound city says; ``before`` prepares both versions."""
    old, new = SmallCity(root / "old"), SmallCity(root / "new")
    for one in (old, new):
        if before:
            before(one)
    after(new)
    return {found.dataset: found for found in compare(_read(old), _read(new))}


def _trees(root: Path, after: Change, before: Change | None = None) -> ContractDiff:
    return _diff(root, before, after)["parks.trees"]


def _columns(city: SmallCity) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = city.trees["schema"][0]["properties"]
    return found


def _drop(name: str) -> Change:
    return lambda city: _columns(city).remove(city.column(name))


def _add(**column: Any) -> Change:
    return lambda city: _columns(city).append(column)


def _set(name: str, **fields: Any) -> Change:
    return lambda city: city.column(name).update(fields)


def _own(name: str, **value: Any) -> Change:
    return _set(name, customProperties=[{"property": "civiclake", "value": value}])


def _rename(city: SmallCity) -> None:
    city.column("height_m")["name"] = "tallness_m"
    city.suite["expectations"] = []


def _shared(**fields: Any) -> Change:
    return lambda city: city.person["person_id"].update(fields)


def _unprotect(city: SmallCity) -> None:
    city.person["person_id"].update(classification="internal", civiclake={})
    city.column("keeper_id")["classification"] = "internal"


def _other_domain(city: SmallCity) -> None:
    city.person["keeper_id"] = city.person["person_id"]
    definition = {"type": "column", "url": "_columns/person.yaml#keeper_id"}
    city.column("keeper_id")["authoritativeDefinitions"] = [definition]


def _other_key(city: SmallCity) -> None:
    city.column("park_id").update(primaryKey=True, required=True)


def _to_snapshot(city: SmallCity) -> None:
    city.own.update(load="snapshot")
    del city.own["overlap"]


def _line_list(city: SmallCity) -> None:
    city.own.update(occurrence="equals")


def _lose_code(city: SmallCity) -> None:
    del city.species["codes"]["elm"]


BREAKING: dict[str, tuple[Change, str]] = {
    "dropped": (_drop("height_m"), "column_dropped"),
    "renamed": (_rename, "column_renamed"),
    "added and required": (
        _add(name="age", logicalType="integer", required=True),
        "column_added_required",
    ),
    "narrowed": (_set("height_m", physicalType="numeric(4,2)"), "type_narrowed"),
    "other type": (
        _set("height_m", logicalType="string", logicalTypeOptions={}),
        "type_changed",
    ),
    "newly required": (_set("height_m", required=True), "newly_required"),
    "other key": (_other_key, "key_changed"),
    "other sequence": (
        lambda city: (_to_snapshot(city), city.own.pop("sequence")),
        "sequence_changed",
    ),
    "other history": (lambda city: city.own.update(history="append"), "history_changed"),
    "equal rows": (
        lambda city: (_to_snapshot(city), city.own.pop("sequence"), _line_list(city)),
        "occurrence_changed",
    ),
    "vanished rows go": (_to_snapshot, "load_changed"),
    "code lost": (_lose_code, "code_lost"),
    "no codes any more": (_own("species"), "codes_changed"),
    "code means another": (_own("species", codes="species", map={"Eiche": "elm"}), "map_changed"),
    "code not mapped": (_own("species", codes="species"), "map_changed"),
    "unprotected": (_unprotect, "protection_weakened"),
    "protected more": (_shared(civiclake={"protect": "drop"}), "protection_strengthened"),
    "other pseudonyms": (_other_domain, "pseudonym_domain_changed"),
    "other zone": (
        _set("updated_at", logicalTypeOptions={"defaultTimezone": "Asia/Shanghai"}),
        "timezone_changed",
    ),
    "numbers of another form": (
        _own("height_m", number={"decimal": ",", "group": "."}),
        "number_changed",
    ),
    "counted times": (_own("updated_at", epoch="ms"), "epoch_changed"),
    "a word that was served": (lambda city: city.own.update(absent=["-"]), "absent_changed"),
    "a number that was served": (_own("height_m", absent=["-99"]), "absent_changed"),
    "an empty value is served": (_own("park_id", absent_as="none"), "absent_as_changed"),
    "refers now": (
        _set("species", relationships=[{"to": "parks.parks.park_id"}]),
        "reference_added",
    ),
    "rule tightened": (
        _set("height_m", logicalTypeOptions={"minimum": 0, "maximum": 90}),
        "rule_tightened",
    ),
    "rule added": (_set("park_id", logicalTypeOptions={"maxLength": 4}), "rule_added"),
    "another pattern": (_shared(logicalTypeOptions={"pattern": "P[0-9]{4}"}), "rule_tightened"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_breaking(name: str, tmp_path: Path) -> None:
    change, kind = BREAKING[name]
    found = _trees(tmp_path, change)
    assert kind in {c.kind for c in found.changes if c.level is Level.BREAKING}
    assert found.level is Level.BREAKING
    assert "wanted is 2.0.0, a new major version" in found.problem
    assert all(c.remedy for c in found.changes if c.level is Level.BREAKING)


COMPATIBLE: dict[str, tuple[Change, str]] = {
    "optional column": (_add(name="age", logicalType="integer"), "column_added"),
    "widened": (_set("height_m", physicalType="numeric(7,3)"), "type_widened"),
    "wider range": (
        _set("height_m", logicalTypeOptions={"minimum": -1, "maximum": 120}),
        "rule_loosened",
    ),
    "range dropped": (_set("height_m", logicalTypeOptions={}), "rule_dropped"),
    "code added": (lambda city: city.species["codes"].update(ash="Ash"), "code_added"),
    "code mapped": (
        _own("species", codes="species", map={"Eiche": "oak", "Ulme": "elm"}),
        "map_added",
    ),
    "refers no more": (
        lambda city: city.column("park_id").pop("relationships"),
        "reference_dropped",
    ),
    "read from another column": (_set("height_m", physicalName="h"), "reading_changed"),
    "other server": (lambda city: city.trees["servers"][0].update(database="green"), "changed"),
    "a word that was no number": (_own("height_m", absent=["NA"]), "absent_changed"),
    "an empty part of the key": (_own("tree_id", absent_as="none"), "absent_as_changed"),
    "signs around numbers": (_own("height_m", number={"strip": ["m"]}), "number_changed"),
    "other limits": (lambda city: city.own.update(limits={"allow_empty": True}), "changed"),
    "class raised": (_set("species", classification="confidential"), "classification_raised"),
}


@pytest.mark.parametrize("name", COMPATIBLE)
def test_compatible(name: str, tmp_path: Path) -> None:
    change, kind = COMPATIBLE[name]
    found = _trees(tmp_path, change)
    assert kind in {c.kind for c in found.changes}
    assert found.level is Level.COMPATIBLE
    assert not found.problem
    assert "version 1.1.0" in found.advice


def test_a_withdrawn_code_that_has_a_successor_is_not_lost(tmp_path: Path) -> None:
    def withdraw(city: SmallCity) -> None:
        _lose_code(city)
        city.species["replaced"] = {"elm": "oak"}

    found = _trees(tmp_path, withdraw)
    assert [c.kind for c in found.changes] == ["code_withdrawn"]
    assert found.level is Level.COMPATIBLE


def test_codes_of_a_table_are_compared_by_what_the_table_holds(tmp_path: Path) -> None:
    def table(*codes: str) -> Change:
        def use(city: SmallCity) -> None:
            city.species = {"title": "Species", "table": "species.csv"}
            rows = "".join(f"{code},{code},,,\n" for code in codes)
            city.files["schemas/_codes/species.csv"] = f"code,label,since,until,became\n{rows}"

        return use

    use = table("oak", "elm")
    more = _trees(tmp_path / "1", table("oak", "elm", "ash"), before=use)
    assert [c.kind for c in more.changes] == ["code_added"]
    less = _trees(tmp_path / "2", table("oak"), before=use)
    assert [c.kind for c in less.changes] == ["code_lost"]


def test_no_longer_required(tmp_path: Path) -> None:
    found = _trees(
        tmp_path, _set("height_m", required=False), before=_set("height_m", required=True)
    )
    assert [c.kind for c in found.changes] == ["no_longer_required"]
    assert found.level is Level.COMPATIBLE


def test_texts_want_a_patch(tmp_path: Path) -> None:
    for number, change in enumerate(
        (
            _set("species", description="What grows there."),
            lambda city: city.species["codes"].update(oak="Oak tree"),
            lambda city: city.trees["team"].update(name="Parks and gardens"),
            lambda city: city.trees.update(tags=["green"]),
            lambda city: city.trees.update(status="deprecated"),
        )
    ):
        found = _trees(tmp_path / str(number), change)
        assert found.level is Level.TEXT, found
        assert (found.problem, found.wanted_version) == ("", "1.0.1")


def test_what_was_never_served_may_go(tmp_path: Path) -> None:
    hide = _shared(civiclake={"protect": "drop"})
    found = _trees(tmp_path, _drop("keeper_id"), before=hide)
    assert [(c.kind, c.level) for c in found.changes] == [("column_dropped", Level.COMPATIBLE)]
    # The other way round, what was hidden would be seen.
    shown = _trees(tmp_path / "2", _shared(civiclake={"protect": "pseudonym"}), before=hide)
    assert [c.kind for c in shown.changes] == ["protection_weakened"]


def test_nothing_changed_is_nothing_said(tmp_path: Path) -> None:
    assert _diff(tmp_path, None, lambda city: None) == {}


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.0.0", "wanted is 2.0.0"),
        ("1.9.0", "wanted is 2.0.0"),
        ("0.9.0", "a version is given out once"),
        ("two", "allowed is one such as 1.4.0"),
        ("2.0.0", ""),
        ("3.1.0", ""),
    ],
)
def test_a_breaking_change_wants_a_new_major_version(
    version: str, said: str, tmp_path: Path
) -> None:
    def change(city: SmallCity) -> None:
        _drop("height_m")(city)
        city.suite["expectations"] = []
        city.trees["version"] = version

    problem = _trees(tmp_path, change).problem
    assert said in problem if said else not problem


def test_datasets_come_and_go(tmp_path: Path) -> None:
    def more(city: SmallCity) -> None:
        city.add("parks/ponds", city.parks)

    def deprecated(city: SmallCity) -> None:
        city.add("parks/ponds", city.parks, status="deprecated")

    came = _diff(tmp_path / "1", None, more)["parks.ponds"]
    assert (came.level, came.problem) == (Level.COMPATIBLE, "")
    old, new = SmallCity(tmp_path / "2"), SmallCity(tmp_path / "3")
    more(old)
    (gone,) = compare(_read(old), _read(new))
    assert gone.level is Level.BREAKING
    assert "parks.ponds is removed, but was active" in gone.problem
    old = SmallCity(tmp_path / "4")
    deprecated(old)
    (retired,) = compare(_read(old), _read(new))
    assert (retired.level, retired.problem) == (Level.COMPATIBLE, "")


def test_what_can_not_be_read_is_not_called_compatible(tmp_path: Path) -> None:
    bad = _add(name="Bad Name", logicalType="string")
    faulty = _trees(tmp_path / "1", bad)
    mended = _trees(tmp_path / "2", lambda city: _columns(city).pop(), before=bad)
    for found in (faulty, mended):
        assert [c.kind for c in found.changes] == ["unreadable"]
        assert "wanted is 2.0.0" in found.problem
    assert _diff(tmp_path / "3", bad, lambda city: None) == {}


@pytest.mark.parametrize(
    ("old", "new", "wider"),
    [
        ("int", "bigint", True),
        ("bigint", "int", False),
        ("int", "double", True),
        ("bigint", "double", False),
        ("float", "double", True),
        ("double", "float", False),
        ("int", "decimal(10,0)", True),
        ("int", "decimal(9,0)", False),
        ("bigint", "decimal(22,2)", True),
        ("decimal(5,2)", "decimal(7,3)", True),
        ("decimal(5,2)", "decimal(6,4)", False),
        ("double", "decimal(38,10)", False),
        ("date", "timestamp", False),
        ("int", "string", False),
    ],
)
def test_wider_types(old: str, new: str, wider: bool) -> None:
    assert is_wider(old, new) is wider


def test_versions() -> None:
    assert Version.read("1.2.3-rc1") == Version(1, 2, 3)
    assert Version.read("1.2") is None
    assert str(Version(1, 2, 3).after(Level.COMPATIBLE)) == "1.3.0"


def _mart(city: SmallCity) -> None:
    query = "SELECT park_id AS n, count(*) AS c FROM unified.parks_trees GROUP BY 1"
    city.mart("x", query, columns=("n", "c"))


MARTS: dict[str, tuple[Change, str, Level]] = {
    "another query": (
        lambda city: city.files.update({"marts/parks/x/query.sql": "SELECT 1 AS n, 2 AS c"}),
        "step_changed",
        Level.COMPATIBLE,
    ),
    "another key": (
        lambda city: city.made["x"]["schema"][0]["properties"][1].update(primaryKey=True),
        "key_changed",
        Level.BREAKING,
    ),
    "a column less": (
        lambda city: [
            city.made["x"]["schema"][0]["properties"].pop(),
            city.files.update({"marts/parks/x/query.sql": "SELECT 1 AS n"}),
        ],
        "column_dropped",
        Level.BREAKING,
    ),
    "a column that is never empty any more": (
        lambda city: city.made["x"]["schema"][0]["properties"][1].update(required=True),
        "newly_required",
        Level.COMPATIBLE,
    ),
    "other words": (
        lambda city: city.made["x"].update(description={"purpose": "Trees by park."}),
        "text_changed",
        Level.TEXT,
    ),
    "another promise": (
        lambda city: city.made["x"].update(
            slaProperties=[{"property": "latency", "value": 3, "unit": "d"}]
        ),
        "changed",
        Level.COMPATIBLE,
    ),
}


@pytest.mark.parametrize("what", MARTS)
def test_a_mart_is_compared_as_a_dataset_is(what: str, tmp_path: Path) -> None:
    change, kind, level = MARTS[what]
    found = _diff(tmp_path, _mart, change)["marts.x"]
    assert kind in {one.kind for one in found.changes}
    assert found.level is level
    assert bool(found.problem) is (level is Level.BREAKING)
