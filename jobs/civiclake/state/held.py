"""Locks for short work that all hosts of an installation do one at a time.

On one host they are files (:mod:`civiclake.local.held`); in the state's database they are advisory
locks (:mod:`.advisory`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from civiclake.errors import LockHeld
from civiclake.local import held as files
from civiclake.settings import Settings


@contextmanager
def held(
    settings: Settings, file: Path, what: str, *, timeout_s: float = files.WAIT_S
) -> Iterator[None]:
    """Hold a lock until the ``with`` block ends.

    Args:
        settings: where locks stand.
        file: the lock file of one host; its name below the state folder is the lock's.
        what: the work that waits, as a sentence begins.
        timeout_s: how many seconds to wait.

    Raises:
        LockHeld: another one has it for longer than that.
        StateUnavailable: the database of locks does not answer.
    """
    if settings.state.is_shared:
        name = file.relative_to(settings.state_dir).as_posix()
        with _shared(settings, name, what, timeout_s):
            yield
    else:
        with files.held(file, what, timeout_s=timeout_s):
            yield


@contextmanager
def _shared(settings: Settings, name: str, what: str, timeout_s: float) -> Iterator[None]:
    from civiclake.state import advisory, database  # the driver costs 0.1 s, files need none

    connection = database.connect(settings)
    try:
        with database.told(settings):
            is_ours = advisory.take(connection, name, timeout_s)
            by = "" if is_ours else advisory.holder(connection, name)
        if not is_ours:
            raise LockHeld(
                f"{what} waited {timeout_s:g} s for the lock {name} in"
                f" {database.where(settings)}, which {by} holds: try again when that is done,"
                " or end it"
            )
        yield
    finally:
        connection.close()
