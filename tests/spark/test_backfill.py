"""Nights read again beside the served table, compared, and swapped in; or refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import pytest
from nights import Nights, city
from pyspark.sql import SparkSession

from civiclake.contracts.model import Dataset, Limits
from civiclake.errors import BatchHeld, LockHeld, UserError
from civiclake.io.lake import tables
from civiclake.io.lake.lock import table_lock
from civiclake.io.ops import backfills, ledger
from civiclake.io.ops.backfills import Backfill
from civiclake.pipeline.rebuild import stage
from civiclake.pipeline.rebuild.difference import read_difference
from civiclake.pipeline.rebuild.plan import Range
from civiclake.pipeline.rebuild.swap import swap
from civiclake.settings import Settings

HEAD = "date,precipitation,temp_max,temp_min,wind,weather\n"
B1, B2, B3 = "20160101T020000Z", "20160102T020000Z", "20160103T020000Z"
ALL = Range(None, None)
FIRST_DAY = Range(None, date(2016, 1, 1))


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


@pytest.fixture(scope="module")
def nights(
    settings: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nights]:
    """Two nights; the first has set a row aside, for its code was unknown."""
    patient = {"limits": Limits(max_set_aside_fraction=0.5)}
    weather = city().dataset("meteorology.daily").model_copy(update=patient)
    made = Nights(settings, spark, tmp_path_factory.mktemp("backfill"), weather)
    made.run(B1, HEAD + day(1) + day(2) + day(3) + day(4, kind="hail"))
    made.run(B2, HEAD + day(1, 1.0) + day(5))
    with made.keys():
        yield made


@pytest.fixture(scope="module")
def mended(nights: Nights) -> Dataset:
    return _with_hail(nights.dataset)


class Staged(NamedTuple):
    backfill: Backfill
    served_before: tuple[list[dict[str, str]], int]


@pytest.fixture(scope="module")
def staged(nights: Nights, mended: Dataset) -> Staged:
    """Both nights by the mended contract, beside what is served."""
    before = (nights.table(), nights.version())
    return Staged(stage.stage(nights.settings, mended, FIRST_DAY), before)


@pytest.fixture(scope="module")
def overtaken(nights: Nights, staged: Staged) -> Backfill:
    """A night has come in between."""
    nights.run(B3, HEAD + day(2, 3.0))
    return staged.backfill


@pytest.fixture(scope="module")
def swapped(nights: Nights, mended: Dataset, overtaken: Backfill) -> Backfill:
    """The whole table, built anew and swapped in."""
    whole = stage.stage(nights.settings, mended, ALL)
    return swap(nights.settings, mended, whole.backfill_id)


def _standing(nights: Nights, backfill_id: str) -> str:
    found = backfills.of(nights.spark, nights.settings, nights.dataset.id)
    return found[backfill_id].state


def test_a_range_without_batches_is_refused(nights: Nights, mended: Dataset) -> None:
    long_ago = Range(date(2015, 1, 1), date(2015, 2, 1))
    with pytest.raises(UserError, match=r"holds merged batches from 2016-01-01 to 2016-01-02"):
        stage.stage(nights.settings, mended, long_ago)


def test_it_is_built_beside_what_is_served(nights: Nights, staged: Staged) -> None:
    made = staged.backfill
    assert (made.state, made.base_version, made.batches) == ("staged", None, 2)
    assert _counts(made) == (0, 1, 0, 4)
    assert (nights.table(), nights.version()) == staged.served_before
    assert [row["status"] for row in nights.quarantine()] == ["open"]
    rows = ledger.newest(nights.spark, nights.settings, 4)
    assert [(r[1], r[3]) for r in rows][:2] == [(B2, "backfilled"), (B1, "backfilled")]


def test_the_difference_is_told_to_a_person(staged: Staged) -> None:
    told = read_difference(staged.backfill)
    assert "| new after the swap | 1 |" in told
    assert "- 2016-01-04" in told
    assert "column snow_mm (double) comes" in told


def test_a_night_in_between_makes_the_swap_refuse(
    nights: Nights, mended: Dataset, overtaken: Backfill
) -> None:
    with pytest.raises(BatchHeld, match=rf"{B3} has written version .* since"):
        swap(nights.settings, mended)
    assert _standing(nights, overtaken.backfill_id) == "refused"


def test_the_new_night_alone_is_enough_then(nights: Nights, overtaken: Backfill) -> None:
    last = stage.stage(nights.settings, nights.dataset, Range(date(2016, 1, 3), None))
    assert _standing(nights, overtaken.backfill_id) == "superseded"
    assert (last.batches, _counts(last)) == (1, (0, 0, 0, 4))
    assert last.base_version is not None


def test_one_backfill_of_a_table_at_a_time(nights: Nights, mended: Dataset) -> None:
    name = stage.lock_name(mended)
    with (
        table_lock(nights.settings, name, holder="a backfill"),
        pytest.raises(LockHeld, match="is being written by a backfill"),
    ):
        stage.stage(nights.settings, mended, ALL)


def test_the_whole_table_is_swapped_in_by_one_commit(
    nights: Nights, mended: Dataset, swapped: Backfill
) -> None:
    assert (swapped.state, _counts(swapped)) == ("swapped", (0, 1, 0, 4))
    assert swapped.swapped_version == nights.version()
    assert swapped.evidence_version == nights.version() - 1
    rain = {r["date"]: r["precipitation_mm"] for r in nights.table(mended)}
    assert rain == {
        "2016-01-01": "1.0", "2016-01-02": "3.0", "2016-01-03": "0.0",
        "2016-01-04": "0.0", "2016-01-05": "0.0",
    }  # fmt: skip
    assert [row["status"] for row in nights.quarantine()] == ["released"]
    table = tables.by_path(nights.settings, tables.UNIFIED, mended.table)
    before = nights.spark.sql(f"SELECT * FROM {table} VERSION AS OF {swapped.evidence_version}")
    assert before.count() == 4
    comments = {f.name: f.metadata.get("comment") for f in nights.spark.table(table).schema}
    assert comments["snow_mm"] == "Snow."
    assert not list((nights.settings.state_dir / "lake" / "backfill").iterdir())


def test_what_is_swapped_is_not_swapped_again(
    nights: Nights, mended: Dataset, swapped: Backfill
) -> None:
    with pytest.raises(UserError, match=r"is swapped, not staged"):
        swap(nights.settings, mended, swapped.backfill_id)


def test_from_the_source_again_what_the_department_has_lost_is_gone(
    nights: Nights, swapped: Backfill
) -> None:
    second = sorted(nights.drops.rglob("*.csv"))[1]
    delivered = second.stat().st_mtime
    second.write_text(HEAD + day(1, 1.0) + day(6))
    os.utime(second, (delivered, delivered))  # a fresh file may still be growing
    again = Range(date(2016, 1, 2), date(2016, 1, 2))
    fresh = stage.stage(nights.settings, nights.dataset, again, from_source=True)
    assert _counts(fresh)[:3] == (1, 1, 0)
    assert "- 2016-01-05" in read_difference(fresh)
