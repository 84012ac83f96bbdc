"""What landing knows of a batch: its manifest, written once, beside the bytes as they came."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from civiclake.contracts.model import Load

MANIFEST = "manifest.json"
COMMITTED = "_COMMITTED"
RENDITIONS = "parts"
"""Folder of a batch's renditions, beside the bytes as they came."""
BACKFILL_PREFIX = "backfill-"
"""Of batches that a backfill has read from the source: no night's delivery."""
MAX_CLOCK_SKEW = timedelta(hours=1)
"""A file that says that it was changed so much later than now was written by a wrong clock."""


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
    """Of the bytes at ``path``."""
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
    folded: dict[str, int] = Field(default_factory=dict)
    """Records of a key that came before in the same reading, of which the newest counts: how many
    were the same as another (``identical_rows``), and how many were not (``differing_rows``)."""
    left: tuple[str, ...] = ()
    """Files left for the next batch, because they were still being written."""
    unrenewed: str | None = None
    """Why the batch is no delivery: the snapshot that lies there is the one served already."""

    @field_validator("files")
    @classmethod
    def _not_of_the_future(
        cls, files: tuple[LandedFile, ...], info: ValidationInfo
    ) -> tuple[LandedFile, ...]:
        """Files by a wrong clock count as of the batch, in the order of that clock.

        Earlier versions believed it: such a file would outrank all that is delivered later.
        """
        made = info.data.get("created_at")
        if made is None or all(f.modified_at <= made + MAX_CLOCK_SKEW for f in files):
            return files
        ahead = sorted(f.modified_at for f in files if f.modified_at > made + MAX_CLOCK_SKEW)
        dates = {at: made - timedelta(microseconds=i) for i, at in enumerate(reversed(ahead))}
        return tuple(
            f.model_copy(update={"modified_at": dates.get(f.modified_at, f.modified_at)})
            for f in files
        )

    @property
    def taken_at(self) -> datetime | None:
        """When the source made the newest of what came; None when nothing came."""
        return max((file.modified_at for file in self.files), default=None)
