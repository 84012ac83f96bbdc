"""Files are tidied, and nothing else is changed: not a row, not an account, not a way back."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from pathlib import Path

import pytest
from nights import Nights, age, city, counts
from pyspark.sql import SparkSession

from civiclake.errors import AccountError, UserError
from civiclake.io.lake import tables
from civiclake.io.lake.lock import table_lock
from civiclake.io.ops.maintenance import Upkeep
from civiclake.pipeline.night import decide
from civiclake.pipeline.upkeep import files as tidy
from civiclake.pipeline.upkeep import maintain as module
from civiclake.pipeline.upkeep.maintain import maintain
from civiclake.settings import Settings

HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"
ID, NAME = "meteorology.daily", "unified.meteorology_daily"
BATCHES = 4


def day(number: int, rain: float = 0.0) -> str:
    return f"2016/01/{number:02d},{rain},5.0,1.0,2.0,sun\n"


def _nights(settings: Settings, spark: SparkSession, state: Path) -> Nights:
    made = Nights(settings, spark, state, city().dataset(ID))
    rules = settings.maintenance.model_copy(update={"min_files": 3})
    made.settings = made.settings.model_copy(update={"maintenance": rules})
    return made


@pytest.fixture
def nights(settings: Settings, spark: SparkSession, tmp_path: Path) -> Nights:
    return _nights(settings, spark, tmp_path)


@pytest.fixture(scope="module")
def loaded(
    settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Nights:
    """A table of many small batches, some of which change rows."""
    made = _nights(settings, spark, tmp_path_factory.mktemp("loaded"))
    for number in range(1, BATCHES + 1):
        former = day(number - 1, 3.0) if number > 1 else ""
        made.run(f"b{number}", HEAD + day(number) + day(number + 10) + former)
    return made


@pytest.fixture
def many(loaded: Nights, tmp_path: Path) -> Nights:
    return loaded.copied(tmp_path)


def tidied(nights: Nights, name: str | None = ID, *, dry_run: bool = False) -> dict[str, Upkeep]:
    with nights.keys():
        rows = maintain(nights.settings, city(), name, dry_run=dry_run)
    return {row.table: row for row in rows}


def files(nights: Nights, layer: str = tables.UNIFIED) -> int:
    table = tables.by_path(nights.settings, layer, nights.dataset.table)
    return int(nights.spark.sql(f"DESCRIBE DETAIL {table}").collect()[0]["numFiles"])


def operations(nights: Nights) -> list[str]:
    table = tables.by_path(nights.settings, tables.UNIFIED, nights.dataset.table)
    return [r["operation"] for r in nights.spark.sql(f"DESCRIBE HISTORY {table}").collect()]


def test_small_files_become_one_and_the_nights_go_on(many: Nights) -> None:
    before, content = files(many), many.table()
    assert before >= BATCHES
    plan = tidied(many, dry_run=True)[NAME]
    assert (plan.done, plan.files_before) == ("seen", before)
    assert "small files" in plan.why
    assert files(many) == before
    rows = tidied(many)
    row = rows[NAME]
    assert (row.done, row.files_before, row.files_after) == ("compacted", before, 1)
    assert (files(many), many.table()) == (1, content)
    # Each night of raw is a partition with one file: there is nothing to write together.
    assert rows["raw.meteorology_daily"].done == "seen"
    assert files(many, tables.RAW) == BATCHES
    # Nothing has changed since, so nothing is looked at.
    again = tidied(many)
    assert {r.done for r in again.values()} == {"unchanged"}
    assert operations(many).count("OPTIMIZE") == 1
    # The next nights merge and count as ever; the same batch again changes nothing.
    assert counts(many.run("b8", HEAD + day(1, 9.0) + day(20))) == {
        "read": 2, "inserted": 1, "updated": 1,
    }  # fmt: skip
    assert counts(many.run("b9", HEAD + day(1, 9.0))) == {"read": 1, "unchanged": 1}
    kept = many.spark.table(tables.by_path(many.settings, tables.OPS, "maintenance")).collect()
    assert {r["table"] for r in kept} == set(rows)


def test_a_wrong_count_after_a_compaction_writes_nothing(
    many: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied(many)
    content = many.table()
    with monkeypatch.context() as patch:
        patch.setattr(decide, "edits", lambda frame: frame.where("_edit is null"))
        with pytest.raises(AccountError, match="nothing was committed"):
            many.run("b8", HEAD + day(25))
    assert many.table() == content
    assert counts(many.run("b9", HEAD + day(26))) == {"read": 2, "inserted": 2}


def test_a_table_that_is_written_is_passed_over(many: Nights) -> None:
    before = many.version()
    with table_lock(many.settings, many.dataset.table, holder="b8"):
        row = tidied(many)[NAME]
    assert row.done == "busy"
    assert "is being written by b8" in row.why
    assert many.version() == before
    assert tidied(many)[NAME].done == "compacted"


def test_a_night_that_wants_the_table_gets_it_at_once(
    many: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def endless(spark: SparkSession, *_: object) -> None:
        begun.set()
        spark.range(1, 100_000_000_000).where("hash(id) = 7").count()

    monkeypatch.setattr(module, "compact", endless)
    rows: dict[str, Upkeep] = {}
    waited = 0.0
    with many.keys():
        # Signals are the main thread's; here another one does the maintenance.
        monkeypatch.setattr("civiclake.pipeline.writing._stopping", contextlib.nullcontext)
        made = threading.Thread(
            target=lambda: rows.update({r.table: r for r in maintain(many.settings, city(), ID)})
        )
        made.start()
        assert begun.wait(60)
        began = time.monotonic()
        with table_lock(many.settings, many.dataset.table, holder="b8"):
            waited = time.monotonic() - began
        made.join(60)
    assert waited < 15
    assert rows[NAME].done == "gave way"
    assert "another writer wanted the table" in rows[NAME].why
    assert "OPTIMIZE" not in operations(many)


def test_what_takes_too_long_is_broken_off(many: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = many.settings.maintenance.model_copy(update={"max_seconds": 1.0})
    many.settings = many.settings.model_copy(update={"maintenance": rules})
    monkeypatch.setattr(
        module,
        "compact",
        lambda spark, *_: spark.range(1, 100_000_000_000).where("hash(id) = 7").count(),
    )
    assert "took more than 1 s" in tidied(many)[NAME].why


def test_files_go_when_no_version_in_reach_needs_them(many: Nights) -> None:
    tidied(many)
    folder = Path(tables.location(many.settings, tables.UNIFIED, many.dataset.table))
    there = len(list(folder.glob("*.parquet")))
    assert there > 1
    # Everything that was replaced is kept for thirty days, though Delta would keep it for seven.
    age(folder, days=20)
    assert tidied(many)[NAME].files_vacuumed is None
    table = tables.by_path(many.settings, tables.UNIFIED, many.dataset.table)
    many.spark.sql(f"SELECT * FROM {table} VERSION AS OF 1").collect()
    with contextlib.suppress(OSError):
        shutil.rmtree(Path(many.settings.lake) / "ops" / "maintenance")
    age(folder, days=20)
    lying = stored(folder)
    row = tidied(many)[NAME]
    assert "vacuumed" in row.done
    # Data, deletion vectors and the change feed: all that only older versions need.
    assert row.files_vacuumed == lying - stored(folder) >= there - 1
    assert len(list(folder.glob("*.parquet"))) == 1
    said = {r["key"]: r["value"] for r in many.spark.sql(f"SHOW TBLPROPERTIES {table}").collect()}
    assert said["delta.deletedFileRetentionDuration"] == "interval 30 days"
    assert counts(many.run("b8", HEAD + day(28))) == {"read": 1, "inserted": 1}


def stored(folder: Path) -> int:
    """Files of a table on the disk, without its log."""
    found = (p for kind in ("*.parquet", "*.bin") for p in folder.rglob(kind))
    return len([path for path in found if "_delta_log" not in path.parts])


def test_a_big_file_is_purged_of_its_deleted_rows_when_they_are_many(nights: Nights) -> None:
    settings = nights.settings
    some = tidy.Partition({}, files=1, size=10**9, small=0, worst_share=0.2)
    much = tidy.Partition({}, files=1, size=10**9, small=0, worst_share=0.4)
    assert tidy.compact_what(settings, [some]) == []
    assert tidy.compact_what(settings, [some, much]) == [much]


def test_an_unknown_name_is_one_sentence(nights: Nights) -> None:
    with pytest.raises(UserError, match=r"there is no 'meteorology.dayly'.*meteorology\.daily"):
        maintain(nights.settings, city(), "meteorology.dayly")
