"""Landing: the bytes of every batch as they came, written once, with a manifest.

``landing/<department>/<dataset>/<batch_id>/`` appears in one rename, complete, or not at
all. A batch counts for the next one (watermark, files already taken) only after its
merge, when ``account`` marks it committed: what failed or was held is read again.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import psutil
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from civiclake.contracts.model import Dataset, Load
from civiclake.errors import UserError
from civiclake.local.disk import told_when_full
from civiclake.settings import Settings

MANIFEST = "manifest.json"
COMMITTED = "_COMMITTED"
RENDITIONS = "parts"
"""Folder of a batch's renditions, beside the bytes as they came."""
BACKFILL_PREFIX = "backfill-"
"""Of batches that a backfill has read from the source: no night's delivery."""
_HELD = ".held"
_PAGES = ".pages"
_BATCH_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LandedFile(_Frozen):
    """One delivered file (or one part of a table's snapshot), read through once."""

    path: str
    """The bytes that were read, relative to the batch's folder."""
    rendition: str | None = None
    """What landing's reader made of them and stage reads, Parquet; batches landed before there
    were renditions have none, and their ``path`` is UTF-8 CSV."""
    origin: str
    """Where it came from: a table, an object or a file, without credentials."""
    size_bytes: int
    """Size of the bytes as they came (of the ``.gz`` part for a table)."""
    sha256: str
    """Of the bytes as they came (of the ``.gz`` part for a table)."""
    rows: int
    """Records without the header; blank lines are no records."""
    header: tuple[str, ...]
    modified_at: AwareDatetime
    """When the source made it: the file's or object's time, or the snapshot's."""
    version: str
    """Tells versions of the same name apart: etag, time of change, or snapshot."""
    ragged_rows: tuple[int, ...] = ()
    """The first few records (1 is the first after the header) of another length."""
    ragged_count: int = 0
    multiline: bool = False
    """Whether a quoted value holds a line break."""
    delimiter: str = ","
    encoding: str = "utf-8"
    """Of the file at ``path``."""
    header_line: int = 1
    """The line or row of the names."""
    names_line: int | None = None
    """Further down, the line that holds all of the contract's names, where the header lacks one."""
    compressed: bool = False
    """Whether ``path`` is gzip."""
    as_came: str | None = None
    """The bytes as they came, where ``path`` is something made of them."""

    @property
    def identity(self) -> tuple[str, int, str]:
        """The same for the same version of the same file, and for nothing else."""
        return (self.origin, self.size_bytes, self.version)


class BatchManifest(_Frozen):
    """What one batch brought."""

    dataset: str
    batch_id: str
    contract_version: str
    load: Load
    created_at: AwareDatetime
    seconds: float = 0.0
    """How long reading the source took."""
    files: tuple[LandedFile, ...]
    rows: int
    bytes: int
    watermark_from: str | None = None
    """Highest sequence of the committed batches before, as the source writes it."""
    watermark_to: str | None = None
    """Highest sequence in the source when this batch was read."""
    left: tuple[str, ...] = ()
    """Files left for the next batch, because they were still being written."""
    unrenewed: str | None = None
    """Why the batch is no delivery: the snapshot that lies there is the one served already."""

    @property
    def taken_at(self) -> datetime | None:
        """When the source made the newest of what came; None when nothing came."""
        return max((file.modified_at for file in self.files), default=None)


