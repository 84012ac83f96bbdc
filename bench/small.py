"""``python -m bench.small``: what a warm load of 100 changed rows costs, beside an older version.

Eight datasets of four contracts are loaded in turn, each night 100 changed rows of which ten are
broken, as they were the night before. CPU seconds are those of the jobs' engine and of the client,
a load; the first nights warm the engine and don't count. Both versions run side by side, night by
night in turn, and what they serve and set aside must be the same.

    python -m bench.small --against 7d6a82a
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bench import results
from bench.results import Cost
from bench.same import DifferentResult
from civiclake.cli.console import put, say
from civiclake.settings import project_root

_TASK = Path(__file__).with_name("small_task.py")
_ROWS = 100
_WORK = "a warm load of 100 changed rows, ten of them broken (eight datasets in turn)"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command(help=__doc__)
def main(
    against: Annotated[str, typer.Option(help="A commit to measure beside; its worktree.")] = "",
    nights: Annotated[int, typer.Option(help="Nights that count.")] = 5,
    warm: Annotated[int, typer.Option(help="Nights before them.")] = 4,
    out: Annotated[Path, typer.Option("--results", help="Where the figures go.")] = results.SUMMARY,
) -> None:
    """Measure, compare, keep."""
    with ExitStack() as stack:
        checkouts = {"civiclake": project_root()}
        if against:
            checkouts[f"civiclake {against}"] = stack.enter_context(_worktree(against))
        running = {n: stack.enter_context(_task(path)) for n, path in checkouts.items()}
        told: dict[str, list[dict[str, Any]]] = {name: [] for name in running}
        for night in range(warm + nights):
            for name, task in running.items():
                told[name].append(_night(task, name))
                say(f"night {night + 1}, {name}: {told[name][-1]}")
            if len({found[-1]["content"] for found in told.values()}) > 1:
                raise DifferentResult(f"night {night + 1} is served otherwise")
    costs = [_cost(name, found[warm:]) for name, found in told.items()]
    results.keep(costs, out)
    for cost in costs:
        put(f"{cost.engine}: {cost.cpu_seconds} CPU s, {cost.wall_seconds} s; {cost.stages}")


@contextmanager
def _worktree(commit: str) -> Iterator[Path]:
    """A checkout of that commit, set up."""
    folder = Path(tempfile.mkdtemp(prefix="civiclake-then-")) / "checkout"
    git = ["git", "-C", str(project_root()), "worktree"]
    subprocess.run([*git, "add", "--detach", str(folder), commit], check=True)
    try:
        subprocess.run([str(folder / "bin" / "setup")], check=True)
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=False)
        shutil.rmtree(folder.parent, ignore_errors=True)


@contextmanager
def _task(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """A lake and an engine of that version, which loads a night for each line."""
    python = checkout / "var" / "env" / "spark" / "bin" / "python"
    task = subprocess.Popen(
        [str(python), str(_TASK)], cwd=checkout, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(checkout / "jobs")},
    )  # fmt: skip
    try:
        yield task
    finally:
        if task.stdin is not None:
            task.stdin.close()
        task.wait()


def _night(task: subprocess.Popen[str], name: str) -> dict[str, Any]:
    if task.stdin is None or task.stdout is None:
        raise SystemExit(f"{name} has no pipes")
    task.stdin.write("\n")
    task.stdin.flush()
    line = task.stdout.readline()
    if not line:
        raise SystemExit(f"{name} ended: see above")
    told: dict[str, Any] = json.loads(line)
    return told


def _cost(name: str, nights: list[dict[str, Any]]) -> Cost:
    """The median night."""
    found = {step for night in nights for step in night["steps"]}
    steps = {s: round(statistics.median(n["steps"].get(s, 0) for n in nights), 2) for s in found}
    return Cost(
        work=_WORK,
        rows=_ROWS,
        wall_seconds=round(statistics.median(n["wall"] for n in nights), 2),
        cpu_seconds=round(statistics.median(n["engine"] + n["client"] for n in nights), 2),
        peak_mb=0,
        bytes_written=0,
        engine=name,
        runs=len(nights),
        stages={
            s: round(statistics.median(n["steps"].get(s, 0) for n in nights), 2) for s in steps
        },
    )


if __name__ == "__main__":
    sys.exit(app())
