"""A full disk is told as such wherever it shows, and never as another trouble."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from civiclake.errors import EXIT_RETRYABLE, DiskFull, SourceError
from civiclake.local.disk import is_full, megabytes, told_when_full


def write_to_a_full_device() -> None:
    with Path("/dev/full").open("w") as file:
        file.write("x" * 100_000)


def test_the_sentence_names_the_folder_and_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"x" * 3_000_000)
    with (
        pytest.raises(DiskFull) as told,
        told_when_full("a.b batch n1", tmp_path, needed=lambda: 10**18, within=tmp_path),
    ):
        write_to_a_full_device()
    said = str(told.value)
    assert said.startswith(f"a.b batch n1: the disk of {tmp_path} is full: ")
    assert ", 3 MB were written so far, at least 999," in said
    assert said.endswith(" are missing; make room there and run it again: what was committed"
                         " before stands")  # fmt: skip
    assert told.value.exit_code == EXIT_RETRYABLE
    said = "how much more it takes is not known"
    with pytest.raises(DiskFull, match=said), told_when_full("a.b", tmp_path):
        write_to_a_full_device()


def test_it_is_known_by_what_it_came_from_and_by_the_words_of_the_engine() -> None:
    def hidden() -> None:
        try:
            write_to_a_full_device()
        except OSError:
            raise SourceError("the file can't be read") from None

    for cause in (
        hidden,
        lambda: _fail("IOException: No space left on device"),
    ):
        with pytest.raises(DiskFull), told_when_full("a.b", Path("/tmp")):
            cause()
    with pytest.raises(SourceError, match="absent"), told_when_full("a.b", Path("/tmp")):
        raise SourceError("absent")
    assert not is_full(OSError(errno.EACCES, "Permission denied"))
    assert is_full(OSError(errno.ENOSPC, "No space left on device", "/lake/x")) == "/lake/x"
    assert megabytes(1) == "1 MB"


def _fail(said: str) -> None:
    raise RuntimeError(said)
