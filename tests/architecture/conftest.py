"""Golden cases are read here without the engine that runs them."""

from __future__ import annotations

import sys
from pathlib import Path

SPARK = Path(__file__).resolve().parents[1] / "spark"
sys.path.insert(0, str(SPARK))
