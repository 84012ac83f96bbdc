"""How ``education`` shows and writes what it found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from civiclake.applications.education.improve import Asked, Change
from civiclake.applications.education.standing import AMOUNTS
from civiclake.cli.console import put, show_table
from civiclake.errors import UserError
from civiclake.local.files import write_whole

_SUFFIXES = (".csv", ".json")
_FLOORED = "below the floor"


def check_path(path: Path) -> Path:
    """A path that a result can be written to; asked before anything is computed.

    Raises:
        UserError: it ends neither in .csv nor in .json, or its folder is not there.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise UserError(f"{path}: a name that ends in {' or '.join(_SUFFIXES)} is allowed")
    if not path.parent.is_dir():
        raise UserError(f"{path}: the folder {path.parent} is not there")
    return path


def show_standing(rows: pd.DataFrame, measure: str, title: str) -> None:
    """Districts, the lowest first."""
    shown = [
        (
            row.district_name or row.district_code,
            int(row.children),
            _plain(row.amount, 2),
            _digits(row.value),
            _digits(row.floor),
            _FLOORED if row.is_below else "",
            row.gap or "",
        )
        for row in _records(rows)
    ]
    columns = ["district", "children", AMOUNTS[measure], measure, "floor", "", "gap"]
    show_table(columns, shown, title)


def show_change(change: Change) -> None:
    """One change: the places that it touches or that are below their floor, and the whole."""
    is_classes = change.what == "classes"
    title = "Classes to open" if is_classes else "Teachers to move"
    have = "seats" if is_classes else "teachers"
    moved = ["opened"] if is_classes else ["in", "out"]
    rows = [
        (
            row.district_name or row.district_code,
            row.kind,
            row.children,
            *([row.given] if is_classes else [row.given, row.taken]),
            _plain(row.before, 1),
            _plain(row.after, 1),
            _digits(row.per_child_before),
            _digits(row.per_child_after),
            _digits(row.floor_per_child),
        )
        for row in _records(change.places)
        if row.given or row.taken or _is_below(row)
    ]
    columns = [
        "district", "kind", "children", *moved, f"{have} before", f"{have} after",
        "a child before", "a child after", "floor",
    ]  # fmt: skip
    show_table(columns, rows, f"{title}: {change.used}")
    before, after = change.before, change.after
    for said, one, other in (
        ("children of districts and kinds below the floor", before.share_below, after.share_below),
        ("how far below it, on average", before.depth, after.depth),
        ("severity (the squares of that)", before.severity, after.severity),
    ):
        put(f"{said}: {_percent(one)} before, {_percent(other)} after")
    put(f"Gini of {have} a child: {_digits(change.gini_before)} before,"
        f" {_digits(change.gini_after)} after")  # fmt: skip
    for sentence in change.told:
        put(sentence)
    put("")


def _is_below(row: Any) -> bool:
    """Whether a place is below its floor before anything is done."""
    return bool(row.children) and row.before < row.floor_per_child * row.children


def write(path: Path, year: int, asked: Asked, changes: Sequence[Change]) -> None:
    """All places of all changes as CSV, or the whole answer as JSON."""
    tables = [change.places.assign(what=change.what) for change in changes]
    if path.suffix.lower() == ".csv":
        text = pd.concat(tables, ignore_index=True).assign(school_year=year).to_csv(index=False)
        write_whole(path, text, mode=0o644)
        return
    answer = {
        "school_year": year,
        "asked": vars(asked),
        "changes": [
            {
                "what": change.what,
                "used": change.used,
                "bound_gap": change.bound_gap,
                "before": vars(change.before) | {"gini": change.gini_before},
                "after": vars(change.after) | {"gini": change.gini_after},
                "told": change.told,
                "places": json.loads(change.places.to_json(orient="records")),
            }
            for change in changes
        ],
    }
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False, indent=2)
    write_whole(path, text + "\n", mode=0o644)


def write_standing(path: Path, year: int, rows: pd.DataFrame) -> None:
    """The districts' standing as CSV or JSON."""
    table = rows.assign(school_year=year)
    if path.suffix.lower() == ".csv":
        text = table.to_csv(index=False)
    else:
        found = json.loads(table.to_json(orient="records"))
        text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    write_whole(path, text, mode=0o644)


def _records(rows: pd.DataFrame) -> Sequence[Any]:
    """Rows whose missing values are None."""
    plain = rows.astype(object).where(rows.notna(), None)
    return list(plain.itertuples(index=False))


def _plain(value: Any, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}".rstrip("0").rstrip(".")


def _digits(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4f}"


def _percent(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.2%}"
