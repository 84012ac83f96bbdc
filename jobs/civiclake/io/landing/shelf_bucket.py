"""Batches in an object store, for several hosts: each appears with its manifest, or not at all.

::

    <dataset>/<batch_id>/manifest.json     put only where there is none: the first writer's stands
    <dataset>/<batch_id>/<of that manifest>/0001-trees.csv, .../parts/0001-trees.csv.parquet
    <dataset>/<batch_id>/_COMMITTED

The bytes stand below a name that is made from their manifest, so that two that land one batch at
once never write into each other's files. Where a folder was copied here from another host the
bytes stand beside the manifest, and are found there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from civiclake.errors import UserError
from civiclake.io.landing.bucket import Bucket
from civiclake.io.landing.index import BATCH_ID
from civiclake.io.landing.index_shared import SharedIndex, next_attempt
from civiclake.io.landing.index_tables import Facts
from civiclake.io.landing.manifest import COMMITTED, MANIFEST, RENDITIONS, BatchManifest
from civiclake.io.landing.shelf import Read
from civiclake.io.landing.shelf_folder import HELD
from civiclake.settings import Settings
from civiclake.state import database

_OWNER = "_installation"
"""Object that names the installation whose landing it is."""


class BucketShelf:
    """Batches below ``landing.url``.

    Args:
        settings: of this installation.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bucket = Bucket(settings)
        self._is_ours = False

    def where(self, dataset_id: str, batch_id: str) -> str:
        """The batch's manifest."""
        return self._bucket.url(f"{_folder(dataset_id, batch_id)}/{MANIFEST}")

    def manifest(self, dataset_id: str, batch_id: str) -> bytes | None:
        """The manifest as it was written, or None."""
        found = self._bucket.get(f"{_folder(dataset_id, batch_id)}/{MANIFEST}")
        return found and found[0]

    def index(self, dataset_id: str, read: Read) -> SharedIndex:
        """Rows of the state's database."""

        def names() -> list[str]:
            found = self._bucket.folders(_dataset(dataset_id))
            return [name for name in found if BATCH_ID.fullmatch(name)]

        def facts(batch_id: str) -> Facts | None:
            return self._facts(dataset_id, batch_id)

        return SharedIndex(self._settings, dataset_id, read, facts, names)

    def prepare(self, folder: Path, dataset_id: str, batch_id: str) -> None:
        """Put the bytes where nobody looks before the manifest is there."""
        self._refuse_foreign()
        inside = f"{_folder(dataset_id, batch_id)}/{_bytes((folder / MANIFEST).read_bytes())}"
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name != MANIFEST:
                self._bucket.send(path, f"{inside}/{name}")

    def publish(self, folder: Path, dataset_id: str, batch_id: str) -> bool:
        """Put the manifest, unless there is one."""
        where = _folder(dataset_id, batch_id)
        content = (folder / MANIFEST).read_bytes()
        if not self._bucket.put_new(f"{where}/{MANIFEST}", content):
            self._bucket.remove(self._bucket.names(f"{where}/{_bytes(content)}"))
            return False
        self._bucket.remove(self._bucket.names(where + HELD))
        return True

    def hold(self, folder: Path, dataset_id: str, batch_id: str) -> None:
        """Keep a draft under the batch's name and ``.held``; nobody looks at renditions."""
        self._refuse_foreign()
        where = _folder(dataset_id, batch_id) + HELD
        self._bucket.remove(self._bucket.names(where))
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not name.startswith(f"{RENDITIONS}/"):
                self._bucket.send(path, f"{where}/{name}")
        shutil.rmtree(folder)

    def remove(self, dataset_id: str, batch_id: str) -> None:
        """Take a batch away, its manifest first: no half batch is ever there."""
        where = _folder(dataset_id, batch_id)
        self._bucket.remove([f"{where}/{MANIFEST}"])
        self._bucket.remove(self._bucket.names(where))

    def knows(self, dataset_id: str, batch_id: str) -> bool:
        """Whether anything stands under that id, landed, held or begun."""
        where = _folder(dataset_id, batch_id)
        return any(self._bucket.names(folder) for folder in (where, where + HELD))

    def commit(self, dataset_id: str, batch_id: str) -> None:
        """Put an empty object beside the manifest; the first one's time stands."""
        self._bucket.put_new(f"{_folder(dataset_id, batch_id)}/{COMMITTED}", b"")

    def committed_at(self, dataset_id: str, batch_id: str) -> datetime | None:
        """When a batch's merge was done by the store's clock, or None."""
        return self._bucket.taken_at(f"{_folder(dataset_id, batch_id)}/{COMMITTED}")

    def committed_ids(self, dataset_id: str) -> list[str]:
        """Ids of all batches whose merge is done, in order."""

        def read(batch_id: str) -> BatchManifest | None:
            found = self.manifest(dataset_id, batch_id)
            return BatchManifest.model_validate_json(found) if found else None

        query = "SELECT batch_id FROM batches WHERE is_committed = 1 ORDER BY batch_id"
        return [name for (name,) in self.index(dataset_id, read).ask(query)]

    @contextmanager
    def opened(self, dataset_id: str, batch_id: str, scratch: Path) -> Iterator[Path]:
        """A copy of a batch on this host, compared with what was written, while the block lasts."""
        where = _folder(dataset_id, batch_id)
        content = self.manifest(dataset_id, batch_id)
        if content is None:
            raise UserError(f"{self._bucket.url(where)} holds no batch any more")
        manifest = BatchManifest.model_validate_json(content)
        known = {file.path: file.sha256 for file in manifest.files}
        inside = f"{where}/{_bytes(content)}"
        names = self._bucket.names(inside)
        if not names:
            inside, names = where, self._bucket.names(where)
        copy = scratch / f"{batch_id}.opened.{uuid.uuid4().hex}.{os.getpid()}"
        copy.mkdir(parents=True, mode=0o700)
        try:
            (copy / MANIFEST).write_bytes(content)
            for name in names:
                relative = name.removeprefix(f"{inside}/")
                if relative not in (MANIFEST, COMMITTED):
                    self._bucket.fetch(name, copy / relative, known.get(relative))
            yield copy
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def next_attempt(self, dataset_id: str, batch_id: str) -> int:
        """Number a try of loading a batch, counting those that crashed."""
        return next_attempt(self._settings, dataset_id, batch_id)

    def _facts(self, dataset_id: str, batch_id: str) -> Facts | None:
        where = _folder(dataset_id, batch_id)
        landed_at = self._bucket.taken_at(f"{where}/{MANIFEST}")
        if landed_at is None:
            return None
        is_committed = self._bucket.taken_at(f"{where}/{COMMITTED}") is not None
        return Facts(int(landed_at.timestamp()) * 1_000_000_000, "", is_committed, 0)

    def _refuse_foreign(self) -> None:
        """Two installations in one landing would take each other's batches for their own.

        Raises:
            UserError: the bucket is not there, or the landing is another installation's.
        """
        if self._is_ours:
            return
        self._bucket.refuse_absent()
        own = database.identity(self._settings)
        if not self._bucket.put_new(_OWNER, own.encode()):
            found = self._bucket.get(_OWNER)
            other = found[0].decode(errors="replace") if found else "another one"
            raise UserError(
                f"{self._bucket.url('')} is the landing of installation {other}, but"
                f" {database.where(self._settings)} is the state of {own}: two installations can't"
                " share one; give this one a folder of its own, or the other one's state.url (if"
                f" that state is lost for good, remove {self._bucket.url(_OWNER)})"
            )
        self._is_ours = True


def _dataset(dataset_id: str) -> str:
    return dataset_id.replace(".", "/", 1)


def _folder(dataset_id: str, batch_id: str) -> str:
    return f"{_dataset(dataset_id)}/{batch_id}"


def _bytes(manifest: bytes) -> str:
    """The folder of a batch's bytes, as nobody else's would be called."""
    return f"of-{hashlib.sha256(manifest).hexdigest()[:32]}"
