"""What PostgreSQL's driver reports, as sentences that name an owner and no password."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import psycopg
from psycopg import errors as faults

from civiclake.contracts.model import Dataset
from civiclake.io.sources.tables import Fault, sentence

_TLS = re.compile(
    r"does not support SSL|certificate verify failed|server certificate|root certificate|SSL error"
)


@contextlib.contextmanager
def translated(dataset: Dataset) -> Iterator[None]:
    """Turn the driver's errors inside the block into ours."""
    try:
        yield
    except psycopg.Error as error:
        raise sentence(dataset, _fault(error), str(error)) from None


def _fault(error: psycopg.Error) -> Fault:
    text = str(error)
    if "password authentication failed" in text or isinstance(
        error, faults.InvalidPassword | faults.InvalidAuthorizationSpecification
    ):
        return Fault.LOGIN
    if isinstance(error, faults.InvalidCatalogName) or ("database" in text and "not exist" in text):
        return Fault.NO_DATABASE
    if isinstance(error, faults.InsufficientPrivilege):
        return Fault.FORBIDDEN
    if isinstance(error, faults.UndefinedTable | faults.UndefinedColumn):
        return Fault.MISSING
    if isinstance(error, psycopg.OperationalError) and _TLS.search(text):
        return Fault.TLS
    if isinstance(error, psycopg.OperationalError):
        return Fault.UNREACHABLE
    return Fault.REFUSED
