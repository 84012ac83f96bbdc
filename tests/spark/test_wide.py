"""A table of hundreds of columns: one column for each week, as registers are exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from nights import Nights, counts
from pyspark.sql import SparkSession

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset
from civiclake.settings import Settings

WEEKS = [f"week_{n:03}" for n in range(400)]


def dataset(root: Path) -> Dataset:
    weeks = [{"name": name, "logicalType": "integer"} for name in WEEKS]
    key = {"name": "place", "logicalType": "string", "primaryKey": True, "required": True}
    contract: dict[str, Any] = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": "health.weeks",
        "version": "1.0.0",
        "domain": "health",
        "servers": [{"server": "s", "type": "local", "path": "${DROPS}/*.csv", "format": "csv"}],
        "schema": [{"name": "weeks", "properties": [key, *weeks]}],
        "team": {"name": "Health", "members": [{"username": "a@b.example", "role": "owner"}]},
        "customProperties": [{"property": "civiclake", "value": {"load": "files"}}],
    }
    (root / "schemas/health").mkdir(parents=True)
    (root / "schemas/health/weeks.yaml").write_text(yaml.safe_dump(contract, sort_keys=False))
    return load_city(root / "schemas", root / "none", root / "none").dataset("health.weeks")


def delivery(changed: dict[tuple[int, int], str]) -> str:
    """Thirty places, each week's count its number; some values are others."""
    rows = [
        ",".join([f"p{place}", *(changed.get((place, n), str(n)) for n in range(len(WEEKS)))])
        for place in range(30)
    ]
    return "\n".join([",".join(["place", *WEEKS]), *rows]) + "\n"


@pytest.fixture(scope="module")
def nights(
    settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Nights:
    root = tmp_path_factory.mktemp("wide")
    return Nights(settings, spark, root / "state", dataset(root))


def test_every_column_is_judged_and_served(nights: Nights) -> None:
    first = nights.run("b1", delivery({(3, 7): "many", (3, 399): "few", (4, 399): "-"}))
    assert counts(first) == {"read": 30, "inserted": 28, "quarantined": 2}
    assert first.reasons == {"type:week_007": 1, "type:week_399": 2}
    assert first.data_docs is not None
    page = Path(first.data_docs).read_text()
    # Great Expectations was asked for the broken ones by themselves, for all others at once.
    asked = ("_every_type", "_uncast_week_007", "_uncast_week_399", "_uncast_week_000")
    assert [name in page for name in asked] == [True, True, True, False]
    second = nights.run("b2", delivery({(5, 399): "0"}))
    assert counts(second) == {"read": 30, "inserted": 2, "updated": 1, "unchanged": 27}
    served = {row["place"]: row for row in nights.table()}
    assert sum(int(row[name]) for row in served.values() for name in WEEKS) == 30 * 79_800 - 399
