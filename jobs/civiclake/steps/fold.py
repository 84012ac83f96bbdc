"""Joining many columns by one operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column


def fold(operator: Callable[[Column, Column], Column], parts: Sequence[Column]) -> Column:
    """Join columns by an associative operator into a tree of little depth.

    A chain of fifty operators is nested fifty deep, and Spark Connect's messages allow a
    hundred levels in all; a balanced tree of them is six deep.
    """
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return operator(fold(operator, parts[:middle]), fold(operator, parts[middle:]))
