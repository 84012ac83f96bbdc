"""What a table's log tells of a row that is looked for, and what is told of one's own file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from civiclake.io.lake.append import statistics
from civiclake.io.lake.log_bounds import may_hold, standing
from civiclake.settings import Settings

COLUMNS = (("dataset", "string"), ("due_at", "timestamp"), ("rows", "bigint"), ("share", "double"))
DAY = datetime(2026, 3, 1, 6, tzinfo=UTC)
Row = tuple[Any, ...]


def stats(*rows: Row) -> str:
    return json.dumps(statistics(COLUMNS, rows))


def row(dataset: str, due_at: datetime = DAY) -> Row:
    return (dataset, due_at, 1, 0.5)


@pytest.fixture
def lake(tmp_path: Path) -> Settings:
    (tmp_path / "lake" / "ops" / "t" / "_delta_log").mkdir(parents=True)
    return Settings.model_construct(state_dir=tmp_path, lake_uri=None)


def commit(lake: Settings, version: int, *actions: dict[str, Any]) -> None:
    log = Path(lake.lake) / "ops" / "t" / "_delta_log"
    text = "".join(json.dumps(action) + "\n" for action in actions)
    (log / f"{version:020d}.json").write_text(text)


def add(name: str, told: str | None) -> dict[str, Any]:
    return {"add": {"path": name, "stats": told}}


def found(lake: Settings, dataset: str, due_at: datetime = DAY) -> bool:
    return may_hold(lake, "ops", "t", dataset=dataset, due_at=due_at)


def test_a_row_is_told_from_news_by_each_of_its_values(lake: Settings) -> None:
    commit(lake, 0, {"metaData": {}})
    commit(lake, 1, add("a", stats(row("a.a"), row("c.c", DAY + timedelta(days=2)))))
    assert found(lake, "a.a")
    assert found(lake, "b.b", DAY + timedelta(days=1)), "within the bounds it may be"
    assert not found(lake, "d.d")
    assert not found(lake, "a.a", DAY - timedelta(seconds=1))
    assert not found(lake, "a.a", DAY + timedelta(days=3))
    assert found(lake, "a.a", DAY.astimezone(timezone(timedelta(hours=8))))


def test_moments_between_milliseconds_are_within_their_bounds(lake: Settings) -> None:
    moment = DAY + timedelta(microseconds=1_999)
    delta = {"dataset": "a.a", "due_at": "2026-03-01T06:00:00.001Z"}
    own = json.loads(stats(row("a.a", moment)))
    assert own["minValues"]["due_at"] == "2026-03-01T06:00:00.001Z"
    assert own["maxValues"]["due_at"] == "2026-03-01T06:00:00.002Z"
    for told in (own, {"numRecords": 1, "minValues": delta, "maxValues": delta}):
        commit(lake, 0, add("a", json.dumps(told)))
        assert found(lake, "a.a", moment)


def test_what_was_removed_holds_nothing_and_what_says_nothing_may_hold_all(lake: Settings) -> None:
    commit(lake, 0, add("a", stats(row("a.a"))))
    commit(lake, 1, {"remove": {"path": "a"}}, add("a", stats(row("a.a"))))
    assert found(lake, "a.a"), "its deletion vector changed"
    commit(lake, 2, {"remove": {"path": "a"}}, add("b", stats(row("b.b"))))
    assert not found(lake, "a.a")
    commit(lake, 3, add("c", None))
    assert found(lake, "a.a")


def test_files_of_a_checkpoint_count(lake: Settings) -> None:
    log = Path(lake.lake) / "ops" / "t" / "_delta_log"
    adds = [{"path": "a", "stats": stats(row("a.a"))}, None, {"path": "b", "stats": None}]
    pq.write_table(pa.table({"add": adds}), log / f"{3:020d}.checkpoint.parquet")
    (log / "_last_checkpoint").write_text('{"version": 3}')
    commit(lake, 4, {"remove": {"path": "b"}})
    assert found(lake, "a.a")
    assert not found(lake, "b.b")
    commit(lake, 5, {"remove": {"path": "a"}})
    assert not found(lake, "a.a")


@pytest.mark.parametrize("broken", ["no log", "no checkpoint", "no commit", "no JSON"])
def test_a_log_that_can_not_be_read_may_hold_all(lake: Settings, broken: str) -> None:
    log = Path(lake.lake) / "ops" / "t" / "_delta_log"
    if broken == "no checkpoint":
        (log / "_last_checkpoint").write_text('{"version": 3}')
    if broken == "no JSON":
        (log / f"{0:020d}.json").write_text("{")
    if broken != "no log":
        commit(lake, 4, add("a", stats(row("a.a"))))
    assert found(lake, "d.d")


def test_texts_that_are_long_or_not_plain_have_no_bounds() -> None:
    for text in ("x" * 33, "市", "${env:HOME}", "it's", 'a"b', "a\\b", "a\nb"):
        told = statistics((("message", "string"),), [(text,), (None,)])
        assert (told["minValues"], told["maxValues"]) == ({}, {}), text
        assert (told["numRecords"], told["nullCount"]) == (2, {"message": 1})


def test_numbers_that_are_none_and_years_beyond_have_no_bounds() -> None:
    far = datetime(9999, 12, 31, tzinfo=UTC)
    told = statistics(COLUMNS, [("a", far, 2, float("nan")), ("b", DAY, 1, 0.5)])
    assert told["minValues"] == {"dataset": "a", "rows": 1}
    assert told["maxValues"] == {"dataset": "b", "rows": 2}


def written(lake: Settings, version: int, name: str, *rows: Row, **more: Any) -> None:
    """A file of the table, and the commit that adds it."""
    made = pa.table(
        {
            "dataset": pa.array([r[0] for r in rows], pa.string()),
            "due_at": pa.array(
                [r[1] for r in rows], more.pop("kind", pa.timestamp("us", tz="UTC"))
            ),
        }
    )
    pq.write_table(made, Path(lake.lake) / "ops" / "t" / name)
    action = add(name, stats(*rows))
    action["add"] |= more
    commit(lake, version, action)


def files(lake: Settings, *datasets: str) -> list[str] | None:
    found = standing(lake, "ops", "t", [{"dataset": d, "due_at": DAY} for d in datasets])
    return None if found is None else [file["path"] for file in found.files]


def test_files_are_named_that_hold_these_rows_and_no_others(lake: Settings) -> None:
    commit(lake, 0, {"metaData": {}})
    written(lake, 1, "one", row("a.a"))
    written(lake, 2, "many", row("b.b"), row("d.d"))
    assert files(lake, "a.a") == ["one"]
    assert files(lake, "e.e") == []
    assert files(lake, "c.c") == [], "within the bounds of a file that does not hold it"
    assert files(lake, "b.b") is None, "beside another one"
    assert files(lake, "b.b", "d.d") == ["many"]
    assert files(lake, "a.a", "c.c") == ["one"]


def test_a_file_that_lost_rows_or_is_not_read_for_sure_names_none(lake: Settings) -> None:
    written(lake, 0, "lost", row("a.a"), deletionVector={"cardinality": 1})
    assert files(lake, "a.a") is None
    assert files(lake, "b.b") == []
    written(lake, 1, "zoneless", row("c.c", DAY.replace(tzinfo=UTC)), kind=pa.timestamp("us"))
    assert files(lake, "c.c") is None, "moments as a former version's Spark wrote them"
    commit(lake, 2, add("missing", stats(row("e.e"))))
    assert files(lake, "e.e") is None
