"""Nights read again beside the served table, compared, and swapped in; or refused."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from nights import Nights, city
from pyspark.sql import SparkSession

from civiclake.contracts.model import Dataset, Limits
from civiclake.errors import BatchHeld, LockHeld, UserError
from civiclake.io import backfills, lake, ledger
from civiclake.io.backfills import Backfill
from civiclake.io.lock import table_lock
from civiclake.pipeline import backfill
from civiclake.pipeline.difference import read_difference
from civiclake.pipeline.replan import Range
from civiclake.pipeline.swap import swap
from civiclake.settings import Settings

HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"
B1, B2, B3 = "20160101T020000Z", "20160102T020000Z", "20160103T020000Z"
ALL = Range(None, None)


def day(number: int, rain: float = 0.0, kind: str = "sun") -> str:
    return f"2016/01/{number:02d},{rain},5.0,1.0,2.0,{kind}\n"


def _with_hail(dataset: Dataset) -> Dataset:
    """The contract after the city has added a code, and a column that old files lack."""
    columns = []
    for column in dataset.columns:
        if column.codes:
            values = {**column.codes.values, "hail": "Hail"}
            codes = column.codes.model_copy(update={"values": values})
            column = column.model_copy(update={"codes": codes})
        columns.append(column)
    plain = next(c for c in columns if c.spark_type == "double")
    snow = {"name": "snow_mm", "source_name": "snow", "required": False, "description": "Snow."}
    columns.append(plain.model_copy(update=snow))
    return dataset.model_copy(update={"columns": tuple(columns)})


def _counts(row: Backfill) -> tuple[int | None, ...]:
    return row.only_served, row.only_staged, row.changed, row.same


def test_a_backfill_from_the_first_night_to_the_swap(
    settings: Settings, spark: SparkSession, tmp_path: Path
) -> None:
    patient = {"limits": Limits(max_set_aside_fraction=0.5)}
    weather = city().dataset("meteorology.daily").model_copy(update=patient)
    nights = Nights(settings, spark, tmp_path, weather)
    nights.run(B1, HEAD + day(1) + day(2) + day(3) + day(4, kind="hail"))
    nights.run(B2, HEAD + day(1, 1.0) + day(5))
    mended = _with_hail(nights.dataset)
    served = (nights.table(), nights.version())

    def standing(backfill_id: str) -> Backfill:
        return backfills.of(spark, nights.settings, mended.id)[backfill_id]

    with nights.keys():
        # Built beside, compared, told; what is served is as before.
        with pytest.raises(UserError, match=r"holds merged batches from 2016-01-01 to 2016-01-02"):
            backfill.stage(nights.settings, mended, Range(date(2015, 1, 1), date(2015, 2, 1)))
        first = backfill.stage(nights.settings, mended, Range(None, date(2016, 1, 1)))
        assert (first.state, first.base_version, first.batches) == ("staged", None, 2)
        assert _counts(first) == (0, 1, 0, 4)
        told = read_difference(first)
        assert "| new after the swap | 1 |" in told
        assert "- 2016-01-04" in told
        assert "column snow_mm (double) comes" in told
        assert (nights.table(), nights.version()) == served
        assert [row["status"] for row in nights.quarantine()] == ["open"]
        rows = ledger.newest(spark, nights.settings, 4)
        assert [(r[1], r[3]) for r in rows][:2] == [(B2, "backfilled"), (B1, "backfilled")]

    # A night that came in between makes the swap refuse; the range's own night is enough then.
    nights.run(B3, HEAD + day(2, 3.0))
    with nights.keys():
        with pytest.raises(BatchHeld, match=rf"{B3} has written version .* since"):
            swap(nights.settings, mended)
        assert standing(first.backfill_id).state == "refused"
        last = backfill.stage(nights.settings, nights.dataset, Range(date(2016, 1, 3), None))
        assert standing(first.backfill_id).state == "superseded"
        assert (last.batches, _counts(last)) == (1, (0, 0, 0, 4))
        assert last.base_version is not None

        # The whole table, swapped in by one commit.
        with (
            table_lock(nights.settings, backfill.lock_name(mended), holder="a backfill"),
            pytest.raises(LockHeld, match="is being written by a backfill"),
        ):
            backfill.stage(nights.settings, mended, ALL)
        whole = backfill.stage(nights.settings, mended, ALL)
        done = swap(nights.settings, mended, whole.backfill_id)
        assert (done.state, _counts(done)) == ("swapped", (0, 1, 0, 4))
        assert done.swapped_version == nights.version()
        assert done.evidence_version == nights.version() - 1
        rain = {r["date"]: r["precipitation_mm"] for r in nights.table(mended)}
        assert rain == {
            "2016-01-01": "1.0", "2016-01-02": "3.0", "2016-01-03": "0.0",
            "2016-01-04": "0.0", "2016-01-05": "0.0",
        }  # fmt: skip
        assert [row["status"] for row in nights.quarantine()] == ["released"]
        table = lake.by_path(nights.settings, lake.UNIFIED, mended.table)
        before = spark.sql(f"SELECT * FROM {table} VERSION AS OF {done.evidence_version}")
        assert before.count() == 4
        comments = {f.name: f.metadata.get("comment") for f in spark.table(table).schema}
        assert comments["snow_mm"] == "Snow."
        assert not list((tmp_path / "lake" / "backfill").iterdir())
        with pytest.raises(UserError, match=r"is swapped, not staged"):
            swap(nights.settings, mended, whole.backfill_id)

        # The source again: what the department has lost is gone, what it added is there.
        second = sorted(nights.drops.rglob("*.csv"))[1]
        delivered = second.stat().st_mtime
        second.write_text(HEAD + day(1, 1.0) + day(6))
        os.utime(second, (delivered, delivered))  # a fresh file may still be growing
        again = Range(date(2016, 1, 2), date(2016, 1, 2))
        fresh = backfill.stage(nights.settings, nights.dataset, again, from_source=True)
        assert _counts(fresh)[:3] == (1, 1, 0)
        assert "- 2016-01-05" in read_difference(fresh)
