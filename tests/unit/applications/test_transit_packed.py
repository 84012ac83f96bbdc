"""Positions packed for their way to their day are the same ones when they come there."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from civiclake.applications.transit import packed

FIRST, SECOND = date(2016, 3, 1), date(2016, 3, 2)
_TYPES = {
    "day": pa.date32(), "trip_id": pa.string(), "line_id": pa.string(), "at_s": pa.float64(),
}  # fmt: skip
SCHEMA = pa.schema(list(_TYPES.items()))
ROWS = [
    (FIRST, "t1", None, 1.0), (SECOND, "t1", "L", 2.0), (FIRST, None, "L", 3.0),
    (None, "t9", "L", 4.0), (FIRST, "t1", None, 5.0), (SECOND, "t2", None, 6.0),
]  # fmt: skip


def _table(rows: list[tuple[object, ...]]) -> pa.Table:
    return pa.Table.from_pylist(
        [dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA
    )


def _arrived(rows: list[tuple[object, ...]], at_once: int) -> dict[date, list[tuple[object, ...]]]:
    batches = _table(rows).to_batches(max_chunksize=at_once)
    values = pa.Table.from_batches(list(packed.pack(batches)))
    found = {}
    for day in values["day"].unique().to_pylist():
        mine = values.filter(pc.equal(values["day"], day))
        table = packed.unpack(mine)
        assert table.num_rows == sum(mine["rows"].to_pylist())
        found[day] = [(day, *row.values()) for row in table.to_pylist()]
    return found


@pytest.mark.parametrize("rows_each", [2, 200_000])
def test_a_days_rows_arrive_whole(rows_each: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "ROWS", rows_each)
    found = _arrived(ROWS, at_once=1)
    assert found == {day: [row for row in ROWS if row[0] == day] for day in (FIRST, SECOND)}


def test_a_text_of_all_values_has_one_number() -> None:
    values = list(packed.pack(_table([ROWS[0]]).to_batches()))
    values += packed.pack(_table([ROWS[4], ROWS[2]]).to_batches())
    trips = packed.unpack(pa.Table.from_batches(values))["trip_id"].combine_chunks()
    assert trips.dictionary.to_pylist() == ["t1"]
    assert trips.indices.to_pylist() == [0, 0, None]


def test_nothing_is_packed_as_nothing() -> None:
    assert list(packed.pack(_table([]).to_batches())) == []
    assert list(packed.pack(_table([ROWS[3]]).to_batches())) == []  # of no day
