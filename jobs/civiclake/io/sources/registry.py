"""Which module reads which kind of source; third parties add theirs by an entry point.

A connector is a module (or any object) of one of two shapes. It *finds* deliveries, files
that somebody else has written whole: ``find``. Or it *pulls* what it is asked for into the
batch's draft: ``pull``. Everything before and after is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from civiclake.contracts.model import Dataset, SourceKind
from civiclake.contracts.read.connectors import BUILT_IN, GROUP
from civiclake.errors import UserError
from civiclake.io.landing.delivery import Delivery
from civiclake.io.landing.drafts import Draft
from civiclake.io.landing.manifest import LandedFile
from civiclake.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Connect = Callable[[Settings], "SparkSession"]

_MODULES = {
    SourceKind.POSTGRESQL: "civiclake.io.sources.postgresql",
    SourceKind.MYSQL: "civiclake.io.sources.mysql",
    SourceKind.S3: "civiclake.io.sources.s3",
    SourceKind.FILES: "civiclake.io.sources.files",
    SourceKind.API: "civiclake.io.sources.rest.pull",
    SourceKind.SFTP: "civiclake.io.sources.sftp",
}


@runtime_checkable
class Finds(Protocol):
    """A connector whose deliveries are files."""

    def find(self, dataset: Dataset, *, settle_seconds: float) -> tuple[list[Delivery], list[str]]:
        """All that is delivered, oldest first, and the names of what is still being written."""


@runtime_checkable
class TellsBeside(Protocol):
    """A connector that can say what lies where nothing matches."""

    def beside(self, dataset: Dataset) -> str:
        """A few words, such as ``/drops holds a.csv, b.txt``."""


@dataclass(frozen=True)
class Asked:
    """What a connector that pulls is asked for."""

    settings: Settings
    dataset: Dataset
    batch_id: str
    draft: Draft
    """The batch's folder: it appears whole or not at all."""
    watermark: str | None
    """Highest sequence of the batches before; None reads everything."""
    connect: Connect | None
    """Opens a session of the jobs engine; None where nobody has one."""


@dataclass(frozen=True)
class Pulled:
    """What a connector has read into the draft."""

    files: tuple[LandedFile, ...]
    watermark_to: str | None
    folded: Mapping[str, int] = field(default_factory=dict)
    """As :attr:`civiclake.io.landing.manifest.BatchManifest.folded`."""


@runtime_checkable
class Pulls(Protocol):
    """A connector that reads what is new by itself."""

    def pull(self, asked: Asked) -> Pulled:
        """Read the source, or what of it is new, into the draft."""


def connector(dataset: Dataset) -> Finds | Pulls:
    """The connector of a dataset's source; only that one is imported.

    Raises:
        UserError: it is not installed here, or is no connector.
    """
    name = dataset.source.connector
    if dataset.source.kind is not SourceKind.CUSTOM:
        found: object = import_module(_MODULES[dataset.source.kind])
    elif name in BUILT_IN:
        found = import_module(BUILT_IN[name])
    else:
        found = _third_party(dataset, str(name))
    if not isinstance(found, Finds | Pulls):
        raise UserError(
            f"{dataset.path}: connector {name} of {dataset.id} has neither find nor pull:"
            " mend the package that brings it"
        )
    return found


def _third_party(dataset: Dataset, name: str) -> object:
    installed = entry_points(group=GROUP, name=name)
    if not installed:
        raise UserError(
            f"{dataset.path}: no installed package brings the connector {name} of {dataset.id}:"
            f" install one with an entry point {name} in the group {GROUP}"
        )
    return installed[name].load()
