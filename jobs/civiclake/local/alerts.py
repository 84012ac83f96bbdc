"""One line of ``<state>/run/alerts.jsonl``, for what happens outside of Airflow."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def tell(run_dir: Path, sentence: str, do: str = "", **facts: Any) -> None:
    """Write one alert, whole: in one call to the system, so that lines never mix.

    The DAG `alerts` sends it to the operators (`dags/nightly/telling.py`).

    Args:
        run_dir: folder of process ids and logs.
        sentence: what has happened.
        do: what its reader can do.
        facts: what a machine may want to sort alerts by.
    """
    line = {"at": datetime.now(UTC).isoformat(), "alert": sentence, "do": do, **facts}
    handle = os.open(run_dir / "alerts.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # A line that was torn when its writer died must not swallow this one.
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, b"\n" * torn + json.dumps(line, default=str).encode() + b"\n")
    finally:
        os.close(handle)


def tell_once(run_dir: Path, key: str, sentence: str, do: str = "", **facts: Any) -> bool:
    """Write one alert unless one of that key was written before; whether it was written.

    Only one process at once may write lines of the same key.
    """
    try:
        text = (run_dir / "alerts.jsonl").read_text(errors="replace")
    except FileNotFoundError:
        text = ""
    if json.dumps({"key": key})[1:-1] in text:
        return False
    run_dir.mkdir(parents=True, exist_ok=True)
    tell(run_dir, sentence, do, key=key, **facts)
    return True
