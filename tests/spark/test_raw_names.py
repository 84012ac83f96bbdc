"""Source columns of any name, from the file to the served table and back; and old landings."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from histories_city import trees
from nights import Nights, counts
from pyspark.sql import SparkSession

from civiclake.contracts.model import Dataset, History, Load, Source, SourceKind
from civiclake.io.lake import tables
from civiclake.io.landing.manifest import MANIFEST
from civiclake.io.landing.store import Landing
from civiclake.pipeline.night.load import load
from civiclake.pipeline.night.replay import replay
from civiclake.pipeline.rebuild import stage
from civiclake.pipeline.rebuild.plan import Range
from civiclake.pipeline.rebuild.swap import swap
from civiclake.settings import Settings

KEY, FEE, TICK = "Tree No", "Fee (EUR), net=1", "a`b.c;{d}\n% 20%"
NEW = "% of; total"
HEADER = (KEY, "species", "rings", FEE, TICK)
COLUMNS = [
    {"name": "fee", "physicalName": FEE, "logicalType": "number"},
    {"name": "tick", "physicalName": TICK, "logicalType": "string"},
]
Make = Callable[..., Nights]


def table(header: Sequence[str], *rows: Sequence[object]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue()


@pytest.fixture
def make(settings: Settings, spark: SparkSession, tmp_path: Path) -> Make:
    def nights(**own: Any) -> Nights:
        return Nights(settings, spark, tmp_path, _named(tmp_path, **own))

    return nights


def _named(folder: Path, more: Sequence[dict[str, Any]] = (), **own: Any) -> Dataset:
    limits = {"max_set_aside_fraction": 0.9, "min_rows_fraction": 0}
    drift = {"new_column": "evolve"}
    found = trees(
        folder, Load.FILES, History.LATEST, columns=[*COLUMNS, *more], drift=drift, limits=limits,
        **own,
    )  # fmt: skip
    key, *others = found.columns
    key = key.model_copy(update={"source_name": KEY})
    return found.model_copy(update={"columns": (key, *others)})


def _rows(nights: Nights, *columns: str) -> list[tuple[Any, ...]]:
    rows = nights.spark.table(tables.by_path(nights.settings, tables.UNIFIED, "parks_trees"))
    return [tuple(row) for row in rows.select(*columns).orderBy(*columns).collect()]


def test_names_that_delta_refuses_go_through_every_step(make: Make, tmp_path: Path) -> None:
    nights = make()
    first = nights.run(
        "20160101T020000Z", table(HEADER, ["t1", "oak", 7, 1.5, "x"], ["t2", "elm", "?", 2, "y"])
    )
    assert counts(first) == {"read": 2, "inserted": 1, "quarantined": 1}
    # A new column with such a name is kept in raw, by name, wherever the file has it.
    second = nights.run(
        "20160102T020000Z",
        table((NEW, *reversed(HEADER)), [9, "z", 3, 8, "fir", "t3"]),
    )
    assert counts(second) == {"read": 1, "inserted": 1}
    assert second.warnings == {f"new_column:{NEW}": 1}
    # A set-aside record keeps the source's names, and is put right under them.
    corrections = tmp_path / "corrections.csv"
    fixed = ["20160101T020000Z/0/2", 8, 2.5]
    corrections.write_text(table(("_record_id", "rings", FEE), fixed))
    with nights.keys():
        replayed = replay(
            nights.settings, nights.dataset, batch_id="replay-1", corrections=corrections
        )
    assert counts(replayed) == {"read": 1, "inserted": 1}
    wanted = [("t1", 1.5, "x"), ("t2", 2.5, "y"), ("t3", 3.0, "z")]
    assert _rows(nights, "tree_id", "fee", "tick") == wanted
    # The contract names the new column: the table is built again from landing and from raw.
    share = {"name": "share", "physicalName": NEW, "logicalType": "integer"}
    source = Source(kind=SourceKind.FILES, location=f"{nights.drops}/trees/*.csv")
    later = _named(nights.drops.parent, [share], version="1.1.0")
    later = later.model_copy(update={"source": source})
    with nights.keys():
        built = stage.stage(nights.settings, later, Range(None, None))
        swap(nights.settings, later, built.backfill_id)
    shares = [("t1", None), ("t2", None), ("t3", 9)]
    assert _rows(nights, "tree_id", "share") == shares
    assert _rows(nights, "tree_id", "fee", "tick") == wanted


def test_a_batch_landed_before_there_were_renditions_is_read(make: Make) -> None:
    """Its manifest names UTF-8 CSV, and knows of no rendition."""
    nights = make()
    nights.run("b1", table(HEADER, ["t1", "oak", 7, 1.5, "two\nlines"], ["t2", "", 1, "", ""]))
    before = _rows(nights, "tree_id", "species", "fee", "tick")
    folder = Landing(nights.settings).batch_dir("parks.trees", "b1")
    shutil.rmtree(folder / "parts")
    manifest = json.loads((folder / MANIFEST).read_text())
    for file in manifest["files"]:
        for field in ("rendition", "header_line", "names_line"):
            del file[field]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with nights.keys():
        again = load(nights.settings, nights.dataset, "b1")
    assert counts(again) == {"read": 2, "unchanged": 2}
    assert _rows(nights, "tree_id", "species", "fee", "tick") == before
