"""The texts of a source, before anything is made of them: blanks, and words that mean nothing."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from civiclake.contracts import model
from civiclake.contracts.notation import BARE, BLANKS


def given(raw: Column, column: model.Column) -> Column:
    """The text without blanks around it; null where nothing, or nothing that is meant, is left.

    Where the contract says what an absent value is taken for, that text takes its place.
    """
    trimmed = F.trim(raw, F.lit(BLANKS))
    text = F.when(raw.rlike(BARE), raw).when(trimmed != "", trimmed)
    if column.absent:
        text = F.when(~text.isin(list(column.absent)), text)
    if column.absent_as is not None:
        text = F.coalesce(text, F.lit(column.absent_as))
    return text


def literal_map(pairs: dict[str, str]) -> Column:
    """A map from text to text that is the same for every row."""
    return F.create_map(*[F.lit(text) for pair in pairs.items() for text in pair])