class Draft:
    """A batch's folder while it is being written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.needed: int | None = None
        """Bytes that it will take, where they are known beforehand."""
        self._numbers = itertools.count(1)  # readers of one table may ask at the same time

    def place(self, name: str) -> str:
        """A numbered name that no reader takes for a hidden file or a pattern."""
        plain = re.sub(r"[^0-9A-Za-z._-]", "_", name)[-100:]
        return f"{next(self._numbers):04d}-{plain}"

    def path(self, relative: str) -> Path:
        """The file of that relative name; its folder is made."""
        found = self.folder / relative
        found.parent.mkdir(exist_ok=True, mode=0o700)
        return found


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
        if not _BATCH_ID.fullmatch(batch_id):
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

    def landed(self, dataset_id: str) -> list[str]:
        """Ids of all nights' batches in landing, merged or not, in order."""
        folders = (p.parent.name for p in self.dataset_dir(dataset_id).glob(f"*/{MANIFEST}"))
        nights = (n for n in folders if not n.startswith(BACKFILL_PREFIX))
        return sorted(n for n in nights if _BATCH_ID.fullmatch(n))

    def committed(self, dataset_id: str) -> list[BatchManifest]:
        """Manifests of all batches whose merge is done, by batch id."""
        folders = sorted(p.parent for p in self.dataset_dir(dataset_id).glob(f"*/{COMMITTED}"))
        return [self.manifest(dataset_id, f.name) for f in folders if f.name[0] != "."]

    def is_committed(self, dataset_id: str, batch_id: str) -> bool:
        """Whether the merge of that batch is done."""
        return (self.batch_dir(dataset_id, batch_id) / COMMITTED).exists()

    def mark_committed(self, dataset_id: str, batch_id: str) -> None:
        """Let the batch count: its rows are served, its files are taken."""
        self.manifest(dataset_id, batch_id)
        folder = self.batch_dir(dataset_id, batch_id)
        with (folder / COMMITTED).open("ab") as file:
            os.fsync(file.fileno())
        _sync_folder(folder)

    def committed_at(self, dataset_id: str, batch_id: str) -> datetime:
        """When the merge of that batch was done."""
        path = self.batch_dir(dataset_id, batch_id) / COMMITTED
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def first_landed_at(self, dataset_id: str) -> datetime | None:
        """When the dataset's first batch was landed, or None."""
        found = self.dataset_dir(dataset_id).glob(f"*/{MANIFEST}")
        first = min((path.stat().st_mtime for path in found), default=None)
        return None if first is None else datetime.fromtimestamp(first, UTC)

    def watermark(self, dataset_id: str) -> str | None:
        """Highest sequence that committed batches have read up to, or None."""
        marks = [m.watermark_to for m in self.committed(dataset_id) if m.watermark_to is not None]
        return max(marks, key=_order, default=None)

    @contextlib.contextmanager
    def drafting(self, dataset: Dataset, batch_id: str) -> Iterator[Draft]:
        """A folder to fill; it vanishes unless it is published."""
        target = self.batch_dir(dataset.id, batch_id)
        draft = Draft(target.with_name(f".{batch_id}.{os.getpid()}"))
        where = f"{dataset.id} batch {batch_id} is not landed"
        try:
            with told_when_full(
                where, self._root, needed=lambda: draft.needed, within=draft.folder
            ):
                target.parent.mkdir(parents=True, exist_ok=True)
                for folder in (self._root, target.parent.parent, target.parent):
                    folder.chmod(0o700)
                _sweep(target.parent)
                draft.folder.mkdir(mode=0o700)
                yield draft
        finally:
            shutil.rmtree(draft.folder, ignore_errors=True)

    def publish(self, draft: Draft, manifest: BatchManifest) -> BatchManifest:
        """Let the batch appear, whole; when another process was first, its batch stands."""
        with (draft.folder / MANIFEST).open("w") as file:
            file.write(manifest.model_dump_json(indent=1) + "\n")
        for path in draft.folder.rglob("*"):
            if path.is_file():
                _sync(path)
        target = self.batch_dir(manifest.dataset, manifest.batch_id)
        try:
            draft.folder.rename(target)
        except OSError:
            found = self.find(manifest.dataset, manifest.batch_id)
            if found is None:  # nobody was first: it is another trouble
                raise
            return found
        _sync_folder(target.parent)
        shutil.rmtree(self.held_dir(manifest.dataset, manifest.batch_id), ignore_errors=True)
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
        for folder in (self.batch_dir, self.pages_dir):
            shutil.rmtree(folder(dataset_id, batch_id), ignore_errors=True)

    def hold(self, draft: Draft, dataset: Dataset, batch_id: str) -> None:
        """Keep what was read beside the batches: people will want to look at it."""
        kept = self.held_dir(dataset.id, batch_id)
        shutil.rmtree(kept, ignore_errors=True)
        draft.folder.rename(kept)
        shutil.rmtree(kept / RENDITIONS, ignore_errors=True)


def taken(batches: Iterable[BatchManifest]) -> set[tuple[str, int, str]]:
    """Identities of all file versions that some batches have brought."""
    return {file.identity for batch in batches for file in batch.files}


def _order(mark: str) -> tuple[Decimal, str]:
    """Numbers in their own order, everything else (ISO dates and times) as text."""
    try:
        return (Decimal(mark), "")
    except InvalidOperation:
        return (Decimal(0), datetime.fromisoformat(mark).isoformat(timespec="microseconds"))


def _sweep(folder: Path) -> None:
    """Remove the dataset's drafts whose process is gone."""
    for stale in folder.glob(".*"):
        pid = stale.name.rpartition(".")[2]
        if not pid.isdigit() or int(pid) == os.getpid() or not psutil.pid_exists(int(pid)):
            shutil.rmtree(stale, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
