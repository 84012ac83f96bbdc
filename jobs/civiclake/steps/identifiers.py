"""Columns of numbers with a check digit, judged in Spark's Python workers."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

from civiclake.contracts.standards import CheckKind
from civiclake.steps.numbers import JUDGES, last_day

VALUE, REASON = "value", "reason"
_RESULT = f"{VALUE} string, {REASON} string"


def checked(given: Column, kind: CheckKind) -> Column:
    """Judge a column of numbers.

    Args:
        given: the text, trimmed; null where there is none.
        kind: which standard it should keep.

    Returns:
        A struct of ``value``, the number in the standard's own writing (full-width digits
        and small letters are the same number), and ``reason``, null where nothing is wrong.
    """
    # One day for the whole batch, so that a batch that runs past midnight judges all alike.
    judge, today = JUDGES[kind], last_day()

    def judge_all(numbers: pd.Series) -> pd.DataFrame:
        found = [(None, None) if number is None else judge(number, today) for number in numbers]
        return pd.DataFrame(found, columns=[VALUE, REASON], dtype=object)

    make: Any = pandas_udf  # its types know no function that gives a struct
    judged: Column = make(judge_all, _RESULT)(given)
    return judged
