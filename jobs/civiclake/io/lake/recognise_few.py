"""Set-aside records that come again, where quarantine holds few that are open.

What :mod:`civiclake.io.lake.recognise` does by joins and a MERGE, decided here in memory: a dozen
rows cost Spark a second to plan, and nothing to do. ``tests/spark/test_known_faults.py`` holds the
two equal on nights drawn at random.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from civiclake import columns as c
from civiclake.io.lake import quarantine
from civiclake.io.lake.fingerprint import FINGERPRINT

MOST = 2_000
"""More open records than these are left to Spark."""
_JUDGED = (
    "reasons", "raw", "malformed_text", "contract_version", "rules_version", "judged_by_batch",
    "judged_at",
)  # fmt: skip
_SEEN = ("last_seen_batch", "last_seen_record", "last_seen_at")
Row = dict[str, Any]


def changes(known: pa.Table, bad: pa.Table, batch_id: str, *, is_whole: bool) -> pa.Table | None:
    """What a batch's first try does to quarantine.

    Args:
        known: all open records, every column, and the place of each.
        bad: what the batch sets aside, of :func:`civiclake.io.lake.quarantine.rows_from`.
        batch_id: the batch.
        is_whole: whether it is the newest state of the dataset: what it lacks is gone.

    Returns:
        Rows with ``_edit`` for the engine's ``apply_changes``; None where a record is from before
        records had fingerprints, or does not say when it came.
    """
    opened, set_aside = known.to_pylist(), bad.to_pylist()
    if any(row[FINGERPRINT] is None or row[c.DELIVERED] is None for row in opened):
        return None
    if any(row[FINGERPRINT] is None or row["last_seen_at"] is None for row in set_aside):
        return None
    aims = _aims(opened, set_aside)
    by_record = {row[c.RECORD]: row for row in opened}
    made = [
        _seen_again(by_record[aim], row, batch_id) if aim in by_record else _new(row)
        for row, aim in zip(set_aside, aims, strict=True)
    ]
    staying, told = set(aims), {row[FINGERPRINT] for row in set_aside}
    for row in opened:
        if row[c.RECORD] not in staying and (is_whole or row[FINGERPRINT] in told):
            made.append(_gone(row, batch_id))
    # What is new stands nowhere yet.
    fields = [*(field.with_nullable(True) for field in known.schema), (c.EDIT, pa.string())]
    return pa.Table.from_pylist(made, pa.schema(fields))


def _aims(opened: Sequence[Row], set_aside: Sequence[Row]) -> list[str]:
    """For each row the id of the open record that it is, or its own."""
    by_id = {row[c.RECORD] for row in opened}
    by_last: dict[str, str] = {}
    by_print: dict[str, tuple[Any, str]] = {}
    for row in opened:
        record, last, known_by = row[c.RECORD], row["last_seen_record"], row[FINGERPRINT]
        if last is not None:
            by_last[last] = min(record, by_last.get(last, record))
        came = (row[c.DELIVERED], record)
        by_print[known_by] = min(came, by_print.get(known_by, came))
    wanted: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    found: dict[str, str] = {}
    for row in set_aside:
        record = row[c.RECORD]
        first = by_print.get(row[FINGERPRINT], (None, None))[1]
        aim = record if record in by_id else by_last.get(record, first)
        if aim is not None:
            found[record] = aim
            wanted[aim].append((record not in by_id, record))
    # Two rows can't be one: the second stays itself.
    nearest = {aim: min(rows)[1] for aim, rows in wanted.items()}
    return [
        found[row[c.RECORD]] if nearest.get(found.get(row[c.RECORD], "")) == row[c.RECORD]
        else row[c.RECORD]
        for row in set_aside
    ]  # fmt: skip


def _new(row: Row) -> Row:
    return {**row, c.EDIT: c.EDIT_INSERT}


def _seen_again(known: Row, row: Row, batch_id: str) -> Row:
    is_newer = row["last_seen_at"] > (known["last_seen_at"] or known[c.DELIVERED])
    times = 1 if known["times_seen"] is None else known["times_seen"]
    claimed = known["claimed_by_batch"]
    return {
        **known,
        **_taken(row, _JUDGED),
        **(_taken(row, _SEEN) if is_newer else {}),
        "times_seen": times + is_newer,
        "claimed_by_batch": None if claimed == batch_id else claimed,
        c.EDIT: c.EDIT_UPDATE,
    }


def _taken(row: Row, names: Sequence[str]) -> Mapping[str, Any]:
    return {name: row[name] for name in names}


def _gone(known: Row, batch_id: str) -> Row:
    over = {"status": quarantine.GONE, "gone_by_batch": batch_id, "claimed_by_batch": None}
    return {**known, **over, c.EDIT: c.EDIT_UPDATE}
