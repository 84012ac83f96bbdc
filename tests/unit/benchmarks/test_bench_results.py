"""The benchmark's data: what is kept, what is made from it, and that a difference is seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import results, same
from bench.results import Cost
from bench.taps.generate import Expected


def _cost(work: str, engine: str, wall: float, **more: int) -> Cost:
    return Cost(work, 10, wall, wall * 2, more.get("peak", 100), 1_000_000, engine)


def test_the_same_work_and_engine_is_replaced_and_everything_else_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text(json.dumps([{"work": "old", "engine": "civiclake", "wall_seconds": 1.0}]))

    results.keep([_cost("load", "civiclake", 3.0), _cost("load", "dlt", 4.0)], path)
    entries = results.keep([_cost("load", "civiclake", 2.0)], path)

    assert entries == json.loads(path.read_text())
    found = [(e["work"], e["engine"], e["wall_seconds"]) for e in entries]
    assert found == [("old", "civiclake", 1.0), ("load", "civiclake", 2.0), ("load", "dlt", 4.0)]


def test_an_object_has_the_fields_that_others_read(tmp_path: Path) -> None:
    (entry,) = results.keep([_cost("load", "dlt", 3.0)], tmp_path / "summary.json")

    wanted = {"work", "engine", "wall_seconds", "cpu_seconds", "peak_mb", "bytes_written"}
    assert wanted | {"rows", "runs"} <= set(entry)


def test_the_median_is_that_of_each_number() -> None:
    costs = [_cost("load", "dlt", wall, peak=peak) for wall, peak in ((1, 5), (9, 7), (2, 900))]

    found = results.median(costs)

    assert (found.wall_seconds, found.peak_mb, found.runs) == (2, 7, 3)


def test_a_table_has_the_fastest_first_and_leaves_out_what_was_not_compared() -> None:
    costs = [_cost("load", "slow", 3.0), _cost("load", "fast", 1.0), _cost("alone", "civiclake", 1)]

    text = results.render([vars(cost) for cost in costs])

    assert "**Load**" in text
    assert "Alone" not in text
    assert text.index("| fast | 1.0 |") < text.index("| slow | 3.0 |")


def test_tables_go_between_the_marks_of_a_page_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- made from summary.json -->\nold\n<!-- end -->\nafter\n")
    entries = [vars(_cost("load", name, 1.0)) for name in ("a", "b")]

    assert results.write_tables(entries, page)

    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n")
    assert "old" not in text and "| a | 1.0 |" in text
    page.write_text("no marks")
    assert not results.write_tables(entries, page)


_GOOD = same.Found(same.Content(12, 5), same.Content(3, 7), 1)
_EXPECTED = Expected(
    records=5, updated=1, inserted=2, superseded=1, quarantined=1, rows_after=12
)  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        same.Found(same.Content(11, 5), same.Content(3, 7), 1),
        same.Found(same.Content(12, 6), same.Content(3, 7), 1),
        same.Found(same.Content(12, 5), same.Content(3, 8), 1),
        same.Found(same.Content(12, 5), same.Content(3, 7), 0),
    ],
    ids=["rows", "values", "mart", "set aside"],
)
def test_a_different_result_stops_everything(other: same.Found) -> None:
    same.compare({"a": _GOOD, "b": _GOOD}, _EXPECTED, 12)
    with pytest.raises(same.DifferentResult):
        same.compare({"a": _GOOD, "b": other}, _EXPECTED, 12)
