"""Golden folders: two nights of each kind of dataset, with what must be served and set aside.

``tests/golden/<dataset>/night_<n>/`` holds the delivery, the account, the unified table and the
quarantine after that night; ``CIVICLAKE_WRITE_GOLDEN=1`` writes them anew, to be read and
committed by a person.
"""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from nights import Nights, city, counts
from pyspark.sql import SparkSession

from civiclake.contracts.model import Protection
from civiclake.settings import Settings

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
DATASETS = sorted(p.name for p in GOLDEN.iterdir() if p.is_dir())


def _csv(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _hold(path: Path, text: str) -> None:
    if os.environ.get("CIVICLAKE_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), path


def _unmasked(nights: Nights, rows: list[dict[str, Any]], night: Path) -> list[dict[str, Any]]:
    """Pseudonyms depend on the key of this run: put the values back that they stand for."""
    masked = [c for c in nights.dataset.columns if c.protection is Protection.PSEUDONYM]
    for column in masked:
        deliveries = sorted(night.parent.glob("night_*/delivery.csv"))
        texts = [row[column.source_name] for d in deliveries for row in _read(d)]
        domain = column.pseudonym_domain or column.name
        known = {nights.pseudonym(text, domain): f"pseudonym of {text}" for text in texts}
        for row in rows:
            row[column.name] = known[row[column.name]]
    return rows


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", DATASETS)
def test_two_nights(name: str, settings: Settings, spark: SparkSession, tmp_path: Path) -> None:
    manifest = city()
    for parent in sorted((GOLDEN / name).glob("parents/*.csv")):
        parents = Nights(settings, spark, tmp_path, manifest.dataset(parent.stem))
        parents.run("night_0", parent.read_text(encoding="utf-8"))
        parents.drops.rename(tmp_path / f"drops-{parent.stem}")
    nights = Nights(settings, spark, tmp_path, manifest.dataset(name))
    limits = nights.dataset.limits.model_copy(update={"max_set_aside_fraction": 1.0})
    nights.dataset = nights.dataset.model_copy(update={"limits": limits})
    for night in sorted((GOLDEN / name).glob("night_*")):
        result = nights.run(night.name, (night / "delivery.csv").read_text(encoding="utf-8"))
        account = {**counts(result), "reasons": dict(sorted(result.reasons.items()))}
        account["warnings"] = dict(sorted(result.warnings.items()))
        _hold(night / "account.json", json.dumps(account, indent=1) + "\n")
        _hold(night / "table.csv", _csv(_unmasked(nights, nights.table(), night)))
        _hold(night / "quarantine.csv", _csv(nights.quarantine()))
    version = nights.version()
    again = nights.run(night.name)
    assert (again.inserted, again.updated, again.deleted) == (0, 0, 0)
    assert (again.quarantined, again.reasons) == (result.quarantined, result.reasons)
    assert nights.version() == version, "the same night again must write nothing"
    _hold(night / "quarantine.csv", _csv(nights.quarantine()))
