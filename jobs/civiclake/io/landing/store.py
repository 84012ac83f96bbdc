"""Landing: the bytes of every batch as they came, written once, with a manifest.

``landing/<department>/<dataset>/<batch_id>/`` appears in one rename, complete, or not at
all. A batch counts for the next one (watermark, files already taken) only after its
merge, when ``account`` marks it committed: what failed or was held is read again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from civiclake.contracts.model import Dataset
from civiclake.errors import UserError
from civiclake.io.landing.drafts import Draft, sweep
from civiclake.io.landing.former import Former
from civiclake.io.landing.index import BATCH_ID, Index
from civiclake.io.landing.index_tables import remove as forget
from civiclake.io.landing.manifest import COMMITTED, MANIFEST, RENDITIONS, BatchManifest
from civiclake.local.disk import told_when_full
from civiclake.settings import Settings

_HELD = ".held"
_PAGES = ".pages"


class Landing:
    """Reader and keeper of the landing folder.

    Args:
        settings: they say where it is.
    """

    def __init__(self, settings: Settings) -> None:
        self._root = settings.landing_dir

    def dataset_dir(self, dataset_id: str) -> Path:
        """Folder of a dataset's batches."""
        department, _, name = dataset_id.partition(".")
        return self._root / department / name

    def batch_dir(self, dataset_id: str, batch_id: str) -> Path:
        """Folder of a batch, whether it is there or not.

        Raises:
            UserError: the id would not be the name of a plain folder.
        """
        if not BATCH_ID.fullmatch(batch_id):
            raise UserError(
                f"batch id {batch_id!r} is not allowed: use letters, digits, - and _,"
                " such as 20160101T020000Z"
            )
        return self.dataset_dir(dataset_id) / batch_id

    def held_dir(self, dataset_id: str, batch_id: str) -> Path:
        """Where a delivery of the wrong shape is kept to be looked at."""
        folder = self.batch_dir(dataset_id, batch_id)
        return folder.with_name(folder.name + _HELD)

    def pages_dir(self, dataset_id: str, batch_id: str) -> Path:
        """Where the pages of an unfinished walk are kept between two tries of a batch."""
        folder = self.batch_dir(dataset_id, batch_id)
        return folder.with_name(folder.name + _PAGES)

    def find(self, dataset_id: str, batch_id: str) -> BatchManifest | None:
        """The manifest of a landed batch, or None."""
        path = self.batch_dir(dataset_id, batch_id) / MANIFEST
        try:
            return BatchManifest.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise UserError(f"{path} is no manifest of this version: {error}") from None

    def manifest(self, dataset_id: str, batch_id: str) -> BatchManifest:
        """The manifest of a landed batch.

        Raises:
            UserError: that batch was never extracted.
        """
        found = self.find(dataset_id, batch_id)
        if found is None:
            raise UserError(
                f"batch {batch_id} of {dataset_id} is not in landing: "
                f"run `civiclake extract {dataset_id} --batch-id {batch_id}` first"
            )
        return found

    def former(self, dataset_id: str) -> Former:
        """What the dataset's batches say together now, without reading each manifest."""
        return Former(self._index(dataset_id).ask)

    def _index(self, dataset_id: str) -> Index:
        def read(batch_id: str) -> BatchManifest | None:
            return self.find(dataset_id, batch_id)

        return Index(self.dataset_dir(dataset_id), dataset_id, read)

    def committed(self, dataset_id: str) -> list[BatchManifest]:
        """Manifests of all batches whose merge is done, by batch id: each is read."""
        folders = sorted(p.parent for p in self.dataset_dir(dataset_id).glob(f"*/{COMMITTED}"))
        return [self.manifest(dataset_id, f.name) for f in folders if f.name[0] != "."]

    def is_committed(self, dataset_id: str, batch_id: str) -> bool:
        """Whether the merge of that batch is done."""
        return (self.batch_dir(dataset_id, batch_id) / COMMITTED).exists()

    def mark_committed(self, dataset_id: str, batch_id: str) -> None:
        """Let the batch count: its rows are served, its files are taken."""
        manifest = self.manifest(dataset_id, batch_id)
        folder = self.batch_dir(dataset_id, batch_id)
        index = self._index(dataset_id)
        with index.changing() as change:
            with (folder / COMMITTED).open("ab") as file:
                os.fsync(file.fileno())
            _sync_folder(folder)
            index.note(change, manifest)

    def committed_at(self, dataset_id: str, batch_id: str) -> datetime:
        """When the merge of that batch was done."""
        path = self.batch_dir(dataset_id, batch_id) / COMMITTED
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)

    @contextlib.contextmanager
    def drafting(self, dataset: Dataset, batch_id: str) -> Iterator[Draft]:
        """A folder to fill; it vanishes unless it is published."""
        target = self.batch_dir(dataset.id, batch_id)
        drafts = self._drafts_dir(dataset.id)
        draft = Draft(drafts / f"{batch_id}.{os.getpid()}", batch_id)
        where = f"{dataset.id} batch {batch_id} is not landed"
        try:
            with told_when_full(
                where, self._root, needed=lambda: draft.needed, within=draft.folder
            ):
                target.parent.mkdir(parents=True, exist_ok=True)
                drafts.mkdir(exist_ok=True)
                for folder in (self._root, target.parent.parent, target.parent, drafts):
                    # The index goes by the folder's change time.
                    if folder.stat().st_mode & 0o777 != 0o700:
                        folder.chmod(0o700)
                sweep(drafts.iterdir())
                draft.folder.mkdir(mode=0o700)
                yield draft
        finally:
            shutil.rmtree(draft.folder, ignore_errors=True)

    def _drafts_dir(self, dataset_id: str) -> Path:
        """Beside the dataset's folder, which changes only when a batch comes."""
        folder = self.dataset_dir(dataset_id).resolve()
        return folder.with_name(f".{folder.name}.drafts")

    def publish(self, draft: Draft, manifest: BatchManifest) -> BatchManifest:
        """Let the batch appear, whole; when another process was first, its batch stands."""
        with (draft.folder / MANIFEST).open("w") as file:
            file.write(manifest.model_dump_json(indent=1) + "\n")
        for path in draft.folder.rglob("*"):
            if path.is_file():
                _sync(path)
        target = self.batch_dir(manifest.dataset, manifest.batch_id)
        index = self._index(manifest.dataset)
        with index.changing() as change:
            try:
                draft.folder.rename(target)
            except OSError:
                found = self.find(manifest.dataset, manifest.batch_id)
                if found is None:  # nobody was first: it is another trouble
                    raise
                return found
            _sync_folder(target.parent)
            held = self.held_dir(manifest.dataset, manifest.batch_id)
            shutil.rmtree(held, ignore_errors=True)
            index.note(change, manifest)
        return manifest

    def discard(self, dataset_id: str, batch_id: str) -> None:
        """Forget a landed batch, so that it is read anew.

        Raises:
            UserError: its rows are served already.
        """
        if self.is_committed(dataset_id, batch_id):
            raise UserError(
                f"batch {batch_id} of {dataset_id} is committed and can't be read again: "
                "use a new batch id"
            )
        with self._index(dataset_id).changing() as change:
            for folder in (self.batch_dir, self.pages_dir):
                shutil.rmtree(folder(dataset_id, batch_id), ignore_errors=True)
            forget(change, batch_id)

    def hold(self, draft: Draft, dataset: Dataset, batch_id: str) -> None:
        """Keep what was read beside the batches: people will want to look at it."""
        kept = self.held_dir(dataset.id, batch_id)
        shutil.rmtree(kept, ignore_errors=True)
        draft.folder.rename(kept)
        shutil.rmtree(kept / RENDITIONS, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
