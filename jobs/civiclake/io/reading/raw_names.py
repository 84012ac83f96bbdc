"""Names of source columns as raw tables and landing's renditions store them.

A source may call a column ``Fee (EUR)``; a Delta table takes no such name. So what a table
refuses stands percent-encoded there, ``Fee%20%28EUR%29``, and everywhere else the column has the
name that the source gave it. Ordinary names stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from civiclake.contracts.read.columns import RAW_OWN

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# What Delta takes in no name, the quotation mark of SQL's names, and a percent sign that would
# be read as the beginning of a sign encoded here.
_ENCODED = re.compile(r"[ ,;{}()=`\x00-\x1f\x7f]|%(?=[0-9A-F]{2})")
_DECODED = re.compile(r"%([0-9A-F]{2})")


def stored(name: str) -> str:
    """The name under which a source's column is stored."""
    if name.lower() in RAW_OWN:  # a delivery may have such a column, if nothing keeps it
        return f"%5F{name[1:]}"
    return _ENCODED.sub(lambda sign: f"%{ord(sign[0]):02X}", name)


def named(name: str) -> str:
    """The source's name of a stored column: the inverse of :func:`stored`."""
    return _DECODED.sub(lambda sign: chr(int(sign[1], 16)), name)


def fits(name: str) -> bool:
    """Whether raw can keep a column of that name: the names of its own columns are taken."""
    return bool(name) and name.lower() not in RAW_OWN


def as_stored(frame: DataFrame) -> DataFrame:
    """Rows of raw with their columns' stored names."""
    return _renamed(frame, [n if n in RAW_OWN else stored(n) for n in frame.columns])


def as_named(frame: DataFrame) -> DataFrame:
    """Stored rows with the source's names of their columns."""
    return _renamed(frame, [named(name) for name in frame.columns])


def _renamed(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    return frame if list(names) == frame.columns else frame.toDF(*names)
