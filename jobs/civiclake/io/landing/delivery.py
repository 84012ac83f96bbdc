"""What all sources share: deliveries, names from the environment, sentences with an owner."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from io import RawIOBase
from itertools import islice

from civiclake.contracts.model import Dataset
from civiclake.errors import UserError

UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
"""Endings by which programs name a file that they still write."""

_SHOWN_NAMES = 10
"""Of files that lie where nothing matches."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Delivery:
    """One version of one file that a department has delivered."""

    origin: str
    name: str
    size_bytes: int
    modified_at: datetime
    version: str
    open: Callable[[], AbstractContextManager[RawIOBase]]
    """Opens the bytes; on the way out it turns the source's errors into ours."""

    @property
    def identity(self) -> tuple[str, int, str]:
        """As :attr:`civiclake.io.landing.manifest.LandedFile.identity`."""
        return (self.origin, self.size_bytes, self.version)


def holds(folder: str, names: Iterable[str]) -> str:
    """What lies in a folder where nothing matches, in a few words."""
    some = list(islice(names, _SHOWN_NAMES + 1))
    if not some:
        return f"{folder} is empty"
    more = ", ..." if len(some) > _SHOWN_NAMES else ""
    return f"{folder} holds {', '.join(some[:_SHOWN_NAMES])}{more}"


class StillWritten(Exception):
    """The file changed while it was read."""


def expand(dataset: Dataset, field: str, value: str | None) -> str:
    """Put environment variables in place of ``${NAME}``.

    Raises:
        UserError: the contract gives no value, or the variable is not set.
    """
    if value is None or value == "":
        raise UserError(f"{dataset.path}: the source server of {dataset.id} has no {field}: add it")

    def of(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if not found:
            raise UserError(
                f"{match[1]} is not set: {dataset.path} takes the {field} of {dataset.id} from it"
            )
        return found

    return _VARIABLE.sub(of, value)


def credential(dataset: Dataset, part: str) -> str:
    """A credential of the dataset's connection, such as ``HEALTH_DB_PASSWORD``.

    Raises:
        UserError: the contract names no connection, or the variable is not set.
    """
    connection = expand(dataset, "connection", dataset.source.connection)
    name = f"{connection}_{part}".upper()
    found = os.environ.get(name)
    if not found:
        raise UserError(f"{name} is not set: {dataset.id} needs it to read its source")
    return found


def optional(dataset: Dataset, part: str) -> str | None:
    """What the dataset's connection may hold besides, such as ``TRANSPORT_S3_SESSION_TOKEN``."""
    connection = expand(dataset, "connection", dataset.source.connection)
    return os.environ.get(f"{connection}_{part}".upper()) or None


def ask(dataset: Dataset) -> str:
    """Whom to ask."""
    return f"ask {dataset.owner.name} ({dataset.owner.contact})"
