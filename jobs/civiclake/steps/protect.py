"""protect: after this step nothing that names a person goes further."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset, Protection

Pseudonymize = Callable[[Column, str], Column]
"""Makes the keyed pseudonym of a text within a domain; the engine holds the key."""


def protect(good: DataFrame, dataset: Dataset, pseudonymize: Pseudonymize) -> DataFrame:
    """Replace direct identifiers by keyed pseudonyms and leave out what may not be kept.

    The domain keeps the pseudonyms of different things apart, and those of one person the
    same in every department's table.

    Args:
        good: rows that passed validation.
        dataset: the compiled contract.
        pseudonymize: makes a pseudonym column.

    Returns:
        Exactly the columns of a table of the latest rows, and ``_is_delete`` of a change log.
    """
    kept: list[Column] = []
    for column in dataset.unified_columns:
        value = F.col(column.name)
        if column.protection is Protection.PSEUDONYM:
            value = pseudonymize(value.cast("string"), column.pseudonym_domain or column.name)
        kept.append(value.alias(column.name))
    own = [name for name, _ in c.UNIFIED_EXTRA]
    if dataset.operation is not None:
        own.append(c.IS_DELETE)
    return good.select(*kept, *[F.col(name) for name in own])
