"""What the pipeline knows of a dataset, after its contract was read and found sound.

These classes are the compiled form of an ODCS contract: plain data, frozen, and the same
after a trip through JSON (the manifest that ``dags/`` reads). They say what is to be
done, never how.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from pydantic import Field

from civiclake.contracts.alert import OWN
from civiclake.contracts.alert import Alert as Alert
from civiclake.contracts.column import Column as Column
from civiclake.contracts.column import Owner as Owner
from civiclake.contracts.column import Protection as Protection
from civiclake.contracts.column import Reference as Reference
from civiclake.contracts.column import Rule as Rule
from civiclake.contracts.column import Severity as Severity
from civiclake.contracts.frozen import Frozen as Frozen
from civiclake.contracts.loading import ChangedType as ChangedType
from civiclake.contracts.loading import Drift as Drift
from civiclake.contracts.loading import DriftAction as DriftAction
from civiclake.contracts.loading import History as History
from civiclake.contracts.loading import Limits as Limits
from civiclake.contracts.loading import Load as Load
from civiclake.contracts.loading import NewColumn as NewColumn
from civiclake.contracts.loading import Occurrence as Occurrence
from civiclake.contracts.loading import Operation as Operation
from civiclake.contracts.page import Page as Page
from civiclake.contracts.source import Addressing as Addressing
from civiclake.contracts.source import FileFormat as FileFormat
from civiclake.contracts.source import ObjectStore as ObjectStore
from civiclake.contracts.source import Partition as Partition
from civiclake.contracts.source import Source as Source
from civiclake.contracts.source import SourceKind as SourceKind
from civiclake.contracts.source import Tls as Tls
from civiclake.contracts.source import TlsMode as TlsMode
from civiclake.contracts.source import naming as naming

UNCAST_PREFIX = "_uncast_"
"""Helper column: the text as given, where it could not be cast to the contract's type."""
UNKNOWN_PREFIX = "_unknown_"
"""Helper column: the text as given, where it is not in the column's code list."""
ORPHAN_PREFIX = "_orphan_"
"""Helper column: the value, where the referenced table does not hold it."""
REPLACED_PREFIX = "_replaced_"
"""Helper column: the withdrawn code as given, where it was carried to today's."""
INVALID_PREFIX = "_invalid_"
"""Helper column: why the column's check refuses the value (one of its reasons), or null."""
SKIPPED_PREFIX = "_skipped_"
"""Helper column: the text as given, where its zone's clocks skipped that time."""
AMBIGUOUS_PREFIX = "_ambiguous_"
"""Helper column: the later instant, where its zone's clocks showed the time twice."""
AHEAD_PREFIX = "_ahead_"
"""Helper column: the sequence, where it lies too far ahead of the moment of landing."""
GIVEN_PREFIX = "_given_"
"""Helper column: the text as given; only for required columns that are cast or coded."""
VALID_FROM = "_valid_from"
"""Of a table with history: when the version began to be valid."""
VALID_TO = "_valid_to"
"""When it ended, exclusive; null while it is valid."""
IS_CURRENT = "_is_current"
"""Whether the version is valid still: the row that a table of the latest rows would hold."""
SNAPSHOT_DATE = "_snapshot_date"
"""Of a table of snapshots: the night (UTC) whose state the row belongs to."""

OCCURRENCE = "_occurrence"
"""Of a line list: the row's place (from 1) among those that are equal to it."""
SOURCE_FILE = "_source_file"
"""Of a line list: the name of the file that holds the row."""
SOURCE_ROW = "_source_row"
"""Of a line list that is told apart by place: the row's number in that file."""


def key_of(columns: Iterable[Column]) -> tuple[str, ...]:
    """Names of the primary key's columns, in key order."""
    keyed = [c for c in columns if c.key_position is not None]
    return tuple(c.name for c in sorted(keyed, key=lambda c: c.key_position or 0))


class Dataset(Frozen):
    """A compiled contract."""

    id: str
    """``<department>.<name>``."""
    department: str
    name: str
    version: str
    description: str = ""
    path: str
    """Contract file, relative to ``schemas/``."""
    owner: Owner
    source: Source
    columns: tuple[Column, ...]
    load: Load
    history: History
    sequence: str | None = None
    """Column that orders the versions of a key; None: the time of delivery."""
    occurrence: Occurrence | None = None
    """How equal rows are told apart; None: rows of one key are versions of one thing."""
    operation: str | None = None
    """Column of a change log that says what was done."""
    operations: dict[str, Operation] = Field(default_factory=dict)
    """The source's word to what it means; for change logs."""
    event_time: str | None = None
    """Column with the business date: when it happened, whenever it was recorded."""
    overlap_seconds: int = 0
    drift: Drift = Drift()
    limits: Limits = Limits()
    rules: tuple[Rule, ...] = ()
    latency_seconds: int = 86400
    """How old the newest delivery may be, from ``slaProperties``."""
    schedule: str | None = None
    """Cron text of the department's DAG when this dataset asks for one of its own hour."""
    has_change_feed: bool = False
    """Whether its unified table tells what every commit changed: a mart refreshes by it."""

    @property
    def table(self) -> str:
        """Name without layer, such as ``health_visits``."""
        return f"{self.department}_{self.name}"

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the primary key's columns, in key order."""
        return key_of(self.columns)

    @property
    def unified_columns(self) -> tuple[Column, ...]:
        """The columns that go further than ``protect``; an operation is done, not kept."""
        kept = (c for c in self.columns if c.name != self.operation)
        return tuple(c for c in kept if c.protection is not Protection.DROP)

    @property
    def delete_words(self) -> tuple[str, ...]:
        """The change log's words for a key that is gone."""
        return tuple(w for w, o in self.operations.items() if o is Operation.DELETE)

    @property
    def comes_in_files(self) -> bool:
        """Whether the source is files that somebody delivers."""
        return self.source.kind in (SourceKind.S3, SourceKind.FILES, SourceKind.SFTP)

    @property
    def is_ordered_log(self) -> bool:
        """Whether of two rows of one key and moment the one that stands later is the newer.

        A log's files, and what one query reads, keep the log's order; parts of a table that are
        read at the same time do not.
        """
        is_whole = self.comes_in_files or self.source.partition is None
        return self.load is Load.CHANGES and is_whole

    @property
    def is_ordered_by_name(self) -> bool:
        """Whether of two files of one time the one with the later name is the newer."""
        by_delivery = self.load is Load.FILES and self.sequence is None
        return by_delivery and self.occurrence is None and self.history is not History.APPEND

    @property
    def reads_by_watermark(self) -> bool:
        """Whether a batch holds only what passed the watermark of its sequence column."""
        is_queried = self.load is Load.CHANGES and not self.comes_in_files
        return self.load is Load.INCREMENTAL or is_queried

    @property
    def min_rows_fraction(self) -> float:
        """The least share of the usual number of rows with which a batch is believed."""
        said = self.limits.min_rows_fraction
        return said if said is not None else (0.5 if self.load is Load.SNAPSHOT else 0.0)

    @property
    def references(self) -> tuple[str, ...]:
        """Ids of the datasets that must be loaded before this one."""
        found = {c.reference.dataset for c in self.columns if c.reference is not None}
        return tuple(sorted(found - {self.id}))

    @property
    def overlap(self) -> timedelta:
        """Overlap of incremental reads."""
        return timedelta(seconds=self.overlap_seconds)

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


