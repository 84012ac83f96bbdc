"""What PostgreSQL's driver reports, as sentences that name an owner and no password."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import errors as faults

from civiclake.contracts.model import Dataset
from civiclake.errors import SourceError, SourceUnavailable
from civiclake.io.sources.common import ask


@contextlib.contextmanager
def translated(dataset: Dataset) -> Iterator[None]:
    """Turn the driver's errors inside the block into ours."""
    try:
        yield
    except psycopg.Error as error:
        raise _sentence(dataset, error) from None


def _sentence(dataset: Dataset, error: psycopg.Error) -> SourceError:
    source, connection = dataset.source, (dataset.source.connection or "").upper()
    text = str(error)
    if "password authentication failed" in text or isinstance(
        error, faults.InvalidPassword | faults.InvalidAuthorizationSpecification
    ):
        return SourceError(
            f"{dataset.id}: database {source.database} refuses the login: check {connection}_USER "
            f"and {connection}_PASSWORD, or {ask(dataset)} for new ones"
        )
    if isinstance(error, faults.InvalidCatalogName) or ("database" in text and "not exist" in text):
        return SourceError(
            f"{dataset.id}: there is no database {source.database} on the server: "
            f"{ask(dataset)}, or correct `database` in {dataset.path}"
        )
    if isinstance(error, faults.InsufficientPrivilege):
        return SourceError(
            f"{dataset.id}: the login may not read {source.table or dataset.name}: "
            f"{ask(dataset)} to grant SELECT"
        )
    if isinstance(error, faults.UndefinedTable | faults.UndefinedColumn):
        return SourceError(
            f"{dataset.id}: {source.table or dataset.name} changed while it was read: "
            f"run the batch again, or {ask(dataset)}"
        )
    if isinstance(error, psycopg.OperationalError):
        return SourceUnavailable(
            f"{dataset.id}: the database {source.database} does not answer ({_short(text)}): "
            f"if it stays so, {ask(dataset)} whether it is up"
        )
    return SourceError(f"{dataset.id}: the database refused ({_short(text)}): {ask(dataset)}")


def _short(text: str) -> str:
    """The first line of the driver's text, which never holds the password."""
    return text.strip().splitlines()[0].strip() if text.strip() else "no reason given"
