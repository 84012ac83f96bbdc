"""Up to which day a dataset's records can be counted."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from civiclake.errors import UserError


def last_day(frame: DataFrame, name: str) -> date:
    """The day before the newest record was written: that day itself has only begun.

    Args:
        frame: with ``updated_at``.
        name: of the dataset, for the error.

    Raises:
        UserError: it holds no record.
    """
    newest = frame.agg(F.to_date(F.max("updated_at")).alias("day")).toPandas()["day"].iloc[0]
    if newest is None or pd.isna(newest):
        raise UserError(f"{name} holds no record yet: there is nothing to count")
    found: date = newest
    return found - timedelta(days=1)
