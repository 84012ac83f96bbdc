"""Every way to load and to keep, each through a whole load from a dropped file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from histories_city import trees
from nights import Nights, counts
from pyspark.sql import SparkSession

from civiclake.contracts.model import Dataset, History, Load, Source, SourceKind
from civiclake.errors import BatchHeld, UserError
from civiclake.io.lake import tables
from civiclake.pipeline.night.load import load
from civiclake.settings import Settings

HEAD = "tree_id,species,rings\n"
LOG = "tree_id,species,rings,updated_at,op\n"
DAY = 86_400
FIRST = 1_451_700_000
"""2016-01-02, 02:00 UTC."""
Make = Callable[..., Nights]


@pytest.fixture
def make(settings: Settings, spark: SparkSession, tmp_path: Path) -> Make:
    def nights(load: Load, history: History, **own: Any) -> Nights:
        return Nights(settings, spark, tmp_path, trees(tmp_path, load, history, **own))

    return nights


def _rows(nights: Nights, *columns: str) -> list[tuple[Any, ...]]:
    table = nights.spark.table(tables.by_path(nights.settings, tables.UNIFIED, "parks_trees"))
    return [tuple(row) for row in table.select(*columns).orderBy(*columns).collect()]


def _outcomes(nights: Nights, step: str, batch: str) -> dict[str, int]:
    table = nights.spark.table(tables.by_path(nights.settings, tables.OPS, "outcomes"))
    found = table.where((table["step"] == step) & (table["batch_id"] == batch)).collect()
    return {row["outcome"]: row["rows"] for row in found if row["rows"]}


def _with(nights: Nights, dataset: Dataset) -> None:
    """A later version of the contract, fed from the same folder."""
    source = Source(kind=SourceKind.FILES, location=f"{nights.drops}/trees/*.csv")
    nights.dataset = dataset.model_copy(update={"source": source})


def _log(key: str, species: str, day: int, operation: str) -> str:
    return f"{key},{species},7,2016-01-{day:02d}T00:00:00Z,{operation}\n"


def test_change_log(make: Make) -> None:
    nights = make(Load.CHANGES, History.LATEST, event_time="updated_at")
    first = nights.run(
        "b1",
        LOG
        + _log("t1", "oak", 2, "I")
        + _log("t1", "elm", 4, "U")
        + _log("t2", "ash", 2, "I")
        + _log("t3", "fir", 2, "REMOVE")
        + _log("t9", "", 3, "D"),
    )
    assert counts(first) == {
        "read": 5, "inserted": 2, "unchanged": 1, "superseded": 1, "quarantined": 1,
    }  # fmt: skip
    assert first.reasons == {"operation:op": 1}
    second = nights.run(
        "b2",
        LOG
        + "t2,,,2016-01-06T00:00:00Z,D\n"  # a log tells no more than the key of what is gone
        + _log("t9", "yew", 2, "I")
        + _log("t1", "oak", 3, "U")
        + "t1,oak,7,,D\n",
    )
    assert counts(second) == {"read": 4, "updated": 1, "late": 2, "quarantined": 1, "deleted": 1}
    assert (second.revoked, second.reasons) == (1, {"required:updated_at": 1})
    assert _outcomes(nights, "kind", "b2") == {"revoked": 1, "deleted": 1}
    assert _rows(nights, "tree_id", "species") == [("t1", "elm")]
    # The older version of a deleted key, and then a newer one.
    third = nights.run("b3", LOG + _log("t2", "ash", 5, "U") + _log("t9", "box", 8, "I"))
    assert counts(third) == {"read": 2, "inserted": 1, "late": 1}
    assert _rows(nights, "tree_id", "species") == [("t1", "elm"), ("t9", "box")]
    said = "made for another one: keep that, or .* `civiclake backfill parks.trees --swap`"
    with pytest.raises(UserError, match=said), nights.keys():
        _with(nights, trees(nights.drops.parent, Load.CHANGES, History.HISTORY))
        load(nights.settings, nights.dataset, "b3")


def test_every_version_of_a_change_log(make: Make) -> None:
    nights = make(Load.CHANGES, History.HISTORY)
    nights.run("b1", LOG + _log("t1", "oak", 2, "I") + _log("t1", "elm", 6, "U"))
    late = nights.run("b2", LOG + _log("t1", "ash", 4, "U") + _log("t1", "", 8, "D"))
    assert counts(late) == {"read": 2, "updated": 1, "late": 1, "deleted": 1}

    def day(number: int) -> datetime:
        return datetime(2016, 1, number, tzinfo=UTC).replace(tzinfo=None)

    wanted = [
        ("t1", day(2), day(4), "oak", False),
        ("t1", day(4), day(6), "ash", False),
        ("t1", day(6), day(8), "elm", False),
    ]
    columns = ("tree_id", "_valid_from", "_valid_to", "species", "_is_current")
    assert _rows(nights, *columns) == wanted
    version = nights.version()
    again = nights.run("b3", LOG + _log("t1", "ash", 4, "U") + _log("t1", "", 8, "D"))
    assert counts(again) == {"read": 2, "unchanged": 2}
    assert nights.version() == version


def test_the_state_of_every_night(make: Make) -> None:
    nights = make(Load.SNAPSHOT, History.SNAPSHOT)
    nights.deliver(HEAD + "t1,oak,7\nt2,elm,7\nt3,ash,7\n", at=FIRST)
    nights.run("b1")
    nights.deliver(HEAD + "t1,oak,8\nt2,elm,7\n", at=FIRST + DAY)
    assert counts(nights.run("b2")) == {"read": 2, "inserted": 2}
    # The second night again, corrected: it replaces that night and no other.
    nights.deliver(HEAD + "t1,oak,9\nt4,fir,1\n", at=FIRST + DAY + 60)
    again = nights.run("b3")
    assert counts(again) == {"read": 2, "inserted": 1, "updated": 1, "deleted": 1}
    days = date(2016, 1, 2), date(2016, 1, 3)
    assert _rows(nights, "_snapshot_date", "tree_id", "rings") == [
        (days[0], "t1", 7), (days[0], "t2", 7), (days[0], "t3", 7),
        (days[1], "t1", 9), (days[1], "t4", 1),
    ]  # fmt: skip
    version = nights.version()
    nights.deliver(HEAD + "t1,oak,9\nt4,fir,1\n", at=FIRST + DAY + 120)
    assert counts(nights.run("b4")) == {"read": 2, "unchanged": 2}
    assert nights.version() == version
    nights.deliver(HEAD, at=FIRST + 2 * DAY)
    with pytest.raises(BatchHeld, match="an empty snapshot would delete every row"):
        nights.run("b5")
    nights.deliver(HEAD + "t1,oak,9\n", at=FIRST + 2 * DAY)
    said = r"b5 is held .* it holds 1 rows, 50% of the usual 2 .* allowed are 60%"
    limits = nights.dataset.limits.model_copy(update={"min_rows_fraction": 0.6})
    nights.dataset = nights.dataset.model_copy(update={"limits": limits})
    with pytest.raises(BatchHeld, match=said):
        nights.run("b5")
    assert nights.version() == version


def test_a_sequence_of_the_future_is_set_aside_and_hides_nothing(make: Make) -> None:
    nights = make(Load.CHANGES, History.LATEST)
    first = nights.run("b1", LOG + _log("t2", "ash", 2, "I") + "t1,oak,7,2061-01-01T00:00:00Z,I\n")
    assert counts(first) == {"read": 2, "inserted": 1, "quarantined": 1}
    assert first.reasons == {"future_sequence:updated_at": 1}
    second = nights.run("b2", LOG + _log("t1", "elm", 5, "U"))
    assert counts(second) == {"read": 1, "inserted": 1}
    assert _rows(nights, "tree_id", "species") == [("t1", "elm"), ("t2", "ash")]


def test_an_empty_delivery_that_may_be_is_not_taken_for_the_one_before_it(make: Make) -> None:
    nights = make(Load.FILES, History.LATEST)
    may_be = nights.dataset.limits.model_copy(update={"allow_empty": True, "min_rows_fraction": 0})
    nights.dataset = nights.dataset.model_copy(update={"limits": may_be})
    nights.run("b1", HEAD + "t1,oak,7\nt2,elm,3\n")
    version = nights.version()
    assert counts(nights.run("b2", HEAD)) == {}
    assert nights.version() == version
    assert counts(nights.run("b3", HEAD + "t1,oak,8\n")) == {"read": 1, "updated": 1}
    assert counts(nights.run("b4")) == {}, "no file at all is an empty batch, too"


def test_a_new_column_waits_in_raw_until_the_contract_names_it(make: Make) -> None:
    drift = {"new_column": "evolve", "changed_type": "discard_value"}
    nights = make(Load.FILES, History.LATEST, drift=drift)
    nights.run("b1", HEAD + "t1,oak,7\n")
    evolved = nights.run("b2", "tree_id,species,crown,rings\nt2,elm,3,many\nt3,elm,4,5\n")
    assert counts(evolved) == {"read": 2, "inserted": 2}
    assert evolved.warnings == {"new_column:crown": 2, "type:rings": 1}
    raw = nights.spark.table(tables.by_path(nights.settings, tables.RAW, "parks_trees"))
    kept = raw.select("tree_id", "crown").orderBy("tree_id").collect()
    assert [tuple(row) for row in kept] == [("t1", None), ("t2", "3"), ("t3", "4")]
    assert "crown" not in nights.table()[0]
    # The contract's next version names it, and an old batch is loaded again from landing.
    crown = {"name": "crown", "logicalType": "integer", "description": "Width in metres."}
    named = trees(nights.drops.parent, Load.FILES, History.LATEST, version="1.1.0", columns=[crown])
    _with(nights, named)
    with nights.keys():
        again = load(nights.settings, nights.dataset, "b2")
        first = load(nights.settings, nights.dataset, "b1")
    assert counts(again) == {"read": 2, "updated": 1, "quarantined": 1}
    assert counts(first) == {"read": 1, "unchanged": 1}
    aside = nights.spark.table(tables.by_path(nights.settings, tables.QUARANTINE, "parks_trees"))
    assert [row["raw"]["crown"] for row in aside.collect()] == ["3"]
    assert _rows(nights, "tree_id", "crown", "rings") == [
        ("t1", None, 7), ("t2", None, None), ("t3", 4, 5),
    ]  # fmt: skip


def test_a_column_whose_type_has_changed_holds_the_batch(make: Make) -> None:
    nights = make(Load.FILES, History.HISTORY, drift={"changed_type": "hold"})
    nights.deliver(HEAD + "t1,oak,7\nt2,elm,8\nt3,ash,seven\n", "rings.csv")
    with pytest.raises(BatchHeld) as held:
        nights.run("b1")
    said = "column rings holds 1 values that are not of type int (1 in 0001-rings.csv)"
    assert said in str(held.value)
    assert "seven" not in str(held.value), "no value of a record is told"
    nights.dataset = trees(
        nights.drops.parent, Load.FILES, History.HISTORY, drift={"changed_type": "discard_value"},
        limits={"max_set_aside_fraction": 0.3},
    )  # fmt: skip
    with pytest.raises(BatchHeld, match="changed_type is discard_value"), nights.keys():
        load(nights.settings, nights.dataset, "b1")


def test_corrections_are_told_from_news(make: Make) -> None:
    day = {"name": "day", "logicalType": "date"}
    nights = make(Load.FILES, History.LATEST, columns=[day], event_time="day")
    head = "tree_id,species,rings,day\n"
    nights.deliver(head + "t1,oak,7,2016-01-01\nt2,elm,7,2016-01-02\n", at=FIRST)
    assert (nights.run("b1").corrected, nights.run("b1").backdated) == (0, 0)
    rows = "t1,oak,8,2016-01-01\nt2,elm,8,2016-01-02\nt3,ash,1,2015-12-31\nt4,fir,1,2016-01-03\n"
    nights.deliver(head + rows, at=FIRST + DAY)
    result = nights.run("b2")
    assert counts(result) == {"read": 4, "inserted": 2, "updated": 2}
    assert (result.corrected, result.backdated) == (1, 1)
    assert _outcomes(nights, "kind", "b2") == {"corrected": 1, "backdated": 1}


def test_rows_are_compared_by_the_columns_that_the_contract_names_now(make: Make) -> None:
    crown = {"name": "crown", "logicalType": "integer", "description": "Width in metres."}
    nights = make(Load.FILES, History.LATEST, columns=[crown], drift={"new_column": "evolve"})
    wide = "tree_id,species,rings,crown\n"
    nights.run("b1", wide + "t1,oak,7,3\nt2,elm,,\nt3,fir,1,9\n")
    # The next version names a column less: what is served is hashed anew, and is not changed.
    narrow = trees(
        nights.drops.parent, Load.FILES, History.LATEST, version="2.0.0",
        drift={"new_column": "evolve"},
    )  # fmt: skip
    _with(nights, narrow)
    assert counts(nights.run("b2", wide + "t1,oak,7,4\nt2,elm,,5\n")) == {
        "read": 2, "unchanged": 2,
    }  # fmt: skip
    # A version that names it again finds an old value in the table, and in no hash.
    again = trees(
        nights.drops.parent, Load.FILES, History.LATEST, version="2.1.0", columns=[crown],
        drift={"new_column": "evolve"},
    )  # fmt: skip
    _with(nights, again)
    assert counts(nights.run("b3", wide + "t2,elm,,5\nt3,fir,1,9\n")) == {
        "read": 2, "updated": 1, "unchanged": 1,
    }  # fmt: skip
    # What a version that did not know the column has written does not claim an old value.
    assert _rows(nights, "tree_id", "crown") == [("t1", None), ("t2", 5), ("t3", 9)]


def test_a_held_batch_leaves_the_table_at_its_version_whatever_the_contract_says_since(
    make: Make,
) -> None:
    crown = {"name": "crown", "logicalType": "integer"}
    nights = make(Load.FILES, History.LATEST, columns=[crown], drift={"new_column": "evolve"})
    bad = nights.deliver("tree_id,species,rings,crown\nt1,oak,x,3\n")
    with pytest.raises(BatchHeld):
        nights.run("b0")
    bad.unlink()
    assert not tables.exists(nights.spark, nights.settings, tables.UNIFIED, "parks_trees")
    nights.run("b1", "tree_id,species,rings,crown\nt1,oak,7,3\nt2,elm,,\n")
    before = nights.version()
    # One column less, which is in the hashes, and one more, which the table lacks.
    leaf = {"name": "leaf", "logicalType": "string"}
    later = trees(
        nights.drops.parent, Load.FILES, History.LATEST, version="2.0.0", columns=[leaf],
        drift={"new_column": "evolve"},
    )  # fmt: skip
    _with(nights, later)
    bad = nights.deliver("tree_id,species,rings,leaf\nt1,oak,x,round\n")
    with pytest.raises(BatchHeld):
        nights.run("b2")
    bad.unlink()
    assert nights.version() == before
    result = nights.run("b3", "tree_id,species,rings,leaf\nt1,oak,7,\nt2,elm,,round\n")
    assert counts(result) == {"read": 2, "updated": 1, "unchanged": 1}
    # What came again was written by a version that knows no crown.
    assert _rows(nights, "tree_id", "crown", "leaf") == [("t1", None, None), ("t2", None, "round")]


def test_a_table_from_before_rows_had_a_hash_is_hashed_once(make: Make) -> None:
    nights = make(Load.FILES, History.LATEST)
    nights.run("b1", HEAD + "t1,oak,7\nt2,elm,\n")
    table = tables.by_path(nights.settings, tables.UNIFIED, "parks_trees")
    mapping = "'delta.columnMapping.mode' = 'name'"
    nights.spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({mapping})")
    nights.spark.sql(f"ALTER TABLE {table} DROP COLUMN _content_hash")
    assert counts(nights.run("b2", HEAD + "t1,oak,7\nt2,elm,8\n")) == {
        "read": 2, "updated": 1, "unchanged": 1,
    }  # fmt: skip
    assert counts(nights.run("b3", HEAD + "t1,oak,7\nt2,elm,8\n")) == {"read": 2, "unchanged": 2}


def test_values_that_change_places_are_a_change(make: Make) -> None:
    mark = {"name": "mark", "logicalType": "string"}
    nights = make(Load.FILES, History.LATEST, columns=[mark])
    head = "tree_id,species,rings,mark\n"
    nights.run("b1", head + "t1,oak,7,\nt2,elm,7,ash\n")
    second = nights.run("b2", head + "t1,,7,oak\nt2,ash,7,elm\n")
    assert counts(second) == {"read": 2, "updated": 2}
