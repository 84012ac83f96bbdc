"""A full disk, told as such: which folder stands on it, and how much is missing."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from civiclake.errors import DiskFull
from civiclake.settings import Settings

_NUMBERS = (errno.ENOSPC, errno.EDQUOT)
_WORDS = tuple(os.strerror(number) for number in _NUMBERS)
"""As the JVM tells it, which has no numbers for it."""


@contextmanager
def told_when_full(
    what: str,
    *folders: Path,
    needed: Callable[[], int | None] = lambda: None,
    within: Path | None = None,
) -> Iterator[None]:
    """Turn whatever a full disk brought about into one sentence, however it was told.

    Args:
        what: was being done, for the sentence.
        folders: that are written, the likeliest first; the one with the least room is named.
        needed: tells the bytes that it is thought to need in all, where that is known.
        within: folder that holds what was written so far, and goes when it fails.

    Raises:
        DiskFull: something in the block had no room to write.
    """
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:
        found = is_full(error)
        if not found:
            raise
        named = Path(found) if found.startswith("/") else None
        raise DiskFull(_sentence(what, _fullest(folders, named), needed(), within)) from error


def written_folders(settings: Settings) -> list[Path]:
    """The folders that a writer and its engine write, the lake first."""
    lake = [] if settings.lake_uri is not None else [Path(settings.lake)]
    scratch = settings.state_dir / "spark"
    return [*lake, scratch, settings.data_docs_dir, settings.locks_dir, settings.state_dir]


def is_full(error: BaseException | None) -> str:
    """What an error says of a full disk, by itself or by one that it came from; else nothing.

    Returns:
        The file that could not be written where it is known, or other words.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in _NUMBERS:
            return str(error.filename or error.strerror)
        said = next((words for words in _WORDS if words in str(error)), "")
        if said:
            return said
        error = error.__cause__ or error.__context__
    return ""


def _fullest(folders: tuple[Path, ...], named: Path | None) -> Path:
    """The folder on whose disk there is the least room; the first of those on one disk."""
    there = [folder for folder in folders if folder.exists()] or [Path("/")]
    if named is not None:
        holding = [folder for folder in there if named.is_relative_to(folder)]
        return holding[0] if holding else _existing(named)
    return min(there, key=lambda folder: shutil.disk_usage(folder).free)


def _existing(path: Path) -> Path:
    return path if path.is_dir() else _existing(path.parent)


def _sentence(what: str, folder: Path, needed: int | None, within: Path | None) -> str:
    usage = shutil.disk_usage(folder)
    written = size_of(within) if within is not None else 0
    missing = (needed or 0) - written - usage.free
    room = f"{megabytes(usage.free)} of {megabytes(usage.total)} are free"
    if within is not None:
        room += f", {megabytes(written)} were written so far"
    if missing > 0:
        lacks = f"at least {megabytes(missing)} are missing"
    else:
        lacks = "how much more it takes is not known"
    return (
        f"{what}: the disk of {folder} is full: {room}, {lacks}; make room there and run it again:"
        " what was committed before stands"
    )


def size_of(folder: Path) -> int:
    """Bytes of all files of a folder; of one that is gone, none."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:  # taken away meanwhile
            continue
    return total


def megabytes(size: int) -> str:
    """A size for people, rounded up: what is missing is told rather too large."""
    return f"{-(-size // 1_000_000):,} MB"
