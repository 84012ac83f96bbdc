"""Thirty random nights through the real steps, held against pandas after every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from histories_city import Known, Night, file_nights, log_nights, snapshot_nights, trees
from histories_table import Table

from civiclake import columns as c
from civiclake.contracts.model import History, Load
from civiclake.engine.session import connect, suit
from civiclake.settings import Settings

NIGHTS = 30
Make = Callable[[Load, History], Table]


@pytest.fixture
def make(settings: Settings, tmp_path: Path) -> Iterator[Make]:
    spark = connect(settings)
    suit(spark, 100)
    yield lambda load, history: Table(spark, trees(tmp_path, load, history))
    spark.stop()


Version = tuple[str, str, datetime, datetime | None, bool]


def _versions(known: Known) -> set[Version]:
    found = known.versions()
    ends = [None if end != end else end.to_pydatetime() for end in found["valid_to"]]
    texts = [value.partition("@")[0] for value in found["value"]]
    starts = [start.to_pydatetime() for start in found["valid_from"]]
    rows = zip(found["key"], texts, starts, ends, strict=True)
    return {(key, text, start, end, end is None) for key, text, start, end in rows}


def _follow(nights: Iterator[Night], history: Table, latest: Table) -> dict[str, int]:
    """Feed both tables and hold them against pandas; gives the actions that were seen."""
    known = Known()
    seen: dict[str, int] = {}
    for night in nights:
        actions = history.feed(night)
        by_key = latest.feed(night)
        known.take(night)
        wanted = _versions(known)
        assert history.rows(c.VALID_FROM, c.VALID_TO, c.IS_CURRENT) == wanted
        assert latest.rows() == {(k, v) for k, v, _, _, is_current in wanted if is_current}
        good = [row.key for row in night.rows if not row.broken]
        for counts, rows in ((actions, len(good)), (by_key, len(set(good)))):
            assert sum(n for action, n in counts.items() if action != c.ACTION_DELETE) == rows
        for action, rows in actions.items():
            seen[action] = seen.get(action, 0) + rows
    return seen


@pytest.mark.parametrize("nights", [log_nights, snapshot_nights, file_nights])
def test_pandas_itself_tells_what_was_valid_when(nights: Callable[[int], Iterator[Night]]) -> None:
    """The measure is measured: by its versions, every moment holds the last event before it."""
    known = Known()
    for night in nights(NIGHTS):
        known.take(night)
    found = known.versions()
    for key, at in known.events:
        valid = (found["valid_from"] <= at) & ~(found["valid_to"] <= at)
        values = list(found[(found["key"] == key) & valid]["value"])
        wanted = known.value(key, at)
        assert values == ([] if wanted is None else [wanted])


def test_change_log(make: Make) -> None:
    tables = make(Load.CHANGES, History.HISTORY), make(Load.CHANGES, History.LATEST)
    seen = _follow(log_nights(NIGHTS), *tables)
    wanted = {c.ACTION_INSERT, c.ACTION_UPDATE, c.ACTION_UNCHANGED, c.ACTION_LATE,
              c.ACTION_REVOKE, c.ACTION_CONFLICT}  # fmt: skip
    assert set(seen) == wanted


def test_snapshots(make: Make) -> None:
    tables = make(Load.SNAPSHOT, History.HISTORY), make(Load.SNAPSHOT, History.LATEST)
    seen = _follow(snapshot_nights(NIGHTS), *tables)
    wanted = {c.ACTION_INSERT, c.ACTION_UPDATE, c.ACTION_UNCHANGED, c.ACTION_LATE, c.ACTION_DELETE}
    assert set(seen) == wanted


def test_files_ordered_by_their_delivery(make: Make) -> None:
    tables = make(Load.FILES, History.HISTORY), make(Load.FILES, History.LATEST)
    seen = _follow(file_nights(NIGHTS), *tables)
    assert set(seen) == {c.ACTION_INSERT, c.ACTION_UPDATE, c.ACTION_UNCHANGED, c.ACTION_LATE}


def test_the_state_of_every_night(make: Make) -> None:
    table = make(Load.SNAPSHOT, History.SNAPSHOT)
    newest: dict[Any, datetime] = {}
    wanted: dict[Any, dict[str, str]] = {}
    for night in snapshot_nights(NIGHTS):
        assert night.taken_at is not None
        table.feed(night)
        date = night.taken_at.date()
        if night.taken_at >= newest.get(date, night.taken_at):
            newest[date] = night.taken_at
            before = wanted.get(date, {})
            aside = {row.key for row in night.rows if row.broken}
            state = {row.key: row.value for row in night.rows if not row.broken}
            # A record that is wrong is not a record that is gone.
            wanted[date] = {**{k: v for k, v in before.items() if k in aside}, **state}
        expected = {(k, v, day) for day, rows in wanted.items() for k, v in rows.items()}
        assert table.rows(c.SNAPSHOT_DATE) == expected
