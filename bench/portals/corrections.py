"""A delivery that was put right: ten rows edited, five gone, five new, and delivered again."""

from __future__ import annotations

import csv
import random
import shutil
from pathlib import Path

from bench.portals import trial as trials
from bench.portals.trial import Outcome, Trial
from civiclake.contracts.model import Dataset

EDITED = ("dengue_peru", "dengue_taiwan", "dengue_pakistan", "nypd_hate_crimes")
_EDITS, _GONE, _NEW = 10, 5, 5
_COLUMN = {"dengue_pakistan": "Dengue_Cases"}
"""The column that is corrected, where it is not the last one beside the key."""


def again(trial: Trial, path: Path, load: str) -> list[Outcome]:
    """Load a file, then its corrected version under the same name.

    Args:
        trial: the city.
        path: the file.
        load: ``snapshot``, where the contract says that the file is the whole of it, or
            ``files``.
    """
    own = trial.settings.state_dir / "variants" / f"{path.stem}_by_{load}.csv"
    own.parent.mkdir(exist_ok=True)
    shutil.copyfile(path, own)
    first, second = Outcome(own.name), Outcome(f"{own.name}, corrected")
    first.refused = trial.draft(own)
    if first.refused:
        return [first]
    # A file that replaces another of its name takes rows away only where it is the whole state.
    trial.change(own, load=load, **({"occurrence": "equals"} if load == "files" else {}))
    dataset = trial.dataset(own)
    first.key = second.key = ", ".join(dataset.key)
    trials.load(trial, own, own, first)
    if not first.refused:
        column = _COLUMN.get(path.stem) or _last_value(dataset)
        corrected = corrected_copy(own, own.parent / "corrected", _key_text(dataset), column)
        trials.load(trial, own, corrected, second)
    return [first, second]


def _key_text(dataset: Dataset) -> str | None:
    """The source's name of a key's column that may hold any text; None for a list without one."""
    keyed = [c for c in dataset.columns if c.key_position is not None]
    return next((c.source_name for c in keyed if c.spark_type == "string"), None)


def _last_value(dataset: Dataset) -> str:
    """The last column that is no part of the key, as the source names it."""
    return next(c.source_name for c in reversed(dataset.columns) if c.name not in dataset.key)


def corrected_copy(path: Path, folder: Path, named: str | None, edited: str) -> Path:
    """The file with ten values edited, five records gone and five new.

    Args:
        path: the file.
        folder: where its corrected version goes.
        named: the column in which a new record differs from an old one; None: it doesn't.
        edited: the column that is corrected.
    """
    folder.mkdir(exist_ok=True)
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    chance = random.Random(15)
    column = header.index(edited)
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
