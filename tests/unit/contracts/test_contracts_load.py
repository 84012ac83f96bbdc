"""Contracts become the manifest, and the manifest comes back the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from contract_city import SmallCity

from civiclake.contracts import manifest
from civiclake.contracts.load import load_city
from civiclake.contracts.model import (
    Drift,
    FileFormat,
    History,
    Limits,
    Load,
    Manifest,
    Owner,
    Protection,
    Reference,
    Severity,
    SourceKind,
)
from civiclake.contracts.render import table_ddl
from civiclake.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def city(tmp_path: Path) -> SmallCity:
    return SmallCity(tmp_path)


def _load(city: SmallCity) -> Manifest:
    city.write()
    return load_city(city.schemas, city.expectations, city.marts)


def test_a_contract_says_everything_the_pipeline_needs(city: SmallCity) -> None:
    trees = _load(city).dataset("parks.trees")
    assert (trees.table, trees.path, trees.version) == ("parks_trees", "parks/trees.yaml", "1.0.0")
    assert trees.owner == Owner(name="Parks", contact="data@parks.example")
    assert (trees.load, trees.history, trees.sequence) == (
        Load.INCREMENTAL,
        History.LATEST,
        "updated_at",
    )
    assert (trees.overlap_seconds, trees.latency_seconds) == (1800, 2 * 86400)
    assert (trees.drift, trees.limits) == (Drift(), Limits())
    assert trees.key == ("tree_id",)
    assert trees.references == ("parks.parks",)
    source = trees.source
    assert (source.kind, source.connection, source.db_schema, source.table) == (
        SourceKind.POSTGRESQL,
        "parks_db",
        "public",
        "trees",
    )


def test_columns_carry_type_name_in_the_source_codes_and_protection(city: SmallCity) -> None:
    trees = _load(city).dataset("parks.trees")
    kinds = {c.name: (c.source_name, c.spark_type) for c in trees.columns}
    assert kinds["height_m"] == ("height", "decimal(5,2)")
    assert kinds["updated_at"] == ("updated_at", "timestamp")
    species = trees.column("species").codes
    assert species is not None
    assert (species.values, species.mapping) == ({"oak": "Oak", "elm": "Elm"}, {"Eiche": "oak"})
    keeper = trees.column("keeper_id")  # what it leaves unsaid comes from the shared column
    assert (keeper.protection, keeper.pseudonym_domain) == (Protection.PSEUDONYM, "person_id")
    assert keeper.description == "Number of a person."
    assert trees.column("park_id").reference == Reference(dataset="parks.parks", column="park_id")
    with pytest.raises(KeyError):
        trees.column("nothing")


def test_a_sequence_may_lie_ahead_as_far_as_the_contract_says(city: SmallCity) -> None:
    trees = _load(city).dataset("parks.trees")
    (rule,) = [r for r in trees.rules if r.id == "future_sequence:updated_at"]
    assert rule.kwargs == {"column": "_ahead_updated_at"}
    assert "at most 1d after the moment in which the batch was landed" in rule.description
    city.own["limits"] = {"max_ahead": "any"}
    normal = _load(city).dataset("parks.trees")
    assert "future_sequence:updated_at" not in {r.id for r in normal.rules}


def test_rules_follow_from_the_contract_then_from_the_suite(city: SmallCity) -> None:
    rules = {r.id: r for r in _load(city).dataset("parks.trees").rules}
    assert list(rules) == [
        "required:tree_id",
        "type:height_m",
        "range:height_m",
        "code:species",
        "pattern:keeper_id",
        "reference:park_id",
        "type:updated_at",
        "required:updated_at",
        "range:updated_at",
        "future_sequence:updated_at",
        "mean_to_be_between:height_m",
    ]
    assert rules["range:height_m"].kwargs == {
        "column": "height_m",
        "min_value": 0,
        "max_value": 120,
    }
    assert rules["pattern:keeper_id"].kwargs["regex"] == r"^(?:P[0-9]+)(?![\s\S])"
    assert rules["type:updated_at"].kwargs == {"column": "_uncast_updated_at"}
    assert rules["required:updated_at"].kwargs == {"column": "_given_updated_at"}
    # A time before 1900 is refused unless the contract says otherwise.
    assert rules["range:updated_at"].kwargs["min_value"] == "1900-01-01T00:00:00+00:00"
    written = rules["mean_to_be_between:height_m"]
    assert (written.origin, written.severity) == ("suite", Severity.WARNING)


def test_key_places_are_counted_anew(city: SmallCity) -> None:
    city.column("tree_id")["primaryKeyPosition"] = 7
    city.column("species").update(primaryKey=True, primaryKeyPosition=3)
    city.column("park_id").update(primaryKey=True)
    trees = _load(city).dataset("parks.trees")
    assert trees.key == ("species", "tree_id", "park_id")
    assert [trees.column(name).key_position for name in trees.key] == [1, 2, 3]


def test_what_files_are_and_how_their_columns_are_spelled(city: SmallCity) -> None:
    city.parks["servers"] = [
        {
            "server": "source",
            "type": "sftp",
            "location": "sftp://${H}:${P}/~/*.xml",
            "format": "xml",
        }
    ]
    own = {"records": "park", "connection": "parks_sftp"}
    city.parks["customProperties"][0]["value"].update(own)
    spelled = {"also": ["Park No", "park-no"]}
    city.parks["schema"][0]["properties"][0].update(
        physicalName="park.id", customProperties=[{"property": "civiclake", "value": spelled}]
    )
    found = _load(city).dataset("parks.parks")
    source = found.source
    assert (source.kind, source.format, source.records) == (
        SourceKind.SFTP,
        FileFormat.XML,
        "park",
    )
    assert source.location == "sftp://${H}:${P}/~/*.xml"
    assert found.column("park_id").source_name == "park.id"
    assert found.column("park_id").also == ("Park No", "park-no")


def test_only_tables_by_which_a_mart_is_refreshed_keep_a_change_feed(city: SmallCity) -> None:
    city.mart(
        "x",
        "SELECT park_id AS n, count(*) AS c FROM unified.parks_trees JOIN unified.parks_parks"
        " USING (park_id) GROUP BY 1",
        inputs=["parks.trees", "parks.parks"],
        columns=("n", "c"),
        refresh_by="n",
        groups={"parks.trees": "park_id"},
    )
    found = _load(city)
    assert found.marts[0].refresh_by == "n"
    assert found.marts[0].groups == {"parks.trees": "park_id"}
    feeds = {d.id: "enableChangeDataFeed" in table_ddl(d, "/lake/t") for d in found.datasets}
    assert feeds == {"parks.trees": True, "parks.parks": False}


def test_the_manifest_comes_back_the_same(city: SmallCity, tmp_path: Path) -> None:
    for found in (_load(city), load_city(ROOT / "schemas", ROOT / "expectations")):
        path = tmp_path / "var" / "manifest.json"
        manifest.write(found, path)
        assert manifest.read(path) == found
        assert path.stat().st_mode & 0o777 == 0o644
        assert [p.name for p in path.parent.iterdir()] == ["manifest.json"]


def test_a_failed_write_leaves_the_old_manifest(
    city: SmallCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, path = _load(city), tmp_path / "var" / "manifest.json"
    manifest.write(found, path)

    def full_disk(handle: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(manifest.os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space left"):
        manifest.write(found.model_copy(update={"datasets": ()}), path)
    assert manifest.read(path) == found
    assert [p.name for p in path.parent.iterdir()] == ["manifest.json"]


def test_a_manifest_that_can_not_be_used_says_how_to_make_it(
    city: SmallCity, tmp_path: Path
) -> None:
    path = tmp_path / "manifest.json"
    with pytest.raises(UserError, match=r"is missing; run `civiclake compile`"):
        manifest.read(path)
    manifest.write(_load(city), path)
    content = json.loads(path.read_text())
    content["datasets"][0]["colour"] = "green"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"datasets\.0\.colour: .*run `civiclake compile`"):
        manifest.read(path)


@pytest.mark.parametrize(
    "name",
    [
        "schemas/parks/trees.yaml",
        "schemas/_columns/person.yaml",
        "schemas/_codes/species.yaml",
        "expectations/parks/trees.json",
    ],
)
def test_the_fingerprint_knows_every_file(city: SmallCity, name: str) -> None:
    before = _load(city)
    assert _load(city).fingerprint == before.fingerprint
    path = city.root / name
    path.write_text(path.read_text() + "\n")
    after = load_city(city.schemas, city.expectations, city.marts)
    assert after.fingerprint != before.fingerprint
    assert after.datasets == before.datasets


def test_the_real_city_is_sound() -> None:
    found = load_city(ROOT / "schemas", ROOT / "expectations")
    assert {d.department for d in found.datasets} == {
        "culture",
        "education",
        "employment",
        "environment",
        "finance",
        "geography",
        "health",
        "medical",
        "meteorology",
        "public_security",
        "statistics",
        "transport",
    }
    assert len(found.datasets) >= 30
    for dataset in found.datasets:
        assert "@" in dataset.owner.contact
        restricted = {c.name for c in dataset.columns if c.classification == "restricted"}
        assert restricted == {c.name for c in dataset.columns if c.protection is not None}
        assert len({r.id for r in dataset.rules}) == len(dataset.rules)
