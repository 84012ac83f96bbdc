"""A figure, or the reason why there is none; and the checks that all methods begin with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from civiclake.errors import UserError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Measured:
    """A figure that may be undefined: never a silent zero or NaN."""

    value: float | None
    gap: str | None = None
    """Why there is no value, or what it must not be read without; None if there is nothing."""
    count: int = 0
    """Observations behind the figure."""
    left_out: int = 0
    """Observations without a value."""


def floats(name: str, values: Iterable[Any], *, lowest: float | None = None) -> Floats:
    """Values as one row of finite numbers.

    Args:
        name: what the values are, for the error.
        values: any array, series or list of numbers.
        lowest: the least that is allowed.

    Raises:
        UserError: a value is missing, no finite number, or below ``lowest``.
    """
    try:
        found = nullable(values)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: not all of them are numbers ({error})") from None
    bad = ~np.isfinite(found)
    if bad.any():
        at = int(bad.argmax())
        raise UserError(f"{name}: number {at + 1} is {found[at]}; finite numbers are allowed")
    if lowest is not None and (found < lowest).any():
        at = int((found < lowest).argmax())
        raise UserError(f"{name}: number {at + 1} is {found[at]}; at least {lowest} is allowed")
    return found


def nullable(values: Iterable[Any]) -> Floats:
    """One row of floats; what is missing is NaN."""
    if isinstance(values, pd.Series):
        return values.to_numpy(np.float64, na_value=np.nan)
    if isinstance(values, np.ndarray):
        return values.astype(np.float64, copy=False)
    plain = (v.as_py() if isinstance(v, pa.Scalar) else v for v in values)
    return np.asarray([np.nan if v is None or v is pd.NA else v for v in plain], dtype=np.float64)


def known(values: Iterable[Any]) -> tuple[Floats, int]:
    """The finite ones of the values, and how many were left out for being missing."""
    found = nullable(values)
    kept = found[np.isfinite(found)]
    return kept, len(found) - len(kept)


def same_length(**columns: Any) -> None:
    """Refuse columns that do not belong together.

    Raises:
        UserError: their lengths differ.
    """
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise UserError(f"columns of one length are wanted, got {lengths}")
