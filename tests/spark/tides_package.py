"""A package of TIDES from frames, and what in it is not as its own schemas say."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from civiclake.applications.transit import tides
from civiclake.cli import exports

_READ: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "boolean": {"true": True, "false": False}.__getitem__,
}


def write(spark: SparkSession, frames: dict[str, DataFrame], folder: Path) -> dict[str, int]:
    """Write the package as ``civiclake export tides`` does, but not through the door."""
    (folder / "schemas").mkdir()
    names = {}
    for name, frame in frames.items():
        layer, _, table = name.partition(".")
        view = f"_tides_{layer}_{table}"
        frame.createOrReplaceTempView(view)
        names[name if layer == "marts" else f"unified.{layer}_{table}"] = view
    rows = {}
    for table in tides.TABLES:
        asked = tides.query(table, None, None, "Asia/Shanghai")
        for name, view in sorted(names.items(), key=lambda one: -len(one[0])):
            asked = asked.replace(f"{name} ", f"{view} ").replace(f"{name})", f"{view})")
        given = spark.sql(asked).toArrow()
        values = zip(*(column.to_pylist() for column in given.columns), strict=True)
        path = folder / f"{table.name}.csv"
        rows[table.name] = exports.write_table(path, table.names, given.column_names, values)
        exports.write_json(folder / "schemas" / f"{table.name}.schema.json", table.schema())
    exports.write_json(folder / "datapackage.json", tides.package("KB", "CC-BY-4.0", "two days"))
    return rows


def faults(folder: Path) -> list[str]:
    """What a validator of Frictionless would say."""
    package = json.loads((folder / "datapackage.json").read_text())
    tables, schemas = {}, {}
    for one in package["resources"]:
        with (folder / one["path"]).open(encoding="utf-8", newline="") as file:
            tables[one["name"]] = list(csv.DictReader(file))
        schemas[one["name"]] = json.loads((folder / one["schema"]).read_text())
    return [
        f"{name}: {said}"
        for name, schema in schemas.items()
        for said in _of_table(tables, name, schema)
    ]


def _of_table(
    tables: dict[str, list[dict[str, str]]], name: str, schema: dict[str, Any]
) -> Iterator[str]:
    rows = tables[name]
    keys = [tuple(row[field] for field in schema["primaryKey"]) for row in rows]
    if len(set(keys)) < len(keys):
        yield "a key stands twice"
    for field in schema["fields"]:
        values = [row[field["name"]] for row in rows]
        bounds = field.get("constraints", {})
        if bounds.get("required") and not all(values):
            yield f"{field['name']} is missing"
        for value in {v for v in values if v}:
            read = _READ[field["type"]](value)
            if "enum" in bounds and read not in bounds["enum"]:
                yield f"{field['name']}: {value}"
            if "minimum" in bounds and read < bounds["minimum"]:
                yield f"{field['name']}: {value}"
    for key in schema["foreignKeys"]:
        there = {row[key["reference"]["fields"]] for row in tables[key["reference"]["resource"]]}
        yield from {
            f"{key['fields']}: no {row[key['fields']]}"
            for row in rows
            if row[key["fields"]] and row[key["fields"]] not in there
        }
