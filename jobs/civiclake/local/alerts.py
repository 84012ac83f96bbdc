"""One line of ``<state>/run/alerts.jsonl``, for what happens outside of Airflow."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def tell(run_dir: Path, sentence: str, do: str = "", **facts: Any) -> None:
    """Write one alert, whole: in one call to the system, so that lines never mix.

    The DAG `alerts` sends it from there, as it does what tasks write.

    Args:
        run_dir: folder of process ids and logs.
        sentence: what has happened.
        do: what its reader can do.
        facts: what a machine may want to sort alerts by.
    """
    line = {"at": datetime.now(UTC).isoformat(), "alert": sentence, "do": do, **facts}
    handle = os.open(run_dir / "alerts.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, (json.dumps(line, default=str) + "\n").encode())
    finally:
        os.close(handle)
