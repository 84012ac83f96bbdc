"""Columns that are not the contract's: which hold a batch, and which are kept in raw."""

from __future__ import annotations

from collections.abc import Sequence

from civiclake.contracts.model import Dataset, NewColumn
from civiclake.contracts.read.columns import RAW_OWN
from civiclake.errors import BatchHeld
from civiclake.io.landing.delivery import ask
from civiclake.io.reading.raw_names import fits

_SHOWN_CHARACTERS = 300
"""Of a list of names, in a sentence."""


def refuse_columns(dataset: Dataset, where: str, header: Sequence[str], place: str = "") -> None:
    """Hold a delivery whose columns are not the contract's.

    Args:
        dataset: the compiled contract.
        where: what has the columns, such as a file's or a table's name.
        header: the columns that it has.
        place: where its names were found, if that may be the wrong place.

    Raises:
        BatchHeld: a column is missing, or there is one more than ``drift`` lets pass.
    """
    wanted = [column.source_name for column in dataset.columns]
    missing = [name for name in wanted if name not in header]
    added = [name for name in header if name not in wanted]
    if missing:
        others = f"is it {shown(added)} now?" if added else f"its columns are {shown(header)}"
        raise BatchHeld(
            f"{dataset.id}: {where} lacks the column {shown(missing)} ({others}){place}: "
            f"{ask(dataset)} to deliver it again, or correct {dataset.path}; the last good table "
            "stays served"
        )
    policy = dataset.drift.new_column
    if added and policy is NewColumn.HOLD:
        raise BatchHeld(
            f"{dataset.id}: {where} has the column {shown(added)}, unknown to the contract: add"
            f" it to {dataset.path} or set drift.new_column to evolve (keep it in raw) or ignore; "
            f"{ask(dataset)} what it is"
        )
    if policy is NewColumn.EVOLVE:
        refuse_unfit(dataset, where, added, [*header, *wanted])


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
        alike = {other for other in names if other.lower() == name.lower()}
        if not fits(name) or len(alike) > 1:
            raise BatchHeld(
                f"{dataset.id}: {where} has the new column {name!r}, which raw can't keep: a name"
                f" must not be one of raw's own ({', '.join(sorted(RAW_OWN))}) and must differ from"
                f" the others by more than capitals; {ask(dataset)} to rename it"
            )


def kept_in_raw(dataset: Dataset, header: Sequence[str]) -> list[str]:
    """The columns unknown to the contract that raw keeps, in order."""
    if dataset.drift.new_column is not NewColumn.EVOLVE:
        return []
    wanted = {column.source_name for column in dataset.columns}
    return [name for name in header if name not in wanted]


def shown(names: Sequence[str]) -> str:
    """Names in a sentence, not more of them than anybody would read."""
    text = ", ".join(names)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
