"""The rendition of a landed file, made now where its batch was landed without one."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from civiclake.errors import SourceError
from civiclake.io.landing.manifest import RENDITIONS, LandedFile
from civiclake.io.reading.csv_header import Wanted
from civiclake.io.reading.csv_records import Form, render
from civiclake.io.reading.inspect import READ_FAULTS, why
from civiclake.io.reading.rendition import SUFFIX

_ANY_LENGTH = 1 << 30


def rendition(batch_dir: Path, file: LandedFile) -> Path:
    """What stage reads of a landed file.

    Args:
        batch_dir: the batch's folder in landing.
        file: one of the batch's files.

    Raises:
        SourceError: the batch is of an older CivicLake, and its CSV can't be read.
    """
    if file.rendition is not None:
        return batch_dir / file.rendition
    name = file.path.rpartition("/")[2]
    target = batch_dir / RENDITIONS / f"{name}{SUFFIX}"
    if not target.exists():
        target.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = target.with_name(f".{name}.{os.getpid()}")
        try:
            _render(batch_dir / file.path, file, fresh)
            fresh.replace(target)
        except READ_FAULTS as error:
            raise SourceError(
                f"{batch_dir.name}: {file.path} can't be read: {why(error)}"
            ) from None
        finally:
            fresh.unlink(missing_ok=True)
    return target


def _render(path: Path, file: LandedFile, target: Path) -> None:
    form = Form(Wanted(file.delimiter, known=file.header), file.encoding, accepted=True)
    with (
        gzip.open(path) if file.compressed else path.open("rb") as binary,
        _values_of_any_length(),
    ):
        render(cast(io.BufferedIOBase, binary), target, form)


@contextlib.contextmanager
def _values_of_any_length() -> Iterator[None]:
    """Databases gave texts of any length, such as geometries: those have to be read once more."""
    limit = csv.field_size_limit(_ANY_LENGTH)
    try:
        yield
    finally:
        csv.field_size_limit(limit)
