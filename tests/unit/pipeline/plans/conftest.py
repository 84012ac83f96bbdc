"""The kinds that the project declares, and one small town."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_town

from civiclake.pipeline.plans.kinds import Kind, read_kinds
from civiclake.pipeline.plans.town import Town

KINDS = Path(__file__).parents[4] / "marts" / "planning" / "kinds.yaml"


@pytest.fixture(scope="session")
def kinds() -> dict[str, Kind]:
    return read_kinds(KINDS)


@pytest.fixture(scope="session")
def town() -> Town:
    return small_town.made()
