"""Every kind of fault in contracts: reported with file, place, value and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from contract_city import PARKS, TREES, SmallCity

from civiclake.contracts.check import check
from civiclake.contracts.load import load_city
from civiclake.errors import EXIT_USER, ContractError

Spoil = Callable[[SmallCity], object]


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    return SmallCity(tmp_path)


def _problems(city: SmallCity) -> list[str]:
    city.write()
    return check(city.schemas, city.expectations, city.marts)


def _set(target: str, **values: object) -> Spoil:
    """Change a column of the trees, or (``own``) their civiclake entry."""

    def spoil(city: SmallCity) -> None:
        (city.own if target == "own" else city.column(target)).update(values)

    return spoil


def _trees(**values: object) -> Spoil:
    return lambda city: city.trees.update(values)


def _drop(target: str, field: str) -> Spoil:
    def spoil(city: SmallCity) -> None:
        (city.own if target == "own" else city.column(target)).pop(field)

    return spoil


def _civiclake(**value: object) -> list[dict[str, object]]:
    return [{"property": "civiclake", "value": value}]


def _parks_files(file_format: str, **own: object) -> Spoil:
    """Another format of the parks' files, and more in their civiclake entry."""

    def spoil(city: SmallCity) -> None:
        city.parks["servers"][0].update(format=file_format)
        city.parks["customProperties"][0]["value"].update(own)

    return spoil


def _rule(kind: str, **kwargs: object) -> Spoil:
    return lambda city: city.suite["expectations"].append({"type": kind, "kwargs": kwargs})


_OP = {"name": "op", "logicalType": "string", "required": True}
_LOG = {"load": "changes", "operation": "op", "operations": {"I": "insert", "D": "delete"}}


def _log(**own: object) -> Spoil:
    """The trees as a change log."""
    return lambda city: [
        city.trees["schema"][0]["properties"].append(dict(_OP)),
        city.own.update(_LOG, **own),
    ]


def _file(name: str, text: str) -> Spoil:
    return lambda city: city.files.update({name: text})


def _mart(head: str, columns: str = "", more: str = "") -> Spoil:
    """A mart of the trees, with these lines in its head."""
    query = f"SELECT {columns} park_id AS n, count(*) FROM unified.parks_trees{more} GROUP BY 1"
    return _file("marts/x.sql", f"-- inputs: parks.trees\n{head}\n{query}")


def _same_table(city: SmallCity) -> None:
    city.add("city/parks_x", PARKS)
    city.add("city_parks/x", PARKS)


def _circle(city: SmallCity) -> None:
    city.parks["schema"][0]["properties"].append(
        {
            "name": "tree_id",
            "logicalType": "string",
            "relationships": [{"to": "parks.trees.tree_id"}],
        }
    )


def _other_hour(city: SmallCity) -> None:
    city.own["schedule"] = "0 2 * * *"
    city.parks["customProperties"][0]["value"]["schedule"] = "0 3 * * *"


TREES_FILE, SUITE_FILE = "schemas/parks/trees.yaml", "expectations/parks/trees.json"

