"""Two departments that write down the same people, for tests of linkage through the lake."""

from __future__ import annotations

import copy
import csv
import io
import shutil
from pathlib import Path

from nights import Nights
from pyspark.sql import SparkSession
from stdnum.cn import ric

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Manifest
from civiclake.settings import Settings, project_root

_COLUMNS = (
    ("record_id", None), ("citizen_id", "person"), ("person_name", "person"),
    ("birth_date", "person"), ("sex", "person"), ("phone", "person"), ("address", "person"),
    ("district_code", "person"), ("credit_code", "organisation"),
    ("organisation_name", "organisation"), ("latitude", "place"), ("longitude", "place"),
)  # fmt: skip
HEADER = tuple(name for name, _ in _COLUMNS)
_TYPES = {"birth_date": "date", "latitude": "number", "longitude": "number"}
_RESTRICTED = {"citizen_id", "person_name", "phone", "address"}
_GRADES = {"sex": "internal", "district_code": "internal", "birth_date": "confidential"}


def _contract(department: str, name: str) -> str:
    lines = [
        "apiVersion: v3.2.0", "kind: DataContract", f"id: {department}.{name}",
        f"name: Register of {name}", "version: 1.0.0", "status: active", f"domain: {department}",
        "description: {purpose: Tests linkage., usage: Tests., limitations: None.}",
        "servers:", f"  - {{server: source, type: local, path: '/none/{name}/*.csv', format: csv}}",
        "schema:", f"  - name: {name}", "    physicalType: file", "    description: One a person.",
        "    properties:",
        "      - {name: record_id, logicalType: string, primaryKey: true, primaryKeyPosition: 1,",
        "         required: true, description: Number of the record.}",
    ]  # fmt: skip
    for column, file in _COLUMNS[1:]:
        kind = _TYPES.get(column, "string")
        secret = "restricted" if column in _RESTRICTED else None
        grade = secret or _GRADES.get(column, "public")
        lines += [
            f"      - name: {column}", f"        logicalType: {kind}",
            f"        classification: {grade}", "        authoritativeDefinitions:",
            f"          - {{type: column, url: _columns/{file}.yaml#{column}}}",
        ]  # fmt: skip
    lines += [
        "team: {name: Office, members: [{username: o@example.org, name: O, role: owner}]}",
        "support: [{channel: office, tool: email, url: 'mailto:o@example.org'}]",
        "slaProperties: [{property: latency, value: 1, unit: d}]",
        "customProperties:", "  - property: civiclake",
        "    value: {load: files, history: latest, limits: {max_set_aside_fraction: 0.5}}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def city(root: Path) -> Manifest:
    """The two contracts, beside the project's shared columns and code lists."""
    schemas = root / "schemas"
    for folder in ("_columns", "_codes"):
        shutil.copytree(project_root() / "schemas" / folder, schemas / folder)
    for department, name in (("civil", "residents"), ("education", "pupils")):
        (schemas / department).mkdir()
        (schemas / department / f"{name}.yaml").write_text(_contract(department, name))
    return load_city(schemas, root / "expectations", root / "marts")


class TwoDepartments:
    """Both departments' nights in one lake."""

    def __init__(self, settings: Settings, spark: SparkSession, root: Path):
        self.city = city(root)
        first = Nights(settings, spark, root / "state", self.city.dataset("civil.residents"))
        second = copy.copy(first)
        pupils = self.city.dataset("education.pupils")
        source = first.dataset.source.model_copy(update={"location": f"{first.drops}/pupils/*.csv"})
        second.dataset = pupils.model_copy(update={"source": source})
        self.residents, self.pupils = first, second
        self.settings, self.spark = first.settings, spark

    def deliver(self, nights: Nights, batch_id: str, rows: list[dict[str, str]]) -> None:
        """One department's delivery of a night, extracted and loaded."""
        text = io.StringIO()
        writer = csv.DictWriter(text, HEADER, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        nights.run(batch_id, text.getvalue())


def number(first: str) -> str:
    """An identity number with its check digit."""
    return first + ric.calc_check_digit(first + "?")
