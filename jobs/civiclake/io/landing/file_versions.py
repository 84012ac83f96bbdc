"""Versions of delivered files: which of two is the newer, and under what name both go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote, urlsplit

from civiclake.contracts.model import Dataset, naming
from civiclake.io.landing.former import CameFile


@dataclass(frozen=True)
class FileVersion:
    """One version of a delivered file, as a batch brought it."""

    prefix: str
    """What the ids of its records begin with: ``<batch>/<number>``."""
    name: str
    """The same for all versions of the file."""
    order: tuple[datetime, str, datetime, int]
    """Which came later: by its time, then its name, then the batch that brought it."""


def versions(files: Iterable[CameFile], dataset: Dataset) -> list[FileVersion]:
    """Every file version that some batches brought, oldest first.

    What a query read has the time at which it was read, and its parts are in order.

    Args:
        files: of landed batches.
        dataset: the compiled contract.
    """
    found = [
        FileVersion(
            f"{file.batch_id}/{file.number}",
            name_of(file.origin, dataset.source.location or ""),
            (file.modified_at, file.origin, file.created_at, file.number),
        )
        for file in files
    ]
    return sorted(found, key=lambda version: version.order)


def newest(found: Iterable[FileVersion]) -> dict[str, FileVersion]:
    """The newest version by name, of versions in order."""
    return {version.name: version for version in found}


def name_of(origin: str, location: str) -> str:
    """A file's name below the folder that the contract's location begins with.

    The folder itself may move with an installation; the file is the same.

    Args:
        origin: where the file came from, as landing wrote it down.
        location: the contract's pattern, such as ``${DROPS}/health/*/cases-*.csv``.
    """
    path = unquote(urlsplit(origin).path) if origin.startswith("file:") else origin
    parts = naming(location)
    return path if parts is None else "/".join(path.split("/")[-parts:])