ROWS_COUNTED = ("count(*)", "nullif(count(*), 0)")
"""What gives a number of rows; the second where none on record is a gap, and no zero."""


class Behind(Frozen):
    """Where the rows behind a figure of a mart are found."""

    input: str
    """Id of the input that holds them."""
    where: str
    """SQL over one of its rows; ``:day`` is the mart row's value of its column ``day``."""
    gives: str = "count(*)"
    """SQL that gives the figure over those rows."""
    when: str = "true"
    """SQL over the mart's row, likewise: of which rows of the mart it can be told."""


class Mart(Frozen):
    """A table that is made from others: one folder under ``marts/<application>/``."""

    name: str
    application: str
    version: str
    description: str = ""
    limitations: str = ""
    """What it can not tell, in the contract's words."""
    path: str
    """Its contract's file, relative to ``marts/``."""
    owner: Owner
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    """What must hold of every row of it, from its contract and from a person's suite."""
    inputs: tuple[str, ...]
    """Ids of what it reads, whose arrival makes it run: datasets, ``marts.<name>`` and
    ``links.<table>``."""
    step: str
    """A query beside its contract, or a function's whole name."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """What the function is handed; part of what makes two builds the same."""
    refresh_by: str | None = None
    """Column of the mart by whose values it is refreshed; None: it is always built whole."""
    groups: dict[str, str] = Field(default_factory=dict)
    """Input to the expression that gives a row's value of that column."""
    shows: tuple[str, ...] = ()
    """Pseudonyms that it gives out, as ``health.visits.citizen_id``."""
    reads_restricted: tuple[str, ...] = ()
    """Pseudonyms that its function is handed, in the same words."""
    smallest_group: int | None = None
    """Least number of persons of whom a row may tell something."""
    group_size: str | None = None
    """Column that counts the persons of a row; by it the runner withholds."""
    behind: dict[str, Behind] = Field(default_factory=dict)
    """Name to rows behind a figure."""
    alerts: tuple[Alert, ...] = ()
    """Which of its rows are an alarm, and whom it is told."""
    latency_seconds: int | None = None
    """How old it may be; None: as old as its slowest input, and an hour."""
    retention_seconds: int | None = None
    """How long what was published is kept; None: as long as any table's files."""
    has_change_feed: bool = False
    """Whether its table tells what every commit changed: another mart refreshes by it."""

    @property
    def id(self) -> str:
        """As other marts and the ledger call it."""
        return f"marts.{self.name}"

    @property
    def is_query(self) -> bool:
        """Whether its step is SQL."""
        return self.step.endswith(".sql")

    def rows_of(self, alert: Alert) -> str | None:
        """Which rows under ``behind`` are those of an alert; None: the mart's own."""
        always = Behind.model_fields["when"].default
        counted = (
            name
            for name, behind in self.behind.items()
            if behind.gives in ROWS_COUNTED and behind.when == always
        )
        return None if alert.rows == OWN else alert.rows or next(counted, None)

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the primary key's columns, in key order."""
        return key_of(self.columns)


class Link(Frozen):
    """A kind of thing that is recognised across datasets, such as ``person``."""

    name: str
    inputs: tuple[str, ...]
    """Ids of the datasets whose contracts say who, and whose arrival makes it run."""


class Manifest(Frozen):
    """All contracts of a city, compiled; what ``dags/`` reads."""

    version: int = 1
    fingerprint: str
    """SHA-256 over every contract, shared column, code list and suite."""
    datasets: tuple[Dataset, ...]
    marts: tuple[Mart, ...] = ()
    links: tuple[Link, ...] = ()
    pages: tuple[Page, ...] = ()
    """Of the city's brief."""
    faults: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Id of a dataset, or name of a file that is none's, to what is wrong with it now. Such a
    dataset stands here as it was when it was sound last, if it ever was."""

    def dataset(self, dataset_id: str) -> Dataset:
        """The dataset of that id.

        Raises:
            KeyError: there is none.
        """
        for dataset in self.datasets:
            if dataset.id == dataset_id:
                return dataset
        raise KeyError(dataset_id)
