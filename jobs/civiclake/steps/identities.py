"""From a dataset's rows to its identity records: who each of them speaks of."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from civiclake import columns as c
from civiclake.contracts.model import Dataset, Protection
from civiclake.contracts.read.identity import Identity

Pseudonymize = Callable[[Column, str], Column]
IDENTIFIER: Mapping[str, str] = {"person": "citizen_id", "organisation": "credit_code"}
"""By subject: the field that is an identifier with a check digit."""
_IDENTIFIER = "_identifier"
"""The identifier as the unified table shows it: a pseudonym where the contract says so."""
_LOOKS_LIKE_IDENTIFIER = "^[0-9A-Za-z]{18}$"
_SEPARATOR = "\x1f"
_CURRENT, _SNAPSHOT = "_is_current", "_snapshot_date"
_SAYS_WHO: Mapping[str, tuple[str, ...]] = {
    "person": ("citizen_id", "person_name"),
    "organisation": ("credit_code", "organisation_name"),
    "place": ("latitude", "address"),
}
"""By subject: a record with none of these speaks of nobody."""
_ENOUGH: Mapping[str, tuple[str, ...]] = {
    "person": ("birth_date", "phone", "address", "citizen_id"),
    "organisation": ("organisation_name", "credit_code"),
    "place": ("latitude", "district_code"),
}
"""By subject: two records that are equal in all they say are one only if they say one of
these beside the name. Two people called Wang Wei are not one for that."""


def current(served: DataFrame) -> DataFrame:
    """The rows of a unified table that hold now, whatever history it keeps."""
    if _CURRENT in served.columns:
        return served.where(F.col(_CURRENT))
    if _SNAPSHOT in served.columns:
        newest = served.select(F.max(_SNAPSHOT).alias("_newest"))
        return served.join(F.broadcast(newest), F.col(_SNAPSHOT) == F.col("_newest"), "left_semi")
    return served


def protected_fields(identity: Identity) -> list[str]:
    """The fields whose clear text stands in raw alone."""
    return [field for field, column in identity.columns.items() if column.protection]


def identity_records(
    served: DataFrame, raw: DataFrame | None, identity: Identity, fields: Sequence[str]
) -> DataFrame:
    """One row for each current row of a dataset, with all the subject's fields as text.

    Args:
        served: the current rows of the unified table.
        raw: the standardized raw rows, where a field is protected.
        identity: which column holds which field.
        fields: all fields of the subject; those that the dataset lacks are null.

    Returns:
        ``dataset``, ``record_key``, ``seen_at``, the fields, and the identifier as served.
    """
    dataset = identity.dataset
    hidden = protected_fields(identity)
    shown = {f: col.name for f, col in identity.columns.items() if f not in hidden}
    served = served.select(
        F.concat_ws("|", *[F.col(k).cast("string") for k in c.identity(dataset)]).alias(
            "record_key"
        ),
        F.col(c.RECORD),
        F.col(c.BATCH),
        _seen_at(dataset).alias("seen_at"),
        *[F.col(name).cast("string").alias(field) for field, name in shown.items()],
        _identifier(identity).alias(_IDENTIFIER),
    )
    if hidden and raw is not None:
        clear = raw.select(
            F.col(c.RECORD),
            F.col(c.BATCH),
            *[F.col(identity.columns[f].name).cast("string").alias(f) for f in hidden],
        )
        # By batch too: a replay puts a record into raw again, corrected.
        served = served.join(clear, [c.RECORD, c.BATCH], "left")
    texts = [
        (F.col(f) if f in identity.columns else F.lit(None)).cast("string").alias(f) for f in fields
    ]
    return served.select(
        F.lit(dataset.id).alias("dataset"), "record_key", "seen_at", *texts, _IDENTIFIER
    )


def _says(field: str) -> Column:
    """An identifier must look like one: default texts such as ``0`` or ``none`` are shared."""
    if field in IDENTIFIER.values():
        return F.coalesce(F.col(field).rlike(_LOOKS_LIKE_IDENTIFIER), F.lit(False))
    return F.col(field).isNotNull()


def _seen_at(dataset: Dataset) -> Column:
    kind = dataset.column(dataset.sequence).spark_type if dataset.sequence else "timestamp"
    known = kind in ("timestamp", "date")
    return (F.col(c.SEQUENCE) if known else F.lit(None)).cast("timestamp")


def _identifier(identity: Identity) -> Column:
    for field in IDENTIFIER.values():
        column = identity.columns.get(field)
        if column is not None and column.protection is not Protection.DROP:
            return F.col(column.name).cast("string")
    return F.lit(None).cast("string")


def with_profiles(
    records: DataFrame, subject: str, fields: Sequence[str], pseudonymize: Pseudonymize
) -> DataFrame:
    """Add ``profile_id``, the keyed pseudonym of all that a record says about who it is.

    Records that speak of nobody are left out. Records that say too little to be recognised
    by have a profile each.
    """
    someone = reduce(operator.or_, [F.col(f).isNotNull() for f in _SAYS_WHO[subject]])
    enough = reduce(operator.or_, [_says(f) for f in _ENOUGH[subject]])
    alone = F.when(~enough, F.concat_ws(_SEPARATOR, "dataset", "record_key"))
    parts = [F.coalesce(F.col(f), F.lit("")) for f in fields]
    text = F.concat_ws(_SEPARATOR, *parts, F.coalesce(alone, F.lit("")))
    return records.where(someone).withColumn("profile_id", pseudonymize(text, f"{subject}_profile"))
