"""A small sound city on disk, which tests then spoil in one place each."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

TREES: dict[str, Any] = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "parks.trees",
    "version": "1.0.0",
    "status": "active",
    "domain": "parks",
    "servers": [
        {
            "server": "source",
            "type": "postgresql",
            "host": "${PARKS_DB_HOST}",
            "port": "${PARKS_DB_PORT}",
            "database": "parks",
            "schema": "public",
        }
    ],
    "schema": [
        {
            "name": "trees",
            "physicalName": "public.trees",
            "properties": [
                {"name": "tree_id", "logicalType": "string", "primaryKey": True, "required": True},
                {
                    "name": "height_m",
                    "physicalName": "height",
                    "logicalType": "number",
                    "physicalType": "numeric(5,2)",
                    "logicalTypeOptions": {"minimum": 0, "maximum": 120},
                },
                {
                    "name": "species",
                    "logicalType": "string",
                    "customProperties": [
                        {
                            "property": "civiclake",
                            "value": {"codes": "species", "map": {"Eiche": "oak"}},
                        }
                    ],
                },
                {
                    "name": "keeper_id",
                    "logicalType": "string",
                    "classification": "restricted",
                    "authoritativeDefinitions": [
                        {"type": "column", "url": "_columns/person.yaml#person_id"}
                    ],
                },
                {
                    "name": "park_id",
                    "logicalType": "string",
                    "relationships": [{"to": "parks.parks.park_id"}],
                },
                {"name": "updated_at", "logicalType": "timestamp", "required": True},
            ],
        }
    ],
    "team": {"name": "Parks", "members": [{"username": "ann@parks.example", "role": "owner"}]},
    "support": [{"channel": "parks", "url": "mailto:data@parks.example"}],
    "slaProperties": [{"property": "latency", "value": 2, "unit": "d"}],
    "customProperties": [
        {
            "property": "civiclake",
            "value": {
                "load": "incremental",
                "sequence": "updated_at",
                "overlap": "30m",
                "connection": "parks_db",
            },
        }
    ],
}

PARKS: dict[str, Any] = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "parks.parks",
    "version": "1.0.0",
    "status": "active",
    "domain": "parks",
    "servers": [
        {"server": "source", "type": "local", "path": "${DROPS}/parks/*.csv", "format": "csv"}
    ],
    "schema": [
        {
            "name": "parks",
            "properties": [
                {"name": "park_id", "logicalType": "string", "primaryKey": True, "required": True},
                {"name": "area_m2", "logicalType": "integer"},
            ],
        }
    ],
    "team": {"name": "Parks", "members": [{"username": "ann@parks.example", "role": "owner"}]},
    "customProperties": [{"property": "civiclake", "value": {"load": "files"}}],
}

PERSON: dict[str, Any] = {
    "person_id": {
        "description": "Number of a person.",
        "logicalType": "string",
        "classification": "restricted",
        "logicalTypeOptions": {"pattern": "P[0-9]+"},
        "civiclake": {"protect": "pseudonym"},
    }
}

SPECIES: dict[str, Any] = {"title": "Species", "codes": {"oak": "Oak", "elm": "Elm"}}

SUITE: dict[str, Any] = {
    "name": "parks.trees",
    "expectations": [
        {
            "type": "expect_column_mean_to_be_between",
            "kwargs": {"column": "height_m", "min_value": 1, "max_value": 40},
            "severity": "warning",
        }
    ],
}


def mart_contract(
    name: str, inputs: Sequence[str], columns: Sequence[str], **own: Any
) -> dict[str, Any]:
    """A mart's contract; its columns are texts, and the first is the key."""
    properties = [{"name": c, "description": f"The {c}.", "logicalType": "string"} for c in columns]
    properties[0]["primaryKey"] = True  # type: ignore[assignment]
    return {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": f"marts.{name}",
        "version": "1.0.0",
        "status": "active",
        "domain": "parks",
        "schema": [{"name": name, "properties": properties}],
        "team": {
            "name": "Planning",
            "members": [{"username": "plan@city.example", "role": "owner"}],
        },
        "customProperties": [
            {
                "property": "civiclake",
                "value": {"inputs": list(inputs), "step": "query.sql", **own},
            }
        ],
    }


class SmallCity:
    """The parts of the city; change what a test needs, then :meth:`write`."""

    def __init__(self, root: Path) -> None:
        self.schemas = root / "schemas"
        self.expectations = root / "expectations"
        self.marts = root / "marts"
        self.trees = copy.deepcopy(TREES)
        self.parks = copy.deepcopy(PARKS)
        self.person = copy.deepcopy(PERSON)
        self.species = copy.deepcopy(SPECIES)
        self.suite = copy.deepcopy(SUITE)
        self.made: dict[str, dict[str, Any]] = {}
        """Contracts of marts, by name."""
        self.files: dict[str, str] = {}
        """Further files, by path from the root."""
        self.root = root

    def column(self, name: str) -> dict[str, Any]:
        """A column of the trees."""
        found: dict[str, Any] = next(
            c for c in self.trees["schema"][0]["properties"] if c["name"] == name
        )
        return found

    @property
    def own(self) -> dict[str, Any]:
        """The ``civiclake`` entry of the trees."""
        found: dict[str, Any] = self.trees["customProperties"][0]["value"]
        return found

    def add(self, name: str, base: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """One more contract, ``<department>/<name>``, like another one."""
        department, _, table = name.partition("/")
        contract = copy.deepcopy(base)
        contract.update({"id": f"{department}.{table}", "domain": department, **changes})
        contract["schema"][0]["name"] = table
        self.files[f"schemas/{name}.yaml"] = ""
        self._extra = {**getattr(self, "_extra", {}), name: contract}
        return contract

    def mart(
        self,
        name: str,
        query: str = "SELECT 1 AS n",
        inputs: Sequence[str] = ("parks.trees",),
        columns: Sequence[str] = ("n",),
        **own: Any,
    ) -> dict[str, Any]:
        """One more mart; of its columns the first is the key. Returns its contract to change."""
        contract = mart_contract(name, inputs, columns, **own)
        self.made[name] = contract
        folder = f"marts/{contract['domain']}/{name}"
        if contract["customProperties"][0]["value"]["step"] == "query.sql":
            self.files[f"{folder}/query.sql"] = query
        return contract

    def write(self) -> SmallCity:
        """Put the city on disk."""
        whole = {
            "schemas/parks/trees.yaml": yaml.safe_dump(self.trees, sort_keys=False),
            "schemas/parks/parks.yaml": yaml.safe_dump(self.parks, sort_keys=False),
            "schemas/_columns/person.yaml": yaml.safe_dump(self.person),
            "schemas/_codes/species.yaml": yaml.safe_dump(self.species, sort_keys=False),
            "expectations/parks/trees.json": json.dumps(self.suite, indent=1),
            **self.files,
        }
        for name, contract in getattr(self, "_extra", {}).items():
            whole[f"schemas/{name}.yaml"] = yaml.safe_dump(contract, sort_keys=False)
        for name, contract in self.made.items():
            path = f"marts/{contract['domain']}/{name}/mart.yaml"
            whole.setdefault(path, yaml.safe_dump(contract, sort_keys=False))
        for name, text in whole.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self
