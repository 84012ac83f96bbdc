"""Another history or another type in the contract: the table is rebuilt from landing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from histories_city import trees
from nights import Nights, counts
from pyspark.sql import SparkSession

from civiclake import columns as c
from civiclake.contracts.model import History, Load, Source, SourceKind
from civiclake.errors import UserError
from civiclake.io.lake import tables
from civiclake.pipeline.night.load import load
from civiclake.pipeline.rebuild import stage
from civiclake.pipeline.rebuild.difference import read_difference
from civiclake.pipeline.rebuild.plan import Range
from civiclake.pipeline.rebuild.swap import swap
from civiclake.settings import Settings

HEAD = "tree_id,species,rings,crown\n"
B1, B2, B3 = "20160102T020000Z", "20160103T020000Z", "20160104T020000Z"
ALL = Range(None, None)
REMEDY = "rebuild the table from landing .*: `civiclake backfill parks.trees --swap`"


def _moment(day: int) -> datetime:
    return datetime(2016, 1, day, 2, tzinfo=UTC)


def _deliver(nights: Nights, day: int, rows: str) -> None:
    nights.deliver(HEAD + rows, at=int(_moment(day).timestamp()))


def _become(nights: Nights, history: History, crown: str) -> None:
    """The contract's next state, fed from the same folder."""
    columns = [{"name": "crown", "logicalType": crown}]
    made = trees(nights.drops.parent, Load.SNAPSHOT, history, columns=columns)
    source = Source(kind=SourceKind.FILES, location=f"{nights.drops}/trees/*.csv")
    nights.dataset = made.model_copy(update={"source": source})


def _rows(nights: Nights, *columns: str) -> list[tuple[Any, ...]]:
    table = nights.spark.table(tables.by_path(nights.settings, tables.UNIFIED, "parks_trees"))
    return [tuple(row) for row in table.select(*columns).orderBy(*columns).collect()]


def _refused(nights: Nights, said: str) -> None:
    with nights.keys(), pytest.raises(UserError, match=f"{said}.*{REMEDY}"):
        load(nights.settings, nights.dataset, B2)


def _rebuild(nights: Nights, days: Range = ALL) -> str:
    with nights.keys():
        staged = stage.stage(nights.settings, nights.dataset, days)
        swap(nights.settings, nights.dataset, staged.backfill_id)
    assert (staged.base_version, staged.batches) == (None, 2)
    return read_difference(staged)


def test_a_table_is_rebuilt_as_its_contract_now_says(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    first = trees(
        tmp_path,
        Load.SNAPSHOT,
        History.LATEST,
        columns=[{"name": "crown", "logicalType": "integer"}],
    )
    nights = Nights(settings, spark, tmp_path, first)
    _deliver(nights, 2, "t1,oak,7,3\nt2,elm,7,4\n")
    nights.run(B1)
    _deliver(nights, 3, "t1,oak,8,3\nt2,elm,7,4\n")
    nights.run(B2)

    # Another type, and with it another history: every batch is applied, whatever the range.
    _become(nights, History.LATEST, "string")
    _refused(nights, "column crown is of type string, but unified.parks_trees holds it as int")
    _become(nights, History.HISTORY, "integer")
    _refused(nights, "history is history, but unified.parks_trees was made for another one")
    _become(nights, History.HISTORY, "string")
    with nights.keys(), pytest.raises(UserError, match="the source knows no former night"):
        stage.stage(nights.settings, nights.dataset, ALL, from_source=True)
    told = _rebuild(nights, Range(date(2016, 1, 3), None))
    assert "history becomes history: rows in force are compared" in told
    assert "column crown becomes string (was int)" in told
    assert "| the same | 2 |" in told
    early, late = (_moment(day).replace(tzinfo=None) for day in (2, 3))
    assert _rows(nights, "tree_id", "rings", "crown", c.VALID_FROM, c.VALID_TO) == [
        ("t1", 7, "3", early, late), ("t1", 8, "3", late, None), ("t2", 7, "4", early, None),
    ]  # fmt: skip

    # A table a night: it has its partitions, and the next night is loaded as ever.
    _become(nights, History.SNAPSHOT, "string")
    _rebuild(nights)
    table = tables.by_path(nights.settings, tables.UNIFIED, "parks_trees")
    detail = spark.sql(f"DESCRIBE DETAIL {table}").collect()[0]
    assert list(detail["partitionColumns"]) == [c.SNAPSHOT_DATE]
    _deliver(nights, 4, "t1,oak,9,none\nt2,elm,7,4\n")
    assert counts(nights.run(B3)) == {"read": 2, "inserted": 2}
    assert _rows(nights, c.SNAPSHOT_DATE, "tree_id", "rings") == [
        (date(2016, 1, 2), "t1", 7), (date(2016, 1, 2), "t2", 7),
        (date(2016, 1, 3), "t1", 8), (date(2016, 1, 3), "t2", 7),
        (date(2016, 1, 4), "t1", 9), (date(2016, 1, 4), "t2", 7),
    ]  # fmt: skip
