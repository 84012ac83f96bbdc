"""The index of a dataset's batches in the state's database, for several hosts.

The object store is the truth. Who changes a batch there first writes down here that it is
changing, and at the end what it has become: a batch that somebody broke off stays marked, and
whoever asks looks at the store for it. A dataset that is not known here yet, because its landing
was copied or the state was lost, is listed once.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from civiclake.errors import StateUnavailable
from civiclake.io.landing import index_tables as tables
from civiclake.io.landing.manifest import BatchManifest
from civiclake.io.landing.shelf import Read
from civiclake.settings import Settings
from civiclake.state import database

_log = logging.getLogger(__name__)
_BEGIN = """
INSERT INTO civiclake.landing_batches (dataset, batch_id, changing_since)
VALUES (%s, %s, clock_timestamp())
ON CONFLICT (dataset, batch_id) DO UPDATE SET changing_since = excluded.changing_since
"""
_NOTE = """
UPDATE civiclake.landing_batches SET changing_since = NULL, batch = %s, files = %s
WHERE dataset = %s AND batch_id = %s
"""
_FOUND = """
INSERT INTO civiclake.landing_batches AS known (batch, files, dataset, batch_id)
VALUES (%s, %s, %s, %s)
ON CONFLICT (dataset, batch_id) DO UPDATE SET batch = excluded.batch, files = excluded.files
WHERE known.batch IS NULL AND known.changing_since IS NULL
"""
_ATTEMPT = """
INSERT INTO civiclake.landing_batches AS known (dataset, batch_id, attempts) VALUES (%s, %s, 1)
ON CONFLICT (dataset, batch_id) DO UPDATE SET attempts = known.attempts + 1
RETURNING attempts
"""
_KNOWN = """
SELECT batch_id, changing_since IS NOT NULL, changing_since < clock_timestamp() - interval '1 day',
    batch, files
FROM civiclake.landing_batches WHERE dataset = %s
"""


class SharedIndex:
    """The index of one dataset's batches.

    Args:
        settings: say where the state stands.
        dataset_id: whose batches they are.
        read: reads a batch's manifest; None when there is none.
        facts: what the store says of a batch without its manifest being read.
        names: ids of all batches that the store holds.
    """

    def __init__(
        self,
        settings: Settings,
        dataset_id: str,
        read: Read,
        facts: Callable[[str], tables.Facts | None],
        names: Callable[[], list[str]],
    ) -> None:
        self._settings, self._dataset = settings, dataset_id
        self._read, self._facts, self._names = read, facts, names
        self._asked: sqlite3.Connection | None = None

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the index, as landing was when this object was first asked.

        Raises:
            StateUnavailable: the state's database or the store does not answer.
        """
        self._asked = self._asked or self._followed()
        return self._asked.execute(statement, values).fetchall()

    @contextmanager
    def changing(self, batch_id: str) -> Iterator[str]:
        """Change a batch in the store; broken off, whoever asks looks there."""
        with database.asking(self._settings) as connection:
            connection.execute(_BEGIN, [self._dataset, batch_id])
        yield batch_id

    def note(self, change: str, manifest: BatchManifest) -> None:
        """Write a batch down as the store has it now."""
        try:
            found = self._rows(manifest.batch_id, manifest)
            if found is not None:
                with database.asking(self._settings) as connection:
                    connection.execute(_NOTE, [*found, self._dataset, change])
        except StateUnavailable as error:  # it stays marked, and is looked at again
            _log.warning("%s: %s", self._dataset, error)

    def forget(self, change: str, batch_id: str) -> None:
        """Take a batch out."""
        forget = "DELETE FROM civiclake.landing_batches WHERE dataset = %s AND batch_id = %s"
        with database.asking(self._settings) as connection:
            connection.execute(forget, [self._dataset, batch_id])

    def _followed(self) -> sqlite3.Connection:
        with database.asking(self._settings) as connection:
            listed = "SELECT 1 FROM civiclake.landing_listed WHERE dataset = %s"
            if not connection.execute(listed, [self._dataset]).fetchone():
                self._list(connection)
            known = connection.execute(_KNOWN, [self._dataset]).fetchall()
        memory = tables.connect(":memory:")
        for batch_id, is_changing, is_old, batch, files in known:
            found = (batch, files)
            if is_changing:
                now = self._rows(batch_id, self._read(batch_id))
                if is_old:  # nobody works on it any more
                    self._settle(batch_id, now)
                found = now or (None, None)
            if found[0] is not None:
                tables.insert(memory, json.loads(found[0]), json.loads(found[1]))
        return memory

    def _list(self, connection: database.Connection) -> None:
        count = 0
        for batch_id in self._names():
            found = self._rows(batch_id, self._read(batch_id))
            if found is not None:
                connection.execute(_FOUND, [*found, self._dataset, batch_id])
                count += 1
        done = "INSERT INTO civiclake.landing_listed VALUES (%s) ON CONFLICT DO NOTHING"
        connection.execute(done, [self._dataset])
        if count:
            _log.warning(
                "%s: the index of landing knew no batch; %d manifests were read",
                self._dataset, count,
            )  # fmt: skip

    def _settle(self, batch_id: str, now: tuple[str, str] | None) -> None:
        if now is None:
            self.forget(batch_id, batch_id)
            return
        with database.asking(self._settings) as connection:
            connection.execute(_NOTE, [*now, self._dataset, batch_id])

    def _rows(self, batch_id: str, manifest: BatchManifest | None) -> tuple[str, str] | None:
        """A batch as the index's tables have it, as JSON; None where the store has none."""
        facts = self._facts(batch_id) if manifest is not None else None
        if manifest is None or facts is None:
            return None
        named = manifest.model_copy(update={"batch_id": batch_id})
        batch, files = tables.rows(named, is_committed=facts.is_committed, facts=facts)
        return json.dumps(batch), json.dumps(files)


def next_attempt(settings: Settings, dataset_id: str, batch_id: str) -> int:
    """Number a try of loading a batch."""
    with database.asking(settings) as connection:
        ((count,),) = connection.execute(_ATTEMPT, [dataset_id, batch_id]).fetchall()
    return int(count)
