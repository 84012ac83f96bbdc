"""A batch, whatever happens to it: again, out of order, held, broken off, from two writers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from nights import Nights, city, counts
from pyspark.sql import SparkSession

from civiclake import secrets
from civiclake.errors import AccountError, BatchHeld, FencedError, LockHeld, UserError
from civiclake.io.extract import extract
from civiclake.io.lake import tables
from civiclake.io.lake.lock import table_lock
from civiclake.io.ops import ledger
from civiclake.pipeline.night import decide, merge
from civiclake.pipeline.night.load import load
from civiclake.settings import Settings

HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"
Make = Callable[[str], Nights]


def day(number: int, rain: float = 0.0, kind: str = "sun") -> str:
    return f"2016/01/{number:02d},{rain},5.0,1.0,2.0,{kind}\n"


@pytest.fixture
def make(settings: Settings, spark: SparkSession, tmp_path: Path) -> Make:
    def nights(dataset_id: str = "meteorology.daily") -> Nights:
        return Nights(settings, spark, tmp_path, city().dataset(dataset_id))

    return nights


def test_older_never_overwrites_newer_in_whatever_order_batches_come(make: Make) -> None:
    nights = make("meteorology.daily")
    nights.deliver(HEAD + day(1, 1.0) + day(2, 1.0), "a.csv", at=1_451_700_000)
    with nights.keys():
        extract(nights.settings, nights.dataset, "b1")
    nights.deliver(HEAD + day(1, 2.0) + day(3, 2.0), "b.csv", at=1_451_800_000)
    with nights.keys():
        extract(nights.settings, nights.dataset, "b2")
        newer = load(nights.settings, nights.dataset, "b2")
        older = load(nights.settings, nights.dataset, "b1")
    assert counts(newer) == {"read": 4, "inserted": 3, "superseded": 1}
    assert counts(older) == {"read": 2, "late": 1, "unchanged": 1}
    assert [row["precipitation_mm"] for row in nights.table()] == ["2.0", "1.0", "2.0"]


def test_change_to_and_from_null_is_a_change(make: Make) -> None:
    nights = make("meteorology.daily")
    nights.run("b1", HEAD + "2016/01/01,0.0,5.0,1.0,,sun\n2016/01/02,0.0,5.0,1.0,2.0,sun\n")
    changed = HEAD + "2016/01/01,0.0,5.0,1.0,2.0,sun\n2016/01/02,0.0,5.0,1.0,,sun\n"
    result = nights.run("b2", changed)
    assert counts(result) == {"read": 2, "updated": 2}
    assert [row["wind_m_per_s"] for row in nights.table()] == ["2.0", ""]


def test_a_batch_that_can_not_be_believed_is_held_and_the_table_stays(make: Make) -> None:
    nights = make("meteorology.daily")
    nights.run("b1", HEAD + day(1) + day(2))
    before = (nights.table(), nights.version())
    with pytest.raises(BatchHeld, match=r"b2 is held .* 3 of 4 rows \(75%\)") as held:
        nights.run("b2", HEAD + day(3) + "".join(day(n, -1.0) for n in (4, 5, 6)))
    assert "City weather service" in str(held.value)
    assert (nights.table(), nights.version()) == before
    assert nights.quarantine() == []
    with nights.keys():
        rows = ledger.newest(nights.spark, nights.settings, 5)
    assert [(r[1], r[3]) for r in rows] == [("b2", "held"), ("b1", "merged")]


def test_held_batch_is_read_again_with_the_next_one(make: Make) -> None:
    nights = make("meteorology.daily")
    bad = nights.deliver(HEAD + day(1, -1.0) + day(2, -1.0), "bad.csv")
    with nights.keys():
        extract(nights.settings, nights.dataset, "b1")
        with pytest.raises(BatchHeld):
            load(nights.settings, nights.dataset, "b1")
    bad.unlink()
    result = nights.run("b2", HEAD + day(1) + day(2))
    assert counts(result) == {"read": 2, "inserted": 2}


def test_snapshot_deletes_what_is_gone_but_not_too_much(make: Make) -> None:
    head = "facility_id,name,kind,district_code,beds,latitude,longitude,opened_on\n"
    rows = [f"F{n:04d},House {n},clinic,990101,{n},47.5,-122.3,1990-01-01\n" for n in range(1, 11)]
    nights = make("health.facilities")
    nights.run("b1", head + "".join(rows))
    result = nights.run("b2", head + "".join(rows[:9]))
    assert counts(result) == {"read": 9, "unchanged": 9, "deleted": 1}
    before = nights.version()
    with pytest.raises(BatchHeld, match=r"would delete 4 of 9 served rows .*20%"):
        nights.run("b3", head + "".join(rows[:5]))
    assert nights.version() == before


def test_snapshot_older_than_the_served_one_changes_nothing(make: Make) -> None:
    head = "facility_id,name,kind,district_code,beds,latitude,longitude,opened_on\n"
    nights = make("health.facilities")
    nights.deliver(head + "F0001,Old,clinic,990101,1,,,1990-01-01\n", "a.csv", at=1_451_700_000)
    with nights.keys():
        extract(nights.settings, nights.dataset, "b1")
    nights.deliver(head + "F0002,New,clinic,990101,1,,,1990-01-01\n", "b.csv", at=1_451_800_000)
    nights.run("b2")
    with nights.keys():
        older = load(nights.settings, nights.dataset, "b1")
    assert counts(older) == {"read": 1, "late": 1}
    assert [row["facility_id"] for row in nights.table()] == ["F0002"]


def test_a_reference_that_was_never_loaded_is_one_sentence(make: Make) -> None:
    nights = make("health.visits")
    delivery = Path(__file__).parents[1] / "golden/health.visits/night_1/delivery.csv"
    with pytest.raises(UserError, match=r"refers to health\.facilities, which was never loaded"):
        nights.run("b1", delivery.read_text())


def test_crash_between_quarantine_and_merge_counts_no_row_twice(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = make("meteorology.daily")
    nights.deliver(HEAD + "".join(day(n) for n in range(1, 12)) + day(12, -1.0))
    with nights.keys():
        extract(nights.settings, nights.dataset, "b1")
        with monkeypatch.context() as patch:
            patch.setattr(merge, "merge", _crash)
            with pytest.raises(RuntimeError, match="power cut"):
                load(nights.settings, nights.dataset, "b1")
        result = load(nights.settings, nights.dataset, "b1")
    assert counts(result) == {"read": 12, "inserted": 11, "quarantined": 1}
    assert result.attempt == 2
    assert len(nights.quarantine()) == 1


def _crash(*_: object) -> None:
    raise RuntimeError("power cut")


def test_a_disagreement_of_counts_fails_the_batch_and_writes_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = make("meteorology.daily")
    nights.run("b1", HEAD + day(1))
    before = nights.version()
    honest = decide.edits
    # As if the new rows were lost on their way: what is written is not what was decided.
    monkeypatch.setattr(decide, "edits", lambda f: honest(f).where("_edit <> 'insert'"))
    with pytest.raises(AccountError, match=r"2 rows were to be written, but it would be 1"):
        nights.run("b2", HEAD + day(1, 3.0) + day(2))
    monkeypatch.setattr(decide, "edits", lambda f: honest(f).where("_edit <> 'update'"))
    with pytest.raises(AccountError, match=r"1 rows were to be removed, but it would be 0"):
        nights.run("b3", HEAD + day(1, 4.0) + day(2))
    assert nights.version() == before


def test_second_writer_waits_for_nobody_and_says_who_is_first(make: Make) -> None:
    nights = make("meteorology.daily")
    nights.deliver(HEAD + day(1))
    with nights.keys():
        extract(nights.settings, nights.dataset, "b1")
        with (
            table_lock(nights.settings, nights.dataset.table, holder="b0"),
            pytest.raises(LockHeld, match="is being written by b0"),
        ):
            load(nights.settings, nights.dataset, "b1")


def test_a_writer_that_lost_its_lock_can_not_commit(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = make("meteorology.daily")
    nights.run("b1", HEAD + day(1))
    before = nights.version()
    monkeypatch.setattr("civiclake.io.lake.lock.TableLock.check", lambda self: None)
    # The fence in Delta itself: a commit under the last token is behind us already.
    path = nights.settings.locks_dir / f"{nights.dataset.table}.json"
    path.write_text('{"token": 0, "released": true}')
    with pytest.raises(FencedError, match="younger writer"):
        nights.run("b2", HEAD + day(2))
    assert nights.version() == before


def test_a_killed_load_leaves_no_spark_work_and_can_be_run_again(make: Make) -> None:
    nights = make("meteorology.daily")
    nights.deliver(HEAD + "".join(day(n) for n in range(1, 29)))
    script = (
        "from civiclake.pipeline.writing import writing\n"
        "from civiclake.settings import load_settings\n"
        "with writing(load_settings(), 'meteorology_daily', 'b0') as (spark, lock):\n"
        "    print(spark.session_id, flush=True)\n"
        "    spark.range(1, 100_000_000_000).where('hash(id) = 7').count()\n"
    )
    engine = nights.settings.engine
    env = {
        **os.environ,
        secrets.variable("connect_token"): secrets.get(nights.secrets_from, "connect_token"),
        "CIVICLAKE_STATE_DIR": str(nights.settings.state_dir),
        "CIVICLAKE_ENGINE__CONNECT_PORT": str(engine.connect_port),
    }
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=env
    ) as child:
        assert child.stdout is not None
        session = child.stdout.readline().strip()
        time.sleep(2)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 128 + signal.SIGTERM
    assert session
    assert counts(nights.run("b1")) == {"read": 28, "inserted": 28}


def test_ledger_holds_every_step_of_every_batch(make: Make) -> None:
    nights = make("meteorology.daily")
    nights.run("b1", HEAD + day(1))
    outcomes = nights.spark.table(tables.by_path(nights.settings, tables.OPS, "outcomes")).collect()
    steps = [r["step"] for r in outcomes if r["outcome"] == "done"]
    assert steps == ["stage", "judge", "verdict", "classify", "merge", "set_aside"]
    accounts = {r["outcome"]: r["rows"] for r in outcomes if r["step"] == "account"}
    assert accounts["inserted"] == 1
    assert {r["rows"] for r in outcomes if r["step"] == "extract"} == {1}


def test_nothing_of_a_batch_stays_in_staging(make: Make) -> None:
    nights = make("meteorology.daily")
    nights.run("b1", HEAD + day(1))
    left = [p for p in (Path(nights.settings.lake) / "staging").rglob("*") if p.is_file()]
    assert left == []
