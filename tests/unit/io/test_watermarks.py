"""Marks that are numbers: from where the next batch is read."""

from __future__ import annotations

from functools import cache

import pytest

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset
from civiclake.contracts.notation import Epoch
from civiclake.io.sources.tables import counted_back
from civiclake.settings import project_root


@cache
def as_it_is() -> Dataset:
    """A dataset with a sequence."""
    root = project_root()
    return load_city(root / "schemas", root / "expectations").dataset("health.visits")


def visits(overlap: int, epoch: Epoch | None = None) -> Dataset:
    """The same with an overlap, and a sequence whose numbers count what ``epoch`` says."""
    found = as_it_is()
    columns = tuple(
        column.model_copy(update={"epoch": epoch}) if column.name == found.sequence else column
        for column in found.columns
    )
    return found.model_copy(update={"overlap_seconds": overlap, "columns": columns})


@pytest.mark.parametrize("mark", ["12345678901234567890123456789012345678", "0." + "1" * 37])
def test_a_mark_keeps_all_its_digits(mark: str) -> None:
    assert f"{counted_back(visits(0), mark):f}" == mark


def test_the_overlap_is_counted_as_the_numbers_are() -> None:
    assert counted_back(visits(60, Epoch.SECONDS), "1451606400") == 1451606340
    assert counted_back(visits(60, Epoch.MILLISECONDS), "1451606400000") == 1451606340000
    assert counted_back(visits(60), "1000") == 940
