"""An installation of CivicLake to measure: a state folder and engines of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from civiclake import engine
from civiclake.cli.console import say
from civiclake.engine.session import connect
from civiclake.io.lake import tables
from civiclake.local.ports import free_ports
from civiclake.settings import Settings, load_settings, project_root


@contextmanager
def installation(
    parent: Path | None = None, checkout: Path | None = None
) -> Iterator[tuple[Settings, dict[str, str]]]:
    """Both engines on free ports; the folder is removed afterwards.

    Args:
        parent: where the folder is made.
        checkout: another version's, set up, whose engines they are; by default this one's.

    Yields:
        The settings, and the variables by which a command finds the same installation.
    """
    settings = fresh(parent)
    found = settings.engine
    named = {
        "CIVICLAKE_STATE_DIR": str(settings.state_dir),
        "CIVICLAKE_ENGINE__CONNECT_PORT": str(found.connect_port),
        "CIVICLAKE_ENGINE__SQL_PORT": str(found.sql_port),
    }
    try:
        if checkout is None:
            engine.up(settings, echo=say)
        else:
            _of(checkout, named, "engine", "up")
        yield settings, named
    finally:
        if checkout is None:
            engine.down(settings)
        else:
            _of(checkout, named, "engine", "down")
        shutil.rmtree(settings.state_dir, ignore_errors=True)


def _of(checkout: Path, env: dict[str, str], *words: str) -> None:
    subprocess.run([checkout / "bin" / "civiclake", *words], env={**os.environ, **env}, check=True)


def fresh(parent: Path | None = None) -> Settings:
    """Settings of an empty state folder and of free ports; nothing is started.

    Args:
        parent: where the folder is made.
    """
    state = Path(tempfile.mkdtemp(prefix="civiclake-bench-", dir=parent))
    state.chmod(0o755)
    base = load_settings()
    connect, sql, ui, database = free_ports(4)
    ports = {"connect_port": connect, "sql_port": sql}
    return base.model_copy(
        update={
            "state_dir": state,
            "engine": base.engine.model_copy(update=ports),
            "airflow": base.airflow.model_copy(update={"port": ui}),
            "postgres": base.postgres.model_copy(update={"port": database}),
        }
    )


def command(
    env: dict[str, str], verb: str, dataset: str, batch: str, checkout: Path | None = None
) -> dict[str, Any]:
    """Run one command of the night as the scheduler does; gives back what it hands over."""
    program = (checkout or project_root()) / "bin" / "civiclake"
    done = subprocess.run(
        [str(program), verb, dataset, "--batch-id", batch],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{verb} {dataset} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def bytes_in(settings: Settings) -> int:
    """Bytes of the lake and of landing."""
    return folder_bytes(Path(settings.lake)) + folder_bytes(settings.landing_dir)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def stages(settings: Settings, dataset: str, batch: str) -> dict[str, float]:
    """Seconds by step of one batch, as the ledger has them."""
    spark = connect(settings)
    try:
        rows = spark.table(tables.by_path(settings, tables.OPS, "outcomes")).collect()
        steps = [r for r in rows if r["dataset"] == dataset and r["batch_id"] == batch]
        return {r["step"]: round(r["seconds"], 2) for r in steps if r["seconds"]}
    finally:
        spark.stop()
