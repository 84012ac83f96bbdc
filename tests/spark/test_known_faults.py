"""A fault that comes every night is one open row in quarantine, whatever becomes of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from histories_city import trees
from nights import Nights, counts
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from civiclake.contracts.model import Dataset, History, Load
from civiclake.io.lake import quarantine, recognise, tables
from civiclake.io.lake.fingerprint import with_fingerprint
from civiclake.pipeline.night.batch import Batch
from civiclake.pipeline.night.load import load
from civiclake.pipeline.night.replay import replay
from civiclake.settings import Settings

HEAD = "tree_id,species,rings\n"
GOOD = "".join(f"t{n},oak,{n}\n" for n in range(1, 9))
FIRST = datetime(2016, 1, 1, 2, tzinfo=UTC)
ROWS = (
    "_record_id string, _batch_id string, _file string, _row bigint, _delivered_at timestamp,"
    " _malformed string, _raw map<string,string>, reasons array<string>"
)
Keys = Sequence[str]


@dataclass
class Store:
    """One quarantine, brought up to date as the loads do it."""

    spark: SparkSession
    settings: Settings
    dataset: Dataset
    is_small: bool = True

    @property
    def table(self) -> str:
        return tables.by_path(self.settings, tables.QUARANTINE, self.dataset.table)

    def night(self, number: int, bad: Keys, *, again: bool = False, whole: bool = True) -> None:
        """Set records aside, one for each key; "" is a sound one. ``again``: a second try."""
        batch = Batch(self.spark, self.settings, self.dataset, f"b{number}", attempt=1)
        at = FIRST + timedelta(days=number)
        ids = [f"b{number}/0/{row}" for row in range(len(bad))]
        values = [
            (ids[row], f"b{number}", "a.csv", row, at, None, {"k": key}, ["type:k"])
            for row, key in enumerate(bad)
            if key
        ]
        frame = with_fingerprint(
            self.spark.createDataFrame(values, ROWS), "_raw", "_malformed", F.lit("")
        )
        rows = quarantine.rows_from(frame, self.dataset, batch.batch_id, "r1")
        told = self.spark.createDataFrame([(one,) for one in ids], "_record_id string")
        said = recognise.Judgement(
            batch.batch_id, rows, told if again else None, any(bad), whole, self.is_small
        )
        recognise.settle(self.spark, self.settings, self.dataset, said, batch)

    def known(self) -> list[tuple[Any, ...]]:
        """Key, status, batches of the first and the last sighting, and how many there were."""
        return known(self.spark, self.table, "k")


def known(spark: SparkSession, table: str, key: str) -> list[tuple[Any, ...]]:
    rows = spark.table(table).collect()
    named = ("status", "_batch_id", "last_seen_batch", "times_seen")
    return sorted((r["raw"][key], *(r[name] for name in named)) for r in rows)


@pytest.fixture
def store(settings: Settings, spark: SparkSession, tmp_path: Path) -> Store:
    own = settings.model_copy(update={"state_dir": tmp_path})
    return Store(spark, own, trees(tmp_path, Load.SNAPSHOT, History.LATEST))


def test_a_fault_that_comes_again_stays_one_row(store: Store) -> None:
    store.night(1, ["x", "y", "y"])
    store.night(2, ["y", "x", "y"])
    twice = ("open", "b1", "b2", 2)
    assert store.known() == [("x", *twice), ("y", *twice), ("y", *twice)]
    # Run again, in whatever order: the same.
    store.night(2, ["y", "x", "y"], again=True)
    store.night(1, ["x", "y", "y"], again=True, whole=False)
    assert store.known() == [("x", *twice), ("y", *twice), ("y", *twice)]
    # One of two equal ones comes no more, x neither, and z is new.
    store.night(3, ["y", "z"])
    gone = [("x", "gone", "b1", "b2", 2), ("y", "gone", "b1", "b2", 2)]
    assert store.known() == [*gone, ("y", "open", "b1", "b3", 3), ("z", "open", "b3", "b3", 1)]
    # The same night under looser rules: what passes is released, by its newest sighting; and
    # one that was gone, and is back, is a fault of its own.
    store.night(3, ["", "z", "x"], again=True)
    assert store.known() == [
        gone[0], ("x", "open", "b3", "b3", 1), gone[1],
        ("y", "released", "b1", "b3", 3), ("z", "open", "b3", "b3", 1),
    ]  # fmt: skip
    # Nothing is wrong any more.
    store.night(4, [])
    assert [row for row in store.known() if row[1] == "open"] == []


def test_in_memory_and_in_spark_the_same_becomes_of_every_record(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    stores = []
    for is_small in (True, False):
        own = settings.model_copy(update={"state_dir": tmp_path / f"small_{is_small}"})
        dataset = trees(own.state_dir, Load.SNAPSHOT, History.LATEST)
        stores.append(Store(spark, own, dataset, is_small))
    draw = random.Random(18)
    for number in range(1, 6):
        bad = draw.choices(["", "x", "y", "z", "v", "w"], k=draw.randint(2, 7))
        whole = draw.random() < 0.4
        for store in stores:
            store.night(number, bad, whole=whole)
        few, many = (_content(store) for store in stores)
        assert few == many, (number, bad, whole)
    assert {row["status"] for row in few} == {"open", "gone"}
    assert max(row["times_seen"] for row in few) > 2


def _content(store: Store) -> list[dict[str, Any]]:
    rows = store.spark.table(store.table).drop("judged_at").orderBy("_record_id").collect()
    return [row.asDict() for row in rows]


def test_what_is_no_snapshot_closes_nothing_and_news_are_appended(store: Store) -> None:
    store.night(1, ["x"], whole=False)
    store.night(2, ["y"], whole=False)
    operation = store.spark.sql(f"DESCRIBE HISTORY {store.table} LIMIT 1").collect()[0]
    assert operation["operation"] == "WRITE", "no MERGE where nothing is known"
    store.night(3, ["x"], whole=False)
    assert store.known() == [("x", "open", "b1", "b3", 2), ("y", "open", "b2", "b2", 1)]


def test_a_quarantine_from_before_faults_were_known_goes_on(store: Store) -> None:
    older = [column for column in quarantine.COLUMNS if column[0] in _OLD]
    tables.create(store.spark, store.settings, tables.QUARANTINE, store.dataset.table, older)
    place = tables.location(store.settings, tables.QUARANTINE, store.dataset.table)
    for number in (1, 2):
        values = [
            (f"b{number}/0/{row}", f"b{number}", "a.csv", row, FIRST + timedelta(days=number),
             "open", ["type:k"], {"k": key})
            for row, key in enumerate(["x", "y", "y"])
        ]  # fmt: skip
        names = ", ".join(f"{name} {kind}" for name, kind in older[:8])
        frame = store.spark.createDataFrame(values, names)
        frame.write.format("delta").mode("append").save(place)
    shown = quarantine.show(store.spark, store.settings, store.dataset, reason=None, limit=9)
    assert [(r.first_seen_batch, r.last_seen_batch, r.times_seen) for r in shown] == [
        *[("b1", "b1", 1)] * 3, *[("b2", "b2", 1)] * 3,
    ]  # fmt: skip
    assert quarantine.claim(store.spark, store.settings, store.dataset, "replay-1") == 6
    # The pile of all nights becomes one row for each fault.
    store.night(3, ["x", "y"])
    assert [row for row in store.known() if row[1] == "open"] == [
        ("x", "open", "b1", "b3", 2), ("y", "open", "b1", "b3", 2),
    ]  # fmt: skip
    assert len(store.known()) == 6


_OLD = (
    "_record_id", "_batch_id", "_file", "_row", "_delivered_at", "status", "reasons", "raw",
    "malformed_text", "contract_version", "rules_version", "judged_by_batch", "judged_at",
    "claimed_by_batch", "released_by_batch",
)  # fmt: skip
"""The columns of such a table."""


def test_whole_nights(settings: Settings, spark: SparkSession, tmp_path: Path) -> None:
    nights = Nights(settings, spark, tmp_path, trees(tmp_path, Load.FILES, History.LATEST))
    nights.deliver(HEAD + GOOD + "t10,oak,many\n", "a.csv")
    nights.run("b1")
    # The file again with the same fault, and the same record in another file, which is another.
    nights.deliver(HEAD + GOOD + "t10,oak,many\n", "a.csv")
    nights.deliver(HEAD + "t9,oak,1\nt10,oak,many\n", "c.csv")
    second = nights.run("b2")
    assert counts(second) == {"read": 11, "inserted": 1, "unchanged": 8, "quarantined": 2}
    table = tables.by_path(nights.settings, tables.QUARANTINE, nights.dataset.table)
    assert known(spark, table, "tree_id") == [
        ("t10", "open", "b1", "b2", 2), ("t10", "open", "b2", "b2", 1),
    ]  # fmt: skip
    file = tmp_path / "corrected.csv"
    file.write_text("_record_id,rings\nb1/0/9,6\n")
    with nights.keys():
        mended = replay(nights.settings, nights.dataset, corrections=file)
    assert counts(mended) == {"read": 2, "inserted": 1, "quarantined": 1}
    assert [row[1] for row in known(spark, table, "tree_id")] == ["open", "released"]


def test_where_every_night_stays_served_a_fault_of_it_stays_open(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    """The night after lacks the row, and so does the night that it belongs to."""
    nights = Nights(settings, spark, tmp_path, trees(tmp_path, Load.SNAPSHOT, History.SNAPSHOT))
    for number in (1, 2):
        at = FIRST + timedelta(days=number)
        text = f"{HEAD}{GOOD}t1{number},oak,many\n"
        nights.deliver(text, f"{number}.csv", at=int(at.timestamp()))
        nights.run(f"b{number}")
    both = [("t11", "open", "b1", "b1", 1), ("t12", "open", "b2", "b2", 1)]
    table = tables.by_path(nights.settings, tables.QUARANTINE, nights.dataset.table)
    assert known(spark, table, "tree_id") == both
    with nights.keys():
        load(nights.settings, nights.dataset, "b1")
    assert known(spark, table, "tree_id") == both