FAULTS: dict[str, tuple[Spoil, str, str]] = {
    # the standard
    "unknown field": (_trees(domian="parks"), TREES_FILE, "unknown field 'domian'; did you mean"),
    "unknown field of a column": (
        _set("tree_id", requird=True),
        "schema.trees.properties.tree_id.requird",
        "did you mean 'required'",
    ),
    "wrong type": (_set("tree_id", required="yes"), "tree_id.required", "of type boolean"),
    "unknown type": (_set("tree_id", logicalType="text"), "logicalType", "is 'text'; allowed are"),
    "missing field": (lambda c: c.trees.pop("version"), TREES_FILE, "'version' is missing"),
    "wrong version": (_trees(apiVersion="v3.0.2"), "apiVersion", "allowed is 'v3.2.0'"),
    "wrong server field": (
        lambda c: c.trees["servers"][0].update(hots="x"),
        "servers.source.hots",
        "unknown field 'hots'; did you mean 'host'",
    ),
    "unknown option": (
        _set("tree_id", logicalTypeOptions={"patern": "x"}),
        "logicalTypeOptions.patern",
        "did you mean 'pattern'",
    ),
    # where it stands
    "wrong id": (_trees(id="parks.tree"), "id", "is 'parks.tree'; allowed is 'parks.trees'"),
    "wrong domain": (_trees(domain="health"), "domain", "is 'health'; allowed is 'parks'"),
    "wrong place": (_file("schemas/trees.yaml", "a: 1"), "schemas/trees.yaml", "wrong place"),
    "wrong ending": (_file("schemas/parks/x.yml", "a: 1"), "x.yml", "wrong place"),
    "not yaml": (_file("schemas/parks/x.yaml", "a: [1"), "x.yaml:1", "not YAML"),
    "empty file": (_file("schemas/parks/x.yaml", ""), "x.yaml", "the file is empty"),
    "a list": (_file("schemas/parks/x.yaml", "- 1"), "x.yaml", "a contract is a mapping"),
    "twice the same key": (
        _file("schemas/_codes/x.yaml", "title: a\ncodes:\n  '1': a\n  '1': b\n"),
        "schemas/_codes/x.yaml:4",
        "stands twice",
    ),
    # the civiclake entry
    "no entry": (_trees(customProperties=[]), TREES_FILE, "'civiclake' is missing"),
    "unknown own field": (_set("own", histroy="latest"), "histroy", "did you mean 'history'"),
    "unknown own inner field": (
        _set("own", drift={"new_colum": "hold"}),
        "drift.new_colum",
        "did you mean 'new_column'",
    ),
    "unknown load": (_set("own", load="increment"), "load", "did you mean 'incremental'"),
    "unknown drift": (
        _set("own", drift={"new_column": "drop"}),
        "new_column",
        "'evolve', 'hold' or 'ignore'",
    ),
    "wrong overlap": (_set("own", overlap="1 hour"), "overlap", "such as '30m', '1h' or '2d'"),
    "wrong limit": (_set("own", limits={"max_set_aside_fraction": 5}), "fraction", "than or equal"),
    "wrong schedule": (_set("own", schedule="nightly"), "schedule", "cron text of five fields"),
    "two hours in a department": (_other_hour, TREES_FILE, "a department runs at one hour"),
    # load, key, sequence
    "no sequence": (_drop("own", "sequence"), "sequence", "'sequence' is missing"),
    "unknown sequence": (_set("own", sequence="updated"), "sequence", "mean 'updated_at'"),
    "sequence may be empty": (_drop("updated_at", "required"), "sequence", "wants required: true"),
    "sequence has no order": (_set("own", sequence="tree_id"), "sequence", "is a string; allowed"),
    "load does not fit": (
        _set("own", load="files", overlap="0s"),
        "load",
        "for 'postgresql' are 'incremental'",
    ),
    "append of a snapshot": (
        lambda c: c.own.update(load="snapshot", history="append", overlap="0s"),
        "history",
        "a snapshot deletes what is gone; allowed are 'latest', 'history' or 'snapshot'",
    ),
    "snapshots of an incremental load": (
        _set("own", history="snapshot"),
        "history",
        "only a snapshot is a night's full state; allowed are 'latest', 'history' or 'append'",
    ),
    "append of a change log": (
        _log(history="append"),
        "history",
        "a change log changes and deletes; allowed are 'latest' or 'history'",
    ),
    "a sequence of nightly states": (
        lambda c: c.own.update(load="snapshot", history="history", overlap="0s"),
        "sequence",
        "valid from the night they were delivered",
    ),
    "history without a time": (
        lambda c: [
            c.own.update(history="history", sequence="height_m", overlap="0s"),
            c.column("height_m").update(required=True),
        ],
        "sequence",
        "is a number; allowed are 'date' or 'timestamp'",
    ),
    "a change log without operations": (
        _set("own", load="changes"),
        "operation",
        "'operation' is missing",
    ),
    "a change log without a sequence": (
        lambda c: [_log()(c), c.own.pop("sequence")],
        "sequence",
        "is missing",
    ),
    "an operation that is not there": (
        lambda c: c.own.update(_LOG, operation="opp"),
        "operation",
        "there is no column 'opp'",
    ),
    "an operation that may be empty": (
        lambda c: [_log()(c), c.trees["schema"][0]["properties"][-1].pop("required")],
        "operation",
        "wants required: true",
    ),
    "an operation of a snapshot": (
        lambda c: [c.own.update(load="snapshot", operation="op", overlap="0s")],
        "operation",
        "allowed is load: changes",
    ),
    "an unknown operation": (
        _log(operations={"X": "remove"}),
        "operations.X",
        "is 'remove'; allowed are 'insert', 'update', 'upsert' or 'delete'",
    ),
    "a business date that is none": (
        _set("own", event_time="species"),
        "event_time",
        "is a string; allowed are 'date'",
    ),
    "a dropped column that passes": (
        _set("own", drift={"dropped_column": "ignore"}),
        "dropped_column",
        "should be 'hold'",
    ),
    "an unknown policy for types": (
        _set("own", drift={"changed_type": "discard"}),
        "changed_type",
        "mean 'discard_value'",
    ),
    "overlap of a snapshot": (_set("own", load="snapshot"), "overlap", "only incremental"),
    "no key": (
        _drop("tree_id", "primaryKey"),
        "schema.trees.properties",
        "no column has primaryKey",
    ),
    "no connection": (_drop("own", "connection"), "connection", "'connection' is missing"),
    "no member": (
        lambda c: c.parks["servers"][0].update(path="/x/*.zip"),
        "schemas/parks/parks.yaml",
        "'member' is missing",
    ),
    # owner, server, service level
    "no team": (lambda c: c.trees.pop("team"), TREES_FILE, "an owner is missing"),
    "no owner": (_trees(team={"members": [{"username": "a"}]}), "team", "an owner is missing"),
    "no members": (
        _trees(team={"name": "Parks", "members": None}),
        "team.members",
        "is None; allowed is a value of type array",
    ),
    "unknown field of a member": (
        _trees(team={"members": [{"username": "a@b.example", "role": "owner", "rol": "x"}]}),
        "team.members[0]",
        "unknown field 'rol'",
    ),
    "member without a name": (
        _trees(team={"members": [{"role": "owner"}]}),
        "team.members[0]",
        "'username' is missing",
    ),
    "team of another kind": (
        _trees(team=3),
        "team",
        "is 3; allowed is a value of type",
    ),
    "two servers": (lambda c: c.trees["servers"].append(PARKS["servers"][0]), "servers", "holds 2"),
    "unknown server": (
        lambda c: c.parks["servers"].__setitem__(
            0, {"server": "source", "type": "kafka", "host": "x"}
        ),
        "servers.source.type",
        "is 'kafka'; allowed are",
    ),
    "field of another server": (
        lambda c: c.parks["servers"][0].update(host="x"),
        "servers.source.host",
        "field 'host' does not go with the type given",
    ),
    "no connector": (
        lambda c: c.parks["servers"].__setitem__(0, {"server": "source", "type": "custom"}),
        "connector",
        "'connector' is missing: who reads it",
    ),
    "no driver": (
        lambda c: (
            c.trees["servers"].__setitem__(
                0, {"server": "s", "type": "custom", "location": "jdbc:x"}
            ),
            c.own.update(connector="jdbc"),
        ),
        "options",
        "'driver' is missing: the class of the driver",
    ),
    "connector of another server": (
        _set("own", connector="jdbc"),
        "connector",
        "goes with a server of type 'custom', not 'postgresql'",
    ),
    "no format": (
        lambda c: c.parks["servers"][0].pop("format"),
        "servers.source",
        "'format' is missing",
    ),
    "no type": (_drop("tree_id", "logicalType"), "tree_id", "'logicalType' is missing"),
    "unknown encoding": (
        lambda c: c.parks["servers"][0].update(encoding="utf-88"),
        "servers.source.encoding",
        "is 'utf-88'",
    ),
    "unknown format": (
        lambda c: c.parks["servers"][0].update(format="jsn"),
        "servers.source.format",
        "is 'jsn'; allowed are 'csv', 'json', 'jsonl', 'xml', 'xlsx', 'parquet' or 'gtfs_rt'; "
        "did you mean 'json'?",
    ),
    "no encoding but a codec": (
        lambda c: c.parks["servers"][0].update(encoding="base64"),
        "servers.source.encoding",
        "allowed is an encoding such as",
    ),
    "encoding of parquet": (
        lambda c: c.parks["servers"][0].update(format="parquet", encoding="gbk"),
        "servers.source.encoding",
        "'parquet' has an encoding of its own; leave it out",
    ),
    "xml without records": (
        lambda c: c.parks["servers"][0].update(format="xml"),
        "customProperties.civiclake.value.records",
        "'records' is missing: the name of the element that is one record",
    ),
    "unknown entity": (
        _parks_files("gtfs_rt", records="vehicles"),
        "civiclake.value.records",
        "allowed are 'vehicle', 'trip_update', 'stop_time_update' or 'alert'; did you mean",
    ),
    "records of csv": (
        _parks_files("csv", records="a"),
        "civiclake.value.records",
        "every row of 'csv' is a record; leave it out",
    ),
    "records with a hole": (
        _parks_files("json", records="data..items"),
        "civiclake.value.records",
        "keys with points between, such as 'data.items'",
    ),
    "sheet of json": (
        _parks_files("json", sheet="Trees"),
        "civiclake.value.sheet",
        "only a workbook has sheets",
    ),
    "delimiter of xlsx": (
        _parks_files("xlsx", delimiter=";"),
        "civiclake.value.delimiter",
        "only CSV has a delimiter",
    ),
    "records of a table": (_set("own", records="a"), "records", "a database has no records"),
    "a spelling twice": (
        _set(
            "species",
            customProperties=_civiclake(also=["Kind", "height"]),
        ),
        "species.customProperties.civiclake.value.also[1]",
        "source column 'height' is read as 'height_m' already",
    ),
    "a name of raw's own": (
        _set("species", physicalName="_Row"),
        "species.physicalName",
        "is '_Row', a column that raw has of its own",
    ),
    "unknown unit": (
        _trees(slaProperties=[{"property": "latency", "value": 1, "unit": "moons"}]),
        "slaProperties",
        "is 'moons'; allowed are",
    ),
    # columns
    "unsupported type": (_set("species", logicalType="array"), "species.logicalType", "flattened"),
    "too many digits": (_set("height_m", physicalType="numeric(40,2)"), "height_m", "38 digits"),
    "wrong column name": (_set("tree_id", name="Tree Id"), "name", "small letters"),
    "column twice": (
        lambda c: c.trees["schema"][0]["properties"].append(
            {"name": "tree_id", "logicalType": "string"}
        ),
        "tree_id",
        "stands twice",
    ),
    "source column twice": (_set("species", physicalName="height"), "physicalName", "already"),
    "week year": (
        _set("updated_at", logicalTypeOptions={"format": "YYYY-MM-dd"}),
        "logicalTypeOptions.format",
        "write 'y'",
    ),
    "unknown zone": (
        _set("updated_at", logicalTypeOptions={"defaultTimezone": "Mars/Base"}),
        "defaultTimezone",
        "IANA time zone",
    ),
    "wrong pattern": (_set("tree_id", logicalTypeOptions={"pattern": "("}), "pattern", "not a reg"),
    "empty range": (
        _set("height_m", logicalTypeOptions={"minimum": 9, "maximum": 1}),
        "minimum",
        "nothing could pass",
    ),
    "quality on a column": (
        _set("tree_id", quality=[{"metric": "nullValues", "mustBe": 0}]),
        "tree_id.quality",
        "is not supported on a column",
    ),
    "unknown batch rule": (
        lambda c: c.trees["schema"][0].update(quality=[{"metric": "duplicateValues", "mustBe": 0}]),
        "quality",
        "allowed is the metric 'rowCount'",
    ),
    "unknown severity": (
        lambda c: c.trees["schema"][0].update(
            quality=[{"metric": "rowCount", "mustBe": 1, "severity": "fatal"}]
        ),
        "severity",
        "is 'fatal'; allowed are",
    ),
    # protection
    "unknown class": (_set("species", classification="secret"), "classification", "is 'secret'"),
    "restricted unprotected": (
        _set("tree_id", classification="restricted"),
        "tree_id.classification",
        "without a protection",
    ),
    "protected unrestricted": (
        _set("species", customProperties=_civiclake(protect="drop")),
        "species.classification",
        "allowed is 'restricted'",
    ),
    "key dropped": (
        _set("tree_id", classification="restricted", customProperties=_civiclake(protect="drop")),
        "primaryKey",
        "can't be dropped",
    ),
    "unknown protection": (
        _set("keeper_id", customProperties=_civiclake(protect="hash")),
        "protect",
        "allowed are 'pseudonym' or 'drop'",
    ),
    # shared columns
    "shared type differs": (
        _set("keeper_id", logicalType="integer"),
        "keeper_id.logicalType",
        "is 'integer', but the shared column _columns/person.yaml#person_id says 'string'",
    ),
    "shared class differs": (
        _set("keeper_id", classification="public"),
        "classification",
        "shared",
    ),
    "shared pattern differs": (
        _set("keeper_id", logicalTypeOptions={"pattern": "Q"}),
        "keeper_id.logicalTypeOptions.pattern",
        "is 'Q', but",
    ),
    "shared protection differs": (
        _set("keeper_id", customProperties=_civiclake(protect="drop")),
        "protect",
        "is 'drop', but the shared column",
    ),
    "unknown shared column": (
        lambda c: c.column("keeper_id")["authoritativeDefinitions"][0].update(
            url="_columns/person.yaml#persn_id"
        ),
        "url",
        "there is no shared column '_columns/person.yaml#persn_id'",
    ),
    "faulty shared column": (
        lambda c: c.person["person_id"].update(clasification="x"),
        "schemas/_columns/person.yaml",
        "did you mean 'classification'",
    ),
    # codes
    "unknown code list": (
        _set("species", customProperties=_civiclake(codes="specis")),
        "codes",
        "there is no code list 'specis'; allowed are 'species'; did you mean 'species'",
    ),
    "map leads nowhere": (
        _set("species", customProperties=_civiclake(codes="species", map={"Ulme": "elmm"})),
        "map.Ulme",
        "leads to 'elmm'; allowed are 'elm' or 'oak'; did you mean 'elm'?",
    ),
    "map without a list": (
        _set("species", customProperties=_civiclake(map={"a": "b"})),
        "map",
        "wants the code list",
    ),
    "code not in quotes": (
        _file("schemas/_codes/kinds.yaml", "title: Kinds\ncodes:\n  1: one\n"),
        "schemas/_codes/kinds.yaml:3",
        "put it in quotes",
    ),
    "coded number": (
        _set("height_m", customProperties=_civiclake(codes="species")),
        "height_m.logicalType",
        "codes are of type 'string'",
    ),
    # references
    "unknown dataset": (
        _set("park_id", relationships=[{"to": "parks.park.park_id"}]),
        "relationships",
        "there is no dataset 'parks.park'; allowed are 'parks.parks' or 'parks.trees'; did you",
    ),
    "unknown column": (
        _set("park_id", relationships=[{"to": "parks.parks.id_park"}]),
        "to",
        "has no column 'id_park'",
    ),
    "other type": (
        _set("park_id", relationships=[{"to": "parks.parks.area_m2"}]),
        "to",
        "is of type int, but 'park_id' is of type string",
    ),
    "not a reference": (
        _set("park_id", relationships=[{"to": "parks.park_id"}]),
        "to",
        "allowed is '<department>.<dataset>.<column>'",
    ),
    "itself": (_set("park_id", relationships=[{"to": "parks.trees.tree_id"}]), "to", "its own"),
    "a circle": (_circle, "schemas/parks/parks.yaml", "parks.parks -> parks.trees -> parks.parks"),
    "two datasets, one table": (_same_table, "schemas/city_parks/x.yaml", "'city_parks_x', which"),
    # suites
    "suite without dataset": (
        _file("expectations/parks/tree.json", "{}"),
        "expectations/parks/tree.json",
        "wanted is schemas/parks/tree.yaml",
    ),
    "suite in the wrong place": (_file("expectations/x.json", "{}"), "x.json", "wrong place"),
    "suite not json": (_file("expectations/parks/parks.json", "{"), "parks.json:1", "not JSON"),
    "suite of another name": (lambda c: c.suite.update(name="x"), SUITE_FILE, "the dataset's id"),
    "unknown suite field": (
        lambda c: c.suite["expectations"][0].update(severty="x"),
        "severty",
        "did you mean 'severity'",
    ),
    "unknown rule severity": (
        lambda c: c.suite["expectations"][0].update(severity="error"),
        "expectations[0].severity",
        "allowed are 'critical', 'warning' or 'info'",
    ),
    "unknown expectation": (
        _rule("expect_column_values_to_be_nul", column="tree_id"),
        "expectations[1].type",
        "did you mean 'expect_column_values_to_be_null'",
    ),
    "unknown rule column": (
        _rule("expect_column_values_to_be_between", column="height", min_value=1),
        "kwargs.column",
        "did you mean 'height_m'",
    ),
    "unknown column of a pair": (
        _rule("expect_column_pair_values_to_be_equal", column_A="tree_id", column_B="trees_id"),
        "kwargs.column_B",
        "unknown column 'trees_id'",
    ),
    "unknown argument": (
        _rule("expect_column_values_to_be_between", column="height_m", minimum=1),
        "kwargs.minimum",
        "unknown argument 'minimum'",
    ),
    "missing argument": (
        _rule("expect_column_values_to_be_in_set", column="tree_id"),
        "kwargs",
        "'value_set' is missing",
    ),
    "says what the contract says": (
        _rule("expect_column_values_to_be_between", column="height_m", min_value=0, max_value=120),
        "expectations[1]",
        "says what rule 'range:height_m' says already",
    ),
    # marts
    "mart without inputs": (_file("marts/x.sql", "SELECT 1"), "marts/x.sql", "says no inputs"),
    "mart of nothing": (_file("marts/x.sql", "-- inputs: parks.tree"), "x.sql", "'parks.trees'"),
    "group of no input": (
        _mart("-- refresh_by: n\n-- group: parks.trees = park_id\n-- group: parks.tree = park_id"),
        "group: 'parks.tree' is no input",
        "did you mean 'parks.trees'?",
    ),
    "group of no column": (
        _mart("-- refresh_by: n\n-- group: parks.trees = upper(parkid)"),
        "serves no column 'parkid'",
        "did you mean 'park_id'?",
    ),
    "group of a constant": (
        _mart("-- refresh_by: n\n-- group: parks.trees = 1"),
        "group: '1'",
        "names no column",
    ),
    "group of more than a row": (
        _mart("-- refresh_by: n\n-- group: parks.trees = max(park_id) over ()"),
        "group:",
        "one row of parks.trees alone",
    ),
    "group without its column": (
        _mart("-- group: parks.trees = park_id"),
        "says group",
        "but no refresh_by",
    ),
    "refresh by nothing": (_mart("-- refresh_by: n"), "says refresh_by", "but no group"),
    "refresh by another column": (
        _mart("-- refresh_by: m\n-- group: parks.trees = park_id"),
        "refresh_by",
        "no column 'm'",
    ),
    "refresh of a fickle query": (
        _mart("-- refresh_by: n\n-- group: parks.trees = park_id", "current_date() AS d,"),
        "refresh_by: current_date",
        "another value each time",
    ),
    "refresh of what is no input": (
        _mart("-- refresh_by: n\n-- group: parks.trees = park_id", more=", unified.parks_parks"),
        "reads unified.parks_parks",
        "'unified.parks_trees'",
    ),
}


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
    "team as a list": _trees(team=[{"username": "ann@parks.example", "role": "owner"}]),
    "no suite": lambda c: c.suite.update(expectations=[]),
    "what the shared column says is left out": _drop("keeper_id", "classification"),
    "restricted with its own protection": _set(
        "tree_id", classification="restricted", customProperties=_civiclake(protect="pseudonym")
    ),
    "append of an incremental load": _set("own", history="append"),
    "everything said": _set(
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
    "a change log": _log(),
    "a change log with history": _log(history="history", operations={}),
    "every version": _set("own", history="history"),
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
    "a mart": _file("marts/x.sql", "-- inputs: parks.trees, parks.parks\nSELECT 1"),
    "a mart by groups": _mart(
        "-- refresh_by: n\n-- group: parks.trees = coalesce(upper(park_id), 'unified.x')"
    ),
    "a page for people": _file("schemas/README.md", "words"),
    "batch rule in words": lambda c: c.trees["schema"][0].update(
        quality=[{"type": "text", "description": "Trees are counted in spring."}]
    ),
    "other column of a class": _set("species", classification="confidential"),
    "enumeration": _set("park_id", enum=[{"value": "P1"}, {"value": "P2"}]),
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
    city.column("species")["customProperties"] = _civiclake(codes="specis")
    city.add("city/parks_x", PARKS)
    city.add("city_parks/x", PARKS)
    city.suite["expectations"].append({"type": "expect_nothing", "kwargs": {}})
    city.files["schemas/_codes/kinds.yaml"] = "titel: Kinds\n"
    city.files["marts/x.sql"] = "SELECT 1"
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
        "says no inputs",
    ):
        assert any(word in p for p in problems), (word, problems)


def test_the_faults_that_a_newcomer_makes_come_together(city: SmallCity) -> None:
    """Unknown field, wrong type, no key, no owner, one table twice, unknown code list."""
    city.trees["domian"] = "parks"
    city.column("height_m")["required"] = "yes"
    city.column("tree_id").pop("primaryKey")
    city.own["sequence"] = "changed_at"
    city.trees.pop("team")
    city.column("species")["customProperties"] = _civiclake(codes="specis")
    _same_table(city)
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
