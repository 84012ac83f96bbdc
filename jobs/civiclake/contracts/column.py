"""What a contract says of a column, of a rule and of an owner, compiled.

Plain data, frozen, and the same after a trip through JSON; a dataset and a mart hold them alike.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from civiclake.contracts.frozen import Frozen
from civiclake.contracts.notation import Epoch, NumberNotation, local_pattern
from civiclake.contracts.standards import Check, Codes


class Severity(StrEnum):
    """What a broken rule does; the words are Great Expectations' own."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Protection(StrEnum):
    """What ``protect`` does with a restricted column."""

    PSEUDONYM = "pseudonym"
    DROP = "drop"


class Reference(Frozen):
    """A foreign key: values must stand in ``dataset``'s unified table."""

    dataset: str
    """Id of the referenced dataset, such as ``health.facilities``."""
    column: str


class Column(Frozen):
    """One column of the unified table."""

    name: str
    source_name: str
    """Name in the source (ODCS ``physicalName``), by default the same; a dotted path leads
    into nested records."""
    also: tuple[str, ...] = ()
    """Other spellings of that name that deliveries may use."""
    logical_type: str
    spark_type: str
    """Spark DDL type, such as ``timestamp`` or ``decimal(12,2)``."""
    description: str = ""
    required: bool = False
    key_position: int | None = None
    """1-based place in the primary key, or None."""
    format: str | None = None
    """Java DateTimeFormatter pattern of the source's text, for dates and timestamps."""
    timezone: str = "UTC"
    """Zone in which timestamps without an offset are read."""
    absent: tuple[str, ...] = ()
    """Texts that mean that there is no value, the dataset's or the column's own."""
    absent_as: str | None = None
    """The text that an absent value is taken for, as the source would write it."""
    number: NumberNotation | None = None
    epoch: Epoch | None = None
    """For timestamps that are counted, not written."""
    classification: str = "public"
    protection: Protection | None = None
    pseudonym_domain: str | None = None
    """What keeps pseudonyms of different things apart and of the same thing together
    across datasets: the shared column's name, such as ``citizen_id``."""
    meaning: str | None = None
    """The shared column that it points to, such as ``person.citizen_id``."""
    codes: Codes | None = None
    check: Check | None = None
    reference: Reference | None = None

    @property
    def is_cast(self) -> bool:
        """Whether standardize casts this column (all but strings)."""
        return self.spark_type != "string"

    @property
    def has_local_times(self) -> bool:
        """Whether its texts may leave the zone to the contract, and that zone is not UTC."""
        if self.spark_type != "timestamp" or self.epoch or self.timezone in ("UTC", "Etc/UTC"):
            return False
        return self.format is None or local_pattern(self.format) is not None


class Rule(Frozen):
    """One check, in Great Expectations' own terms; from the contract or from a person's suite."""

    id: str
    """Short and stable, such as ``required:visit_id``; reasons in quarantine are these."""
    expectation: str
    """GX type in snake case, such as ``expect_column_values_to_not_be_null``."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    """GX arguments; ``column`` may name a helper column (see the prefixes above)."""
    severity: Severity = Severity.CRITICAL
    origin: str = "contract"
    """``contract`` or ``suite``."""
    description: str = ""


class Owner(Frozen):
    """Who answers for a dataset."""

    name: str
    contact: str
    channel: str | None = None
    """Airflow connection by which alerts go to it; None: the city's."""
