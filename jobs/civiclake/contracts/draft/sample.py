"""A sample of a source: the one thing that a first contract is guessed from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from civiclake.contracts.notation import strip


@dataclass(frozen=True)
class Sample:
    """A header, rows of text, and how the source is written into a contract.

    Whoever can give this of a new kind of source needs nothing else.
    """

    header: tuple[str, ...]
    """Names as the source has them."""
    rows: tuple[tuple[str | None, ...], ...]
    """Values as text; None or empty: no value."""
    server: Mapping[str, Any]
    """The ODCS entry of ``servers``; hosts and folders as ``${NAME}``, never a secret."""
    loading: Mapping[str, Any]
    """What goes into ``civiclake`` of the contract, such as ``{load: files}``."""
    origin: str
    """For people: where the sample was taken, without credentials."""
    physical_name: str | None = None
    """Name of the table in the source."""
    physical_type: str = "table"
    declared_key: tuple[str, ...] = ()
    """The source's own primary key, where it says one."""
    declared_types: Mapping[str, str] = field(default_factory=dict)
    """The source's own type of a column, such as ``numeric(12,2)``, where it says one."""
    notes: tuple[str, ...] = ()
    """What was guessed of the source itself, such as its pages; each for a person to review."""
    complete: bool = True
    """Whether the rows are all that the source holds; else they are its first."""

    @property
    def seen(self) -> str:
        """How much was looked at, in words."""
        count = f"{len(self.rows):,}"
        return f"all {count} rows" if self.complete else f"the first {count} rows, not all,"

    def values(self, index: int, most: int) -> list[str]:
        """What stands in a column, without the empty ones: so many rows, spread over all."""
        spread = self.rows[:: max(1, -(-len(self.rows) // most))]
        return [v for row in spread if (v := strip(row[index] or ""))]

    def counted(self, index: int) -> Counter[str]:
        """The different texts of a column with their number, without the empty ones."""
        found: Counter[str] = Counter()
        for text, count in Counter(row[index] for row in self.rows).items():
            if value := strip(text or ""):
                found[value] += count
        return found
