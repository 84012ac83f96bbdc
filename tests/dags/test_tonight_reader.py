"""The ledger is read from real Delta tables, and only when these have changed."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tonight_city import batch, count, held, write

from tonight import reader
from tonight.reader import Reader, storage_options
from tonight.rows import Due

DAY = timedelta(days=1)


def test_there_is_no_ledger_yet(tmp_path: Path) -> None:
    found = Reader(str(tmp_path)).read()
    assert (found.batches, found.counts) == ((), ())


def test_every_value_comes_back_as_it_was_written(tmp_path: Path) -> None:
    of = batch(message='it\'s <b>50 %</b>\n"quoted"', read=10, seconds=1.25)
    write(tmp_path, "batches", [of])
    write(tmp_path, "outcomes", [count(of, "reason", "range:age", 3), count(of, "stage", "x", 1)])
    found = Reader(str(tmp_path)).read()
    assert found.batches == (of,)
    assert found.counts == (count(of, "reason", "range:age", 3),)


def test_what_is_appended_is_read_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    rows = reader._Table.rows

    def noted(table: reader._Table, columns: str, where: str = "true") -> object:
        asked.append(where)
        return rows(table, columns, where)

    monkeypatch.setattr(reader._Table, "rows", noted)
    old, new = batch(ago=5 * DAY), batch()
    write(tmp_path, "batches", [old])
    write(tmp_path, "outcomes", [count(old, "reason", "malformed", 1)])
    one = Reader(str(tmp_path))
    assert one.read().batches == (old,)
    assert len(asked) == 2
    assert one.read().batches == (old,)
    assert len(asked) == 2
    write(tmp_path, "batches", [new])
    assert one.read().batches == (old, new)
    assert one.read().counts == ()
    assert len(asked) == 4
    assert "started_at >=" in asked[2]
    write(tmp_path, "outcomes", [count(new, "reason", "malformed", 2)])
    assert one.read().counts == (count(new, "reason", "malformed", 2),)


def test_a_batch_that_began_before_but_ended_after_the_newest_is_not_missed(
    tmp_path: Path,
) -> None:
    slow, quick = batch("a.slow", ago=timedelta(hours=30)), batch("a.quick")
    write(tmp_path, "batches", [quick])
    one = Reader(str(tmp_path))
    one.read()
    write(tmp_path, "batches", [slow])
    assert set(one.read().batches) == {slow, quick}


def test_a_lake_made_anew_is_read_anew(tmp_path: Path) -> None:
    one = Reader(str(tmp_path))
    for of in (batch(ago=DAY), batch()):
        write(tmp_path, "batches", [of])
    assert len(one.read().batches) == 2
    shutil.rmtree(tmp_path / "ops")
    assert one.read().batches == ()
    write(tmp_path, "batches", [held("a.b")])
    assert [b.status for b in one.read().batches] == ["held"]


def test_old_attempts_are_dropped_but_not_the_last_good_one(tmp_path: Path) -> None:
    good = batch(ago=90 * DAY)
    bad = [held("health.visits", ago=timedelta(hours=n)) for n in range(80)]
    write(tmp_path, "batches", [good, *bad])
    found = Reader(str(tmp_path)).read().batches
    assert good in found
    assert len(found) == reader.KEPT + 1
    assert bad[0] in found


def test_what_was_due_is_read_where_it_is_written_down(tmp_path: Path) -> None:
    one = Reader(str(tmp_path))
    assert one.read().due == ()
    now = datetime.now(UTC).replace(microsecond=0)
    old = Due("a.b", now - 99 * DAY, now - 98 * DAY, "late", now, None)
    absent = Due("a.b", now - 2 * DAY, now - DAY, "absent", None, now)
    write(tmp_path, "deliveries", [old, absent])
    assert one.read().due == (absent,)


def test_a_ledger_that_cannot_be_read_says_so_and_keeps_what_is_known(tmp_path: Path) -> None:
    of = batch()
    write(tmp_path, "batches", [of])
    one = Reader(str(tmp_path))
    one.read()
    write(tmp_path, "batches", [batch("a.b")])
    for commit in (tmp_path / "ops" / "batches" / "_delta_log").glob("*.json"):
        commit.write_text("{broken")
    found = one.read()
    assert found.batches == (of,)
    assert found.fault.startswith(f"The ledger at {tmp_path}/ops can't be read: ")
    assert "\n" not in found.fault


def test_an_object_store_is_reached_by_the_usual_variables() -> None:
    given = {"AWS_ACCESS_KEY_ID": "k", "AWS_ENDPOINT_URL": "http://store:1", "HOME": "/"}
    assert storage_options("s3a://lake/x", given) == {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_ENDPOINT_URL": "http://store:1",
        "AWS_ALLOW_HTTP": "true",
    }
    assert storage_options("/a/folder", given) == {}
