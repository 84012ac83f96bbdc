"""Which batches a backfill applies, and on which version of the served table."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from civiclake.contracts.model import Load
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.ops.ledger import Merged
from civiclake.pipeline.rebuild.plan import Range, commits, plan

HISTORY = [
    (4, None),
    (3, '{"batch_id": "b3", "token": 3}'),
    (2, '{"batch_id": "b2", "token": 2}'),
    (1, '{"batch_id": "b1", "token": 1}'),
    (0, None),
]


def _order(*names: str, version: str = "1.0.0") -> list[Merged]:
    return [Merged(name, True, version) for name in names]


def _manifest(batch_id: str) -> BatchManifest:
    return BatchManifest(
        dataset="a.b", batch_id=batch_id, contract_version="1.0.0", load=Load.FILES,
        created_at=datetime(2016, 2, 1, tzinfo=UTC), files=(), rows=0, bytes=0,
    )  # fmt: skip


def test_built_on_the_version_before_the_range_with_all_that_came_after() -> None:
    made = plan(_order("b1", "b2", "b3"), {"b2"}, commits(HISTORY), "1.2.0")
    assert (made.base_version, made.batches, made.why) == (1, ("b2", "b3"), "")


def test_from_the_first_batch_on_nothing_is_needed() -> None:
    made = plan(_order("b1", "b2", "b3"), {"b1", "b2"}, commits(HISTORY), "1.0.0")
    assert (made.base_version, made.batches, made.why) == (None, ("b1", "b2", "b3"), "")


def test_a_batch_that_changed_nothing_leaves_no_commit() -> None:
    order = [*_order("b1", "b2"), Merged("quiet", False, "1.0.0"), *_order("b3")]
    made = plan(order, {"quiet"}, commits(HISTORY), "1.0.0")
    assert (made.base_version, made.batches) == (2, ("quiet", "b3"))


@pytest.mark.parametrize(
    ("history", "order", "version", "why"),
    [
        (HISTORY[:1], _order("b1", "b2", "b3"), "1.0.0", "does not reach back to batch b2"),
        (HISTORY, _order("b1", "b2", "b3"), "2.0.0", "loaded by version 1.0.0"),
        ([*HISTORY, (5, '{"backfill_id": "x"}')], _order("b1", "b2"), "1.0.0", "5 was swapped"),
        ([*HISTORY, (1, "by hand"), (9, '{"batch_id": "b0"}')], _order("b0", "b2"), "1.0.0",
         "batch b0 was merged in between"),
        (HISTORY, [*_order("b1"), Merged("b2", False, "1.0.0")], "1.0.0", None),
    ],
)  # fmt: skip
def test_where_the_version_before_is_not_sure_all_is_applied(
    history: list[tuple[int, str | None]], order: list[Merged], version: str, why: str | None
) -> None:
    made = plan(order, {"b2"}, commits(history), version)
    if why is None:
        assert made.base_version == 1
        return
    assert made.base_version is None
    assert why in made.why
    assert made.batches == tuple(m.batch_id for m in order)


def test_a_batch_is_of_the_night_of_its_id() -> None:
    days = Range(date(2016, 1, 1), date(2016, 1, 31))
    assert days.holds(_manifest("20160131T235959Z"))
    assert not days.holds(_manifest("20160201T000000Z"))
    assert not days.holds(_manifest("by-hand"))  # landed in February
    assert Range(None, None).holds(_manifest("by-hand"))
