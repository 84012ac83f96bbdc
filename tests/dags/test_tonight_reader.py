"""The ledger is read from real Delta tables, and only when these have changed."""

from __future__ import annotations

import base64
import json
import shutil
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from tonight_city import alarm, batch, count, held, write

from tonight import reader
from tonight.reader import Reader, storage_options
from tonight.rows import Due

DAY = timedelta(days=1)
# Delta's log writes bytes in the alphabet of Z85.
_PYTHONS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_DELTAS = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


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


def test_alarms_that_nobody_has_closed_are_read_the_open_ones_first(tmp_path: Path) -> None:
    write(tmp_path, "batches", [batch()])
    one = Reader(str(tmp_path))
    assert one.read().alarms == ()
    taken = alarm("a2", state="acknowledged", acknowledged_by="ann", sure=None)
    newer = alarm("a3", raised_at=alarm().raised_at + timedelta(hours=1))
    write(tmp_path, "alerts", [taken, alarm(), alarm("a4", state="closed"), newer])
    assert one.read().alarms == (newer, alarm(), taken)


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


def _delete(table: Path, place: int) -> None:
    """Take a row out of a table of one file by a deletion vector, as the jobs' engine does."""
    log = table / "_delta_log"
    actions = map(json.loads, (log / f"{0:020}.json").read_text().splitlines())
    (file,) = [action["add"] for action in actions if "add" in action]
    bitmap = struct.pack("<IIHHIH", 12346, 1, 0, 0, 16, place)  # Roaring: one array of one number
    data = struct.pack("<IQI", 1681511377, 1, 0) + bitmap + b"\0\0"
    text = base64.b85encode(data).translate(bytes.maketrans(_PYTHONS, _DELTAS)).decode()
    vector = {"storageType": "i", "pathOrInlineDv": text, "cardinality": 1}
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    written = [
        {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}},
        {"remove": {"path": file["path"], "dataChange": True, "deletionTimestamp": 0}},
        {"add": {**file, "deletionVector": {**vector, "sizeInBytes": len(data) - 2}}},
    ]
    (log / f"{1:020}.json").write_text("\n".join(map(json.dumps, written)))


def test_deleted_rows_are_not_shown(tmp_path: Path) -> None:
    """The library's own count() counts them: see docs/guides/other-clients.md."""
    now = datetime.now(UTC).replace(microsecond=0)
    due = [Due("a.b", now - n * DAY, now, "late", now, None) for n in (3, 2, 1)]
    write(tmp_path, "deliveries", due)
    table = tmp_path / "ops" / "deliveries"
    _delete(table, 1)
    assert sorted(Reader(str(tmp_path)).read().due, key=lambda d: d.due_at) == [due[0], due[2]]
    assert DeltaTable(table).count() == 3


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
