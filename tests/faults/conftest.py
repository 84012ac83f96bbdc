"""The engines of the faults: those of `tests/spark`, started once for all of them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

SPARK = Path(__file__).parents[1] / "spark"
sys.path.insert(0, str(SPARK))
_spec = importlib.util.spec_from_file_location("engines_of_the_tests", SPARK / "conftest.py")
assert _spec is not None and _spec.loader is not None
_engines = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_engines)
settings, spark = _engines.settings, _engines.spark
