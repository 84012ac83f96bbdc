"""The rows of a sample within bounds: each text of a column is held once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from civiclake.io.samples.asked import CELLS, CHARACTERS

_SHARED = 50_000
"""Different texts of a column that are remembered to be shared."""


@dataclass(frozen=True)
class Collected:
    """Rows as wide as the widest, and whether they are all."""

    rows: tuple[tuple[str | None, ...], ...]
    complete: bool


def collect(rows: Iterable[Sequence[str | None]], most: int) -> Collected:
    """The first rows.

    Args:
        rows: of text, in the source's order; read one further than they are taken.
        most: how many to take; fewer are taken where they would fill the memory.
    """
    held: list[tuple[str | None, ...]] = []
    known: list[dict[str | None, str | None]] = []
    cells = characters = 0
    for row in rows:
        if len(held) == most or cells > CELLS or characters > CHARACTERS:
            return Collected(tuple(held), complete=False)
        known += [{} for _ in range(len(row) - len(known))]
        taken = []
        for value, shared in zip(row, known, strict=False):
            same = shared.get(value, shared)
            if same is shared:
                characters += len(value or "")
                if len(shared) < _SHARED:
                    shared[value] = value
                same = value
            taken.append(same)
        held.append(tuple(taken))  # type: ignore[arg-type]
        cells += len(row)
    return Collected(tuple(held), complete=True)
