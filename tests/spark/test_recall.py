"""What a commit did is in the ledger, also when its process did not live to write it down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nights import Nights, city, counts
from pyspark.sql import SparkSession

from civiclake.io.extract import extract
from civiclake.io.lake import tables
from civiclake.io.ops import ledger
from civiclake.pipeline.night.load import load
from civiclake.settings import Settings

HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"
FIRST = HEAD + "".join(f"2016/01/{n:02d},0.0,5.0,1.0,2.0,sun\n" for n in range(1, 25))
SECOND = HEAD + "".join(f"2016/01/{n:02d},7.0,5.0,1.0,2.0,sun\n" for n in (1, 2, 25)) + (
    "2016/01/26,0.0,5.0,1.0,2.0,hail\n" + FIRST.splitlines()[5] + "\n"
)  # fmt: skip
SETTLED = ("inserted", "updated", "deleted", "superseded", "late")


@pytest.fixture
def nights(settings: Settings, spark: SparkSession, tmp_path: Path) -> Nights:
    made = Nights(settings, spark, tmp_path, city().dataset("meteorology.daily"))
    limits = made.dataset.limits.model_copy(update={"max_set_aside_fraction": 0.5})
    made.dataset = made.dataset.model_copy(update={"limits": limits})
    return made


def _power_cut(*_: object) -> None:
    raise RuntimeError("power cut")


def _broken_off(nights: Nights, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """A second night that dies between its commit and its ledger."""
    nights.run("b1", FIRST)
    nights.deliver(SECOND)
    with nights.keys(), monkeypatch.context() as patch:
        extract(nights.settings, nights.dataset, "b2")
        patch.setattr(where, _power_cut)
        with pytest.raises(RuntimeError, match="power cut"):
            load(nights.settings, nights.dataset, "b2")


def _rows(nights: Nights, table: str) -> list[dict[str, Any]]:
    path = tables.by_path(nights.settings, tables.OPS, table)
    return [r.asDict() for r in nights.spark.table(path).where("batch_id = 'b2'").collect()]


def _sums(nights: Nights) -> dict[str, int]:
    rows = _rows(nights, "batches")
    return {name: sum(row[name] for row in rows) for name in SETTLED}


def _kinds(nights: Nights) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in _rows(nights, "outcomes"):
        if row["step"] == "kind":
            found[row["outcome"]] = found.get(row["outcome"], 0) + row["rows"]
    return found


def test_the_next_holder_of_the_lock_writes_down_what_the_last_one_committed_once(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    _broken_off(nights, monkeypatch, "civiclake.io.ops.ledger.record")
    nights.run("b3", HEAD + "2016/01/28,0.0,5.0,1.0,2.0,sun\n")
    told = _rows(nights, "batches")
    assert [(r["attempt"], r["read"], r["status"]) for r in told] == [(1, 3, "merged")]
    assert told[0]["message"].startswith("it broke off after its commit of version ")
    assert told[0]["code_version"] == ledger.__version__
    record = nights.settings.locks_dir / f"{nights.dataset.table}.json"
    text = record.read_text()
    assert '"accounted": 3' in text
    record.write_text(text.replace('"accounted": 3', '"accounted": -1'))  # then the ledger is asked
    with nights.keys():
        again = load(nights.settings, nights.dataset, "b2")
    assert counts(again) == {"read": 5, "unchanged": 4, "quarantined": 1}
    assert _sums(nights) == {"inserted": 1, "updated": 2, "deleted": 0, "superseded": 0, "late": 0}
    assert _kinds(nights) == {"corrected": 0, "backdated": 0, "revoked": 0, "deleted": 0}
    found = ledger.merged(nights.spark, nights.settings, nights.dataset.id)
    assert [(m.batch_id, m.changed) for m in found] == [("b1", True), ("b2", True), ("b3", True)]
