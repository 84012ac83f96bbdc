"""Landing's files that raw takes as they are hold what Spark would have written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from histories_city import trees
from pyspark.sql import SparkSession

from civiclake import columns as c
from civiclake.contracts.model import Dataset, History, Load, Source, SourceKind
from civiclake.io.extract import extract
from civiclake.io.lake import raw, tables
from civiclake.io.landing.store import Landing
from civiclake.settings import Settings

LINES = "tree_id,species,rings\nt1,oak,7\nt2,,\nt3\n"
OTHER = 'rings,tree_id,species\n3,t4,"two\nlines"\n'
WIDER = "tree_id,species,rings,height\nt5,elm,2,9\n"
LINEAGE = {c.RECORD, c.FILE, c.DELIVERED}


class Staged:
    """One dataset whose batches are brought to raw, and no further."""

    def __init__(self, settings: Settings, spark: SparkSession, folder: Path, **own: Any) -> None:
        self.settings = settings.model_copy(update={"state_dir": folder})
        self.settings.locks_dir.mkdir(parents=True)
        self.spark, self.drops = spark, folder / "drops"
        self.drops.mkdir()
        drift = {"new_column": "ignore", "ragged_row": "ignore", **own}
        dataset = trees(folder, Load.FILES, History.LATEST, drift=drift)
        source = Source(kind=SourceKind.FILES, location=f"{self.drops}/*.csv")
        self.dataset: Dataset = dataset.model_copy(update={"source": source})
        self.location = Path(tables.location(self.settings, tables.RAW, self.dataset.table))

    def land(self, batch_id: str, *texts: str) -> Path:
        for number, text in enumerate(texts):
            (self.drops / f"{batch_id}-{number}.csv").write_text(text)
        extract(self.settings, self.dataset, batch_id, settle_seconds=0)
        return Landing(self.settings).batch_dir(self.dataset.id, batch_id)

    def stage(self, batch_id: str) -> list[tuple[Any, ...]]:
        """The rows that go on to be judged, which are those that raw holds."""
        landing = Landing(self.settings)
        manifest = landing.manifest(self.dataset.id, batch_id)
        folder = landing.batch_dir(self.dataset.id, batch_id)
        frame = raw.stage(self.spark, self.settings, self.dataset, manifest, folder)
        staged = _rows(frame.select(*sorted(frame.columns)).collect())
        kept = self.spark.table(tables.by_path(self.settings, tables.RAW, self.dataset.table))
        kept = kept.where(f"{c.BATCH} = '{batch_id}'")
        assert _rows(kept.select(*sorted(frame.columns)).collect()) == staged
        return staged

    def files(self, batch_id: str) -> list[Path]:
        return sorted((self.location / f"{c.BATCH}={batch_id}").glob("*.parquet"))


def _rows(rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, rows), key=str)


def _as_once(batch_dir: Path) -> None:
    """Leave of the renditions what landing wrote before raw could take them."""
    for path in (batch_dir / "parts").iterdir():
        found = pq.read_table(path)
        plain = found.drop_columns(sorted(LINEAGE)).replace_schema_metadata(None)
        path.unlink()  # its other name, in raw, stays as it is
        pq.write_table(plain, path)


def test_what_raw_takes_is_what_spark_would_have_written(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    ours = Staged(settings, spark, tmp_path / "ours")
    parts = sorted((ours.land("b1", LINES, OTHER) / "parts").iterdir())
    taken = ours.stage("b1")
    assert [p.samefile(q) for p, q in zip(ours.files("b1"), parts, strict=True)] == [True, True]
    _as_once(Landing(ours.settings).batch_dir(ours.dataset.id, "b1"))
    # The same batch again is in place of the first try, and landed long ago it is Spark's to copy.
    assert ours.stage("b1") == taken
    assert len(taken) == 4
    assert {(row[4], row[2]) for row in taken} == {
        ("b1/0/1", "0001-b1-0.csv"), ("b1/0/2", "0001-b1-0.csv"), ("b1/0/3", "0001-b1-0.csv"),
        ("b1/1/1", "0002-b1-1.csv"),
    }  # fmt: skip


def test_the_commit_says_what_an_append_of_sparks_says(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    ours = Staged(settings, spark, tmp_path / "ours")
    ours.land("b1", LINES, OTHER)
    ours.stage("b1")
    log = (ours.location / "_delta_log" / f"{1:020d}.json").read_text().splitlines()
    actions = [json.loads(line) for line in log]
    said = next(a["commitInfo"] for a in actions if "commitInfo" in a)
    counted = {k: said["operationMetrics"][k] for k in ("numFiles", "numOutputRows")}
    assert counted == {"numFiles": "2", "numOutputRows": "4"}
    adds = [a["add"] for a in actions if "add" in a]
    assert [a["partitionValues"] for a in adds] == [{c.BATCH: "b1"}] * 2
    assert [json.loads(a["stats"]) for a in adds] == [{"numRecords": 3}, {"numRecords": 1}]


@pytest.mark.parametrize("policy", ["ignore", "evolve"])
def test_a_new_column_is_sparks_to_copy_or_to_leave(
    policy: str, settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    ours = Staged(settings, spark, tmp_path / "ours", new_column=policy)
    ours.land("b1", WIDER)
    ours.stage("b1")
    held = {name for path in ours.files("b1") for name in pq.read_schema(path).names}
    assert ("height" in held) == (policy == "evolve")
    # From now on the table has the column, and such a file is what Spark would write.
    ours.land("b2", WIDER)
    ours.stage("b2")
    parts = Landing(ours.settings).batch_dir(ours.dataset.id, "b2") / "parts"
    is_taken = any(p.samefile(q) for p in ours.files("b2") for q in parts.iterdir())
    assert is_taken == (policy == "evolve")


def test_a_damaged_rendition_is_refused_as_before(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    """What is no Parquet is not taken; nor what holds other rows than landing has counted."""
    ours = Staged(settings, spark, tmp_path / "ours")
    (part,) = (ours.land("b1", OTHER) / "parts").iterdir()
    found = pq.read_table(part)
    pq.write_table(pa.concat_tables([found, found]), part)
    assert len(ours.stage("b1")) == 2  # load refuses what landing has counted otherwise
    assert not ours.files("b1")[0].samefile(part)
