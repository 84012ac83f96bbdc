"""What the readers of databases share: the table against the contract, ranges, sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal, localcontext
from enum import Enum, auto

from civiclake.contracts.model import Dataset
from civiclake.errors import SourceError, SourceUnavailable, UserError
from civiclake.io.landing.delivery import ask
from civiclake.io.landing.drift import kept_in_raw

_DIGITS = 200
"""More than any source's number has."""


class Fault(Enum):
    """What a database can answer instead of rows."""

    LOGIN = auto()
    NO_DATABASE = auto()
    FORBIDDEN = auto()
    MISSING = auto()
    TLS = auto()
    UNREACHABLE = auto()
    REFUSED = auto()


def what(dataset: Dataset) -> str:
    """The name of what is read."""
    if dataset.source.query:
        return f"the query of {dataset.path}"
    return f"table {dataset.source.table or dataset.name}"


def header(dataset: Dataset, found: Collection[str]) -> tuple[str, ...]:
    """The columns to read: the contract's, then what raw keeps besides."""
    return (*(c.source_name for c in dataset.columns), *kept_in_raw(dataset, list(found)))


def spellings(dataset: Dataset, found: Collection[str]) -> dict[str, str]:
    """The table's own name for a column of the contract, where it is another accepted spelling."""
    return {
        column.source_name: other
        for column in dataset.columns
        if column.source_name not in found
        for other in column.also[::-1]
        if other in found
    }


def in_contract_s_words(kinds: Mapping[str, str], spelled: Mapping[str, str]) -> dict[str, str]:
    """Types by the contract's name of a column, those that it does not know by their own."""
    known = {own: name for name, own in spelled.items()}
    return {known.get(own, own): kind for own, kind in kinds.items()}


def no_table(dataset: Dataset, where: str) -> SourceError:
    """The sentence for a table that is not there."""
    return SourceError(
        f"{dataset.id}: the database {dataset.source.database} has no table {where}: "
        f"{ask(dataset)} where it went, or correct `physicalName` in {dataset.path}"
    )


def sequence(
    dataset: Dataset, kinds: Mapping[str, str], instants: Collection[str], numbers: Collection[str]
) -> str:
    """The sequence column's name in the table, when it is of a kind that has an order."""
    if dataset.sequence is None:
        raise UserError(f"{dataset.path}: a load by watermark needs `sequence`: name the column")
    name = dataset.column(dataset.sequence).source_name
    kind = kinds[name]
    counted = dataset.overlap_seconds == 0 or per_second(dataset) is not None
    if kind not in instants and (kind not in numbers or not counted):
        raise UserError(
            f"{dataset.path}: sequence {name} is of type {kind} in the source: allowed are "
            "timestamps and dates, and numbers when there is no overlap or `epoch` says what they"
            " count"
        )
    return name


def per_second(dataset: Dataset) -> int | None:
    """What the numbers of a sequence that counts time go up by in a second."""
    epoch = dataset.column(dataset.sequence).epoch if dataset.sequence else None
    return None if epoch is None else epoch.per_second


def counted_back(dataset: Dataset, watermark: str) -> Decimal:
    """A watermark that is a number, less the overlap, to its last digit.

    Python rounds at 28 of them, and rows just below what was rounded up would never come.
    """
    units = dataset.overlap_seconds * (per_second(dataset) or 1)
    with localcontext(prec=_DIGITS):
        return Decimal(watermark) - units


def partition_column(dataset: Dataset, kinds: Mapping[str, str], numbers: Collection[str]) -> str:
    """The column that cuts the table into ranges, when it is a whole number."""
    assert dataset.source.partition is not None
    name = dataset.source.partition.column
    kind = kinds.get(name)
    if kind not in numbers:
        said = f"is of type {kind} in the source" if kind else "is not in the source"
        raise UserError(
            f"{dataset.path}: partition.column {name} {said}: allowed is a column of whole numbers"
        )
    return name


def ranges(low: int, high: int, parts: int) -> list[tuple[int | None, int | None]]:
    """Ranges (from, below) that cover every number, those outside low and high too."""
    count = max(1, min(parts, high - low + 1))
    cuts = [low + (high - low + 1) * n // count for n in range(1, count)]
    return list(zip([None, *cuts], [*cuts, None], strict=True))


def sentence(dataset: Dataset, fault: Fault, text: str) -> SourceError:
    """One sentence that names an owner.

    Args:
        dataset: the compiled contract.
        fault: what went wrong.
        text: the driver's own words, of which none is a password.
    """
    source, connection = dataset.source, (dataset.source.connection or "").upper()
    text = text.strip().splitlines()[0].strip() if text.strip() else "no reason given"
    if fault is Fault.LOGIN:
        return SourceError(
            f"{dataset.id}: database {source.database} refuses the login: check {connection}_USER "
            f"and {connection}_PASSWORD, or {ask(dataset)} for new ones"
        )
    if fault is Fault.NO_DATABASE:
        return SourceError(
            f"{dataset.id}: there is no database {source.database} on the server, or none for "
            f"this login: {ask(dataset)}, or correct `database` in {dataset.path}"
        )
    if fault is Fault.FORBIDDEN:
        return SourceError(
            f"{dataset.id}: the login may not read {_bare(dataset)} ({text}): "
            f"{ask(dataset)} to grant SELECT"
        )
    if fault is Fault.MISSING:
        return SourceError(
            f"{dataset.id}: {_bare(dataset)} is not what it was, or changed while it was read "
            f"({text}): run the batch again, or {ask(dataset)}"
        )
    if fault is Fault.TLS:
        return SourceError(
            f"{dataset.id}: the server of database {source.database} is not spoken to over TLS as"
            f" the contract demands ({text}); no login was sent: {ask(dataset)}, or correct `tls`"
            f" in {dataset.path}"
        )
    if fault is Fault.UNREACHABLE:
        return SourceUnavailable(
            f"{dataset.id}: the database {source.database} does not answer ({text}): "
            f"if it stays so, {ask(dataset)} whether it is up"
        )
    return SourceError(f"{dataset.id}: the database refused ({text}): {ask(dataset)}")


def _bare(dataset: Dataset) -> str:
    return what(dataset).removeprefix("table ")
