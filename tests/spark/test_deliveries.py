"""`ops.deliveries` after a night that came, one that was held, and one that never came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nights import Nights, city
from pyspark.sql import SparkSession

from civiclake.contracts.promise import Promise, State
from civiclake.errors import BatchHeld
from civiclake.io import promises
from civiclake.io.extract import extract
from civiclake.pipeline import deliveries
from civiclake.pipeline.extract import extract_batch
from civiclake.pipeline.load import load
from civiclake.settings import Settings

HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"


def _day(number: int, rain: float = 0.0) -> str:
    return f"2016/01/{number:02d},{rain},5.0,1.0,2.0,sun\n"


def test_what_came_is_noted_and_what_did_not_come_is_found_once(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    nights = Nights(settings, spark, tmp_path, city().dataset("meteorology.daily"))
    began = datetime.now(UTC)

    def rows() -> list[Promise]:
        return promises.read(spark, nights.settings)

    nights.run("b1", HEAD + _day(1))
    (first,) = rows()
    assert (first.dataset, first.state, first.batch_id) == (
        "meteorology.daily", State.DELIVERED, "b1",
    )  # fmt: skip
    assert first.due_at <= began <= first.delivered_at <= datetime.now(UTC)
    assert first.deadline_at - first.due_at == timedelta(seconds=nights.dataset.latency_seconds)

    # The same due date again, held this time: one row, and the batch that was served before
    # is not merged anew by a second load of it.
    nights.deliver(HEAD + _day(3, -1.0) + _day(4, -1.0))
    with nights.keys():
        extract(nights.settings, nights.dataset, "b2")
        with pytest.raises(BatchHeld):
            load(nights.settings, nights.dataset, "b2")
        assert [(r.state, r.batch_id, r.delivered_at) for r in rows()] == [(State.HELD, "b2", None)]
        load(nights.settings, nights.dataset, "b1")
        assert rows()[0].batch_id == "b2"
        nights.deliver("date,weather\n2016/01/05,sun\n")
        with pytest.raises(BatchHeld):
            extract_batch(nights.settings, nights.dataset, "b3")
        assert rows()[0].batch_id == "b3"

        # Nothing is owed before its deadline; then it is, and its owner is told once.
        datasets = [nights.dataset, nights.dataset.model_copy(update={"id": "meteorology.other"})]
        assert deliveries.check(nights.settings, datasets, began) == []
        later = first.deadline_at + timedelta(days=1, minutes=5)
        found = deliveries.check(nights.settings, datasets, later)
        assert [(a.promise.dataset, a.is_told) for a in found] == [
            ("meteorology.daily", False), ("meteorology.other", False),
        ]  # fmt: skip
        due = found[0].promise.due_at
        assert due == first.due_at + timedelta(days=1)
        assert "nothing of it was ever served" in found[1].sentence
        told = deliveries.told(nights.settings, "meteorology.daily", due)
        assert told is not None
        again = deliveries.told(nights.settings, "meteorology.daily", due)
        assert again is not None
        assert again.told_at == told.told_at
        assert deliveries.told(nights.settings, "meteorology.daily", first.due_at) is None
        found = deliveries.check(nights.settings, datasets, later)
        assert [a.is_told for a in found] == [True, False]
        newest = deliveries.newest(nights.settings)
    assert [row.state for row, _ in newest] == [State.ABSENT, State.ABSENT]
    assert len(rows()) == 3
