"""Batches in a folder of one host: each appears in one rename, complete, or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from civiclake.io.landing.index import Index
from civiclake.io.landing.manifest import COMMITTED, MANIFEST, RENDITIONS
from civiclake.io.landing.shelf import Read, as_it_is

HELD = ".held"
PAGES = ".pages"
_ATTEMPTS = "_ATTEMPTS"


class FolderShelf:
    """Batches as ``<root>/<department>/<dataset>/<batch_id>/``.

    Args:
        root: the folder of all.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def dataset_dir(self, dataset_id: str) -> Path:
        """Folder of a dataset's batches."""
        department, _, name = dataset_id.partition(".")
        return self._root / department / name

    def batch_dir(self, dataset_id: str, batch_id: str, suffix: str = "") -> Path:
        """Folder of a batch, or of what stands beside it."""
        return self.dataset_dir(dataset_id) / f"{batch_id}{suffix}"

    def where(self, dataset_id: str, batch_id: str) -> str:
        """The batch's manifest."""
        return str(self.batch_dir(dataset_id, batch_id) / MANIFEST)

    def manifest(self, dataset_id: str, batch_id: str) -> bytes | None:
        """The manifest as it was written, or None."""
        try:
            return (self.batch_dir(dataset_id, batch_id) / MANIFEST).read_bytes()
        except FileNotFoundError:
            return None

    def index(self, dataset_id: str, read: Read) -> Index:
        """A file beside the dataset's folder."""
        return Index(self.dataset_dir(dataset_id), dataset_id, read)

    def prepare(self, folder: Path, dataset_id: str, batch_id: str) -> None:
        """Let the disk have all of it."""
        for path in folder.rglob("*"):
            if path.is_file():
                _sync(path)

    def publish(self, folder: Path, dataset_id: str, batch_id: str) -> bool:
        """Rename the draft."""
        target = self.batch_dir(dataset_id, batch_id)
        try:
            folder.rename(target)
        except OSError:
            if not (target / MANIFEST).exists():  # nobody was first: it is another trouble
                raise
            return False
        _sync_folder(target.parent)
        shutil.rmtree(self.batch_dir(dataset_id, batch_id, HELD), ignore_errors=True)
        return True

    def hold(self, folder: Path, dataset_id: str, batch_id: str) -> None:
        """Rename the draft to the batch's name and ``.held``; nobody looks at renditions."""
        kept = self.batch_dir(dataset_id, batch_id, HELD)
        shutil.rmtree(kept, ignore_errors=True)
        folder.rename(kept)
        shutil.rmtree(kept / RENDITIONS, ignore_errors=True)

    def remove(self, dataset_id: str, batch_id: str) -> None:
        """Take a batch away, and what is left of an unfinished walk."""
        for suffix in ("", PAGES):
            shutil.rmtree(self.batch_dir(dataset_id, batch_id, suffix), ignore_errors=True)

    def knows(self, dataset_id: str, batch_id: str) -> bool:
        """Whether anything stands under that id, landed, held or begun."""
        return any(
            self.batch_dir(dataset_id, batch_id, suffix).exists() for suffix in ("", HELD, PAGES)
        )

    def commit(self, dataset_id: str, batch_id: str) -> None:
        """Put an empty file into the batch's folder."""
        folder = self.batch_dir(dataset_id, batch_id)
        with (folder / COMMITTED).open("ab") as file:
            os.fsync(file.fileno())
        _sync_folder(folder)

    def committed_at(self, dataset_id: str, batch_id: str) -> datetime | None:
        """When a batch's merge was done, or None."""
        try:
            found = (self.batch_dir(dataset_id, batch_id) / COMMITTED).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return datetime.fromtimestamp(found.st_mtime, UTC)

    def committed_ids(self, dataset_id: str) -> list[str]:
        """Ids of all batches whose merge is done, in order."""
        folders = sorted(p.parent for p in self.dataset_dir(dataset_id).glob(f"*/{COMMITTED}"))
        return [folder.name for folder in folders if folder.name[0] != "."]

    def opened(self, dataset_id: str, batch_id: str, scratch: Path) -> AbstractContextManager[Path]:
        """The batch's folder itself."""
        return as_it_is(self.batch_dir(dataset_id, batch_id))

    def next_attempt(self, dataset_id: str, batch_id: str) -> int:
        """Number a try of loading a batch, counting those that crashed."""
        log = self.batch_dir(dataset_id, batch_id) / _ATTEMPTS
        with log.open("a") as file:
            file.write("x")
        return log.stat().st_size


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
