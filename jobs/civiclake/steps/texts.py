"""The texts of a source, before anything is made of them: blanks, and words that mean nothing."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from civiclake.contracts import model

PLAIN, EXACT, NUMBER, MOMENT = (
    f"civiclake.{name}" for name in ("plain_text", "is_exact", "is_number", "is_moment")
)
"""Functions of the engine's own (``jvm/``), for what is asked of every value: by regular
expressions it was a quarter of judging, for Spark makes a Java text of every value first."""


def given(raw: Column, column: model.Column) -> Column:
    """The text without blanks around it; null where nothing, or nothing that is meant, is left.

    Where the contract says what an absent value is taken for, that text takes its place.
    """
    text = F.call_function(PLAIN, raw)
    if column.absent:
        text = F.when(~text.isin(list(column.absent)), text)
    if column.absent_as is not None:
        text = F.coalesce(text, F.lit(column.absent_as))
    return text


def is_exact(text: Column, scale: int) -> Column:
    """Whether a text is a decimal with no digit but zeros beyond ``scale`` decimals, written
    without an exponent; false where there is no text."""
    return F.call_function(EXACT, text, F.lit(scale))


def is_number(text: Column) -> Column:
    """Whether a text is a number as programs write it; false where there is no text."""
    return F.call_function(NUMBER, text)


def is_moment(text: Column) -> Column:
    """Whether a text is a day and a time of ISO 8601, with no zone, a ``Z`` or an offset; false
    where there is no text."""
    return F.call_function(MOMENT, text)


def literal_map(pairs: dict[str, str]) -> Column:
    """A map from text to text that is the same for every row."""
    return F.create_map(*[F.lit(text) for pair in pairs.items() for text in pair])
