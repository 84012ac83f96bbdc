"""Columns that are not the contract's: which hold a batch, and which are kept in raw."""

from __future__ import annotations

from collections.abc import Sequence

from civiclake.contracts.model import Dataset, FileFormat, NewColumn
from civiclake.errors import BatchHeld
from civiclake.io.sources.common import ask

_NO_COLUMN = set(" ,;{}()\n\t=")
"""Characters that a Delta table takes in no column's name."""


def refuse_columns(dataset: Dataset, where: str, header: Sequence[str]) -> None:
    """Hold a delivery whose columns are not the contract's.

    Args:
        dataset: the compiled contract.
        where: what has the columns, such as a file's or a table's name.
        header: the columns that it has.

    Raises:
        BatchHeld: a column is missing, or there is one more than ``drift`` lets pass.
    """
    wanted = [column.source_name for column in dataset.columns]
    missing = [name for name in wanted if name not in header]
    added = [name for name in header if name not in wanted]
    if missing:
        renamed = f"; is it {', '.join(added)[:200]} now?" if added else ""
        raise BatchHeld(
            f"{dataset.id}: {where} lacks the column {', '.join(missing)} (its columns are "
            f"{', '.join(header)[:300]}{_row(dataset)}){renamed}: {ask(dataset)} to deliver it again, or "
            f"correct {dataset.path}; the last good table stays served"
        )
    policy = dataset.drift.new_column
    if added and policy is NewColumn.HOLD:
        raise BatchHeld(
            f"{dataset.id}: {where} has the column {', '.join(added)}, unknown to the contract: add"
            f" it to {dataset.path} or set drift.new_column to evolve (keep it in raw) or ignore; "
            f"{ask(dataset)} what it is"
        )
    if policy is NewColumn.EVOLVE:
        refuse_unfit(dataset, where, added, [*header, *wanted])


def _row(dataset: Dataset) -> str:
    """Which row of a sheet was taken for the header: titles above it are often the reason."""
    sheet = dataset.source.format is FileFormat.XLSX
    return f", by row {dataset.source.header_row} of its sheet" if sheet else ""


def refuse_unfit(dataset: Dataset, where: str, added: Sequence[str], names: Sequence[str]) -> None:
    """Hold a delivery with a new column whose name no table can have.

    Args:
        dataset: the compiled contract.
        where: what has the columns.
        added: columns that the contract does not know.
        names: all columns, these among them.

    Raises:
        BatchHeld: raw can't keep one of them.
    """
    for name in added:
        if not _fits(name, names):
            raise BatchHeld(
                f"{dataset.id}: {where} has the new column {name!r}, which raw can't keep: allowed"
                " is a name without blanks and punctuation, which does not begin with _ and"
                f" differs from the others by more than capitals; {ask(dataset)} to rename it"
            )


def kept_in_raw(dataset: Dataset, header: Sequence[str]) -> list[str]:
    """The columns unknown to the contract that raw keeps, in order."""
    if dataset.drift.new_column is not NewColumn.EVOLVE:
        return []
    wanted = {column.source_name for column in dataset.columns}
    return [name for name in header if name not in wanted]


def _fits(name: str, others: Sequence[str]) -> bool:
    alike = {other for other in others if other.lower() == name.lower()}
    return bool(name) and not (set(name) & _NO_COLUMN) and name[0] != "_" and len(alike) == 1
