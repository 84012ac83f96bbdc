"""Every kind of fault in contracts: reported with file, place, value and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path

import contract_faults_alerts
import contract_faults_columns
import contract_faults_loads
import contract_faults_pages
import contract_faults_rules
import contract_faults_sources
import contract_faults_suites
import pytest
from contract_city import PARKS, TREES, SmallCity
from contract_spoilers import (
    Spoil,
    drop,
    extension,
    file,
    log,
    mart,
    put,
    query,
    rule,
    same_table,
    trees,
)

from civiclake.contracts.check import check
from civiclake.contracts.load import load_city
from civiclake.errors import EXIT_USER, ContractError

FAULTS = {
    **contract_faults_loads.FAULTS,
    **contract_faults_sources.FAULTS,
    **contract_faults_columns.FAULTS,
    **contract_faults_suites.FAULTS,
    **contract_faults_rules.FAULTS,
    **contract_faults_alerts.FAULTS,
    **contract_faults_pages.FAULTS,
}


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    return SmallCity(tmp_path)


def _problems(city: SmallCity) -> list[str]:
    city.write()
    return check(city.schemas, city.expectations, city.marts)


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_one_sentence_with_place_and_way_out(name: str, city: SmallCity) -> None:
    spoil, place, message = FAULTS[name]
    spoil(city)
    problems = _problems(city)
    matching = [p for p in problems if place in p and message in p]
    assert matching, problems
    assert len(problems) == 1, problems
    assert "\n" not in problems[0]


def test_a_sound_city_has_no_problems(city: SmallCity) -> None:
    assert _problems(city) == []


SOUND: dict[str, Spoil] = {
    "team as a list": trees(team=[{"username": "ann@parks.example", "role": "owner"}]),
    "no suite": lambda c: c.suite.update(expectations=[]),
    "what the shared column says is left out": drop("keeper_id", "classification"),
    "restricted with its own protection": put(
        "tree_id", classification="restricted", customProperties=extension(protect="pseudonym")
    ),
    "append of an incremental load": put("own", history="append"),
    "everything said": put(
        "own",
        drift={
            "new_column": "evolve",
            "dropped_column": "hold",
            "changed_type": "discard_value",
            "ragged_row": "ignore",
        },
        limits={
            "max_set_aside_fraction": 0.1,
            "max_deleted_fraction": 1,
            "min_rows_fraction": 0.8,
            "allow_empty": True,
        },
        event_time="updated_at",
        schedule="30 1 * * 1-5",
        delimiter=";",
        overlap="2d",
    ),
    "snapshot": lambda c: [c.own.update(load="snapshot"), c.own.pop("overlap")],
    "a change log": log(),
    "a change log with history": log(history="history", operations={}),
    "every version": put("own", history="history"),
    "every night's state": lambda c: [
        c.own.update(load="snapshot", history="snapshot"),
        c.own.pop("overlap"),
        c.own.pop("sequence"),
    ],
    "versions by night": lambda c: [
        c.own.update(load="snapshot", history="history"),
        c.own.pop("overlap"),
        c.own.pop("sequence"),
    ],
    "a mart": query("SELECT 1 AS n", inputs=["parks.trees", "parks.parks"]),
    "what the marts of an application share": file("marts/parks/kinds.yaml", "oak: {}\n"),
    "a page of the brief": contract_faults_pages.page(),
    "a mart with an alert": contract_faults_alerts.detector(),
    "a mart with an alert of a department's": contract_faults_alerts.detector(
        owner="parks", rows="trees", where="trees > 3 AND NOT is_alarm"
    ),
    "a mart by groups": mart(
        refresh_by="n", groups={"parks.trees": "coalesce(upper(park_id), 'unified.x')"}
    ),
    "a mart that counts, compares and joins by a pseudonym": query(
        "WITH k AS (SELECT keeper_id, count(*) AS trees FROM unified.parks_trees GROUP BY 1)\n"
        "SELECT t.park_id, count(DISTINCT t.keeper_id) AS keepers, max(k.trees) AS most,\n"
        " any_value(t.keeper_id IS NULL) AS unkept, 'raw.parks_trees' AS note -- ops.batches\n"
        "FROM UNIFIED.`parks_trees` AS t JOIN k USING (keeper_id), range(2) GROUP BY ALL",
        *("park_id", "keepers", "most", "unkept", "note"),
    ),
    "a mart that says whom it shows": lambda city: [
        query(
            "SELECT keeper_id, n FROM (SELECT keeper_id, park_id AS n FROM unified.parks_trees)",
            *("n", "keeper_id"),
            shows=["parks.trees.keeper_id"],
        )(city),
        city.made["x"]["schema"][0]["properties"][1].update(
            classification="restricted", customProperties=extension(protect="pseudonym")
        ),
    ],
    "a page for people": file("schemas/README.md", "words"),
    "batch rule in words": lambda c: c.trees["schema"][0].update(
        quality=[{"type": "text", "description": "Trees are counted in spring."}]
    ),
    "another spelling like one of raw's own": put(
        "species", customProperties=extension(also=["_row"])
    ),
    "other column of a class": put("species", classification="confidential"),
    "values in the source's own writing": lambda c: [
        c.own.update(absent=["NA", "-", ""]),
        put("park_id", enum=[{"value": "NA"}], customProperties=extension(absent=[]))(c),
        put(
            "height_m",
            customProperties=extension(
                number={"decimal": ",", "group": ".", "strip": ["m", "EUR"], "percent": "keep"},
                absent_as="1.000,5",
            ),
        )(c),
        put("tree_id", customProperties=extension(absent_as="none"))(c),
        put("updated_at", customProperties=extension(epoch="ms"))(c),
    ],
    "arguments left out as Great Expectations writes them": rule(
        "expect_column_max_to_be_between",
        column="height_m",
        min_value=None,
        max_value=300,
        row_condition=None,
    ),
    "half a number bounds whole ones": rule(
        "expect_column_unique_value_count_to_be_between", column="tree_id", min_value=2
    ),
    "a pattern of both worlds": rule(
        "expect_column_values_to_match_regex",
        column="tree_id",
        regex=r"^[\[\]a-z^&]{2,}(?:\{x\}|(?i:y))?[]]$",
    ),
    "enumeration": put("park_id", enum=[{"value": "P1"}, {"value": "P2"}]),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_is_allowed_passes(name: str, city: SmallCity) -> None:
    SOUND[name](city)
    assert _problems(city) == []


def test_all_faults_of_all_files_come_at_once(city: SmallCity) -> None:
    city.trees["domian"] = "parks"
    city.own["histroy"] = "latest"
    city.trees.pop("team")
    city.column("tree_id")["required"] = "yes"
    city.column("park_id")["relationships"] = [{"to": "parks.parks.id_park"}]
    city.column("species")["customProperties"] = extension(codes="specis")
    city.add("city/parks_x", PARKS)
    city.add("city_parks/x", PARKS)
    city.suite["expectations"].append({"type": "expect_nothing", "kwargs": {}})
    city.files["schemas/_codes/kinds.yaml"] = "titel: Kinds\n"
    city.mart("x", inputs=["parks.tree"])
    problems = _problems(city)
    for word in (
        "'domian'",
        "'histroy'",
        "an owner is missing",
        "of type boolean",
        "'id_park'",
        "'specis'",
        "'city_parks_x'",
        "'expect_nothing'",
        "'titel'",
        "'codes' is missing",
        "no input 'parks.tree'",
    ):
        assert any(word in p for p in problems), (word, problems)


def test_the_faults_that_a_newcomer_makes_come_together(city: SmallCity) -> None:
    """Unknown field, wrong type, no key, no owner, one table twice, unknown code list."""
    city.trees["domian"] = "parks"
    city.column("height_m")["required"] = "yes"
    city.column("tree_id").pop("primaryKey")
    city.own["sequence"] = "changed_at"
    city.trees.pop("team")
    city.column("species")["customProperties"] = extension(codes="specis")
    same_table(city)
    problems = _problems(city)
    wanted = (
        "unknown field 'domian'",
        "is 'yes'; allowed is a value of type boolean",
        "no column has primaryKey",
        "there is no column 'changed_at'",
        "an owner is missing",
        "fills table 'city_parks_x', which schemas/city/parks_x.yaml fills already",
        "there is no code list 'specis'",
    )
    assert len(problems) == len(wanted), problems
    for sentence in wanted:
        assert any(sentence in p for p in problems), (sentence, problems)


def test_load_refuses_with_every_problem_and_exit_2(city: SmallCity) -> None:
    city.trees.pop("version")
    city.own["load"] = "sometimes"
    city.write()
    with pytest.raises(ContractError) as caught:
        load_city(city.schemas, city.expectations, city.marts)
    assert len(caught.value.problems) == 2
    assert caught.value.exit_code == EXIT_USER


def test_the_line_is_the_line(city: SmallCity) -> None:
    city.column("tree_id")["requird"] = True
    (problem,) = _problems(city)
    line = int(problem.split(":")[1])
    assert "requird" in (city.schemas / "parks/trees.yaml").read_text().splitlines()[line - 1]


def test_a_line_in_json_is_the_line(city: SmallCity) -> None:
    city.suite["expectations"][0]["severty"] = "warning"
    (problem,) = _problems(city)
    line = int(problem.split(":")[1])
    assert "severty" in (city.expectations / "parks/trees.json").read_text().splitlines()[line - 1]


def test_no_folder_and_no_contract_are_problems(tmp_path: Path) -> None:
    assert "no such folder" in check(tmp_path / "schemas", tmp_path / "e", tmp_path / "m")[0]
    (tmp_path / "schemas").mkdir()
    assert "no contract found" in check(tmp_path / "schemas", tmp_path / "e", tmp_path / "m")[0]


@pytest.mark.parametrize("junk", [None, 0, "x", [], {}, [None], [[]], {"a": None}, True])
@pytest.mark.parametrize("field", sorted(TREES))
def test_junk_anywhere_is_reported_and_never_crashes(
    field: str, junk: object, city: SmallCity
) -> None:
    city.trees[field] = junk
    problems = _problems(city)
    # An empty list of support channels or of promises is odd, but no fault; nor is any text
    # as a version or a status.
    assert problems or field in ("support", "slaProperties", "status", "version")
    assert all("\n" not in p for p in problems)


@pytest.mark.parametrize("junk", [None, 0, "x", [], {}, [None], {"a": None}])
@pytest.mark.parametrize(
    "field",
    [
        "logicalType",
        "logicalTypeOptions",
        "relationships",
        "quality",
        "authoritativeDefinitions",
        "customProperties",
        "enum",
    ],
)
def test_junk_in_a_column_never_crashes(field: str, junk: object, city: SmallCity) -> None:
    city.column("keeper_id")[field] = junk
    city.column("species")[field] = junk
    assert all("\n" not in p for p in _problems(city))


def test_problems_are_sorted_by_file_and_line(city: SmallCity) -> None:
    city.trees.pop("team")
    city.column("tree_id")["requird"] = True
    city.own["histroy"] = 1
    problems = _problems(city)
    assert problems == sorted(problems, key=lambda p: (p.split(":")[0], _line(p)))
    assert json.dumps(problems)


def _line(problem: str) -> int:
    found = problem.split(":")[1]
    return int(found) if found.isdigit() else 0
