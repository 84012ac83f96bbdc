"""Dropped files: a department writes them into a folder of this machine."""

from __future__ import annotations

import contextlib
import heapq
import os
import re
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import FileIO, RawIOBase
from pathlib import Path
from typing import cast

from civiclake.contracts.model import Dataset
from civiclake.errors import SourceError
from civiclake.io.landing.delivery import UNFINISHED, Delivery, StillWritten, ask, expand, holds

_LOOKED_AT = 20


def find(dataset: Dataset, *, settle_seconds: float) -> tuple[list[Delivery], list[str]]:
    """All files that match the contract's pattern.

    Args:
        dataset: the compiled contract.
        settle_seconds: a file changed since then may still be growing.

    Returns:
        The deliveries, oldest first, and the names of files still being written.
    """
    pattern = Path(expand(dataset, "path", dataset.source.location)).absolute()
    found, growing = [], []
    for path in sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))):
        status = path.lstat()
        if path.name.startswith(".") or stat.S_ISDIR(status.st_mode):
            continue
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(
                f"{dataset.id}: {path} is a link or no plain file, which is never followed: "
                f"{ask(dataset)} to deliver the file itself"
            )
        fresh = 0 <= time.time() - status.st_mtime < settle_seconds
        if fresh or path.name.lower().endswith(UNFINISHED):
            growing.append(path.name)
        else:
            found.append(_delivery(dataset, path, status))
    return sorted(found, key=lambda d: (d.modified_at, d.origin)), growing


def beside(dataset: Dataset) -> str:
    """What lies where the pattern looks, when nothing matches it."""
    folder = Path(expand(dataset, "path", dataset.source.location)).absolute().parent
    while re.search(r"[*?\[]", str(folder)):
        folder = folder.parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    return holds(str(folder), (path.name + "/" * path.is_dir() for path in _some(folder)))


def _some(folder: Path) -> list[Path]:
    """The first of what lies in a folder, in order, however much it is."""
    return heapq.nsmallest(_LOOKED_AT, folder.iterdir())


def _delivery(dataset: Dataset, path: Path, status: os.stat_result) -> Delivery:
    return Delivery(
        origin=path.absolute().as_uri(),
        name=path.name,
        size_bytes=status.st_size,
        modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
        version=str(status.st_mtime_ns),
        open=lambda: _open(dataset, path, status),
    )


@contextlib.contextmanager
def _open(dataset: Dataset, path: Path, seen: os.stat_result) -> Iterator[RawIOBase]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        reason = error.strerror or "it can't be opened"
        raise SourceError(f"{dataset.id}: {path}: {reason}: {ask(dataset)} to mend it") from None
    with FileIO(handle) as file:
        try:
            yield cast(RawIOBase, file)
        except Exception:
            if _changed(path, seen):  # a file read while it grew looks like a broken one
                raise StillWritten(path.name) from None
            raise
    if _changed(path, seen):
        raise StillWritten(path.name)


def _changed(path: Path, seen: os.stat_result) -> bool:
    try:
        now = path.lstat()
    except FileNotFoundError:
        return False  # taken away after it was opened: what was read is whole
    return (now.st_size, now.st_mtime_ns) != (seen.st_size, seen.st_mtime_ns)
