"""Where landing's batches stand: what a folder and a bucket have to do alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from civiclake.io.landing.manifest import BatchManifest

Read = Callable[[str], BatchManifest | None]
"""Reads the manifest of a batch; None when there is none."""


class BatchIndex(Protocol):
    """What is known of a dataset's batches without reading each manifest."""

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the index's tables (:mod:`.index_tables`)."""

    def changing(self, batch_id: str) -> AbstractContextManager[Any]:
        """Change a batch and the index together; broken off, the batch is looked at again."""

    def note(self, change: Any, manifest: BatchManifest) -> None:
        """Write a batch down as it stands now."""

    def forget(self, change: Any, batch_id: str) -> None:
        """Take a batch out."""


class Shelf(Protocol):
    """A store of batches, by dataset and batch id. A batch is there when its manifest is."""

    def where(self, dataset_id: str, batch_id: str) -> str:
        """The batch's place, in a sentence."""

    def manifest(self, dataset_id: str, batch_id: str) -> bytes | None:
        """The manifest as it was written, or None."""

    def index(self, dataset_id: str, read: Read) -> BatchIndex:
        """The index of a dataset's batches."""

    def prepare(self, folder: Path, dataset_id: str, batch_id: str) -> None:
        """Make a finished draft safe, so that publishing it is one short step."""

    def publish(self, folder: Path, dataset_id: str, batch_id: str) -> bool:
        """Let a prepared draft appear, whole; False when another was first, whose batch stands."""

    def hold(self, folder: Path, dataset_id: str, batch_id: str) -> None:
        """Keep a draft to be looked at, in place of one kept before."""

    def remove(self, dataset_id: str, batch_id: str) -> None:
        """Take a batch away."""

    def knows(self, dataset_id: str, batch_id: str) -> bool:
        """Whether anything stands under that id, landed, held or begun."""

    def commit(self, dataset_id: str, batch_id: str) -> None:
        """Mark a batch's merge as done."""

    def committed_at(self, dataset_id: str, batch_id: str) -> datetime | None:
        """When a batch's merge was done, or None."""

    def committed_ids(self, dataset_id: str) -> list[str]:
        """Ids of all batches whose merge is done, in order."""

    def opened(self, dataset_id: str, batch_id: str, scratch: Path) -> AbstractContextManager[Path]:
        """A folder of this host with all of a batch, while the block lasts.

        Args:
            dataset_id: whose batch it is.
            batch_id: of a landed batch.
            scratch: folder that takes a copy, where one is needed.
        """

    def next_attempt(self, dataset_id: str, batch_id: str) -> int:
        """Number a try of loading a batch, counting those that crashed."""


@contextmanager
def as_it_is(folder: Path) -> Iterator[Path]:
    """A folder that needs no copy."""
    yield folder
