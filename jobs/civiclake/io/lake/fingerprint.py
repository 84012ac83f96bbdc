"""What a set-aside record is known by when it is delivered again."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from civiclake import columns as c

FINGERPRINT = "fingerprint"
_SAID = "_said"
_APART = "\x1f"


def with_fingerprint(
    rows: DataFrame, record: str, malformed: str, within: Column, together: Sequence[str] = ()
) -> DataFrame:
    """Add the ``fingerprint`` of each record: what it holds, and its place among its equals.

    Records that are equal in all they hold are told apart by their order, so that of three in
    one delivery three are known.

    Args:
        rows: records with lineage.
        record: column with the record as it came, a map from source column to text.
        malformed: column with the text of what is no whole record.
        within: what tells equal records apart: where each was delivered.
        together: columns that rows of one delivery share, where ``rows`` holds several.
    """
    # Without what is empty: a column that a later contract names changes no older record.
    entries = F.filter(F.map_entries(F.col(record)), lambda one: one["value"].isNotNull())
    held = F.to_json(F.array_sort(entries))
    said = F.sha2(F.concat_ws(_APART, within, held, F.coalesce(F.col(malformed), F.lit(""))), 256)
    equals = Window.partitionBy(_SAID, *together).orderBy(c.FILE, c.ROW)
    place = F.row_number().over(equals).cast("string")
    told = rows.withColumn(_SAID, said)
    made = F.sha2(F.concat_ws(_APART, F.col(_SAID), place), 256)
    return told.withColumn(FINGERPRINT, made).drop(_SAID)
