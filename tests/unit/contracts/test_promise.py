"""When a delivery is due, when it is late, and when it is owed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from civiclake.contracts import promise, schedule
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset
from civiclake.contracts.promise import State

ROOT = Path(__file__).resolve().parents[3]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def visits() -> Dataset:
    found = load_city(ROOT / "schemas", ROOT / "expectations").dataset("health.visits")
    return found.model_copy(update={"latency_seconds": 6 * 3600, "schedule": None})


@pytest.mark.parametrize(
    ("cron", "moment", "last"),
    [
        ("0 2 * * *", "2016-01-01T02:00", "2016-01-01T02:00"),
        ("0 2 * * *", "2016-01-01T01:59", "2015-12-31T02:00"),
        ("*/20 6-8 * * *", "2016-01-01T08:59", "2016-01-01T08:40"),
        ("*/20 6-8 * * *", "2016-01-01T05:00", "2015-12-31T08:40"),
        ("30 4 * * MON-FRI", "2016-01-03T12:00", "2016-01-01T04:30"),
        ("30 4 * * 7", "2016-01-05T12:00", "2016-01-03T04:30"),
        ("0 0 29 2 *", "2016-01-01T00:00", "2012-02-29T00:00"),
        ("0 0 1 jan,jul *", "2016-08-01T00:00", "2016-07-01T00:00"),
        # As cron has it: a day of the month or a day of the week, when both are said.
        ("0 0 13 * 5", "2016-01-14T00:00", "2016-01-13T00:00"),
        ("0 0 13 * 5", "2016-01-12T00:00", "2016-01-08T00:00"),
    ],
)
def test_cron(cron: str, moment: str, last: str) -> None:
    assert schedule.last_before(cron, at(moment)) == at(last)


@pytest.mark.parametrize(
    "text",
    ["nightly", "0 2 * *", "60 2 * * *", "0 24 * * *", "0 2 0 * *", "0 0 2 * * *", "*/0 * * * *",
     "0 2 30 2 *", "0 2 * foo *", "0 2 * * 8", "1/ * * * *", "-1 * * * *"],
)  # fmt: skip
def test_what_is_no_cron(text: str) -> None:
    with pytest.raises(schedule.BadCron, match=r"allowed|no day that there is"):
        schedule.parse(text)


def test_between_keeps_the_newest() -> None:
    found = schedule.between("0 2 * * *", at("2016-01-01T02:00"), at("2016-01-05T01:00"), 2)
    assert found == [at("2016-01-03T02:00"), at("2016-01-04T02:00")]


def test_a_batch_counts_for_the_due_date_of_its_id(visits: Dataset) -> None:
    first, landed = at("2016-01-01T02:00"), at("2016-01-06T09:00")
    due = promise.due_of(visits, "20160105T020000Z", landed, first)
    assert due == at("2016-01-05T02:00")
    # By hand, a day after: whenever it came.
    assert promise.due_of(visits, "mine", landed, first) == at("2016-01-06T02:00")
    # History that is filled in is not late by years.
    assert promise.due_of(visits, "20100101T020000Z", landed, first) == at("2016-01-06T02:00")
    # An id of the future proves nothing.
    assert promise.due_of(visits, "20300101T020000Z", landed, first) == at("2016-01-06T02:00")


@pytest.mark.parametrize(
    ("moment", "rows", "state"),
    [
        ("2016-01-01T02:10", 5, State.DELIVERED),
        ("2016-01-01T08:00", 5, State.DELIVERED),
        ("2016-01-01T08:01", 5, State.LATE),
        ("2016-01-01T02:10", 0, State.EMPTY),
        ("2016-01-01T08:01", 0, State.LATE),
    ],
)
def test_what_became_of_it(visits: Dataset, moment: str, rows: int, state: State) -> None:
    due = at("2016-01-01T02:00")
    found = promise.delivered(visits, "b1", due, at(moment), rows)
    assert found.state is state
    assert (found.age_seconds > visits.latency_seconds) == (state is State.LATE)
    assert found.deadline_at == due + timedelta(hours=6)


def test_owed_is_what_was_due_since_it_is_watched_and_is_past_its_deadline(visits: Dataset) -> None:
    since = at("2016-01-01T12:00")
    now = at("2016-01-04T08:00")
    assert promise.missed(visits, [], since, now) == [
        at("2016-01-02T02:00"), at("2016-01-03T02:00"), at("2016-01-04T02:00"),
    ]  # fmt: skip
    known = [at("2016-01-02T02:00"), at("2016-01-03T02:00")]
    assert promise.missed(visits, known, since, now) == [at("2016-01-04T02:00")]
    assert promise.missed(visits, known, since, at("2016-01-04T07:59")) == []
    assert promise.missed(visits, [], now, now) == []


def test_after_a_long_standstill_the_last_month_is_told(visits: Dataset) -> None:
    owed = promise.missed(visits, [], at("2014-01-01T00:00"), at("2016-01-01T12:00"))
    assert len(owed) == promise.LONGEST_LOOK_BACK
    assert owed[-1] == at("2016-01-01T02:00")


def test_the_sentence_names_the_owner_and_the_age_of_what_is_served(visits: Dataset) -> None:
    row = promise.absent(visits, at("2016-01-02T02:00"), at("2016-01-02T08:05"))
    told = promise.sentence(row, at("2016-01-01T02:05"))
    assert told == (
        "health.visits did not deliver what was due 2016-01-02 02:00 UTC by its deadline 2016-01-02"
        " 08:00 UTC; the table served is 1.2 days old: ask Health information centre"
        " (data@health.example.org)"
    )
    assert "nothing of it was ever served" in promise.sentence(row, None)
