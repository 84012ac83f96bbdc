"""From a text to a value of a type, exactly or not at all.

Spark's own casts are kinder than a record-keeper should be: ``2015`` is a date to them, ``1.239``
a price with two decimals, ``NaN`` a measurement.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from civiclake.contracts import model
from civiclake.contracts.notation import MINUS, PERCENT, NumberNotation, Percent
from civiclake.steps.texts import is_exact, is_number

ISO_DATE = "yyyy-MM-dd"
_WITH_EXPONENT = r"^[+-]?(\d*)\.?(\d*)[eE]([+-]?\d{1,6})$"
_INTEGERS = ("int", "bigint")
_WHOLE = r"^[+-]?(?:\d+\.0*|\d*\.?\d{0,17}[eE]\+?\d{1,2})$"
"""What may be a whole number though it is written otherwise; 18 decimals tell for sure."""


def cast(text: Column, column: model.Column) -> Column:
    """The typed value, or null where the text is not exactly of that type.

    Args:
        text: what the source gave, without blanks around it.
        column: a column of any type but text and timestamp; those are read by
            :mod:`civiclake.steps.moments`.
    """
    kind = column.spark_type
    if kind == "date":
        return F.try_to_timestamp(text, F.lit(column.format or ISO_DATE)).cast("date")
    if kind.startswith("decimal"):
        return _exact(text, kind)
    if kind in ("double", "float"):
        typed = text.try_cast(kind)
        return F.when(is_number(text) & (F.abs(typed) < F.lit(float("inf"))), typed)
    typed = text.try_cast(kind)
    return F.coalesce(typed, _whole(text, kind)) if kind in _INTEGERS else typed


def plain_number(text: Column, notation: NumberNotation) -> Column:
    """The number as every program writes it; null where the text is not of the notation's form."""
    pattern = notation.pattern
    made = F.regexp_replace(text, pattern, "$1$2$3.$4$5")
    # What is not the decimal mark is a mark of groups; the minus sign becomes a hyphen.
    marks = MINUS + notation.groups.replace(".", "")
    if "." in notation.groups:
        parts = [F.regexp_replace(text, pattern, part) for part in ("$1$2", "$3", ".$4$5")]
        made = F.concat(parts[0], F.translate(parts[1], ".", ""), parts[2])
    made = F.translate(made, marks, "-")
    if notation.percent is Percent.DIVIDE:
        made = F.when(text.rlike(PERCENT), F.concat(made, F.lit("e-2"))).otherwise(made)
    return F.when(text.rlike(pattern), made)


def _whole(text: Column, kind: str) -> Column:
    """A whole number as programs write it that know no others: ``12.0``, ``1e3``."""
    number = text.try_cast("decimal(38,18)")
    typed = number.try_cast(kind)
    return F.when(text.rlike(_WHOLE) & (typed == number), typed)


def _exact(text: Column, kind: str) -> Column:
    """A decimal, where it has all digits of the text: a cast by itself would round."""
    scale = int(kind.rpartition(",")[2].rstrip(")"))
    return F.when(is_exact(text, scale) | _fits_by_exponent(text, scale), text.try_cast(kind))


def _fits_by_exponent(text: Column, scale: int) -> Column:
    """Whether ``1.5e2`` has no digit but zeros beyond ``scale`` decimals."""

    def part(index: int) -> Column:
        return F.regexp_extract(text, _WITH_EXPONENT, index)

    digits = F.concat(part(1), part(2))
    kept = F.rtrim(digits, F.lit("0"))
    decimals = F.length(part(2)) - (F.length(digits) - F.length(kept))
    needed = decimals - part(3).try_cast("int")
    return text.rlike(_WITH_EXPONENT) & ((kept == "") | (needed <= scale))
