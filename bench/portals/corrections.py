"""A delivery that was put right: ten rows edited, five gone, five new, and delivered again."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from bench.portals.trial import Outcome, Trial
from civiclake.contracts.model import Dataset

EDITED = ("dengue_peru", "dengue_taiwan", "dengue_pakistan", "nypd_hate_crimes")
_EDITS, _GONE, _NEW = 10, 5, 5
_COLUMN = {"dengue_pakistan": "Dengue_Cases"}
"""The column that is corrected; the last one where nothing is said."""


def again(trial: Trial, path: Path, *, as_snapshot: bool) -> list[Outcome]:
    """Load a file, then its corrected version under the same name.

    Args:
        trial: the city.
        path: the file.
        as_snapshot: whether the contract says that the file is the whole of it.
    """
    load = "snapshot" if as_snapshot else "files"
    first = Outcome(f"{path.name} ({load})", trial.draft(path))
    if first.refused:
        return [first]
    # A file that replaces another of its name takes rows away only where it is the whole state.
    trial.change(path, load=load, **({} if as_snapshot else {"occurrence": "equals"}))
    named = _key_text(trial.dataset(path))
    trial.deliver(path)
    first.refused, first.account = trial.night(path)
    if first.refused:
        return [first]
    first.compared = trial.compared(path)
    first.key = ", ".join(trial.dataset(path).key)
    corrected = corrected_copy(path, trial.settings.state_dir / "corrected", named)
    second = Outcome(f"{path.name} ({load}), corrected", key=first.key)
    trial.deliver(corrected)
    second.refused, second.account = trial.night(path)
    if not second.refused:
        second.compared = trial.compared(corrected)
    return [first, second]


def _key_text(dataset: Dataset) -> str | None:
    """The source's name of a key's column that may hold any text; None for a list without one."""
    keyed = [c for c in dataset.columns if c.key_position is not None]
    return next((c.source_name for c in keyed if c.spark_type == "string"), None)


def corrected_copy(path: Path, folder: Path, named: str | None) -> Path:
    """The file with ten values edited, five records gone and five new.

    Args:
        path: the file.
        folder: where its corrected version goes.
        named: the column in which a new record differs from an old one; None: it doesn't.
    """
    folder.mkdir(exist_ok=True)
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    chance = random.Random(15)
    column = header.index(_COLUMN.get(path.stem, header[-1]))
    for index in chance.sample(range(len(rows)), _EDITS):
        rows[index] = [*rows[index]]
        rows[index][column] = rows[index - 1][column]
    for index in sorted(chance.sample(range(len(rows)), _GONE), reverse=True):
        del rows[index]
    new = [[*row] for row in chance.sample(rows, _NEW)]
    for row in new if named else ():
        row[header.index(str(named))] += " again"
    rows += new
    target = folder / path.name
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return target
