"""`ops.deliveries` after a night that came, one that was held, and one that never came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from histories_city import trees
from nights import Nights, city
from pyspark.sql import SparkSession

from civiclake.contracts.model import Dataset, History, Load
from civiclake.contracts.promise import Promise, State
from civiclake.errors import BatchHeld
from civiclake.io.extract import extract
from civiclake.io.landing.store import Landing
from civiclake.io.ops import deliveries as promises
from civiclake.pipeline.night.extract import extract_batch
from civiclake.pipeline.night.load import load
from civiclake.pipeline.watch import deliveries
from civiclake.pipeline.watch.deliveries import Absence
from civiclake.settings import Settings

HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"


def _day(number: int, rain: float = 0.0) -> str:
    return f"2016/01/{number:02d},{rain},5.0,1.0,2.0,sun\n"


@pytest.fixture(scope="module")
def began() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def nights(
    settings: Settings,
    spark: SparkSession,
    tmp_path_factory: pytest.TempPathFactory,
    began: datetime,
) -> Iterator[Nights]:
    """One night that came."""
    state = tmp_path_factory.mktemp("deliveries")
    made = Nights(settings, spark, state, city().dataset("meteorology.daily"))
    made.run("b1", HEAD + _day(1))
    with made.keys():
        yield made


def _rows(nights: Nights) -> list[Promise]:
    return promises.read(nights.spark, nights.settings)


@pytest.fixture(scope="module")
def first(nights: Nights) -> Promise:
    (found,) = _rows(nights)
    return found


@pytest.fixture(scope="module")
def held(nights: Nights, first: Promise) -> Promise:
    """The same due date again, held this time by its load."""
    nights.deliver(HEAD + _day(3, -1.0) + _day(4, -1.0))
    extract(nights.settings, nights.dataset, "b2")
    with pytest.raises(BatchHeld):
        load(nights.settings, nights.dataset, "b2")
    (found,) = _rows(nights)
    return found


@pytest.fixture(scope="module")
def both(nights: Nights, held: Promise) -> list[Dataset]:
    """What is watched: beside the dataset, one of which nothing ever came."""
    return [nights.dataset, nights.dataset.model_copy(update={"id": "meteorology.other"})]


@pytest.fixture(scope="module")
def later(first: Promise) -> datetime:
    return first.deadline_at + timedelta(days=1, minutes=5)


@pytest.fixture(scope="module")
def absent(nights: Nights, both: list[Dataset], began: datetime, later: datetime) -> list[Absence]:
    """Nothing is owed before its deadline; then it is."""
    assert deliveries.check(nights.settings, both, began) == []
    return deliveries.check(nights.settings, both, later)


def test_what_came_is_noted(nights: Nights, first: Promise, began: datetime) -> None:
    assert (first.dataset, first.state, first.batch_id) == (
        "meteorology.daily", State.DELIVERED, "b1",
    )  # fmt: skip
    assert first.due_at <= began <= first.delivered_at <= datetime.now(UTC)
    assert first.deadline_at - first.due_at == timedelta(seconds=nights.dataset.latency_seconds)


def test_what_is_held_takes_the_place_of_what_came(nights: Nights, held: Promise) -> None:
    assert (held.state, held.batch_id, held.delivered_at) == (State.HELD, "b2", None)
    load(nights.settings, nights.dataset, "b1")  # served already: no delivery
    assert _rows(nights)[0].batch_id == "b2"
    nights.deliver("date,weather\n2016/01/05,sun\n")
    with pytest.raises(BatchHeld):
        extract_batch(nights.settings, nights.dataset, "b3")
    assert _rows(nights)[0].batch_id == "b3"


def test_what_did_not_come_is_found(first: Promise, absent: list[Absence]) -> None:
    assert [(a.promise.dataset, a.is_told) for a in absent] == [
        ("meteorology.daily", False), ("meteorology.other", False),
    ]  # fmt: skip
    assert absent[0].promise.due_at == first.due_at + timedelta(days=1)
    assert "nothing of it was ever served" in absent[1].sentence


def test_the_owner_is_told_once(
    nights: Nights,
    first: Promise,
    both: list[Dataset],
    later: datetime,
    absent: list[Absence],
) -> None:
    due = absent[0].promise.due_at
    told = deliveries.told(nights.settings, "meteorology.daily", due)
    assert told is not None
    again = deliveries.told(nights.settings, "meteorology.daily", due)
    assert again is not None
    assert again.told_at == told.told_at
    assert deliveries.told(nights.settings, "meteorology.daily", first.due_at) is None
    found = deliveries.check(nights.settings, both, later)
    assert [a.is_told for a in found] == [True, False]


def test_the_newest_state_of_each_is_shown(nights: Nights, absent: list[Absence]) -> None:
    newest = deliveries.newest(nights.settings)
    assert [row.state for row, _ in newest] == [State.ABSENT, State.ABSENT]
    assert len(_rows(nights)) == 3


def test_a_snapshot_that_was_not_renewed_is_owed(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    nights = Nights(settings, spark, tmp_path, trees(tmp_path, Load.SNAPSHOT, History.LATEST))
    nights.run("b1", "tree_id,species,rings\nt1,oak,7\n")
    (came,) = _rows(nights)
    version = nights.version()
    stale = nights.run("b2")
    assert (stale.status, stale.read, stale.deleted) == ("unrenewed", 0, 0)
    assert "is not renewed since 2015-12-13" in stale.message
    assert (nights.version(), _rows(nights)) == (version, [came])
    later = came.deadline_at + timedelta(days=1, minutes=5)
    with nights.keys():
        (absence,) = deliveries.check(nights.settings, [nights.dataset], later)
        assert "parks.trees did not deliver what was due" in absence.sentence
    # Where that is normal, the due date is answered for; what is served gets no younger.
    manifest = Landing(nights.settings).manifest("parks.trees", "b2")
    moment = came.due_at + timedelta(days=3, minutes=5)
    manifest = manifest.model_copy(update={"created_at": moment})
    deliveries.note_unrenewed(nights.spark, nights.settings, nights.dataset, manifest)
    empty = _rows(nights)[-1]
    assert empty.due_at == came.due_at + timedelta(days=3)
    assert (empty.state, empty.batch_id, empty.delivered_at) == (State.EMPTY, "b2", None)
