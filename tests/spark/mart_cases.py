"""Golden cases of marts: `marts/<application>/<mart>/cases/<case>/`, read from their files."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path

from civiclake.contracts.inputs import Readable, readable
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Manifest, Mart
from civiclake.settings import project_root

OF_PIPELINE = {
    "_valid_from": "timestamp", "_valid_to": "timestamp", "_is_current": "boolean",
    "_snapshot_date": "date",
}  # fmt: skip
"""Columns of the pipeline's own that a step may look at, with their types."""
Row = dict[str, str]


@dataclass(frozen=True)
class Case:
    """One golden case."""

    mart: Mart
    folder: Path

    @property
    def id(self) -> str:
        return f"{self.mart.name}/{self.folder.name}"

    def given(self) -> dict[str, list[Row]]:
        """Rows of its inputs, by id; every value as it was written."""
        return {path.name.removesuffix(".csv"): rows(path) for path in self.inputs()}

    def inputs(self) -> list[Path]:
        return sorted((self.folder / "in").glob("*.csv"))

    def wanted(self) -> list[Row]:
        return rows(self.folder / "want.csv")


@cache
def city() -> Manifest:
    root = project_root()
    return load_city(root / "schemas", root / "expectations")


@cache
def tables() -> dict[str, Readable]:
    return readable(city().datasets, city().marts, city().links)


def cases() -> list[Case]:
    """All cases of all marts."""
    marts = project_root() / "marts"
    return [
        Case(mart, folder)
        for mart in city().marts
        for folder in sorted((marts / mart.path).parent.glob("cases/*"))
        if folder.is_dir()
    ]


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def types(one: Readable) -> dict[str, str]:
    """Types of all columns that a case may give of an input."""
    return {**one.columns, **OF_PIPELINE}


def differences(mart: Mart, wanted: list[Row], given: list[Row]) -> list[str]:
    """What differs, row by row of the key; numbers are compared to the digits that are wanted."""
    names = [column.name for column in mart.columns]
    want, have = _by_key(mart, wanted), _by_key(mart, given)
    found = [f"  missing: {row}" for key, row in want.items() if key not in have]
    found += [f"  not wanted: {row}" for key, row in have.items() if key not in want]
    for key in want.keys() & have.keys():
        found += [
            f"  {dict(zip(mart.key, key, strict=True))}: {name} is {have[key][name]!r},"
            f" wanted {want[key][name]!r}"
            for name in names
            if not _same(want[key][name], have[key][name])
        ]
    return found


def _by_key(mart: Mart, found: list[Row]) -> dict[tuple[str, ...], Row]:
    made = {tuple(row[name] for name in mart.key): row for row in found}
    assert len(made) == len(found), f"a key of {mart.key} stands twice in {found}"
    return made


def _same(wanted: str, given: str) -> bool:
    if wanted == given or not (wanted and given):
        return wanted == given
    try:
        want, have = Decimal(wanted), Decimal(given)
    except ArithmeticError:
        return False
    digits = Decimal(1).scaleb(int(want.as_tuple().exponent))
    return bool(abs(have.quantize(digits, ROUND_HALF_EVEN) - want) == 0)
