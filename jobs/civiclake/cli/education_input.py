"""What ``education`` reads: rows of a mart through the analysts' door, or a file with the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import shapely

from civiclake.cli.rows import asked, read_csv
from civiclake.errors import UserError

SUPPLY = "marts.education_supply"
DIVISIONS = "unified.geography_divisions"
YEAR = "school_year"
_TEXTS = ("district_code", "district_name", "kind", "code", "boundary")


def supply(columns: Sequence[str], file: Path | None, user: str) -> tuple[int, pd.DataFrame]:
    """Rows of the latest school year.

    Args:
        columns: of ``marts.education_supply`` that are wanted.
        file: a CSV file with them and ``school_year``; None: the lake.
        user: whose door it is.

    Returns:
        The year, and its rows.

    Raises:
        UserError: the file cannot be read or lacks a column, there is no row, or the door refuses.
    """
    wanted = [YEAR, *columns]
    if file is None:
        rows = _asked(f"SELECT {', '.join(wanted)} FROM {SUPPLY}", user)
    else:
        rows = _read(file, wanted)
    if rows.empty:
        raise UserError(f"{file or SUPPLY}: there is no row")
    year = int(rows[YEAR].max())
    return year, rows[rows[YEAR] == year].reset_index(drop=True)


def areas(file: Path | None, user: str) -> dict[str, Any]:
    """The districts' boundaries by code, as shapely areas; a district without one is left out.

    Raises:
        UserError: the file cannot be read, a boundary is no area, or the door refuses.
    """
    if file is None:
        rows = _asked(f"SELECT code, boundary FROM {DIVISIONS}", user)
    else:
        rows = _read(file, ["code", "boundary"])
    found = {}
    for code, text in rows.dropna().itertuples(index=False, name=None):
        area = shapely.from_wkt(text, on_invalid="ignore")
        if area is None or area.geom_type not in ("Polygon", "MultiPolygon") or not area.is_valid:
            raise UserError(
                f"{file or DIVISIONS}: boundary of {code}: {text[:40]!r} is no valid POLYGON or"
                " MULTIPOLYGON of WKT"
            )
        found[str(code)] = area
    return found


def _asked(sql: str, user: str) -> pd.DataFrame:
    return _typed(asked(sql, user), sql)


def _read(file: Path, wanted: Sequence[str]) -> pd.DataFrame:
    return _typed(read_csv(file, wanted), str(file))


def _typed(rows: pd.DataFrame, where: str) -> pd.DataFrame:
    for name in rows.columns:
        if name in _TEXTS:
            continue
        try:
            rows[name] = pd.to_numeric(rows[name]).astype(float)
        except (TypeError, ValueError) as error:
            raise UserError(f"{where}: column {name!r}: {error}; numbers are wanted") from None
    return rows
