"""What the page says of a dataset, from the ledger's rows alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tonight_city import NOW, batch, city, count, dataset, failed, held, ledger, unrenewed

from nightly.plan import MartPlan, OwnerPlan
from tonight import model, words
from tonight.model import Page, Row
from tonight.rows import Batch, Due, Ledger, Run
from tonight.state import Age, State

VISITS = dataset("health.visits")
HOURS, DAYS = timedelta(hours=1), timedelta(days=1)


def build(*datasets: Any, of: Ledger, runs: Any = (), has_docs: Any = lambda *_: True) -> Page:
    return model.build(city(*datasets), of, list(runs), has_docs, NOW)


WEATHER = dataset("meteorology.daily")
MART = MartPlan("visits_by_weather", (VISITS, WEATHER), OwnerPlan("Planning", "plan@city.example"))


def mart_row(*batches: Batch, runs: Any = (), seen: Any = (VISITS, WEATHER)) -> Row:
    found = model.build(
        city(*seen, marts=[MART]), ledger(*batches), list(runs), lambda *_: False, NOW
    )
    return next(row for row in found.rows if row.is_made)


def made(ago: timedelta = 5 * HOURS, **facts: Any) -> Batch:
    """The mart, built so long ago for the night of its inputs."""
    known = {"batch_id": batch().batch_id, "started_at": NOW - ago, "data_docs": "", **facts}
    return batch("marts.visits_by_weather", **known)


def test_a_mart_has_a_row_with_its_own_owner_and_promise() -> None:
    found = mart_row(batch(), batch("meteorology.daily"), made())
    assert (found.state, found.waits, found.department) == (State.GOOD, (), "marts")
    assert (found.plan.owner, found.plan.contact) == ("Planning", "plan@city.example")
    assert found.promise == "1 day 1 hour"
    assert "health.visits, meteorology.daily" in found.plan.description


def test_a_mart_says_which_of_its_inputs_it_waits_for() -> None:
    found = mart_row(batch(ago=2 * DAYS + HOURS), batch("meteorology.daily"), made(2 * DAYS))
    assert (found.state, found.waits) == (State.LATE, ("health.visits (stale)",))
    found = mart_row(batch("meteorology.daily"))
    assert (found.state, found.waits) == (State.NEVER, ("health.visits (never delivered)",))
    found = mart_row(batch("meteorology.daily"), seen=(WEATHER,))
    assert found.waits == ()
    assert "meteorology.daily, 1 that you may not see" in found.plan.description


def test_a_mart_that_failed_says_why_and_leads_to_its_own_run() -> None:
    told = "the query gives no column 'day'"
    run = Run("mart_visits_by_weather", "asset+1", "20261124T025900Z", {"build": "failed"})
    found = mart_row(batch(), made(status="failed", message=told), runs=[run])
    assert (found.state, found.note) == (State.FAILED, "")
    assert found.newest and found.newest.message == told
    assert found.log == "../dags/mart_visits_by_weather/runs/asset%2B1/tasks/build"
    younger = replace(run, run_id="asset+2", batch_id="20261124T075900Z")
    found = mart_row(batch(), made(), runs=[younger, replace(run, tasks={})])
    assert (found.state, found.log.split("/")[4]) == (State.FAILED, "asset%2B2")
    assert found.note.startswith("It failed before it could write an account")
    assert found.past[0].log.split("/")[4] == "asset%2B1"
    running = replace(younger, tasks={"build": "running"})
    assert mart_row(batch(), made(), runs=[running]).work == "running now"


def test_what_is_made_is_not_counted_with_what_came() -> None:
    of = ledger(batch(read=10, inserted=10), made(read=500, inserted=500))
    found = model.build(city(VISITS, marts=[MART]), of, [], lambda *_: False, NOW)
    assert (found.read, found.merged) == (10, 10)
    assert (found.datasets, found.made, found.sources) == (1, 1, 1)


def row(*batches: Batch, counts: Any = (), **more: Any) -> Row:
    (found,) = build(VISITS, of=ledger(*batches, counts=counts), **more).rows
    return found


@pytest.mark.parametrize(
    ("batches", "state", "age"),
    [
        ([], State.NEVER, Age.NEVER),
        ([batch()], State.GOOD, Age.IN_TIME),
        ([batch(quarantined=2, inserted=98)], State.SET_ASIDE, Age.IN_TIME),
        ([batch(ago=DAYS + 2 * HOURS)], State.LATE, Age.LATE),
        ([batch(ago=2 * DAYS + HOURS)], State.STALE, Age.STALE),
        ([batch(ago=DAYS), held("health.visits")], State.HELD, Age.IN_TIME),
        ([batch(ago=3 * DAYS), held("health.visits")], State.HELD, Age.STALE),
        ([batch(ago=DAYS), failed("health.visits")], State.FAILED, Age.IN_TIME),
        ([failed("health.visits")], State.FAILED, Age.NEVER),
        # The register lay there as it was: what is served is as old as it is.
        ([batch(ago=2 * DAYS + HOURS), unrenewed("health.visits")], State.STALE, Age.STALE),
        ([batch(quarantined=1), unrenewed("health.visits")], State.SET_ASIDE, Age.IN_TIME),
    ],
)
def test_each_way_to_stand_has_its_own_word(batches: list[Batch], state: State, age: Age) -> None:
    found = row(*batches)
    assert (found.state, found.age) == (state, age)


def test_a_night_that_renewed_nothing_is_told() -> None:
    said = "nothing new is delivered: a.csv is not renewed since 2016-01-02 02:00 UTC"
    found = row(batch(ago=DAYS), unrenewed("health.visits", message=said))
    assert (found.note, found.newest and found.newest.status) == (said, "merged")
    assert [past.batch.status for past in found.past] == ["unrenewed", "merged"]


def test_states_differ_in_word_and_sign_and_not_in_colour_alone() -> None:
    assert len({s.word for s in State}) == len({s.sign for s in State}) == len(State)
    assert len({s.style for s in State}) == len(State)


def test_the_worst_come_first() -> None:
    names = ["good", "late", "stale", "never", "held", "failed", "aside", "later"]
    found = build(
        *(dataset(f"a.{name}") for name in names),
        of=ledger(
            batch("a.good"),
            batch("a.late", ago=DAYS + HOURS),
            batch("a.later", ago=DAYS + 9 * HOURS),
            batch("a.stale", ago=9 * DAYS),
            held("a.held"),
            failed("a.failed"),
            batch("a.aside", quarantined=1, inserted=99),
        ),
    )
    order = [r.plan.name for r in found.rows]
    assert order == ["failed", "held", "never", "stale", "later", "late", "aside", "good"]
    (department,) = found.departments
    assert (department.state, department.first, department.datasets) == (
        State.FAILED, "a.failed", 8,
    )  # fmt: skip
    assert found.counts[State.LATE] == 2


def test_numbers_are_those_of_the_newest_batch() -> None:
    old = batch(ago=DAYS, read=7, inserted=7)
    new = batch(read=20, inserted=5, updated=4, unchanged=3, superseded=2, late=1, quarantined=5)
    found = build(VISITS, of=ledger(new, old))
    (line,) = found.rows
    assert line.newest == new
    assert line.newest.merged == 12
    assert (found.read, found.merged, found.set_aside) == (20, 12, 5)
    assert [past.batch for past in line.past] == [new, old]


def test_a_batch_loaded_again_is_no_newer_delivery() -> None:
    first = batch(ago=30 * HOURS)
    again = replace(first, attempt=2, started_at=NOW - HOURS)
    found = row(first, again)
    assert found.delivered_at == first.finished_at
    assert found.state is State.LATE
    assert found.newest == again


def test_an_older_night_filled_in_later_is_not_the_newest() -> None:
    tonight = batch()
    backfill = replace(batch(ago=9 * DAYS), started_at=NOW - HOURS)
    assert row(tonight, backfill).newest == tonight


def test_a_replay_is_no_delivery_but_part_of_the_history() -> None:
    old = batch(ago=3 * DAYS)
    replay = batch(batch_id="replay-20261124T070000Z", ago=HOURS)
    found = row(old, replay)
    assert found.newest == old
    assert found.state is State.STALE
    assert [past.batch for past in found.past] == [replay, old]


def test_reasons_and_warnings_are_told_apart_and_explained() -> None:
    of = batch(quarantined=5, inserted=95)
    counts = [
        count(of, "reason", "duplicate_key", 2),
        count(of, "reason", "required:visit_id", 3),
        count(of, "rule", "required:visit_id", 3),
        count(of, "rule", "name_once", 9),
        count(of, "warning", "identical_rows", 4),
        count(batch(ago=DAYS), "reason", "malformed", 99),
    ]
    found = row(of, counts=counts)
    assert [(r.name, r.rows) for r in found.reasons] == [
        ("required:visit_id", 3), ("duplicate_key", 2),
    ]  # fmt: skip
    assert found.reasons[0].meaning == "visit_id is given"
    assert "same key" in found.reasons[1].meaning
    assert [(r.name, r.rows) for r in found.warnings] == [("name_once", 9), ("identical_rows", 4)]
    assert "wants `occurrence: equals`" in found.warnings[1].meaning
    assert found.verdict == "passed in part"


def test_a_held_batch_shows_the_rules_it_breaks() -> None:
    of = held("health.visits", "60 of 100 rows would be set aside")
    found = row(of, counts=[count(of, "rule", "required:visit_id", 60)])
    assert [(r.name, r.rows) for r in found.reasons] == [("required:visit_id", 60)]
    assert (found.verdict, found.newest and found.newest.message) == (
        "held", "60 of 100 rows would be set aside",
    )  # fmt: skip


def test_links_lead_to_the_batchs_own_run_task_and_page() -> None:
    of = batch()
    run = Run("health", "scheduled__2026/11+24", of.batch_id)
    found = row(of, runs=[run])
    assert found.docs == f"docs/health/visits/{of.batch_id}.html"
    assert found.log == ("../dags/health/runs/scheduled__2026%2F11%2B24/tasks/visits.load")
    absent = failed("health.visits")
    run = Run("health", "r", absent.batch_id)
    assert row(absent, runs=[run]).log.endswith("/tasks/visits.extract")
    nothing = row(of, has_docs=lambda *_: False)
    assert (nothing.docs, nothing.log) == ("", "")


@pytest.mark.parametrize(
    ("tasks", "state", "work", "note"),
    [
        ({"visits.extract": "running", "visits.load": None}, State.GOOD, "running now", ""),
        ({"visits.extract": "success", "visits.load": "queued"}, State.GOOD, "about to run", ""),
        ({"visits.extract": None, "visits.load": None}, State.GOOD, "waits for its turn", ""),
        ({"visits.extract": "up_for_retry"}, State.GOOD, "will be tried again", ""),
        ({"visits.extract": "failed", "visits.load": "upstream_failed"}, State.FAILED, "", "log"),
        (
            {"visits.extract": "success", "visits.load": "upstream_failed"},
            State.FAILED, "", "waits for failed",
        ),
    ],
)  # fmt: skip
def test_a_run_that_the_ledger_does_not_hold_is_not_silent(
    tasks: dict[str, str | None], state: State, work: str, note: str
) -> None:
    before = batch(ago=DAYS)
    run = Run("health", "tonight", batch().batch_id, tasks)
    found = row(before, runs=[run, Run("health", "before", before.batch_id)])
    assert (found.state, found.work) == (state, work)
    assert note in found.note
    assert "/runs/tonight/" in found.log or work.startswith("waits")


def test_a_delivery_that_is_absent_makes_a_dataset_late() -> None:
    due_at = NOW - 6 * HOURS
    rows = [
        Due(VISITS.id, due_at, NOW - HOURS, "absent", None, NOW),
        Due(VISITS.id, due_at - DAYS, NOW - DAYS, "delivered", NOW - DAYS, None),
        Due("a.b", NOW, NOW, "delivered", NOW, None),
    ]
    of = replace(ledger(batch()), due=tuple(reversed(rows)))
    (found,) = build(VISITS, of=of).rows
    assert found.state is State.LATE
    assert [d.state for d in found.due] == ["absent", "delivered"]


def test_nothing_is_said_of_datasets_while_the_ledger_was_never_read() -> None:
    found = build(VISITS, of=Ledger(fault="no such bucket"))
    assert (found.rows, found.fault) == ((), "no such bucket")


def test_the_trend_has_a_bar_for_each_night_and_gaps_for_the_others() -> None:
    nights = [batch(ago=n * DAYS, read=10 * n) for n in (0, 1, 3, 29, 30)]
    nights[2] = replace(nights[2], status="held")
    nights[1] = replace(nights[1], status="failed", read=0)
    again = replace(nights[0], attempt=2, started_at=NOW, read=40)
    bars = row(*nights, again).trend.bars
    assert [bar.kind for bar in bars] == ["merged", "held", "failed", "merged"]
    assert bars[0].x == 0
    assert (bars[0].height, bars[0].y) == (24, 0)
    assert bars[-1].x == 145
    assert "2026-11-24: merged, 40 rows in" in bars[-1].title
    assert row().trend.sentence == "no batch in the last 30 nights"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (61, "1 minute 1 second"),
        (7300, "2 hours"),
        (93600, "1 day 2 hours"),
        (86460, "1 day"),
        (86400 * 400, "400 days"),
    ],
)
def test_ages_are_said_in_words(seconds: int, said: str) -> None:
    assert words.span(seconds) == said
