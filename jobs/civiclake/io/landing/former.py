"""What earlier batches say to a later one, asked of landing's index."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from civiclake.io.landing import index_tables as tables
from civiclake.io.landing.manifest import BatchManifest

Ask = Callable[..., list[tuple[Any, ...]]]
"""Rows of a statement with these values."""
Identity = tuple[str, int, str]
_TIMES = """
SELECT origin, size_bytes, files.version, modified_us
FROM json_each(?) AS wanted
CROSS JOIN files ON origin = json_extract(wanted.value, '$[0]')
    AND size_bytes = json_extract(wanted.value, '$[1]')
    AND version = json_extract(wanted.value, '$[2]')
CROSS JOIN batches USING (batch_id)
WHERE is_committed ORDER BY batch_id
"""


class Night(NamedTuple):
    """A night's batch in a few words."""

    batch_id: str
    created_at: datetime
    rows: int
    is_unrenewed: bool
    is_committed: bool


class CameFile(NamedTuple):
    """A file that a batch brought: what says which of two is the newer."""

    batch_id: str
    created_at: datetime
    number: int
    origin: str
    modified_at: datetime


class Former:
    """The batches of a dataset; all but :meth:`nights` and :meth:`first_landed_at` tell of those
    whose merge is done.

    Args:
        ask: an index.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def nights(self, count: int = -1) -> list[Night]:
        """The last nights' batches (-1: all), merged or not, by their ids."""
        rows = self._ask(
            "SELECT batch_id, created_us, rows, is_unrenewed, is_committed FROM batches"
            " WHERE is_night ORDER BY batch_id DESC LIMIT ?",
            count,
        )
        return [
            Night(name, tables.moment(made), number, bool(unrenewed), bool(merged))
            for name, made, number, unrenewed, merged in reversed(rows)
        ]

    def first_landed_at(self) -> datetime | None:
        """When the dataset's first batch was landed, or None."""
        ((first,),) = self._ask("SELECT min(landed_ns) FROM batches")
        return None if first is None else tables.moment(first // 1000)

    def watermark(self) -> str | None:
        """Highest sequence that batches have read up to, or None."""
        # Beyond 15 digits numbers may share their REAL: the highest of those is found here.
        rows = self._ask(
            "SELECT DISTINCT watermark FROM batches WHERE is_committed = 1 AND"
            " (mark_number, mark_text) = (SELECT mark_number, mark_text FROM batches"
            " WHERE is_committed = 1 AND mark_number IS NOT NULL"
            " ORDER BY mark_number DESC, mark_text DESC LIMIT 1)"
        )
        return max((mark for (mark,) in rows), key=tables.order, default=None)

    def times(self, identities: Iterable[Identity]) -> dict[Identity, datetime]:
        """Of those of these file versions that were taken: as of when."""
        rows = self._ask(_TIMES, json.dumps(list(identities)))
        return {(origin, size, version): tables.moment(at) for origin, size, version, at in rows}

    def newest_at(self) -> datetime | None:
        """The latest moment at which a batch was made, or its newest file was."""
        rows = self._ask(
            "SELECT max(created_us) FROM batches WHERE is_committed = 1"
            " UNION ALL SELECT max(taken_us) FROM batches WHERE is_committed = 1"
        )
        return max((tables.moment(at) for (at,) in rows if at is not None), default=None)

    def rows(self, before: datetime, count: int) -> list[int]:
        """Rows of the last batches that were made before a moment."""
        rows = self._ask(
            "SELECT rows FROM batches WHERE is_committed = 1 AND created_us < ?"
            " ORDER BY created_us DESC, batch_id DESC LIMIT ?",
            tables.microseconds(before), count,
        )  # fmt: skip
        return [number for (number,) in rows]

    def taken_before(self, before: datetime) -> datetime | None:
        """When the newest of what batches made before a moment brought was made."""
        rows = self._ask(  # the + lets the order choose the index
            "SELECT taken_us FROM batches WHERE is_committed = 1 AND taken_us IS NOT NULL"
            " AND +created_us < ? ORDER BY taken_us DESC LIMIT 1",
            tables.microseconds(before),
        )
        return tables.moment(rows[0][0]) if rows else None

    def taken(self, but: str = "") -> tuple[datetime, ...]:
        """When what each batch brought was made, in order; a batch may be left out."""
        rows = self._ask(
            "SELECT DISTINCT taken_us FROM batches WHERE is_committed = 1"
            " AND taken_us IS NOT NULL AND batch_id <> ? ORDER BY taken_us",
            but,
        )
        return tuple(tables.moment(at) for (at,) in rows)

    def files(self, but: str = "") -> list[CameFile]:
        """Every file that batches brought; a batch may be left out."""
        rows = self._ask(
            "SELECT batch_id, created_us, number, origin, modified_us FROM files"
            " JOIN batches USING (batch_id) WHERE is_committed AND batch_id <> ?",
            but,
        )
        return [
            CameFile(name, tables.moment(made), number, origin, tables.moment(at))
            for name, made, number, origin, at in rows
        ]


class Gathered(Former):
    """Batches that somebody counts as merged, one after the other.

    Args:
        manifests: the first of them.
    """

    def __init__(self, manifests: Iterable[BatchManifest] = ()) -> None:
        self._memory = tables.connect(":memory:")
        super().__init__(lambda text, *values: self._memory.execute(text, values).fetchall())
        for manifest in manifests:
            self.add(manifest)

    def add(self, manifest: BatchManifest) -> None:
        """Count one more."""
        tables.add(self._memory, manifest, is_committed=True)


def files_of(manifest: BatchManifest) -> list[CameFile]:
    """The files that one batch brought."""
    return [
        CameFile(manifest.batch_id, manifest.created_at, i, file.origin, file.modified_at)
        for i, file in enumerate(manifest.files)
    ]
