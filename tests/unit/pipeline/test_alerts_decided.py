"""What becomes of alerts, night by night, without an engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from civiclake.io.ops.alerts import AlertRow
from civiclake.pipeline.alerts.cases import words
from civiclake.pipeline.alerts.decide import Case, decide

FIRST = datetime(2026, 3, 1, 4, tzinfo=UTC)
FACTS = {
    "mart": "marts.x", "application": "health", "method": "m", "inputs": "{}", "mart_version": 1,
    "owner": "Desk", "contact": "desk@city.example", "channel": "",
}  # fmt: skip


def case(of: str, since: int, last: int, rows: int = 1) -> Case:
    days = date(2026, 2, since), date(2026, 2, last)
    return Case("outbreak", of, f"{rows} in {of}", *days, sure=None, rows=rows, query="SELECT 1")


def night(
    known: Sequence[AlertRow], *cases: Case, number: int = 0, names: Sequence[str] = ("outbreak",)
) -> list[AlertRow]:
    """All alerts after a night."""
    now = FIRST + timedelta(days=number)
    changed = decide(known, cases, names, lambda _: FACTS, lambda row: f"{row.of} ended", now)
    there = {row.alert_id: row for row in known} | {row.alert_id: row for row in changed}
    return list(there.values())


def test_a_night_again_changes_nothing_and_raises_nothing_twice() -> None:
    once = night([], case("a", 1, 1), case("b", 1, 1))
    assert [row.state for row in once] == ["open", "open"]
    assert len({row.alert_id for row in once}) == 2
    assert decide(once, [case("a", 1, 1), case("b", 1, 1)], ["outbreak"], lambda _: FACTS,
                  lambda _: "", FIRST + timedelta(days=9)) == []  # fmt: skip
    # From nothing known, as after a crash before the write, it is the same alert.
    assert [r.alert_id for r in night([], case("b", 1, 1), number=3)] == [once[1].alert_id]


def test_it_is_updated_closed_by_data_and_raised_anew() -> None:
    rows = night([], case("a", 1, 1))
    rows = night(rows, case("a", 1, 2, rows=7), number=1)
    (row,) = rows
    assert (row.rows, row.last, row.raised_at) == (7, date(2026, 2, 2), FIRST)
    assert row.updated_at == FIRST + timedelta(days=1)
    rows = night(rows, number=2)
    assert (rows[0].state, rows[0].closed_by, rows[0].reason) == ("closed", "data", "a ended")
    assert night(rows, number=3) == rows
    rows = night(rows, case("a", 1, 2), number=4)
    assert [(r.state, r.raised_at) for r in rows] == [
        ("closed", FIRST), ("open", FIRST + timedelta(days=4)),
    ]  # fmt: skip


def test_what_a_person_closed_is_raised_by_another_run_alone() -> None:
    (row,) = night([], case("a", 1, 3))
    closed = row.model_copy(update={"state": "closed", "closed_by": "ann", "reason": "a fair"})
    assert night([closed], case("a", 1, 5), number=1) == [closed]
    assert night([closed], number=2) == [closed]
    rows = night([closed], case("a", 6, 6), number=3)
    assert [r.state for r in rows] == ["closed", "open"]
    # One that somebody looks after stays so.
    taken = row.model_copy(update={"state": "acknowledged", "acknowledged_by": "ann"})
    (kept,) = night([taken], case("a", 1, 4), number=1)
    assert (kept.state, kept.acknowledged_by) == ("acknowledged", "ann")


def test_an_alert_of_a_rule_that_is_no_more_is_closed() -> None:
    rows = night([], case("a", 1, 1))
    (row,) = night(rows, number=1, names=())
    assert (row.state, row.closed_by) == ("closed", "contract")


def test_values_are_said_as_people_write_them() -> None:
    said = [
        words("3.14159", "double"), words("12.0", "decimal(10,2)"), words("2016", "int"),
        words("2016-01-02", "date"), words(None, "string"), words("-0.001", "double"),
    ]  # fmt: skip
    assert said == ["3.14", "12", "2016", "2016-01-02", "?", "0"]
