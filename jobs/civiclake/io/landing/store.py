"""Landing: the bytes of every batch as they came, written once, with a manifest.

A batch appears complete, or not at all: in a folder of one host (:mod:`.shelf_folder`), or in an
object store that all hosts reach (:mod:`.shelf_bucket`). It counts for the next one (watermark,
files already taken) only after its merge, when ``account`` marks it committed: what failed or was
held is read again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from civiclake.contracts.model import Dataset
from civiclake.errors import UserError
from civiclake.io.landing.drafts import Draft, sweep
from civiclake.io.landing.former import Former
from civiclake.io.landing.index import BATCH_ID
from civiclake.io.landing.manifest import MANIFEST, BatchManifest
from civiclake.io.landing.shelf import BatchIndex, Shelf
from civiclake.io.landing.shelf_folder import HELD, PAGES, FolderShelf
from civiclake.local.disk import told_when_full
from civiclake.settings import Settings


class Landing:
    """Reader and keeper of landing.

    Args:
        settings: they say where it is.
    """

    def __init__(self, settings: Settings) -> None:
        self._root = settings.landing_dir
        self._here = FolderShelf(self._root)
        self._shelf: Shelf = _bucket_shelf(settings) if settings.landing.url else self._here

    def dataset_dir(self, dataset_id: str) -> Path:
        """Folder of a dataset on this host: its batches, or only what is under way."""
        return self._here.dataset_dir(dataset_id)

    def batch_dir(self, dataset_id: str, batch_id: str) -> Path:
        """Folder of a batch on this host, whether it is there or not.

        Raises:
            UserError: the id would not be the name of a plain folder.
        """
        self._refuse_odd(batch_id)
        return self.dataset_dir(dataset_id) / batch_id

    def opened(self, dataset_id: str, batch_id: str) -> AbstractContextManager[Path]:
        """A folder of this host with all of a landed batch, while the block lasts."""
        scratch = self._drafts_dir(dataset_id)
        if scratch.is_dir() and self._shelf is not self._here:
            sweep(scratch.iterdir())
        return self._shelf.opened(dataset_id, batch_id, scratch)

    def next_attempt(self, dataset_id: str, batch_id: str) -> int:
        """Number a try of loading a landed batch, counting those that crashed."""
        return self._shelf.next_attempt(dataset_id, batch_id)

    def knows(self, dataset_id: str, batch_id: str) -> bool:
        """Whether anything stands under that id, landed, held or begun."""
        self._refuse_odd(batch_id)
        return self._shelf.knows(dataset_id, batch_id) or self._here.knows(dataset_id, batch_id)

    def _refuse_odd(self, batch_id: str) -> None:
        if not BATCH_ID.fullmatch(batch_id):
            raise UserError(
                f"batch id {batch_id!r} is not allowed: use letters, digits, - and _,"
                " such as 20160101T020000Z"
            )

    def held_dir(self, dataset_id: str, batch_id: str) -> Path:
        """Where a delivery of the wrong shape is kept to be looked at."""
        folder = self.batch_dir(dataset_id, batch_id)
        return folder.with_name(folder.name + HELD)

    def pages_dir(self, dataset_id: str, batch_id: str) -> Path:
        """Where the pages of an unfinished walk are kept between two tries of a batch."""
        folder = self.batch_dir(dataset_id, batch_id)
        return folder.with_name(folder.name + PAGES)

    def find(self, dataset_id: str, batch_id: str) -> BatchManifest | None:
        """The manifest of a landed batch, or None."""
        self._refuse_odd(batch_id)
        content = self._shelf.manifest(dataset_id, batch_id)
        if content is None:
            return None
        try:
            return BatchManifest.model_validate_json(content)
        except ValidationError as error:
            where = self._shelf.where(dataset_id, batch_id)
            raise UserError(f"{where} is no manifest of this version: {error}") from None

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

    def _index(self, dataset_id: str) -> BatchIndex:
        def read(batch_id: str) -> BatchManifest | None:
            return self.find(dataset_id, batch_id)

        return self._shelf.index(dataset_id, read)

    def committed(self, dataset_id: str) -> list[BatchManifest]:
        """Manifests of all batches whose merge is done, by batch id: each is read."""
        return [self.manifest(dataset_id, name) for name in self._shelf.committed_ids(dataset_id)]

    def is_committed(self, dataset_id: str, batch_id: str) -> bool:
        """Whether the merge of that batch is done."""
        self._refuse_odd(batch_id)
        return self._shelf.committed_at(dataset_id, batch_id) is not None

    def mark_committed(self, dataset_id: str, batch_id: str) -> None:
        """Let the batch count: its rows are served, its files are taken."""
        manifest = self.manifest(dataset_id, batch_id)
        index = self._index(dataset_id)
        with index.changing(batch_id) as change:
            self._shelf.commit(dataset_id, batch_id)
            index.note(change, manifest)

    def committed_at(self, dataset_id: str, batch_id: str) -> datetime:
        """When the merge of that batch was done.

        Raises:
            UserError: it is not done.
        """
        found = self._shelf.committed_at(dataset_id, batch_id)
        if found is None:
            raise UserError(f"batch {batch_id} of {dataset_id} is not merged")
        return found

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
        self._shelf.prepare(draft.folder, manifest.dataset, manifest.batch_id)
        index = self._index(manifest.dataset)
        with index.changing(manifest.batch_id) as change:
            if not self._shelf.publish(draft.folder, manifest.dataset, manifest.batch_id):
                manifest = self.manifest(manifest.dataset, manifest.batch_id)
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
        index = self._index(dataset_id)
        with index.changing(batch_id) as change:
            self._shelf.remove(dataset_id, batch_id)
            self._here.remove(dataset_id, batch_id)  # an unfinished walk's pages
            index.forget(change, batch_id)

    def hold(self, draft: Draft, dataset: Dataset, batch_id: str) -> None:
        """Keep what was read beside the batches: people will want to look at it."""
        self._refuse_odd(batch_id)
        self._shelf.hold(draft.folder, dataset.id, batch_id)


def _bucket_shelf(settings: Settings) -> Shelf:
    from civiclake.io.landing.shelf_bucket import BucketShelf  # boto3 is heavy, folders need none

    return BucketShelf(settings)
