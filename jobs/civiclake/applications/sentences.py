"""What is not defined, or to be read with care: one sentence for each reason, in one column."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

Sentence = tuple[Callable[[pd.DataFrame], pd.Series], str]
"""Which rows it is true of, and what is said there."""


def gaps(rows: pd.DataFrame, sentences: Sequence[Sentence]) -> pd.Series:
    """The sentences that are true of each row, joined by "; "; missing where none is."""
    told = np.full(len(rows), "", dtype=object)
    for holds, text in sentences:
        here = holds(rows).to_numpy(bool)
        told[here] = [f"{before}; {text}" if before else text for before in told[here]]
    return pd.Series([text or None for text in told], index=rows.index, dtype=object)
